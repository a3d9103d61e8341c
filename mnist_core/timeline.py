"""What a run said of the same images after each of its epochs.

It is for looking only. The images are those of the test split, so nothing may ever be
chosen by it: not an epoch, not a setting, not when to stop.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.errors import RunError
from mnist_core.evaluation import count_confusions
from mnist_core.files import whole_file

LEVELS = 255  # a confidence is kept in so many steps: a byte
OFTEN = 2  # times that a digit is forgotten to be one that is forgotten often
_TIMES = {1: "once", 2: "twice"}


class Said(NamedTuple):
    """What a run said of one image after an epoch.

    Attributes:
        epoch: From 1.
        digit: The prediction.
        confidence: Its probability, a fraction in [0, 1].
    """

    epoch: int
    digit: int
    confidence: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """Predictions of the same N images after E epochs, in order.

    A short epoch is not always read, so epochs may be missing.

    Attributes:
        labels: `(N,)` uint8, the true digits.
        epochs: `(E,)` int, which epochs they are; they rise, from 1.
        digits: `(E, N)` uint8, the predictions.
        levels: `(E, N)` uint8, the probability of each, in 255ths.
    """

    labels: np.ndarray
    epochs: np.ndarray
    digits: np.ndarray
    levels: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: With one sentence that says what must hold and what came.
        """
        shape = (len(self.epochs), len(self.labels))
        if self.digits.shape != shape or self.levels.shape != shape:
            raise ValueError(
                f"`digits` and `levels` must be `(E, N)`, here {shape}. "
                f"Received: {self.digits.shape} and {self.levels.shape}."
            )
        if self.digits.dtype != np.uint8 or self.levels.dtype != np.uint8:
            raise ValueError(
                "`digits` and `levels` must be uint8. "
                f"Received: {self.digits.dtype} and {self.levels.dtype}."
            )
        if self.digits.max(initial=0) >= NUM_CLASSES:
            raise ValueError(
                "`digits` must be from 0 to 9. "
                f"Received: values up to {self.digits.max()}."
            )
        is_int = self.epochs.dtype.kind in "iu"
        if not is_int or (np.diff(self.epochs, prepend=0) <= 0).any():
            raise ValueError(
                "`epochs` must be whole numbers from 1 that rise. "
                f"Received: {self.epochs.tolist()}."
            )

    @classmethod
    def empty(cls, labels: np.ndarray) -> Self:
        """One without any epoch yet."""
        nothing = np.zeros((0, len(labels)), np.uint8)
        return cls(labels, np.zeros(0, np.int32), nothing, nothing)

    @classmethod
    def load(cls, path: Path, labels: np.ndarray) -> Self:
        """The one that `save` wrote; the labels are not in the file.

        Raises:
            RunError: If the file is missing or damaged, or of other images.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(labels, arrays["epochs"], arrays["digits"], arrays["levels"])
        except Exception as error:  # a damaged zip raises almost anything
            raise RunError(
                f"{path.name}, what the run said after each epoch, is missing or "
                "damaged. Put the file back, or train the run again."
            ) from error

    def save(self, path: Path) -> None:
        """Write it, whole or not at all: some 10 kB an epoch of 10,000 images."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                epochs=self.epochs,
                digits=self.digits,
                levels=self.levels,
            )

    def until(self, epoch: int) -> Self:
        """What was said up to an epoch: the rest is trained again."""
        kept = self.epochs <= epoch
        return replace(
            self,
            epochs=self.epochs[kept],
            digits=self.digits[kept],
            levels=self.levels[kept],
        )

    def including(self, epoch: int, probabilities: np.ndarray) -> Self:
        """The same with `(N, 10)` probabilities as what was said after an epoch."""
        others = self.epochs != epoch
        place = int(np.searchsorted(self.epochs[others], epoch))
        levels = np.rint(probabilities.max(axis=1) * LEVELS).astype(np.uint8)
        digits = probabilities.argmax(axis=1).astype(np.uint8)
        return replace(
            self,
            epochs=np.insert(self.epochs[others], place, epoch),
            digits=np.insert(self.digits[others], place, digits, axis=0),
            levels=np.insert(self.levels[others], place, levels, axis=0),
        )

    @cached_property
    def is_correct(self) -> np.ndarray:
        """`(E, N)` bool, whether the prediction is the label."""
        return self.digits == self.labels

    @cached_property
    def num_mistakes(self) -> np.ndarray:
        """`(E,)` int, how many images are read wrong."""
        return (~self.is_correct).sum(axis=1)

    @cached_property
    def mistakes_by_digit(self) -> np.ndarray:
        """`(E, 10)` int, how many images of each digit are read wrong."""
        return np.array(
            [
                np.bincount(self.labels[wrong], minlength=NUM_CLASSES)
                for wrong in ~self.is_correct
            ]
        ).reshape(-1, NUM_CLASSES)

    @cached_property
    def learned_at(self) -> np.ndarray:
        """`(N,)` int, from which epoch an image stays right; 0: not after the last."""
        stays = np.logical_and.accumulate(self.is_correct[::-1])[::-1]
        if not len(self.epochs):
            return np.zeros(len(self.labels), int)
        return np.where(stays.any(axis=0), self.epochs[stays.argmax(axis=0)], 0)

    @cached_property
    def num_forgotten(self) -> np.ndarray:
        """`(N,)` int, how often an image was right, and wrong an epoch later.

        A "forgetting event" of Toneva et al., "An empirical study of example forgetting
        during deep neural network learning", 2019. They count those of train images;
        these are images that the run has never learned from.
        """
        return (self.is_correct[:-1] & ~self.is_correct[1:]).sum(axis=0)

    def accuracy(self, epoch: int) -> float:
        """Fraction read right after an epoch."""
        return float(self.is_correct[self._row(epoch)].mean())

    def confusion_matrix(self, epoch: int) -> np.ndarray:
        """`(10, 10)` int counts after an epoch: row = true digit."""
        return count_confusions(self.labels, self.digits[self._row(epoch)])

    def recalls(self, epoch: int) -> np.ndarray:
        """`(10,)` floats, of the images of each digit the share that is read right."""
        images = np.bincount(self.labels, minlength=NUM_CLASSES)
        right = images - self.mistakes_by_digit[self._row(epoch)]
        return right / np.maximum(images, 1)

    def before(self, epoch: int) -> int | None:
        """The epoch that an epoch is compared with; None for the first one."""
        row = self._row(epoch)
        return int(self.epochs[row - 1]) if row else None

    def wrong(self, epoch: int) -> np.ndarray:
        """`(n,)` int, the images that are read wrong after an epoch."""
        return np.flatnonzero(~self.is_correct[self._row(epoch)])

    def gained(self, epoch: int) -> np.ndarray:
        """`(n,)` int, the images that are right and were wrong an epoch earlier."""
        row = self._row(epoch)
        if not row:
            return np.zeros(0, int)
        return np.flatnonzero(self.is_correct[row] & ~self.is_correct[row - 1])

    def lost(self, epoch: int) -> np.ndarray:
        """`(n,)` int, the images that are wrong and were right an epoch earlier."""
        row = self._row(epoch)
        if not row:
            return np.zeros(0, int)
        return np.flatnonzero(~self.is_correct[row] & self.is_correct[row - 1])

    def cell(self, epoch: int, true: int | None, predicted: int | None) -> np.ndarray:
        """`(n,)` int, the images with that label that were read so after an epoch.

        Without a label or a reading, all mistakes with the other.
        """
        row = self._row(epoch)
        if true is None or predicted is None:
            keep = ~self.is_correct[row]
        else:
            keep = np.ones(len(self.labels), bool)
        if true is not None:
            keep = keep & (self.labels == true)
        if predicted is not None:
            keep = keep & (self.digits[row] == predicted)
        return np.flatnonzero(keep)

    @property
    def halfway(self) -> int:
        """The last epoch of the first half; what is learned after it is late."""
        return int(self.epochs[(len(self.epochs) - 1) // 2]) if len(self.epochs) else 0

    @cached_property
    def learned_late(self) -> np.ndarray:
        """`(n,)` int, the images learned in the second half, latest first."""
        return _falling(np.where(self.learned_at > self.halfway, self.learned_at, 0))

    @cached_property
    def forgotten_often(self) -> np.ndarray:
        """`(n,)` int, the images forgotten twice or more, most often first."""
        return _falling(np.where(self.num_forgotten >= OFTEN, self.num_forgotten, 0))

    def said(self, index: int) -> list[Said]:
        """What was said of one image, epoch by epoch."""
        return [
            Said(int(epoch), int(digit), float(level) / LEVELS)
            for epoch, digit, level in zip(
                self.epochs, self.digits[:, index], self.levels[:, index], strict=True
            )
        ]

    def story(self, index: int, *, is_right: bool) -> str:
        """How one image was learned: "Learned for good at epoch 3, forgotten twice.".

        Args:
            index: Of the image.
            is_right: Whether the model reads it right. The model is that of the best
                epoch; if the last one read the image otherwise, that is said.
        """
        story = self._learned(index)
        if is_right == self.is_correct[-1, index]:
            return story
        word = "right" if is_right else "wrong"
        return f"{story} The model is that of an earlier epoch and reads it {word}."

    def _learned(self, index: int) -> str:
        learned = int(self.learned_at[index])
        forgotten = int(self.num_forgotten[index])
        if not learned and not self.is_correct[:, index].any():
            return "Never read right after any epoch."
        if not learned:
            times = _times(forgotten)
            return f"Read right at times, forgotten {times}, wrong after the last."
        if learned == self.epochs[0]:
            return f"Read right from epoch {learned} on."
        if not forgotten:
            return f"Learned at epoch {learned}, never forgotten."
        return f"Learned for good at epoch {learned}, forgotten {_times(forgotten)}."

    def sentence(self, epoch: int) -> str:
        """What an epoch changed, in words."""
        before = self.before(epoch)
        wrong = int(self.num_mistakes[self._row(epoch)])
        now = f"After epoch {epoch}, {wrong:,} of {len(self.labels):,} are read wrong"
        if before is None:
            return f"{now}; it is the first that was looked at."
        return (
            f"{now}: since epoch {before}, {len(self.gained(epoch)):,} became right "
            f"and {len(self.lost(epoch)):,} were forgotten."
        )

    def _row(self, epoch: int) -> int:
        row = int(np.searchsorted(self.epochs, epoch))
        if row == len(self.epochs) or self.epochs[row] != epoch:
            raise ValueError(
                f"`epoch` must be one of {self.epochs.tolist()}. Received: {epoch}."
            )
        return row


def _falling(counts: np.ndarray) -> np.ndarray:
    """The indices of all counts but zeros, highest first; ties go by index."""
    order = np.argsort(-counts, kind="stable")
    return order[: np.count_nonzero(counts)]


def _times(count: int) -> str:
    return _TIMES.get(count, f"{count} times")
