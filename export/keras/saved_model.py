"""SavedModel folders: read as protobuf, checked operator by operator, and loaded in a child process alone.

The functions that take text for a path run there; `load` runs here. TensorFlow gets to see a graph only after every
operator of it was found on a list, or where its maker is trusted.
"""

from __future__ import annotations

import importlib.util
import math
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.keras.child import Child, ChildError
from export.keras.network import InputShape, Network, fixed, one_of_each
from export.keras.source import SourceError, one_line
from export.keras.tf_operators import COMPUTING, SAVING

SIGNATURE = "serving_default"
MAX_GRAPH_BYTES = 1 << 30
MAX_CONSTANT_BYTES = 2 << 30
N_TOLD = 3


def load(path: Path, input_shape: InputShape | None = None, *, trust_code: bool = False) -> Network:
    """Return the network of a folder. Nothing in it is run before the network is asked to predict or to convert.

    Raises SourceError, also where its graph does more than compute and `trust_code` is not given.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ModuleNotFoundError("TensorFlow reads a SavedModel", name="tensorflow")
    place = str(path.absolute())

    def asked(function: str, *arguments: Any) -> Any:
        try:
            return _reader().call(f"export.keras.saved_model:{function}", place, *arguments)
        except ChildError as error:
            raise SourceError(f"{path}: TensorFlow cannot read it ({error}); save it again") from error

    stated = asked("describe")
    if stated["refusal"] and not trust_code:
        raise SourceError(f"{path}: {stated['refusal']}; if you trust who made it, pass --trust-code")
    shape = fixed(path.name, tuple(stated["input_shape"]), input_shape)
    return Network(
        name=path.name,
        input_shape=shape,
        is_open=input_shape is not None and None in shape,
        n_outputs=stated["n_outputs"],
        n_parameters=stated["n_parameters"],
        call=None,
        predict=lambda samples: np.asarray(asked("predict", trust_code, samples), np.float32),
        input_dtype=stated["input_dtype"],
        to_onnx=lambda opset: asked("converted", trust_code, shape, opset),
    )


@cache
def _reader() -> Child:
    """Return the child that reads every folder, so that TensorFlow is imported once."""
    return Child()


def describe(path: str) -> dict[str, Any]:
    """Return what a folder says of its signature, and why it is not loaded, "" where it is. Raises SourceError."""
    model = _parsed(path)
    graph = model.meta_graphs[0] if model.meta_graphs else None
    if graph is None or SIGNATURE not in graph.signature_def:
        raise SourceError(f"{path}: has no signature {SIGNATURE!r}; save it with model.export()")
    stated = graph.signature_def[SIGNATURE]
    one_of_each(path, len(stated.inputs), len(stated.outputs))
    (given,), (output,) = stated.inputs.values(), stated.outputs.values()
    if not given.tensor_shape.dim or not output.tensor_shape.dim:
        raise SourceError(f"{path}: its signature {SIGNATURE!r} states no shapes; save it with an input signature")
    _check_variables(path, graph.object_graph_def)
    return {
        "input_shape": [size if size >= 0 else None for size in _sizes(given.tensor_shape)[1:]],
        "input_dtype": _dtype(given.dtype),
        "n_outputs": _sizes(output.tensor_shape)[-1],
        "n_parameters": _n_parameters(graph.object_graph_def),
        "refusal": _refusal(model),
    }


def _parsed(path: str) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = Path(path) / "saved_model.pb"
    if file.stat().st_size > MAX_GRAPH_BYTES:
        raise SourceError(
            f"{file}: is {file.stat().st_size:,} bytes; graphs of up to {MAX_GRAPH_BYTES >> 30} GB are read"
        )
    try:
        return saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except (DecodeError, MemoryError) as error:
        raise SourceError(
            f"{file}: is cut off, damaged or nested too deep ({one_line(error)}); save it again"
        ) from None


def _check_variables(path: str, objects: Any) -> None:
    """Raise SourceError where the variables that a graph states are larger than the files that hold them."""
    stated = sum(_n_bytes(node.variable.dtype, node.variable.shape) for node in objects.nodes)
    there = sum(file.stat().st_size for file in (Path(path) / "variables").glob("variables.data-*"))
    if stated > there:
        raise SourceError(
            f"{path}: its variables take {stated:,} bytes, and its folder variables holds {there:,}; copy it whole"
        )


def _refusal(model: Any) -> str:
    """Return what a SavedModel holds that is more than computing; "" where there is nothing of the kind."""
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField("object_graph_def"):
        return "was written by TensorFlow 1, whose graph restores itself from files"
    graph = model.meta_graphs[0]
    refused = list(dict.fromkeys(_refused(graph)))
    if graph.asset_file_def or any(node.HasField("asset") for node in graph.object_graph_def.nodes):
        refused.append("files that it reads (assets)")
    more = f" and {len(refused) - N_TOLD} more" * (len(refused) > N_TOLD)
    return f"holds {', '.join(refused[:N_TOLD])}{more}, and not only what computes" if refused else ""


def _refused(meta_graph: Any) -> Iterator[str]:
    """Yield the operators of a graph that are on no list, and the functions that are not there, each with its place."""
    from tensorflow.python.framework import op_def_registry

    graph = meta_graph.graph_def
    functions = {function.signature.name for function in graph.library.function}
    saving = _only_saving(meta_graph)
    for name in functions:
        if op_def_registry.get(name) is not None:
            yield f"a function that calls itself {name}, as an operator of TensorFlow"
    constants = 0
    for node, place in _nodes(graph):
        where = f" (in {place})" if place else ""
        allowed = node.op in COMPUTING or node.op in functions or (node.op in SAVING and place in saving)
        if not allowed:
            yield f"the operator {node.op}{where}"
        for called in _called(node):
            if called not in functions:
                yield f"a call of {called or 'nothing'}{where}"
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            if _dtype(tensor.dtype) in ("variant", "resource"):
                yield f"a constant of type {_dtype(tensor.dtype)}{where}"
            constants += _n_bytes(tensor.dtype, tensor.tensor_shape)
    if constants > MAX_CONSTANT_BYTES:
        yield f"constants of {constants:,} bytes"


def _nodes(graph: Any) -> Iterator[tuple[Any, str]]:
    """Yield every node of a graph and of its functions, and the name of the function."""
    yield from ((node, "") for node in graph.node)
    for function in graph.library.function:
        yield from ((node, function.signature.name) for node in function.node_def)


def _called(node: Any) -> Iterator[str]:
    """Yield the names of the functions that a node is told to call."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def _only_saving(meta_graph: Any) -> set[str]:
    """Return the functions that nothing calls but what saves and restores the whole model, which loading never runs."""
    saver, objects = meta_graph.saver_def, meta_graph.object_graph_def
    of_saver = {name.split(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name)}
    calls: dict[str, set[str]] = {}
    for node, place in _nodes(meta_graph.graph_def):
        at = "the saver" if not place and node.name in of_saver else place
        calls.setdefault(at, set()).update([node.op, *_called(node)])
    of_objects = set(objects.concrete_functions)
    for node in objects.nodes:
        of_objects |= {node.bare_concrete_function.concrete_function_name, *node.function.concrete_functions}
    return _reached({"the saver"}, calls) - _reached(of_objects | {""}, calls)


def _reached(roots: set[str], calls: dict[str, set[str]]) -> set[str]:
    found, waiting = set(roots), list(roots)
    while waiting:
        new = calls.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _n_parameters(objects: Any) -> int:
    """Return how many numbers the variables hold that the signature's function is bound to; 0 where it is not told."""
    nodes = objects.nodes
    try:
        names = [{child.local_name: child.node_id for child in node.children} for node in nodes]
        function = nodes[names[names[0]["signatures"]][SIGNATURE]].bare_concrete_function.concrete_function_name
        bound = set(objects.concrete_functions[function].bound_inputs)
        return sum(
            int(np.prod(_sizes(nodes[place].variable.shape))) for place in bound if nodes[place].HasField("variable")
        )
    except (KeyError, IndexError):
        return 0


def _sizes(shape: Any) -> list[int]:
    return [dim.size for dim in shape.dim]


def _n_bytes(dtype: int, shape: Any) -> int:
    import tensorflow as tf

    try:
        size = int(tf.dtypes.as_dtype(dtype).size)
    except TypeError:  # of no known type
        return 0
    return size * math.prod(max(0, number) for number in _sizes(shape))  # in Python's numbers, which do not wrap around


def _dtype(number: int) -> str:
    import tensorflow as tf

    try:
        return str(tf.dtypes.as_dtype(number).name)
    except TypeError:
        return f"number {number}"


def predict(path: str, trust_code: bool, samples: NDArray[Any]) -> NDArray[Any]:
    """Return the output for `samples`, (samples, *input). Raises SourceError."""
    import tensorflow as tf

    return np.asarray(_call(path, trust_code)(tf.constant(samples)))


def converted(path: str, trust_code: bool, shape: InputShape, opset: int) -> bytes:
    """Return the network in ONNX. Raises SourceError, and what tf2onnx raises."""
    from export.keras.convert import ROUTES

    stated = describe(path)
    network = Network(
        name=Path(path).name,
        input_shape=tuple(shape),
        n_outputs=stated["n_outputs"],
        n_parameters=stated["n_parameters"],
        call=_call(path, trust_code),
        predict=None,  # type: ignore[arg-type]  # only its graph is asked for
        input_dtype=stated["input_dtype"],
    )
    return bytes(ROUTES["tf2onnx, from a function"](network, opset).SerializeToString())


def _call(path: str, trust_code: bool) -> Any:
    return _loaded(path, trust_code, os.stat(Path(path) / "saved_model.pb").st_mtime_ns)


@cache
def _loaded(path: str, trust_code: bool, changed_ns: int) -> Any:
    """Return the function of a folder's signature, from one tensor to one.

    Without trust what is loaded is what was checked, by way of a folder of this process's own.
    """
    import tensorflow as tf

    model = _parsed(path)
    refusal = _refusal(model)
    if refusal and not trust_code:
        raise SourceError(f"{path}: {refusal}")
    folder = Path(path)
    if not trust_code:
        folder = Path(tempfile.mkdtemp())
        (folder / "saved_model.pb").write_bytes(model.SerializeToString())
        (folder / "variables").symlink_to(Path(path) / "variables")
    try:
        loaded = tf.saved_model.load(str(folder))
        signature = loaded.signatures[SIGNATURE]
    except Exception as error:  # TensorFlow raises many kinds
        raise SourceError(f"{path}: TensorFlow {tf.__version__} cannot load it ({one_line(error)})") from None
    (name,), (output,) = signature.structured_input_signature[1], signature.structured_outputs
    return lambda x: loaded.signatures[SIGNATURE](**{name: x})[output]  # which keeps the variables alive
