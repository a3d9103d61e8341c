from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mnist_core import layers, network
from mnist_core.attribution import (
    GREY,
    PATCH,
    STRIDE,
    grad_cam,
    integrated_gradients,
    occlusion,
)
from mnist_core.network import Maps, Network, Node
from mnist_core.reader import Reader
from mnist_core.runs import RunStore


def image_of(seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (28, 28), dtype=np.uint8)


def stroke():
    """A one, as MNIST would show it."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:15] = 255
    return image


@pytest.fixture(scope="module")
def shipped():
    run = RunStore().get("shipped")
    return SimpleNamespace(
        network=network.load(run.file("model.keras")),
        reader=Reader(run.file("twin.tflite")),
    )


@pytest.fixture
def linear():
    """A network whose logit is a weighted sum, and its weights of the digits."""
    weights = np.random.default_rng(1).normal(size=(784, 10)).astype(np.float32)
    nodes = [
        Node("row", layers.Reshape(), ("images",)),
        Node("logits", layers.Dense(weights, np.ones(10, np.float32)), ("row",)),
    ]
    net = Network(nodes)
    net.read = lambda images: SimpleNamespace(logits=net.logits(images))
    return net, weights.T.reshape(10, 28, 28)


# Integrated gradients


def test_of_a_weighted_sum_each_pixel_adds_its_own_part(linear):
    net, weights = linear
    image = image_of()

    attribution = integrated_gradients(net, image, 3, steps=7)

    assert_allclose(attribution.values, weights[3] * image, rtol=1e-4, atol=1e-2)
    assert attribution.difference == pytest.approx((weights[3] * image).sum(), rel=1e-4)
    assert attribution.error == pytest.approx(0, abs=1e-4 * 784 * 255)


def test_the_path_is_that_of_a_sum_over_midpoints(shipped):
    image = stroke()
    steps = 10
    points = [(step + 0.5) / steps * image.astype(np.float32) for step in range(steps)]
    gradients = [shipped.network.gradients(point[None], 1)[0] for point in points]

    attribution = integrated_gradients(shipped.network, image, 1, steps=steps)

    expected = image * np.mean(gradients, axis=0)
    assert_allclose(attribution.values, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("digit", [1, 7, 9])
def test_the_shares_add_up_to_the_difference_of_the_logits(shipped, digit):
    image = stroke()
    paper, whole = shipped.reader.read(np.stack([np.zeros_like(image), image])).logits

    attribution = integrated_gradients(shipped.network, image, digit)

    assert attribution.difference == pytest.approx(
        whole[digit] - paper[digit], abs=1e-3
    )
    assert attribution.total == pytest.approx(attribution.values.sum())
    assert abs(attribution.error) < 0.05 * np.abs(attribution.values).sum()


def test_more_steps_leave_less_error(shipped):
    coarse, fine = (
        abs(integrated_gradients(shipped.network, stroke(), 1, steps=steps).error)
        for steps in (2, 200)
    )

    assert fine < coarse / 4


def test_paper_has_no_share(shipped):
    attribution = integrated_gradients(shipped.network, stroke(), 1)

    assert not attribution.values[stroke() == 0].any()
    assert attribution.values[stroke() > 0].all()


def test_blank_paper_is_explained_by_nothing(shipped):
    attribution = integrated_gradients(shipped.network, np.zeros((28, 28), np.uint8), 1)

    assert not attribution.values.any()
    assert attribution.difference == attribution.error == 0


# Occlusion


def test_a_pixel_has_the_mean_of_the_patches_that_cover_it(linear):
    net, weights = linear
    image = image_of()
    expected = np.zeros((28, 28))
    for row in range(28):
        for column in range(28):
            falls = [
                (weights[4] * (image.astype(float) - GREY))[
                    r : r + PATCH, c : c + PATCH
                ]
                for r in range(0, 28 - PATCH + 1, STRIDE)
                for c in range(0, 28 - PATCH + 1, STRIDE)
                if r <= row < r + PATCH and c <= column < c + PATCH
            ]
            expected[row, column] = np.mean([fall.sum() for fall in falls])

    assert_allclose(occlusion(net, image, 4), expected, rtol=1e-3, atol=1)


def test_the_patches_just_cover_the_image():
    assert (28 - PATCH) % STRIDE == 0


def test_to_cover_the_stroke_takes_most_from_its_digit(shipped):
    falls = occlusion(shipped.reader, stroke(), 1)

    assert falls.shape == (28, 28)
    assert falls[8:20, 12:15].mean() > abs(falls[:, :4]).mean()


def test_the_image_stays_as_it_was(shipped):
    image = stroke()
    image.flags.writeable = False

    occlusion(shipped.reader, image, 1)
    integrated_gradients(shipped.network, image, 1)

    assert np.array_equal(image, stroke())


# Grad-CAM


def test_grad_cam_weighs_maps_by_their_mean_gradients_where_they_look():
    values = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    gradients = np.random.default_rng(1).normal(size=(4, 5, 3)).astype(np.float32)
    rows, columns = 7.5 + 4 * np.arange(4), 5.5 + 4 * np.arange(5)
    maps = Maps(values, gradients, rows, columns)
    net = SimpleNamespace(last_maps=lambda image, digit: maps)

    seen = grad_cam(net, image_of(), 3)

    weights = gradients.mean(axis=(0, 1))
    for row, column in np.ndindex(28, 28):
        above, left = (row - 6) // 4, (column - 4) // 4  # squares of 4 around each
        is_seen = 0 <= above < 4 and 0 <= left < 5
        expected = max(float(values[above, left] @ weights), 0) if is_seen else 0
        assert seen[row, column] == pytest.approx(expected, abs=1e-5)


def test_grad_cam_of_the_shipped_model_is_a_picture_without_negative_values(shipped):
    for digit in range(10):
        seen = grad_cam(shipped.network, stroke(), digit)

        assert seen.shape == (28, 28)
        assert seen.min() >= 0
    assert grad_cam(shipped.network, stroke(), 1).max() > 0
