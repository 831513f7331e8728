"""A service on a simulated clock: jumps of the wall clock, heat, switches, and songs without a history."""

import random

import pytest

from benchmarks.live_world import Clock, World
from edge_emo.core.errors import UserDataError
from edge_emo.live.events import DeviceEvent, Feeling, Heat, PresenceEvent, ReadingEvent, StatusEvent
from edge_emo.live.proposing import Proposer
from edge_emo.live.service import Plan, Service
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History


class Run:
    """A service with a world around it."""

    def __init__(self, analyzer, **options):
        self.clock, self.events, self.kept, self.wall_s = Clock(), [], [], 1e9
        self.world = World(self.clock, random.Random(0))
        devices = [self.world.device("camera"), self.world.device("microphone")]
        self.service = Service(
            Plan(analyzer, lambda visit, feeling: ()),
            devices,
            bell=self.clock,
            keep=self.kept.append,
            wall=lambda: self.wall_s,
            **{"thermometer": Heat, **options},
        )
        self.service.subscribe(self.events.append)

    def live(self, seconds):
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.service.turn()
            self.clock.wait(0.25)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_jump_of_the_wall_clock_changes_no_visit(analyzer, jump_s):
    run = Run(analyzer)
    run.live(10)
    run.world.visitor = True
    run.live(10)
    run.wall_s += jump_s
    run.live(10)
    assert [event.is_present for event in run.of(PresenceEvent)] == [True]
    run.world.visitor = False
    run.live(19)
    assert len(run.of(PresenceEvent)) == 1
    run.live(3)
    assert [event.is_present for event in run.of(PresenceEvent)] == [True, False]
    assert [event.state for event in run.of(DeviceEvent)] == ["open", "open"]


def test_a_hot_board_looks_half_as_often_and_says_so(analyzer):
    heat = [Heat(temperature_c=78.0, is_hot=True)]
    run = Run(analyzer, thermometer=lambda: heat[0])
    run.live(15)
    assert run.of(StatusEvent)[-1].fps == 2.5
    assert run.of(StatusEvent)[-1].heat.is_hot
    heat[0] = Heat(temperature_c=60.0)
    run.live(15)
    assert run.service.status().fps == 5


def test_the_other_modality_goes_on_while_one_is_away(analyzer):
    run = Run(analyzer)
    run.live(10)
    run.world.unplug("microphone")
    run.live(10)
    run.world.visitor = True
    run.live(10)
    assert [event.by for event in run.of(PresenceEvent)] == ["face"]
    assert {event.reading.modality for event in run.of(ReadingEvent)} == {"face"}


def test_a_switch_is_kept_once_and_closes_the_device(analyzer):
    run = Run(analyzer)
    run.live(5)
    run.service.switch("camera", False)
    run.live(5)
    assert run.kept == [{"camera": False, "microphone": True}]
    assert run.world.opened - run.world.closed == 1
    assert [(e.device, e.state) for e in run.of(DeviceEvent)][-1] == ("camera", "off")


def test_what_was_off_is_not_even_opened_after_a_restart(analyzer):
    run = Run(analyzer, switches={"camera": False, "microphone": False})
    run.live(5)
    assert run.world.opened == 0
    assert {each.state for each in run.service.status().devices} == {"off"}


def test_the_last_turn_is_known_to_whoever_watches_over_it(analyzer):
    run = Run(analyzer)
    run.live(5)
    assert run.clock.now_s - run.service.turn_s <= 0.25
    assert all(run.clock.now_s - each.seen_s <= 1.5 for each in run.service.status().devices)


@pytest.fixture
def feeling():
    probabilities = (0.05, 0.05, 0.6, 0.05, 0.05, 0.05, 0.05, 0.1)
    return Feeling(
        emotion="happy", raw="happy", probability=0.6, probabilities=probabilities, valence=0.5, arousal=0.3, held_s=3
    )


def test_in_a_visit_no_song_comes_twice_and_each_visit_is_a_session(tmp_path, feeling):
    with Catalogue() as catalogue, UserDatabase(tmp_path / "edge-emo.sqlite") as database:
        propose = Proposer(Recommender(catalogue, History(database)), 5, Filters())
        uids = [item.song.uid for _ in range(3) for item in propose(1, feeling)]
        assert len(set(uids)) == 15
        propose(2, feeling)
        sessions = [event.session for event in History(database).events()]
    assert len(set(sessions)) == 2


def test_a_full_disk_is_told_once_and_songs_come_all_the_same(tmp_path, feeling, monkeypatch):
    told = []

    def full(*args, **kwargs):
        raise UserDataError("the disk is full; make room on the disk")

    with Catalogue() as catalogue, UserDatabase(tmp_path / "edge-emo.sqlite") as database:
        history = History(database)
        monkeypatch.setattr(history, "shown", full)
        propose = Proposer(Recommender(catalogue, history), 5, Filters(), told.append)
        assert [len(propose(visit, feeling)) for visit in (1, 2, 3)] == [5, 5, 5]
    assert len(told) == 1
    assert "full" in told[0]
