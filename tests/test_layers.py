import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from mnist_core import layers


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def assert_as_in_keras(ours, theirs, *inputs):
    """Outputs and gradients; a random projection makes a number of the output."""
    tensors = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = theirs(*tensors)
        projection = numbers(*output.shape, seed=1)
        number = tf.reduce_sum(output * projection)

    assert_allclose(ours.forward(*inputs), output, rtol=1e-4, atol=1e-4)
    for mine, right in zip(
        ours.backward(projection, *inputs), tape.gradient(number, tensors), strict=True
    ):
        assert mine.dtype == np.float32
        assert_allclose(mine, right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (4, 4), (5, 3)])
@pytest.mark.parametrize("height, width", [(8, 8), (9, 7)])
def test_a_convolution_is_that_of_keras(kernel, stride, padding, height, width):
    weights, bias = numbers(*kernel, 3, 4), numbers(4)
    ours = layers.Convolution(weights, bias, stride, padding == "same")

    def theirs(x):
        return tf.nn.conv2d(x, weights, stride, padding.upper()) + bias

    assert_as_in_keras(ours, theirs, numbers(2, height, width, 3, seed=2))


@pytest.mark.parametrize("height, width", [(8, 8), (9, 7), (2, 3)])
def test_max_pooling_is_that_of_keras(height, width):
    x = numbers(2, height, width, 3)

    assert_as_in_keras(layers.MaxPooling(), keras.layers.MaxPooling2D(), x)


def test_equal_maxima_share_a_gradient():
    x = np.zeros((1, 2, 2, 1), np.float32)

    [gradient] = layers.MaxPooling().backward(np.ones((1, 1, 1, 1), np.float32), x)

    assert np.array_equal(gradient, np.full((1, 2, 2, 1), 0.25))


@pytest.mark.parametrize(
    "ours, theirs, shapes",
    [
        (layers.ReLU(), tf.nn.relu, [(5, 7)]),
        (layers.Affine(numbers(3), numbers(3, seed=1)), None, [(2, 4, 4, 3)]),
        (layers.Dense(numbers(6, 4), numbers(4)), None, [(5, 6)]),
        (layers.Reshape(), keras.layers.Flatten(), [(2, 3, 4, 5)]),
        (layers.Reshape((3, 4, 1)), keras.layers.Reshape((3, 4, 1)), [(2, 3, 4)]),
        (
            layers.GlobalAverage(),
            keras.layers.GlobalAveragePooling2D(),
            [(2, 3, 5, 4)],
        ),
        (layers.Add(), tf.add, [(2, 3), (2, 3)]),
        (layers.Add(), tf.identity, [(2, 3)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_outputs_and_gradients_are_those_of_keras(ours, theirs, shapes):
    inputs = [numbers(*shape, seed=place + 2) for place, shape in enumerate(shapes)]

    match ours:
        case layers.Affine(scale, offset):
            assert_as_in_keras(ours, lambda x: x * scale + offset, *inputs)
        case layers.Dense(weights, bias):
            assert_as_in_keras(ours, lambda x: x @ weights + bias, *inputs)
        case _:
            assert_as_in_keras(ours, theirs, *inputs)


def test_a_relu_lets_no_gradient_through_at_zero():
    [gradient] = layers.ReLU().backward(np.ones(3), np.array([-1.0, 0.0, 1.0]))

    assert gradient.tolist() == [0, 0, 1]
