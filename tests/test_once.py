from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from edge_emo.once import once


class Slow:
    def __init__(self):
        self.made = 0

    @once
    def value(self):
        """What is slow to make."""
        before = self.made
        for _ in range(10_000):  # other threads have their turn
            pass
        self.made = before + 1
        return object()


def test_eight_threads_that_ask_first_get_one_value(monkeypatch):
    import sys

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            slow, start = Slow(), Barrier(8)

            def ask(number, slow=slow, start=start):
                start.wait()
                return slow.value

            with ThreadPoolExecutor(8) as pool:
                found = set(pool.map(ask, range(8)))
            assert found == {slow.value}
            assert slow.made == 1
    finally:
        sys.setswitchinterval(interval)


def test_each_object_has_its_own_and_it_can_be_set():
    first, second = Slow(), Slow()
    assert first.value is not second.value
    first.value = 3
    assert first.value == 3
    assert Slow.value.__doc__ == "What is slow to make."
