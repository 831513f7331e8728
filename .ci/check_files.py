"""Check what is tracked: sizes, that every model has its card, and that no address or machine path slipped in."""

import re
import subprocess
import sys
from pathlib import Path

tracked = [Path(name) for name in subprocess.check_output(["git", "ls-files", "-z"], text=True).split("\0") if name]
problems = []
sizes = {path: path.stat().st_size for path in tracked if path.is_file()}
problems += [f"{path}: {size >> 20} MB, at most 8 are allowed" for path, size in sizes.items() if size > 8 << 20]
if sum(sizes.values()) > 30 << 20:
    problems.append(f"{sum(sizes.values()) >> 20} MB in all, at most 30 are allowed")
for path in tracked:
    if path.suffix == ".onnx" and path.with_suffix(".json") not in sizes:
        problems.append(f"{path}: a model without a card")
    if path.suffix in {".h5", ".hdf5", ".keras", ".tflite", ".wav", ".mp3", ".mp4", ".jpg", ".npz"}:
        problems.append(f"{path}: a binary file that does not belong here")
forbidden = re.compile(r"index-url|/simple/|files\.pythonhosted|(?<![\w.])/(?:home|Users|work|root)/\w")
for path in sizes:
    if path.suffix in {".onnx", ".sqlite", ".png", ".flac"} or path == Path(".ci/check_files.py"):
        continue
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if forbidden.search(line):
            problems.append(f"{path}:{number}: an address or a machine path: {line.strip()[:80]}")
print("\n".join(problems) or f"{len(sizes)} files, {sum(sizes.values()) / 2**20:.1f} MB: ok")
sys.exit(bool(problems))
