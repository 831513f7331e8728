"""Golden values of the sample, at two levels, so that a drift is located: features, and probabilities.

python -m tests.golden.make     after a wanted change of the front end or the models
"""

import json
from pathlib import Path

import numpy as np

from edge_emo.card import models_folder, read_card, read_manifest
from edge_emo.media import read_sound
from edge_emo.sources import sample_path
from edge_emo.voice.activity import find_voice
from edge_emo.voice.recognizer import VoiceRecognizer, network_input

FILE = Path(__file__).parent / "sample.json"
NAMES = ("voice", "voice-classic")


def golden():
    """Return voice spans, network inputs (every 37th value) and window probabilities of the sample."""
    samples = read_sound(sample_path())
    found = {"spans": [[s.start, s.stop] for s in find_voice(samples)], "inputs": {}, "probabilities": {}}
    for name in NAMES:
        card = read_card(models_folder() / f"{name}.fp32.json")
        values = network_input(samples[16000:64000], card.voice.input, card.input.shape[1:]).ravel()[::37]
        found["inputs"][name] = np.round(values.astype(float), 4).tolist()
        for precision in read_manifest().models[name].cards:
            readings = VoiceRecognizer(models_folder() / f"{name}.{precision}.json").readings(samples)
            rows = [np.round(r.probabilities, 4).tolist() for r in readings]
            found["probabilities"][f"{name} {precision}"] = rows
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(golden(), indent=None, separators=(",", ":")) + "\n")
