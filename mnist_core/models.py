"""Keras models from a config: `(N, 28, 28)` uint8 in, `(N, 10)` probabilities out.

Scaling to [0, 1] is a layer of the model, so that training and serving cannot
disagree, and a saved `.keras` file opens in plain Keras.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from mnist_core.architectures import (
    ARCHITECTURES,
    Block,
    Conv,
    Dense,
    Flatten,
    GlobalAverage,
    Residual,
)
from mnist_core.config import IMAGE_SIZE, NUM_CLASSES, TrainConfig
from mnist_core.errors import RunError

READING_BATCH = 250  # images at a time


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Three views of one network; they share every weight.

    Attributes:
        model: Images to probabilities: what is saved.
        logits: Images to `(N, 10)` logits: what the loss is computed from.
        twin: Images to probabilities, logits and features: what LiteRT exports.
    """

    model: keras.Model
    logits: keras.Model
    twin: keras.Model


def build(config: TrainConfig) -> Heads:
    """Build an untrained network; the config's seed decides its weights."""
    keras.utils.set_random_seed(config.seed)
    # float32, so that any image fits: LiteRT and Keras then cast alike.
    images = keras.Input((IMAGE_SIZE, IMAGE_SIZE), name="images")
    x = layers.Rescaling(1 / 255, name="rescaling")(images)
    x = layers.Reshape((IMAGE_SIZE, IMAGE_SIZE, 1), name="channel")(x)
    for block in ARCHITECTURES[config.architecture].blocks:
        x = _add(block, x, config.batch_normalization)
    features = layers.Identity(name="features")(x)
    dropped = layers.Dropout(config.dropout, name="dropout")(features)
    logits = layers.Dense(NUM_CLASSES, name="logits")(dropped)
    probabilities = layers.Softmax(name="probabilities")(logits)
    return heads_of(keras.Model(images, probabilities, name=config.architecture))


def heads_of(model: keras.Model) -> Heads:
    """The views of a model that `build` made, fresh or loaded from its file."""
    features, logits = (model.get_layer(name).output for name in ("features", "logits"))
    return Heads(
        model=model,
        logits=keras.Model(model.input, logits),
        twin=keras.Model(
            model.input,
            {"probabilities": model.output, "logits": logits, "features": features},
        ),
    )


def load(path: Path) -> keras.Model:
    """A saved model.

    Raises:
        RunError: If the file is missing or damaged.
    """
    try:
        return keras.models.load_model(path)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file raises almost anything
        raise RunError(
            f"{path.name} of the run {path.parent.name} cannot be opened. Delete that "
            "run, or choose another one."
        ) from error


def read(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The outputs of a model, `(N, 10)` float32, for `(N, 28, 28)` uint8 images.

    One graph and no threads of `tf.data`, so quicker than `keras.Model.predict`.
    """
    spec = tf.TensorSpec((None, IMAGE_SIZE, IMAGE_SIZE), tf.float32)
    graph = tf.function(
        partial(model, training=False), input_signature=[spec], autograph=False
    )
    starts = range(0, len(images), READING_BATCH)
    batches = (images[start : start + READING_BATCH] for start in starts)
    return np.concatenate([graph(batch.astype(np.float32)) for batch in batches])


def forget_names() -> None:
    """Have the next model's layers be named as those of a process's first model."""
    keras.utils.clear_session()


def _add(block: Block, x: keras.KerasTensor, is_normalized: bool) -> keras.KerasTensor:
    match block:
        case Conv(filters, kernel, stride, is_padded, is_pooled):
            x = _conv(x, filters, kernel, stride, is_padded, is_normalized)
            x = layers.MaxPooling2D()(x) if is_pooled else x
            return layers.ReLU()(_normalized(x, is_normalized))
        case Residual(filters, stride):
            return _residual(x, filters, stride, is_normalized)
        case Flatten():
            return layers.Flatten()(x)
        case GlobalAverage():
            return layers.GlobalAveragePooling2D()(x)
        case Dense(units):
            x = layers.Dense(
                units,
                use_bias=not is_normalized,
                kernel_initializer="he_normal",
            )(x)
            return layers.ReLU()(_normalized(x, is_normalized))


def _residual(
    x: keras.KerasTensor, filters: int, stride: int, is_normalized: bool
) -> keras.KerasTensor:
    def conv(x: keras.KerasTensor, kernel: int, stride: int) -> keras.KerasTensor:
        x = _conv(x, filters, kernel, stride, True, is_normalized)
        return _normalized(x, is_normalized)

    inner = conv(layers.ReLU()(conv(x, 3, stride)), 3, 1)
    if inner.shape != x.shape:
        x = conv(x, 1, stride)
    return layers.ReLU()(layers.Add()([x, inner]))


def _conv(
    x: keras.KerasTensor,
    filters: int,
    kernel: int,
    stride: int,
    is_padded: bool,
    is_normalized: bool,
) -> keras.KerasTensor:
    return layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same" if is_padded else "valid",
        use_bias=not is_normalized,
        kernel_initializer="he_normal",
    )(x)


def _normalized(x: keras.KerasTensor, is_normalized: bool) -> keras.KerasTensor:
    # A quicker momentum than Keras's 0.99: short trainings end with statistics
    # of their last weights, not of their first.
    return layers.BatchNormalization(momentum=0.9)(x) if is_normalized else x
