"""What training sees: people apart, augmentation that keeps its promises. Needs TensorFlow for Keras."""

import numpy as np
import pytest

from edge_emo.audio import mfcc
from edge_emo.audio.specification import FeatureSpec, InputSpec
from export.augment import Augmenter, mask
from export.corpora import RAVDESS_FOLDS, emodb, ravdess


def test_folds_are_apart_and_leave_out_the_independent_test_set():
    actors = [actor for fold in RAVDESS_FOLDS.values() for actor in fold]
    assert len(actors) == len(set(actors)) == 19
    assert not {2, 5, 14, 15, 16} & set(actors)


def test_augmentation_keeps_shape_and_changes_values(sample, rng):
    spec = FeatureSpec()
    spectrum = mfcc.compute(sample, spec)
    augmenter = Augmenter(spec)
    for _ in range(50):
        varied = augmenter(spectrum, rng)
        assert varied.shape[1] == spectrum.shape[1]
        assert 0.8 < len(varied) / len(spectrum) < 1.25
        assert np.isfinite(varied).all()
    again = Augmenter(spec)(spectrum, np.random.default_rng(3))
    assert np.array_equal(again, Augmenter(spec)(spectrum, np.random.default_rng(3)))


def test_a_higher_pitch_moves_the_spectrum_up():
    spec = FeatureSpec()
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    spectrum = mfcc.compute(tone, spec)
    raised = Augmenter(spec)._warp(spectrum, 1.0, 2 ** (4 / 12))
    expected = mfcc.compute(np.sin(2 * np.pi * 1260 * np.arange(16000) / 16000).astype(np.float32), spec)
    assert abs(int(raised.mean(axis=0).argmax()) - int(expected.mean(axis=0).argmax())) <= 1


def test_noise_lands_at_its_level(sample):
    spec = FeatureSpec()
    spectrum = mfcc.compute(sample, spec)
    noisy = Augmenter(spec)._add_noise(spectrum, np.random.default_rng(0))
    power = [10 ** (x / 10) for x in (spectrum, noisy)]
    snr = 10 * np.log10(power[0].mean() / (power[1].mean() - power[0].mean()))
    assert 4 < snr < 36


def test_masks_leave_most_of_the_picture(rng):
    for _ in range(50):
        masked = mask(np.ones((240, 80), np.float32), rng)
        assert 0.4 < masked.mean() <= 1


def test_real_corpora(data):
    clips = ravdess(data / "ravdess")
    assert len(clips) == 1931  # one of the 1,932 is a copy of another
    assert len({clip.speaker for clip in clips}) == 19
    assert all(clip.woman == (clip.speaker % 2 == 0) for clip in clips)
    german = emodb(data / "emodb")
    assert {clip.emotion for clip in german} == {"angry", "happy", "neutral", "sad", "fearful", "disgust"}
    assert len({clip.speaker for clip in german}) == 10


def test_the_same_seed_and_epoch_give_the_same_batch(sample):
    pytest.importorskip("keras", reason="needs the extra: pip install 'edge-emo[export]'")
    from export.corpora import Clip
    from export.voice_data import Spectrum, VoiceDataset, fitted

    spec = InputSpec(FeatureSpec(), level="mean_power")
    spectra = [
        Spectrum(Clip("a", "ravdess", i, False, name), mfcc.compute(sample[i * 4000 :], spec.features), 10, 250)
        for i, name in enumerate(("happy", "sad", "angry", "calm"))
    ]
    spec = fitted(spec, spectra)

    def batch(seed, epoch):
        dataset = VoiceDataset(spectra, spec, batch_size=4, seed=seed, smoothing=0.1, mixup=0.3)
        dataset.start_epoch(epoch)
        return dataset[0]

    first, same, later = batch(1, 2), batch(1, 2), batch(1, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], later[0])
    x, y, w = first
    assert x.shape == (4, 240, 80)
    assert np.allclose(y.sum(axis=1), 1)
    assert w.min() > 0
