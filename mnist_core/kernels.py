"""The network as it is trained: the weights of the one that is saved, quicker kernels.

What each layer computes is what Keras computes, within the rounding of float32. How
much time a kernel saves was read off TensorFlow's profile on two cores with AVX2.
"""

from itertools import product
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from mnist_core.models import Heads


def training_view(heads: Heads, num_parts: int) -> keras.Model:
    """`heads.logits`, layer by layer; it shares every weight.

    A batch that comes in parts moves the statistics of normalisation as far as a whole.
    """
    first, pooling = _first_convolution(heads.logits)

    def quicker(layer: layers.Layer) -> layers.Layer:
        if layer is first:
            return _BlockConvolution(layer, is_pooled=pooling is not None)
        if layer is pooling:
            return _BlockPooling(layer, first)
        match layer:
            case layers.BatchNormalization():
                return _FusedNormalization(layer, step_of(layer, num_parts))
            case layers.Conv2D(padding="same", strides=(1, 1)) if _is_odd(layer):
                return _PaddedConvolution(layer)
            case _:
                return layer  # not a copy: it shares its weights

    return keras.models.clone_model(heads.logits, clone_function=quicker)


def step_of(layer: layers.BatchNormalization, num_parts: int) -> float:
    """How far towards its own a part of a batch moves the moving statistics."""
    return 1 - float(layer.momentum) ** (1 / num_parts)


class _PaddedConvolution(layers.Layer):
    """A Keras convolution of odd kernel that keeps the size, with a quicker way back.

    The gradient for its input is itself such a convolution, with the kernel turned by
    180 degrees and its channels exchanged. Computed so, it takes two thirds of the
    time of TensorFlow's own kernel on pictures of 14 x 14, and a third on 4 x 4.
    """

    def __init__(self, plain: layers.Conv2D) -> None:
        super().__init__(name=f"quick_{plain.name}")
        self._plain = plain

    def call(
        self, x: tf.Tensor, training: bool = False, mask: None = None
    ) -> tf.Tensor:
        outputs = _convolved(x, self._plain.kernel.value)
        return outputs + self._plain.bias if self._plain.use_bias else outputs


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _convolved(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
        return tf.nn.conv2d(upstream, turned, 1, "SAME"), (
            tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=kernel.shape,
                out_backprop=upstream,
                strides=[1, 1, 1, 1],
                padding="SAME",
            )
        )

    return tf.nn.conv2d(x, kernel, 1, "SAME"), gradient


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


def _first_convolution(
    model: keras.Model,
) -> tuple[layers.Layer | None, layers.Layer | None]:
    """The convolution that reads the pixels, and its pooling; None if not for blocks.

    It must be pooled, or skip every other pixel, and have its outputs in groups of
    2 x 2; with 28 pixels a side, the blocks then fill the image.
    """
    for layer, following in zip(model.layers, model.layers[1:], strict=False):
        if isinstance(layer, layers.Conv2D):
            _, height, width, _ = layer.output.shape
            is_pooled = isinstance(
                following, layers.MaxPooling2D
            ) and following.pool_size == following.strides == (2, 2)
            fits = (
                layer.kernel.shape[2] == 1
                and layer.padding == "valid"
                and layer.strides == ((1, 1) if is_pooled else (2, 2))
                and height % 2 == width % 2 == 0
            )
            return (
                layer if fits else None,
                following if fits and is_pooled else None,
            )
    return None, None


def _is_odd(layer: layers.Conv2D) -> bool:
    """Whether the kernel has a middle."""
    return all(size % 2 for size in layer.kernel_size)


class _BlockConvolution(layers.Layer):
    """A convolution of pixels, on blocks of pixels and for 2 x 2 outputs at a time.

    One channel gives a convolution little to multiply. Here the pixels of a block are
    channels, and so are the four places of the kernel in it: with its pooling it takes
    a third of the time, back and forth; where it skips every other pixel, two thirds.
    """

    def __init__(self, plain: layers.Conv2D, *, is_pooled: bool) -> None:
        super().__init__(name=f"block_{plain.name}")
        self._plain, self._is_pooled = plain, is_pooled

    def call(
        self, x: tf.Tensor, training: bool = False, mask: None = None
    ) -> tf.Tensor:
        """`(N, H, W, 1)` to `(N, h, w, F)`; to `(N, h / 2, w / 2, 4 F)` for pooling."""
        plain = self._plain
        blocks = tf.nn.space_to_depth(x, 2 * plain.strides[0])
        outputs = tf.nn.conv2d(blocks, self._kernels(), 1, "VALID")
        if self._is_pooled:
            return outputs
        outputs = tf.nn.depth_to_space(outputs, 2)
        return outputs + plain.bias if plain.use_bias else outputs

    def _kernels(self) -> tf.Tensor:
        """`(b, b, P, 4 F)`: for b x b blocks of P pixels, the kernel in four places."""
        plain = self._plain
        (height, width), (stride, _) = plain.kernel_size, plain.strides
        side = 2 * stride  # of a block
        rows, columns = (-(-(size + stride) // side) for size in (height, width))
        # Which row of the kernel each pixel takes; the last one is zeros.
        taken = np.full((rows * side, columns * side, 4), height * width)
        for place, (down, right) in enumerate(product((0, stride), repeat=2)):
            taken[down : down + height, right : right + width, place] = np.arange(
                height * width
            ).reshape(height, width)
        taken = taken.reshape(rows, side, columns, side, 4).transpose(0, 2, 1, 3, 4)
        kernel = tf.reshape(plain.kernel.value, (height * width, plain.filters))
        return tf.reshape(
            tf.gather(tf.pad(kernel, ((0, 1), (0, 0))), taken),
            (rows, columns, side * side, 4 * plain.filters),
        )


class _BlockPooling(layers.Layer):
    """The pooling that follows a `_BlockConvolution`, and the bias of that."""

    def __init__(self, plain: layers.MaxPooling2D, convolution: layers.Conv2D) -> None:
        super().__init__(name=f"block_{plain.name}")
        self._convolution = convolution

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`(N, h, w, 4 F)` to `(N, h, w, F)`."""
        outputs = _largest_of_four(x)
        is_biased = self._convolution.use_bias
        return outputs + self._convolution.bias if is_biased else outputs


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _largest_of_four(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    _, height, width, channels = x.shape
    four = tf.reshape(x, (-1, height * width, 4, channels // 4))
    largest = tf.nn.max_pool2d(four, (1, 4), (1, 4), "VALID")

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # Where several are largest, as on blank paper, the pixels under the kernel
        # are the same: each gets its share, and the sum is as if one had got all.
        is_largest = tf.cast(four == largest, tf.float32)
        num_largest = 4 * tf.nn.avg_pool2d(is_largest, (1, 4), (1, 4), "VALID")
        share = tf.reshape(upstream, tf.shape(largest)) / num_largest
        return tf.reshape(is_largest * share, tf.shape(x))

    return tf.reshape(largest, (-1, height, width, channels // 4)), gradient
