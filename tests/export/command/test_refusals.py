"""What cannot be converted is told, and leaves nothing. Needs TensorFlow."""

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import numpy as np

from tests.export.command.running import LABELS, convert, front_end, pictures


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
