import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_emo.card import card_path, models_folder, read_card, read_manifest
from edge_emo.errors import CardError, EdgeEmoError, ModelNotFoundError
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.runtime import Model
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
        (("voice", "input", "features", "hop_length"), 0, "hop_length"),
        (("voice", "input", "features", "hop_length"), "200", "hop_length"),
        (("voice", "input", "features", "window"), "kaiser", "window"),
        (("voice", "input", "features", "f_max"), 9000, "f_max"),
        (("voice", "input", "std"), [0.0], "std"),
        (("voice", "input", "mean"), [0.0, 1.0], "mean has 2 values"),
        (("task",), "smell", "task"),
        (("voice", "input", "features", "nmels"), 64, "has no field voice.input.features.nmels"),
        (("sample_rate",), 16000, "has no field sample_rate"),
        (("voice", "hop_s"), 5.0, "hop_s is 5.0, longer than window_s"),
        (("output", "shape"), [None, None, 8], "one row of labels"),
        (("task",), "face", "the task is face, so face must say"),
        (("voice",), None, "the task is voice, so voice must say"),
        (("face",), {"width": 8, "height": 8}, "and it alone"),
        (("face",), {"width": 0, "height": 8}, "face.width"),
        (("voice", "input", "frames"), 241, "voice gives \\[241, 80\\]"),
        (("voice", "input", "layout"), "features_first", "voice gives \\[80, 240\\]"),
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
        (("detector",), None, "the task is detector, so detector must say"),
        (("detector", "size"), 16, "detector.size"),
        (("detector", "overlap"), 1.5, "detector.overlap"),
        (("detector", "std"), 0, "detector.std"),
        (("detector", "stride"), [8], "has no field detector.stride"),
    ],
)
def test_a_wrong_field_of_a_detector_is_named(tmp_path, keys, value, message):
    change(tmp_path / "card.json", value, *keys, card=card_path("detector"))
    with pytest.raises(CardError, match=message):
        read_card(tmp_path / "card.json")


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("face", "points"), [[0.5, 0.5]], "points has 1 places"),
        (("face", "points"), [[0.5, 0.5]] * 5, "points names a place twice"),
        (("face", "margin"), 5.0, "face.margin"),
        (("face", "width"), 50, "face gives \\[48, 50, 1\\]"),
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
    with pytest.raises(CardError, match=r"voice\.int8\.onnx: is a model, .* the card beside it, voice\.int8\.json"):
        read_card(CARD.with_suffix(".onnx"))


def test_a_card_that_nobody_gave_a_task_says_how_to_give_it_one(models):
    path = models / "voice.int8.json"
    change(path, "other", "task")
    change(path, None, "voice", card=path)
    with pytest.raises(CardError, match="convert it again with --task voice, --labels and --front-end"):
        VoiceRecognizer(path)
    with pytest.raises(CardError, match=r"convert it again with --task face, --labels$"):
        FaceRecognizer(path)


def test_a_card_of_another_type_than_its_model_is_refused(models):
    change(models / "voice.int8.json", "int32", "input", "dtype", card=models / "voice.int8.json")
    with pytest.raises(CardError, match=r"input\.dtype is int32, the model's is tensor\(float\)"):
        Model(models / "voice.int8.json").load()
