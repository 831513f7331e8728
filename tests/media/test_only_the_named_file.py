"""No decoder opens a socket or another file, whatever a source is called or holds."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import wave
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DECODERS = ("PyAV", "ffmpeg", "OpenCV")

WAS_READ = re.compile(r"^read [1-9]", re.MULTILINE)  # blocks of sound, frames, or a frame rate

LOOK = """
import os, sys, importlib.util, shutil
import numpy, cv2, soundfile, soxr
decoder, *names = sys.argv[1:]
if decoder == "PyAV":
    import av
else:
    importlib.util.find_spec = lambda name: None
if decoder == "OpenCV":
    shutil.which = lambda name: None
from edge_emo.core.errors import MediaError
from edge_emo.media.film import Film, frame_rate
from edge_emo.media.sound import Sound
from edge_emo.media.sources import opened
for name in names:
    os.write(1, f"== {name}\\n".encode())
    try:
        source = opened(name)
    except MediaError as error:
        os.write(1, f"{error}\\n".encode())
        continue
    for part in (lambda: sum(1 for _ in Sound(name, source)), lambda: sum(1 for _ in Film(name, source=source)),
                 lambda: os.path.isfile(name) and frame_rate(name)):
        try:
            os.write(1, f"read {part()}\\n".encode())
        except MediaError as error:
            os.write(1, f"{error}\\n".encode())
"""


@pytest.fixture(params=DECODERS)
def decoder(request):
    if request.param == "PyAV":
        pytest.importorskip("av", reason="PyAV is not installed")
    if request.param == "ffmpeg" and not shutil.which("ffmpeg"):
        pytest.skip("no ffmpeg on the PATH")
    return request.param


@pytest.fixture
def listener():
    """A port of this machine, and a list of the connections that were made to it."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        met = []

        def accept():
            try:
                while True:
                    connection, _ = server.accept()
                    met.append(connection)
                    connection.close()
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], met
        server.shutdown(socket.SHUT_RDWR)


def contents(port, other):
    """Texts that FFmpeg would follow, by what they are."""
    return {
        "hls": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{other}\n#EXT-X-ENDLIST\n",
        "hls-http": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{other}'\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 50710 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\nm=audio 50712 RTP/AVP 0\n",
        "idx": "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\n"
        "timestamp: 00:00:01:000, filepos: 000000000\n",
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        f'mediaPresentationDuration="PT5S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period><AdaptationSet>'
        f'<Representation id="0" mimeType="video/mp4"><BaseURL>http://127.0.0.1:{port}/a.mp4</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "rtsp": f"rtsp://127.0.0.1:{port}/a\n",
        "asx": f'<asx version="3.0"><entry><ref href="http://127.0.0.1:{port}/a.wmv"/></entry></asx>',
        "url": f"[InternetShortcut]\nURL=http://127.0.0.1:{port}/a.mp4\n",
    }


def silent_wave(path, seconds=1):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000 * seconds))
    return path


@pytest.fixture
def tricks(tmp_path, listener, film):
    """Files to look at, by paths relative to the folder they are in; beside them lie files that must not be opened."""
    port, _ = listener
    secret = tmp_path / "secret"
    secret.mkdir()
    other = shutil.copy(film, secret / "secret.mp4")
    folder = tmp_path / "given"
    folder.mkdir()
    names = []

    def add(name, content):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        else:
            shutil.copy(content, path)
        names.append(name)

    for what, text in contents(port, other).items():
        for suffix in (".wav", ".mp4", ".dat"):
            add(f"{what}{suffix}", text)
    shutil.copy(film, folder / "idx.sub")
    shutil.copy(film, folder / "img1.jp2")
    add("img%d.jp2", film)
    # names that FFmpeg would take for protocols, where files of these names are there
    for name in (
        f"http:/127.0.0.1:{port}/f.mp4",
        f"tcp:/127.0.0.1:{port}",
        f"concat:{other}|{other}".replace("/", "_"),
        f"subfile,,start,0,end,100,,:{Path(other).name}",
        "cache:secret.mp4",
        "file:secret.mp4",
        "data:,secret.mp4",
        "pipe:3",
        "-secret.mp4",
    ):
        add(name, film)
    add("resource.mp3", "no sound at all\n" * 50)  # libsndfile looks for a resource fork beside it
    silent_wave(folder / "._resource.mp3")
    silent_wave(folder / "._")
    return folder, names


def look(decoder, folder, names, source=None, strace=()):
    command = [*strace, sys.executable, "-c", LOOK, decoder, *names]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, stdin=source or subprocess.DEVNULL, capture_output=True, cwd=folder, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.decode()


def check_calls(log, folder, allowed):
    """Check that after the first source, no socket was made and no file of the test opened but those that are named."""
    text = log.read_text(errors="replace")
    calls = text[text.index('"== ') :]
    sockets = [line for line in calls.splitlines() if re.search(r"\bsocket\(|\bbind\(|\bconnect\(", line)]
    assert sockets == []
    opened = set(re.findall(r'\bopen(?:at)?\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)"[^\n]* = \d+', calls))
    own = {path for path in opened if str(folder.parent) in path or not path.startswith("/")}
    named = {str(folder / name) for name in allowed} | set(allowed)
    assert own - named == set()
    return opened


def test_no_decoder_opens_what_is_not_named(decoder, tricks, listener, tmp_path):
    folder, names = tricks
    strace = shutil.which("strace")
    log = tmp_path / "calls.txt"
    traced = [strace, "-f", "-s", "500", "-e", "trace=%network,open,openat,write", "-o", str(log)] if strace else []
    said = look(decoder, folder, names, strace=traced).split("== ")
    assert listener[1] == []
    if strace:
        check_calls(log, folder, names)
    said = dict(part.split("\n", 1) for part in said[1:])
    for name in names:
        if name.startswith(("hls", "concat.", "sdp", "idx", "dash", "rtsp", "asx", "url", "resource")):
            assert not WAS_READ.search(said[name]), said[name]
        if ":" in name or name.startswith("-"):  # a file is read as the film it is, whatever it is called
            assert WAS_READ.search(said[name]), (name, said[name])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_no_pipe_makes_a_decoder_open_anything(decoder, listener, film, tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    other = shutil.copy(film, tmp_path / "secret.mp4")
    strace = shutil.which("strace")
    texts = contents(listener[0], other)
    for what in ("hls", "hls-http", "concat", "sdp"):
        log = tmp_path / f"{what}.txt"
        traced = [strace, "-f", "-s", "500", "-e", "trace=%network,open,openat,write", "-o", str(log)] if strace else []
        (tmp_path / what).write_text(texts[what])
        os.mkfifo(folder / f"{what}.wav")
        writer = threading.Thread(target=(folder / f"{what}.wav").write_text, args=(texts[what],))
        writer.start()
        with open(tmp_path / what, "rb") as source:
            said = look(decoder, folder, ["-", f"{what}.wav"], source, traced)
        writer.join()
        assert not WAS_READ.search(said)
        if strace:
            check_calls(log, folder, [f"{what}.wav"])
    assert listener[1] == []
