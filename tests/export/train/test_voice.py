"""How voice networks are trained, on PyTorch; see docs/training.md."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training of the voice models needs PyTorch (pip install torch)")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="the training of the voice models needs Keras")
if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend here; set KERAS_BACKEND=torch", allow_module_level=True)

from edge_emo.audio import mfcc
from edge_emo.audio.specification import FeatureSpec
from edge_emo.core.emotions import EMOTIONS
from export.train import teacher
from export.train.corpora import Clip
from export.train.recipes import VoiceRecipe
from export.train.runs import input_spec, load_network
from export.train.voice import partial_loss, train, training_spectra, wanted_of
from export.train.voice_data import Spectrum

RECIPE = VoiceRecipe(epochs=1, batch_size=8, mixup=0.0)


@pytest.fixture(scope="module")
def spectra(sample):
    spec = FeatureSpec(floor=1e-20)
    names = [*EMOTIONS, *EMOTIONS]
    return [
        Spectrum(Clip(Path(f"{i}.flac"), "ravdess", i % 4, None, name), mfcc.compute(sample[i * 800 :], spec), 10, 250)
        for i, name in enumerate(names)
    ]


def test_nothing_is_learned_about_an_emotion_that_was_not_asked_for():
    logits = torch.zeros(2, 8, requires_grad=True)
    asked = torch.ones(2, 8, dtype=torch.bool)
    asked[0, 1] = False
    probabilities = torch.eye(8)[[0, 1]]
    partial_loss([logits], (probabilities, asked, torch.ones(2))).backward()
    assert logits.grad[0, 1] == 0
    assert logits.grad[0, 2] > 0 > logits.grad[0, 0]
    assert (logits.grad[1] != 0).all()


def test_a_target_is_what_the_label_and_the_teacher_of_other_people_say(spectra, tmp_path, rng):
    stems = [s.clip.path.stem for s in spectra]
    np.savez(tmp_path / "ravdess.npz", names=stems, heard=rng.normal(size=(16, 6)).astype(np.float16))
    plain, taught = (wanted_of(spectra, RECIPE, heard) for heard in (None, tmp_path))
    assert np.allclose(plain.probabilities.max(axis=1), 0.9 + 0.1 / 8)
    assert np.allclose(taught.probabilities.sum(axis=1), 1, atol=1e-5)
    own = taught.probabilities[np.arange(16), [s.clip.label for s in spectra]]
    assert (own >= 0.4 * (0.9 + 0.1 / 8) - 1e-6).all()
    assert own.min() < 0.5  # as chance has it where nothing is to be heard


def test_a_refined_network_keeps_its_front_end_and_starts_at_the_trained_one(spectra, tmp_path):
    wanted = wanted_of(spectra, RECIPE, None)
    first, spec = train("voice", spectra, wanted, [], tmp_path / "first", RECIPE, seed=3)
    first.save_weights(tmp_path / "first" / "model.weights.h5")
    (tmp_path / "first" / "card.json").write_text(json.dumps({"name": "voice", "input": asdict(spec)}))
    assert input_spec(tmp_path / "first") == spec
    still = VoiceRecipe(epochs=1, batch_size=8, learning_rate=1e-9)
    refined, kept = train(
        "voice", spectra[:8], wanted_of(spectra[:8], still, None), [], tmp_path / "then", still, 4, tmp_path / "first"
    )
    assert kept == spec
    trained = load_network(tmp_path / "first")
    for before, after in zip(trained.trainable_variables, refined.trainable_variables, strict=True):
        assert np.allclose(before.numpy(), after.numpy(), atol=1e-6)


def test_a_refined_network_goes_a_part_of_the_way(spectra, tmp_path):
    wanted, recipe = wanted_of(spectra, RECIPE, None), replace(RECIPE, learning_rate=1e-2)
    first, spec = train("voice", spectra, wanted, [], tmp_path / "first", recipe, seed=3)
    first.save_weights(tmp_path / "first" / "model.weights.h5")
    (tmp_path / "first" / "card.json").write_text(json.dumps({"name": "voice", "input": asdict(spec)}))
    old, whole, half = load_network(tmp_path / "first"), None, None
    for share in (1.0, 0.5):
        part = replace(recipe, blend=share)
        found, _ = train("voice", spectra, wanted, [], tmp_path / str(share), part, 4, tmp_path / "first")
        whole, half = (found, half) if share == 1.0 else (whole, found)
    for a, b, c in zip(old.get_weights(), half.get_weights(), whole.get_weights(), strict=True):
        assert np.allclose(b, (a + c) / 2, atol=1e-4)
    assert max(np.abs(c - a).max() for a, c in zip(old.get_weights(), whole.get_weights(), strict=True)) > 1e-2


def test_a_fold_trains_on_none_of_its_actors(spectra):
    assert {s.clip.speaker for s in training_spectra(spectra, "4")} == {0, 2, 3}  # 1 is held out there
    assert len(training_spectra(spectra, "all")) == 16
    stranger = replace(spectra[0], clip=replace(spectra[0].clip, corpus="nemo"))
    assert stranger in training_spectra([*spectra, stranger], "4")
    assert training_spectra([*spectra, stranger], "apart") == spectra


def test_groups_of_people_are_as_large_as_can_be():
    assert np.bincount(teacher.group(list("abcdefghijkl"), 5, 0)).tolist() == [3, 3, 2, 2, 2]
