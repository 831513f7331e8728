"""Every kind of input that the package reads: how whole ones are made, and how they are read."""

from __future__ import annotations

import importlib.util
import itertools
import json
import random
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import cv2
import numpy as np
import soundfile

from benchmarks.fuzz_mutations import mutated
from edge_emo import card, pictures
from edge_emo.errors import EdgeEmoError, NoSoundTrackError
from edge_emo.media import SAMPLE_RATE, Sound
from edge_emo.music import exchange, lmc, tags
from edge_emo.music.catalogue import Catalogue, Song
from edge_emo.music.database import UserDatabase
from edge_emo.music.history import History
from edge_emo.music.playlist import write_playlist
from edge_emo.runtime import Model

MODELS = Path(__file__).parent.parent / "models_onnx"
_SMALLEST_MODEL = "face-classic.fp32"


@dataclass(frozen=True)
class Kind:
    """A kind of input: `make` gives whole ones, `read` reads a file in an own folder, `words` mean something in it.

    `mend` puts the checksums right where decoders would look no further, `mutate` does the damage.
    """

    name: str
    suffix: str
    make: Callable[[], list[bytes]]
    read: Callable[[Path], None]
    words: tuple[bytes, ...] = ()
    mend: Callable[[bytes], bytes] = bytes
    mutate: Callable[[Sequence[bytes], Sequence[bytes], random.Random], bytes] = mutated


def kinds() -> list[Kind]:
    """Return the kinds that the libraries of this environment can make and read."""
    found = [*_pictures(), *_sounds(), *_lists(), *_models(), *_databases(), _command_line()]
    if importlib.util.find_spec("av"):
        found += _films()
    if importlib.util.find_spec("mutagen"):
        found += _tagged()
    return found + _keras()


# Pictures, sounds, films


def _noise(width: int = 96, height: int = 64) -> pictures.Pixels:
    small = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def _tone(seconds: float = 0.4) -> np.ndarray:
    return np.asarray(np.sin(np.arange(round(SAMPLE_RATE * seconds)) / 9) / 2, np.float32)


def _mended_png(content: bytes) -> bytes:
    mended, at = bytearray(content), 8
    while (end := at + 12 + int.from_bytes(content[at : at + 4], "big")) <= len(content):
        mended[end - 4 : end] = zlib.crc32(content[at + 4 : end - 4]).to_bytes(4, "big")
        at = end
    return bytes(mended)


def _mended_ogg(content: bytes) -> bytes:
    """Put the checksum of every page right (RFC 3533, section 6), whatever its table of segments says."""
    starts = [found.start() for found in re.finditer(b"OggS", content)]
    pages = [content[a:b] for a, b in itertools.pairwise([*starts, len(content)])]
    for number, page in enumerate(pages):
        if len(page) >= 27:
            plain = page[:22] + bytes(4) + page[26:]
            pages[number] = page[:22] + _ogg_checksum(plain).to_bytes(4, "little") + page[26:]
    return content[: starts[0]] + b"".join(pages) if starts else content


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 of polynomial 0x04c11db7 without reflection: that of zlib, with every byte's bits turned round."""
    turned = zlib.crc32(page.translate(_TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)


_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_MENDERS = {"png": _mended_png, "ogg": _mended_ogg}


def _pictures() -> list[Kind]:
    words = {
        "jpg": (b"\xff\xd8", b"\xff\xc2", b"\xff\xda", b"\xff\xc4", b"\xff\xe1\0\x0aExif\0\0", b"\xff\xdd\0\4\0\1"),
        "png": (b"IHDR", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"zTXt", b"eXIf", b"tRNS", b"PLTE"),
        "webp": (b"VP8X", b"VP8L", b"VP8 ", b"ANIM", b"ANMF", b"ALPH", b"EXIF"),
        "avif": (b"ispe", b"av01", b"iloc", b"ipma", b"grid", b"mdat", b"moov", b"avis"),
        "tiff": (b"II*\0", b"MM\0*", b"\x42\1", b"\x43\1", b"\2\1"),
        "bmp": (b"BM",),
        "ppm": (b"P6", b"P3", b"P5", b"#", b"65535"),
        "heic": (b"ispe", b"hvcC", b"iloc", b"ipma", b"grid", b"mdat", b"iinf"),
    }
    kinds_ = [
        Kind(suffix, suffix, partial(_encoded, suffix), _read_picture, words[suffix], _MENDERS.get(suffix, bytes))
        for suffix in words
        if suffix != "heic" and cv2.haveImageWriter(f"a.{suffix}")
    ]
    if importlib.util.find_spec("pillow_heif"):
        kinds_.append(Kind("heic", "heic", _heic, _read_picture, words["heic"]))
    return kinds_


def _encoded(suffix: str) -> list[bytes]:
    options = {
        "jpg": [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]],
        "webp": [[cv2.IMWRITE_WEBP_QUALITY, 50], [cv2.IMWRITE_WEBP_QUALITY, 101]],
        "tiff": [[cv2.IMWRITE_TIFF_COMPRESSION, kind] for kind in (1, 5, 8)],
        "ppm": [[], [cv2.IMWRITE_PXM_BINARY, 0]],
        "avif": [[cv2.IMWRITE_AVIF_SPEED, 10]],
    }
    shown = [_noise(), _noise()[..., 0]] + [_noise().astype(np.uint16) * 257] * (suffix in ("png", "tiff", "ppm"))
    endings = {id(shown[1]): ".pgm"} if suffix == "ppm" else {}
    coded = [
        cv2.imencode(endings.get(id(picture), f".{suffix}"), picture, given)[1].tobytes()
        for picture in shown
        for given in options.get(suffix, [[]])
    ]
    if suffix in ("png", "webp") and hasattr(cv2, "imencodeanimation"):  # from OpenCV 4.12
        animation = cv2.Animation()
        animation.frames, animation.durations = [np.dstack([_noise(), _noise()[..., 0]])] * 3, [40] * 3
        coded.append(cv2.imencodeanimation(f".{suffix}", animation)[1].tobytes())
    if suffix == "png":
        coded.append(_with_all_chunks(coded[0]))
    if suffix == "jpg":
        coded.append(coded[0][:2] + b"\xff\xe1\0\x22Exif\0\0" + _EXIF + coded[0][2:])
    return coded


_EXIF = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""An orientation alone."""


def _with_all_chunks(png: bytes) -> bytes:
    """Return a PNG with the chunks that cameras and editors add, after the 33 bytes of its header."""
    bodies = {
        b"gAMA": (45455).to_bytes(4, "big"),
        b"iCCP": b"name\0\0" + zlib.compress(bytes(500)),
        b"tEXt": b"Comment\0words",
        b"zTXt": b"Comment\0\0" + zlib.compress(bytes(500)),
        b"iTXt": b"Comment\0\0\0en\0\0words",
        b"pHYs": bytes(9),
        b"eXIf": _EXIF,
    }
    chunks = [len(body).to_bytes(4, "big") + name + body + bytes(4) for name, body in bodies.items()]
    return _mended_png(png[:33] + b"".join(chunks) + png[33:])


def _heic() -> list[bytes]:
    import io

    import pillow_heif

    written = io.BytesIO()
    pillow_heif.from_bytes("RGB", (96, 64), _noise().tobytes()).save(written)
    return [written.getvalue()]


def _read_picture(path: Path) -> None:
    picture = pictures.read_picture(path)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def _sounds() -> list[Kind]:
    formats = {
        "wav": [{}, {"subtype": "FLOAT"}, {"subtype": "MS_ADPCM"}, {"subtype": "ULAW"}],
        "flac": [{}],
        "ogg": [{"subtype": "VORBIS"}, {"subtype": "OPUS"}],
        "mp3": [{}],
        "aiff": [{}],
        "au": [{}],
        "caf": [{}, {"subtype": "ALAC_16"}],
        "w64": [{}],
        "rf64": [{}],
    }
    words = (b"RIFF", b"fmt ", b"data", b"LIST", b"fLaC", b"OggS", b"OpusHead", b"\x01vorbis", b"ID3\4\0\0\x7f\x7f\x7f",
             b"COMM", b"SSND", b"caff", b"desc", b"chan", b"ds64", b"\xff\xfb")  # fmt: skip
    return [
        Kind(suffix, suffix, partial(_recorded, suffix, given), _read_sound, words, _MENDERS.get(suffix, bytes))
        for suffix, given in formats.items()
    ]


def _recorded(suffix: str, given: Sequence[dict[str, str]]) -> list[bytes]:
    import io

    written = []
    for options in given:
        for wave in (_tone(), np.repeat(_tone()[:, None], 2, axis=1)):
            file = io.BytesIO()
            soundfile.write(file, wave, SAMPLE_RATE, format=suffix.upper(), **options)
            written.append(file.getvalue())
    return written


def _read_sound(path: Path) -> None:
    for block in Sound(path):
        assert np.isfinite(block).all() and block.dtype == np.float32 and block.ndim == 1


_CODECS = {"mp4": "libx264", "mkv": "libx264", "mov": "libx264", "ts": "libx264", "avi": "mpeg4", "webm": "libvpx",
           "gif": "gif"}  # fmt: skip


_WITH_SOUND = ("mp4", "mkv", "mov", "ts")


def _films() -> list[Kind]:
    words = (b"moov", b"mdat", b"trak", b"stsz", b"stco", b"stts", b"elst", b"avcC", b"\x1a\x45\xdf\xa3", b"RIFF",
             b"LIST", b"idx1", b"GIF89a", b"\x47\x40\x00", b"#EXTM3U\nhttp://127.0.0.1/a.ts", b"ffconcat version 1.0\n",
             b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n")  # fmt: skip
    return [
        *(Kind(suffix, suffix, partial(_filmed, suffix), _read_film, words) for suffix in _CODECS),
        Kind("mp4 without PyAV", "mp4", partial(_filmed, "mp4"), _read_film_without_pyav, words),
    ]


def _filmed(suffix: str) -> list[bytes]:
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
            stream = container.add_stream(_CODECS[suffix], rate=10)
            stream.width, stream.height = 96, 64
            stream.pix_fmt = "rgb8" if suffix == "gif" else "yuv420p"
            track = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if suffix in _WITH_SOUND else None
            if suffix != "gif":
                stream.codec_context.time_base = Fraction(1, 1000)
            for number in range(10):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(_noise(), 5 * number, 1)), "rgb24")
                if suffix != "gif":
                    frame.pts, frame.time_base = 100 * number, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if track is not None:
                sound = av.AudioFrame.from_ndarray(_tone(1)[None], format="fltp", layout="mono")
                sound.sample_rate = SAMPLE_RATE
                container.mux(track.encode(sound))
                container.mux(track.encode(None))
        return [path.read_bytes()]


def _read_film(path: Path) -> None:
    pictures.frame_rate(path)
    for frame in pictures.Film(path):
        assert frame.picture.dtype == np.uint8 and frame.picture.ndim == 3
        assert 0 <= frame.start_s <= frame.end_s < np.inf
    with suppress(NoSoundTrackError):
        _read_sound(path)


def _read_film_without_pyav(path: Path) -> None:
    with mock.patch.object(pictures.importlib.util, "find_spec", return_value=None):
        for frame in pictures.Film(path):
            assert frame.picture.dtype == np.uint8 and frame.picture.ndim == 3


# Songs


_SONGS = [
    {"title": "Evening", "artist": "Ada", "uid": "a:1", "genre": "jazz", "bpm": 90, "duration_s": 61.5,
     "moods": ["calm"], "license": "CC-BY-4.0", "link": "https://example.org/1", "path": "/music/a.mp3"},
    {"title": "Ночь", "artist": "B|c", "uid": "b:2", "happy": 0.5, "sad": 0.5, "valence": -0.5, "arousal": 0.25,
     "usage": "=1+1"},
]  # fmt: skip


def _lists() -> list[Kind]:
    columns = tuple(name.encode() for name in exchange.COLUMNS)
    pools = lmc.POOLS.read_bytes()
    songs_of_moods = b"artist,title,mood\nAda,Evening,calm\nBob,Night,sadness\n"
    return [
        Kind("csv", "csv", lambda: [_csv(), _csv().replace(b",", b";")], _import, columns),
        Kind("json lines", "jsonl", lambda: [_json_lines()], _import, columns),
        Kind("lyric moods", "csv", lambda: [songs_of_moods], _import_moods, (b"angst", b"mood", b"artist")),
        Kind("pools of moods", "csv", lambda: [pools], lambda path: _checked(lmc.read_pools(path), list)),
    ]


def _csv() -> bytes:
    names = sorted({name for song in _SONGS for name in song})
    rows = [",".join(str(song.get(name, "")).strip("[]'") for name in names) for song in _SONGS]
    return "\r\n".join([",".join(names), *rows, ""]).encode()


def _json_lines() -> bytes:
    named = [{k: v for k, v in song.items() if k not in ("happy", "sad")} for song in _SONGS]
    named[0]["shares"] = [0.125] * 8
    return "".join(json.dumps(song, ensure_ascii=False) + "\n" for song in named).encode()


def _import(path: Path) -> None:
    """Import, and write what was taken as every playlist there is."""
    with UserDatabase(path.with_name("songs.sqlite")) as database:
        exchange.import_songs(database, path, skip_bad=True)
        own = database.path
    with Catalogue(own=own) as catalogue:
        _write_playlists(path.parent, list(catalogue.all_songs("own")))


def _write_playlists(folder: Path, songs: list[Song]) -> None:
    for suffix in (".m3u8", ".xspf"):
        write_playlist(folder / f"a{suffix}", songs)
    ElementTree.parse(folder / "a.xspf")
    with (folder / "again.csv").open("w", encoding="utf-8", newline="") as text:
        exchange.write_songs(songs, text, "csv")


def _import_moods(path: Path) -> None:
    with UserDatabase(path.with_name("songs.sqlite")) as database:
        lmc.import_lmc(database, path, skip_bad=True)


def _checked(value: object, kind: type) -> None:
    assert isinstance(value, kind)


def _databases() -> list[Kind]:
    words = (b"SQLite format 3\0", b"CREATE TABLE", b"tracks", b"history")
    return [
        Kind("user's database", "sqlite", _database, _read_database, words),
        Kind("catalogue", "sqlite", _database, _read_catalogue, words),
    ]


def _database() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        songs = Path(folder, "a.jsonl")
        songs.write_bytes(_json_lines())
        with UserDatabase(Path(folder, "a.sqlite")) as database:
            exchange.import_songs(database, songs)
            History(database).shown(["a:1", "b:2"], "happy", "match")
            database.connection.execute("PRAGMA journal_mode = DELETE")
        return [database.path.read_bytes()]


def _read_database(path: Path) -> None:
    with UserDatabase(path, busy_s=0.1) as database:
        history = History(database)
        list(history.events())
        history.stats()
        history.add("played", "a:1")
    with Catalogue(own=path) as catalogue:
        list(catalogue.all_songs("own"))
        catalogue.search("evening")


def _read_catalogue(path: Path) -> None:
    with Catalogue(path) as catalogue:
        catalogue.info()
        _write_playlists(path.parent, list(catalogue.all_songs()))
        catalogue.ranked()


def _tagged() -> list[Kind]:
    words = (b"TIT2", b"TXXX", b"TCON\0\0\0\4\0\0\3(9)", b"APETAGEX", b"TITLE=", b"\xa9nam", b"METADATA_BLOCK_PICTURE")
    return [
        Kind(f"tags of {suffix}", suffix, partial(_with_tags, suffix), lambda path: _checked_record(path), words)
        for suffix in ("mp3", "flac", "ogg", "wav", "aiff")
    ]


def _with_tags(suffix: str) -> list[bytes]:
    import mutagen
    from mutagen import id3

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        soundfile.write(path, _tone(), SAMPLE_RATE)
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        values = {"TIT2": "title", "TPE1": "artist", "TCON": "genre", "TBPM": "bpm"}
        for frame, name in values.items():
            if suffix in ("flac", "ogg"):
                file.tags[name] = ["90" if name == "bpm" else f"a {name}"]
            else:
                file.tags.add(getattr(id3, frame)(encoding=3, text=["90" if name == "bpm" else f"a {name}"]))
        file.save()
        return [path.read_bytes()]


def _checked_record(path: Path) -> None:
    record = tags.read(str(path))
    assert record.title and (record.duration_s is None or record.duration_s > 0)


# Models


def _models() -> list[Kind]:
    words = (b'"sha256"', b'"labels"', b'"voice"', b'"shape"', b'"file"', b"null", b"[]", b"{}", b'"../a"')
    return [
        Kind(
            "card", "json", lambda: [path.read_bytes() for path in sorted(MODELS.glob("*.*.json"))], _read_card, words
        ),
        Kind("manifest", "json", lambda: [(MODELS / "manifest.json").read_bytes()], _read_manifest, words),
        Kind("model", "onnx", lambda: [(MODELS / f"{_SMALLEST_MODEL}.onnx").read_bytes()], _run_model),
    ]


def _read_card(path: Path) -> None:
    card.read_card(path)


def _read_manifest(path: Path) -> None:
    shutil.copy(path, path.with_name("manifest.json"))
    for task in ("voice", "face", "detector"):
        card.card_path(task, folder=path.parent)


def _run_model(path: Path) -> None:
    """Run a damaged network, whose card knows it: someone else's model, not one that was damaged on the way."""
    import hashlib

    stated = json.loads((MODELS / f"{_SMALLEST_MODEL}.json").read_bytes())
    stated |= {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(stated), encoding="utf-8")
    model = Model(path.with_suffix(".json"))
    model.load()
    model.run(np.zeros([size or 1 for size in model.card.input.shape], np.float32))


def _keras() -> list[Kind]:
    words = (b"class_name", b"config", b"layers", b"Lambda", b"module", b"registered_name", b"keras_version", b"PK\1\2")
    kinds_ = [
        Kind("keras", "keras", lambda: [_archive()], _read_keras, words),
        Kind("keras config", "json", lambda: [json.dumps(_ARCHITECTURE).encode()], _read_keras_config, words),
    ]
    if importlib.util.find_spec("h5py"):
        kinds_.append(Kind("keras hdf5", "h5", _hdf5, _read_keras, words))
    return kinds_


_ARCHITECTURE = {
    "class_name": "Sequential",
    "keras_version": "2.9.0",
    "config": {"name": "net", "layers": [{"class_name": "Dense", "config": {"name": "first", "units": 4}}]},
}


def _archive(config: bytes | None = None) -> bytes:
    import io

    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:  # not packed, so that damage reaches the texts
        for name, content in (
            ("config.json", config or json.dumps(_ARCHITECTURE).encode()),
            ("metadata.json", b'{"keras_version": "3.5.0"}'),
            ("model.weights.h5", bytes(200)),
        ):
            file.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def _hdf5() -> list[bytes]:
    import io

    import h5py

    written = io.BytesIO()
    with h5py.File(written, "w") as file:
        file.attrs["model_config"] = json.dumps(_ARCHITECTURE).encode()
        file.attrs["keras_version"] = b"2.9.0"
        file.create_group("model_weights").create_dataset("w", data=np.zeros(50))
    return [written.getvalue()]


def _read_keras(path: Path, weights: Path | None = None) -> None:
    """Ask what a file holds. What is loaded after that is TensorFlow's to read."""
    from export.keras_source import check_is_data, describe

    found = describe(path, weights)
    _checked(found.layers, tuple)
    check_is_data(found)


def _read_keras_config(path: Path) -> None:
    """Read a config as it is, and in an archive whose checksums are right."""
    archived = path.with_suffix(".keras")
    archived.write_bytes(_archive(path.read_bytes()))
    from export.keras_source import SourceError

    try:
        _read_keras(path, archived)
    except SourceError:
        _read_keras(archived)


# The command line


_COMMANDS = (
    "recommend --mood happy --seed 1 --no-history -n 3 --bpm 60-90 --genre jazz --min-duration 30 --json",
    "recommend sound.wav --no-face --seed 1 --no-history --max-duration 200",
    "songs search evening --limit 3 --license cc-by",
    "songs show ytal:f02a00718c92a1cb --csv",
    "songs import songs.csv --encoding utf-8 --format csv --data-dir data",
    "songs import songs.csv --format lmc --skip-bad --data-dir data",
    "songs remove a:1 --data-dir data",
    "history add played a:1 --data-dir data",
    "history stats --top 3 --data-dir data --json",
    "history forget --before 2020-01-01 --yes --data-dir data",
    "models list --csv",
    "analyze sound.wav --fps 5 --precision fp32 --threads 1 --csv",
    "analyze picture.png --detector picture.png",
)
_OPTION_WORDS = (
    b"nan", b"inf", b"-inf", b"-1", b"0", b"1e400", b"hex", b"rot13", b"utf-16", b"base64", b"idna", b"undefined",
    b"\0", b"\xff", b"nan-nan", b"1-2-3", b"\x1b[31m", b"9" * 30, b"--json\n--csv", b"\n", b"-", b"sample", b".", b"-h",
    b"http:", b"concat:sound.wav|sound.wav", b"%d.png", b"picture.png", b"songs.csv", b"data", b"fifo",
)  # fmt: skip


def _command_line() -> Kind:
    made = [command.replace(" ", "\n").encode() for command in _COMMANDS]
    return Kind("command line", "txt", lambda: made, _run, _OPTION_WORDS, mutate=_with_odd_arguments)


def _with_odd_arguments(seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> bytes:
    """Return a command in which one to three arguments are odd, but for its own name."""
    arguments = rng.choice(seeds).split(b"\n")
    values = [n for n, argument in enumerate(arguments) if n > 1 and not argument.startswith(b"--")]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.choice(values) if values else len(arguments) - 1
        arguments[at] = rng.choice(words) if rng.random() < 0.7 else mutated([arguments[at]], words, rng)
    return b"\n".join(arguments)


def _run(path: Path) -> None:
    """Run a command, an argument on each line, in a folder with a sound, a picture and songs in it."""
    from click.testing import CliRunner

    from edge_emo.cli import main

    (path.parent / "sound.wav").write_bytes(_recorded("wav", [{}])[0])
    (path.parent / "picture.png").write_bytes(_encoded("png")[0])
    (path.parent / "songs.csv").write_bytes(_csv())
    # without a slash no command leaves the folder, whatever it writes
    arguments = path.read_bytes().replace(b"/", b"_").decode("utf-8", "surrogateescape").split("\n")
    if "--watch" in arguments:  # goes on for ever, as it should
        return
    done = CliRunner().invoke(main, arguments, env={"EDGE_EMO_HOME": str(path.parent / "home")})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in range(5), f"exit code {done.exit_code}"
    if done.exit_code:
        raise EdgeEmoError(done.output)
