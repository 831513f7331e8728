"""What the doctor finds in recordings and installed libraries."""

import numpy as np
import soundfile


def test_doctor_sees_clipping_of_one_channel_and_an_offset(tmp_path, rng):
    from edge_emo.app.doctor import diagnose

    noise = rng.uniform(-0.1, 0.1, (16000, 2)).astype(np.float32)
    noise[::5, 0] = 1.0
    soundfile.write(tmp_path / "left.wav", noise, 16000)
    soundfile.write(tmp_path / "offset.wav", rng.uniform(-0.1, 0.1, 16000) + 0.2, 16000)
    texts = [f.text for f in diagnose([str(tmp_path / "left.wav"), str(tmp_path / "offset.wav")])[-2:]]
    assert "clipped" in texts[0]
    assert "constant offset of +0.20" in texts[1]


def test_known_bad_releases_are_named():
    from edge_emo.app.doctor import known_bad

    assert known_bad("onnxruntime", "1.21.0")
    assert known_bad("onnxruntime", "1.29.0")
    assert known_bad("onnxruntime", "1.30.2")
    assert known_bad("onnxruntime", "1.28.0") is None
    assert known_bad("numpy", "2.0") is None
