"""Real sound files for the tests: a tone in every container, with tags."""

import numpy as np
import soundfile

SECONDS = 2

_CODECS = {".m4a": ("mp4", "aac"), ".wma": ("asf", "wmav2"), ".wv": ("wv", "wavpack")}  # container and codec


def write_sound(path, seconds=SECONDS, pitch=440.0):
    """Write a tone in the format that the name ends in; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = (0.1 * np.sin(2 * np.pi * pitch * np.arange(round(16000 * seconds)) / 16000)).astype(np.float32)
    if path.suffix in _CODECS:
        _write_with_ffmpeg(path, tone)
    elif path.suffix in (".oga", ".opus"):
        soundfile.write(path, tone, 16000, format="OGG", subtype="OPUS" if path.suffix == ".opus" else "VORBIS")
    else:
        soundfile.write(path, tone, 16000)
    return path


def _write_with_ffmpeg(path, tone):
    import av

    container_format, codec = _CODECS[path.suffix]
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        stream.bit_rate = 32000
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = 16000
        for part in av.AudioResampler(format=stream.format, rate=16000, frame_size=stream.frame_size).resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def tag(path, **values):
    """Set tags by the names of Vorbis comments, in the way of the file's own format."""
    import mutagen
    from mutagen import id3

    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    frames = {"title": "TIT2", "artist": "TPE1", "genre": "TCON", "mood": "TMOO", "bpm": "TBPM", "copyright": "TCOP"}
    atoms = {"title": "\xa9nam", "artist": "\xa9ART", "genre": "\xa9gen", "bpm": "tmpo", "copyright": "cprt"}
    for name, value in values.items():
        if path.suffix == ".m4a":
            freeform = f"----:com.apple.iTunes:{name.upper()}"
            file[atoms.get(name, freeform)] = (
                [int(value)] if name == "bpm" else [value if name in atoms else value.encode()]
            )
        elif path.suffix in (".mp3", ".wav", ".aiff"):
            frame = id3.WCOP(url=value) if name == "license" else getattr(id3, frames[name])(encoding=3, text=[value])
            file.tags.add(frame)
        elif path.suffix == ".wma":
            names = {"title": "Title", "artist": "Author", "license": "LICENSE", "bpm": "WM/BeatsPerMinute"}
            file[names.get(name, f"WM/{name.title()}")] = [value]
        else:
            file[name] = [value]
    file.save()
    return path
