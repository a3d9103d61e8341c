"""All digits in two dimensions: the plane in which a model's features part them best.

Linear discriminant analysis (Fisher, 1936; Rao, 1948): of all planes, the one in which
the means of the digits lie furthest apart, measured by the spread of each digit.
"""

import numpy as np

SHRINKAGE = 0.01  # of the spread towards a sphere, so that it has an inverse
OUTSIDE = 0.001  # fraction of the digits at each end that may lie on the border


def coordinates(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Where each image lies: `(N, 2)` float32 in [0, 1], x to the right and y up.

    Args:
        features: `(N, D)` float32, before a model's last layer.
        labels: `(N,)` the true digits; at least two of them, or all lie in the middle.
    """
    centred = features.astype(np.float64) - features.mean(axis=0)
    return _into_square(centred @ _axes(centred, labels))


def _axes(centred: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`(D, 2)` the two directions of the plane."""
    digits, which = np.unique(labels, return_inverse=True)
    means = np.stack(
        [centred[which == digit].mean(axis=0) for digit in range(len(digits))]
    )
    residuals = centred - means[which]
    within = residuals.T @ residuals / len(residuals)
    size = len(within)
    sphere = np.eye(size) * max(np.trace(within) / size, 1e-12)
    values, vectors = np.linalg.eigh((1 - SHRINKAGE) * within + SHRINKAGE * sphere)
    whitening = vectors / np.sqrt(values)
    shares = np.bincount(which) / len(which)
    spread = np.sqrt(shares)[:, None] * (means @ whitening)
    _, _, directions = np.linalg.svd(spread, full_matrices=False)
    axes = np.zeros((size, 2))
    axes[:, : min(2, len(directions))] = whitening @ directions[:2].T
    # The sign is arbitrary: what is largest points to the right and up, every time.
    largest = axes[np.abs(axes).argmax(axis=0), range(2)]
    return axes * np.where(largest < 0, -1, 1)


def _into_square(points: np.ndarray) -> np.ndarray:
    low, high = np.quantile(points, (OUTSIDE, 1 - OUTSIDE), axis=0)
    extent = np.where(high > low, high - low, 1)
    scaled = np.where(high > low, (points - low) / extent, 0.5)
    return scaled.clip(0, 1).astype(np.float32)
