from dataclasses import dataclass, replace

import numpy as np
import pytest

from edge_emo.face.detector import Face
from edge_emo.face.reader import FaceReader
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.film import Frame

BLACK = np.zeros((100, 200, 3), np.uint8)
LARGE, SMALL = Face((20.0, 20.0, 80.0, 80.0), 0.9), Face((150.0, 30.0, 170.0, 50.0), 0.8)


@dataclass
class Script:
    """A detector that finds what is written down for each frame."""

    frames: list
    name: str = "script"

    def detect(self, picture):
        return self.frames.pop(0)


def read(frames, **options):
    reader = FaceReader(Script(list(frames)), FaceRecognizer(), **options)
    return [list(reader.push(Frame(k / 5, (k + 1) / 5, BLACK))) for k in range(len(frames))]


def test_the_main_face_alone_is_read_unless_everyone_is_asked_for():
    frames = [[SMALL, LARGE], [SMALL], []]
    alone = read(frames)
    assert [[r.box for r in found] for found in alone] == [[LARGE.box], [SMALL.box], []]
    everyone = read(frames, everyone=True)
    assert [[r.box for r in found] for found in everyone] == [[LARGE.box, SMALL.box], [SMALL.box], []]
    assert [r.is_main for r in everyone[0]] == [True, False]
    # networks round a batch otherwise than a single picture
    assert everyone[0][0].probabilities == pytest.approx(alone[0][0].probabilities, abs=1e-5)


def test_readings_know_when_who_and_how_sure():
    [[reading]] = read([[LARGE]])
    assert (reading.modality, reading.start_s, reading.end_s, reading.person) == ("face", 0.0, 0.2, 1)
    assert sum(reading.probabilities) == pytest.approx(1, abs=1e-5)
    assert max(reading.probabilities) == reading.probability


def test_later_frames_change_nothing_of_earlier_ones():
    moved = [replace(LARGE, box=tuple(v + 3 * k for v in LARGE.box)) for k in range(5)]
    frames = [[face, SMALL] for face in moved]
    assert read(frames)[:3] == read(frames[:3])


def test_faces_before_and_after_a_cut_or_a_second_of_black_are_different_people(portrait):
    scene, other = portrait[:256, 96:352], portrait[256:, 96:352]
    black = np.zeros_like(scene)
    shots = [scene] * 5 + [other] * 5 + [black] * 5 + [other] * 5
    reader = FaceReader(Script([[] if picture is black else [LARGE] for picture in shots]), FaceRecognizer())
    found, cuts = [], []
    for k, picture in enumerate(shots):
        found.append(list(reader.push(Frame(k / 5, (k + 1) / 5, picture))))
        cuts += [k] * reader.is_cut
    assert cuts == [5, 10, 15]
    people = [[reading.person for reading in readings] for readings in found]
    assert people == [[1]] * 5 + [[2]] * 5 + [[]] * 5 + [[3]] * 5
