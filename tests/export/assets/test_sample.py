import numpy as np
import pytest

from edge_emo.media.sound import read_sound, resample
from edge_emo.media.sources import sample_path
from edge_emo.voice.evidence import LEAST_EVIDENCE, voice_evidence
from edge_emo.voice.frames import measure
from edge_emo.voice.recognizer import VoiceRecognizer
from export.assets.sample import EMOTION, heard_worse, sample
from export.assets.synthetic_voice import SAMPLE_RATE, Syllable, Voice, speak

SURE = 0.75


@pytest.fixture(scope="module")
def shipped():
    return read_sound(sample_path())


def test_the_script_makes_the_sample_that_ships(shipped):
    made = sample()
    assert len(made) == len(shipped)
    assert np.abs(made - shipped).max() <= 1.5 / 32768, "a step of 16 bits, by which sines may differ elsewhere"
    assert sample_path().stat().st_size < 200_000


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_the_model_is_sure_of_one_emotion_also_when_the_sound_gets_worse(shipped, precision, rng):
    recognizer = VoiceRecognizer(precision=precision)
    noise = rng.normal(size=len(shipped)).astype(np.float32)
    telephone = resample(resample(shipped, SAMPLE_RATE, 44100), 44100, SAMPLE_RATE)
    others = [0.1 * shipped, telephone, np.pad(shipped, (8000, 8000)), shipped + noise * shipped.std() / 30]
    for sound in [*heard_worse(shipped), *others]:
        readings = recognizer.readings(sound)
        assert readings
        for reading in readings:
            assert reading.emotion == EMOTION
            assert max(reading.probabilities) > SURE


def test_the_sample_passes_for_a_voice(shipped):
    assert voice_evidence(measure(shipped)) > LEAST_EVIDENCE + 1.5


def test_a_voice_speaks_at_the_pitch_it_is_told_and_always_the_same():
    syllables = [Syllable(("aa",), 12.0, 12.0, length=4.0)]
    found = speak(syllables, Voice(pitch_hz=110.0, jitter=0.0))
    middle = found[len(found) // 2 - 2048 : len(found) // 2 + 2048]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(4096)))
    harmonics = [spectrum[round(k * 220 * 4096 / SAMPLE_RATE)] for k in (1, 2, 3)]
    between = [spectrum[round((k + 0.5) * 220 * 4096 / SAMPLE_RATE)] for k in (1, 2, 3)]
    assert min(np.divide(harmonics, between)) > 10
    assert np.array_equal(found, speak(syllables, Voice(pitch_hz=110.0, jitter=0.0)))
