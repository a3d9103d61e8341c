import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose

from mnist_core import kernels, models
from mnist_core.config import ARCHITECTURES, TrainConfig

NORMALIZED = [name for name in ARCHITECTURES if name != "softmax"]  # what is replaced


def built(architecture, is_normalized=True):
    return models.build(
        TrainConfig(architecture=architecture, batch_normalization=is_normalized)
    )


def gradients(model, heads, images, labels):
    """Of the mean cross-entropy, while training, for every trainable weight."""
    weights = [weight.value for weight in heads.model.trainable_weights]
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels, model(images, training=True)
        )
        loss = tf.reduce_mean(losses)
    return [np.asarray(gradient) for gradient in tape.gradient(loss, weights)]


@pytest.fixture(scope="module")
def batch(small_mnist):
    """Images with blank paper around the ink, as MNIST has it, and their labels."""
    images = small_mnist.train.images[:64].astype(np.float32)
    images[images < 60] = 0
    return images, small_mnist.train.labels[:64].astype(np.int32)


@pytest.mark.parametrize("architecture", NORMALIZED)
def test_what_is_trained_computes_what_is_saved(architecture, batch):
    heads, same = (built(architecture) for _ in range(2))
    view = kernels.training_view(heads, 1)
    images, _ = batch

    trained = np.asarray(view(images, training=True))
    expected = np.asarray(same.logits(images, training=True))

    assert_allclose(trained, expected, rtol=1e-3, atol=1e-3)
    # Of a batch's variance Keras takes the biased, the kernel the unbiased one.
    for one, other in zip(
        heads.model.get_weights(), same.model.get_weights(), strict=True
    ):
        assert_allclose(one, other, rtol=0.02, atol=1e-4)
    assert_allclose(view(images), heads.logits(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", NORMALIZED)
def test_the_gradients_are_those_of_what_is_saved(architecture, batch):
    heads = built(architecture)

    ours = gradients(kernels.training_view(heads, 1), heads, *batch)
    theirs = gradients(heads.logits, heads, *batch)

    for one, other in zip(ours, theirs, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-3 * max(np.abs(other).max(), 1e-6))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_trained_shares_every_weight_with_what_is_saved(architecture):
    heads = built(architecture, is_normalized=architecture != "softmax")
    view = kernels.training_view(heads, 1)

    shared = {id(weight) for weight in heads.model.weights}
    assert {id(weight) for weight in view.weights} == shared


def test_the_quicker_kernels_are_in_use():
    """Otherwise the tests above would compare Keras with itself."""
    kinds = {
        type(layer) for layer in kernels.training_view(built("residual"), 1).layers
    }

    assert kernels._FusedNormalization in kinds
    assert layers.BatchNormalization not in kinds
