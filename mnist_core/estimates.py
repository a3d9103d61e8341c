"""How long a training will take, before it starts.

A step costs something by itself, and every image what its network costs; reading an
image for validation, or to teach, is a third of that. The constants were measured on
two cores; what trainings took on this machine corrects them.
"""

import statistics
from collections.abc import Sequence

from mnist_core.architectures import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.runs import Run

STARTUP = 1.0  # seconds until the first step, in a process that was ready
STYLED = 0.8e-3  # seconds for a digit that is drawn by rules, before the first step
THICK = 2.5e-3  # seconds for a digit that a thick pen draws
LONG_DRAWING = 5.0  # seconds of drawing before the first step; more are told
FINISHING = 2.0  # seconds to save and to export
NUM_FINISHING = 35_000  # images that are read when a run is finished
STEP = 0.5e-3  # seconds a step
USUAL_BATCH = 128  # images, for which `Architecture.image_seconds` was measured
NORMALIZED = 1.15  # times longer with batch normalisation
AUGMENTATION = 15e-6  # seconds an image
READING = 0.33  # of the time that training on an image takes
NUM_RECENT = 5  # runs that tell how fast this machine is
PRIOR = 5.0  # seconds of training at the constants' pace that every run is mixed with


def seconds(config: TrainConfig, runs: Sequence[Run] = ()) -> float:
    """Seconds from the start to the finished run, if nothing else trains.

    Args:
        config: What would be trained, all its epochs.
        runs: The runs on this machine, newest first, its teachers among them.
    """
    pace = _pace(runs)
    reading = NUM_FINISHING * _image_seconds(config) * READING
    teaching = _teaching(config, runs)
    training = config.time_limit or (
        (_training(config, config.epochs) + config.epochs * teaching) * pace
    )
    return STARTUP + drawing(config, runs) + reading * pace + training + FINISHING


def drawing(config: TrainConfig, runs: Sequence[Run] = ()) -> float:
    """Seconds before the first step in which digits are drawn; `seconds` has them."""
    drawn = STYLED * config.num_styled + THICK * config.num_thick
    return drawn * _pace(runs)


def drawing_words(config: TrainConfig, runs: Sequence[Run] = ()) -> str:
    """What is done before the first step if that takes long, as a sentence; or ""."""
    seconds = drawing(config, runs)
    if seconds <= LONG_DRAWING:
        return ""
    return (
        f"{config.num_drawn:,} digits are drawn before the first batch, which takes "
        f"about {duration(seconds)}."
    )


def drawn_words(config: TrainConfig, num_thick: int, seconds: float) -> str:
    """How far that is, as a sentence.

    Args:
        config: What is trained.
        num_thick: The digits of a thick pen that are drawn; those in other styles are
            drawn before them.
        seconds: That they took.
    """
    left = seconds * (config.num_thick / num_thick - 1)
    return (
        f"{config.num_styled + num_thick:,} of {config.num_drawn:,} digits are drawn "
        f"before the first batch; the others take about {duration(left)}."
    )


def duration(seconds: float) -> str:
    """Seconds in words: "8 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _training(config: TrainConfig, epochs: int) -> float:
    """Seconds that the epochs take on the machine that the constants are from."""
    image = _image_seconds(config)
    steps = STEP * (1 / config.batch_size - 1 / USUAL_BATCH)
    changes = AUGMENTATION if config.is_augmented else 0.0
    train = config.num_learned * (image + max(steps, -image / 2) + changes)
    return epochs * (train + config.num_validation * image * READING)


def _teaching(config: TrainConfig, runs: Sequence[Run]) -> float:
    """Seconds an epoch in which the teachers read the images that are learned."""
    teachers = [run for run in runs if run.id in config.teachers]
    images = sum(_image_seconds(teacher.config) for teacher in teachers)
    return images * READING * config.num_learned


def _image_seconds(config: TrainConfig) -> float:
    normalized = NORMALIZED if config.batch_normalization else 1.0
    return ARCHITECTURES[config.architecture].image_seconds * normalized


def _pace(runs: Sequence[Run]) -> float:
    """How many times longer than expected the last trainings here took: a median.

    A training of a second says little, so each is mixed with some seconds of what was
    expected.
    """
    ratios = [
        (run.result.seconds + PRIOR)
        / (_training(run.config, run.result.num_epochs) + PRIOR)
        for run in runs
        if run.result
        and not run.config.teachers
        and run.state == "done"
        and not run.is_shipped
        and not run.config.time_limit
    ][:NUM_RECENT]
    return statistics.median(ratios) if ratios else 1.0
