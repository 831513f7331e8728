"""openSMILE functionals of recordings; runs in openSMILE's own environment.

python -m benchmarks.peer_features eGeMAPSv02 OUT.npy < paths.json
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from typing import Any

import numpy as np


@lru_cache
def extractor(feature_set: str) -> Any:
    """Return what makes functionals of sound, by the name of the feature set."""
    import opensmile

    return opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel.Functionals)


def features(path: str, feature_set: str) -> np.ndarray:
    """Return the functionals of one recording, shape (features,)."""
    import soundfile

    samples, sample_rate = soundfile.read(path, dtype="float32")
    return np.ravel(extractor(feature_set)(samples, sample_rate))


if __name__ == "__main__":
    name, out = sys.argv[1:]
    with ProcessPoolExecutor() as pool:
        np.save(out, np.stack(list(pool.map(partial(features, feature_set=name), json.load(sys.stdin), chunksize=16))))
