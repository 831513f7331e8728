"""Golden values of speech, of the sample that ships and of a portrait, at two levels, so that a drift is located.

python -m tests.golden.make     after a wanted change of the front end or the models
"""

import json
from pathlib import Path

import numpy as np
from skimage.data import astronaut

from edge_emo.core.files import atomic_write
from edge_emo.face.detector import Face, FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.sound import read_sound
from edge_emo.media.sources import sample_path
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest
from edge_emo.voice.activity import find_voice
from edge_emo.voice.recognizer import VoiceRecognizer, network_input

FILE = Path(__file__).parent / "golden.json"
SPEECH = Path(__file__).parent / "speech.flac"
"""From espeak-ng 1.51 with -v en-gb -p 70 -s 180 -a 150: "I cannot believe it! This is the best news I have heard all
year. We did it, we really did it!"
"""
NAMES = ("voice", "voice-classic")


def golden(file=SPEECH):
    """Return voice spans, network inputs (every 37th value) and window probabilities of a sound."""
    samples = read_sound(file)
    found = {"spans": [[s.start, s.stop] for s in find_voice(samples)], "inputs": {}, "probabilities": {}}
    for name in NAMES:
        card = read_card(models_folder() / f"{name}.fp32.json")
        values = network_input(samples[16000:64000], card.preprocessing, card.input.shape[1:]).ravel()[::37]
        found["inputs"][name] = np.round(values.astype(float), 4).tolist()
        for precision in read_manifest().models[name].cards:
            readings = VoiceRecognizer(models_folder() / f"{name}.{precision}.json").readings(samples)
            rows = [np.round(r.probabilities, 4).tolist() for r in readings]
            found["probabilities"][f"{name} {precision}"] = rows
    return found


def golden_face():
    """Return what the detectors find in the portrait, and the probabilities of its first face by each network."""
    picture, manifest = astronaut(), read_manifest()
    found = {"faces": {}, "probabilities": {}}
    for precision, card in manifest.models["face-detector"].cards.items():
        faces = FaceDetector(models_folder() / card).detect(picture)
        found["faces"][precision] = [[*face.box, *np.ravel(face.landmarks), 100 * face.score] for face in faces]
    face = Face(
        (180.0, 60.0, 270.0, 180.0),
        1.0,
        ((200.0, 110.0), (245.0, 108.0), (225.0, 135.0), (205.0, 155.0), (245.0, 153.0)),
    )
    for name in ("face", "face-classic"):
        for precision, card in manifest.models[name].cards.items():
            probabilities = FaceRecognizer(models_folder() / card).probabilities(picture, [face])[0]
            found["probabilities"][f"{name} {precision}"] = np.round(probabilities.astype(float), 4).tolist()
    return found


if __name__ == "__main__":
    with atomic_write(FILE) as draft:
        draft.write_text(
            json.dumps(
                {"voice": golden(), "face": golden_face(), "sample": golden(sample_path())},
                indent=None,
                separators=(",", ":"),
            )
            + "\n"
        )
