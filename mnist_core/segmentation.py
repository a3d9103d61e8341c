"""Several digits in one drawing: which ink is whose, in reading order.

A digit is often several strokes that do not touch: the bar of a 5, the two halves of an
open 4, the circles of an 8. So parts are joined as people write, and one digit too few
is preferred to one too many. The shares were chosen on recorded pen strokes: on those
of other people, fewer than one single digit in a thousand is taken for two.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mnist_core import components, drawing

MAX_DIGITS = 20  # of one drawing; what comes after them is not read
MAX_PARTS = 100  # of one drawing that are looked at, the heaviest
# As shares of the tallest part's height.
SMALL = 0.4  # lower parts belong to a digit beside them, or to none
# As shares of the height of the digit beside it.
REACH = 0.4  # how far away a small part may be
SPECK = 0.2  # both sides of a part that is no stroke of a digit when outside its box
# As shares of the height of two parts together.
LEVEL_GAP = 0.14  # how far one may be above the other in the same digit
FOUR_GAP = 0.13  # how far an open 4's left half may be from its stem
FOUR_HALF = 0.75  # how high that half may be
FOUR_FOOT = 0.2  # how far the stem goes on below it, at least
# As shares of something else.
OVERLAP = 0.4  # of the narrower part's width that is above, below or in the other
STEM = 0.8  # width of an open 4's stem over its height
SAME_LINE = 0.5  # of the lower digit's height that is beside the other


class Box(NamedTuple):
    """Where a digit is, in pixels; bottom and right are excluded."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True, eq=False)
class Digit:
    """One digit of a drawing.

    Attributes:
        ink: `(H, W)` uint8, cut out, without the ink of other digits and specks.
        box: Where its strokes are in the drawing.
    """

    ink: np.ndarray
    box: Box

    def on_paper(self, height: int, width: int) -> np.ndarray:
        """`(height, width)` uint8, its ink where it was in a drawing of that size."""
        paper = np.zeros((height, width), np.uint8)
        top, left = max(self.box.top - 1, 0), max(self.box.left - 1, 0)
        rows, columns = self.ink.shape
        paper[top : top + rows, left : left + columns] = self.ink
        return paper


def digits(ink: np.ndarray) -> list[Digit]:
    """Find the digits of a drawing, from left to right, the top line first.

    Args:
        ink: `(H, W)` uint8, 0 = paper, 255 = ink.

    Returns:
        At most `MAX_DIGITS`; none where nothing is drawn. Specks belong to no digit.
    """
    if ink.max(initial=0) < drawing.MIN_INK:
        return []
    parts = components.find(ink >= drawing.SOLID * ink.max(), ink)
    groups = _in_reading_order(_grouped(parts), parts.boxes)
    return [_cut_out(ink, parts, group) for group in groups[:MAX_DIGITS]]


def _grouped(parts: components.Components) -> list[np.ndarray]:
    """The numbers, from 0, of the parts of each digit."""
    heaviest = np.argsort(-parts.weights, kind="stable")[:MAX_PARTS]
    boxes = parts.boxes[heaviest]
    heights = boxes[:, 2] - boxes[:, 0]
    is_small = heights < SMALL * heights.max()
    large, small = np.flatnonzero(~is_small), np.flatnonzero(is_small)
    owner = np.full(len(boxes), -1)
    owner[large] = _closure(_belong_together(boxes[large]))
    num_groups = owner.max() + 1
    around = np.stack([_around(boxes[owner == group]) for group in range(num_groups)])
    owner[small] = [_owner(box, around) for box in boxes[small]]
    return [heaviest[owner == group] for group in range(num_groups)]


def _belong_together(boxes: np.ndarray) -> np.ndarray:
    """`(N, N)` bool: whether two of `(N, 4)` boxes are parts of the same digit."""
    top, left, bottom, right = boxes.T
    height, width = bottom - top, right - left
    both = np.maximum.outer(bottom, bottom) - np.minimum.outer(top, top)
    overlap = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    above = np.maximum.outer(top, top) - np.minimum.outer(bottom, bottom)
    are_stacked = (overlap >= OVERLAP * np.minimum.outer(width, width)) & (
        above < LEVEL_GAP * both
    )
    # An open 4: rows are its left half, columns its stem.
    is_four = (
        (-overlap < FOUR_GAP * both)
        & (above < 0)
        & (np.add.outer(left, -left) + np.add.outer(right, -right) < 0)
        & (height[:, None] < FOUR_HALF * both)
        & (np.subtract.outer(-bottom, -bottom) > FOUR_FOOT * both)
        & (width < STEM * height)
    )
    return are_stacked | is_four | is_four.T


def _closure(pairs: np.ndarray) -> np.ndarray:
    """`(N,)` int, the group of each of N things of which `(N, N)` bool are linked."""
    linked = pairs | np.eye(len(pairs), dtype=bool)
    for _ in range(len(pairs).bit_length()):
        linked = linked @ linked
    return np.unique(linked.argmax(axis=1), return_inverse=True)[1]


def _around(boxes: np.ndarray) -> np.ndarray:
    """The box around `(N, 4)` boxes."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _owner(box: np.ndarray, groups: np.ndarray) -> int:
    """Which of `(N, 4)` boxes a small part belongs to; -1 if to none."""
    away = np.maximum(groups[:, :2] - box[2:], box[:2] - groups[:, 2:])
    distances = np.hypot(*np.maximum(away, 0).T)
    nearest = int(distances.argmin())
    height = groups[nearest, 2] - groups[nearest, 0]
    is_speck = (box[2:] - box[:2]).max() < SPECK * height and distances[nearest] > 0
    return -1 if is_speck or distances[nearest] > REACH * height else nearest


def _in_reading_order(groups: list[np.ndarray], boxes: np.ndarray) -> list[np.ndarray]:
    """From left to right, the top line first."""
    top, left, bottom, right = np.stack([_around(boxes[group]) for group in groups]).T
    beside = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    lower = np.minimum.outer(bottom - top, bottom - top)
    line = _closure(beside >= SAME_LINE * lower)
    height = np.array([np.mean((top + bottom)[line == number]) for number in line])
    return [groups[index] for index in np.lexsort((left + right, line, height))]


def _cut_out(ink: np.ndarray, parts: components.Components, group: np.ndarray) -> Digit:
    """A digit with the soft edge around it, and no other ink."""
    box = Box(*_around(parts.boxes[group]).tolist())
    place = np.s_[
        max(box.top - 1, 0) : box.bottom + 1, max(box.left - 1, 0) : box.right + 1
    ]
    labels = parts.labels[place]
    own = np.isin(labels, group + 1)
    others = np.pad((labels > 0) & ~own, 1)
    for axis in (0, 1):  # with their soft edges
        others = others | np.roll(others, 1, axis) | np.roll(others, -1, axis)
    return Digit(np.where(others[1:-1, 1:-1] & ~own, 0, ink[place]), box)
