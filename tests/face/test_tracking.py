import pytest

from edge_emo.face.detector import Face
from edge_emo.face.tracking import MAX_GAP_S, Tracker, overlap

SHAPE = (480, 640)


def face(x, y, size=80, score=0.9):
    return Face((x, y, x + size, y + size), score)


def people(tracker, time_s, *faces):
    return [person for person, _ in tracker.follow(faces, time_s, SHAPE)]


def main_of(tracker, time_s, *faces):
    followed = tracker.follow(faces, time_s, SHAPE)
    return next((person for person, is_main in followed if is_main), None)


def test_overlap():
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (20, 0, 30, 10)) == 0
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_a_face_that_moves_keeps_its_number():
    tracker = Tracker()
    assert [people(tracker, t / 5, face(20 * t, 100)) for t in range(20)] == [[0]] * 20


def test_a_face_that_jumps_by_half_its_size_keeps_its_number():
    tracker = Tracker()
    assert people(tracker, 0.0, face(100, 100)) == people(tracker, 0.2, face(140, 100)) == [0]


def test_two_people_keep_theirs_in_any_order():
    tracker = Tracker()
    assert people(tracker, 0.0, face(0, 0), face(400, 300)) == [0, 1]
    assert people(tracker, 0.2, face(405, 300), face(3, 0)) == [1, 0]


def test_a_newcomer_gets_a_new_number():
    tracker = Tracker()
    people(tracker, 0.0, face(0, 0))
    assert people(tracker, 0.2, face(0, 0), face(300, 0)) == [0, 1]


def test_a_person_is_remembered_for_a_moment():
    tracker = Tracker()
    people(tracker, 0.0, face(100, 100))
    assert people(tracker, 0.4) == []
    assert people(tracker, 0.8, face(102, 100)) == [0]
    assert people(tracker, 0.9 + MAX_GAP_S) == []
    assert people(tracker, 1.0 + MAX_GAP_S, face(102, 100)) == [1]


def test_a_person_is_followed_however_rarely_one_looks():
    tracker = Tracker()
    assert [people(tracker, 5.0 * k, face(100 + k, 100)) for k in range(4)] == [[0]] * 4


def test_a_person_moves_farther_in_a_longer_time():
    for gap, expected in ((0.2, 1), (1.0, 0)):
        tracker = Tracker()
        people(tracker, 0.0, face(100, 100))
        assert people(tracker, gap, face(190, 100)) == [expected]


def test_a_much_larger_face_nearby_is_somebody_else():
    tracker = Tracker()
    people(tracker, 0.0, face(100, 100, 30))
    assert people(tracker, 0.2, face(60, 60, 200)) == [1]


def test_the_largest_face_is_the_main_one():
    assert main_of(Tracker(), 0.0, face(280, 200, 40), face(100, 200, 120)) == 1


def test_of_equal_faces_the_central_one_is_the_main_one():
    assert main_of(Tracker(), 0.0, face(0, 0), face(280, 200), face(560, 0)) == 1


def test_the_main_face_stays_until_another_counts_clearly_more():
    tracker = Tracker()
    assert main_of(tracker, 0.0, face(280, 200, 80)) == 0
    for t in range(1, 30):
        assert main_of(tracker, t / 5, face(280, 200, 80), face(100, 200, 84)) == 0
    followed = tracker.follow([face(280, 200, 80), face(100, 200, 84), face(300, 150, 260)], 6.0, SHAPE)
    assert [is_main for _, is_main in followed] == [False, False, True]


def test_the_main_face_goes_over_when_it_is_left():
    tracker = Tracker()
    assert main_of(tracker, 0.0, face(280, 200), face(0, 0, 60)) == 0
    assert main_of(tracker, 0.2, face(0, 0, 60)) == 1


def test_no_faces_are_no_people():
    assert Tracker().follow([], 0.0, SHAPE) == []


def test_a_face_after_a_cut_is_somebody_else_and_the_main_one_is_chosen_anew():
    tracker = Tracker()
    assert main_of(tracker, 0.0, face(280, 200, 80)) == 0
    tracker.cut()
    followed = tracker.follow([face(280, 200, 80), face(200, 200, 90)], 0.2, SHAPE)
    assert followed == [(1, False), (2, True)], "no loyalty to a place"
