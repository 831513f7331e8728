"""Benchmarks: each prints a table and, with `--json`, writes what it measured and on which machine.

python -m benchmarks.accuracy voice     accuracy on people never heard, robustness, calibration
python -m benchmarks.accuracy face      the expression networks on FER+ PublicTest and on photos labelled by eye
python -m benchmarks.accuracy detector  recall and false boxes by size, light, blur and tilt, beside OpenCV's Haar
python -m benchmarks.latency voice      milliseconds of each stage of a 3 s clip, against python_speech_features
python -m benchmarks.latency face       milliseconds of each stage of a camera frame, other detectors, a film of 60 s
python -m benchmarks.recommender        learning of simulated listeners, milliseconds of a recommendation, import
python -m benchmarks.coldstart          whole processes: wall time and memory
python -m benchmarks.export             size and speed of converted networks of the literature
"""
