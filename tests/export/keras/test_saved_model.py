"""SavedModels of others: nothing in them is run by inspecting, and nothing but arithmetic by converting.

Needs TensorFlow.
"""

import re

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
tf = pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.trackable.resource import CapturableResource

from export.__main__ import main
from export.keras.saved_model import load
from export.keras.source import SourceError
from export.keras.tf_operators import COMPUTING, SAVING


class Small(tf.Module):
    """A dense layer of 6 to 3, and whatever a test hangs on it."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec((None, 6))])
    def __call__(self, x):
        return {"y": self.extra(tf.nn.softmax(x @ self.weights))}

    def extra(self, y):
        return y


def saved(folder, module=None):
    module = module or Small()
    tf.saved_model.save(module, str(folder), signatures=module.__call__)
    return folder


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("harmless") / "net")


def changed(source, folder, change):
    """Return a copy of a SavedModel whose graph went through `change`."""
    (folder / "variables").mkdir(parents=True)
    for file in (source / "variables").iterdir():
        (folder / "variables" / file.name).write_bytes(file.read_bytes())
    model = saved_model_pb2.SavedModel.FromString((source / "saved_model.pb").read_bytes())
    change(model.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder


def a_function(meta_graph):
    """Return the function that computes, by its MatMul."""
    return next(f for f in meta_graph.graph_def.library.function if any(n.op == "MatMul" for n in f.node_def))


def test_a_harmless_one_predicts_as_before_and_tells_its_shape(harmless):
    network = load(harmless)
    assert (network.input_shape, network.n_outputs, network.n_parameters) == ((6,), 3, 18)
    samples = network.random_inputs(5)
    expected = tf.saved_model.load(str(harmless))(tf.constant(samples))["y"]
    assert np.abs(network.predict(samples) - expected).max() < 1e-6


def writing(target):
    class Writing(CapturableResource):
        def _create_resource(self):
            return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="it")

        def _initialize(self):
            tf.io.write_file(str(target), "written")

    class Initialized(Small):
        def __init__(self):
            super().__init__()
            self.resource = Writing()

        def extra(self, y):
            with tf.control_dependencies([self.resource.resource_handle]):
                return tf.identity(y)

    return Initialized()


def in_a_nested_function(target):
    class Nested(Small):
        @tf.function
        def inner(self, y):
            tf.io.write_file(str(target), "written")
            return y

        @tf.function
        def extra(self, y):
            return self.inner(y)

    return Nested()


def in_a_branch(target):
    def write(y):
        tf.io.write_file(str(target), "written")
        return y

    class Branching(Small):
        def extra(self, y):
            return tf.cond(tf.reduce_sum(y) > 1e9, lambda: y, lambda: write(y))

    return Branching()


def printing(target):
    class Printing(Small):
        def extra(self, y):
            tf.print("written", output_stream=f"file://{target}")
            return y

    return Printing()


def in_python(target):
    class Python(Small):
        def extra(self, y):
            return tf.ensure_shape(
                tf.py_function(lambda y: target.write_text("written") and y, [y], tf.float32), (None, 3)
            )

    return Python()


def checkpointing(target):
    class Saving(Small):
        def extra(self, y):
            tf.raw_ops.SaveV2(prefix=str(target), tensor_names=["y"], shape_and_slices=[""], tensors=[y])
            return y

    return Saving()


def table(target):
    words = target.with_suffix(".txt")
    words.write_text("a\nb\n")
    kinds = tf.lookup.TextFileInitializer(str(words), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                                          tf.lookup.TextFileIndex.LINE_NUMBER)  # fmt: skip

    class Looking(Small):
        def __init__(self):
            super().__init__()
            self.table = tf.lookup.StaticHashTable(kinds, -1)

        def extra(self, y):
            return y + tf.cast(self.table.lookup(tf.constant("a")), tf.float32)

    return Looking()


@pytest.mark.parametrize(
    ("made", "operator"),
    [
        (writing, "WriteFile"),
        (in_a_nested_function, "WriteFile"),
        (in_a_branch, "WriteFile"),
        (printing, "PrintV2"),
        (in_python, "EagerPyFunc"),
        (checkpointing, "SaveV2"),
        (table, "LookupTableFindV2|HashTableV2|InitializeTableFromTextFileV2"),
    ],
)
def test_what_does_more_than_compute_is_named_and_neither_inspected_nor_converted_runs_it(tmp_path, made, operator):
    target = tmp_path / "target"
    folder = saved(tmp_path / "net", made(target))
    for written in tmp_path.glob("target*"):
        written.unlink()  # by tracing
    for arguments in (["inspect", str(folder)], ["convert", str(folder), "--out", str(tmp_path / "out")]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 1
        assert re.search(f"holds .*the operator ({operator}) \\(in ", done.output), done.output
        assert "pass --trust-code" in done.output
        assert sorted(path.name for path in tmp_path.iterdir()) == ["net"]


@pytest.mark.parametrize(
    "operator",
    [
        "ReadFile", "MatchingFiles", "ImmutableConst", "PyFunc", "PyFuncStateless", "RemoteCall", "_Recv",
        "DataServiceDatasetV4", "DebugIdentityV2", "IteratorV2", "FIFOQueueV2", "SummaryWriter", "WriteSummary",
        "RestoreV2", "MergeV2Checkpoints", "StringFormat", "DecodeImage", "Unheard",
    ],
)  # fmt: skip
def test_an_operator_that_is_on_no_list_is_refused(harmless, tmp_path, operator):
    def exchange(meta_graph):
        next(node for node in a_function(meta_graph).node_def if node.op == "Softmax").op = operator

    with pytest.raises(SourceError, match=rf"holds the operator {operator} \(in __inference"):
        load(changed(harmless, tmp_path / "net", exchange))


def test_every_operator_of_the_list_is_tensorflows_and_takes_no_name_of_a_file():
    known = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    found = {operator.name: operator for operator in known.op}
    assert set(found) >= COMPUTING | SAVING
    reaching = re.compile("file|path|prefix|address|token|url|memory_region|stream|server|task")
    for name in COMPUTING:
        names = [part.name for part in (*found[name].input_arg, *found[name].attr)]
        assert not [part for part in names if reaching.search(part)], name


def test_saving_functions_are_let_pass_only_where_nothing_else_calls_them(harmless, tmp_path):
    def called(meta_graph):
        saver = meta_graph.saver_def.save_tensor_name.split(":")[0]
        saving = next(node for node in meta_graph.graph_def.node if node.name == saver)
        node = a_function(meta_graph).node_def.add(name="again", op="StatefulPartitionedCall")
        node.attr["f"].func.name = saving.attr["f"].func.name

    with pytest.raises(SourceError, match=r"the operator (SaveV2|ShardedFilename|MergeV2Checkpoints)"):
        load(changed(harmless, tmp_path / "net", called))


def a_missing_function(meta_graph):
    a_function(meta_graph).node_def.add(name="call", op="PartitionedCall").attr["f"].func.name = "WriteFile"


def a_function_named_as_an_operator(meta_graph):
    meta_graph.graph_def.library.function.add().signature.name = "WriteFile"


def a_constant_of_terabytes(meta_graph):
    node = a_function(meta_graph).node_def.add(name="large", op="Const")
    node.attr["value"].tensor.dtype = 1
    node.attr["value"].tensor.tensor_shape.dim.add().size = 1 << 40


def a_constant_that_is_an_object(meta_graph):
    a_function(meta_graph).node_def.add(name="odd", op="Const").attr["value"].tensor.dtype = 21


def an_asset(meta_graph):
    meta_graph.asset_file_def.add().filename = "../../etc/passwd"


def tensorflow_1(meta_graph):
    meta_graph.ClearField("object_graph_def")


def variables_of_terabytes(meta_graph):
    variable = next(n.variable for n in meta_graph.object_graph_def.nodes if n.HasField("variable"))
    variable.shape.dim[0].size = 1 << 40


def no_signature(meta_graph):
    meta_graph.signature_def.clear()


def two_inputs(meta_graph):
    stated = meta_graph.signature_def["serving_default"].inputs
    stated["more"].CopyFrom(next(iter(stated.values())))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (a_missing_function, "holds a call of WriteFile"),
        (a_function_named_as_an_operator, "a function that calls itself WriteFile"),
        (a_constant_of_terabytes, "constants of 4,398,"),
        (a_constant_that_is_an_object, "a constant of type variant"),
        (an_asset, "files that it reads"),
        (tensorflow_1, "written by TensorFlow 1"),
        (variables_of_terabytes, "its variables take 13,194,139,533,312 bytes, and its folder variables holds "),
        (no_signature, "has no signature 'serving_default'"),
        (two_inputs, "has 2 inputs and 1 outputs"),
    ],
)
def test_a_graph_that_is_not_what_it_seems_is_told(harmless, tmp_path, change, message):
    with pytest.raises(SourceError, match=message):
        load(changed(harmless, tmp_path / "net", change))


def test_a_function_without_an_end_is_told_when_it_is_loaded(harmless, tmp_path):
    def endless(meta_graph):
        function = a_function(meta_graph)
        function.node_def.add(name="again", op="PartitionedCall").attr["f"].func.name = function.signature.name

    with pytest.raises(SourceError, match=r"net: TensorFlow .* (cannot|can not) (load|read) it"):
        load(changed(harmless, tmp_path / "net", endless)).predict(np.zeros((1, 6), np.float32))


def test_variables_that_are_not_there_are_told(harmless, tmp_path):
    folder = changed(harmless, tmp_path / "net", lambda meta_graph: None)
    for file in (folder / "variables").iterdir():
        file.unlink()
    with pytest.raises(
        SourceError, match="its variables take 72 bytes, and its folder variables holds 0; copy it whole"
    ):
        load(folder)


def deep(levels):
    """Return a graph whose attribute holds a function, whose attribute holds a function, and so on."""

    def field(number, content):
        size, length = len(content), b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    value = b""
    for _ in range(levels):
        value = field(10, field(2, field(1, b"a") + field(2, value)))
    return field(2, field(2, field(1, field(5, field(1, b"f") + field(2, value)))))


@pytest.mark.parametrize("content", [deep(300), b"\x0a\xff\xff\xff\xff", b"\x12\x02\x08", b"no protobuf at all"])
def test_a_damaged_or_bottomless_graph_is_told(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(SourceError, match="is cut off, damaged or nested too deep"):
        load(tmp_path)


def test_a_graph_of_gigabytes_is_not_read(tmp_path):
    with (tmp_path / "saved_model.pb").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(SourceError, match="is 42,949,672,960 bytes; graphs of up to 1 GB are read"):
        load(tmp_path)


def test_trusted_code_runs_in_a_process_that_writes_nowhere_else(tmp_path):
    from export.keras.confinement import landlock_version

    if landlock_version() < 1:
        pytest.skip("the kernel has no Landlock, which bounds writing")
    target = tmp_path / "target"
    folder = saved(tmp_path / "net", in_a_nested_function(target))
    with pytest.raises(SourceError, match="net: TensorFlow cannot read it"):
        load(folder, trust_code=True).predict(np.zeros((1, 6), np.float32))
    assert not target.exists()


def test_a_trusted_table_predicts(tmp_path):
    folder = saved(tmp_path / "net", table(tmp_path / "target"))
    rows = load(folder, trust_code=True).predict(np.zeros((2, 6), np.float32))
    assert rows.sum(axis=1) == pytest.approx([1, 1])
