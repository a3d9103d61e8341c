"""Labels made wrong on purpose, to see what they do and whether they are found.

This is symmetric noise: an even draw of the images, and for each an even draw of the
nine other digits (Angluin and Laird, "Learning from noisy examples", 1988). It follows
from a run's config alone, so it is stored nowhere and anyone can tell it again.
"""

from typing import NamedTuple

import numpy as np

from mnist_core.config import NUM_CLASSES, TrainConfig
from mnist_core.data import Split

_STREAM = 1988  # beside the seed, so that nothing else draws the same numbers


class Flipped(NamedTuple):
    """Labels of which some are wrong.

    Attributes:
        labels: `(N,)` uint8, the digits 0 to 9.
        is_flipped: `(N,)` bool, which of them were made wrong.
    """

    labels: np.ndarray
    is_flipped: np.ndarray


def flipped(labels: np.ndarray, config: TrainConfig) -> Flipped:
    """Make the config's share of labels wrong; the same ones every time.

    Args:
        labels: `(N,)` uint8, the true labels of the config's whole train split: of
            another number of them others would be flipped.
        config: Its `label_noise` says how many, rounded, and its `seed` which.
    """
    # The stream of RandomState is frozen, so NumPy's next version flips alike.
    generator = np.random.RandomState([config.seed, _STREAM])
    order = generator.permutation(len(labels))
    chosen = order[: round(config.label_noise * len(labels))]
    steps = generator.randint(1, NUM_CLASSES, len(chosen))  # 1 to 9: never the same
    noisy = labels.copy()
    noisy[chosen] = (labels[chosen] + steps) % NUM_CLASSES
    is_flipped = np.zeros(len(labels), bool)
    is_flipped[chosen] = True
    return Flipped(noisy, is_flipped)


def learned(train: Split, config: TrainConfig) -> Split:
    """The train split of a run with the labels that the run learns from."""
    if not config.label_noise:
        return train
    return Split(train.images, flipped(train.labels, config).labels)
