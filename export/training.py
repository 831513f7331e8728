"""How every network is trained: AdamW on one cycle (Smith 2018), resumed where a run stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise over the first 15 % of the steps, then a half cosine down to nearly nothing."""

    def __init__(self, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at `step`."""
        t, rise = keras.ops.cast(step, "float32") / self.steps, 0.15
        fall = 0.5 * (1 + keras.ops.cos(np.pi * (t - rise) / (1 - rise))) + 1e-4
        return self.peak * keras.ops.where(t < rise, 0.05 + 0.95 * t / rise, fall)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"peak": self.peak, "steps": self.steps}


class _NextEpoch(keras.callbacks.Callback):
    """Tells the dataset which epoch begins, also after a resumed start."""

    def __init__(self, dataset: Any) -> None:
        super().__init__()
        self._dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the dataset's epoch."""
        self._dataset.start_epoch(epoch)


def fit(
    model: keras.Model,
    dataset: Any,
    folder: Path,
    *,
    epochs: int,
    learning_rate: float,
    weight_decay: float,
    ema: float | None = None,
) -> None:
    """Train a network that ends in logits, with checkpoint and losses in `folder`; an interrupted run goes on there.

    `dataset` is told each epoch by `start_epoch`. With `ema` the weights become their running mean of that momentum.
    """
    optimizer = keras.optimizers.AdamW(
        OneCycle(learning_rate, len(dataset) * epochs),
        weight_decay=weight_decay,
        clipnorm=1.0,
        use_ema=ema is not None,
        ema_momentum=ema or 0.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer=optimizer, loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    folder.mkdir(parents=True, exist_ok=True)
    model.fit(
        dataset,
        epochs=epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(str(folder / "checkpoint")),
            _NextEpoch(dataset),
            keras.callbacks.CSVLogger(str(folder / "loss.csv"), append=True),
        ],
    )
    if ema is not None:
        optimizer.finalize_variable_values(model.trainable_variables)
