"""Parts of the pictures that show accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

BLUE = "#3b6ea5"


def confusion(axis: Any, counts: Sequence[Sequence[int]], labels: Sequence[str], xlabel: str, ylabel: str) -> None:
    """Draw a confusion matrix as shares of each row."""
    matrix = np.array(counts, float)
    matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(matrix.shape):
        color = "white" if matrix[i, j] > 0.5 else "black"
        axis.text(j, i, f"{matrix[i, j]:.0%}", ha="center", va="center", color=color, fontsize=8)
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=f"Confusion, share of the {ylabel}")


def recall(axis: Any, values: dict[str, float], chance: float) -> None:
    """Draw the recall of each label."""
    axis.barh(list(values), list(values.values()), color=BLUE)
    axis.axvline(chance, color="grey", linestyle=":", label="chance")
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel="recall", title="Recall by emotion")
    axis.legend()


def reliability(axis: Any, rows: Sequence[Sequence[float]], ece: float) -> None:
    """Draw accuracy against confidence, with the number of inputs at each point."""
    bins = np.array(rows)
    axis.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axis.plot(bins[:, 0], bins[:, 1], marker="o", color=BLUE)
    for confidence, right, count in bins:
        side = {"xytext": (-6, 4), "ha": "right"} if confidence > 0.5 else {"xytext": (6, 4), "ha": "left"}
        axis.annotate(f"{count:.0f}", (confidence, right), textcoords="offset points", fontsize=8, **side)
    axis.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="confidence",
        ylabel="accuracy",
        title=f"Reliability, calibration error of all {ece:.3f}",
    )
