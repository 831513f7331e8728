"""Model files as data: what they say of themselves, and what is refused before anything in them runs."""

import json
import pickle
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner

from export.__main__ import main
from export.keras.source import SourceError, check_is_data, describe
from export.keras.weights import MAX_COMPRESSION

SEQUENTIAL = {
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            {"class_name": "Dense", "config": {"name": "first", "units": 4}},
            {"class_name": "Dropout", "config": {"name": "drop", "rate": 0.5}},
            {
                "class_name": "Bidirectional",
                "config": {"name": "both", "layer": {"class_name": "LSTM", "config": {"name": "lstm", "units": 2}}},
            },
        ],
    },
}


def with_layer(kind, name="odd", **extra):
    layers = [*SEQUENTIAL["config"]["layers"], {"class_name": kind, "config": {"name": name}, **extra}]
    return {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}


def archive(path, config, members=(), version="3.5.0"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("metadata.json", json.dumps({"keras_version": version}))
        for name, content in members:
            file.writestr(name, content)
    return path


def hdf5(path, config, version="2.0.6"):
    h5py = pytest.importorskip("h5py", reason="needs the extra: pip install '.[export]'")
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"] = version.encode()
        group = file.create_group("model_weights")
        group.create_dataset("w", data=np.zeros(5000))
        if config is None:
            file.attrs["layer_names"] = [b"dense"]
    return path


def test_an_archive_tells_its_layers(tmp_path):
    found = describe(archive(tmp_path / "net.keras", SEQUENTIAL))
    assert (found.format, found.keras_version, found.is_legacy) == ("keras", "3.5.0", False)
    assert [(layer.name, layer.kind, layer.removed) for layer in found.layers] == [
        ("first", "Dense", False),
        ("drop", "Dropout", True),
        ("both", "Bidirectional", False),
        ("lstm", "LSTM", False),
    ]


@pytest.mark.parametrize("bare_list", [True, False])
def test_hdf5_of_keras_2_tells_its_layers(tmp_path, bare_list):
    config = {"class_name": "Sequential", "config": SEQUENTIAL["config"]["layers"]} if bare_list else SEQUENTIAL
    found = describe(hdf5(tmp_path / "net.h5", config))
    assert (found.format, found.keras_version, found.is_legacy) == ("h5", "2.0.6", True)
    assert [layer.kind for layer in found.layers] == ["Dense", "Dropout", "Bidirectional", "LSTM"]


def test_inspect_prints_layers_as_text_and_json(tmp_path):
    path = str(archive(tmp_path / "net.keras", SEQUENTIAL))
    text = CliRunner().invoke(main, ["inspect", path])  # which says too that it holds no weights, where Keras is there
    assert "Keras 3.5.0" in text.stdout
    assert "drop" in text.stdout
    assert "removed" in text.stdout
    found = json.loads(CliRunner().invoke(main, ["inspect", path, "--json"]).stdout)
    assert found["removed_in_conversion"] == ["drop"]


def hostile(tmp_path):
    """Yield files that are refused, with a word of the message."""
    (tmp_path / "empty.h5").touch()
    yield tmp_path / "empty.h5", "empty"
    (tmp_path / "text.h5").write_text("this is no model")
    yield tmp_path / "text.h5", "no Keras file"
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"weights": [1]}))
    yield tmp_path / "net.pkl", "is a pickle"
    yield tmp_path / "nowhere.h5", "no such file"
    (tmp_path / "folder").mkdir()
    yield tmp_path / "folder", r"without saved_model\.pb"
    (tmp_path / "other.json").write_text('{"a": 1}')
    yield tmp_path / "other.json", "not what model.to_json"
    (tmp_path / "net.json").write_text(json.dumps(SEQUENTIAL))
    yield tmp_path / "net.json", "--weights FILE"
    (tmp_path / "broken.json").write_text('{"class_name": ')
    yield tmp_path / "broken.json", "is no JSON"
    whole = archive(tmp_path / "whole.keras", SEQUENTIAL, [("model.weights.h5", bytes(range(256)) * 40)]).read_bytes()
    for share in (0.1, 0.5, 0.95):
        (tmp_path / f"cut{share}.keras").write_bytes(whole[: int(len(whole) * share)])
        yield tmp_path / f"cut{share}.keras", "cut off or damaged"
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as file:
        file.writestr("readme.txt", "hello")
    yield tmp_path / "other.keras", "without config.json"
    for name in ("../escape.txt", "/etc/escape.txt", "a/../../b", "..\\escape.txt", "C:/escape.txt"):
        path = tmp_path / f"escape{abs(hash(name))}.keras"
        yield archive(path, SEQUENTIAL, [(name, "x")]), "outside its folder"
    bomb = archive(tmp_path / "bomb.keras", SEQUENTIAL, [("model.weights.h5", bytes(MAX_COMPRESSION * (1 << 16) + 1))])
    yield bomb, "ZIP bomb"
    yield archive(tmp_path / "list.keras", [1, 2]), "names no class"
    weights = [("model.weights.h5", bytes(range(256)) * 40)]
    whole = bytearray(archive(tmp_path / "whole.keras", SEQUENTIAL, weights).read_bytes())
    entry = whole.index(b"PK\1\2")  # 4.3.12 of the ZIP specification: the first of the central directory
    damages = {
        "newer": (entry + 6, b"\x5b\0"),  # version needed to extract: 9.1
        "encrypted": (entry + 8, b"\1\0"),
        "method": (entry + 10, b"\x62\0"),
        "deflated": (30 + len("config.json"), b"\xff" * 8),  # no such block in the first file
        "lzma": (entry + 10, b"\x0e\0"),
        "name": (entry + 8, b"\0\x08" + whole[entry + 10 : entry + 46] + b"\xff"),  # says to be UTF-8
    }
    for name, (at, content) in damages.items():
        damaged = bytearray(whole)
        damaged[at : at + len(content)] = content
        if name in ("method", "lzma"):
            damaged[8:10] = content
        (tmp_path / f"{name}.keras").write_bytes(damaged)
        yield tmp_path / f"{name}.keras", "cut off or damaged"


def test_hostile_files_are_refused_with_the_reason(tmp_path):
    count = 0
    for path, words in hostile(tmp_path):
        with pytest.raises(SourceError, match=words) as caught:
            describe(path)
        assert str(path) in str(caught.value)
        done = CliRunner().invoke(main, ["convert", str(path), "--out", str(tmp_path / "out")])
        assert done.exit_code == 1, path
        assert not (tmp_path / "out").exists()
        count += 1
    assert count >= 25


def test_hdf5_that_is_cut_off_or_holds_weights_alone(tmp_path):
    whole = hdf5(tmp_path / "whole.h5", SEQUENTIAL).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="cut off or damaged"):
        describe(tmp_path / "cut.h5")
    with pytest.raises(SourceError, match="weights without an architecture"):
        describe(hdf5(tmp_path / "weights.h5", None))


def test_a_lambda_is_code(tmp_path):
    found = describe(archive(tmp_path / "net.keras", with_layer("Lambda")))
    with pytest.raises(SourceError, match=r"'odd' is a Lambda.*--trust-code"):
        check_is_data(found)
    check_is_data(found, trust_code=True)


def test_a_lambda_inside_a_wrapper_is_code_too(tmp_path):
    inner = {"class_name": "Lambda", "config": {"name": "hidden"}}
    config = with_layer("TimeDistributed")
    config["config"]["layers"][-1]["config"]["layer"] = inner
    with pytest.raises(SourceError, match="'hidden' is a Lambda"):
        check_is_data(describe(archive(tmp_path / "net.keras", config)))


def test_classes_of_other_modules_are_named(tmp_path):
    found = describe(archive(tmp_path / "net.keras", with_layer("Attention2000", module="my_project.layers")))
    with pytest.raises(SourceError, match=r"my_project\.layers\.Attention2000"):
        check_is_data(found)
    with pytest.raises(SourceError, match="my_project"):
        check_is_data(found, trust_code=True)
