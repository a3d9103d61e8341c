"""Random changes to training images, inside the TensorFlow graph.

Rotation, change of size, shear, shift and a smooth local warp are put together
into one field of source coordinates, so that an image is resampled only once
(affine and elastic distortions as in Simard et al., 2003). Then it is written with
another pen and made softer or sharper, as drawings, scans and photographs differ.
"""

import math

import numpy as np
import tensorflow as tf

from mnist_core.config import IMAGE_SIZE, TrainConfig

WARP_POINTS = 6  # control points of the local warp, along each side
# A blur with a standard deviation of 0.7 pixels, `(3, 3, 1, 1)`.
SOFT = (np.outer([1, 2, 1], [1, 2, 1]) / 16).astype(np.float32)[..., None, None]


def augment(images: tf.Tensor, config: TrainConfig, seed: tf.Tensor) -> tf.Tensor:
    """Change every image at random, within the config's amounts.

    Args:
        images: `(N, 28, 28)` float32.
        config: Whose `config.CHANGES` are used.
        seed: `(2,)` int32; the same seed gives the same changes.

    Returns:
        `(N, 28, 28)` float32; what lies outside an image is paper, 0.
    """
    seeds = tf.random.split(seed, 2)
    grid = _affine_grid(tf.shape(images)[0], config, seeds[0])
    if config.elastic:
        grid += _warp(tf.shape(images)[0], config.elastic, seeds[1])
    images = _sample(images, grid)[..., None]
    if config.thickness:
        images = _rewrite(images, config.thickness, tf.random.fold_in(seed, 2))
    if config.blur:
        images = _soften(images, config.blur, tf.random.fold_in(seed, 3))
    return images[..., 0]


def _affine_grid(
    num_images: tf.Tensor, config: TrainConfig, seed: tf.Tensor
) -> tf.Tensor:
    """`(N, 28, 28, 2)` source coordinates (y, x), in pixels."""
    amounts = tf.constant(
        [math.radians(config.rotation), *[config.scale] * 2, config.shear]
        + [config.shift] * 2,
        tf.float32,
    )
    draws = tf.random.stateless_uniform((num_images, 6), seed, -1.0, 1.0) * amounts
    angle, grow_y, grow_x, shear, shift_y, shift_x = tf.unstack(draws, axis=1)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Growing by the exponent makes "twice" and "half" equally likely.
    scale_y, scale_x = tf.exp(-grow_y), tf.exp(-grow_x)
    # For (y, x): first a slant, x by y; then a turn; then the change of size.
    matrix = tf.stack(
        [
            tf.stack([(cos - sin * shear) * scale_y, -sin * scale_y], axis=1),
            tf.stack([(sin + cos * shear) * scale_x, cos * scale_x], axis=1),
        ],
        axis=1,
    )  # (N, 2, 2)
    middle = (IMAGE_SIZE - 1) / 2
    axis = tf.range(IMAGE_SIZE, dtype=tf.float32) - middle
    points = tf.stack(tf.meshgrid(axis, axis, indexing="ij"), axis=-1)  # (28, 28, 2)
    turned = tf.einsum("nij,hwj->nhwi", matrix, points)
    shift = tf.stack([shift_y, shift_x], axis=1)[:, None, None, :]
    return turned + middle - shift


def _warp(num_images: tf.Tensor, rms: float, seed: tf.Tensor) -> tf.Tensor:
    """`(N, 28, 28, 2)` smooth displacements in pixels."""
    control = tf.random.stateless_normal(
        (num_images, WARP_POINTS, WARP_POINTS, 2), seed, stddev=rms
    )
    return tf.image.resize(control, (IMAGE_SIZE, IMAGE_SIZE), method="bicubic")


def _sample(images: tf.Tensor, grid: tf.Tensor) -> tf.Tensor:
    """Bilinear interpolation of images at `grid`."""
    # A border of paper, and coordinates held inside it, make the outside 0.
    padded = tf.pad(images, ((0, 0), (1, 1), (1, 1)))
    grid = tf.clip_by_value(grid + 1.0, 0.0, IMAGE_SIZE + 0.999)
    corner = tf.floor(grid)
    y, x = tf.unstack(grid - corner, axis=-1)
    side = IMAGE_SIZE + 2
    row, column = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    first = tf.range(tf.shape(images)[0])[:, None, None] * (side * side)
    index = first + row * side + column
    pixels = tf.reshape(padded, [-1])
    top = tf.gather(pixels, index) * (1 - x) + tf.gather(pixels, index + 1) * x
    below = index + side
    bottom = tf.gather(pixels, below) * (1 - x) + tf.gather(pixels, below + 1) * x
    return top * (1 - y) + bottom * y


def _rewrite(images: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """First thicker, then thinner, each by up to `most` pixels on every side.

    So strokes become thick or thin, or stay as they are but for loops that have closed
    (grey dilation and erosion; Serra, "Image Analysis and Mathematical Morphology",
    1982). `(N, 28, 28, 1)`, as in `_soften`.
    """
    shares = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seed) * most
    thick = images + shares[0] * (_widest(images) - images)
    return thick - shares[1] * (thick + _widest(-thick))


def _widest(images: tf.Tensor) -> tf.Tensor:
    return tf.nn.max_pool2d(images, 3, 1, "SAME")


def _soften(images: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Mix with a blurred image, or take that off, by up to the share `most`."""
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed, -1, 1)
    blurred = tf.nn.conv2d(images, tf.constant(SOFT), 1, "SAME")
    return tf.clip_by_value(images + most * draws * (blurred - images), 0.0, 255.0)
