"""Connected components: which pixels of a drawing hang together."""

from dataclasses import dataclass

import numpy as np

# A part's place: `[top:bottom, left:right]`.
Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The parts of a mask, numbered in the order of their topmost pixels.

    Attributes:
        labels: `(H, W)` int32, 0 where the mask is empty, else a part's number from 1.
        boxes: `(N, 4)` int: top, left, bottom and right of each part, ends excluded.
        weights: `(N,)` float, the sum of what was weighed, or the number of pixels.
    """

    labels: np.ndarray
    boxes: np.ndarray
    weights: np.ndarray

    def mask(self, chosen: np.ndarray) -> np.ndarray:
        """`(H, W)` bool, the pixels of the parts that `(N,)` bool chooses."""
        return np.concatenate([[False], chosen])[self.labels]


def find(mask: np.ndarray, weight: np.ndarray | None = None) -> Components:
    """Find the parts that hang together, also over corners.

    Rows are cut into runs; runs that touch runs of the next row are joined. The time
    is nearly proportional to the number of pixels, whatever their pattern.

    Args:
        mask: `(H, W)` bool.
        weight: `(H, W)` of any number type, what each pixel weighs.
    """
    height, width = mask.shape
    stride = width + 1  # an empty column, so that no run goes round to the next row
    flat = np.zeros(height * stride + 1, np.int8)
    flat[1:].reshape(height, stride)[:, :width] = mask
    edges = np.flatnonzero(np.diff(flat, append=np.int8(0)))
    starts, ends = edges[::2], edges[1::2]
    parts, numbers = np.unique(_joined(starts, ends, stride), return_inverse=True)
    labels = np.repeat(numbers + 1, ends - starts).astype(np.int32)
    picture = np.zeros((height, width), np.int32)
    picture[mask] = labels
    weights = None if weight is None else weight[mask]
    return Components(
        labels=picture,
        boxes=_boxes(starts, ends, stride, numbers, len(parts)),
        weights=np.bincount(labels - 1, weights, len(parts)).astype(float),
    )


def _joined(starts: np.ndarray, ends: np.ndarray, stride: int) -> np.ndarray:
    """For each run, the first run of its part."""
    first = np.searchsorted(ends, starts + stride)
    counts = np.searchsorted(starts, ends + stride, "right") - first
    upper = np.repeat(np.arange(len(starts)), counts)
    lower = np.arange(len(upper)) + np.repeat(
        first - np.cumsum(counts) + counts, counts
    )
    roots = np.arange(len(starts))
    while True:
        one, other = roots[upper], roots[lower]
        if np.array_equal(one, other):
            return roots
        np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(roots, roots[roots]):
            roots = roots[roots]


def _boxes(
    starts: np.ndarray, ends: np.ndarray, stride: int, numbers: np.ndarray, count: int
) -> np.ndarray:
    rows = starts // stride
    boxes = np.empty((count, 4), int)
    boxes[:, :2], boxes[:, 2:] = np.iinfo(int).max, 0
    np.minimum.at(boxes[:, 0], numbers, rows)
    np.minimum.at(boxes[:, 1], numbers, starts % stride)
    np.maximum.at(boxes[:, 2], numbers, rows + 1)
    np.maximum.at(boxes[:, 3], numbers, ends - rows * stride)
    return boxes
