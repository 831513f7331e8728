"""A warm board is noticed, and a weak supply."""

import pytest

from edge_emo.live.heat import Thermometer


@pytest.fixture
def board(tmp_path):
    (tmp_path / "class" / "thermal" / "thermal_zone0").mkdir(parents=True)
    (tmp_path / "class" / "hwmon" / "hwmon0").mkdir(parents=True)
    volts = tmp_path / "class" / "hwmon" / "hwmon1"
    volts.mkdir()
    (tmp_path / "class" / "hwmon" / "hwmon0" / "name").write_text("cpu_thermal\n")
    (volts / "name").write_text("rpi_volt\n")

    def set_to(celsius, alarm=0):
        (tmp_path / "class" / "thermal" / "thermal_zone0" / "temp").write_text(f"{celsius * 1000}\n")
        (volts / "in0_lcrit_alarm").write_text(f"{alarm}\n")

    return tmp_path, set_to


def test_the_temperature_is_told_and_the_limit_has_a_margin(board):
    root, set_to = board
    thermometer, hot = Thermometer(root), []
    for celsius in (50, 74, 75, 72, 71, 70, 74):
        set_to(celsius)
        heat = thermometer()
        assert heat.temperature_c == celsius
        hot.append(heat.is_hot)
    assert hot == [False, False, True, True, True, False, False]


def test_a_weak_supply_is_told(board):
    root, set_to = board
    set_to(40)
    assert not Thermometer(root)().under_voltage
    set_to(40, alarm=1)
    assert Thermometer(root)().under_voltage


@pytest.mark.parametrize("content", ["", "warm\n", "-274000\n", "999999999\n"])
def test_a_sensor_that_tells_nonsense_is_none(board, content):
    root, set_to = board
    set_to(40)
    (root / "class" / "thermal" / "thermal_zone0" / "temp").write_text(content)
    assert Thermometer(root)().temperature_c is None
    assert not Thermometer(root)().is_hot


def test_a_machine_without_sensors_is_cool(tmp_path):
    heat = Thermometer(tmp_path)()
    assert (heat.temperature_c, heat.is_hot, heat.under_voltage) == (None, False, False)
