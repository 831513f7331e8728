"""Faces of several corpora, learned by one trunk with a last layer for each."""

import os

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training of the face models needs PyTorch (pip install torch)")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="the training of the face models needs Keras")
if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend here; set KERAS_BACKEND=torch", allow_module_level=True)

from export.train.face_corpora import Crops
from export.train.face_data import LABELS, Faces
from export.train.mixed_face import (
    CROWDS,
    MixedDataset,
    held_back,
    joined,
    labelled,
    log_priors,
    mixed,
    mixed_loss,
    train,
)
from export.train.recipes import FaceRecipe


def crops_of(rng, emotions, files=None):
    pictures = rng.integers(0, 256, (len(emotions), 48, 48), np.uint8)
    files = files or tuple(f"{i:03d}.jpg" for i in range(len(emotions)))
    return Crops(pictures, tuple(emotions), tuple(files), (True,) * len(emotions))


@pytest.fixture
def data(rng):
    crowd = Faces(rng.integers(0, 256, (32, 48, 48), np.uint8), np.eye(8, dtype=np.float32)[np.arange(32) % 8])
    rare = labelled(crops_of(rng, ["happy"] * 36 + ["fearful"] * 4), 0.0)
    return mixed({"ferplus": crowd, "rafdb": rare, "expw": labelled(crops_of(rng, ["sad", "angry"] * 4), 0.3)})


def test_labels_that_are_noisy_are_spread_over_what_was_asked(rng):
    probabilities = labelled(crops_of(rng, ["sad"]), 0.3).probabilities[0]
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[LABELS.index("sad")] == pytest.approx(0.7 + 0.3 / 7)
    assert probabilities[LABELS.index("contempt")] == 0


def test_a_fold_holds_back_whole_files_and_every_face_once(rng):
    crops = crops_of(rng, ["sad"] * 20, [f"{i // 2}.jpg" for i in range(20)])
    folds = np.stack([held_back(crops, fold) for fold in range(1, 6)])
    assert (folds.sum(axis=0) == 1).all()
    assert (folds[:, ::2] == folds[:, 1::2]).all()  # the faces of one photo
    assert folds.sum(axis=1).tolist() == [4] * 5


def test_rare_labels_are_met_more_often_but_not_as_often(data):
    dataset, rare, often = MixedDataset(data, size=48, batch_size=8, seed=0), 0, 0
    for epoch in range(20):
        dataset.start_epoch(epoch)
        met = data.faces.labels[dataset._order][data.crowds[dataset._order] == CROWDS.index("rafdb")]
        rare += (met == LABELS.index("fearful")).sum()
        often += (met == LABELS.index("happy")).sum()
    assert 1 / 4 < rare / often < 1 / 2  # the root of 4 to 36
    inputs, (probabilities, crowds) = dataset[0]
    assert inputs.shape == (8, 48, 48, 1) and probabilities.shape == (8, 8) and crowds.shape == (8,)


def test_a_face_teaches_the_last_layer_of_its_corpus_under_its_prior(data):
    priors = log_priors(data)
    outputs = [torch.zeros(1, 8, requires_grad=True) for _ in CROWDS]
    target = torch.eye(8)[[LABELS.index("happy")]], torch.tensor([CROWDS.index("rafdb")])
    loss = mixed_loss(priors, outputs, target)
    loss.backward()
    assert outputs[0].grad is None or not outputs[0].grad.any()
    assert outputs[1].grad.any()
    assert float(loss.detach()) < np.log(8)  # as happy is what that corpus mostly shows


def test_what_ships_says_the_mean_of_the_last_layers(data, tmp_path, rng):
    model = train(data, tmp_path, FaceRecipe(epochs=1, batch_size=8, ema=0.0), seed=1)
    faces = rng.normal(size=(3, 48, 48, 1)).astype(np.float32)
    each = model.predict(faces, verbose=0)
    assert np.allclose(joined(model, [1, 1, 1]).predict(faces, verbose=0), np.mean(each, axis=0), atol=1e-4)
    assert np.allclose(joined(model, [0, 1, 0]).predict(faces, verbose=0), each[1], atol=1e-4)
