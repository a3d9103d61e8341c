"""MNIST, split for training: 55,000 / 5,000 / 10,000, the same on every machine.

Loading reads what is on this machine and never the network; `fetch_mnist` gets it.
The test split is for evaluation alone.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mnist_core.data.copies import NAMES
from mnist_core.data.sources import Located, fetch_mnist, find_mnist, read_first

__all__ = [
    "DISPUTED_TEST",
    "NUM_BY_STUDENTS",
    "NUM_VALIDATION",
    "PEOPLE_READ",
    "Located",
    "Mnist",
    "Split",
    "fetch_mnist",
    "find_mnist",
    "load_mnist",
    "load_test",
]

NUM_VALIDATION = 5_000  # images
# Test images whose label fewer than three of five people confirmed, of the hundred that
# were asked about (Northcutt, Athalye & Mueller, "Pervasive label errors", 2021).
DISPUTED_TEST = (
    947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679,
    9729,
)  # fmt: skip
# What three or more of the five read instead; on the other images they did not agree.
PEOPLE_READ = {
    947: 9, 1621: 6, 1901: 4, 2462: 0, 2597: 3, 3558: 0, 5937: 3, 6651: 6, 6783: 6,
    9729: 6,
}  # fmt: skip
# The first test images are by high-school students, the others, but for one, by staff
# of the Census Bureau (Yadav and Bottou, "Cold case: the lost MNIST digits", 2019).
NUM_BY_STUDENTS = 5_000
_SPLIT_SEED = 1998  # any number would do; another one is another split


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images with their labels, read-only.

    Attributes:
        images: `(N, 28, 28)` uint8, 0 = paper, 255 = ink.
        labels: `(N,)` uint8, the true digits, 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _read_only(self.images))
        object.__setattr__(self, "labels", _read_only(self.labels))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: slice | np.ndarray) -> Self:
        return type(self)(self.images[chosen], self.labels[chosen])

    def __add__(self, other: Self) -> Self:
        """These images, and then those of the other."""
        return type(self)(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Mnist:
    """The three splits: train and validation never share an image."""

    train: Split
    validation: Split
    test: Split


def load_mnist(
    *, num_train: int | None = None, num_validation: int = NUM_VALIDATION
) -> Mnist:
    """Load MNIST from this machine, split the same way every time.

    Both parts of the 60,000 training images hold the digits in MNIST's own
    proportions, and a smaller train split is the beginning of a larger one.

    Args:
        num_train: Images to train on; `None` for all that validation leaves.
        num_validation: Images to watch while training.

    Raises:
        DatasetError: If no intact copy is on this machine.
        ValueError: If there are not that many images.
    """
    arrays = read_first(NAMES)
    whole = Split(arrays["x_train"], arrays["y_train"])
    end = _end_of_train(len(whole), num_train, num_validation)
    order = _stratified_order(whole.labels)
    return Mnist(
        train=whole[order[num_validation:end]],
        validation=whole[order[:num_validation]],
        test=Split(arrays["x_test"], arrays["y_test"]),
    )


def load_test() -> Split:
    """Load the 10,000 test images alone: 8 MB instead of 55.

    Raises:
        DatasetError: If no intact copy is on this machine.
    """
    arrays = read_first(("x_test", "y_test"))
    return Split(arrays["x_test"], arrays["y_test"])


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _end_of_train(total: int, num_train: int | None, num_validation: int) -> int:
    """Where the train split ends in the stratified order."""
    if not 0 <= num_validation < total:
        raise ValueError(
            f"`num_validation` must be from 0 to {total - 1}. "
            f"Received: num_validation={num_validation}."
        )
    left = total - num_validation
    if num_train is None:
        return total
    if not 1 <= num_train <= left:
        raise ValueError(
            f"`num_train` must be from 1 to {left}. Received: num_train={num_train}."
        )
    return num_validation + num_train


def _stratified_order(labels: np.ndarray) -> np.ndarray:
    """A shuffled order in which every beginning has each digit in proportion.

    Image number r of a digit with n images, counted from 0 in a random order, goes
    to the place (r + 0.5) / n of the whole.

    Args:
        labels: `(N,)` uint8.

    Returns:
        `(N,)` int, a permutation of the indices.
    """
    # The stream of RandomState is frozen, so NumPy's next version splits alike.
    shuffled = np.random.RandomState(_SPLIT_SEED).permutation(len(labels))
    by_digit = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    ranks = np.arange(len(labels)) - np.repeat(starts, counts)
    places = (ranks + 0.5) / np.repeat(counts, counts)
    return by_digit[np.argsort(places, kind="stable")]
