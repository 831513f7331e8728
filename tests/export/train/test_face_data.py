"""Faces to train on: whose votes count, and how they are varied."""

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("keras", reason="needs the extra: pip install '.[export]'")

from export import families
from export.train.face_data import LABELS, MEAN, SIZE, STD, FaceDataset, Faces, ferplus, standardized, vary

#        neutral happy surprised sad angry disgust fearful contempt unknown no-face
VOTES = [
    [9, 1, 0, 0, 0, 0, 0, 0, 0, 0],  # one person's vote for happy is dropped
    [0, 4, 4, 0, 0, 0, 0, 0, 2, 0],  # no emotion has more than half
    [0, 0, 0, 0, 2, 0, 0, 0, 8, 0],  # won by unknown
    [0, 0, 0, 6, 0, 0, 0, 0, 2, 2],
    [0, 0, 0, 0, 0, 0, 0, 8, 2, 0],  # a copy of another row
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # nothing left
]


@pytest.fixture
def corpus(tmp_path):
    mosaic = np.zeros((SIZE, 100 * SIZE), np.uint8)
    for number in range(len(VOTES)):
        mosaic[:, number * SIZE : (number + 1) * SIZE] = number + 1
    cv2.imwrite(str(tmp_path / "faces.png"), mosaic)
    np.savez(
        tmp_path / "labels.npz",
        votes=np.array(VOTES, np.uint8),
        usage=np.zeros(len(VOTES), np.uint8),
        duplicate_of=np.array([-1, -1, -1, -1, 0, -1]),
    )
    return tmp_path


def test_faces_to_judge_by_are_those_that_most_people_agree_on(corpus):
    faces = ferplus(corpus, 0, judged=True)
    assert faces.pictures[:, 0, 0].tolist() == [1, 4]
    assert [LABELS[label] for label in faces.labels] == ["neutral", "sad"]
    assert faces.probabilities[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_faces_to_train_on_keep_divided_votes(corpus):
    faces = ferplus(corpus, 0, judged=False)
    assert faces.pictures[:, 0, 0].tolist() == [1, 2, 4, 5]
    assert faces.probabilities[1].tolist() == [0, 0.5, 0.5, 0, 0, 0, 0, 0]
    assert len(ferplus(corpus, 1, judged=False).pictures) == 0


def test_a_missing_corpus_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"faces\.png"):
        ferplus(tmp_path, 0, judged=True)


def test_the_real_corpus(data):
    test = ferplus(data / "ferplus", 1, judged=True)
    assert len(test.pictures) == 2932
    assert np.allclose(test.probabilities.sum(axis=1), 1)
    assert {LABELS[label] for label in test.labels} == set(LABELS)


def face(rng):
    coarse = rng.integers(0, 256, (4, 4)).astype(np.uint8)
    return cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("size", [48, 64])
def test_varied_faces_are_other_pictures_of_the_same_face(rng, size):
    picture = face(rng)
    other = face(rng)
    varied = [vary(picture, size, np.random.default_rng(seed)) for seed in range(60)]
    assert all(v.shape == (size, size) and v.dtype == np.uint8 for v in varied)
    assert len({v.tobytes() for v in varied}) == 60
    mean = np.mean([0.5 * (v.astype(float) + v[:, ::-1]) for v in varied], axis=0).ravel()

    def likeness(p):
        twofold = 0.5 * (p.astype(float) + p[:, ::-1])
        return np.corrcoef(cv2.resize(twofold, (size, size)).ravel(), mean)[0, 1]

    assert likeness(picture) > 0.8 > 0.6 > likeness(other)


def test_the_same_seed_and_epoch_give_the_same_batch(rng):
    faces = Faces(np.stack([face(rng) for _ in range(8)]), np.eye(8, dtype=np.float32))

    def batch(seed, epoch):
        dataset = FaceDataset(faces, size=48, batch_size=4, seed=seed)
        dataset.start_epoch(epoch)
        assert len(dataset) == 2
        return dataset[1]

    first, same, later = batch(1, 2), batch(1, 2), batch(1, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], later[0])
    assert first[0].shape == (4, 48, 48, 1)
    assert np.allclose(first[1].sum(axis=1), 1)


def test_pixels_are_standardised_as_a_card_states_it():
    from edge_emo.face.network_input import prepare
    from edge_emo.models.schema import FacePreprocessing

    picture = np.arange(SIZE * SIZE, dtype=np.uint16).reshape(SIZE, SIZE).astype(np.uint8)
    spec = FacePreprocessing(width=SIZE, height=SIZE, mean=(MEAN,), std=(STD,))
    assert np.allclose(prepare(np.repeat(picture[..., None], 3, axis=2), spec), standardized(picture[None], 48)[0])


@pytest.mark.parametrize(("name", "limit"), [("face", 600_000), ("face-classic", 60_000)])
def test_parameters(name, limit):
    network = families.load(name).network()
    assert network.count_params() <= limit
    assert network.output_shape == (None, 8)
