"""Labels that are doubted: by a run, and by people.

Confident learning: a digit is counted as what the run takes it for where the run is at
least as sure of that as it is, on average, of the digits that have that label. Who is
counted as another digit than its label says is a suspect (Northcutt, Jiang and Chuang,
"Confident learning: estimating uncertainty in dataset labels", 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import Evaluation, count_confusions, percent

_ROUNDING = 1e-6  # a mean of equal probabilities may lie above each of them


@dataclass(frozen=True, eq=False)
class Suspects:
    """The labels that a run doubts.

    Attributes:
        evaluation: Its labels are those that were given, perhaps wrongly.
    """

    evaluation: Evaluation

    @cached_property
    def thresholds(self) -> np.ndarray:
        """`(10,)` float64, the mean probability of each digit where it is the label.

        Of a digit that is no image's label it is infinite: nothing is counted as it.
        """
        labels = self.evaluation.labels
        counts = np.bincount(labels, minlength=NUM_CLASSES)
        sums = np.bincount(labels, self._self_confidences, NUM_CLASSES)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)

    @cached_property
    def suggested(self) -> np.ndarray:
        """`(N,)` int8, the digit that an image is counted as; -1 if as none.

        The most probable one of those that reach their threshold.
        """
        probabilities = self.evaluation.probabilities
        reaches = probabilities >= self.thresholds - _ROUNDING
        most = np.where(reaches, probabilities, -1.0).argmax(axis=1)
        return np.where(reaches.any(axis=1), most, -1).astype(np.int8)

    @cached_property
    def joint(self) -> np.ndarray:
        """`(10, 10)` int counts, the confident joint.

        A row is a label that was given, a column the digit that it is counted as.
        """
        is_counted = self.suggested >= 0
        labels = self.evaluation.labels[is_counted]
        return count_confusions(labels, self.suggested[is_counted])

    @cached_property
    def margins(self) -> np.ndarray:
        """`(N,)` float64 in [-1, 1], how probable the label is beside the best other.

        The normalised margin: the label's probability less the highest of the others.
        """
        others = self.evaluation.probabilities.astype(np.float64)
        others[np.arange(len(others)), self.evaluation.labels] = -np.inf
        margins: np.ndarray = self._self_confidences - others.max(axis=1)
        return margins

    @cached_property
    def indices(self) -> np.ndarray:
        """`(n,)` int, the suspects: those off the joint's diagonal, the worst first."""
        labels = self.evaluation.labels
        found = np.flatnonzero((self.suggested >= 0) & (self.suggested != labels))
        return found[np.argsort(self.margins[found], kind="stable")]

    @property
    def _self_confidences(self) -> np.ndarray:
        """`(N,)` float64, the probability of each image's label."""
        rows = np.arange(self.evaluation.num_images)
        probabilities = self.evaluation.probabilities[rows, self.evaluation.labels]
        return probabilities.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Search:
    """Suspects beside the labels that are known to be wrong.

    Attributes:
        suspects: The labels that are doubted.
        is_flipped: `(N,)` bool, which labels were made wrong.
    """

    suspects: Suspects
    is_flipped: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """`(n,)` int, the wrong labels that are doubted, the worst first."""
        return self.suspects.indices[self.is_flipped[self.suspects.indices]]

    @property
    def false(self) -> np.ndarray:
        """`(n,)` int, the labels that are doubted and were left as they are."""
        return self.suspects.indices[~self.is_flipped[self.suspects.indices]]

    @property
    def missed(self) -> np.ndarray:
        """`(n,)` int, the wrong labels that are not doubted, the worst first."""
        missed = np.setdiff1d(np.flatnonzero(self.is_flipped), self.found)
        return missed[np.argsort(self.suspects.margins[missed], kind="stable")]

    @property
    def precision(self) -> float:
        """Of the suspects, the share that was flipped; 0.0 of none."""
        return len(self.found) / max(len(self.suspects.indices), 1)

    @property
    def recall(self) -> float:
        """Of the flipped labels, the share that is suspected; 0.0 of none."""
        return len(self.found) / max(int(self.is_flipped.sum()), 1)

    def sentence(self) -> str:
        """How much of what was made wrong is found."""
        num_suspects = len(self.suspects.indices)
        made = (
            f"{int(self.is_flipped.sum()):,} of {len(self.is_flipped):,} labels were "
            "made wrong on purpose."
        )
        if not num_suspects:
            return f"{made} The model doubts none."
        return (
            f"{made} The model doubts {num_suspects:,}, and {len(self.found):,} of "
            f"these rightly. So it finds {percent(self.recall)} of the wrong labels, "
            f"and {percent(self.precision)} of what it doubts was made wrong."
        )


@dataclass(frozen=True, eq=False)
class Disputed:
    """How a run reads the images whose label people dispute.

    Attributes:
        evaluation: Of the test split; its `disputed` are those images.
        people: What most people read instead, by index, where they agree.
    """

    evaluation: Evaluation
    people: Mapping[int, int]

    @cached_property
    def others(self) -> Evaluation:
        """The run on the images whose label nobody disputes."""
        rows = np.setdiff1d(
            np.arange(self.evaluation.num_images), self.evaluation.disputed
        )
        return Evaluation(
            self.evaluation.labels[rows], self.evaluation.probabilities[rows]
        )

    def sentences(self) -> str:
        """What the disputed labels change, and whom the run agrees with."""
        read = self.evaluation.predictions
        disputed = self.evaluation.disputed
        as_labelled = sum(read[i] == self.evaluation.labels[i] for i in disputed)
        as_people = sum(read[i] == digit for i, digit in self.people.items())
        whole, others = (
            percent(part.accuracy, places=2) for part in (self.evaluation, self.others)
        )
        low, high = (percent(end, places=2) for end in self.others.interval)
        return (
            f"It reads {whole} of all test digits as they are labelled, and {others} "
            f"of those whose label nobody disputes (95 % interval: {low} to {high}). "
            f"Of the {len(disputed)} disputed ones it reads {as_labelled} as labelled; "
            f"of the {len(self.people)} where most people read the same other digit, "
            f"it reads {as_people} as people do."
        )
