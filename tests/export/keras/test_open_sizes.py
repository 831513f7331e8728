import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")

from edge_emo.models.schema import DetectorPreprocessing
from export.build.detector import in_one_array
from export.families.face_detector import network
from export.keras.open_sizes import convert
from export.measure.detector_judge import DetectorJudge
from export.measure.inference import run
from export.quantise.static import Calibrated
from export.quantise.storage import fp16_storage
from export.train.detector_data import Photo


@pytest.fixture(scope="module")
def converted():
    """A detector that knows nothing, converted at 64 x 64, and what it was compared on."""
    rng = np.random.default_rng(0)
    model = network(64, 64)
    for variable in model.variables:
        if "variance" in variable.name or "gamma" in variable.name:
            variable.assign(rng.uniform(0.7, 1.4, variable.shape))
        elif "kernel" in variable.name:
            variable.assign(2 * variable)  # or every picture gives the same

    def sized(height, width):
        other = network(height, width)
        other.set_weights(model.get_weights())
        return in_one_array(other)

    samples = rng.normal(size=(3, 64, 64, 3)).astype(np.float32)
    return (*convert(sized, 64, samples), samples)


def test_the_network_takes_pictures_of_any_size(converted):
    conversion, difference, samples = converted
    assert difference < 1e-4
    assert run(conversion.model, samples).shape == (3, 84, 15)
    assert run(conversion.model, np.zeros((1, 96, 160, 3), np.float32)).shape == (1, 315, 15)


def test_the_ends_of_all_scales_are_known_to_the_quantiser(converted):
    conversion, _, samples = converted
    network = Calibrated(conversion.model, samples)
    assert len(network.last_layers) == 3
    assert network.layers[0] not in network.last_layers


def test_a_detector_judged_by_itself_agrees_with_itself(converted, tmp_path):
    conversion, _, samples = converted
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 256, (60, 64, 3), np.uint8))
    faces = np.array([[0.9, 10, 10, 30, 30, *[20.0] * 10]], np.float32)
    judge = DetectorJudge(conversion.model, DetectorPreprocessing(size=64), [Photo(tmp_path / "a.png", faces)], samples)
    same = judge.compare(conversion.model)
    assert (same.samples, same.agreement, same.largest_change, same.saturable_layers) == (1, 1.0, 0.0, 0)
    assert same.accuracy == same.accuracy_fp32
    assert judge.compare(fp16_storage(conversion.model)).largest_change < 0.01
    assert judge.probabilities(np.zeros((2, 3, 15), np.float32)).tolist() == [[0.5] * 3] * 2
