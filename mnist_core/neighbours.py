"""The training digits that a model finds most like an image."""

from dataclasses import dataclass

import numpy as np

from mnist_core.data import Split
from mnist_core.reader import Reader

MAX_REFERENCE = 5_000  # train images to look among: a second to read, 4 MB to keep


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Images, the nearest first.

    Attributes:
        images: `(k, 28, 28)` uint8.
        labels: `(k,)` uint8, as the run learned them.
        distances: `(k,)` float32, between their features and the image's.
    """

    images: np.ndarray
    labels: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Train images with their features, for a model to look among.

    Attributes:
        split: `(N, 28, 28)` images and their labels.
        features: `(N, D)` float32.
    """

    split: Split
    features: np.ndarray

    def nearest(self, features: np.ndarray, count: int) -> Neighbours:
        """The nearest images by Euclidean distance; of equals, the first.

        Args:
            features: `(D,)` float32, of the image that they are to be near to.
            count: How many, at most.
        """
        distances = np.linalg.norm(self.features - features, axis=1)
        nearest = distances.argsort(kind="stable")[:count]
        found = self.split[nearest]
        return Neighbours(found.images, found.labels, distances[nearest])


def reference(reader: Reader, split: Split) -> Reference:
    """Read the features of a split's first `MAX_REFERENCE` images: about a second."""
    split = split[:MAX_REFERENCE]
    return Reference(split, reader.read(split.images).features)
