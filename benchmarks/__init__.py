"""Benchmarks: each prints a table and, with `--json`, writes what it measured and on which machine.

They need a checkout and its extra: pip install -e '.[bench]'

python -m benchmarks.accuracy voice     * people never heard: cross-validated, by actor and sex, calibration, intervals
python -m benchmarks.accuracy face      * the expression networks on FER+ PublicTest and on photos labelled by eye
python -m benchmarks.accuracy detector  * recall and false boxes by size, light, blur and tilt, beside OpenCV's Haar
python -m benchmarks.accuracy strangers FOLDER    the voice file that ships on corpora of which it heard nobody
python -m benchmarks.accuracy voice-folder, face-folder    the files that ship on clips or pictures of your own
python -m benchmarks.robustness voice   * curves: noise, other voices, level, band, compression
python -m benchmarks.robustness face    * curves: size, blur, light, rotation, cover
python -m benchmarks.latency            milliseconds of every stage, and a film of 60 s
python -m benchmarks.lateness           how late an emotion is found to change at a hard cut
python -m benchmarks.scaling            time and memory as work grows: files, film, faces, songs, workers, live; an hour
python -m benchmarks.endurance          a live service through 72 simulated hours and 1,000 unplugs
python -m benchmarks.idle               processor and memory of a live service, with nobody there and with somebody
python -m benchmarks.kills              `kill -9` of a live service and its devices, at random moments
python -m benchmarks.coldstart          whole processes, first results, imports, installed megabytes
python -m benchmarks.peers              * other libraries and openSMILE's accuracy, in environments that it makes
python -m benchmarks.recommender        learning of simulated listeners, milliseconds of a recommendation, import
python -m benchmarks.arm                * labels and probabilities on emulated Raspberry Pis, beside this processor
python -m benchmarks.export             size and speed of converted networks of the literature; needs '.[bench,export]'
python -m benchmarks.cost               operations, bytes, calls and allocations: what no clock is needed for
python -m benchmarks.fuzz --inputs 30000   damaged inputs of every kind: nothing may crash, hang or take 1 GB
python -m benchmarks.report             write the figures of the README and of docs/ from benchmarks/results

* needs the corpora of docs/data.md; peers and arm fetch packages.
"""

import sys
from types import TracebackType


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell in one line what can be mended; anything else is a mistake of ours, and shows where."""
    from edge_emo.core.errors import EdgeEmoError

    if isinstance(error, ModuleNotFoundError) and not isinstance(error, EdgeEmoError):
        print(f"Error: {error}; pip install -e '.[bench]', for export '.[bench,export]'", file=sys.stderr)
    elif isinstance(error, EdgeEmoError | FileNotFoundError):
        print(f"Error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if sys.argv[0] == "-m":  # only while one of them is started
    sys.excepthook = _tell
