"""What a teacher says of voices: of people it never heard, and of the emotions alone that were asked for."""

import struct

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the teacher needs PyTorch (pip install torch)")

from edge_emo.core.errors import MediaError
from edge_emo.media.sound import SAMPLE_RATE
from export.train import teacher, whisper

WIDTH, N_HEADS, N_LAYERS = 16, 2, 4


def model_bin(path, rng):
    """Write a small Whisper as CTranslate2 does."""
    shapes = {"conv1": (WIDTH, 80, 3), "conv2": (WIDTH, WIDTH, 3)}
    variables = {f"encoder/{name}/weight": rng.normal(0, 0.1, shape) for name, shape in shapes.items()}
    variables |= {f"encoder/{name}/bias": np.zeros(WIDTH) for name in shapes}
    variables["encoder/position_encodings/encodings"] = rng.normal(0, 0.1, (400, WIDTH))
    norms = ["layer_norm"]
    for number in range(N_LAYERS):
        layer = f"layer_{number}"
        norms += [f"{layer}/self_attention/layer_norm", f"{layer}/ffn/layer_norm"]
        for name, (n_out, n_in) in {
            "self_attention/linear_0": (3 * WIDTH, WIDTH),
            "self_attention/linear_1": (WIDTH, WIDTH),
            "ffn/linear_0": (4 * WIDTH, WIDTH),
            "ffn/linear_1": (WIDTH, 4 * WIDTH),
        }.items():
            variables[f"encoder/{layer}/{name}/weight"] = rng.normal(0, 0.2, (n_out, n_in))
            variables[f"encoder/{layer}/{name}/bias"] = np.zeros(n_out)
    for name in norms:
        variables[f"encoder/{name}/gamma"], variables[f"encoder/{name}/beta"] = np.ones(WIDTH), np.zeros(WIDTH)

    def text(value):
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    parts = [struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<II", 3, len(variables) + 1)]
    for name, value in variables.items():
        data = value.astype(np.float16)
        dims = b"".join(struct.pack("<I", size) for size in data.shape)
        parts += [text(name), struct.pack("<B", data.ndim), dims, struct.pack("<BI", 4, data.nbytes), data.tobytes()]
    parts += [text("encoder/num_heads"), struct.pack("<B", 0), struct.pack("<BI", 2, 2), struct.pack("<h", N_HEADS)]
    path.write_bytes(b"".join([*parts, struct.pack("<I", 0)]))
    return path


def test_the_encoder_agrees_with_pytorch_s_own_layers(tmp_path, rng, sample):
    encoder = whisper.Encoder.load(model_bin(tmp_path / "model.bin", rng))
    assert (encoder.n_layers, encoder.n_heads) == (N_LAYERS, N_HEADS)
    found = encoder(sample[: 2 * SAMPLE_RATE], 2)
    assert [tuple(x.shape) for x in found] == [(100, WIDTH)] * 2
    layer = torch.nn.TransformerEncoderLayer(
        WIDTH, N_HEADS, 4 * WIDTH, 0.0, torch.nn.functional.gelu, batch_first=True, norm_first=True
    ).eval()
    weights, theirs = encoder.weights, "layer_1/self_attention"
    state = {
        "self_attn.in_proj_weight": weights[f"{theirs}/linear_0/weight"],
        "self_attn.in_proj_bias": weights[f"{theirs}/linear_0/bias"],
        "self_attn.out_proj.weight": weights[f"{theirs}/linear_1/weight"],
        "self_attn.out_proj.bias": weights[f"{theirs}/linear_1/bias"],
        "linear1.weight": weights["layer_1/ffn/linear_0/weight"],
        "linear1.bias": weights["layer_1/ffn/linear_0/bias"],
        "linear2.weight": weights["layer_1/ffn/linear_1/weight"],
        "linear2.bias": weights["layer_1/ffn/linear_1/bias"],
    }
    layer.load_state_dict({**layer.state_dict(), **state})
    with torch.inference_mode():
        assert torch.allclose(layer(found[0][None])[0], found[1], atol=1e-5)


def test_another_file_and_too_long_a_sound_are_refused(tmp_path, rng):
    other = tmp_path / "other.bin"
    other.write_bytes(b"RIFF of something else, long enough")
    with pytest.raises(MediaError, match=r"other.bin: is no Whisper in CTranslate2's format"):
        whisper.read_weights(other)
    encoder = whisper.Encoder.load(model_bin(tmp_path / "model.bin", rng))
    with pytest.raises(ValueError, match=r"9.0 s of sound; 8 s are the most"):
        encoder(np.zeros(9 * SAMPLE_RATE, np.float32))


def test_what_is_heard_does_not_depend_on_the_level_of_a_recording(tmp_path, rng, sample):
    encoder = whisper.Encoder.load(model_bin(tmp_path / "model.bin", rng))
    loud, quiet = (teacher.heard(encoder, sample * np.float32(gain)) for gain in (1, 0.1))
    assert loud.shape == (len(teacher.LAYERS) * 2 * WIDTH,)
    assert np.allclose(loud, quiet, atol=1e-3)
    assert teacher.heard(encoder, np.zeros(SAMPLE_RATE, np.float32)) is None


def people_who_differ(rng, n_people=10, n_clips=8):
    """Features that give away who speaks, and labels that are that person's own, which no other's predict."""
    people = np.repeat([f"p{i}" for i in range(n_people)], n_clips)
    labels = np.repeat(rng.integers(0, 8, n_people), n_clips)
    x = np.repeat(np.eye(n_people, 12), n_clips, axis=0) + rng.normal(0, 0.05, (n_people * n_clips, 12))
    return x.astype(np.float32), labels, people


def test_nobody_is_labelled_by_a_teacher_who_learned_from_them(rng):
    x, labels, people = people_who_differ(rng)
    everything = np.ones((len(x), 8), bool)
    by_heart = teacher.classifier(x, labels, everything, 1e-4)(torch.from_numpy(x)).argmax(1).numpy()
    honest = teacher.soft_labels(x, labels, everything, people, decay=1e-4).argmax(axis=1)
    assert (by_heart == labels).mean() == 1.0
    assert (honest == labels).mean() < 0.5
    groups = teacher.group(people, 5, 0)
    assert all(len(set(groups[people == name])) == 1 for name in set(people))
    assert np.bincount(groups).tolist() == [16] * 5


def test_a_corpus_is_no_evidence_against_an_emotion_that_it_lacks():
    x = np.array([[1, 0], [1, 0.1], [0, 1], [0, 1.1]], np.float32)  # alike in pairs
    labels = np.array([5, 0, 4, 0])
    asked = np.ones((4, 8), bool)
    asked[1, 5] = False  # the second was never asked for fear, which it resembles
    blind = teacher.classifier(x, labels, np.ones_like(asked), 1e-3)(torch.from_numpy(x[:1]))[0]
    partial = teacher.classifier(x, labels, asked, 1e-3)(torch.from_numpy(x[:1]))[0]
    assert partial[5] - partial[4] > blind[5] - blind[4]


def test_corpora_are_standardised_apart():
    x = np.array([[1.0], [3.0], [101.0], [103.0]], np.float32)
    assert teacher.standardized(x, ["a", "a", "b", "b"]).ravel().tolist() == [-1, 1, -1, 1]
