"""Imports point down: each part of the package knows only the parts below it, and no two files know each other."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BELOW = {
    "core": set(),
    "audio": {"core"},
    "models": {"audio"},
    "media": {"core"},
    "voice": {"models", "media"},
    "face": {"models", "media"},
    "analysis": {"voice", "face"},
    "music.store": {"core"},
    "music.ranking": {"music.store"},
    "music.library": {"music.store", "media"},
    "bench": {"analysis", "music.ranking"},
    "app": {"analysis", "music.ranking", "music.library", "bench"},
    "report": {"app"},
    "live": {"app"},
    "cli": {"report", "live"},
}
"""What each part may import directly; what stands below that is open to it as well."""


def below(part):
    """Return every part that `part` may import."""
    return {part}.union(*(below(lower) for lower in BELOW[part])) if part in BELOW else {part}


def modules(folder):
    """Return {dotted name: path} of the modules of a package."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path, names):
    """Return the modules among `names` that a file imports: at its top, inside of its functions, or for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & names or {node.module} & names
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & names
    return found


def part_of(module):
    """Return the part of the house a module belongs to, "" for the package itself."""
    inside = module.removeprefix("edge_emo").lstrip(".")
    if not inside:
        return ""
    first, *rest = inside.split(".")
    return ".".join([first, *rest[:1]]) if first == "music" else first


def upward_imports(graph):
    return [
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in sorted(others)
        if part_of(module) in BELOW and part_of(other) in BELOW and part_of(other) not in below(part_of(module))
    ]


@pytest.fixture(scope="module")
def graph():
    found = modules("edge_emo")
    return {module: imported(path, set(found)) for module, path in found.items()}


def test_every_module_stands_in_a_part_of_the_house(graph):
    alone = {"edge_emo", "edge_emo.__main__", "edge_emo.music"}
    assert [m for m in graph if m not in alone and part_of(m) not in BELOW] == []


def test_imports_point_down(graph):
    assert upward_imports(graph) == []


def test_a_planted_upward_import_is_noticed(graph):
    planted = {**graph, "edge_emo.core.emotions": {"edge_emo.report.text"}}
    assert upward_imports(planted) == ["edge_emo.core.emotions imports edge_emo.report.text"]


@pytest.mark.parametrize("package", ["edge_emo", "export"])
def test_no_two_files_import_each_other(package):
    found = modules(package)
    try:
        list(TopologicalSorter({m: imported(p, set(found)) - {m, package} for m, p in found.items()}).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_package_imports_neither_export_nor_benchmarks():
    others = set(modules("export")) | set(modules("benchmarks")) | set(modules("tests"))
    assert {
        module: imported(path, others) for module, path in modules("edge_emo").items() if imported(path, others)
    } == {}


LOADED = "import sys; {}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"


def loaded(code):
    """Return the top-level modules of a process that has run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(code)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.splitlines()[-1].split())


HEAVY = {"numpy", "onnxruntime", "cv2", "av", "soundfile"}


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded("import edge_emo") & HEAVY


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(option):
    code = f"from edge_emo.cli import main; main([{option!r}], standalone_mode=False)"
    assert not loaded(code) & HEAVY


def test_hearing_a_voice_loads_no_opencv():
    code = (
        "from edge_emo.media.sources import sample_path; import edge_emo; "
        "t = edge_emo.Analyzer(face=False)(sample_path()); assert t.readings"
    )
    assert "cv2" not in loaded(code)


@pytest.mark.parametrize("arguments", [["analyze", "sample"], ["recommend", "sample", "--no-history"]])
def test_commands_on_a_sound_load_no_opencv(arguments):
    code = (
        f"from click.testing import CliRunner; from edge_emo.cli import main; r = CliRunner().invoke(main, {arguments})"
    )
    found = loaded(f"{code}; assert r.exit_code == 0, r.output")
    assert "soundfile" in found, "it was heard"
    assert "cv2" not in found


def test_features_of_sound_need_numpy_alone():
    code = "import edge_emo.audio.mfcc, edge_emo.audio.network_input"
    assert not loaded(code) & (HEAVY - {"numpy"})
    for path in modules("edge_emo/audio").values():
        outside = {name.split(".")[0] for name in named_imports(path.read_text())} - sys.stdlib_module_names
        assert outside <= {"numpy", "edge_emo"}, path


def named_imports(source):
    """Return the dotted names that Python source imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


NETWORK = {
    *("aiomqtt", "asyncio", "ftplib", "http", "paho", "prometheus_client", "smtplib", "socket", "socketserver", "ssl"),
    *("urllib.request", "xmlrpc"),
}
ON_THE_NETWORK = {f"edge_emo.live.{name}" for name in ("broker", "control", "metrics", "mqtt", "notify")}
"""The only modules with sockets: a broker and metrics when asked for, and those between processes of this machine."""


def sockets(source):
    """Return the imports of Python source through which it could reach a network."""
    return {
        name for name in named_imports(source) if any(name == door or name.startswith(f"{door}.") for door in NETWORK)
    }


def test_sockets_are_in_few_modules():
    found = {module for module, path in modules("edge_emo").items() if sockets(path.read_text(encoding="utf-8"))}
    assert found <= ON_THE_NETWORK
    assert "edge_emo.live.mqtt" in found
    assert sockets("from urllib import request\nfrom urllib.parse import urlsplit") == {"urllib.request"}


def test_what_talks_to_a_fleet_is_loaded_only_when_asked_for():
    found = loaded("import edge_emo.cli.live, edge_emo.live.mqtt, edge_emo.live.metrics, edge_emo.live.service")
    assert not found & {"aiomqtt", "paho", "prometheus_client"}


OPENING = {
    *("print", "input", "open", "fdopen", "echo", "secho", "style", "launch", "mkdir", "unlink"),
    *("read_text", "read_bytes", "write_text", "write_bytes", "imread", "imwrite", "read_from_file", "write_to_file"),
}
"""Calls by which a report would print, style, or open something itself."""
NOT_FOR_REPORTS = ("click", "rich", "subprocess", "socket", "tempfile", "shutil", "edge_emo.core.files")
OF_MEDIA = {"edge_emo.media.pictures.Pixels", "edge_emo.media.sources.title"}
"""All that reports take from what opens sources: a type, and what a source is called."""


def impure(source):
    """Return the calls and imports by which a report would do more than to return, or to write to a given stream."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    called = {call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls}
    named = named_imports(source)
    doors = {name for name in named if any(name == door or name.startswith(f"{door}.") for door in NOT_FOR_REPORTS)}
    return called & OPENING | doors | {name for name in named if name.startswith("edge_emo.media.")} - OF_MEDIA


def test_reports_neither_print_nor_open():
    reports = modules("edge_emo/report")
    assert len(reports) > 5
    assert {module: found for module, path in reports.items() if (found := impure(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def a(x): print(x)", {"print"}),
        ("import click\ndef a(x): click.echo(x)", {"click", "echo"}),
        ("def a(path): path.write_text('')", {"write_text"}),
        ("def a(path):\n    with path.open('wb') as file: file.write(b'')", {"open"}),
        ("def a(path): return open(path).read()", {"open"}),
        ("from edge_emo.media.film import Film", {"edge_emo.media.film.Film"}),
        ("from edge_emo.core.files import atomic_write", {"edge_emo.core.files.atomic_write"}),
        ("def a(out): out.write(b'')", set()),
    ],
)
def test_a_planted_report_that_prints_or_opens_is_noticed(source, found):
    assert impure(source) == found
