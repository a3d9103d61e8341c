"""How long a training will take, before it starts.

A step costs something by itself and for every parameter that the optimiser
moves; an image costs its arithmetic, more with batch normalisation, and the random
changes to it. The constants are a fit to two cores (`benchmarks/recipes.py`);
what trainings took on this machine corrects them.
"""

from collections.abc import Sequence

from mnist_core.architectures import cost
from mnist_core.config import TrainConfig
from mnist_core.runs import Run

STARTUP = 7.0  # seconds until the first step: TensorFlow's import and the graph
FINISHING = 5.0  # seconds to save, to export and to read the test split
STEP = 1.2e-3  # seconds a step
STEP_PARAMETER = 6e-9  # seconds a step and parameter
OPERATION = 2.2e-11  # seconds a floating-point operation, forward and backward
NORMALIZED = 1.6  # times the arithmetic, with batch normalisation
AUGMENTATION = 4e-5  # seconds an image
NUM_RECENT = 5  # runs that tell how fast this machine is


def seconds(config: TrainConfig, runs: Sequence[Run] = ()) -> float:
    """Seconds from the start to the finished run, if nothing else trains.

    Args:
        config: What would be trained, all its epochs.
        runs: The runs on this machine, newest first.
    """
    per_epoch = _epoch_seconds(config) * _pace(runs)
    return STARTUP + config.epochs * per_epoch + FINISHING


def _epoch_seconds(config: TrainConfig) -> float:
    price = cost(config)
    steps = -(-config.num_train // config.batch_size)
    arithmetic = price.num_operations * OPERATION
    if config.batch_normalization:
        arithmetic *= NORMALIZED
    image = arithmetic + (AUGMENTATION if config.is_augmented else 0.0)
    step = STEP + STEP_PARAMETER * price.num_parameters
    return steps * step + config.num_train * image


def _pace(runs: Sequence[Run]) -> float:
    """How many times longer than expected the last trainings here took: a median."""
    ratios = sorted(
        run.result.seconds / (run.result.num_epochs * _epoch_seconds(run.config))
        for run in [run for run in runs if run.result and not run.is_shipped][:NUM_RECENT]
        if run.result
    )
    return ratios[len(ratios) // 2] if ratios else 1.0
