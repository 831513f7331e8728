"""A face counts that is near enough, looks this way and lives; a picture of one does not."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from edge_emo.face.detector import Face, FaceDetector
from edge_emo.live.faces import STILL_S, FaceGate, turned

# right and left eye, nose, right and left corner of the mouth, in mm: x to the right of the picture, y down, z outward
POINTS = np.array([(-31.5, 0, 0), (31.5, 0, 0), (0, 39, 33), (-25, 70, 8), (25, 70, 8)], float)


def face(yaw=0.0, pitch=0.0, roll=0.0, side=100.0, at=(300.0, 200.0)):
    """Return a face as a camera far away sees it."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    seen = (POINTS - POINTS.mean(0)) @ (tilt @ nod @ turn).T
    points = seen[:, :2] * side / 160 + at
    half = side / 2
    box = (at[0] - half, at[1] - half, at[0] + half, at[1] + half)
    return Face(box, 0.9, tuple(map(tuple, points.tolist())))


@dataclass
class Found:
    """A detector that finds what it is told to."""

    faces: list = field(default_factory=list)
    name: str = "found"
    asked: int = 0

    def detect(self, picture):
        self.asked += 1
        return self.faces


@pytest.fixture
def gate():
    return FaceGate(Found())


def look(gate, faces, time_s=0.0):
    gate._detector.faces, gate.time_s = faces, time_s
    return gate.detect(np.zeros((480, 640, 3), np.uint8))


@pytest.mark.parametrize("roll", [-30, 0, 30])
@pytest.mark.parametrize("yaw", [-60, -45, -20, 0, 20, 45, 60])
def test_how_far_a_face_is_turned_to_the_side_is_told_from_its_landmarks(yaw, roll):
    assert turned(face(yaw=yaw, roll=roll))[0] == pytest.approx(yaw, abs=6)


@pytest.mark.parametrize("pitch", [-40, -20, 0, 20, 40])
def test_how_far_a_face_looks_up_or_down_is_told_from_its_landmarks(pitch):
    assert turned(face(pitch=pitch))[1] == pytest.approx(pitch, abs=8)


def test_a_face_without_landmarks_is_taken_as_it_is():
    assert turned(Face((0, 0, 50, 50), 0.9)) == (0, 0)


@pytest.mark.parametrize(
    ("yaw", "counts"), [(0, True), (25, True), (-25, True), (45, False), (-45, False), (80, False)]
)
def test_who_looks_away_is_not_read(gate, yaw, counts):
    assert bool(look(gate, [face(yaw=yaw)])) == counts
    assert gate.view == ("ok" if counts else "turned_away")


@pytest.mark.parametrize(("side", "view"), [(31, "too_small"), (32, "ok")])
def test_a_face_has_to_have_32_pixels(gate, side, view):
    look(gate, [face(side=side)])
    assert gate.view == view


def test_of_several_faces_those_that_count_are_read(gate):
    near, away = face(), face(yaw=70, at=(500, 200))
    assert look(gate, [away, near]) == [near]
    assert gate.n_faces == 2


def test_nobody_is_an_answer(gate):
    assert look(gate, []) == []
    assert gate.view == "nobody"


def test_a_closed_gate_does_not_even_look(gate):
    gate.is_closed = True
    assert look(gate, [face()]) == []
    assert gate._detector.asked == 0


def noisy(rng, pixels=0.4, **about):
    found = face(**about)
    points = np.array(found.landmarks) + rng.normal(0, pixels, (5, 2))
    box = np.array(found.box) + rng.normal(0, pixels, 4)
    return Face(tuple(box.tolist()), 0.9, tuple(map(tuple, points.tolist())))


@pytest.mark.parametrize("side", [40, 100, 200])
def test_a_picture_is_no_visitor_after_ten_seconds_and_stays_none(gate, rng, side):
    counted = [bool(look(gate, [noisy(rng, side=side)], k / 5)) for k in range(5 * 300)]
    assert all(counted[: int(5 * STILL_S)])
    assert not any(counted[int(5 * STILL_S) + 1 :])


def test_a_picture_is_known_again_after_the_light_was_out(gate, rng):
    for k in range(100):
        look(gate, [noisy(rng)], k / 5)
    for k in range(100, 5 * 1200):
        look(gate, [], k / 5)
    assert look(gate, [noisy(rng)], 1200) == []
    assert gate.view == "still"


def test_somebody_who_stands_still_as_people_do_is_a_visitor(gate, rng):
    for k in range(5 * 120):
        sway = 4 * np.sin(k / 5 / 3)  # 6 mm to each side, in six seconds
        assert look(gate, [noisy(rng, at=(300 + sway, 200))], k / 5)


def test_who_steps_before_a_picture_is_a_visitor(gate, rng):
    for k in range(100):
        look(gate, [noisy(rng)], k / 5)
    assert look(gate, [noisy(rng), noisy(rng, at=(450, 250))], 20.2)


def test_a_portrait_looks_this_way(portrait):
    found = FaceDetector().detect(portrait)[0]
    assert max(map(abs, turned(found))) < 20
