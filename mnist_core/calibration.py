"""Whether a model is as often right as it is sure, and what it is worth to ask it less.

Confidence is the probability of the predicted digit. A model is calibrated if of the
digits that it reads with a confidence of 0.9, nine in ten are right.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnist_core.evaluation import Evaluation, Interval, percent, wilson_interval

NUM_BINS = 15  # of equal width, as Guo et al. use
NUM_DRAWS = 400  # of right and wrong, for what luck does to a calibrated model
SURE = 0.05  # the fraction of right readings that are less sure than a sure one
_SEED = 2017


@dataclass(frozen=True, slots=True)
class Bin:
    """Digits of about the same confidence.

    Attributes:
        low: The least confidence of the bin; a fraction in [0, 1].
        high: The most.
        count: How many digits are in it, at least one.
        confidence: Their mean confidence.
        accuracy: The fraction of them that is read right.
        band: Where the accuracy of a calibrated model lies 95 times of 100.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    band: Interval


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model gives that answers only when it is sure enough.

    Attributes:
        threshold: The least confidence with which it answers; a fraction in [0, 1].
        num_images: Digits that it is asked.
        num_answered: Those that it answers.
        num_right: Those of them that it reads right.
    """

    threshold: float
    num_images: int
    num_answered: int
    num_right: int

    @property
    def num_refused(self) -> int:
        """Digits that it does not answer."""
        return self.num_images - self.num_answered

    def sentence(self) -> str:
        """In words: "It answers 98.3 % of the digits, and of those 99.95 % are …"."""
        if not self.num_answered:
            return "It answers none of the digits."
        answered = percent(self.num_answered / self.num_images)
        right = percent(self.num_right / self.num_answered, places=2)
        low, high = (
            percent(end, places=2)
            for end in wilson_interval(self.num_right, self.num_answered)
        )
        return (
            f"It answers {answered} of the digits, and of those {right} are right "
            f"(95 % interval: {low} to {high})."
        )


@dataclass(frozen=True, eq=False)
class Calibration:
    """How confidence and being right go together.

    Attributes:
        evaluation: Of a run on a split; at least one image.
    """

    evaluation: Evaluation

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        """The bins of a reliability diagram that hold a digit, the least sure first.

        Bands are consistency bars: what is right is drawn anew many times, each digit
        by its own confidence (Bröcker and Smith, "Increasing the reliability of
        reliability diagrams", 2007).
        """
        which = _bins_of(self.evaluation.confidences)
        lows, highs = np.quantile(self._drawn, (0.025, 0.975), axis=0)
        return tuple(
            Bin(
                low=number / NUM_BINS,
                high=(number + 1) / NUM_BINS,
                count=int((which == number).sum()),
                confidence=float(self.evaluation.confidences[which == number].mean()),
                accuracy=float(self.evaluation.is_correct[which == number].mean()),
                band=Interval(float(lows[place]), float(highs[place])),
            )
            for place, number in enumerate(np.unique(which))
        )

    @cached_property
    def error(self) -> float:
        """The expected calibration error: a fraction in [0, 1].

        The mean distance of accuracy and confidence over the bins, each weighed by
        its digits (Guo et al., "On calibration of modern neural networks", 2017).
        """
        return sum(
            part.count * abs(part.accuracy - part.confidence) for part in self.bins
        ) / len(self.evaluation.labels)

    @cached_property
    def luck(self) -> float:
        """The error that a calibrated model stays below 95 times of 100, by luck."""
        counts = np.array([part.count for part in self.bins])
        confidences = np.array([part.confidence for part in self.bins])
        errors = np.abs(self._drawn - confidences) @ counts / counts.sum()
        return float(np.quantile(errors, 0.95))

    @cached_property
    def sure(self) -> float:
        """The confidence that nineteen in twenty right readings have, and more."""
        right = self.evaluation.confidences[self.evaluation.is_correct]
        return float(np.quantile(right, SURE)) if right.size else 1.0

    def sentence(self) -> str:
        """The error in words, and whether luck explains it."""
        gap = sum(part.count * (part.accuracy - part.confidence) for part in self.bins)
        error, luck = (percent(value, places=2) for value in (self.error, self.luck))
        if self.error <= self.luck:
            return (
                f"Its confidence and its accuracy differ by {error} on average, which "
                f"luck explains: a calibrated model stays below {luck}."
            )
        much = "less sure than it could be" if gap > 0 else "too sure of itself"
        return (
            f"Its confidence and its accuracy differ by {error} on average, where a "
            f"calibrated model stays below {luck}: it is {much}."
        )

    def answered(self, threshold: float) -> Answered:
        """What it gives if it answers only with that confidence or more."""
        is_answered = self.evaluation.confidences >= np.float32(threshold)
        return Answered(
            threshold,
            len(is_answered),
            int(is_answered.sum()),
            int(self.evaluation.is_correct[is_answered].sum()),
        )

    def risk_coverage(self) -> tuple[np.ndarray, np.ndarray]:
        """How many mistakes are among those answered, the surest digits first.

        Returns:
            `(N,)` coverage, the fraction of digits that are answered, and `(N,)` risk,
            the fraction of those that is wrong (El-Yaniv and Wiener, 2010).
        """
        order = np.argsort(-self.evaluation.confidences, kind="stable")
        answered = np.arange(1, len(order) + 1)
        wrong = np.cumsum(~self.evaluation.is_correct[order])
        return answered / len(order), wrong / answered

    @cached_property
    def _drawn(self) -> np.ndarray:
        """`(NUM_DRAWS, bins)`, the accuracies of a model as sure and calibrated."""
        confidences = self.evaluation.confidences
        numbers, which = np.unique(_bins_of(confidences), return_inverse=True)
        generator = np.random.default_rng(_SEED)
        counts = np.bincount(which)
        accuracies = np.empty((NUM_DRAWS, len(numbers)))
        for draw in range(NUM_DRAWS):
            is_right = generator.random(len(confidences), np.float32) < confidences
            accuracies[draw] = np.bincount(which, is_right, len(numbers)) / counts
        return accuracies


def _bins_of(confidences: np.ndarray) -> np.ndarray:
    """`(N,)` int, the number of each one's bin; a border belongs to the bin above."""
    return np.minimum((confidences * NUM_BINS).astype(int), NUM_BINS - 1)
