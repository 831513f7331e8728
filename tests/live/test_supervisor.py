"""A device that fails in any way is opened again by its name, told once, and nothing waits longer than it must."""

import numpy as np
import pytest

from edge_emo.live.supervisor import LONGEST_WAIT_S, OPENING_S, SILENT_S, UNCHANGED_S, Device, Supervisor
from edge_emo.live.wire import Packet

TICK_S = 0.25


class World:
    """A device that does what `behave` says: it returns the packets of a tick, or an exit code and a reason."""

    def __init__(self, kind="camera", is_file=False):
        self.now_s, self.token, self.opened_s, self.killed = 0.0, "usb1", [], 0
        self.told, self.error = [], None
        self.behave = lambda process: [packet(kind, self.now_s)]
        device = Device(kind, "the device", self.open, lambda: self.token, is_file=is_file)
        self.supervisor = Supervisor(
            device, lambda: self.now_s, lambda state, reason: self.told.append((state, reason))
        )

    def open(self):
        self.opened_s.append(self.now_s)
        if self.error:
            raise self.error
        return Process(self)

    def live(self, seconds):
        """Let time pass, and return the packets."""
        packets, end_s = [], self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += TICK_S
            packets += self.supervisor.tick()
        return packets

    @property
    def states(self):
        return [state for state, _ in self.told]


class Process:
    dropped = 0

    def __init__(self, world):
        self.world, self.count = world, 0

    def take(self):
        self.count += 1
        done = self.world.behave(self)
        return done if isinstance(done, list) else []

    def ended(self):
        done = self.world.behave(self)
        return done if isinstance(done, tuple) else None

    def kill(self):
        self.world.killed += 1


def packet(kind, at_s, value=None):
    rng = np.random.default_rng(round(at_s * 100))
    if kind == "camera":
        pixels = rng.integers(0, 255, 24, np.uint8) if value is None else np.full(24, value, np.uint8)
        return Packet("i420", at_s, at_s, pixels.tobytes(), 4, 4)
    samples = rng.standard_normal(400) if value is None else np.full(400, value)
    return Packet("f32", at_s - TICK_S, at_s, samples.astype(np.float32).tobytes())


def test_what_comes_from_a_device_is_handed_on_and_that_it_works_is_told_once():
    world = World()
    assert len(world.live(60)) == 240
    assert world.told == [("open", "")]
    assert world.supervisor.status.seen_s == 60


def test_a_device_that_ends_is_tried_again_ever_more_seldom_and_told_once():
    world = World()
    world.behave = lambda process: (13, "no such device")
    world.live(200)
    gaps = np.diff(world.opened_s)
    assert gaps[:5] == pytest.approx([1, 2, 4, 8, 16])
    assert set(gaps[5:]) == {LONGEST_WAIT_S}
    assert world.told == [("lost", "no such device")]
    assert world.killed == len(world.opened_s), "all are let go of"


@pytest.mark.parametrize(
    ("ended", "hint"),
    [
        ((11, "/dev/video0: Device or resource busy"), "another program uses it"),
        ((1, "arecord: main:830: audio open error: Device or resource busy"), "another program uses it"),
        ((12, "/dev/video0: Permission denied"), "add it to the group video or audio"),
    ],
)
def test_a_device_that_others_use_or_that_is_forbidden_says_what_to_do(ended, hint):
    world = World()
    world.behave = lambda process: ended
    world.live(1)
    assert hint in world.told[0][1]
    assert ended[1] in world.told[0][1]


def test_a_device_that_cannot_even_be_started_is_tried_again():
    world = World()
    world.error = OSError(12, "Cannot allocate memory")
    world.live(3)
    assert world.told == [("lost", "cannot be started (Cannot allocate memory)")]
    world.error = None
    world.live(10)
    assert world.states == ["lost", "open"]


def test_a_device_from_which_nothing_comes_is_opened_again_after_five_seconds():
    world = World()
    world.live(20)
    world.behave = lambda process: []
    world.live(SILENT_S + 1)
    assert world.states == ["open", "lost"]
    assert "nothing came" in world.told[-1][1]


def test_a_device_may_take_long_until_the_first_frame():
    world = World()
    world.behave = lambda process: [] if process.count < 4 * (OPENING_S - 2) else [packet("camera", world.now_s)]
    world.live(30)
    assert world.states == ["open"]


@pytest.mark.parametrize("kind", ["camera", "microphone"])
@pytest.mark.parametrize("value", [0, 1])
def test_a_device_that_repeats_itself_is_dead(kind, value):
    world = World(kind)
    world.live(20)
    world.behave = lambda process: [packet(kind, world.now_s, value)]
    world.live(UNCHANGED_S + 0.5)
    assert world.states == ["open", "lost"]
    assert "again and again" in world.told[-1][1]
    world.behave = lambda process: [packet(kind, world.now_s)]
    world.live(5)
    assert world.states == ["open", "lost", "open"]
    assert world.supervisor.status.reopened == 1


def test_a_tone_that_repeats_from_block_to_block_is_no_dead_microphone():
    world = World("microphone")
    tone = np.sin(np.arange(400) * 2 * np.pi / 100).astype(np.float32).tobytes()
    world.behave = lambda process: [Packet("f32", world.now_s - TICK_S, world.now_s, tone)]
    world.live(60)
    assert world.states == ["open"]


def test_a_covered_camera_is_left_alone_ever_longer():
    world = World()
    world.behave = lambda process: [packet("camera", world.now_s, 0)]
    world.live(3600)
    assert len(world.opened_s) < 25
    assert all(gap <= 340 for gap in np.diff(world.opened_s)), "it is tried again all the same"
    assert world.states == ["open", "lost"], "and told once"


def test_a_microphone_that_was_muted_works_at_once_when_it_is_not_any_more():
    world = World("microphone")
    world.live(20)
    world.behave = lambda process: [packet("microphone", world.now_s, 0)]
    world.live(3600)
    world.behave = lambda process: [packet("microphone", world.now_s)]
    world.live(0.5)
    assert world.states == ["open", "lost", "open"]


def test_a_still_film_and_a_silent_file_are_played_to_their_end():
    for kind in ("camera", "microphone"):
        world = World(kind, is_file=True)
        world.behave = lambda process, world=world, kind=kind: [packet(kind, world.now_s, 0)]
        world.live(60)
        world.behave = lambda process: (0, "")
        world.live(60)
        assert world.states == ["open", "ended"]
        assert len(world.opened_s) == 1


def test_a_device_that_is_pulled_out_is_let_go_of_at_once_and_not_tried_while_it_is_away():
    world = World()
    world.live(20)
    world.token = None
    world.live(600)
    assert world.told[1:] == [("lost", "is not there")]
    assert (len(world.opened_s), world.killed) == (1, 1)


@pytest.mark.parametrize("number", ["usb1", "usb7"])
def test_a_device_that_comes_back_under_any_number_is_opened_within_a_second(number):
    world = World()
    world.live(20)
    world.token = None
    world.live(600)
    world.token = number
    world.live(2)
    assert world.states == ["open", "lost", "open"]


def test_a_new_device_ends_the_wait_for_one_without_a_name_of_its_own():
    world = World()
    world.behave = lambda process: (10, "no such device")
    world.token = ("a list",)
    world.live(100)  # it waits for 30 s by now
    world.behave = lambda process: [packet("camera", world.now_s)]
    before_s, world.token = world.now_s, ("a list", "one more")
    world.live(2)
    assert world.states == ["lost", "open"]
    assert world.opened_s[-1] - before_s <= 1.25


def test_off_closes_the_device_and_nothing_opens_it_until_it_is_on():
    world = World()
    world.live(20)
    world.supervisor.is_on = False
    assert world.live(100) == []
    assert (world.states, world.killed) == (["open", "off"], 1)
    world.supervisor.is_on = True
    world.live(2)
    assert world.states == ["open", "off", "opening", "open"]


def test_sound_that_comes_faster_than_time_is_of_another_rate():
    world = World("microphone")
    count = iter(range(10**6))

    def flood(process):
        start = next(count)
        return [packet("microphone", start * 3 * TICK_S + k * TICK_S) for k in range(3)]

    world.behave = flood
    world.live(20)
    assert "lost" in world.states
    assert "faster than time" in dict(world.told)["lost"]


def test_a_clock_that_is_one_in_a_thousand_too_fast_is_borne():
    world = World("microphone")
    world.behave = lambda process: [packet("microphone", world.now_s * 1.001)] if process.count % 8 == 0 else []
    world.live(3600)
    assert world.states == ["open"]


def test_a_device_that_works_for_minutes_and_fails_again_and_again_is_opened_at_once_each_time():
    world = World()
    world.behave = lambda process: [packet("camera", world.now_s)] if process.count < 200 else (13, "failed")
    world.live(600)
    assert max(np.diff(world.opened_s)) < 60
    assert world.states[:4] == ["open", "lost", "open", "lost"]
