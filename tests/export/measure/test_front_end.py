"""Models trained on whole clips at a rate of their own are right with that front end; what another costs is told."""

import hashlib
import json

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from msgspec.structs import replace

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

from edge_emo.analysis.analyzer import analyze
from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.media.sound import SAMPLE_RATE, resample
from edge_emo.models.schema import Card, TensorInfo, VoicePreprocessing
from edge_emo.voice.recognizer import VoiceRecognizer, VoiceStream
from export.cards import save_card
from export.measure.front_end import Comparison, Way, compare
from export.measure.inference import Outputs
from export.measure.label_names import parsed
from export.measure.samples import labelled_files

FEATURES = FeatureSpec(sample_rate=44100, frame_length=2048, hop_length=1024, n_fft=2048, n_mels=8, f_max=22050.0)
BANDS = InputSpec(features=FEATURES, reduce="mean")
WHOLE = VoicePreprocessing(input=BANDS, window_s=30, hop_s=30, activity="off", dc="kept")
RATE = 44100


def network(band, level):
    """Return a model that says "happy" where the mean of a mel band is above a level in dB, else "sad"."""
    weights = np.zeros((8, 2), np.float32)
    weights[band] = (1, 0)
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"])],
        "rule",
        [helper.make_tensor_value_info("features", float32, ["batch", 8])],
        [helper.make_tensor_value_info("logits", float32, ["batch", 2])],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(np.array([0, level], np.float32), "bias"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(folder, model, voice):
    """Write a model and its card, and return the card's path."""
    content = model.SerializeToString()
    (folder / "rule.onnx").write_bytes(content)
    card = Card(
        format=1, name="rule", version="1.0.0", file="rule.onnx", precision="fp32", opset=17,
        sha256=hashlib.sha256(content).hexdigest(), input=TensorInfo(name="features", shape=[None, 8]),
        output=TensorInfo(name="logits", shape=[None, 2]), activation="logits", labels=["happy", "sad"],
        preprocessing=voice, license="none",
    )  # fmt: skip
    save_card(card, folder)
    return folder / "rule.json"


@pytest.fixture(scope="module")
def voice44(sample):
    return resample(sample, SAMPLE_RATE, RATE)


def raw(path, card):
    return analyze(path, voice_model=card, face=False).readings


def hiss(count):
    """Noise of 12 to 16 kHz."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE)
    return np.fft.irfft(spectrum * ((hz > 12000) & (hz < 16000)), count).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp4"])
def test_an_answer_that_lies_above_8_khz_is_found_at_the_rate_that_the_card_asks_for(tmp_path, voice44, suffix):
    answers = {}
    model = network(band=6, level=-20.0)
    for name, sound in (("bright", voice44 + hiss(len(voice44))), ("dull", voice44)):
        path = tmp_path / f"{name}{suffix}"
        written(path, sound)
        for rate in (None, SAMPLE_RATE):
            (reading,) = raw(path, saved(tmp_path, model, replace(WHOLE, decode_rate=rate)))
            answers[name, rate] = reading.raw
            assert reading.end_s == pytest.approx(len(sound) / RATE, abs=0.06)
    assert (answers["bright", None], answers["dull", None]) == ("happy", "sad")
    assert answers["bright", SAMPLE_RATE] == answers["dull", SAMPLE_RATE]


def written(path, sound):
    if path.suffix != ".mp4":
        soundfile.write(path, 0.5 * sound, RATE)
        return
    av = pytest.importorskip("av", reason="needs PyAV: pip install '.[video]'")
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono", bit_rate=256_000)
        frame = av.AudioFrame.from_ndarray(0.5 * sound[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def test_an_answer_that_lies_in_the_pauses_is_found_where_silence_is_kept(tmp_path, voice44):
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.concatenate([voice44, np.zeros(12 * RATE, np.float32)]), RATE)
    model = network(band=1, level=-55.0)
    readings = {
        name: {reading.raw for reading in raw(path, saved(tmp_path, model, voice))}
        for name, voice in (
            ("off", WHOLE),
            ("gate", replace(WHOLE, activity="gate")),
            ("cut", replace(WHOLE, activity="cut")),
        )
    }
    assert readings == {"off": {"sad"}, "gate": {"sad"}, "cut": {"happy"}}


@pytest.mark.parametrize(("offset_s", "expected"), [(0.0, "happy"), (0.6, "sad"), (2.5, "happy")])
def test_an_answer_depends_on_the_part_of_the_clip_that_the_card_names(tmp_path, voice44, offset_s, expected):
    loud = hiss(len(voice44))
    loud[round(0.6 * RATE) : round(3.1 * RATE)] = 0
    path = tmp_path / "clip.wav"
    soundfile.write(path, 0.5 * (voice44 + loud), RATE)
    voice = replace(WHOLE, offset_s=offset_s, duration_s=2.5)
    (reading,) = raw(path, saved(tmp_path, network(band=6, level=-40.0), voice))
    assert reading.raw == expected
    assert reading.start_s == pytest.approx(offset_s)


@pytest.mark.parametrize("activity", ["cut", "gate", "off"])
def test_live_sound_gives_the_readings_of_the_file(tmp_path, voice44, activity):
    voice = replace(WHOLE, window_s=2, hop_s=1, activity=activity)
    recognizer = VoiceRecognizer(saved(tmp_path, network(band=1, level=-30.0), voice))
    sound = np.concatenate([np.zeros(15 * RATE, np.float32), voice44, np.zeros(15 * RATE, np.float32), voice44])
    stream, found = VoiceStream(recognizer), []
    for start in range(0, len(sound), RATE // 10):
        found += stream.push(sound[start : start + RATE // 10])
    assert found, "only the end of the sound gave readings"
    found += stream.finish()
    assert found == recognizer.readings(sound)
    assert recognizer.sample_rate == RATE


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, sample):
    """Clips of one voice, whose label is how much of the clip is pause: all that a model on whole clips may have."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(14):
        label, pause_s = ("happy", 0.2 + 0.1 * number) if number % 2 else ("sad", 9 + 0.2 * number)
        (folder / label).mkdir(exist_ok=True)
        gain = 1 + 0.02 * number
        sound = np.concatenate([gain * sample, np.zeros(round(pause_s * SAMPLE_RATE), np.float32)])
        soundfile.write(folder / label / f"{number}.wav", sound, SAMPLE_RATE)
    (folder / "sad" / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(folder / "sad" / "silent.wav", np.zeros(3 * SAMPLE_RATE), SAMPLE_RATE)  # no voice to cut out
    return folder


def test_what_a_front_end_costs_is_measured_against_whole_clips(recordings):
    files = labelled_files(recordings, parsed("happy,sad"), "recording", print)
    model, outputs = network(band=1, level=-60.0), Outputs("logits", ("happy", "sad"))
    found = compare(model, outputs, files, replace(WHOLE, activity="cut", window_s=3, hop_s=1.5), [8])
    assert len(found.labels) == 14
    assert found.stated.accuracy == 0.5
    assert found.ways[-1].accuracy == 1.0
    assert "COSTS 50.0 POINTS" in found.warning
    assert 'say "activity": "off" in --front-end' in found.warning
    as_trained = compare(model, outputs, files, WHOLE, [8])
    assert as_trained.stated.accuracy == 1.0
    assert as_trained.warning == ""


def compared(stated, best, labels):
    """Return a comparison of a front end that cuts with one that does not, by what each is right on."""
    ways = Way("cut", replace(WHOLE, activity="cut"), stated), Way("whole", WHOLE, best)
    return Comparison(ways, labels)


def test_a_difference_that_luck_explains_is_no_warning():
    labels = ("happy", "sad") * 50
    assert "COSTS 6.0 POINTS" in compared((True,) * 84 + (False,) * 16, (True,) * 90 + (False,) * 10, labels).warning
    assert compared((True,) * 85 + (False,) * 15, (True,) * 90 + (False,) * 10, labels).warning == ""
    shuffled = (False,) * 10 + (True,) * 84 + (False,) * 6
    assert compared(shuffled, (True,) * 90 + (False,) * 10, labels).warning == ""


def test_a_model_that_gives_one_answer_is_not_said_to_lose_accuracy_by_its_front_end():
    labels = ("happy",) * 52 + ("sad",) * 48
    assert compared((True,) * 44 + (False,) * 56, (True,) * 52 + (False,) * 48, labels).warning == ""


def test_convert_says_loudly_what_the_front_end_costs(recordings, tmp_path):
    keras = pytest.importorskip("keras", reason="needs the extra: pip install '.[export]'")
    from export.__main__ import main

    dense = keras.layers.Dense(2)
    model = keras.Sequential([keras.layers.Input((8,)), dense])
    weights = np.zeros((8, 2), np.float32)
    weights[1] = (1, 0)
    dense.set_weights([weights, np.array([0, -60.0], np.float32)])
    model.save(tmp_path / "net.keras")
    spec = {"features": {"sample_rate": 44100, "frame_length": 2048, "hop_length": 1024, "n_fft": 2048, "n_mels": 8,
                         "f_max": 22050.0}, "reduce": "mean"}  # fmt: skip
    (tmp_path / "cut.json").write_text(json.dumps({"input": spec, "window_s": 1.0, "hop_s": 0.03}))
    done = CliRunner().invoke(
        main,
        ["convert", str(tmp_path / "net.keras"), "--out", str(tmp_path / "out"), "--calibrate", str(recordings),
         "--front-end", str(tmp_path / "cut.json"), "--labels", "happy,sad"],
    )  # fmt: skip
    assert "fp32 is right on 50.0% of 14 recordings as the card reads them" in done.stdout
    assert "fp32 is right on 100.0% of 14 recordings whole, at 44,100 Hz, nothing cut" in done.stdout
    assert "WARNING: this front end COSTS 50.0 POINTS of accuracy" in done.stderr
    assert '"activity": "off"' in done.stderr
    report = (tmp_path / "out" / "net.report.md").read_text()
    assert "**WARNING: this front end COSTS 50.0 POINTS" in report
    assert "| as the card reads them | 50.0% |" in report
    card = json.loads((tmp_path / "out" / "net.fp32.json").read_text())
    assert [row["accuracy"] for row in card["parity"]["front_ends"]][::2] == [0.5, 1.0]
