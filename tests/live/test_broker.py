"""Where a broker is, and who the service is to it."""

import sys

import pytest

from edge_emo.core.errors import ExtraMissingError, ServiceError
from edge_emo.live.broker import Login, broker_of
from edge_emo.live.mqtt import require_extra


@pytest.mark.parametrize(
    ("text", "shown", "tls"),
    [
        ("broker", "broker:1883", False),
        ("192.0.2.7:1884", "192.0.2.7:1884", False),
        ("mqtt://broker/", "broker:1883", False),
        ("mqtts://broker", "broker:8883", True),
        ("[2001:db8::1]:1885", "[2001:db8::1]:1885", False),
    ],
)
def test_an_address_has_its_usual_port(text, shown, tls):
    broker = broker_of(text)
    assert str(broker) == shown
    assert (broker.tls is not None) == tls


def test_a_password_is_never_shown(monkeypatch):
    monkeypatch.setenv("EDGE_EMO_MQTT_USER", "hall")
    monkeypatch.setenv("EDGE_EMO_MQTT_PASSWORD", "open sesame")
    broker = broker_of("broker")
    assert broker.login == Login("hall", "open sesame")
    assert "sesame" not in repr(broker)
    with pytest.raises(ValueError, match="EDGE_EMO_MQTT_PASSWORD") as caught:
        broker_of("hall:open-sesame@broker")
    assert "sesame" not in str(caught.value)


def test_a_login_is_two_lines_of_a_file(tmp_path):
    file = tmp_path / "login"
    file.write_text("hall\nopen sesame\n")
    assert broker_of("broker", str(file)).login == Login("hall", "open sesame")
    for wrong in (b"", b"hall", b"\nopen sesame\n", b"a\nb\nc\n", b"\xff\xfe\n\n"):
        file.write_bytes(wrong)
        with pytest.raises(ServiceError, match="login"):
            broker_of("broker", str(file))
    with pytest.raises(ServiceError, match="cannot be read"):
        broker_of("broker", str(tmp_path / "nowhere"))


def test_a_certificate_that_is_none_is_told(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ServiceError, match="no certificate in PEM form"):
        broker_of("mqtts://broker", ca_file=str(tmp_path / "ca.pem"))
    with pytest.raises(ServiceError, match="cannot be used"):
        broker_of("mqtts://broker", ca_file=str(tmp_path / "nowhere.pem"))


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiomqtt", None)
    with pytest.raises(ExtraMissingError, match=r"pip install '\.\[mqtt\]'"):
        require_extra()
