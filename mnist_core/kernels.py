"""The network as it is trained: the one that is saved, with a quicker normalisation.

What each layer computes is what Keras computes, within the rounding of float32.
"""

import keras
import tensorflow as tf
from keras import layers

from mnist_core.models import Heads


def training_view(heads: Heads, num_parts: int) -> keras.Model:
    """`heads.logits`, layer by layer; it shares every weight.

    A batch that comes in parts moves the statistics of normalisation as far as a whole.
    """

    def quicker(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, layers.BatchNormalization):
            return _FusedNormalization(layer, step_of(layer, num_parts))
        return layer  # not a copy: it shares its weights

    return keras.models.clone_model(heads.logits, clone_function=quicker)


def step_of(layer: layers.BatchNormalization, num_parts: int) -> float:
    """How far towards its own a part of a batch moves the moving statistics."""
    return 1 - float(layer.momentum) ** (1 / num_parts)


class _FusedNormalization(layers.Layer):
    """A Keras batch normalisation, computed in one kernel instead of a dozen.

    While training, the moving variance follows the unbiased variance of a batch,
    where Keras takes the biased one: of n values, n / (n - 1) times as much.
    """

    def __init__(self, plain: layers.BatchNormalization, step: float) -> None:
        super().__init__(name=f"fused_{plain.name}")
        self._plain, self._step = plain, step

    def call(
        self, x: tf.Tensor, training: bool = False, mask: None = None
    ) -> tf.Tensor:
        plain = self._plain
        if not training:
            return plain(x, training=False)
        # The kernel is for pictures: features are pictures of one pixel.
        pictures = x if len(x.shape) == 4 else x[:, None, None, :]
        outputs = tf.raw_ops.FusedBatchNormV3(
            x=pictures,
            scale=plain.gamma.value,
            offset=plain.beta.value,
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=plain.epsilon,
            is_training=True,
        )
        for moving, batch in (
            (plain.moving_mean, outputs.batch_mean),
            (plain.moving_variance, outputs.batch_variance),
        ):
            moving.value.assign_sub((moving.value - batch) * self._step)
        return tf.reshape(outputs.y, tf.shape(x))
