"""What is known of a training while it goes on and afterwards, as values."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """One pass over the train split.

    Attributes:
        epoch: From 1. The last one of a stopped training may be a part of an epoch.
        loss: Mean cross-entropy on the images as trained on (with augmentation and
            dropout), in nats.
        accuracy: Fraction of them that was right while training.
        val_loss: Mean cross-entropy on the validation split after the epoch, in nats.
        val_accuracy: Fraction of the validation split that is right.
        seconds: Of work since the training began, without interruptions.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchMetrics:
    """The few batches since the last report.

    Attributes:
        epoch: From 1.
        step: Gradient steps done since the training began.
        num_steps: Gradient steps of all epochs.
        loss: Mean cross-entropy, in nats.
        accuracy: Fraction of the images that was right.
        images_per_second: Trained on lately.
        seconds_left: Expected until the last epoch ends.
    """

    epoch: int
    step: int
    num_steps: int
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float


def best_epoch(history: Sequence[EpochMetrics]) -> EpochMetrics:
    """The epoch with the lowest validation loss, then the highest accuracy.

    The loss goes first because it is the finer measure: near the end of a training
    accuracies differ by a few images, which is luck.

    Raises:
        ValueError: If `history` is empty.
    """
    return min(history, key=lambda epoch: (epoch.val_loss, -epoch.val_accuracy))


def has_stalled(history: Sequence[EpochMetrics], patience: int) -> bool:
    """Whether the last `patience` epochs brought nothing better; never if it is 0."""
    if not patience or not history:
        return False
    return history[-1].epoch - best_epoch(history).epoch >= patience
