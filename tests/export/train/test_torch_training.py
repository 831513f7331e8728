"""The training on PyTorch, which is installed by those who train; see docs/training.md."""

import os

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training of the face models needs PyTorch (pip install torch)")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="the training of the face models needs Keras")
if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend here; set KERAS_BACKEND=torch", allow_module_level=True)

from export import families
from export.families.face_detector import STRIDES
from export.train.detector_loss import detector_loss
from export.train.face import answers, train
from export.train.face_data import Faces
from export.train.recipes import FaceRecipe
from export.train.torch_training import Twin


def randomised(model, rng):
    """Give a model weights as after training, so that normalisation is not the identity."""
    for variable in model.variables:
        value = np.asarray(keras.ops.convert_to_numpy(variable))
        if "variance" in variable.name or "gamma" in variable.name:
            variable.assign(rng.uniform(0.5, 1.5, value.shape))
        else:
            variable.assign(value + rng.normal(0, 0.1, value.shape))
    return model


@pytest.mark.parametrize("name", families.names())
def test_the_twin_computes_what_keras_computes_and_gives_its_weights_back(name, rng):
    size = (64, 96) if name == "face-detector" else ()
    model = randomised(families.load(name).network(*size), rng)
    inputs = rng.normal(size=(2, *model.input_shape[1:])).astype(np.float32)
    expected = model.predict(inputs, verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    twin = Twin(model).eval()
    with torch.no_grad():
        found = twin(torch.from_numpy(inputs).movedim(-1, 1))
    for ours, theirs in zip(found, expected, strict=True):
        ours = ours.permute(0, 2, 3, 1) if ours.ndim == 4 else ours
        assert np.abs(ours.numpy() - theirs).max() < 1e-5 * np.abs(theirs).max()
    weights = model.get_weights()
    model.set_weights([np.zeros_like(value) for value in weights])
    twin.copy_to(model)
    for a, b in zip(model.get_weights(), weights, strict=True):
        assert np.allclose(a, b)


def faces_of(rng):
    return Faces(rng.integers(0, 256, (16, 48, 48), np.uint8), np.eye(8, dtype=np.float32)[np.arange(16) % 8])


def trained(faces, folder, epochs=2, ema=0.9):
    return train("face-classic", faces, folder, FaceRecipe(epochs=epochs, batch_size=8, ema=ema), seed=3).get_weights()[
        0
    ]


def test_training_gives_the_running_mean_of_the_weights_and_the_same_again(rng, tmp_path):
    faces = faces_of(rng)
    first, same, plain = (
        trained(faces, tmp_path / name, ema=ema) for name, ema in (("a", 0.9), ("b", 0.9), ("c", 0.0))
    )
    assert np.allclose(first, same, atol=1e-6)
    assert np.abs(first - plain).max() > 1e-6
    assert len((tmp_path / "a" / "loss.csv").read_text().splitlines()) == 2


def test_an_interrupted_training_goes_on_where_it_was(rng, tmp_path, monkeypatch):
    faces = faces_of(rng)
    whole = trained(faces, tmp_path / "whole", epochs=3)
    from export.train.face_data import FaceDataset

    start, epochs = FaceDataset.start_epoch, []

    def interrupted(self, epoch):
        epochs.append(epoch)
        if len(epochs) == 4:  # one at its making, then three
            raise KeyboardInterrupt
        start(self, epoch)

    monkeypatch.setattr(FaceDataset, "start_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(faces, tmp_path / "parts", epochs=3)
    monkeypatch.undo()
    assert np.allclose(trained(faces, tmp_path / "parts", epochs=3), whole, atol=1e-6)


def maps_of(faces, score=6.0, offset=0.0, size=128):
    """The outputs of a network that knows `faces` of 40 pixels at stride 8, `offset` strides off."""
    maps = [torch.zeros(1, 15, size // stride, size // stride) for stride in STRIDES]
    for level in maps:
        level[:, 0] = -6.0
    for _, x, y, width, height, *points in faces:
        for row in range(int(y // 8) - 1, int(y // 8) + 2):
            for column in range(int(x // 8) - 1, int(x // 8) + 2):
                cx, cy = (column + 0.5) * 8, (row + 0.5) * 8
                values = [score, (x - cx) / 8 + offset, (y - cy) / 8, np.log(width / 8), np.log(height / 8)]
                values += [(p - (cx, cy)[k % 2]) / 8 for k, p in enumerate(points)]
                maps[0][0, :, row, column] = torch.tensor(values)
    return maps


FACE = [1.0, 60.0, 60.0, 40.0, 40.0, 50, 50, 70, 50, 60, 60, 52, 72, 68, 72]


def test_the_loss_is_least_where_the_network_is_right():
    faces = torch.tensor([[FACE]])
    right = detector_loss(maps_of([FACE]), faces)
    assert right < detector_loss(maps_of([FACE], offset=0.5), faces)
    assert right < detector_loss(maps_of([FACE], score=-2.0), faces)
    assert right < detector_loss(maps_of([]), faces)
    moved = [*FACE[:5], *(p + 4 for p in FACE[5:])]
    assert right < detector_loss(maps_of([moved]), faces)


def test_finding_what_is_no_face_costs_and_what_is_doubtful_does_not():
    nothing, doubtful = torch.zeros(1, 1, 15), torch.tensor([[[-1.0, *FACE[1:]]]])
    assert detector_loss(maps_of([FACE]), nothing) > 100 * detector_loss(maps_of([]), nothing)
    assert detector_loss(maps_of([FACE]), doubtful) < 0.02 * detector_loss(maps_of([FACE]), nothing)


def test_a_box_that_overlaps_by_half_counts_as_right_and_one_that_does_not_as_less():
    faces, slopes = torch.tensor([[FACE]]), {}
    for overlap in (0.3, 0.6):
        maps = maps_of([[*FACE[:3], FACE[3] * overlap, *FACE[4:]]], score=2.0)
        maps[0].requires_grad_()
        detector_loss(maps, faces).backward()
        slopes[overlap] = float(maps[0].grad[0, 0, 7, 7])  # of the score, where the face is
    assert slopes[0.6] < 0 < slopes[0.3]


def test_being_surer_than_sure_costs():
    nothing = torch.zeros(1, 1, 15)
    sure, surer = ([level * factor for level in maps_of([])] for factor in (2, 4))
    assert detector_loss(sure, nothing) < 0.001 < detector_loss(surer, nothing)


def test_gradients_are_finite_whatever_the_network_says(rng):
    maps = [torch.from_numpy(rng.normal(0, 8, m.shape)).float().requires_grad_() for m in maps_of([])]
    tiny = [1.0, 3.0, 3.0, 0.5, 0.5, *[3.0] * 10]
    detector_loss(maps, torch.tensor([[FACE, tiny]])).backward()
    assert all(torch.isfinite(level.grad).all() for level in maps)


def test_a_refined_network_starts_at_the_trained_one_and_learns_its_own_answers(rng, tmp_path):
    faces = faces_of(rng)
    recipe = FaceRecipe(epochs=1, batch_size=8, learning_rate=1e-9, ema=0.0)
    model = train("face-classic", faces, tmp_path / "first", recipe, seed=3)
    model.save_weights(tmp_path / "model.weights.h5")
    refined = train("face-classic", faces, tmp_path / "then", recipe, seed=4, weights=tmp_path / "model.weights.h5")
    for before, after in zip(model.get_weights()[:8], refined.get_weights()[:8], strict=True):
        assert np.allclose(before, after, atol=0.05)
    own = answers(model, faces.pictures)
    assert own.shape == (16, 8)
    assert np.allclose(own.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(own, answers(model, faces.pictures[:, :, ::-1]), atol=1e-5)
