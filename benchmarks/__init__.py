"""Benchmarks: each prints a table and writes JSON. `python -m benchmarks` lists them."""
