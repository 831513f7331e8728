"""The families of models that ship, a file for each: network, front end, recipe, description, licence note.

A new family is one new file here, named as its models are, whose `FAMILY` says all there is to say of it. Its task is
the way it is built, a module of `export.build`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Literal

from edge_emo.models.schema import DetectorPreprocessing, FacePreprocessing, VoicePreprocessing
from export.train.recipes import DetectorRecipe, FaceRecipe, VoiceRecipe


@dataclass(frozen=True)
class Calibration:
    """How many inputs the ranges of int8 come from, and how many others judge it.

    Of the answers that are given a name, `right` are to be right; it sets the threshold of a voice model.
    """

    inputs: int
    judged: int
    right: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of model, from the network to what its card says.

    `network` returns it untrained, as a Keras model. `front_end` is what it is trained and run with; a voice's `input`
    is fitted to the training data, and where the points of a face come to is found out by its build. `metrics` are
    those that a card states. A model of which `is_default` serves its task in the manifest. `stores_halves` keeps the
    weights of fp32 in 16 bits. `needs` are families that are built before.
    """

    name: str
    task: Literal["voice", "face", "detector"]
    version: str
    network: Callable[..., Any]
    front_end: VoicePreprocessing | FacePreprocessing | DetectorPreprocessing
    recipe: VoiceRecipe | FaceRecipe | DetectorRecipe
    refined: VoiceRecipe | FaceRecipe | DetectorRecipe
    calibration: Calibration
    metrics: tuple[str, ...]
    description: str
    license_note: str
    license: str = "CC-BY-NC-SA-4.0"
    is_default: bool = True
    stores_halves: bool = True
    needs: tuple[str, ...] = ()


class UnknownFamilyError(ValueError):
    """A name that is that of no family; the text says which there are."""


def names() -> list[str]:
    """Return the names of all families; nothing heavy is imported."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Family:
    """Return a family. Raises UnknownFamilyError; ImportError without Keras."""
    if name not in names():
        raise UnknownFamilyError(f"{name} is no family of models; known are {', '.join(names())}")
    family: Family = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").FAMILY
    return family


def of_task(task: str) -> list[str]:
    """Return the names of the families of a task."""
    return [name for name in names() if load(name).task == task]


def in_order(wanted: Sequence[str]) -> list[Family]:
    """Return families so that each comes after those of them that it needs."""
    found = {name: load(name) for name in wanted}
    order = TopologicalSorter({name: set(family.needs) & set(found) for name, family in found.items()})
    return [found[name] for name in order.static_order()]
