"""The mean of a network's weights over epochs.

A training that goes on at a steady rate wanders about a good place; the mean of where
it has been lies nearer to the middle (Izmailov et al., "Averaging weights leads to
wider optima and better generalization", 2018).
"""

from collections.abc import Sequence

import numpy as np


class Average:
    """A running mean of lists of arrays of the same shapes."""

    def __init__(self, like: Sequence[np.ndarray]) -> None:
        self._sums = [np.zeros(array.shape) for array in like]
        self._count = np.zeros(())

    def add(self, arrays: Sequence[np.ndarray]) -> None:
        """Take one more list into the mean."""
        self._count += 1
        for total, array in zip(self._sums, arrays, strict=True):
            total += array

    def mean(self) -> list[np.ndarray]:
        """Float32; there must have been one list at least."""
        return [(total / self._count).astype(np.float32) for total in self._sums]

    @property
    def variables(self) -> list[np.ndarray]:
        """All that it remembers, float64; writing into them changes it."""
        return [*self._sums, self._count]
