"""Eight threads may share a catalogue, a recommender and a history.

Each script runs in a process of its own, as what a deadlock stops is the interpreter.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History

ROOT = Path(__file__).parents[3]
BEGIN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
sys.setswitchinterval(1e-5)
start = Barrier(8)

def eight(work):
    def begin(number):
        start.wait()
        return work(number)
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(begin, range(8)))
"""


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def test_eight_threads_read_one_catalogue():
    run("""
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.filters import Filters

ASKED = [Filters(), Filters(license="cc-by"), Filters(genres=("jazz",)), Filters(instruments=("drum",)),
    Filters(occasions=False, bpm=(60, 90))]

def all_of(catalogue):
    return (
        [catalogue.keys_of(each).tolist() for each in ASKED],
        [song.uid for each in ASKED for song in catalogue.search("the", 20, each)],
        catalogue.songs(["inc:USUAN1100546"]),
        catalogue.info(),
    )

with Catalogue() as alone:
    expected = all_of(alone)
with Catalogue() as shared:
    assert all(found == expected for found in eight(lambda number: all_of(shared)))
""")


@pytest.mark.parametrize("number", range(2))
def test_eight_threads_that_share_a_fresh_recommender_get_the_same_songs(number):
    run("""
from edge_emo.music.store.filters import Filters
from edge_emo.music.ranking.recommend import USUAL, Recommender, one_hot

def lists(recommender):
    asked = [USUAL, *(Filters(license="cc-by", min_duration_s=float(s)) for s in range(12))]
    return [recommender([0, 0, .5, .5, 0, 0, 0, 0], 10, seed=i, filters=each) for i, each in enumerate(asked)]

expected = lists(Recommender())
shared = Recommender()
assert all(found == expected for found in eight(lambda number: lists(shared)))
""")


def test_no_song_comes_twice_in_a_sitting_whichever_thread_asks(tmp_path):
    run(
        """
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History
from edge_emo.music.ranking.recommend import Recommender, one_hot

with UserDatabase(sys.argv[1]) as database:
    history = History(database)
    shared = Recommender(history=history)
    other = Recommender(shared.catalogue, history)

    def ask(number):
        found = []
        for turn in range(4):
            songs = (shared, other)[number % 2](one_hot("happy"), 5)
            history.add("kept", songs[0].song.uid)
            found += [item.song.uid for item in songs]
        return found

    uids = [uid for found in eight(ask) for uid in found]
    assert len(uids) == len(set(uids)) == 160
    assert not shared.warnings and not other.warnings
    assert sorted(row.uid for row in history.events() if row.action == "shown") == sorted(uids)
""",
        tmp_path / "own.sqlite",
    )


def test_eight_threads_that_write_one_history_lose_nothing_and_are_told_nothing_false(tmp_path):
    run(
        """
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History

with UserDatabase(sys.argv[1]) as database:
    history = History(database)
    database.connection.execute("PRAGMA synchronous = OFF")

    def write(number):
        for turn in range(40):
            history.shown([f"{number}:{turn}:{i}" for i in range(3)], "sad", "match")
            history.add("kept", f"{number}:{turn}:0")
            if turn % 10 == 0:
                list(history.events())
                history.forget(f"{number}:{turn}:never")

    eight(write)
""",
        tmp_path / "own.sqlite",
    )
    with UserDatabase(tmp_path / "own.sqlite") as database:
        rows = [(row.uid, row.action) for row in History(database).events()]
    shown = {(f"{number}:{turn}:{i}", "shown") for number in range(8) for turn in range(40) for i in range(3)}
    kept = {(f"{number}:{turn}:0", "kept") for number in range(8) for turn in range(40)}
    assert len(rows) == len(shown | kept)
    assert set(rows) == shown | kept
