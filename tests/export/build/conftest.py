"""The build command on small corpora and tiny networks. Nothing heavy is imported before a test runs."""

import pytest
from click.testing import CliRunner

FOLDS = {1: (3, 6), 2: (10, 11)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Tiny networks in place of those that ship, fewer ways to quantise, two folds instead of four, few photos."""
    from export import families
    from export.build import voice
    from export.quantise import search
    from export.train import detector_data
    from tests.export.build.tiny import tiny_family

    monkeypatch.setattr(families, "load", tiny_family(families.load))
    monkeypatch.setattr(search, "SCHEMES", search.NARROW)
    monkeypatch.setattr(search, "METHODS", {"MinMax": search.METHODS["MinMax"]})
    monkeypatch.setattr(voice, "RAVDESS_FOLDS", FOLDS)
    monkeypatch.setattr(detector_data, "N_JUDGED", 4)
    monkeypatch.setattr(detector_data, "N_CHOICE", 6)


@pytest.fixture
def run_build(tmp_path):
    """Run the command into a folder of models; files of folds go beside it."""
    from export.build.__main__ import main

    def run(folder, corpora, *arguments):
        given = ["--runs", corpora / "runs", "--data", corpora, "--models", folder, "--folds", tmp_path / "folds"]
        return CliRunner().invoke(main, [*map(str, [*arguments, *given])])

    return run


@pytest.fixture(scope="session")
def voices(tmp_path_factory, sample):
    """A folder of small speech corpora, and runs of networks that learned them."""
    from tests.export.build.tiny import write_voices

    write_voices(folder := tmp_path_factory.mktemp("voices"), sample)
    return folder


@pytest.fixture(scope="session")
def faces(tmp_path_factory, portrait):
    """A folder of a small FER+, and runs of networks that learned it."""
    from tests.export.build.tiny import write_faces

    write_faces(folder := tmp_path_factory.mktemp("faces"), portrait)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory, portrait):
    """A folder of photos with a face, and the run of a detector that learned it."""
    from tests.export.build.tiny import write_photos

    write_photos(folder := tmp_path_factory.mktemp("photos"), portrait)
    return folder
