"""int8 variants that do not ship, to see which of them saturate on x86 processors without VNNI. Needs onnx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.arm_answers import Networks, arrays, compared, difference
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder

N_CALIBRATION, N_INPUTS = 64, 100
FURTHER = 2
"""How many times further from fp32 than on Arm, in the mean, a variant that saturates is."""


def plain_variants(networks: Networks, folder: Path) -> dict[str, tuple[str, str]]:
    """Quantise the default networks per channel, no layer kept in fp32; return cards and inputs as in `networks`.

    Raises ImportError without onnx.
    """
    import onnx
    from onnx import numpy_helper
    from onnxruntime.quantization import QuantType

    from export.quantise.schemes import SCHEMES, Scheme
    from export.quantise.static import Calibrated

    signed = Scheme("S8S8 per channel", QuantType.QInt8, QuantType.QInt8, reduce_range=False, per_channel=True)
    schemes = [
        scheme for scheme in (*SCHEMES, signed) if scheme.per_channel and scheme.activations != QuantType.QUInt16
    ]
    made = {}
    for name in ("voice", "face"):
        card_path, inputs = networks[f"{name} fp32"]
        card, rows = read_card(Path(card_path)), arrays(Path(inputs))
        some = folder / f"{name}.some.npz"
        np.savez(some, *rows[:N_INPUTS])
        model = onnx.load(models_folder() / card.file)
        stored = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in [node for node in model.graph.node if node.op_type == "Cast" and node.input[0] in stored]:
            tensor = stored[node.input[0]]  # the quantiser sees no weights that are stored in 16 bits
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), node.output[0]))
            model.graph.node.remove(node)
        network = Calibrated(model, np.stack(rows[-N_CALIBRATION:]))
        for number, scheme in enumerate(schemes):
            content = network.static(scheme, "MinMax").SerializeToString()
            variant = replace(card, file=f"{name}{number}.onnx", sha256=sha256(content).hexdigest())
            (folder / variant.file).write_bytes(content)
            (folder / f"{name}{number}.json").write_bytes(msgspec.json.encode(variant))
            made[f"{name}, {scheme.name}"] = (str(folder / f"{name}{number}.json"), str(some))
    return made


def rows_of_variants(variants: Networks, here: Path, there: Path) -> dict[str, dict[str, Any]]:
    """Return how the answers in two folders differ, and how far each is from those of fp32 `here`, in the mean."""
    rows = {}
    for name, found in compared(variants, here, there).items():
        card, inputs = (Path(path) for path in variants[name])
        fp32 = arrays(here / f"{name.split(',')[0]} fp32.npz")[: found.inputs]
        mine, other = (
            difference(read_card(card), arrays(inputs), arrays(folder / f"{name}.npz"), fp32)
            for folder in (here, there)
        )
        rows[name] = {**asdict(found), "from_fp32_here": mine.mean, "from_fp32_on_arm": other.mean}
    return rows


def saturating(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the variants that are further from fp32 here than on Arm."""
    return [name for name, row in rows.items() if row["from_fp32_here"] > FURTHER * row["from_fp32_on_arm"]]
