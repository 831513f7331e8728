"""A real microphone, as far as one machine has one: what a sound server plays is heard through the system's ALSA."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from edge_emo.media.sources import sample_path

NEEDED = ("pulseaudio", "pactl", "paplay", "arecord")
if missing := [program for program in NEEDED if not shutil.which(program)]:
    pytest.skip(f"no {', '.join(missing)} on the PATH", allow_module_level=True)


@pytest.fixture
def server(tmp_path):
    """The environment of a PulseAudio of its own, whose only microphone hears what is played on it."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)}
    environment.pop("PULSE_SERVER", None)
    modules = ("module-null-sink sink_name=room", "module-native-protocol-unix")
    process = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *(f"--load={module}" for module in modules)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    until_s = time.monotonic() + 10
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode:
        if time.monotonic() > until_s or process.poll() is not None:
            process.kill()
            pytest.skip("PulseAudio does not start here")
        time.sleep(0.1)
    subprocess.run(["pactl", "set-default-source", "room.monitor"], env=environment, check=True)
    yield environment
    process.terminate()
    process.wait()


@pytest.mark.slow
def test_the_sample_is_heard_through_a_sound_server(server, tmp_path):
    if "pulse\n" not in subprocess.run(["arecord", "-L"], env=server, capture_output=True, text=True).stdout:
        pytest.skip("ALSA has no plug-in for PulseAudio here")
    options = [
        "--jsonl",
        "--camera",
        "none",
        "--microphone",
        "pulse",
        "--no-history",
        "--data-dir",
        str(tmp_path / "d"),
    ]
    command = [sys.executable, "-u", "-m", "edge_emo", "live", *options]
    with subprocess.Popen(command, env=server, stdout=subprocess.PIPE, text=True) as service:
        played, heard = False, []
        for line in service.stdout:
            event = json.loads(line)
            if event["event"] == "device" and event["state"] == "open" and not played:
                played = True
                subprocess.Popen(["paplay", "--device=room", str(sample_path())], env=server)
            if event["event"] == "reading" and event["is_final"]:
                heard.append(event["reading"]["emotion"])
                break
            if event["time_s"] > 30:
                break
        service.terminate()
    assert heard == ["happy"]
