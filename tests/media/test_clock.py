from types import SimpleNamespace

import pytest

from edge_emo.media.clock import LONGEST_GAP_S, Clock, PacketClock


def test_stamps_that_follow_on_are_left_alone():
    clock = Clock()
    assert [clock.shift_s(0, time_s, 0.04) for time_s in (-0.08, -0.04, 0.0, 0.04, 100.0, 0.9 * LONGEST_GAP_S)] == [
        0
    ] * 6
    assert clock.breaks == []
    assert clock.warnings("a.mp4") == []


def test_a_slide_that_stays_for_long_is_no_break_while_the_sound_goes_on():
    clock = Clock()
    clock.shift_s(0, 0.0, 0.04)
    for second in range(10_000):
        clock.shift_s(1, float(second), 1.0)
    assert clock.shift_s(0, 10_000.0, 0.04) == 0
    assert clock.breaks == []


def test_streams_break_together_and_stay_together():
    """The sound was 0.2 s longer than the picture before the break; after it, both are as they are stamped."""
    clock = Clock()
    clock.shift_s(0, 10.0, 0.0)
    clock.shift_s(1, 10.2, 0.0)
    picture, sound = clock.shift_s(0, 0.0, 0.04), clock.shift_s(1, 0.0, 0.02)
    assert picture == sound == pytest.approx(10.0)
    assert len(clock.breaks) == 1
    assert "jump by -10 s at 10.0 s" in clock.warnings("a.ts")[0]


def test_a_length_of_years_does_not_let_the_next_stamp_be_years_away():
    clock = Clock()
    clock.shift_s(0, 0.0, 1e9)
    assert clock.shift_s(0, 1e9, 0.04) < -1e8


def packet(pts, dts, stream=0):
    tick = SimpleNamespace(index=stream)
    return SimpleNamespace(pts=pts, dts=dts, stream=tick, time_base=0.001, duration=40)


def passed(packets, start_time=0):
    container = SimpleNamespace(start_time=start_time, file=SimpleNamespace(file=SimpleNamespace()))
    container.streams = SimpleNamespace(video=[], audio=[])
    container.demux = lambda streams: iter(packets)
    return [(each.pts, each.dts) for each in PacketClock(container).packets()]


def test_a_single_stamp_of_years_is_taken_for_damage():
    year = 365 * 86_400_000
    assert passed([packet(0, 0), packet(40 + year, 40), packet(80, 80)]) == [(0, 0), (40, 40), (80, 80)]
    assert passed([packet(0, 0), packet(year, None), packet(80, 80)])[1] == (None, None)


def test_frames_that_are_reordered_across_a_break_stay_in_order():
    late = 1_000_000_000
    packets = [packet(0, 0), packet(40, 40, 1), packet(120 + late, 40), packet(80 + late, 80 + late, 1), packet(80, 80)]
    assert [pts for pts, _ in passed(packets)] == [0, 40, 40, 80, 80]
    packets.insert(2, packet(80 + late, 80 + late, 1))  # the sound came to the break before
    assert passed([packet(0, 0), packet(0, 0, 1), packet(40 + late, 40 + late, 1), packet(120 + late, 40)])[3] == (
        120,
        40,
    )


def test_stamps_count_from_the_earliest_stream():
    assert passed([packet(5_000, 4_900), packet(5_080, 5_000, 1)], start_time=4_900_000) == [(100, 0), (180, 100)]
    assert passed([packet(5_000, 4_900)], start_time=None) == [(5_000, 4_900)]
