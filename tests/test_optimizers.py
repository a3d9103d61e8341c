import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import OPTIMIZERS, TrainConfig
from mnist_core.optimizers import Optimizer

pytestmark = pytest.mark.slow

STEPS = 20


def weights():
    generator = np.random.default_rng(0)
    return [
        keras.Variable(generator.normal(size=shape), name=name, dtype="float32")
        for shape, name in (((4, 3), "kernel"), ((3,), "bias"))
    ]


def gradients(step):
    generator = np.random.default_rng([1, step])
    shapes = ((4, 3), (3,))
    return [tf.constant(generator.normal(size=s), tf.float32) for s in shapes]


def kerass(config):
    """The optimiser of the same name in Keras, our oracle."""
    betas = {"beta_1": config.momentum, "beta_2": config.beta_2}
    match config.optimizer:
        case "sgd":
            return keras.optimizers.SGD(momentum=config.momentum)
        case "adam":
            return keras.optimizers.Adam(**betas)
        case "adamw":
            optimizer = keras.optimizers.AdamW(
                weight_decay=config.weight_decay, **betas
            )
            optimizer.exclude_from_weight_decay(var_names=["bias"])
            return optimizer
        case "rmsprop":
            return keras.optimizers.RMSprop()


@pytest.mark.parametrize("momentum, beta_2", [(0.9, 0.999), (0.7, 0.9)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_as_keras_does(name, momentum, beta_2):
    config = TrainConfig(
        optimizer=name, momentum=momentum, beta_2=beta_2, weight_decay=0.1
    )
    ours, theirs = weights(), weights()
    optimizer, oracle = Optimizer(config, ours), kerass(config)
    oracle.build(theirs)

    for step in range(STEPS):
        rate = 0.01 * (step + 1)
        optimizer.apply(gradients(step), tf.constant(rate), tf.constant(step))
        oracle.learning_rate = rate
        oracle.apply(gradients(step), theirs)

    for one, other in zip(ours, theirs, strict=True):
        assert one.numpy() == pytest.approx(other.numpy(), rel=1e-4, abs=1e-5)
