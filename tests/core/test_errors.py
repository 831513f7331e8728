import inspect

import pytest

from edge_emo.core import errors

EACH = [each for _, each in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", EACH)
def test_every_error_reads_as_it_was_written(error):
    assert str(error("the thing: the reason; the next step")) == "the thing: the reason; the next step"
    assert issubclass(error, errors.EdgeEmoError)


def test_how_an_error_reads_is_said_once():
    assert [each.__name__ for each in EACH if "__str__" in vars(each)] == ["EdgeEmoError"]
