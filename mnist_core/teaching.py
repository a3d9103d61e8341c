"""Teaching a copy of a run with a visitor's drawings, and what came of it.

The copy goes on from the run's weights, at a low rate, on the drawings over and over,
each time changed at random, among many of MNIST's images so that it forgets little; of
these it learns what the run itself says (Li & Hoiem, "Learning without forgetting",
2016).
Some drawings are held out, or the gain would be measured on what was just taught.
"""

from dataclasses import dataclass

import numpy as np

from mnist_core.config import TrainConfig
from mnist_core.data import NUM_VALIDATION, Split
from mnist_core.errors import KeptError
from mnist_core.evaluation import Evaluation
from mnist_core.kept import held_out
from mnist_core.runs import MAX_NAME, Run

MIN_DRAWINGS = 5  # from fewer there is little to learn, and nothing to measure by
_SUFFIX = " - taught"  # of the copy's name


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """What teaching changed on some images.

    Attributes:
        images: What they are, in words.
        before: What the run made of them.
        after: What its taught copy makes of them.
    """

    images: str
    before: Evaluation
    after: Evaluation


def lesson(run: Run, drawings: Split) -> TrainConfig:
    """How a copy of a run is taught with drawings: some hundred steps, once through.

    Raises:
        KeptError: If there are too few drawings.
    """
    missing = MIN_DRAWINGS - len(drawings)
    if missing > 0:
        raise KeptError(
            f"To teach a model takes at least {MIN_DRAWINGS} drawings: keep "
            f"{missing} more."
        )
    return TrainConfig(
        architecture=run.config.architecture,
        batch_normalization=run.config.batch_normalization,
        start_from=run.id,
        teachers=(run.id,),
        optimizer="adam",
        learning_rate=5e-4,
        schedule="cosine",
        batch_size=32,
        epochs=1,
        rotation=10.0,
        shift=1.0,
        scale=0.1,
        shear=0.1,
        elastic=0.5,
        num_kept=2_000,
        num_train=6_000,
        num_validation=min(NUM_VALIDATION, run.config.num_validation),
    )


def name_of_copy(run: Run) -> str:
    """What the taught copy of a run is called."""
    return run.name.removesuffix(_SUFFIX)[: MAX_NAME - len(_SUFFIX)] + _SUFFIX


def gains(
    images: np.ndarray,
    drawings: tuple[Evaluation, Evaluation],
    mnist: tuple[Evaluation, Evaluation],
) -> list[Gain]:
    """What teaching changed on the drawings held out, on all of them, and on MNIST.

    Args:
        images: `(N, 28, 28)` uint8, all that `Run.kept` gives.
        drawings: The run and its taught copy on them.
        mnist: Both on the test split.
    """
    before, after = drawings
    held = held_out(images)
    parts = [Gain("All the drawings", before, after)]
    if held.any():
        never = "The drawings held out from teaching"
        parts.insert(0, Gain(never, *(_part(whole, held) for whole in drawings)))
    return [*parts, Gain("MNIST’s test digits", *mnist)]


def honesty(images: np.ndarray) -> str:
    """Of `(N, 28, 28)` drawings, how many measure the gain, in a sentence."""
    num_held = int(held_out(images).sum())
    if num_held:
        verb = "is" if num_held == 1 else "are"
        return (
            f"It is taught with {len(images) - num_held} of them; {num_held} {verb} "
            "held out, chosen by lot and for good, to show what it has really learned."
        )
    return (
        f"It is taught with all {len(images)}, so it is measured on what it was "
        "taught. About every fifth drawing is held out, by lot and for good; of these "
        "it is none yet, and more drawings will show what it has really learned."
    )


def _part(whole: Evaluation, chosen: np.ndarray) -> Evaluation:
    return Evaluation(whole.labels[chosen], whole.probabilities[chosen])
