"""Ink written again with one pen: stroke width normalisation.

A pen of 20 pixels suits a digit as large as the canvas and fills the loops of one in
its corner. So the width of the strokes is measured, and their edges are moved in or out
until every digit, large or small, is written with the same pen.
"""

import math

import numpy as np
from PIL import Image

from mnist_core.config import IMAGE_SIZE

STROKE = 2.0  # pixels of the box; chosen on recorded pen strokes
FINER = 6  # times the pixels of the box, in which edges are moved
COARSEST = 2  # times the pixels of the box; coarser digits do not show their pen
THICKEST = 0.4  # share of the box; what is wider is a blob and no stroke
THINNEST = 0.1  # share of a digit that may be thinner than the pen is taken to be
EDGE = 0.5  # of the strongest ink, where strokes end
RIM = 2.0  # pixels beyond that edge in which ink is a soft edge, and not faint ink
_MARGIN = math.ceil(STROKE / 2 * FINER) + 1  # room for edges that are moved outwards
_REACH = math.ceil(THICKEST / 2 * IMAGE_SIZE * FINER) + 1  # pixels; more is the same


def rewritten(digit: np.ndarray, box: int) -> np.ndarray:
    """A digit with strokes as wide as `STROKE`; faint ink stays as it is.

    Args:
        digit: `(H, W)` uint8, cut out, 0 = paper, with some ink.
        box: Pixels that its longer side is going to have, `IMAGE_SIZE` at most.

    Returns:
        `(h, w)` uint8 with some paper around it; or the digit itself if it is too
        coarse, or its strokes too thin or too thick, for its pen to be made out.
    """
    if max(digit.shape) < COARSEST * box:
        return digit
    tones = _enlarged(digit, FINER * box)
    is_ink = tones >= EDGE
    if tones[is_ink].sum() < tones.sum() / 2:
        return digit  # hairlines, or shades
    inside = _distance(~is_ink)
    # Half of the ink's width is how far its middle is from paper. Pixels are counted
    # from middle to middle, so half a pixel of the distance is paper.
    middle = np.sort(inside[is_ink & (inside == _highest(inside))])
    width = (2 * middle[int(THINNEST * len(middle))] - 1) / FINER
    if width >= THICKEST * box:
        return digit
    # The pen's path stays. When it fills the box again, the pen is larger or smaller.
    pen = STROKE * (box - width) / (box - STROKE)
    outwards = FINER * (pen - width) / 2
    outside = _distance(is_ink)
    moved = np.where(is_ink, inside, 1 - outside) + outwards
    ink = np.where(outside > RIM + max(outwards, 0), tones, np.clip(moved, 0, 1))
    return np.rint(255 * ink).astype(np.uint8)


def _enlarged(digit: np.ndarray, longer: int) -> np.ndarray:
    """`(h, w)` float32 with a margin of paper, 1 = the strongest ink."""
    height, width = (
        max(1, round(side * longer / max(digit.shape))) for side in digit.shape
    )
    tones = Image.fromarray(digit).convert("F")
    fine = np.asarray(tones.resize((width, height), Image.Resampling.BILINEAR))
    return np.pad(fine / digit.max(), _MARGIN)


def _distance(is_there: np.ndarray) -> np.ndarray:
    """`(H, W)` float32: how far the nearest True is, in pixels, `_REACH` at most.

    First along the rows, then the least over the columns (Felzenszwalb and
    Huttenlocher, "Distance transforms of sampled functions", 2012, by trying all).
    """
    height, width = is_there.shape
    columns = np.arange(width)
    nowhere = width + _REACH
    before = np.where(is_there, columns, -nowhere)
    after = np.where(is_there, columns, width + nowhere)
    before = np.maximum.accumulate(before, axis=1)
    after = np.minimum.accumulate(after[:, ::-1], axis=1)[:, ::-1]
    along = np.minimum(np.minimum(columns - before, after - columns), _REACH)
    squares = np.square(along, dtype=np.float32)
    nearest = squares.copy()
    for away in range(1, min(_REACH, height)):
        np.minimum(nearest[away:], squares[:-away] + away**2, out=nearest[away:])
        np.minimum(nearest[:-away], squares[away:] + away**2, out=nearest[:-away])
    return np.sqrt(nearest)


def _highest(values: np.ndarray) -> np.ndarray:
    """The highest of each pixel and the eight around it."""
    padded = np.pad(values, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
