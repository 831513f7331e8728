"""What training sees: people apart, augmentation that keeps its promises."""

import csv
from pathlib import Path

import numpy as np
import pytest

from edge_emo.audio import mfcc
from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import MediaError
from export.train.augment import Augmenter, mask
from export.train.corpora import (
    FURTHER,
    RAVDESS_FOLDS,
    STRANGERS,
    Clip,
    background_music,
    emodb,
    further,
    ravdess,
    strangers,
)
from export.train.voice_data import Spectrum, VoiceDataset, babble, fitted, targets


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


def test_what_is_heard_behind_lies_below_the_voice(sample):
    spectrum = mfcc.compute(sample, FeatureSpec())
    behind = np.full((70, 80), -40.0, np.float32)  # shorter, and begun anew
    behind[:, 30:] = -200
    mixed = Augmenter(FeatureSpec(), backgrounds=[behind])._add_background(spectrum, np.random.default_rng(0))
    power = [10 ** (x / 10) for x in (spectrum, mixed)]
    snr = 10 * np.log10(power[0].mean() / (power[1].mean() - power[0].mean()))
    assert 3 < snr < 25
    assert np.allclose(mixed[:, 30:], spectrum[:, 30:], atol=1e-3)


def test_crowds_are_of_the_people_who_are_trained_on(sample):
    spec = FeatureSpec()
    spectra = [Spectrum(Clip("a", "ravdess", i, None, "sad"), mfcc.compute(sample, spec), 10, 200) for i in range(2)]
    crowds = babble(spectra, count=3, frames=300)
    assert [crowd.shape for crowd in crowds] == [(300, 80)] * 3
    assert all(np.isfinite(crowd).all() for crowd in crowds)
    assert np.ptp(babble(spectra, count=1)[0].mean(axis=1)) < np.ptp(spectra[0].log_mel[10:200].mean(axis=1))


def test_a_long_recording_echoes_as_a_short_one(sample):
    spectrum = mfcc.compute(sample, FeatureSpec())
    long = np.tile(spectrum, (12, 1))
    assert len(long) > 3000
    short, all_of_it = (Augmenter(FeatureSpec())._reverberate(x, np.random.default_rng(1)) for x in (spectrum, long))
    assert np.isfinite(all_of_it).all()
    assert np.allclose(all_of_it[: len(short)], short, atol=1e-4)
    assert (short >= spectrum - 1e-4).all()


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


def laid_out(folder, corpus, rows):
    """Write a corpus of silent names: (file, speaker, gender, emotion)."""
    (folder / corpus).mkdir(parents=True)
    with (folder / corpus / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "speaker", "gender", "emotion"), *rows])


def test_a_corpus_to_judge_on_is_never_trained_on(tmp_path):
    assert set(FURTHER) & set(STRANGERS) == {"librispeech"}  # in parts of different readers
    laid_out(tmp_path, "casia", [("a.flac", "casia-a", "", "angry")])
    with pytest.raises(MediaError, match=r"casia: not to be trained on; give some of nemo"):
        further(tmp_path, ["casia"])
    laid_out(tmp_path, "librispeech", [("x_train-clean-100_1.flac", "r1", "", "neutral")])
    assert [clip.emotion for clip in further(tmp_path, ["librispeech"])] == ["neutral"]
    laid_out(tmp_path / "mixed", "librispeech", [("x_test-other_1.flac", "r2", "", "neutral")])
    with pytest.raises(MediaError, match=r"is there to judge on"):
        further(tmp_path / "mixed", ["librispeech"])


def test_a_reader_who_was_trained_on_does_not_judge(tmp_path):
    for name in ("casia", "urdu", "ased", "bangla"):
        laid_out(tmp_path, name, [("a.flac", f"{name}-a", "f", "fearful")])
    laid_out(tmp_path, "librispeech", [("x_train-clean-100_1.flac", "r1", "", "neutral")])
    with pytest.raises(MediaError, match=r"is trained on"):
        strangers(tmp_path)


def test_an_unknown_emotion_and_an_unknown_sex_are_told_and_kept_apart(tmp_path):
    laid_out(tmp_path, "nemo", [("a.flac", "s", "", "happy"), ("b.flac", "t", "f", "sad"), ("c.flac", "u", "m", "sad")])
    assert [clip.woman for clip in further(tmp_path, ["nemo"])] == [None, True, False]
    laid_out(tmp_path, "emotiontts", [("a.flac", "s", "", "bored")])
    with pytest.raises(MediaError, match=r"bored is none of neutral, calm"):
        further(tmp_path, ["emotiontts"])


def test_music_behind_voices_that_judge_is_heard_in_no_training(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.mp3").touch()
    trained, judging = background_music(tmp_path)
    assert len(trained) == 2 and len(judging) == 3 and not set(trained) & set(judging)
    (tmp_path / "0.mp3").unlink()
    (tmp_path / "1.mp3").unlink()
    with pytest.raises(FileNotFoundError, match=r"3 pieces of music in it; more than 3 are needed"):
        background_music(tmp_path)


def clips_of(*named):
    return [
        Clip(Path(f"{i}.flac"), corpus, speaker, None, emotion) for i, (corpus, speaker, emotion) in enumerate(named)
    ]


def test_a_corpus_is_asked_about_nothing_that_it_lacks():
    wanted = targets(clips_of(("ravdess", 1, "disgust"), ("nemo", "a", "angry"))).smoothed(0.1)
    assert wanted.asked.sum(axis=1).tolist() == [8, 6]
    assert wanted.probabilities.sum(axis=1) == pytest.approx([1, 1])
    assert wanted.probabilities[1, EMOTIONS.index("disgust")] == wanted.probabilities[1, EMOTIONS.index("calm")] == 0
    assert wanted.probabilities[1, EMOTIONS.index("angry")] == pytest.approx(0.9 + 0.1 / 6)


def test_emotions_of_a_corpus_count_alike_and_readers_are_mostly_neutral():
    few, many = [("nemo", "a", "sad")], [("nemo", "a", "happy")] * 3
    wanted = targets(clips_of(*few, *many, ("librispeech", "r", "neutral")))
    assert wanted.weights[0] == pytest.approx(wanted.weights[1:4].sum())
    assert wanted.probabilities[4].argmax() == EMOTIONS.index("neutral")
    assert 0 < wanted.probabilities[4].min() < 0.05


def test_a_teacher_speaks_of_what_is_asked_and_where_it_says_nothing_the_label_stays():
    wanted = targets(clips_of(("nemo", "a", "angry"), ("nemo", "b", "sad")))
    logits = np.zeros((2, 8), np.float32)
    logits[0, EMOTIONS.index("calm")] = 50  # which nobody asks
    logits[0, EMOTIONS.index("happy")] = 50
    logits[1] = np.nan
    taught = wanted.taught(logits, 0.6, 1.0)
    assert taught.probabilities[0, EMOTIONS.index("happy")] == pytest.approx(0.6, abs=1e-4)
    assert taught.probabilities[0, EMOTIONS.index("angry")] == pytest.approx(0.4, abs=1e-4)
    assert np.array_equal(taught.probabilities[1], wanted.probabilities[1])


def test_half_of_what_is_heard_is_recorded_elsewhere(sample):
    spec = InputSpec(FeatureSpec(), level="mean_power")
    log_mel = mfcc.compute(sample, spec.features)
    other = log_mel + np.linspace(-20, 20, 80, dtype=np.float32)
    one = Spectrum(Clip("a", "ravdess", 1, False, "sad"), log_mel, 10, 200, elsewhere=(other,))
    spec = fitted(spec, [one])
    dataset = VoiceDataset([one], targets([one.clip]), spec, batch_size=1, seed=0, mixup=0.0)
    rng = np.random.default_rng(0)
    tilts = [np.polyfit(np.arange(80), dataset.example(one, rng).mean(axis=0), 1)[0] for _ in range(40)]
    assert 8 < sum(tilt > np.mean([min(tilts), max(tilts)]) for tilt in tilts) < 32


def dataset_of(sample, seed=1, corpora=("ravdess",) * 4):
    spec = InputSpec(FeatureSpec(), level="mean_power")
    spectra = [
        Spectrum(Clip("a", corpus, i, False, name), mfcc.compute(sample[i * 4000 :], spec.features), 10, 250)
        for i, (corpus, name) in enumerate(zip(corpora, ("happy", "sad", "angry", "neutral"), strict=True))
    ]
    wanted = targets([s.clip for s in spectra]).smoothed(0.1)
    augmenter = Augmenter(spec.features)
    return VoiceDataset(spectra, wanted, fitted(spec, spectra), batch_size=4, seed=seed, mixup=0.3, augmenter=augmenter)


def test_the_same_seed_and_epoch_give_the_same_batch(sample):
    def batch(seed, epoch):
        dataset = dataset_of(sample, seed)
        dataset.start_epoch(epoch)
        x, rest = dataset[0]
        return (x, *rest)

    first, same, later = batch(1, 2), batch(1, 2), batch(1, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], later[0])
    x, y, _, w = first
    assert x.shape == (4, 240, 80)
    assert np.allclose(y.sum(axis=1), 1)
    assert w.min() > 0


def test_only_clips_that_are_asked_the_same_are_mixed(sample):
    dataset = dataset_of(sample, corpora=("ravdess", "nemo", "nemo", "ravdess"))
    for epoch in range(5):
        dataset.start_epoch(epoch)
        _, (probabilities, asked, _) = dataset[0]
        assert (probabilities[~asked] == 0).all()
        assert np.allclose(probabilities.sum(axis=1), 1)
