"""Small corpora, and tiny networks that learned them for a moment."""

import csv
import json
from dataclasses import asdict, replace

import cv2
import keras
import numpy as np
import soundfile
from msgspec import structs

from edge_emo.core.emotions import EMODB_CODES, EMOTIONS, RAVDESS_CODES
from edge_emo.face.detector import FaceDetector
from export import families
from export.build.detector import squared
from export.families import Calibration
from export.measure.samples import voice_windows
from export.train import detector_data
from export.train.corpora import FURTHER, ravdess
from export.train.face_data import SIZE, ferplus, standardized

layers = keras.layers
FOLDS = {1: (3, 6), 2: (10, 11)}
TRAINING = {"command": "python -m export.train.voice", "parameters": 1}


def colored(voice, emotion):
    """Return a voice with a band of its own for each emotion, so that a network hears it at once."""
    spectrum = np.fft.rfft(voice)
    hz = np.fft.rfftfreq(len(voice), 1 / 16000)
    center = 300 * 1.5 ** EMOTIONS.index(emotion)
    spectrum *= 0.15 + 2 * np.exp(-(((hz - center) / (0.2 * center)) ** 2))
    return np.fft.irfft(spectrum, len(voice)).astype(np.float32)


def write_voices(folder, sample):
    """Write RAVDESS, EMO-DB and further corpora in small: one voice, colored by emotion, and what learned it."""
    rng = np.random.default_rng(0)

    def write(path, emotion):
        path.parent.mkdir(parents=True, exist_ok=True)
        start = int(rng.integers(0, 16000))
        soundfile.write(path, 0.5 * colored(sample[start : start + 40000], emotion), 16000)

    for actor in (3, 6, 10, 11):
        for code, emotion in RAVDESS_CODES.items():
            for take in ("01", "02"):
                write(folder / f"ravdess/Actor_{actor:02}/03-01-{code}-01-01-{take}-{actor:02}.wav", emotion)
    for speaker in (3, 12, 13):
        for code, emotion in EMODB_CODES.items():
            write(folder / f"emodb/{speaker:02}a01{code}a.wav", emotion)
    for corpus in ("nemo", "emotiontts", "emospeech"):
        rows = [(f"{emotion}.wav", "s", "f", emotion) for emotion in FURTHER[corpus]]
        for file, _, _, emotion in rows:
            write(folder / "further" / corpus / file, emotion)
        with (folder / "further" / corpus / "manifest.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("file", "speaker", "gender", "emotion"), *rows])
    for name in ("voice", "voice-classic"):
        learn_voice(name, folder)


def tiny_voice():
    inputs = keras.Input((240, 80))
    x = layers.ReLU()(layers.Conv1D(64, 5, strides=4)(inputs))
    x = layers.ReLU()(layers.Conv1D(64, 5)(x))
    return keras.Model(inputs, layers.Dense(8)(layers.GlobalAveragePooling1D()(x)))


def tiny_classic():
    inputs = keras.Input((100, 1))
    x = layers.ReLU()(layers.Conv1D(64, 5, strides=2)(inputs))
    return keras.Model(inputs, layers.Dense(8)(layers.Flatten()(x)))


def tiny_face():
    inputs = keras.Input((SIZE, SIZE, 1))
    x = layers.ReLU()(layers.Conv2D(12, 5, strides=4)(inputs))
    return keras.Model(inputs, layers.Dense(8)(layers.Flatten()(x)))


def tiny_detector(height, width):
    x = inputs = keras.Input((height, width, 3))
    outputs = []
    for width_of_layer in (16, 24, 32, 48, 48):
        x = layers.ReLU()(layers.Conv2D(width_of_layer, 3, strides=2, padding="same")(x))
        outputs.append(x)
    return keras.Model(inputs, [layers.Conv2D(15, 1)(level) for level in outputs[2:]])


def tiny_family(load):
    networks = {"voice": tiny_voice, "voice-classic": tiny_classic, "face": tiny_face, "face-detector": tiny_detector}
    calibration = Calibration(inputs=16, judged=24, right=0.65)

    def loaded(name):
        family = load(name)
        front_end = family.front_end
        if family.task == "face":
            front_end = structs.replace(front_end, width=SIZE, height=SIZE)
        elif family.task == "detector":
            front_end = structs.replace(front_end, size=96)
        network = networks.get(name, tiny_face if family.task == "face" else tiny_voice)
        return replace(family, network=network, front_end=front_end, calibration=calibration)

    return loaded


def leave(network, folder, **card):
    """Write what a training leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    network.save_weights(folder / "model.weights.h5")
    (folder / "card.json").write_text(json.dumps({**card, "training": TRAINING}))


def learn(network, inputs, labels, epochs):
    keras.utils.set_random_seed(1)
    network.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(inputs, labels, batch_size=16, epochs=epochs, verbose=0)
    assert (network.predict(inputs, verbose=0).argmax(axis=1) == labels).mean() > 0.95, "the network learned nothing"


def learn_voice(name, folder):
    family = tiny_family(families.load)(name)
    spec = replace(family.front_end.input, mean=(-10.0,), std=(20.0,))
    preprocessing = structs.replace(family.front_end, input=spec)
    keras.utils.set_random_seed(0)
    network = family.network()
    heard = [
        (row, clip.label)
        for clip in ravdess(folder / "ravdess")
        for row in voice_windows(clip.path, preprocessing, network.input_shape[1:])
    ]
    learn(network, np.stack([row for row, _ in heard]), np.array([label for _, label in heard]), 40)
    for part in ("fold1", "fold2", "all", "apart"):
        leave(network, folder / "runs" / name / part, name=name, input=asdict(spec))


def marked(picture, label):
    """Return a face with a mark at its edge for a label."""
    out = picture.copy()
    row, column = divmod(label, 4)
    out[row * 42 : row * 42 + 6, column * 12 : column * 12 + 12] = 255
    return out


def write_faces(folder, portrait):
    """Write FER+ in small: one face, marked by label, 100 to train on and 40 to judge by, and what learned it."""
    rng = np.random.default_rng(0)
    gray = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    labels = np.arange(140) % 8
    pictures = []
    for label in labels:
        left, top = 155 + int(rng.integers(-4, 5)), 50 + int(rng.integers(-4, 5))
        pictures.append(marked(cv2.resize(gray[top : top + 140, left : left + 140], (SIZE, SIZE)), label))
    rows = np.zeros((200, SIZE, SIZE), np.uint8)
    rows[: len(pictures)] = pictures
    mosaic = rows.reshape(2, 100, SIZE, SIZE).transpose(0, 2, 1, 3).reshape(2 * SIZE, 100 * SIZE)
    (folder / "ferplus").mkdir()
    cv2.imwrite(str(folder / "ferplus" / "faces.png"), mosaic)
    np.savez(
        folder / "ferplus" / "labels.npz",
        votes=np.pad(10 * np.eye(8, dtype=np.uint8)[labels], ((0, 0), (0, 2))),
        usage=(np.arange(140) >= 100).astype(np.uint8),
        duplicate_of=np.full(140, -1),
    )
    train = ferplus(folder / "ferplus", 0, judged=False)
    keras.utils.set_random_seed(0)
    network = tiny_face()
    learn(network, standardized(train.pictures, SIZE), train.labels, 15)
    for name in ("face", "face-classic"):
        leave(network, folder / "runs" / name, name=name)


def write_photos(folder, portrait):
    """Write a face at many places of a photo, and a detector that learned to see it."""
    (folder / "detector" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    (face,) = FaceDetector().detect(portrait)
    rows = []
    for number in range(26):
        left, top = int(rng.integers(100, 170)), int(rng.integers(0, 50))
        name = f"{number:02}.png"
        photo = cv2.cvtColor(portrait[top : top + 192, left : left + 192], cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "detector" / "images" / name), photo)
        box = (face.box[0] - left, face.box[1] - top, face.box[2] - face.box[0], face.box[3] - face.box[1])
        points = np.array(face.landmarks) - (left, top)
        rows.append((name, *box, *points.ravel(), 0.95))
    with (folder / "detector" / "faces.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", *range(14), "score"), *rows])
    learn_detector(folder)


def learn_detector(folder):
    family = tiny_family(families.load)("face-detector")
    known = detector_data.photos(folder / "detector")
    inputs = np.stack([squared(photo, family.front_end) for photo in known])
    size, targets = family.front_end.size, []
    for stride in family.front_end.strides:
        target = np.zeros((len(known), size // stride, size // stride, 15), np.float32)
        target[..., 0] = -4
        for map_of_photo, photo in zip(target, known, strict=True):
            left, top, width, height = photo.faces[0, 1:5] * size / 192
            x, y = left + width / 2, top + height / 2
            row, column = int(y // stride), int(x // stride)
            map_of_photo[..., 3:5] = np.log(np.array([width, height]) / stride)
            if stride == 32:
                map_of_photo[row, column, :3] = (4, x / stride - column - 0.5, y / stride - row - 0.5)
        targets.append(target)
    keras.utils.set_random_seed(0)
    network = family.network(size, size)
    network.compile(keras.optimizers.Adam(3e-3), ["mse"] * len(targets))
    network.fit(inputs, targets, batch_size=8, epochs=30, verbose=0)
    leave(network, folder / "runs" / "face-detector", name="face-detector")
