"""What a run says of test images that were changed, kind by kind, weak to strong.

It is for looking only. The images are those of the test split, so nothing may ever be
chosen by it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.corruptions import CORRUPTIONS, STEPS, Step, corrupted
from mnist_core.evaluation import Interval, percent, wilson_interval
from mnist_core.files import whole_file

BATCH = 250  # images that are changed and read at a time
TOLERANCE = 0.01  # of the accuracy is what a change may cost that is withstood
_FORM = 1  # of what is done to images; another one makes what was read before stale

log = logging.getLogger(__name__)


class Point(NamedTuple):
    """How well changed images are read.

    Attributes:
        strength: Of the change.
        accuracy: Fraction read right, in [0, 1].
        interval: The 95 % Wilson interval of the accuracy.
        num_lost: Images that are read wrong only since they are changed.
    """

    strength: float
    accuracy: float
    interval: Interval
    num_lost: int


@dataclass(frozen=True, eq=False)
class Robustness:
    """Predictions of the same N images after each of the first S of `STEPS`.

    Attributes:
        labels: `(N,)` uint8, the true digits.
        unchanged: `(N,)` uint8, the predictions of the images as they are.
        digits: `(S, N)` uint8, the predictions.
    """

    labels: np.ndarray
    unchanged: np.ndarray
    digits: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: With one sentence that says what must hold and what came.
        """
        num_steps, shape = len(STEPS), self.digits.shape
        if len(self.unchanged) != len(self.labels):
            raise ValueError(
                "`labels` and `unchanged` must be of the same images. Received: "
                f"{len(self.labels):,} and {len(self.unchanged):,}."
            )
        if shape[1:] != self.labels.shape or shape[0] > num_steps:
            raise ValueError(
                f"`digits` must be `(S, {len(self.labels)})` and S at most "
                f"{num_steps}. Received: {shape}."
            )
        if self.digits.dtype != np.uint8 or self.digits.max(initial=0) >= NUM_CLASSES:
            raise ValueError(
                "`digits` must be uint8 from 0 to 9. Received: "
                f"{self.digits.dtype} up to {self.digits.max(initial=0)}."
            )

    @classmethod
    def empty(cls, labels: np.ndarray, unchanged: np.ndarray) -> Self:
        """One without any step yet."""
        return cls(labels, unchanged, np.zeros((0, len(labels)), np.uint8))

    @classmethod
    def load(
        cls, path: Path, labels: np.ndarray, unchanged: np.ndarray, *, model: str
    ) -> Self:
        """What `save` wrote; nothing if it is missing, damaged or of another model.

        It can be read again, so a file that cannot be used is no error.

        Args:
            path: Of the file.
            labels: `(N,)` uint8, the true digits.
            unchanged: `(N,)` uint8, the predictions of the images as they are.
            model: The SHA-256 of the file of the model that reads.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                if str(arrays["form"]) == _form(model):
                    return cls(labels, unchanged, arrays["digits"])
        except FileNotFoundError:
            pass
        except Exception as error:  # a damaged zip raises almost anything
            log.warning("%s cannot be used and is read again: %s", path, error)
        return cls.empty(labels, unchanged)

    def save(self, path: Path, *, model: str) -> None:
        """Write it, whole or not at all: some 5 kB a step of 10,000 images.

        Raises:
            OSError: If the folder cannot be written.
        """
        form = np.array(_form(model))
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, form=form, digits=self.digits)

    @property
    def num_done(self) -> int:
        """How many of `STEPS` are read."""
        return len(self.digits)

    @property
    def next_step(self) -> Step | None:
        """The first that is not read yet; None when all are."""
        return None if self.is_whole else STEPS[self.num_done]

    @property
    def is_whole(self) -> bool:
        """Whether every step is read."""
        return self.num_done == len(STEPS)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of change of which every step is read, in order."""
        missing = {kind for kind, _ in STEPS[self.num_done :]}
        return tuple(kind for kind in CORRUPTIONS if kind not in missing)

    def including_next(
        self, images: np.ndarray, read: Callable[[np.ndarray], np.ndarray]
    ) -> Self:
        """The same with the next step; a second and more for 10,000 images.

        Args:
            images: `(N, 28, 28)` uint8, as they are.
            read: Gives `(n, 10)` probabilities of `(n, 28, 28)` uint8 images.
        """
        kind, strength = STEPS[self.num_done]
        parts = []
        # Batch by batch, so that nobody waits long for Python's lock.
        for start in range(0, len(images), BATCH):
            indices = np.arange(start, min(start + BATCH, len(images)))
            changed = corrupted(images[indices], indices, kind, strength)
            parts.append(read(changed).argmax(axis=1).astype(np.uint8))
        return replace(self, digits=np.vstack([self.digits, np.concatenate(parts)]))

    def read_as(self, kind: str, strength: float) -> np.ndarray:
        """`(N,)` uint8, the predictions of images changed like this."""
        if strength == CORRUPTIONS[kind].none:
            return self.unchanged
        return self.digits[STEPS.index(Step(kind, strength))]

    def newly_lost(self, kind: str, strength: float) -> np.ndarray:
        """`(n,)` int, the images that are right as they are and wrong when changed."""
        is_right = self.read_as(kind, strength) == self.labels
        return np.flatnonzero((self.unchanged == self.labels) & ~is_right)

    def newly_right(self, kind: str, strength: float) -> np.ndarray:
        """`(n,)` int, the images that are wrong as they are and right when changed."""
        is_right = self.read_as(kind, strength) == self.labels
        return np.flatnonzero((self.unchanged != self.labels) & is_right)

    def points(self, kind: str) -> list[Point]:
        """How well images are read at each strength of one of `kinds`, in order."""
        return self._points[kind]

    @cached_property
    def _points(self) -> dict[str, list[Point]]:
        return {
            kind: [self._point(kind, each) for each in CORRUPTIONS[kind].strengths]
            for kind in self.kinds
        }

    def _point(self, kind: str, strength: float) -> Point:
        num_right = int((self.read_as(kind, strength) == self.labels).sum())
        return Point(
            strength,
            num_right / max(len(self.labels), 1),
            wilson_interval(num_right, len(self.labels)),
            len(self.newly_lost(kind, strength)),
        )

    @cached_property
    def span(self) -> Interval:
        """From the lowest end to the highest of the intervals of all `kinds`."""
        ends = [each.interval for kind in self.kinds for each in self.points(kind)]
        return Interval(min(end.low for end in ends), max(end.high for end in ends))

    def withstood(self, kind: str) -> tuple[float, float]:
        """From which strength to which it loses one percentage point at most.

        All strengths between them do, and `none` is one of them.
        """
        points, none = self.points(kind), CORRUPTIONS[kind].none
        start = [point.strength for point in points].index(none)
        # Counted, as a difference of two fractions may miss it by a rounding.
        right = [round(point.accuracy * len(self.labels)) for point in points]
        least = right[start] - TOLERANCE * len(self.labels)
        low = high = start
        while low > 0 and right[low - 1] >= least:
            low -= 1
        while high < len(points) - 1 and right[high + 1] >= least:
            high += 1
        return points[low].strength, points[high].strength

    def withstood_words(self, kind: str) -> str:
        """The same in words, for a person who looks for what it withstands."""
        corruption = CORRUPTIONS[kind]
        low, high = self.withstood(kind)
        if low == high:
            return "Even the weakest costs more than one point."
        ends = f"up to {corruption.number(high)}"
        if low != corruption.none:
            ends = f"from {corruption.number(low)} to {corruption.number(high)}"
        return f"It loses at most one point {ends}{corruption.unit}."

    def sentence(self, kind: str, strength: float) -> str:
        """What a change costs: "Turned by 30° clockwise, 97.10 % are read right …"."""
        corruption, point = CORRUPTIONS[kind], self._point(kind, strength)
        low, high = (percent(end, places=2) for end in point.interval)
        right = f"{percent(point.accuracy, places=2)} are read right ({low} to {high})"
        if strength == corruption.none:
            return f"As they are, {right}."
        lost, gained = point.num_lost, len(self.newly_right(kind, strength))
        return (
            f"{corruption.words(strength)}, {right}: {_were(lost, 'right')} lost, and "
            f"{_were(gained, 'wrong')} right."
        )


def _were(count: int, what: str) -> str:
    """So many that were something and now are: "1 that was right is"."""
    if count == 1:
        return f"1 that was {what} is"
    return f"{count:,} that were {what} are"


def _form(model: str) -> str:
    """What a file must be of: the model, what is done, and to which strengths."""
    steps = " ".join(f"{kind}={strength:g}" for kind, strength in STEPS)
    return f"{_FORM} {model} {steps}"
