"""The same seed gives the same songs on every processor: numpy and BLAS compute otherwise on each."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

CHOICES = """
import json, sys
import numpy as np
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.song import KEYS, Ranked
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History
from edge_emo.music.ranking.scores import Ranking
from edge_emo.music.ranking.recommend import Recommender, one_hot

def told(found):
    return [(r.song.uid, r.score, r.mood_match, r.closeness, r.taste, r.freshness) for r in found]

done = {}
with Catalogue() as catalogue, UserDatabase(sys.argv[1]) as database:
    recommender = Recommender(catalogue)
    mixed = [0.33, 0.03, 0.15, 0.08, 0.21, 0.1, 0.08, 0.02]
    for seed in range(3):
        for mood in ("neutral", "calm", "angry", "surprised"):
            done[f"{mood} {seed}"] = told(recommender(one_hot(mood), 10, seed=seed))
        for how in ({}, {"intent": "lift"}, {"strategy": "random"}):
            done[f"{how} {seed}"] = told(recommender(mixed, 10, seed=seed, **how))
    history = History(database, now=lambda: 1e9)
    learned = Recommender(catalogue, history)
    for number in range(3):
        found = learned(mixed, 10, seed=number)
        history.add("kept", found[0].song.uid)
        history.add("skipped", found[1].song.uid)
        done[f"learned {number}"] = told(found)
    songs = recommender.ranking.songs
    often = np.tile(np.arange(len(songs.keys)), 9)
    n = len(often)
    keys = np.zeros(n, KEYS)
    keys["id"] = np.arange(n)
    many = Ranking(Ranked(keys, songs.places[:, often], songs.probabilities[:, often],
        songs.contradictions[:, often], songs.artists[often], songs.genres[often], songs.trust[often], songs.moods,
        songs.mood_starts[:1], songs.names))
    for mood in ("neutral", "calm"):
        done[f"many {mood}"] = many.best(many.scores(np.array(one_hot(mood))), 150).tolist()
    done["many mixed"] = many.best(many.scores(np.array(mixed)), 150).tolist()
print(json.dumps(done))
"""

EXTENSIONS = np.show_config(mode="dicts")["SIMD Extensions"]
FEATURES = [*EXTENSIONS.get("found", ()), *EXTENSIONS.get("not found", ())]  # those that may be left out already too
WIDE = [name for name in FEATURES if "512" in name or name == "X86_V4"]
OLD_CORE = "ARMV8" if platform.machine() in ("aarch64", "arm64") else "Prescott"


def chosen(path, **env):
    kept = {
        name: os.environ[name] for name in os.environ if name not in ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")
    }
    done = subprocess.run(
        [sys.executable, "-c", CHOICES, str(path)], capture_output=True, text=True, check=True, env={**kept, **env}
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return chosen(tmp_path_factory.mktemp("usual") / "own.sqlite")


@pytest.mark.parametrize("without", [WIDE, FEATURES], ids=["not as wide", "of the oldest kind"])
def test_a_seed_gives_the_same_songs_whatever_the_processor_can_do(tmp_path, usual, without):
    if not without:
        pytest.skip("numpy knows no such instructions for this kind of processor")
    assert chosen(tmp_path / "own.sqlite", NPY_DISABLE_CPU_FEATURES=" ".join(without)) == usual


def test_a_seed_gives_the_same_songs_with_another_blas(tmp_path, usual):
    assert chosen(tmp_path / "own.sqlite", OPENBLAS_CORETYPE=OLD_CORE) == usual
