"""`python -m export convert` and `verify`, from a Keras file to the files that are left. Needs TensorFlow."""

import importlib
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnx", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install 'edge-emo[export]'")
cv2 = pytest.importorskip("cv2", reason="needs the extra: pip install 'edge-emo[export]'")

import onnx
import soundfile

from edge_emo.cli import main as edge_emo_command
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CardError
from edge_emo.models.calibration import calibrated
from edge_emo.voice.recognizer import VoiceRecognizer
from export.__main__ import main

LABELS = "angry,calm,happy,sad,angry"


def network(keras, head="softmax"):
    """Return a small network of the original's kind, 40 frames of 3 features to 5 outputs."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((40, 3)),
            layers.Conv1D(64, 5, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv1D(64, 5, padding="same"),
            layers.ReLU(),
            layers.MaxPooling1D(4),
            layers.Flatten(),
            layers.Dense(5, activation=head, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=1)),
        ]
    )


def convert(path, out, *arguments):
    return CliRunner().invoke(main, ["convert", str(path), "--out", str(out), *map(str, arguments)])


def verify(folder):
    return CliRunner().invoke(main, ["verify", str(folder)])


def card(path):
    return json.loads(path.read_bytes())


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    import keras

    path = tmp_path_factory.mktemp("model") / "net.keras"
    network(keras).save(path)
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Inputs and labels in an .npz."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("real") / "real.npz"
    np.savez(path, inputs=rng.standard_normal((240, 40, 3)).astype(np.float32), labels=rng.integers(0, 5, 240))
    return path


@pytest.fixture(scope="module")
def exported(model_file, real, tmp_path_factory):
    """The output folder of a conversion with real inputs, and what the command said."""
    out = tmp_path_factory.mktemp("exported")
    return out, convert(model_file, out, "--calibrate", real)


@pytest.fixture
def out(exported, tmp_path):
    """A copy of that folder, to damage."""
    return shutil.copytree(exported[0], tmp_path / "out")


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_inspect_tells_shapes_parameters_and_what_is_lost(version, suffix, tmp_path):
    keras = importlib.import_module(version)
    layers = keras.layers
    inner = keras.Sequential([layers.Input((8,)), layers.Dense(4, name="inner"), layers.Dropout(0.1, name="drop")])
    model = keras.Sequential([layers.Input((8,)), inner, layers.Dense(2, name="last")])
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 8)), np.zeros((2, 2)), verbose=0)
    path = tmp_path / f"net{suffix}"
    model.save(path)
    text = CliRunner().invoke(main, ["inspect", str(path)])
    assert text.exit_code == 0, text.output
    assert "input 8, 2 outputs, 46 parameters" in text.stdout
    assert f"Keras {keras.__version__}" in text.stdout
    found = json.loads(CliRunner().invoke(main, ["inspect", str(path), "--json"]).stdout)
    rows = {layer["name"]: (layer["class"], layer["output_shape"], layer["parameters"]) for layer in found["layers"]}
    assert rows["inner"] == ("Dense", "(?, 4)", 36)
    assert rows["last"] == ("Dense", "(?, 2)", 10)
    assert found["removed_in_conversion"] == ["drop"]
    assert "optimizer, loss and metrics" in found["lost_in_conversion"]


def test_fp32_and_int8_with_cards_evidence_and_report(exported):
    out, done = exported
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {
        "net.fp32.onnx", "net.fp32.json", "net.int8.onnx", "net.int8.json", "net.parity.npz", "net.report.md",
        "net.report.png"
    }  # fmt: skip
    for name in ("net.fp32", "net.int8"):
        onnx.checker.check_model(onnx.load(out / f"{name}.onnx"), full_check=True)
    fp32, int8 = card(out / "net.fp32.json"), card(out / "net.int8.json")
    assert (fp32["preprocessing"], fp32["input"]["shape"], fp32["output"]["shape"]) == (None, [None, 40, 3], [None, 5])
    (parity,) = fp32["parity"]["gates"]
    assert parity["value"] <= parity["maximum"] == 1e-4
    assert parity["samples"] == 500  # 240 real ones, and random ones
    gates = {gate["name"]: gate for gate in int8["parity"]["gates"]}
    assert gates["agreement of labels with fp32"]["value"] >= 0.98
    assert gates["change of accuracy"]["minimum"] == -0.01
    assert all(gate["holds"] for gate in gates.values())
    assert int8["parity"]["chosen"] in {candidate["variant"] for candidate in int8["parity"]["candidates"]}
    assert set(int8["parity"]["versions"]) >= {"onnxruntime", "onnx", "python"}


def test_the_report_shows_the_graph_and_every_candidate(exported):
    report = (exported[0] / "net.report.md").read_text()
    assert "| Conv | 2 | 2 | 2 |" in report
    assert report.count("| chosen |") == 1
    assert "U16S8 per tensor, Entropy" in report
    picture = cv2.imread(str(exported[0] / "net.report.png"))
    assert picture.shape[0] > 400
    assert picture.std() > 10


def test_verify_measures_every_gate_again(exported):
    done = verify(exported[0])
    assert done.exit_code == 0, done.output
    assert "FAILED" not in done.output
    for words in ("largest difference from the source", "agreement of labels with fp32", "layers that can saturate"):
        assert words in done.output


def test_verify_finds_a_changed_model(out):
    content = bytearray((out / "net.int8.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (out / "net.int8.onnx").write_bytes(content)
    done = verify(out)
    assert done.exit_code == 1
    assert "FAILED net.int8.json" in done.output
    assert "SHA-256" in done.output


def test_verify_finds_a_model_that_is_no_longer_its_source(out):
    """The card was made to fit another model, so that only the gate can see it."""
    import hashlib

    model = onnx.load(out / "net.fp32.onnx")
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 10:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * 1.01, tensor.name))
    (out / "net.fp32.onnx").write_bytes(model.SerializeToString())
    changed = card(out / "net.fp32.json") | {"sha256": hashlib.sha256(model.SerializeToString()).hexdigest()}
    (out / "net.fp32.json").write_text(json.dumps(changed))
    done = verify(out)
    assert done.exit_code == 1
    assert "FAILED net.fp32.onnx: largest difference from the source" in done.output


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda out: (out / "net.parity.npz").write_bytes(b"PK"), "is not the file that the card was written for"),
        (lambda out: (out / "net.parity.npz").unlink(), "net.parity.npz is not here); convert"),
        (lambda out: (out / "net.int8.json").unlink(), "has no card net.int8.json"),
        (lambda out: (out / "net.int8.json").write_text("{"), "FAILED net.int8.json"),
        (lambda out: (out / "net.fp32.onnx").unlink(), "the model file is missing"),
        (lambda out: [path.unlink() for path in out.iterdir()], "holds no model with a card"),
    ],
)
def test_verify_names_what_is_missing_or_damaged(out, damage, words):
    damage(out)
    done = verify(out)
    assert done.exit_code == 1
    assert words in done.output


def test_without_real_inputs_there_is_a_warning_and_no_int8(model_file, tmp_path):
    done = convert(model_file, tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "WARNING: compared on random numbers only, and no int8" in done.stderr
    assert not list((tmp_path / "out").glob("*.int8.*"))
    assert "no int8" in (tmp_path / "out" / "net.report.md").read_text().lower()
    assert verify(tmp_path / "out").exit_code == 0


def test_int8_by_force_from_random_numbers_is_marked(model_file, tmp_path):
    done = convert(model_file, tmp_path / "out", "--force")
    assert done.exit_code == 1
    assert "was written by force" in done.stderr
    assert card(tmp_path / "out" / "net.int8.json")["parity"]["forced"] is True
    assert "Written by force" in (tmp_path / "out" / "net.report.md").read_text()
    checked = verify(tmp_path / "out")
    assert checked.exit_code == 1
    assert "was written by force" in checked.output


@pytest.fixture
def brittle(tmp_path):
    """A network whose labels hang on the seventh digit of its weights, and inputs to see it."""
    import keras

    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.layers.Input((2000,)), keras.layers.Dense(3)])
    weights = np.ones((2000, 3)) + 1e-5 * rng.standard_normal((2000, 3))
    model.set_weights([weights.astype(np.float32), np.zeros(3, np.float32)])
    model.save(tmp_path / "brittle.h5")
    np.savez(tmp_path / "real.npz", inputs=rng.standard_normal((200, 2000)).astype(np.float32))
    return tmp_path / "brittle.h5", tmp_path / "real.npz"


def test_int8_that_fails_its_gates_is_not_written(brittle, tmp_path):
    path, real = brittle
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "brittle.int8.onnx").write_bytes(b"of an earlier export")
    done = convert(path, tmp_path / "out", "--calibrate", real, "--outputs", "logits")
    assert done.exit_code == 1
    assert "no int8: every candidate was refused" in done.stderr
    assert "brittle.int8.onnx, of an earlier export" in done.stderr
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "brittle.fp32.onnx", "brittle.fp32.json", "brittle.parity.npz", "brittle.report.md"
    }  # fmt: skip
    assert "Nothing was let out" in (tmp_path / "out" / "brittle.report.md").read_text()


def test_force_writes_what_fails_but_nothing_that_saturates(brittle, tmp_path):
    path, real = brittle
    done = convert(path, tmp_path / "out", "--calibrate", real, "--force", "--outputs", "logits")
    assert done.exit_code == 1
    (written,) = (tmp_path / "out").glob("brittle.[!f]*.json")
    found = card(written)["parity"]
    gates = {gate["name"]: gate for gate in found["gates"]}
    assert found["forced"] is True
    assert not gates["agreement of labels with fp32"]["holds"]
    assert gates["layers that can saturate"]["holds"]


def front_end(path, **changes):
    spec = {"features": {"n_mfcc": 3}, "frames": 40, **changes}
    path.write_text(json.dumps({"input": spec, "window_s": 1.0, "hop_s": 0.03}))
    return str(path)


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
def test_recordings_calibrate_a_voice_model_that_the_runtime_runs(version, tmp_path, sample):
    path = tmp_path / "net.h5"
    network(importlib.import_module(version)).save(path)
    for label, gain in (("happy", 1.0), ("anger", 0.3)):
        (tmp_path / "clips" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "clips" / label / "clip.wav", gain * sample, 16000)
    (tmp_path / "clips" / "happy" / "broken.wav").write_bytes(b"RIFF")
    arguments = ["--front-end", front_end(tmp_path / "mfcc.json"), "--labels", LABELS, "--license", "MIT"]
    done = convert(path, tmp_path / "out", "--calibrate", tmp_path / "clips", *arguments)
    assert done.exit_code == 0, done.output
    assert "left out: " in done.stderr
    assert "broken.wav" in done.stderr
    for precision in ("fp32", "int8"):
        recognizer = VoiceRecognizer(tmp_path / "out" / f"net.{precision}.json")
        readings = recognizer.readings(sample)
        assert len(readings) > 3
        assert {reading.raw for reading in readings} <= {"angry", "calm", "happy", "sad"}
        assert recognizer.card.license == "MIT"
    command = ["analyze", "sample", "--voice-model", str(tmp_path / "out" / "net.int8.json"), "--json"]
    told = CliRunner().invoke(edge_emo_command, command)
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["results"][0]["models"]["voice"] == "net 1.0.0 int8"


def pictures(folder, rng, count=120, size=(20, 16)):
    for number in range(count):
        label = ("happiness", "sad", "fear")[number % 3]
        (folder / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / label / f"{number}.png"), rng.integers(0, 256, (*size, 3)).astype(np.uint8))


def test_pictures_calibrate_a_face_model(tmp_path, rng):
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((12, 10, 1)),
            layers.Conv2D(8, 3),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=1)),
        ]
    )
    model.save(tmp_path / "face.keras")
    pictures(tmp_path / "faces", rng)
    (tmp_path / "faces" / "sad" / "notes.txt").write_text("no picture")
    done = convert(
        tmp_path / "face.keras", tmp_path / "out",
        "--task", "face", "--labels", "happy,sadness,fear", "--calibrate", tmp_path / "faces",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1 files that are no pictures by their names" in done.stderr
    made = card(tmp_path / "out" / "face.fp32.json")
    assert made["labels"] == ["happy", "sad", "fearful"]
    face = made["preprocessing"]
    assert (face["task"], face["width"], face["height"], face["std"]) == ("face", 10, 12, [255.0])
    with pytest.raises(CardError, match="its task is face"):
        VoiceRecognizer(tmp_path / "out" / "face.fp32.json")


def test_a_face_model_that_scales_its_pixels_is_given_them_as_they_are(tmp_path):
    import keras

    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "face.keras")
    done = convert(tmp_path / "face.keras", tmp_path / "out", "--task", "face", "--labels", "happy,sad")
    assert done.exit_code == 0, done.output
    made = card(tmp_path / "out" / "face.fp32.json")["preprocessing"]
    assert (made["color"], made["std"]) == ("rgb", [1.0])


def test_inputs_that_cannot_be_used_are_told_and_nothing_is_written(model_file, tmp_path, rng):
    inputs = rng.standard_normal((120, 40, 3)).astype(np.float32)

    def arrays(name, **content):
        np.savez(tmp_path / name, **content)
        return tmp_path / name

    pictures(tmp_path / "faces", rng, 3)
    (tmp_path / "mixed" / "happy").mkdir(parents=True)
    (tmp_path / "mixed" / "happy" / "a.wav").write_bytes(b"")
    (tmp_path / "mixed" / "b.wav").write_bytes(b"")
    (tmp_path / "wrong" / "fear").mkdir(parents=True)
    (tmp_path / "wrong" / "fear" / "a.wav").write_bytes(b"")
    (tmp_path / "text.txt").write_text("no arrays")
    voice = ["--front-end", front_end(tmp_path / "mfcc.json"), "--labels", LABELS]
    for path, extra, words in (
        (arrays("few.npz", inputs=inputs[:20]), [], "gives 20 inputs; at least 100 are needed"),
        (arrays("flat.npz", inputs=inputs.reshape(120, -1)), [], "the network takes"),
        (arrays("nan.npz", inputs=inputs * np.nan), [], "NaN or infinity"),
        (arrays("pickle.npz", inputs=np.array([{}] * 120)), [], "holds no array `inputs`"),
        (arrays("names.npz", other=inputs), [], "holds no array `inputs`"),
        (arrays("short.npz", inputs=inputs, labels=np.arange(3)), [], "120 inputs, but 3 labels"),
        (arrays("bored.npz", inputs=inputs, labels=np.array(["bored"] * 120)), voice, "'bored' is no label"),
        (arrays("high.npz", inputs=inputs, labels=np.full(120, 7)), [], "'7' is no label"),
        (tmp_path / "faces", voice, "gives 0 inputs; at least 100 are needed to judge a model by. Left out:"),
        (tmp_path / "wrong", voice, "'fear' is no label of the model"),
        (tmp_path / "mixed", voice, "holds files beside folders of labels"),
        (tmp_path / "faces", [], "how its files become inputs is not said"),
        (tmp_path / "text.txt", [], "neither a folder nor an .npz"),
    ):
        done = convert(model_file, tmp_path / "out", "--calibrate", path, *extra)
        assert done.exit_code == 1, path
        assert words in done.output
        assert not (tmp_path / "out").exists()


def test_a_card_that_does_not_fit_is_refused_and_nothing_is_written(model_file, tmp_path):
    fits, wide = front_end(tmp_path / "fits.json"), front_end(tmp_path / "wide.json", frames=41)
    turned = front_end(tmp_path / "turned.json", layout="features_first")
    for path, labels, words in (
        (wide, LABELS, "input.shape is [40, 3] without the batch, but voice gives [41, 3]"),
        (turned, LABELS, "but voice gives [3, 40]"),
        (fits, "angry,calm,happy", "--labels names 3 emotions, but"),
        (fits, "angry,calm,happy,sad,bored", "--labels holds bored"),
        (front_end(tmp_path / "typo.json", framse=40), LABELS, "has no field input.framse"),
        (front_end(tmp_path / "wrong.json", frames="many"), "angry,calm", "frames"),
    ):
        done = convert(model_file, tmp_path / "out", "--front-end", path, "--labels", labels)
        assert done.exit_code == 1
        assert words in done.output
    for arguments in (["--labels", "angry,calm"], ["--task", "face"], ["--front-end", fits]):
        assert convert(model_file, tmp_path / "out", *arguments).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_accuracy_is_told_and_answers_that_look_like_chance_are_warned_of(model_file, tmp_path, rng):
    import keras

    inputs = rng.standard_normal((240, 40, 3))  # float64, as numpy makes it
    right = np.asarray(keras.models.load_model(model_file)(inputs.astype(np.float32))).argmax(1)
    for name, labels in (("right", right), ("wrong", rng.integers(0, 5, 240))):
        np.savez(tmp_path / f"{name}.npz", inputs=inputs, labels=labels)
    done = convert(model_file, tmp_path / "out", "--calibrate", tmp_path / "right.npz")
    assert done.exit_code == 0, done.output
    assert "fp32 is right on 100.0% of" in done.stdout
    assert "WARNING" not in done.stderr
    (metric,) = card(tmp_path / "out" / "net.fp32.json")["metrics"]
    assert (metric["name"], metric["value"], metric["n"]) == ("accuracy", 1.0, 160)
    done = convert(model_file, tmp_path / "out", "--calibrate", tmp_path / "wrong.npz")
    assert "are the front end and the order of the labels those of the training?" in done.stderr


def test_a_sigmoid_gives_probabilities(tmp_path):
    import keras

    network(keras, head="sigmoid").save(tmp_path / "net.keras")
    arguments = ["--front-end", front_end(tmp_path / "mfcc.json"), "--labels", LABELS.title()]
    assert convert(tmp_path / "net.keras", tmp_path / "out", *arguments).exit_code == 0
    recognizer = VoiceRecognizer(tmp_path / "out" / "net.fp32.json")
    assert recognizer.card.activation == "probabilities"
    probabilities = calibrated(np.array([[0.9, 0.1, 0.1, 0.1, 0.6]], np.float32), recognizer.card)[0]
    assert probabilities[EMOTIONS.index("angry")] == pytest.approx(1.5 / 1.8)


def test_a_row_of_labels_for_every_frame_is_refused_for_a_voice(tmp_path):
    import keras

    layers = keras.layers
    model = keras.Sequential([layers.Input((40, 3)), layers.GRU(5, return_sequences=True)])
    model.save(tmp_path / "net.keras")
    arguments = ["--front-end", front_end(tmp_path / "mfcc.json"), "--labels", LABELS]
    done = convert(tmp_path / "net.keras", tmp_path / "out", *arguments)
    assert done.exit_code == 1
    assert "one row of labels for each input is asked for" in done.output
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(model_file, tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.write_bytes", full)
        done = convert(model_file, tmp_path / "out")
    assert done.exit_code == 1
    assert "cannot be written (No space left on device)" in done.output
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told(model_file, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = convert(model_file, tmp_path / "file" / "out")
    assert done.exit_code == 1
    assert "cannot be written (Not a directory)" in done.output


def test_an_operator_that_onnx_lacks_is_told_with_all_that_was_said(tmp_path):
    import tensorflow as tf

    class Peculiar(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 4, 4))])
        def __call__(self, x):
            return {"y": tf.linalg.eigvalsh(x)}

    module = Peculiar()
    tf.saved_model.save(module, tmp_path / "net", signatures=module.__call__)
    done = convert(tmp_path / "net", tmp_path / "out")
    assert done.exit_code == 1
    assert "no way to ONNX gives what Keras gives" in done.output
    log = done.output.split("all that was said is in ")[1].strip()
    with open(log) as file:
        assert "SelfAdjointEigV2" in file.read()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("version", ["Keras 3", "Keras 2"])
@pytest.mark.parametrize("name", ["voice_classic", "cnn_lstm", "mini_xception"])
def test_networks_of_the_literature_pass_every_gate(version, name, tmp_path):
    from benchmarks.export import KERAS, row
    from benchmarks.export import convert as convert_trained

    keras = importlib.import_module(KERAS[version])
    code, told = convert_trained(name, keras, ".keras" if version == "Keras 3" else ".h5", tmp_path)
    assert code == 0, told
    found = row(tmp_path / "out", name)
    assert found["largest_difference"] <= 1e-4
    assert found["label_agreement"] >= 0.98
    assert found["kilobytes"] < 0.6 * found["kilobytes_fp32"]
    assert verify(tmp_path / "out").exit_code == 0
