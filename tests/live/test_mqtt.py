"""A fleet: the whole service, and a real broker on this machine."""

import getpass
import importlib.util
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import jsonschema
import pytest

from edge_emo import __version__
from edge_emo.core.emotions import EMOTIONS
from tests.conftest import ROOT
from tests.live.conftest import until

pytestmark = [
    pytest.mark.skipif(not shutil.which("mosquitto_sub"), reason="needs mosquitto and mosquitto-clients"),
    pytest.mark.skipif(not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin"), reason="no mosquitto"),
    pytest.mark.skipif(importlib.util.find_spec("aiomqtt") is None, reason="needs the extra [mqtt]"),
]
SOON_S = 60.0
BASE = "edge-emo/edge-emo-hall"
DISCOVERY = "homeassistant/device/edge-emo-hall/config"


class Mosquitto:
    """A broker on a port of its own, which can be killed and started again; it keeps nothing."""

    def __init__(self, folder, *lines):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.config = folder / "mosquitto.conf"
        as_root = ["user root"] if getpass.getuser() == "root" else []  # else it gives up its rights to read files here
        self.config.write_text("\n".join([f"listener {self.port} 127.0.0.1", *as_root, *lines, ""]))
        self.log = folder / "mosquitto.log"
        self.process = None
        self.start()

    def start(self):
        command = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([command, "-v", "-c", self.config], stdout=log, stderr=log)
        self.said("running", 1 + self.log.read_text(errors="replace").count("running"))

    def said(self, words, times=1):
        """Wait until the broker's log says something so many times."""
        deadline = time.monotonic() + SOON_S
        while self.log.read_text(errors="replace").count(words) < times:
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            assert time.monotonic() < deadline, self.log.read_text(errors="replace")
            time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def say(self, topic, payload, *options):
        subprocess.run(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-m", payload, "-q", "1", *options],
            check=True,
        )


class Ear:
    """Hears all messages at a broker: (whether it was kept there, topic, bytes)."""

    def __init__(self, broker, *options):
        self.messages, self._come = [], queue.Queue()
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "#", "-q", "1", "-F", "%r %t %x"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()
        broker.said("SUBSCRIBE from", 1)

    def _listen(self):
        for line in self.process.stdout:
            kept, topic, payload = line.rstrip("\n").split(" ")
            self._come.put((kept == "1", topic, bytes.fromhex(payload)))

    def until(self, topic, is_it=lambda payload: True):
        """Return the next message at a topic that is the one, decoded; JSON as what it holds."""
        while True:
            _, at, payload = message = self._come.get(timeout=SOON_S)
            self.messages.append(message)
            found = json.loads(payload) if payload.startswith(b"{") else payload.decode()
            if at == topic and is_it(found):
                return found

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def mosquitto(tmp_path):
    """Start a broker with the given lines in its configuration."""
    begun = []

    def run(*lines):
        begun.append(Mosquitto(tmp_path, *(lines or ["allow_anonymous true"])))
        return begun[-1]

    yield run
    for broker in begun:
        broker.kill()


@pytest.fixture
def broker(mosquitto):
    return mosquitto()


@pytest.fixture
def listen():
    begun = []

    def run(*arguments):
        begun.append(Ear(*arguments))
        return begun[-1]

    yield run
    for ear in begun:
        ear.close()


@pytest.fixture
def begin(start, quiet):
    """Start a service that tells a broker that nobody comes."""
    return lambda broker, *more, **options: start(
        *quiet, "--mqtt", broker.address, "--mqtt-name", "hall", *more, **options
    )


def is_on(device, state):
    return lambda found: found[device] == state


def test_home_assistant_finds_a_device_with_its_sensors_and_switches(broker, listen, begin):
    begin(broker)
    listen(broker).until(f"{BASE}/availability", lambda payload: payload == "online")
    late = listen(broker, "--retained-only")  # as Home Assistant, which starts later
    found, state = late.until(DISCOVERY), late.until(f"{BASE}/state")
    assert late.until(f"{BASE}/availability") == "online"
    assert all(kept for kept, _, _ in late.messages)
    assert found["dev"] == {
        "ids": ["edge-emo-hall"],
        "name": "edge-emo hall",
        "mdl": "edge-emo live",
        "sw": __version__,
    }
    assert found["o"]["name"] == "edge-emo"
    assert found["state_topic"] == f"{BASE}/state"
    assert found["availability_topic"] == f"{BASE}/availability"
    components = found["cmps"]
    assert {key: each["p"] for key, each in components.items()} == {
        **dict.fromkeys(("emotion", "confidence", "visitors", "song", "temperature"), "sensor"),
        "throttled": "binary_sensor",
        "camera": "switch",
        "microphone": "switch",
    }
    assert len({each["unique_id"] for each in components.values()}) == len(components)
    assert {each["value_template"] for each in components.values()} == {f"{{{{ value_json.{key} }}}}" for key in state}
    assert components["emotion"]["options"] == [*EMOTIONS, "uncertain", "none"]
    assert components["emotion"]["device_class"] == "enum"
    assert components["visitors"]["state_class"] == "total_increasing"
    assert components["throttled"]["device_class"] == "problem"
    assert components["camera"]["command_topic"] == f"{BASE}/camera/set"
    assert (state["emotion"], state["confidence"], state["visitors"]) == ("none", None, 0)
    assert (state["camera"], state["microphone"]) == ("ON", "ON")


def test_a_device_that_is_left_out_has_no_switch(broker, listen, start, quiet):
    start(*quiet[:2], "--microphone", "none", "--mqtt", broker.address, "--mqtt-name", "hall")
    ear = listen(broker)
    assert ear.until(DISCOVERY)["cmps"]["microphone"] == {"p": "switch"}, "it is taken away from Home Assistant"
    assert ear.until(f"{BASE}/state")["microphone"] is None


def test_discovery_comes_again_when_home_assistant_starts(broker, listen, begin):
    begin(broker)
    ear = listen(broker)
    ear.until(f"{BASE}/availability")
    broker.say("homeassistant/status", "online")
    ear.until("homeassistant/status")
    ear.until(DISCOVERY)
    assert ear.until(f"{BASE}/availability") == "online"


def test_switches_work_in_both_directions(broker, listen, begin, control):
    service, ear = begin(broker), listen(broker)
    ear.until(f"{BASE}/state", is_on("camera", "ON"))
    ear.until(f"{BASE}/availability")
    broker.say(f"{BASE}/camera/set", "OFF")
    until(service, "device", device="camera", state="off")
    assert ear.until(f"{BASE}/state", is_on("camera", "OFF"))["microphone"] == "ON"
    if os.name != "nt":
        assert control("microphone", "off").returncode == 0, "somebody switches it elsewhere"
        ear.until(f"{BASE}/state", is_on("microphone", "OFF"))
    broker.say(f"{BASE}/camera/set", "ON")
    until(service, "device", device="camera", state="open")
    ear.until(f"{BASE}/state", is_on("camera", "ON"))


def test_what_is_no_command_of_now_switches_nothing(broker, listen, begin):
    broker.say(f"{BASE}/microphone/set", "OFF", "-r")  # kept by the broker since long ago
    begin(broker)
    ear = listen(broker)
    ear.until(f"{BASE}/availability")
    for topic, payload in (("microphone", "off"), ("microphone", "OFF\n"), ("speaker", "OFF"), ("microphone", "")):
        broker.say(f"{BASE}/{topic}/set", payload)
    broker.say(f"{BASE}/camera/set", "OFF")
    assert ear.until(f"{BASE}/state", is_on("camera", "OFF"))["microphone"] == "ON"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_broker_says_that_a_killed_service_is_gone(broker, listen, begin):
    service, ear = begin(broker), listen(broker)
    ear.until(f"{BASE}/availability", lambda payload: payload == "online")
    service.send_signal(signal.SIGKILL)
    ear.until(f"{BASE}/availability", lambda payload: payload == "offline")
    assert listen(broker, "--retained-only").until(f"{BASE}/availability") == "offline"


@pytest.mark.skipif(sys.platform == "win32", reason="the control socket")
def test_after_an_outage_the_broker_gets_the_state_of_now(broker, listen, begin, control):
    service = begin(broker)
    listen(broker).until(f"{BASE}/availability")
    broker.kill()
    until(service, "status")
    for device in ("camera", "microphone"):
        assert control(device, "off").returncode == 0, "the service goes on"
    until(service, "device", device="microphone", state="off")
    broker.start()
    ear = listen(broker)
    ear.until(f"{BASE}/availability", lambda payload: payload == "online")
    states = [json.loads(payload) for _, topic, payload in ear.messages if topic == f"{BASE}/state"]
    assert [(state["camera"], state["microphone"]) for state in states] == [("OFF", "OFF")]
    assert DISCOVERY in [topic for _, topic, _ in ear.messages], "the broker had kept nothing"
    service.terminate()
    told = service.communicate(timeout=SOON_S)[1].decode()
    assert told.count("trying again") == 1
    assert f"broker {broker.address}: is gone" in told
    assert "Traceback" not in told
    assert ear.until(f"{BASE}/availability") == "offline"


def test_a_broker_that_is_never_there_is_told_once_and_disturbs_nothing(begin, mosquitto, quiet):
    broker = mosquitto()
    broker.kill()
    service = begin(broker)
    until(service, "device", device="camera", state="open")
    until(service, "status")
    until(service, "status")  # ten seconds later: it was tried several times
    service.terminate()
    told = service.communicate(timeout=SOON_S)[1].decode()
    assert told.count(f"broker {broker.address}") == 1
    assert "refused" in told
    assert "Traceback" not in told


def test_two_of_one_name_are_told_to_take_two(begin, broker, tmp_path):
    begin(broker)
    other = begin(broker, "--data-dir", tmp_path / "other")
    told = next(line.decode() for line in other.stderr if b"--mqtt-name" in line)
    assert "ends the connection again and again; give each service there a --mqtt-name of its own" in told


def test_a_broker_that_never_answers_does_not_keep_the_service_from_ending(start, quiet):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        service = start(*quiet, "--mqtt", f"127.0.0.1:{deaf.getsockname()[1]}")
        until(service, "device", state="open")
        connection, _ = deaf.accept()
        with connection:
            service.terminate()
            told = service.communicate(timeout=SOON_S)[1]
    assert b"Traceback" not in told


@pytest.fixture
def guarded(mosquitto, tmp_path):
    """A broker that asks who comes."""
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "hall", "open sesame"], check=True)
    return mosquitto("allow_anonymous false", f"password_file {passwords}")


def test_a_wrong_password_is_told_once_and_tried_again(guarded, begin):
    service = begin(guarded, env={"EDGE_EMO_MQTT_USER": "hall", "EDGE_EMO_MQTT_PASSWORD": "secret of nobody"})
    guarded.said("not authorised", 3)
    service.terminate()
    told = service.communicate(timeout=SOON_S)[1].decode()
    assert told.count(f"broker {guarded.address}") == 1
    assert "refuses the user or password; set EDGE_EMO_MQTT_USER and EDGE_EMO_MQTT_PASSWORD" in told
    assert "secret of nobody" not in told


@pytest.mark.parametrize("by", ["environment", "file"])
def test_the_right_password_opens(guarded, begin, tmp_path, by):
    (tmp_path / "login").write_text("hall\nopen sesame\n")
    if by == "environment":
        begin(guarded, env={"EDGE_EMO_MQTT_USER": "hall", "EDGE_EMO_MQTT_PASSWORD": "open sesame"})
    else:
        begin(guarded, "--mqtt-login", tmp_path / "login")
    guarded.said(f"'{BASE}/availability'")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_a_broker_with_tls_is_trusted_by_its_certificate_alone(mosquitto, start, quiet, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*made.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    broker = mosquitto("allow_anonymous true", f"keyfile {key}", f"certfile {certificate}")
    asked = (*quiet, "--mqtt-name", "hall", "--mqtt", f"mqtts://{broker.address}")
    start(*asked, "--mqtt-ca", certificate)
    broker.said(f"'{BASE}/availability'")
    stranger = start(*asked, "--data-dir", tmp_path / "other")
    assert any(b"certificate verify failed" in line for line in stranger.stderr), "it is told while the service runs"


@pytest.fixture(scope="module")
def session(tmp_path_factory, scene):
    """A visit from its beginning to its end: the events of the service, and all messages of the broker."""
    folder = tmp_path_factory.mktemp("session")
    broker = Mosquitto(folder, "allow_anonymous true")
    ear = Ear(broker)
    command = f"-m edge_emo live --jsonl --camera {scene} --microphone {scene} --mqtt {broker.address} --mqtt-name hall"
    done = subprocess.run(
        [sys.executable, *command.split()],
        capture_output=True,
        check=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "EDGE_EMO_HOME": str(folder / "home")},
    )
    ear.until(f"{BASE}/availability", lambda payload: payload == "online")
    ear.until(f"{BASE}/availability", lambda payload: payload == "offline")
    ear.close()
    broker.kill()
    return [json.loads(line) for line in done.stdout.splitlines()], ear.messages, scene


def states_of(messages):
    return [json.loads(payload) for _, topic, payload in messages if topic == f"{BASE}/state"]


def test_the_state_follows_a_visit(session):
    events, messages, _ = session
    states = states_of(messages)
    proposed = next(event for event in events if event["event"] == "songs")
    song = proposed["songs"][0]["song"]
    assert [state["visitors"] for state in states] == sorted(state["visitors"] for state in states)
    assert {state["visitors"] for state in states} == {0, 1}
    assert f"{song['title']} – {song['artist']}" in [state["song"] for state in states]
    assert proposed["emotion"] in [state["emotion"] for state in states]
    assert all((state["confidence"] is None) == (state["emotion"] == "none") for state in states)
    assert all(state["confidence"] >= 12 for state in states if state["confidence"] is not None)
    assert (states[-1]["emotion"], states[-1]["song"]) == ("none", None), "what is kept is not of who has gone"


SWITCH = {"enum": ["ON", "OFF"]}
STATE = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("emotion", "confidence", "visitors", "song", "temperature", "throttled", "camera", "microphone"),
    ],
    "properties": {
        "emotion": {"enum": [*EMOTIONS, "uncertain", "none"]},
        "confidence": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
        "visitors": {"type": "integer", "minimum": 0},
        "song": {"type": ["string", "null"], "maxLength": 255},
        "temperature": {"type": ["integer", "null"], "minimum": -50, "maximum": 150},
        **dict.fromkeys(("throttled", "camera", "microphone"), SWITCH),
    },
}
"""All that a state may hold."""
WORDS = {
    *("edge-emo", "edge-emo hall", "edge-emo live", "edge-emo-hall", __version__),
    *(f"edge-emo-hall-{key}" for key in STATE["properties"]),
    *(f"{{{{ value_json.{key} }}}}" for key in STATE["properties"]),
    *(f"{BASE}/{end}" for end in ("state", "availability", "camera/set", "microphone/set")),
    *(key.capitalize() for key in STATE["properties"]),
    *("sensor", "binary_sensor", "switch", "enum", "measurement", "total_increasing", "temperature", "problem"),
    *("diagnostic", "%", "°C", *EMOTIONS, "uncertain", "none"),
}
"""All the words that a discovery message may hold."""


def words(found):
    if isinstance(found, dict):
        return [word for value in found.values() for word in words(value)]
    return [word for value in found for word in words(value)] if isinstance(found, list) else [found]


def test_nothing_but_counts_and_labels_is_in_any_byte_of_a_session(session):
    events, messages, scene = session
    songs = {
        f"{item['song']['title']} – {item['song']['artist']}"
        for event in events
        if event["event"] == "songs"
        for item in event["songs"]
    }
    assert {topic for _, topic, _ in messages} == {DISCOVERY, f"{BASE}/state", f"{BASE}/availability"}
    for _, topic, payload in messages:
        if topic == f"{BASE}/availability":
            assert payload in (b"online", b"offline")
            continue
        found = json.loads(payload)
        assert payload == json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode(), "all of it is JSON"
        if topic == f"{BASE}/state":
            jsonschema.validate(found, STATE)
            assert found["song"] is None or found["song"] in songs
        else:
            assert set(words(found)) - WORDS <= {1}, "the quality of service"
    told = b"".join(payload for _, _, payload in messages)
    for secret in (str(scene), scene.name, socket.gethostname(), str(Path.home()), str(os.getpid())):
        assert len(secret) < 3 or secret.encode() not in told


def test_the_allow_list_notices_what_should_not_be_there():
    good = dict.fromkeys(STATE["required"]) | {"emotion": "happy", "visitors": 1, **dict.fromkeys(("throttled",), "ON")}
    good |= {"camera": "ON", "microphone": "OFF"}
    jsonschema.validate(good, STATE)
    for more in ({"picture": "…"}, {"emotion": "Anna"}, {"song": "x" * 256}, {"visitors": "all"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, **more}, STATE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mqtt", "hall:secret@localhost"], "can be read by all on this machine"),
        (["--mqtt", "http://localhost"], "is no broker"),
        (["--mqtt", "localhost:99999"], "is no broker"),
        (["--mqtt", "localhost/topic"], "is no broker"),
        (["--mqtt", "localhost", "--mqtt-prefix", "all/#"], "is no topic"),
        (["--mqtt", "localhost", "--mqtt-name", ""], "is no name"),
        (["--mqtt", "localhost", "--mqtt-ca", "ca.pem"], "write mqtts://localhost"),
    ],
)
def test_what_is_no_broker_is_told_at_once(edge_emo, arguments, said):
    done = edge_emo("live", *arguments)
    assert done.returncode == 2
    assert re.sub(r"\s+", " ", said) in re.sub(r"\s+", " ", done.stderr.decode())
    assert b"secret" not in done.stderr
