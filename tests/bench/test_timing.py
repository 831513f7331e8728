from edge_emo.bench import timing


def test_stages_take_turns_and_the_first_calls_of_a_turn_do_not_count(monkeypatch):
    """A clock of its own: a stage takes 7 ms at first, then 3 in the first calls of each turn, then 1."""
    clock, order = [0.0], []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def stage(name):
        n = 0

        def call():
            nonlocal n
            order.append(name)
            in_turn = n - 1 - timing.WARM_UP
            if n == 0:
                clock[0] += 0.007
            else:
                is_settling = in_turn % (timing.UNCOUNTED + timing.TURN) < timing.UNCOUNTED
                clock[0] += 0.003 if is_settling else 0.001
            n += 1

        return call

    told = []
    found = timing.interleaved({"a": stage("a"), "b": stage("b")}, 2 * timing.TURN, on_progress=told.append)
    for times in found.values():
        assert round(times.first_ms, 6) == 7
        assert round(times.p50_ms, 6) == round(times.p99_ms, 6) == 1
        assert times.calls == 2 * timing.TURN
    turn = timing.UNCOUNTED + timing.TURN
    assert order[2 + 2 * timing.WARM_UP :] == (["a"] * turn + ["b"] * turn) * 2
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_no_turn_begins_after_the_limit(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def slow():
        clock[0] += 1.0

    assert timing.interleaved({"slow": slow}, 1000, limit_s=10)["slow"].calls == timing.TURN


def test_percentiles_are_those_of_all_warm_calls():
    times = timing._times(9.0, [float(v) for v in range(1, 101)])
    assert (times.first_ms, times.p50_ms, times.calls) == (9.0, 50.5, 100)
    assert times.p50_ms < times.p90_ms < times.p95_ms < times.p99_ms <= 100
