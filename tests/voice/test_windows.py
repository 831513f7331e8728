"""What of a recording a card's front end hands to its network: rate, silence, part of a clip."""

from dataclasses import replace as changed
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.media.sound import SAMPLE_RATE, read_sound, resample
from edge_emo.media.sources import sample_path
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder
from edge_emo.models.schema import VoicePreprocessing
from edge_emo.voice.activity import Span
from edge_emo.voice.recognizer import network_input
from edge_emo.voice.windows import Windows, windows

FEATURES = FeatureSpec(
    sample_rate=22050, frame_length=2048, hop_length=512, n_fft=2048, padding="center", n_mels=128, f_max=11025.0,
    top_db=80.0, n_mfcc=40,
)  # fmt: skip
WHOLE = VoicePreprocessing(
    input=InputSpec(features=FEATURES, reduce="mean"), window_s=30, hop_s=30, activity="off", dc="kept"
)
WIDE = changed(FEATURES, sample_rate=44100, f_max=22050.0)
RATES = {22050: WHOLE, 44100: replace(WHOLE, input=InputSpec(features=WIDE, reduce="mean"))}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip of 44.1 kHz: pauses, a voice, and hiss up to 20 kHz."""
    voice = resample(read_sound(sample_path()), SAMPLE_RATE, 44100)
    sound = np.concatenate([np.zeros(30000, np.float32), voice, np.zeros(50000, np.float32)])
    sound += np.float32(0.01) * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(path, sound, 44100)
    return path


@pytest.mark.parametrize("card", [f"{name}.{p}.json" for name in ("voice", "voice-classic") for p in ("fp32", "int8")])
def test_the_models_that_ship_are_given_16_khz_and_no_silence(card):
    voice = read_card(models_folder() / card).preprocessing
    assert voice.sample_rate == SAMPLE_RATE
    assert (voice.activity, voice.offset_s, voice.duration_s, voice.pad, voice.dc) == ("cut", 0, None, False, "removed")


def as_given(path, voice):
    samples = read_sound(path, voice.sample_rate)
    (window,) = windows(samples, voice)
    return network_input(samples[window.start : window.stop], voice, voice.input.shape)


@pytest.mark.parametrize("part", [{}, {"offset": 0.6, "duration": 2.5}, {"offset": 1.0}, {"duration": 3.0}])
@pytest.mark.parametrize("rate", RATES)
def test_features_equal_those_of_librosa_on_the_same_part_of_a_clip(clip, rate, part, librosa):
    voice = replace(RATES[rate], offset_s=part.get("offset", 0.0), duration_s=part.get("duration"))
    samples, _ = librosa.load(clip, sr=rate, **part)
    expected = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=40).mean(axis=1)
    assert np.abs(as_given(clip, voice) - expected).max() < 0.02


def test_what_16_khz_leaves_of_a_clip_is_something_else(clip):
    at_16 = as_given(clip, replace(WHOLE, decode_rate=SAMPLE_RATE))
    assert np.abs(at_16 - as_given(clip, WHOLE)).max() > 10


@pytest.mark.parametrize("align", ["start", "middle"])
def test_a_short_clip_is_filled_up_with_silence_as_fix_length_or_pad_center_do(clip, align, librosa):
    voice = replace(WHOLE, duration_s=9.0, pad=True, input=changed(WHOLE.input, align=align))
    samples, _ = librosa.load(clip, sr=22050)
    fill = librosa.util.fix_length if align == "start" else librosa.util.pad_center
    expected = librosa.feature.mfcc(y=fill(samples, size=9 * 22050), sr=22050, n_mfcc=40).mean(axis=1)
    assert np.abs(as_given(clip, voice) - expected).max() < 0.02


def test_frames_of_a_whole_clip_stand_where_training_put_them(clip, librosa):
    voice = replace(WHOLE, input=InputSpec(features=FEATURES, frames=400, fill="zeros", align="start"))
    samples, _ = librosa.load(clip, sr=22050)
    expected = librosa.feature.mfcc(y=samples, sr=22050, n_mfcc=40).T
    found = as_given(clip, voice)
    assert np.abs(found[: len(expected)] - expected).max() < 0.5
    assert not found[len(expected) :].any()


def cut(samples, voice, piece):
    stream, found = Windows(voice), []
    for start in range(0, len(samples), piece):
        found += stream.push(samples[start : start + piece])
    return [window for group in [*found, *stream.finish()] for window in group]


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
@pytest.mark.parametrize("activity", ["cut", "gate", "off"])
def test_the_pieces_that_sound_comes_in_change_no_window(sample, activity, rate):
    pause = np.zeros(30 * SAMPLE_RATE, np.float32)
    sound = resample(np.concatenate([pause, sample, pause, sample, sample]), SAMPLE_RATE, rate)
    voice = replace(WHOLE, activity=activity, window_s=3, hop_s=1.5, decode_rate=rate)
    whole = windows(sound, voice)
    assert len(whole) > 5
    for piece in (rate // 10, 7 * rate + 3):
        assert cut(sound, voice, piece) == whole


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("activity", ["cut", "gate"])
def test_provisional_windows_lie_in_what_is_kept_and_the_pieces_change_none(sample, activity, rate):
    sound = resample(np.concatenate([np.zeros(30000, np.float32), sample]), SAMPLE_RATE, rate)
    voice = replace(WHOLE, activity=activity, window_s=3, hop_s=1.5, decode_rate=rate)

    def found(piece):
        stream, told, settled = Windows(voice, live=True), {}, 0
        for start in range(0, rate * 6, piece):
            stream.push(sound[start : start + piece])
            told[start + piece] = tuple(stream.provisional)
            assert all(settled <= window.start < window.stop <= start + piece for window in stream.provisional)
            settled = stream.settled
        return told

    coarse, fine = found(rate // 2), found(rate // 50)
    assert len(set().union(*fine.values())) >= 3
    assert coarse == {n_samples: fine[n_samples] for n_samples in coarse}


def test_a_gate_reads_pauses_beside_a_voice_but_nothing_where_there_is_none(sample):
    pause = np.zeros(30 * SAMPLE_RATE, np.float32)
    sound = np.concatenate([pause, sample, pause])
    voice = replace(WHOLE, window_s=4, hop_s=2, decode_rate=SAMPLE_RATE)
    everything = windows(sound, replace(voice, activity="off"))
    heard = windows(sound, replace(voice, activity="gate"))
    apart = windows(sound, replace(voice, activity="cut"))
    assert [everything[0].start, everything[-1].stop] == [0, len(sound)]
    assert set(heard) < set(everything)
    for window in everything:
        holds_voice = any(other.start < window.stop and window.start < other.stop for other in apart)
        assert (window in heard) == holds_voice
    assert windows(pause, replace(voice, activity="gate")) == []


def test_a_recording_longer_than_a_clip_is_read_to_its_end_without_a_hole():
    voice = replace(WHOLE, window_s=3.1, hop_s=2.5, offset_s=0.6, duration_s=2.5, decode_rate=1000)
    found = windows(np.zeros(20_300, np.float32), voice)
    assert found[0] == Span(600, 3100)
    assert found[-1].stop == 20_300
    assert all(b.start <= a.stop for a, b in pairwise(found))


@pytest.mark.parametrize(("n_samples", "expected"), [(0, []), (500, []), (600, []), (1000, [Span(600, 1000)])])
def test_a_clip_that_ends_before_its_part_begins_gives_nothing(n_samples, expected):
    voice = replace(WHOLE, window_s=3.1, hop_s=2.5, offset_s=0.6, duration_s=2.5, decode_rate=1000)
    assert windows(np.zeros(n_samples, np.float32), voice) == expected


@pytest.mark.parametrize("activity", ["gate", "off"])
def test_a_long_stream_keeps_only_what_windows_to_come_need(sample, activity):
    stream, held = Windows(replace(WHOLE, activity=activity, window_s=5, hop_s=5, decode_rate=SAMPLE_RATE)), []
    for number in range(1, 30):
        stream.push(sample)
        held.append(number * len(sample) - stream.settled)
        assert len(stream._spans) < 20
    assert max(held) < 25 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"offset_s": 3.0}, "offset_s 3.0 and duration_s None reach beyond window_s"),
        ({"offset_s": 1.0, "duration_s": 2.5}, "reach beyond window_s"),
        ({"pad": True}, "pad fills up to duration_s"),
        ({"window_s": 600, "decode_rate": 192_000}, "is more than 50,000,000 samples"),
    ],
)
def test_a_part_that_does_not_lie_in_its_window_or_in_memory_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        VoicePreprocessing(input=WHOLE.input, **fields)
