import threading

import pytest

from edge_emo.media.ahead import ahead


def test_items_come_in_order_and_no_more_than_allowed_are_made_before():
    made, taken = [], []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    for number in ahead(items(), 3):
        taken.append(number)
        assert len(made) <= len(taken) + 3 + 1
    assert taken == list(range(20))


def test_what_it_raises_is_raised_after_what_came_before():
    def items():
        yield 1
        raise ValueError("damaged")

    some = ahead(items(), 3)
    assert next(some) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(some)


def test_it_is_closed_and_its_thread_ends_where_no_more_is_taken():
    closed = []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(threading.current_thread())

    some = ahead(items(), 3)
    assert next(some) == 0
    some.close()
    assert len(closed) == 1
    assert not closed[0].is_alive()
