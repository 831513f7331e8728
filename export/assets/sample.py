"""Make the recording that ships: a synthetic voice, spoken by espeak-ng (Debian package of that name).

python -m export.assets.sample
"""

from __future__ import annotations

import io
import subprocess

import soundfile

from edge_emo.core.files import atomic_write
from edge_emo.media.sources import sample_path

COMMAND = ["espeak-ng", "-v", "en-gb", "-p", "70", "-s", "180", "-a", "150", "--stdout"]
TEXT = "I cannot believe it! This is the best news I have heard all year. We did it, we really did it!"


def main() -> None:
    """Write the sample as FLAC, at espeak-ng's own 22,050 Hz."""
    spoken = subprocess.run([*COMMAND, TEXT], check=True, capture_output=True).stdout
    # the header of a streamed WAV states a length nobody knew
    samples, sample_rate = soundfile.read(
        io.BytesIO(spoken[44:]), channels=1, samplerate=22050, subtype="PCM_16", format="RAW"
    )
    with atomic_write(sample_path()) as draft:
        soundfile.write(draft, samples, sample_rate, subtype="PCM_16")


if __name__ == "__main__":
    main()
