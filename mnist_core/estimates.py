"""How long a training will take, before it starts.

A step costs something by itself and for every parameter that the optimiser
moves; an image costs its arithmetic, more with batch normalisation, and the random
changes to it. The constants are a fit to two cores (`benchmarks/recipes.py`);
what trainings took on this machine corrects them.
"""

import statistics
from collections.abc import Sequence

from mnist_core.architectures import cost
from mnist_core.config import TrainConfig
from mnist_core.runs import Run

STARTUP = 3.0  # seconds until TensorFlow is imported
TRACE = 1.0  # seconds in which the graph is made, at the first step
FINISHING = 4.0  # seconds to save, to export and to read the test split
STEP = 0.5e-3  # seconds a step
STEP_PARAMETER = 5e-9  # seconds a step and parameter
IMAGE = 24e-6  # seconds an image
IMAGE_OPERATION = 1.35e-11  # seconds an image and floating-point operation
NORMALIZED = 1.9  # times longer with batch normalisation
AUGMENTATION = 4e-5  # seconds an image
NUM_RECENT = 5  # runs that tell how fast this machine is


def seconds(config: TrainConfig, runs: Sequence[Run] = ()) -> float:
    """Seconds from the start to the finished run, if nothing else trains.

    Args:
        config: What would be trained, all its epochs.
        runs: The runs on this machine, newest first.
    """
    return STARTUP + _training(config, config.epochs) * _pace(runs) + FINISHING


def _training(config: TrainConfig, epochs: int) -> float:
    """Seconds that the epochs take on the machine that the constants are from."""
    price = cost(config)
    steps = -(-config.num_train // config.batch_size)
    image = IMAGE + IMAGE_OPERATION * price.num_operations
    if config.batch_normalization:
        image *= NORMALIZED
    if config.is_augmented:
        image += AUGMENTATION
    step = STEP + STEP_PARAMETER * price.num_parameters
    return TRACE + epochs * (steps * step + config.num_train * image)


def _pace(runs: Sequence[Run]) -> float:
    """How many times longer than expected the last trainings here took: a median."""
    ratios = [
        run.result.seconds / _training(run.config, run.result.num_epochs)
        for run in runs
        if run.result and run.state == "done" and not run.is_shipped
    ][:NUM_RECENT]
    return statistics.median(ratios) if ratios else 1.0
