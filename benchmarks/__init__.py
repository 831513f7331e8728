"""Benchmarks: each prints a table and, with `--json`, writes what it measured and on which machine.

python -m benchmarks.accuracy voice     accuracy on people never heard, robustness, calibration
python -m benchmarks.latency voice      milliseconds of each stage of a 3 s clip, against python_speech_features
python -m benchmarks.latency songs      milliseconds of a recommendation
python -m benchmarks.coldstart          whole processes: wall time and memory
python -m benchmarks.export             size and speed of converted networks of the literature
"""
