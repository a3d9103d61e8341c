"""Ink written again with one pen: stroke width normalisation.

A pen of 20 pixels suits a digit as large as the canvas and fills the loops of one in
its corner. So the width of the strokes is measured, and their edges are moved in or out
until every digit, large or small, is written with the same pen. Filled loops open.
"""

import math

import numpy as np
from PIL import Image

from mnist_core.config import IMAGE_SIZE

STROKE = 2.0  # pixels of the box; chosen on recorded pen strokes
FINER = 6  # times the pixels of the box, in which edges are moved
COARSEST = 2  # times the pixels of the box; coarser digits do not show their pen
THICKEST = 0.4  # share of the box; what is wider is a blob and no stroke
THIN_PARTS = 0.1  # share of the strokes' middle; the pen is no thicker than these
HOLE = 0.5  # pixels of the box, half of the narrowest loop that is opened
GRAIN = 0.05  # share of the ink that tiny holes may be; chalk and crayons have more
EDGE = 128  # levels of 255, where strokes end
RIM = 2.0  # pixels beyond the edge in which ink is a soft edge, and not faint ink
_MARGIN = math.ceil(STROKE / 2 * FINER) + 1  # room for edges that are moved outwards
_REACH = math.ceil(THICKEST / 2 * IMAGE_SIZE * FINER) + 1  # half of the thickest


def rewritten(digit: np.ndarray, box: int) -> np.ndarray:
    """A digit with strokes as wide as `STROKE`.

    Faint ink stays as it is, and so does what the pen is too thick to have drawn.

    Args:
        digit: `(H, W)` uint8, cut out, 0 = paper, with some ink.
        box: Pixels that its longer side is going to have, `IMAGE_SIZE` at most.

    Returns:
        `(h, w)` uint8 with some paper around it; or the digit itself if it is too
        coarse, or its strokes too thin, too thick or too grainy, for its pen to be made
        out.
    """
    if max(digit.shape) < COARSEST * box:
        return digit
    tones = _enlarged(digit, FINER * box)
    is_ink = tones >= EDGE
    if tones[is_ink].sum() < tones.sum() / 2:
        return digit  # hairlines, or shades
    without_holes = -_highest(-_highest(is_ink.astype(np.int8)))
    if without_holes.sum() > (1 + GRAIN) * is_ink.sum():
        return digit
    inside = _distance(~is_ink)
    thin, usual = _widths(inside)
    # Thin parts must not vanish where strokes are thinned, and they are no reason to
    # thicken all.
    width = thin if thin > STROKE else min(usual, STROKE)
    if width >= THICKEST * box:
        return digit
    # The pen's path stays. When it fills the box again, the pen is larger or smaller.
    pen = STROKE * (box - width) / (box - STROKE)
    outwards = FINER * (pen - width) / 2
    if outwards < 0:
        moved = inside + outwards
        reach = RIM - math.sqrt(2) * outwards  # as far as the corners of square pens
        is_other = _distance(moved > 0, math.ceil(reach) + 1) > reach
        moved = np.minimum(moved, _loops(inside, FINER * (width + pen) / 2))
    else:
        reach = RIM + outwards
        outside = _distance(is_ink, math.ceil(reach) + 1)
        moved = 1 - outside + outwards
        is_other = outside > reach
    ink = np.where(is_other, tones, np.rint(255 * np.clip(moved, 0, 1)))
    return ink.astype(np.uint8)


def grown(fine: np.ndarray, growth: float) -> np.ndarray:
    """Ink as a thicker pen would have drawn it.

    Args:
        fine: `(H, W)` uint8, `FINER` times as fine as an image.
        growth: Pixels of an image, on either side of each stroke.

    Returns:
        `(h, w)` uint8 with some paper around it; as it was where all is faint.
    """
    reach = FINER * growth
    paper = math.ceil(reach) + 1
    padded = np.pad(fine, paper)
    is_ink = padded >= EDGE
    if not is_ink.any():
        return padded
    moved = 1 - _distance(is_ink, paper) + reach
    return np.rint(255 * np.clip(moved, 0, 1)).astype(np.uint8)


def _enlarged(digit: np.ndarray, longer: int) -> np.ndarray:
    """`(h, w)` uint8 with a margin of paper, 255 = the most ink."""
    height, width = (
        max(1, round(side * longer / max(digit.shape))) for side in digit.shape
    )
    levels = Image.fromarray(digit).convert("F")
    fine = np.asarray(levels.resize((width, height), Image.Resampling.BILINEAR))
    return np.pad(np.rint(fine * (255 / digit.max())).astype(np.uint8), _MARGIN)


def _widths(inside: np.ndarray) -> tuple[float, float]:
    """Of the thin parts, and of the strokes that hold half of the ink, in the box.

    Half of the ink's width is how far its middle is from paper. Pixels are counted from
    middle to middle, so half a pixel of that distance is paper.
    """
    is_middle = (inside > 0) & (inside == _highest(inside))
    middle = np.sort(inside[is_middle])
    thin = middle[int(THIN_PARTS * len(middle))]
    ink = np.cumsum(middle)
    usual = middle[np.searchsorted(ink, ink[-1] / 2)]
    return (2 * float(thin) - 1) / FINER, (2 * float(usual) - 1) / FINER


def _loops(inside: np.ndarray, deep: float) -> np.ndarray | float:
    """How far pixels are outside of loops that the pen has filled; below 0 inside.

    The path of a pen is half its width from paper. What is deeper in the ink, by half
    of the new pen as well, is none of it: there was paper within a loop.
    """
    around = FINER * HOLE
    filled = inside - 0.5 > deep + around
    if not filled.any():
        return np.inf
    return _distance(filled, math.ceil(around) + 2) - around


def _distance(is_there: np.ndarray, most: int = _REACH) -> np.ndarray:
    """`(H, W)` float32: how far the nearest True is, in pixels, `most` at most.

    First along the rows, where all distances are sums of 1, 2, 4, …; then the least
    over the columns (Felzenszwalb and Huttenlocher, "Distance transforms of sampled
    functions", 2012, by trying all). Small integers are what processors do fastest.
    """
    height, width = is_there.shape
    along = np.where(is_there, 0, np.int16(most))
    away = 1
    while away < min(most, width):
        np.minimum(along[:, away:], along[:, :-away] + away, out=along[:, away:])
        np.minimum(along[:, :-away], along[:, away:] + away, out=along[:, :-away])
        away *= 2
    squares = along * along
    nearest = squares.copy()
    for away in range(1, min(most, height)):
        if away**2 >= nearest.max():
            break  # nothing so far away is nearer
        np.minimum(nearest[away:], squares[:-away] + away**2, out=nearest[away:])
        np.minimum(nearest[:-away], squares[away:] + away**2, out=nearest[:-away])
    return np.sqrt(nearest, dtype=np.float32)


def _highest(values: np.ndarray) -> np.ndarray:
    """The highest of each pixel and the eight around it."""
    padded = np.pad(values, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
