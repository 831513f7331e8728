"""A network, real inputs for it, and what the command made of both."""

import shutil

import numpy as np
import pytest


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    import keras

    from tests.export.command.running import network

    path = tmp_path_factory.mktemp("model") / "net.keras"
    network(keras).save(path)
    return path


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """Inputs and labels in an .npz."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("real") / "real.npz"
    np.savez(path, inputs=rng.standard_normal((240, 40, 3)).astype(np.float32), labels=rng.integers(0, 5, 240))
    return path


@pytest.fixture(scope="session")
def exported(model_file, real, tmp_path_factory):
    """The output folder of a conversion with real inputs, and what the command said."""
    from tests.export.command.running import convert

    out = tmp_path_factory.mktemp("exported")
    return out, convert(model_file, out, "--calibrate", real)


@pytest.fixture
def out(exported, tmp_path):
    """A copy of that folder, to damage."""
    return shutil.copytree(exported[0], tmp_path / "out")
