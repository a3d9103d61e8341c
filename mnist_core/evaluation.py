"""How good a run is: every metric, derived from labels and probabilities.

Nothing is stored but the two arrays, so no number can contradict another. Where a
ratio has nothing to divide by it is 0.0, as with scikit-learn's `zero_division=0`.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mnist_core.config import NUM_CLASSES

Z_95 = 1.959963984540054  # standard deviations either side that hold 95 % of a normal
FEW = 20  # images; the 95 % interval of fewer is some 30 percentage points wide
MANY = 1_000  # images; one of fewer is more than the second place of a percentage
SUM_TOLERANCE = 1e-3  # how far a row may be from 1; what float16 keeps is within 5e-4
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)  # no loss is above 15.9 nats

_SINGULAR = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
)  # fmt: skip
_PLURAL = tuple(word + ("es" if word == "six" else "s") for word in _SINGULAR)


class Interval(NamedTuple):
    """A range that holds the true value 95 times of 100; fractions in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DigitScores:
    """How well one digit is read; scores are fractions in [0, 1].

    Attributes:
        digit: The digit.
        precision: Of the images read as this digit, the share that is this digit.
        recall: Of the images of this digit, the share that is read right.
        f1: The harmonic mean of precision and recall.
        support: Images of this digit.
        num_predicted: Images read as this digit.
    """

    digit: int
    precision: float
    recall: float
    f1: float
    support: int
    num_predicted: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """One cell of a confusion matrix.

    Attributes:
        true: The digit that the images are.
        predicted: The digit that they are read as.
        count: How many there are.
        share: Of all images of the true digit; a fraction in [0, 1].
    """

    true: int
    predicted: int
    count: int
    share: float

    def sentence(self) -> str:
        """The cell in words: "12 fours were read as nines, 1.2 % of all fours."."""
        if self.count == 0:
            return f"No {_SINGULAR[self.true]} was read {self._read(1)}."
        return (
            f"{count_of(self.count, self.true)} {'was' if self.count == 1 else 'were'} "
            f"read {self._read(self.count)}, "
            f"{percent(self.share)} of all {_PLURAL[self.true]}."
        )

    def _read(self, count: int) -> str:
        right = self.true == self.predicted
        return "right" if right else f"as {kind_of(count, self.predicted)}"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The labels and probabilities of one run on one split.

    Attributes:
        labels: `(N,)` uint8, the true digits; read-only.
        probabilities: `(N, 10)` float32, rows sum to 1; read-only.
        disputed: Indices of the images whose label people do not agree on.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    disputed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the arrays and keep read-only copies of them.

        Raises:
            ValueError: If they are not labels and probabilities of the same images.
        """
        labels = _checked_labels(np.asarray(self.labels))
        probabilities = _checked_probabilities(np.asarray(self.probabilities))
        if len(labels) != len(probabilities):
            raise ValueError(
                "`labels` and `probabilities` must be of the same images. "
                f"Received: {len(labels):,} labels, {len(probabilities):,} rows."
            )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "probabilities", probabilities)

    @property
    def num_images(self) -> int:
        """How many images were read."""
        return len(self.labels)

    @cached_property
    def predictions(self) -> np.ndarray:
        """`(N,)` uint8, the most probable digit; the lower one of two alike."""
        return _read_only(self.probabilities.argmax(axis=1).astype(np.uint8))

    @cached_property
    def confidences(self) -> np.ndarray:
        """`(N,)` float32 in [0.1, 1], the probability of the predicted digit."""
        return _read_only(self.probabilities.max(axis=1))

    @cached_property
    def is_correct(self) -> np.ndarray:
        """`(N,)` bool, whether the prediction is the label."""
        return _read_only(self.predictions == self.labels)

    @cached_property
    def num_mistakes(self) -> int:
        """How many images were read wrong."""
        return self.num_images - int(self.is_correct.sum())

    @property
    def accuracy(self) -> float:
        """Fraction read right, in [0, 1]; 0.0 of no images."""
        return _ratio(self.num_images - self.num_mistakes, self.num_images)

    @property
    def interval(self) -> Interval:
        """The 95 % Wilson interval of the accuracy."""
        return wilson_interval(self.num_images - self.num_mistakes, self.num_images)

    @cached_property
    def confusion_matrix(self) -> np.ndarray:
        """`(10, 10)` int counts: row = true digit, column = predicted digit."""
        return _read_only(count_confusions(self.labels, self.predictions))

    @cached_property
    def losses(self) -> np.ndarray:
        """`(N,)` float64, the cross-entropy of each image in nats, in [0, 15.9].

        Probabilities are bounded below by float32's epsilon, as in scikit-learn's
        `log_loss`, so that a digit called impossible does not cost infinitely much.
        """
        rows = np.arange(self.num_images)
        probability = self.probabilities[rows, self.labels].astype(np.float64)
        return _read_only(0.0 - np.log(probability.clip(SMALLEST_PROBABILITY, 1.0)))

    @cached_property
    def loss(self) -> float:
        """Mean cross-entropy, in nats; 0.0 of no images."""
        return _ratio(float(self.losses.sum()), self.num_images)

    @cached_property
    def digits(self) -> tuple[DigitScores, ...]:
        """The scores of the ten digits, in order."""
        return tuple(
            _digit_scores(self.confusion_matrix, d) for d in range(NUM_CLASSES)
        )

    def top_confusions(self, num: int) -> list[Confusion]:
        """The `num` most frequent kinds of mistake, or fewer, most frequent first."""
        mistakes = [
            cell
            for cell in confusions(self.confusion_matrix)
            if cell.true != cell.predicted and cell.count > 0
        ]
        return sorted(mistakes, key=lambda cell: (-cell.count, -cell.share))[:num]

    @property
    def is_small(self) -> bool:
        """Whether it has so few images that a percentage would claim too much."""
        return self.num_images < FEW

    def count(self) -> str:
        """How many are right: "2 of 3"."""
        return f"{self.num_images - self.num_mistakes:,} of {self.num_images:,}"

    def score(self) -> str:
        """How many are right and, of many, which share: "17 of 20 (85.0 %)"."""
        if self.is_small:
            return self.count()
        places = 1 if self.num_images < MANY else 2
        return f"{self.count()} ({percent(self.accuracy, places=places)})"

    def sentence(self) -> str:
        """The accuracy in words, with its uncertainty."""
        if self.num_images == 0:
            return "There are no digits to read."
        low, high = (percent(end, places=2) for end in self.interval)
        return (
            f"{self.count()} digits are read right: "
            f"{percent(self.accuracy, places=2)}, "
            f"with a 95 % interval from {low} to {high}."
        )

    def ceiling(self) -> str:
        """Where labels end, in words; "" if nobody disputes one."""
        if not self.disputed:
            return ""
        rows = np.array(self.disputed)
        among = int((self.predictions[rows] != self.labels[rows]).sum())
        end = percent(1 - len(rows) / self.num_images, places=2)
        return (
            f"People do not agree on {len(rows)} of the labels; {among} of its "
            f"mistakes are among them. So labels end at about {end}, and above 99.7 % "
            "single runs differ by luck."
        )


def wilson_interval(num_correct: int, num_images: int) -> Interval:
    """The 95 % interval of an accuracy, by its score (Wilson, 1927).

    Of n images the fraction a is read right; z is `Z_95`. The ends are
    (a + z²/2n ± z √(a (1 - a)/n + z²/4n²)) / (1 + z²/n),
    the accuracies that a two-sided test would not reject. Unlike the textbook's
    a ± z √(a (1 - a)/n) they stay in [0, 1] and are honest near 1, where digit
    readers are. From no images nothing is known: [0, 1].

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22, 209-212.

    Raises:
        ValueError: If more are correct than there are, or either is negative.
    """
    if not 0 <= num_correct <= num_images:
        raise ValueError(
            "`num_correct` must be from 0 to `num_images`. "
            f"Received: num_correct={num_correct}, num_images={num_images}."
        )
    if num_images == 0:
        return Interval(0.0, 1.0)
    measured = num_correct / num_images
    spread = Z_95**2 / num_images
    centre = measured + spread / 2
    margin = math.sqrt(spread * (measured * (1 - measured) + spread / 4))
    low, high = (centre - margin) / (1 + spread), (centre + margin) / (1 + spread)
    return Interval(max(low, 0.0), min(high, 1.0))


def count_confusions(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """`(10, 10)` int counts of two `(N,)` arrays of digits: row = label."""
    cell = labels.astype(np.intp) * NUM_CLASSES + predictions
    counts = np.bincount(cell, minlength=NUM_CLASSES**2)
    return counts.reshape(NUM_CLASSES, NUM_CLASSES)


def confusions(matrix: np.ndarray) -> list[Confusion]:
    """The 100 cells of a `(10, 10)` confusion matrix, row by row."""
    supports = matrix.sum(axis=1)
    return [
        Confusion(true, predicted, int(count), _ratio(count, supports[true]))
        for (true, predicted), count in np.ndenumerate(matrix)
    ]


def percent(share: float, *, places: int = 1) -> str:
    """A fraction in [0, 1] for a sentence: "1.2 %".

    Only none is 0 % and only all is 100 %; what would be rounded to them is "under
    0.1 %" or "over 99.9 %".
    """
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    least = 10.0**-places  # percent
    if share * 100 < least:
        return f"under {least:.{places}f} %"
    if share * 100 > 100 - least:
        return f"over {100 - least:.{places}f} %"
    return f"{share * 100:.{places}f} %"


def count_of(count: int, digit: int) -> str:
    """So many of a digit, in words: "1 four", "12 fours"."""
    return f"{count:,} {(_SINGULAR if count == 1 else _PLURAL)[digit]}"


def kind_of(count: int, digit: int) -> str:
    """What so many images are, in words: "an eight" of one, "eights" of others."""
    if count != 1:
        return _PLURAL[digit]
    return f"{'an' if digit == 8 else 'a'} {_SINGULAR[digit]}"


def _digit_scores(matrix: np.ndarray, digit: int) -> DigitScores:
    right = matrix[digit, digit]
    support, num_predicted = matrix[digit].sum(), matrix[:, digit].sum()
    return DigitScores(
        digit=digit,
        precision=_ratio(right, num_predicted),
        recall=_ratio(right, support),
        f1=_ratio(2 * right, support + num_predicted),
        support=int(support),
        num_predicted=int(num_predicted),
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _checked_labels(labels: np.ndarray) -> np.ndarray:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "`labels` must be `(N,)` whole numbers. "
            f"Received: shape={labels.shape}, dtype={labels.dtype}."
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < NUM_CLASSES:
        raise ValueError(
            "`labels` must be digits from 0 to 9. "
            f"Received: values from {labels.min()} to {labels.max()}."
        )
    return _read_only(labels.astype(np.uint8))


def _checked_probabilities(probabilities: np.ndarray) -> np.ndarray:
    shape, dtype = probabilities.shape, probabilities.dtype
    if len(shape) != 2 or shape[1] != NUM_CLASSES or dtype.kind != "f":
        raise ValueError(
            "`probabilities` must be `(N, 10)` floats. "
            f"Received: shape={shape}, dtype={dtype}."
        )
    if not np.isfinite(probabilities).all() or (probabilities < 0).any():
        raise ValueError("`probabilities` must be finite and not negative.")
    probabilities = probabilities.astype(np.float32)
    far = np.abs(probabilities.sum(axis=1) - 1).max(initial=0.0)
    if far > SUM_TOLERANCE:
        raise ValueError(
            "`probabilities` must have rows that sum to 1. "
            f"Received: a row that is {far:.3g} away."
        )
    return _read_only(probabilities)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
