"""Size and speed of networks of the literature, converted and quantised from Keras 3 and Keras 2. Needs `[export]`.

python -m benchmarks.export
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks import environment
from export.families import face_classic
from export.families import voice_classic as classic_voice

KERAS = {"Keras 3": "keras", "Keras 2": "tf_keras"}
N_TRAINING, N_REAL, STEPS = 640, 300, 40


def cnn_lstm(keras: Any) -> Any:
    """The CNN+LSTM of the literature on speech emotion: 200 log-mels by time, 2.8 million parameters."""
    layers = keras.layers
    x = inputs = keras.Input((240, 200))
    for width in (64, 128, 256):
        x = layers.Conv1D(width, 3, padding="same")(x)
        x = layers.ELU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling1D(4)(x)
    for width in (540, 256):
        x = layers.LSTM(width, return_sequences=True)(x)
    x = layers.Flatten()(x)
    for width in (100, 50, 20):
        x = layers.Dense(width, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(7, activation="softmax")(x))


def mini_xception(keras: Any) -> Any:
    """The face network of Arriaga et al. (2017), arXiv:1710.07557: separable convolutions and no dense layer."""
    network = face_classic.network(n_outputs=7, keras=keras)
    return keras.Model(network.input, keras.layers.Activation("softmax")(network.output))


def voice_classic(keras: Any) -> Any:
    """The original voice network, over the mean of 100 MFCCs."""
    return classic_voice.network(keras=keras)


NETWORKS = {"voice_classic": voice_classic, "cnn_lstm": cnn_lstm, "mini_xception": mini_xception}


def trained(name: str, keras: Any) -> tuple[Any, NDArray[np.float32], NDArray[np.int64]]:
    """Return a network after a short training on classes of noise, with other inputs and their labels.

    Each class is a smooth pattern of its own under noise; a network with chance weights would agree with nothing.
    """
    keras.utils.set_random_seed(0)
    model = NETWORKS[name](keras)
    shape, n_classes = model.input_shape[1:], model.output_shape[-1]
    rng = np.random.default_rng(0)
    patterns = rng.standard_normal((n_classes, *[-(-size // 8) for size in shape]))
    for axis, size in enumerate(shape, start=1):
        patterns = np.repeat(patterns, 8, axis=axis).take(range(size), axis=axis)
    labels = rng.integers(0, n_classes, N_TRAINING + N_REAL)
    inputs = (patterns[labels] + 1.5 * rng.standard_normal((len(labels), *shape))).astype(np.float32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name == "voice_classic")
    model.compile(keras.optimizers.Adam(2e-3), loss)
    epochs = -(-STEPS * 32 // N_TRAINING)
    model.fit(inputs[:N_TRAINING], labels[:N_TRAINING], batch_size=32, epochs=epochs, verbose=0)
    return model, inputs[N_TRAINING:], labels[N_TRAINING:]


def _save_trained(name: str, module: str, path: Path) -> None:
    """Train a network, and write it to `path` and its inputs beside it.

    In a process without oneDNN, which corrupts memory in the training of separable convolutions on some processors.
    """
    model, inputs, labels = trained(name, importlib.import_module(module))
    model.save(path)
    np.savez(path.with_name("real.npz"), inputs=inputs, labels=labels)


def convert(name: str, keras: Any, suffix: str, folder: Path) -> tuple[int, str]:
    """Train, save, and convert a network by the command line into `folder`/out; return exit code and output."""
    from click.testing import CliRunner

    from export.__main__ import main as export

    path = folder / f"{name}{suffix}"
    with mock.patch.dict(os.environ, TF_ENABLE_ONEDNN_OPTS="0", KERAS_BACKEND="tensorflow"):
        training = multiprocessing.get_context("spawn").Process(target=_save_trained, args=(name, keras.__name__, path))
        training.start()
    training.join()
    if training.exitcode:
        raise RuntimeError(f"the training of {name} ended with {training.exitcode}")
    done = CliRunner().invoke(
        export, ["convert", str(path), "--out", str(folder / "out"), "--calibrate", str(folder / "real.npz")]
    )
    return done.exit_code, done.output


def row(folder: Path, name: str) -> dict[str, Any]:
    """Return the figures of a conversion from its cards."""
    small = next(path for path in folder.glob(f"{name}.*.json") if not path.name.endswith(".fp32.json"))
    cards = [json.loads(path.read_bytes()) for path in (folder / f"{name}.fp32.json", small)]
    kilobytes = [(folder / card["file"]).stat().st_size / 1000 for card in cards]
    times = cards[1]["parity"]["latency_ms"]
    return {
        "network": name,
        "largest_difference": cards[0]["parity"]["gates"][0]["value"],
        "chosen": cards[1]["parity"]["chosen"],
        "kilobytes_fp32": round(kilobytes[0], 1),
        "kilobytes": round(kilobytes[1], 1),
        "ms_fp32": times["fp32"],
        "ms": times[cards[1]["precision"]],
        "label_agreement": next(g["value"] for g in cards[1]["parity"]["gates"] if "agreement" in g["name"]),
    }


@click.command()
@environment.json_option()
def main(json_path: Path | None) -> None:
    """Convert every network from both Keras, and print what came out."""
    rows = []
    for version, module in KERAS.items():
        keras = importlib.import_module(module)
        for name in NETWORKS:
            with tempfile.TemporaryDirectory() as folder:
                code, told = convert(name, keras, ".keras" if module == "keras" else ".h5", Path(folder))
                if code:
                    raise click.ClickException(f"{name}, {version}: {told}")
                rows.append({"keras": version, **row(Path(folder) / "out", name)})
    click.echo("| network | from | difference | chosen | kB fp32 | kB | ms fp32 | ms | labels as fp32 |")
    click.echo("|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        click.echo(
            f"| {r['network']} | {r['keras']} | {r['largest_difference']:.1g} | {r['chosen']} | "
            f"{r['kilobytes_fp32']:,.0f} | {r['kilobytes']:,.0f} | {r['ms_fp32']:.3f} | {r['ms']:.3f} | "
            f"{r['label_agreement']:.1%} |"
        )
    environment.write(json_path, "export", rows, models="none")


if __name__ == "__main__":
    main()
