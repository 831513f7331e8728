import numpy as np
import pytest

from benchmarks.changes import (
    FACE_CHANGES,
    behind,
    clipped,
    covered,
    evened,
    hall,
    laptop,
    lit,
    mp3,
    noise,
    recorded,
    smaller,
    telephone,
    voice_changes,
)


@pytest.fixture
def tone():
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.float32)


def power(samples):
    return float(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("snr_db", [0, 20])
def test_noise_and_voices_come_as_loud_as_asked(tone, rng, snr_db):
    for changed in (noise(tone, snr_db), behind(tone, snr_db, rng.standard_normal(5000).astype(np.float32))):
        assert changed.dtype == np.float32
        assert 10 * np.log10(power(tone) / power(changed - tone)) == pytest.approx(snr_db, abs=0.1)


def test_a_recording_has_sixteen_bits_and_clips(tone):
    quiet, loud = recorded(tone, -50), recorded(tone, 18)
    assert np.allclose(quiet * 32768, np.round(quiet * 32768))
    assert len(np.unique(quiet)) < 70
    assert loud.max() == pytest.approx(1, abs=1e-4)
    assert loud.min() == -1


def test_voice_steps_keep_the_length_and_change_the_sound(tone):
    for steps in voice_changes(np.ones(100, np.float32), np.ones(100, np.float32)).values():
        for level, change in steps.items():
            changed = change(tone)
            assert abs(len(changed) - len(tone)) <= 2400, level
            assert np.isfinite(changed).all()
            assert not np.array_equal(changed[:8000], tone[:8000])


def test_a_hall_is_heard_after_the_voice_and_as_loud():
    click = np.zeros(32000, np.float32)
    click[100] = 1
    heard = hall(click, 1.0)
    assert heard[100] == pytest.approx(1, abs=1e-6)
    assert np.allclose(heard[:100], 0, atol=1e-6)
    assert power(heard[101:]) == pytest.approx(power(click[100:]), rel=0.02)
    decay = [power(heard[start : start + 1600]) for start in (1600, 9600)]
    assert 10 * np.log10(decay[0] / decay[1]) == pytest.approx(30, abs=2)  # in half a second of one of 60 dB


def test_a_laptop_takes_the_bass_and_its_fan_hums(tone):
    low = (0.3 * np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)).astype(np.float32)
    assert power(laptop(low, 60)) < 0.05 * power(low)
    loud, soft = (laptop(tone, snr_db) for snr_db in (5, 60))
    assert 10 * np.log10(power(soft) / power(loud - soft)) == pytest.approx(5, abs=0.2)


def test_clipping_and_gain_control_do_as_they_say(tone):
    assert np.abs(clipped(tone, 12)).max() == pytest.approx(0.3 * 10 ** (-12 / 20), rel=1e-3)
    two = np.concatenate([tone, 0.1 * tone])
    even = evened(two, 4)
    fall = 10 * np.log10(power(even[4000:12000]) / power(even[20000:28000]))
    assert fall == pytest.approx(20 / 4, abs=0.2)


def test_a_telephone_leaves_its_band_alone(rng):
    pytest.importorskip("av")
    spectrum = np.square(np.abs(np.fft.rfft(telephone(rng.standard_normal(16000).astype(np.float32), 32)[:16000])))
    assert spectrum[50:250].mean() < 0.05 * spectrum[500:3000].mean()
    assert spectrum[3800:].mean() < 0.05 * spectrum[500:3000].mean()


def test_mp3_keeps_a_tone(tone):
    pytest.importorskip("av")
    spectrum = np.abs(np.fft.rfft(mp3(tone, 64)[:16000]))
    assert abs(int(spectrum.argmax()) - 440) <= 2


def test_face_steps_keep_shape_and_kind(rng):
    picture = rng.integers(0, 256, (48, 48), np.uint8)
    for steps in FACE_CHANGES.values():
        for level, change in steps.items():
            changed = change(picture)
            assert changed.shape == picture.shape, level
            assert changed.dtype == np.uint8
            assert not np.array_equal(changed, picture)


def test_faces_are_covered_lit_and_made_smaller(rng):
    picture = rng.integers(20, 60, (48, 48), np.uint8)
    assert (covered(picture, 25, from_below=True)[36:] == 128).all()
    assert (covered(picture, 25, from_below=True)[:36] == picture[:36]).all()
    assert (covered(picture, 25, from_below=False)[:12] == 128).all()
    assert (lit(picture, 1) == 2 * picture).all()
    assert smaller(picture, 8).std() < picture.std() / 2
