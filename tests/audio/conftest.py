"""librosa, whose features ours are compared with."""

from unittest import mock

import pytest


@pytest.fixture(scope="session")
def librosa():
    """librosa as Python that is not compiled: in a new environment numba takes 45 s for what is not used here."""
    import numba

    def as_it_is(*given, **_):
        return given[0] if given and callable(given[0]) else lambda function: function

    with mock.patch.multiple(numba, guvectorize=as_it_is, jit=as_it_is, stencil=as_it_is, vectorize=as_it_is):
        import librosa

        _ = librosa.feature.mfcc, librosa.filters.mel  # loaded on first use, which is to be here
    return librosa
