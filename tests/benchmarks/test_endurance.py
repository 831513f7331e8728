"""A live service outlives every unplug of its devices, and tells each once."""

from benchmarks.endurance import endure, reopen


def test_every_device_is_back_soon_and_every_event_is_told_once():
    found = endure(1.0, 12, seed=3)
    assert found["back_soon"] == found["lost_events"] == found["open_events"] - 2 == 12
    assert found["visits"] == found["came_events"] == found["went_events"] > 1
    assert found["held_processes"] == 2


def test_real_processes_leave_nothing_behind():
    found = reopen(5)
    for what in ("descriptors", "threads", "children"):
        assert found[f"{what}_before"] == found[f"{what}_after"]
