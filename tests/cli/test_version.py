"""`edge-emo --version` as it comes with a report of a fault."""

import pytest
from click.testing import CliRunner

from edge_emo import __version__
from edge_emo.cli import main
from edge_emo.core.errors import CatalogueError
from edge_emo.models import manifest
from edge_emo.music.store.bundled import n_bundled
from tests.cli.conftest import document


def test_the_version_names_the_models_and_counts_the_songs_that_ship(edge_emo):
    done = edge_emo("--version")
    models = document(edge_emo("models", "list", "--json"), "models")["models"]
    versions = {row["name"]: row["version"] for row in models}
    defaults = {row["name"]: row["precision"] for row in models if row["default"]}
    first, *of_models, last = done.stdout.decode().splitlines()
    assert (done.returncode, first) == (0, f"edge-emo {__version__}")
    shown = {name: (version, precision) for _, name, version, precision in map(str.split, of_models)}
    assert {name: version for name, (version, _) in shown.items()} == versions
    assert {name: shown[name][1] for name in defaults} == {name: f"({p})" for name, p in defaults.items()}
    songs = document(edge_emo("songs", "info", "--json"), "catalogue")["catalogue"]["songs"]
    assert last == f"catalogue of {songs} songs"


def test_the_version_comes_first_where_a_card_is_damaged(models, monkeypatch):
    (models / "voice.int8.json").write_text("no card")
    monkeypatch.setattr(manifest, "models_folder", lambda: models)
    done = CliRunner().invoke(main, ["--version"])
    assert (done.exit_code, done.stdout) == (3, f"edge-emo {__version__}\n")
    assert "voice.int8.json" in done.stderr


@pytest.mark.parametrize("content", [None, b"no catalogue" * 1000])
def test_a_catalogue_that_cannot_be_counted_is_named(tmp_path, content):
    path = tmp_path / "a.sqlite"
    if content:
        path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"a\.sqlite: missing or damaged \(.*\); reinstall"):
        n_bundled(path)
