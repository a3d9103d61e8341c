"""Two runs on the same digits: where they differ, and whether that may be luck."""

import math
from dataclasses import dataclass

import numpy as np

from mnist_core.evaluation import (
    Z_95,
    Evaluation,
    Interval,
    count_confusions,
    percent,
)

RARE = 0.05  # what comes by luck less often is called a difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many digits two runs read right and wrong.

    Attributes:
        num_both_right: Read right by both.
        num_gained: Read right by the first and wrong by the second.
        num_lost: Read wrong by the first and right by the second.
        num_both_wrong: Read wrong by both.
        num_disagree: Read differently, right or not.
    """

    num_both_right: int
    num_gained: int
    num_lost: int
    num_both_wrong: int
    num_disagree: int

    @property
    def num_images(self) -> int:
        """How many there are."""
        return (
            self.num_both_right + self.num_gained + self.num_lost + self.num_both_wrong
        )

    @property
    def difference(self) -> float:
        """The first run's accuracy less the second's."""
        return (self.num_gained - self.num_lost) / max(self.num_images, 1)

    @property
    def p_value(self) -> float:
        """How often luck alone gives such a difference or a larger one, in [0, 1].

        McNemar's test in its exact form: if neither run is better, each digit that
        only one of them reads right falls to either with a chance of one half
        (McNemar, 1947).
        """
        changed = self.num_gained + self.num_lost
        fewer = min(self.num_gained, self.num_lost)
        tail = sum(math.comb(changed, number) for number in range(fewer + 1))
        return min(1.0, float(2 * tail / 2**changed))

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the difference; fractions in [-1, 1].

        With b digits gained and c lost of n, the mean and spread of (b - c)/n after
        half a digit was added to each of the four kinds (Agresti and Min, 2005).
        """
        num_images = self.num_images + 2
        gained, lost = self.num_gained + 0.5, self.num_lost + 0.5
        centre = (gained - lost) / num_images
        spread = math.sqrt(gained + lost - (gained - lost) ** 2 / num_images)
        margin = Z_95 * spread / num_images
        return Interval(max(centre - margin, -1.0), min(centre + margin, 1.0))

    def sentence(self, first: str, second: str) -> str:
        """The difference in words, and whether it may be luck.

        Args:
            first: The name of the first run.
            second: The name of the second.
        """
        more = self.num_gained - self.num_lost
        if more == 0:
            return (
                f"“{first}” and “{second}” read as many digits right: on "
                f"{self.num_gained:,} the one alone is right, on {self.num_lost:,} "
                "the other."
            )
        better, worse = (first, second) if more > 0 else (second, first)
        words = (
            f"“{better}” is right on {abs(more):,} more of {self.num_images:,} digits "
            f"than “{worse}”."
        )
        often = percent(self.p_value, places=0 if self.p_value >= 0.01 else 2)
        if self.p_value < RARE:
            return (
                f"{words} Luck alone gives such a difference in {often} of tries: it "
                "is hardly luck."
            )
        return (
            f"{words} Luck alone gives such a difference, or a larger one, in {often} "
            "of tries: it may well be luck."
        )


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two runs on the same digits.

    Raises:
        ValueError: If the digits are not the same.
    """
    if not np.array_equal(first.labels, second.labels):
        raise ValueError("Both runs must have read the same digits.")
    ours, theirs = first.is_correct, second.is_correct
    return Comparison(
        num_both_right=int((ours & theirs).sum()),
        num_gained=int((ours & ~theirs).sum()),
        num_lost=int((~ours & theirs).sum()),
        num_both_wrong=int((~ours & ~theirs).sum()),
        num_disagree=int((first.predictions != second.predictions).sum()),
    )


def agreement(first: Evaluation, second: Evaluation) -> np.ndarray:
    """`(10, 10)` int: row = read by the first, column = read by the second."""
    return count_confusions(first.predictions, second.predictions)
