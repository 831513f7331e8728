import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_emo.core.errors import CardError, EdgeEmoError, ModelError, ModelNotFoundError
from edge_emo.face.detector import FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import card_path, models_folder, read_manifest
from edge_emo.models.session import Model
from edge_emo.voice.recognizer import VoiceRecognizer

CARD = models_folder() / "voice.int8.json"


def change(path, value, *keys, card=CARD):
    document = json.loads(card.read_text())
    part = document
    for key in keys[:-1]:
        part = part[key]
    if value is KeyError:
        del part[keys[-1]]
    else:
        part[keys[-1]] = value
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("labels",), KeyError, "labels"),
        (("sha256",), "12", "sha256"),
        (("opset",), 12, "opset is 12"),
        (("opset",), "17", "opset"),
        (("labels", 0), "bored", "bored"),
        (("labels",), ["calm"] * 8, "nothing to tell apart"),
        (("output", "shape", 1), 7, "8 labels"),
        (("file",), "../voice.int8.onnx", "file"),
        (("format",), 2, "format"),
        (("temperature",), 0, "temperature"),
        (("threshold",), 1.5, "threshold"),
        (("preprocessing", "input", "features", "hop_length"), 0, "hop_length"),
        (("preprocessing", "input", "features", "hop_length"), "200", "hop_length"),
        (("preprocessing", "input", "features", "window"), "kaiser", "window"),
        (("preprocessing", "input", "features", "f_max"), 9000, "f_max"),
        (("preprocessing", "input", "std"), [0.0], "std"),
        (("preprocessing", "input", "mean"), [0.0, 1.0], "mean has 2 values"),
        (("preprocessing", "task"), "smell", r"preprocessing\.task`; known are voice, face, detector"),
        (("preprocessing", "task"), KeyError, "missing required field `task`"),
        (("preprocessing", "task"), "face", "missing required field `width`"),
        (("task",), "voice", "has no field task"),
        (("preprocessing", "input", "features", "nmels"), 64, "has no field preprocessing.input.features.nmels"),
        (("sample_rate",), 16000, "has no field sample_rate"),
        (("preprocessing", "hop_s"), 5.0, "hop_s is 5.0, longer than window_s"),
        (("output", "shape"), [None, None, 8], "one row of labels"),
        (("preprocessing", "input", "frames"), 241, "voice gives \\[241, 80\\]"),
        (("preprocessing", "input", "layout"), "features_first", "voice gives \\[80, 240\\]"),
        (("preprocessing", "window_s"), 1e308, "preprocessing.window_s"),
        (("preprocessing", "hop_s"), 1e-9, "preprocessing.hop_s"),
        (("preprocessing", "input", "mean"), [1e308], r"mean is 1e\+308.*preprocessing\.input"),
        (("preprocessing", "input", "std"), [1e-308], r"std is 1e-308.*preprocessing\.input"),
        (("preprocessing", "input", "range_db"), [25, -50], "range_db"),
        (("preprocessing", "input", "frames"), -1, "frames is -1"),
        (("preprocessing", "input", "frames"), 10**9, "frames is 1000000000"),
        (("preprocessing", "input", "features", "sample_rate"), 2**31, "sample_rate is 2147483648"),
        (("preprocessing", "input", "features", "n_fft"), 10**30, "n_fft is 1000000"),
        (("preprocessing", "input", "features", "n_mels"), 128_000, "n_mels is 128000"),
        (("preprocessing", "input", "features", "lifter"), -5, "lifter is -5"),
        (("preprocessing", "input", "features", "floor"), 1e-308, "floor is 1e-308"),
        (("preprocessing", "input", "features", "power_scale"), 0, "power_scale"),
        (("preprocessing", "input", "features", "f_max"), 1e-9, "f_max 1e-09"),
        (("temperature",), 1e-308, "temperature"),
        (("temperature",), [1], "temperature"),
        (("input", "shape"), [], "input.shape"),
        (("input", "shape"), [None, 0, 80], "input.shape"),
        (("output", "shape"), [], "output.shape"),
        (("output", "shape"), [None, -8], "output.shape"),
        (("file",), "a\0.onnx", "plain name"),
        (("file",), "..", "plain name"),
        (("file",), "", "plain name"),
        (("training",), [], "training"),
        (("metrics",), {"uar": 1}, "metrics"),
        (("license",), None, "license"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, keys, value, message):
    change(tmp_path / "card.json", value, *keys)
    with pytest.raises(CardError, match=message) as caught:
        read_card(tmp_path / "card.json")
    assert str(tmp_path / "card.json") in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("labels",), ["face", "hand"], "a detector has the one label face"),
        (("output", "shape"), [None, None, 16], "15 numbers for each cell"),
        (("preprocessing", "size"), 16, "preprocessing.size"),
        (("preprocessing", "overlap"), 1.5, "preprocessing.overlap"),
        (("preprocessing", "std"), 0, "preprocessing.std"),
        (("preprocessing", "stride"), [8], "has no field preprocessing.stride"),
        (("preprocessing", "strides"), [], "preprocessing.strides"),
        (("preprocessing", "strides", 0), -1, "preprocessing.strides"),
        (("preprocessing", "strides", 0), 8000, "preprocessing.strides"),
        (("preprocessing", "mean"), 1e308, "preprocessing.mean"),
        (("output", "shape"), [], "output.shape"),
    ],
)
def test_a_wrong_field_of_a_detector_is_named(tmp_path, keys, value, message):
    change(tmp_path / "card.json", value, *keys, card=card_path("detector"))
    with pytest.raises(CardError, match=message):
        read_card(tmp_path / "card.json")


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("preprocessing", "points"), [[0.5, 0.5]], "points has 1 places"),
        (("preprocessing", "points"), [[0.5, 0.5]] * 5, "points names a place twice"),
        (("preprocessing", "margin"), 5.0, "preprocessing.margin"),
        (
            ("preprocessing", "points"),
            [[0.0, 0.0], [1e300, 1e300], [0.5, 0.5], [0.1, 0.9], [0.9, 0.9]],
            "preprocessing.points",
        ),
        (("preprocessing", "points"), [[i * 1e-12, 0.5] for i in range(5)], "points names a place twice"),
        (("preprocessing", "height"), 10**9, "preprocessing.height"),
        (("preprocessing", "width"), 50, "face gives \\[48, 50, 1\\]"),
        (("labels", 7), "boredom", "boredom"),
    ],
)
def test_a_wrong_field_of_a_face_model_is_named(tmp_path, keys, value, message):
    change(tmp_path / "card.json", value, *keys, card=card_path("face"))
    with pytest.raises(CardError, match=message):
        read_card(tmp_path / "card.json")


def test_a_missing_card_is_said_to_be_missing(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no such file"):
        read_card(tmp_path / "card.json")


def test_the_manifest_names_files_that_are_there():
    manifest = read_manifest()
    for entry in manifest.models.values():
        for precision, name in entry.cards.items():
            card = read_card(models_folder() / name)
            assert card.precision == precision
            assert (models_folder() / card.file).is_file()


def test_the_default_precision_is_the_manifests():
    entry = read_manifest().models["voice"]
    assert card_path("voice").name == entry.cards[entry.default]
    assert card_path("voice", "fp32").name == entry.cards["fp32"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "", "null", "[1, 2]", '{"format": NaN}', "\ufeff{}"]
)
def test_no_text_that_is_no_card_is_taken_for_one(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=r"card\.json: "):
        read_card(path)


def test_strides_that_do_not_fit_the_network_are_told_and_not_read_as_faces(models):
    path = models / "face-detector.fp32.json"
    picture = np.zeros((64, 64, 3), np.uint8)
    for strides in ([16, 8, 32, 32], [8, 16], [32, 32, 32]):
        change(path, strides, "preprocessing", "strides", card=card_path("detector", "fp32"))
        with pytest.raises(ModelError, match=r"preprocessing\.strides|cannot be run"):
            FaceDetector(path).detect(picture)


def test_a_network_that_cannot_be_run_as_its_card_says_is_named(models):
    path = models / "face-detector.fp32.json"
    change(path, [8, 24, 48], "preprocessing", "strides", card=card_path("detector", "fp32"))
    with pytest.raises(ModelError, match=r"face-detector\.fp32"):
        FaceDetector(path).detect(np.zeros((100, 100, 3), np.uint8))


@pytest.mark.parametrize("task", ["voice", "face", "detector"])
def test_a_card_with_one_value_exchanged_is_refused_or_works(tmp_path, models, rng, task):
    card = models / card_path(task).name
    document = json.loads(card.read_text())
    places = [
        path for path in places_in(document) if path[0] in ("preprocessing", "input", "output", "labels", "temperature")
    ]
    for place in rng.permutation(len(places))[:40]:
        for value in rng.choice(len(ODD), 2):
            change(card, ODD[value], *places[place], card=models_folder() / card.name)
            try:
                use(task, card, rng)
            except ModelError as error:
                assert str(models) in str(error)


ODD = [
    None,
    True,
    0,
    -1,
    3,
    2**31,
    10**30,
    0.5,
    -1e9,
    1e308,
    1e-308,
    "",
    "x",
    [],
    {},
    [1],
    [0.0] * 80,
    [[0.5, 0.5]] * 5,
]


def places_in(part, path=()):
    """Yield the keys that lead to each value of a card."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield (*path, key)
        yield from places_in(value, (*path, key))


def use(task, card, rng):
    """Recognise something with a card's model."""
    picture = rng.integers(0, 256, (48, 64, 3), np.uint8)
    if task == "voice":
        found = VoiceRecognizer(card).probabilities([rng.normal(size=16000).astype(np.float32)])
    elif task == "face":
        found = FaceRecognizer(card).of_cut_outs([picture])
    else:
        found = np.array([face.box for face in FaceDetector(card).detect(picture)])
    assert np.isfinite(found).all()


@pytest.mark.slow
@settings(max_examples=1200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_of_a_card_gives_a_traceback(tmp_path_factory, data):
    text = bytearray(CARD.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(text) - 1))
        if data.draw(st.booleans()):
            text[position] = data.draw(st.integers(0, 255))
        else:
            del text[position : position + data.draw(st.integers(1, 400))]
        if not text:
            break
    path = tmp_path_factory.getbasetemp() / "mutated.json"
    path.write_bytes(bytes(text))
    try:
        read_card(path)
    except EdgeEmoError as error:
        assert "mutated.json" in str(error)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_json_gives_a_traceback(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value), encoding="utf-8", errors="surrogatepass")
    with pytest.raises(EdgeEmoError):
        read_card(path)


def test_a_model_in_place_of_its_card_is_told_as_such():
    with pytest.raises(CardError, match=r"voice\.int8\.onnx: is the model itself; .* card instead, voice\.int8\.json"):
        read_card(CARD.with_suffix(".onnx"))


@pytest.mark.parametrize(("name", "kind"), [("voice.keras", "Keras"), ("voice.H5", "Keras"), ("face.tflite", "Lite")])
def test_a_model_that_has_to_be_converted_is_named_as_such(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(CardError, match=rf"{name}: is a .*{kind} file; convert it first with `python -m export conv"):
        read_card(tmp_path / name)


def test_a_card_that_nobody_gave_a_task_says_how_to_give_it_one(models):
    path = models / "voice.int8.json"
    change(path, None, "preprocessing", card=path)
    with pytest.raises(CardError, match="convert it again with --task voice, --labels and --front-end"):
        VoiceRecognizer(path)
    with pytest.raises(CardError, match=r"convert it again with --task face, --labels$"):
        FaceRecognizer(path)


def test_a_card_of_another_type_than_its_model_is_refused(models):
    change(models / "voice.int8.json", "int32", "input", "dtype", card=models / "voice.int8.json")
    with pytest.raises(CardError, match=r"input\.dtype is int32, the model's is tensor\(float\)"):
        Model(models / "voice.int8.json").load()
