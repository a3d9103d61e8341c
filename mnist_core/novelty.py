"""Whether an image looks like a digit at all.

Softmax is sure of itself on noise, so two other scores decide: the energy of the
logits (Liu et al., 2020) and the Mahalanobis distance of the features to the nearest
mean (Lee et al., 2018), of a digit or of one of its styles. Each refuses one half
percent of the validation digits at most. A blot, which a network may be sure of, has
more ink than any of them, and blank paper has none.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.files import whole_file

REFUSED = 0.005  # fraction of validation digits that each score refuses
SHRINKAGE = 0.01  # of the covariance towards a sphere, so that it has an inverse


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """What a run knows of digits.

    Attributes:
        means: `(K, D)` float32, the mean features of each kind of digit.
        precision: `(D, D)` float32, the inverse of their shared covariance.
        max_distance: Squared distance beyond which an image is no digit.
        max_energy: Energy beyond which it is none.
        max_ink: Ink of `image_ink` beyond which it is none.
    """

    means: np.ndarray
    precision: np.ndarray
    max_distance: float
    max_energy: float
    max_ink: float

    def is_digit(
        self, images: np.ndarray, features: np.ndarray, logits: np.ndarray
    ) -> np.ndarray:
        """`(N,)` bool, from `(N, 28, 28)` uint8 images and what is read of them."""
        distances = _distances(features, self.means, self.precision)
        ink = image_ink(images)
        return (
            (distances <= self.max_distance)
            & (_energies(logits) <= self.max_energy)
            & (ink > 0)
            & (ink <= self.max_ink)
        )

    def save(self, path: Path) -> None:
        """Write it to an `.npz` file, whole or not at all."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                means=self.means,
                precision=self.precision,
                max_distance=np.array(self.max_distance),
                max_energy=np.array(self.max_energy),
                max_ink=np.array(self.max_ink),
            )

    @classmethod
    def load(cls, path: Path) -> "Novelty":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                means=arrays["means"],
                precision=arrays["precision"],
                max_distance=float(arrays["max_distance"]),
                max_energy=float(arrays["max_energy"]),
                # Runs of before this score lack it.
                max_ink=float(arrays.get("max_ink", np.inf)),
            )


def fit(
    *,
    train_features: np.ndarray,
    train_kinds: np.ndarray,
    val_images: np.ndarray,
    val_features: np.ndarray,
    val_logits: np.ndarray,
) -> Novelty:
    """Learn the digits from train features, and the limits from validation.

    Args:
        train_features: `(N, D)` float32.
        train_kinds: `(N,)` int; the images of one number are alike: one digit, or one
            style of it.
        val_images: `(M, 28, 28)` uint8.
        val_features: `(M, D)` float32.
        val_logits: `(M, 10)` float32.
    """
    kinds, which = np.unique(train_kinds, return_inverse=True)
    means = np.stack(
        [train_features[which == kind].mean(axis=0) for kind in range(len(kinds))]
    )
    residuals = train_features - means[which]
    covariance = residuals.T @ residuals / len(residuals)
    size = len(covariance)
    sphere = np.eye(size) * max(np.trace(covariance) / size, 1e-12)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * sphere
    precision = np.linalg.inv(shrunk).astype(np.float32)
    distances = _distances(val_features, means, precision)
    return Novelty(
        means=means.astype(np.float32),
        precision=precision,
        max_distance=float(np.quantile(distances, 1 - REFUSED, method="higher")),
        max_energy=float(
            np.quantile(_energies(val_logits), 1 - REFUSED, method="higher")
        ),
        max_ink=float(image_ink(val_images).max()),
    )


def image_ink(images: np.ndarray) -> np.ndarray:
    """`(N,)` how many pixels full of ink `(N, 28, 28)` uint8 images hold."""
    return images.sum(axis=(1, 2), dtype=np.int64) / 255


def _distances(
    features: np.ndarray, means: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    """`(N,)` squared Mahalanobis distances to the nearest mean."""
    to_means = []
    for mean in means:
        offsets = features - mean
        to_means.append(np.einsum("nd,nd->n", offsets @ precision, offsets))
    return np.min(to_means, axis=0)


def _energies(logits: np.ndarray) -> np.ndarray:
    """`(N,)` negative log-sum-exp of the logits."""
    peak = logits.max(axis=1, keepdims=True)
    return -(peak[:, 0] + np.log(np.exp(logits - peak).sum(axis=1)))
