import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from mnist_core import models, network
from mnist_core.architectures import ARCHITECTURES, Conv, Residual
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError

NUM_MAPS = {Conv: 1, Residual: 2}  # of a block


def images_of(num_images, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (num_images, 28, 28), dtype=np.uint8)


def saved(folder, **settings):
    """A model on disk, and in Keras; normalisation has seen some images."""
    heads = models.build(TrainConfig(**settings))
    for seed in range(3):
        heads.model(images_of(50, seed).astype(np.float32), training=True)
    heads.model.save(folder / "model.keras")
    return folder / "model.keras", heads


SETTINGS = [
    {"architecture": name, "batch_normalization": is_normalized, "dropout": dropout}
    for name in ARCHITECTURES
    for is_normalized, dropout in ((False, 0.0), (True, 0.3))
    if name != "softmax" or not dropout
]


@pytest.fixture(
    scope="module",
    params=SETTINGS,
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def pair(request, tmp_path_factory):
    """Every architecture, read from its file, and its Keras model."""
    path, heads = saved(tmp_path_factory.mktemp("model"), **request.param)
    return network.load(path), heads


def test_the_logits_are_those_of_keras(pair):
    ours, heads = pair
    images = images_of(20, seed=9)

    logits = ours.logits(images)

    assert logits.dtype == np.float32
    assert_allclose(logits, heads.logits(images), rtol=1e-4, atol=1e-4)
    assert np.ptp(logits, axis=0).max() > 0.01  # they do differ


@pytest.mark.parametrize("digit", [0, 3, 9])
def test_the_gradients_are_those_of_keras(pair, digit):
    ours, heads = pair
    images = tf.constant(images_of(4, seed=9), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logit = heads.logits(images, training=False)[:, digit]

    gradients = ours.gradients(images.numpy(), digit)

    right = tape.gradient(logit, images).numpy()
    assert gradients.dtype == np.float32
    assert _distance(gradients, right) < 0.01


def test_the_feature_maps_are_what_follows_each_convolution(pair):
    ours, heads = pair
    [image] = images_of(1)
    rectified = [
        layer.output
        for layer in heads.model.layers
        if type(layer).__name__ == "ReLU" and len(layer.output.shape) == 4
    ]

    maps = ours.feature_maps(image)

    blocks = ARCHITECTURES[heads.model.name].blocks
    num_maps = sum(NUM_MAPS.get(type(block), 0) for block in blocks)
    assert len(maps) == len(rectified) == num_maps
    for mine, output in zip(maps, rectified, strict=True):
        right = tf.keras.Model(heads.model.input, output)(image[None])[0]
        assert_allclose(mine, right, rtol=1e-4, atol=1e-4)


def test_a_model_that_was_saved_after_others_is_read(tmp_path):
    for _ in range(3):  # Keras numbers the layers of a process on and on
        path, heads = saved(tmp_path, architecture="cnn", batch_normalization=True)
    images = images_of(5)

    logits = network.load(path).logits(images)

    assert_allclose(logits, heads.logits(images), rtol=1e-4, atol=1e-4)


def test_a_layer_of_an_unknown_kind_gets_a_sentence(tmp_path):
    images = tf.keras.Input((28, 28), name="images")
    logits = tf.keras.layers.Softmax(name="logits")(images)
    tf.keras.Model(images, logits).save(tmp_path / "model.keras")

    with pytest.raises(RunError) as caught:
        network.load(tmp_path / "model.keras")

    assert str(caught.value) == (
        "This model has a layer of the kind Softmax, through which it cannot be "
        "explained; choose another model."
    )


@pytest.mark.parametrize("digit", [0, 7])
def test_the_gradients_of_the_loss_are_those_of_keras(pair, digit):
    ours, heads = pair
    images = tf.constant(images_of(6, seed=4), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            [digit] * 6, heads.logits(images)
        )
        total = tf.reduce_sum(losses)

    expected = tape.gradient(total, images).numpy()

    gradients = ours.loss_gradients(images.numpy(), digit)
    assert gradients.dtype == np.float32
    assert _distance(gradients, expected) < 0.01


def test_the_last_maps_and_their_gradients_are_those_of_keras(pair):
    ours, heads = pair
    image = images_of(1, seed=5)[0]
    pictures = [
        layer.output
        for layer in heads.logits.layers
        if isinstance(layer, keras.layers.ReLU) and len(layer.output.shape) == 4
    ]
    if not pictures:
        with pytest.raises(RunError, match="no convolutions"):
            ours.last_maps(image, 3)
        return
    below = keras.Model(heads.logits.input, pictures[-1])
    above = keras.Model(pictures[-1], heads.logits.output)
    with tf.GradientTape() as tape:
        maps = below(image[None].astype(np.float32))
        tape.watch(maps)
        logit = above(maps)[0, 3]
    expected = tape.gradient(logit, maps)[0].numpy()

    found = ours.last_maps(image, 3)

    assert_allclose(found.values, maps[0], rtol=1e-3, atol=1e-3)
    assert _distance(found.gradients, expected) < 0.01


def test_a_place_of_a_map_is_in_the_middle_of_what_it_sees(pair):
    """By which pixels a place's values hang on, with all of them in play."""
    ours, heads = pair
    if not ARCHITECTURES[heads.model.name].has_convolutions:
        return
    found = ours.last_maps(images_of(1)[0], 0)
    pictures = [
        layer.output
        for layer in heads.logits.layers
        if isinstance(layer, keras.layers.ReLU) and len(layer.output.shape) == 4
    ]
    below = keras.Model(heads.logits.input, pictures[-1])
    row, column = len(found.rows) // 2, len(found.columns) // 2
    reach = np.zeros((28, 28))
    for seed in range(30):
        image = tf.constant(images_of(1, seed=seed), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = tf.reduce_sum(below(image)[0, row, column])
        reach += np.abs(tape.gradient(value, image)[0])
    rows, columns = (np.flatnonzero(reach.any(axis=1 - axis)) for axis in (0, 1))

    # Of two by two that are pooled all have a part in it; a border may cut it off.
    if rows[0] > 0 and rows[-1] < 27:
        assert (rows[0] + rows[-1]) / 2 == pytest.approx(found.rows[row], abs=0.51)
        assert (columns[0] + columns[-1]) / 2 == pytest.approx(
            found.columns[column], abs=0.51
        )


def _distance(found, right):
    """As a share of the right one: a value that rounding takes over the edge of a
    ReLU moves single pixels."""
    return np.linalg.norm(found - right) / np.linalg.norm(right)
