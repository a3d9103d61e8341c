"""Whether an image looks like a digit at all.

Softmax is sure of itself on noise, so what the network sees is weighed otherwise: its
features, how strong they are, the energy of its logits (Liu et al., 2020) and the
logits by size. A logistic regression learns to tell digits from images that are none.
Its limit is set so that at most one percent of validation digits are refused. A blot
has more ink than any digit, and blank paper has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.files import whole_file

REFUSED = 0.01  # the most of validation digits, of MNIST's pens and of other ones
RIDGE = 1.0  # penalty on the squared weights, in standard deviations
MAX_STEPS = 25  # of Newton; it takes about ten


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """What a run knows of digits.

    Attributes:
        weights: `(D + 12,)` float64, of `evidence` that it is none.
        limit: Weighted evidence beyond which an image is no digit.
        max_ink: Ink of `image_ink` beyond which it is none.
    """

    weights: np.ndarray
    limit: float
    max_ink: float

    def is_digit(
        self, images: np.ndarray, features: np.ndarray, logits: np.ndarray
    ) -> np.ndarray:
        """`(N,)` bool, from `(N, 28, 28)` uint8 images and what is read of them."""
        ink = image_ink(images)
        weighed = evidence(features, logits) @ self.weights
        return (weighed <= self.limit) & (ink > 0) & (ink <= self.max_ink)

    def save(self, path: Path) -> None:
        """Write it to an `.npz` file, whole or not at all."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                weights=self.weights,
                limit=np.array(self.limit),
                max_ink=np.array(self.max_ink),
            )

    @classmethod
    def load(cls, path: Path) -> "Novelty":
        """Read what `save` wrote, now or before there were weights.

        Such older files hold a limit of the energy, which still counts, and one of a
        distance, which does not.
        """
        with np.load(path, allow_pickle=False) as arrays:
            max_ink = float(arrays.get("max_ink", np.inf))
            if "weights" in arrays:
                return cls(arrays["weights"], float(arrays["limit"]), max_ink)
            num_features = arrays["means"].shape[1]
            weights = np.zeros(num_features + 2 + NUM_CLASSES)
            weights[num_features + 1] = 1
            return cls(weights, float(arrays["max_energy"]), max_ink)


def evidence(features: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """`(N, D + 12)` float64: what is weighed to tell whether it is a digit.

    Args:
        features: `(N, D)` float32; they come first, then how long they are.
        logits: `(N, 10)` float32; their energy, and they themselves, the least first.
    """
    features, logits = features.astype(float), logits.astype(float)
    lengths = np.linalg.norm(features, axis=1)
    parts = (features, np.log1p(lengths), _energies(logits), np.sort(logits, axis=1))
    return np.column_stack(parts)


def fit(
    *,
    digits: np.ndarray,
    others: np.ndarray,
    held_out: Sequence[np.ndarray],
    max_ink: float,
) -> Novelty:
    """Learn to tell digits from what is none.

    Args:
        digits: `(N, D + 12)`, the `evidence` of digits.
        others: `(M, D + 12)`, of images that are none.
        held_out: Of digits that are not among them, some each; of each, at most
            `REFUSED` are beyond the limit.
        max_ink: Of `Novelty`.
    """
    both = np.concatenate([digits, others])
    middle, spread = both.mean(axis=0), both.std(axis=0)
    spread[spread < 1e-9] = 1  # a dead unit
    is_other = np.arange(len(both)) >= len(digits)
    weights = _logistic((both - middle) / spread, is_other) / spread
    limits = [
        np.quantile(part @ weights, 1 - REFUSED, method="higher") for part in held_out
    ]
    return Novelty(weights, float(max(limits)), max_ink)


def image_ink(images: np.ndarray) -> np.ndarray:
    """`(N,)` how many pixels full of ink `(N, 28, 28)` uint8 images hold."""
    return images.sum(axis=(1, 2), dtype=np.int64) / 255


def _logistic(inputs: np.ndarray, is_one: np.ndarray) -> np.ndarray:
    """The weights, without the constant, of a logistic regression with a ridge.

    Newton's steps, each halved until it gains. The limit that is set afterwards makes
    up for the constant.
    """
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    ridge = np.full(inputs.shape[1], RIDGE)
    ridge[-1] = 0
    signs = np.where(is_one, 1.0, -1.0)

    def loss(weights: np.ndarray) -> float:
        missed = np.logaddexp(0, -signs * (inputs @ weights)).sum()
        return float(missed + ridge @ weights**2 / 2)

    weights = np.zeros(inputs.shape[1])
    lowest = loss(weights)
    for _ in range(MAX_STEPS):
        ones = 0.5 * (1 + np.tanh(inputs @ weights / 2))  # their probabilities
        slope = inputs.T @ (ones - is_one) + ridge * weights
        curvature = (inputs * (ones * (1 - ones))[:, None]).T @ inputs
        step = np.linalg.solve(curvature + np.diag(ridge + 1e-9), slope)
        gained = lowest - (lower := loss(weights - step))
        while gained < 0 and np.abs(step).max() > 1e-9:
            step /= 2
            gained = lowest - (lower := loss(weights - step))
        if gained <= 1e-6 * lowest:
            break
        weights, lowest = weights - step, lower
    return weights[:-1]


def _energies(logits: np.ndarray) -> np.ndarray:
    """`(N,)` negative log-sum-exp of the logits."""
    peak = logits.max(axis=1, keepdims=True)
    return -(peak[:, 0] + np.log(np.exp(logits - peak).sum(axis=1)))
