import numpy as np
import pytest

from mnist_core import adversarial, layers, network
from mnist_core.adversarial import MAX_EPSILON
from mnist_core.network import Network, Node
from mnist_core.runs import RunStore


@pytest.fixture(scope="module")
def shipped():
    return network.load(RunStore().get("shipped").file("model.keras"))


@pytest.fixture
def linear():
    """It reads a 1 where there is more ink on the left half than on the right."""
    weights = np.zeros((28, 28, 10), np.float32)
    weights[:, :14, 1] = 0.0005
    weights[:, 14:, 7] = 0.0005
    nodes = [
        Node("row", layers.Reshape(), ("images",)),
        Node("logits", layers.Dense(weights.reshape(784, 10), np.float32(0)), ("row",)),
    ]
    return Network(nodes)


def halves(left, right):
    image = np.full((28, 28), left, np.uint8)
    image[:, 14:] = right
    return image


def test_every_pixel_goes_where_the_loss_grows(linear):
    found = adversarial.attack(linear, halves(120, 100))

    assert found.digits[0] == 1
    assert np.all(found.signs[:, :14] == -1)
    assert np.all(found.signs[:, 14:] == 1)


def test_the_smallest_step_is_where_the_reading_changes(linear):
    found = adversarial.attack(linear, halves(120, 100))

    # They are even when both sides have moved by 10 of 255.
    place = found.smallest
    assert found.epsilons[place] == pytest.approx(10 / 255, abs=0.006)
    assert found.digits[place] == 7
    assert np.all(found.digits[:place] == 1)
    assert found.sentence().startswith("It becomes a 7 at ε = 0.04")


def test_a_model_that_is_sure_to_the_last_bit_still_has_a_direction(linear):
    found = adversarial.attack(linear, halves(255, 0))

    assert found.probabilities[0].max() == 1
    assert np.all(found.signs[:, :14] == -1)


def test_an_image_that_does_not_change_is_said_not_to(linear):
    found = adversarial.attack(linear, halves(255, 0))

    assert found.smallest is None
    assert found.sentence() == "It stays a 1 up to ε = 0.500."


def test_every_pixel_moves_by_the_step_unless_it_leaves_its_range(linear):
    found = adversarial.attack(linear, halves(120, 100))

    place = found.nearest(0.1)
    moved = found.changed(place).astype(int) - found.image
    assert found.epsilons[place] == pytest.approx(0.1)
    assert np.all(moved == 26 * found.signs)  # 25.5 of 255
    most = found.changed(found.nearest(MAX_EPSILON))
    assert most[:, :14].max() == 0  # 120 less 128
    assert np.all(most[:, 14:] == 228)  # 100 and 128
    assert np.array_equal(found.changed(0), found.image)


def test_what_is_said_of_a_step_is_said_of_its_image(shipped):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:15] = 255
    found = adversarial.attack(shipped, image)

    for place in (0, 20, 100):
        [logits] = shipped.logits(found.changed(place)[None])
        assert found.digits[place] == logits.argmax()


def test_a_step_against_the_shipped_model_makes_it_less_sure(shipped):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:15] = 255
    found = adversarial.attack(shipped, image)

    assert found.probabilities[20, found.digits[0]] < found.probabilities[0].max()
    assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
