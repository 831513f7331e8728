"""The files that the pages name, made once, and a terminal for each page."""

from __future__ import annotations

import shutil

import pytest

from tests.docs import material
from tests.docs.blocks import Terminal


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    material.write_all(folder)
    return folder


@pytest.fixture
def terminal(made, tmp_path):
    folder = tmp_path / "page"
    shutil.copytree(made, folder)
    return Terminal(folder, tmp_path / "commands")
