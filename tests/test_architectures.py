import math

import keras
import pytest

from mnist_core import models
from mnist_core.architectures import ARCHITECTURES, cost
from mnist_core.config import ARCHITECTURES as NAMES
from mnist_core.config import TrainConfig

EVERY_MODEL = [
    pytest.param((name, is_normalized), id=name + " normalized" * is_normalized)
    for name in ARCHITECTURES
    for is_normalized in (False, True)
    if not (name == "softmax" and is_normalized)
]


@pytest.fixture(scope="module", params=EVERY_MODEL)
def built(request):
    """A config and the Keras model that is built from it."""
    name, is_normalized = request.param
    config = TrainConfig(architecture=name, batch_normalization=is_normalized)
    return config, models.build(config).model


def num_operations(model):
    """Two a weight, wherever in the image the weight is applied."""
    return sum(
        2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    )


def test_the_parameters_are_those_that_keras_counts(built):
    config, model = built

    assert cost(config).num_parameters == model.count_params()


def test_the_operations_are_two_a_weight_and_place(built):
    config, model = built

    assert cost(config).num_operations == num_operations(model)


@pytest.mark.parametrize(
    "name, num_parameters, num_operations",
    [
        ("softmax", 784 * 10 + 10, 2 * 784 * 10),
        ("dense", 785 * 512 + 513 * 10, 2 * (784 * 512 + 512 * 10)),
        (
            "cnn",
            (25 + 1) * 16 + (9 * 16 + 1) * 32 + (5 * 5 * 32 + 1) * 128 + 129 * 10,
            2 * (24 * 24 * 25 * 16 + 10 * 10 * 9 * 16 * 32 + 800 * 128 + 128 * 10),
        ),
    ],
)
def test_the_cost_is_what_paper_and_pencil_give(name, num_parameters, num_operations):
    price = cost(TrainConfig(architecture=name))

    assert price.num_parameters == num_parameters
    assert price.num_operations == num_operations


def test_softmax_regression_has_7850_parameters():
    assert cost(TrainConfig(architecture="softmax")).num_parameters == 7_850


def test_the_architectures_are_those_that_a_config_may_name():
    assert tuple(ARCHITECTURES) == NAMES


def test_dropout_costs_nothing():
    assert cost(TrainConfig(dropout=0.5)) == cost(TrainConfig())
