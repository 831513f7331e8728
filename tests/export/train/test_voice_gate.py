import numpy as np
import pytest

from edge_emo.media.sound import read_sound
from edge_emo.media.sources import sample_path
from edge_emo.voice.evidence import FEATURES

pytest.importorskip("sklearn", reason="needs the extra [export]")

from export.train.voice_gate import CONDITIONS, NOISES, candidates, fit, least_evidence, table


@pytest.fixture(scope="module")
def recordings():
    rng, voice = np.random.default_rng(0), read_sound(sample_path())
    found = [candidates(voice[start:], "voices") for start in range(0, 16000, 4000)]
    found += [candidates(CONDITIONS["telephone"](voice, rng, []).astype(np.float32), "voices", "telephone")]
    return found + [candidates(NOISES["tones"](rng).astype(np.float32), "tones") for _ in range(8)]


def test_a_fitted_rule_tells_voices_from_what_it_was_fitted_on(recordings):
    rule = fit(recordings, {"voices"}.__contains__)
    evidence = {
        name: np.concatenate([rule(r.statistics) for r in recordings if r.corpus == name])
        for name in ("voices", "tones")
    }
    assert tuple(rule.terms) == FEATURES
    assert evidence["voices"].min() > evidence["tones"].max()


def test_the_threshold_lets_a_share_of_the_time_pass(recordings):
    rule = fit(recordings, {"voices"}.__contains__)
    judged = [(rule, r) for r in recordings if r.corpus == "tones"]
    least = least_evidence(judged, 0.25)
    passing = sum(r.lengths[rule(r.statistics) >= least].sum() for _, r in judged)
    assert 0.25 <= passing / sum(r.lengths.sum() for _, r in judged) < 0.75


def test_the_table_counts_recordings_and_time(recordings):
    rule = fit(recordings, {"voices"}.__contains__)
    lines = list(table(recordings, dict.fromkeys(("voices", "tones"), rule), -np.inf))
    assert "| voices | telephone | 1 | 1.000 | 1.00 |" in lines
    assert "| voices | as it is | 4 | 1.000 | 1.00 |" in lines
