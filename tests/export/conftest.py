"""Fixtures: candidates are timed for a moment only, as no test states a time."""

import pytest


@pytest.fixture(autouse=True)
def short_timings(monkeypatch):
    try:
        from export.measure import inference
    except ImportError:  # without the extra no test times anything
        return
    monkeypatch.setattr(inference, "ROUNDS", 1)
    monkeypatch.setattr(inference, "ROUND_S", 0.01)
