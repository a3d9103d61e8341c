"""Ink, wherever it comes from: the strokes of a pen, a canvas, a picture.

Ink is `(H, W)` uint8 of any size, 0 = paper, 255 = ink. A photograph's is harder to
find (`photos.py`).
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

MIN_CONTRAST = 40  # levels between paper and ink; with less, all is paper
PAPER_NOISE = 16  # levels; what is this close to the paper is paper
SPECKS = 1e-4  # share of the pixels; fewer do not decide how strong the ink is
VISIBLE = 128  # alpha from which a pixel shows its own colour
SHEET = 0.75  # share of its box that a sheet of paper fills, and strokes rarely do


def ink_from_rgba(rgba: np.ndarray) -> np.ndarray:
    """Find the ink of a canvas or a picture, dark on light or light on dark.

    On an opaque picture the paper is the median tone, or that of most of its edge,
    and ink is what differs from it. On a transparent one every stroke is ink, whatever
    its colour, unless the visible part is itself a sheet of paper with ink on it.

    Args:
        rgba: `(H, W, 4)` uint8, alpha not premultiplied.

    Returns:
        `(H, W)` uint8, 0 = paper, 255 = the strongest ink; all 0 if there is none.
    """
    picture = Image.fromarray(rgba)
    alpha = picture.getchannel("A")
    faintest, fullest = int(rgba[..., 3].min()), int(rgba[..., 3].max())
    if faintest == 255:
        return _ink_on_paper(picture)
    visible = alpha.point([255 * (level >= VISIBLE) for level in range(256)])
    if _is_sheet(visible):
        ink = _ink_on_paper(_lay_on_paper(picture, visible))
        if ink.any():
            return ink
    return _strengthen(alpha, faintest, fullest)


def ink_from_strokes(
    strokes: Iterable[np.ndarray], side: int, width: float
) -> np.ndarray:
    """Draw strokes with a round pen.

    Args:
        strokes: Each `(P, 2)` float, pixels to the right and down of the top left.
        side: Of the paper, in pixels.
        width: Of the pen, in pixels.

    Returns:
        `(side, side)` uint8, 0 = paper, 255 = ink, with hard edges.
    """
    paper = Image.new("L", (side, side))
    pen = ImageDraw.Draw(paper)
    for stroke in strokes:
        pen.line([tuple(point) for point in stroke], 255, round(width))
        for x, y in stroke:
            box = (x - width / 2, y - width / 2, x + width / 2, y + width / 2)
            pen.ellipse(box, 255)
    return np.asarray(paper)


def _is_sheet(visible: Image.Image) -> bool:
    """Whether the visible pixels (255, others 0) are as compact as a sheet of paper."""
    box = visible.getbbox()
    if box is None:
        return False
    left, top, right, bottom = box
    num_visible = visible.histogram()[255]
    return num_visible >= SHEET * (right - left) * (bottom - top)


def _lay_on_paper(picture: Image.Image, visible: Image.Image) -> Image.Image:
    """Put a transparent picture on paper of its own median colour."""
    colours = picture.convert("RGB")
    bands = np.reshape(colours.histogram(visible), (3, 256))
    paper = tuple(_levels(band, [0.5])[0] for band in bands)
    sheet = Image.new("RGB", picture.size, paper)
    return Image.composite(colours, sheet, picture.getchannel("A"))


def _ink_on_paper(picture: Image.Image) -> np.ndarray:
    """The ink of a picture that hides nothing, by luminance or else by one colour."""
    for band in "LRGB":  # yellow on white has no contrast but in blue
        tones = picture.convert("L") if band == "L" else picture.getchannel(band)
        counts = tones.histogram()
        darkest, lightest = _levels(counts, [SPECKS, 1 - SPECKS])
        paper = _paper(np.asarray(tones), counts, (darkest + lightest) / 2)
        is_light = lightest - paper > paper - darkest
        ink = _strengthen(tones, paper, lightest if is_light else darkest)
        if ink.any():
            break
    return ink


def _paper(tones: np.ndarray, counts: list[int], middle: float) -> int:
    """The tone of the paper: the median, unless the picture's edge says otherwise.

    On a picture that is cut close around a thick digit, more than half may be ink; of
    its outermost pixels, the most are still paper.
    """
    levels = np.arange(256)
    (paper,) = _levels(counts, [0.5])
    edge = np.concatenate([tones[0], tones[-1], tones[1:-1, 0], tones[1:-1, -1]])
    if (np.median(edge) > middle) != (paper > middle):
        other_side = (levels > middle) != (paper > middle)
        (paper,) = _levels(np.array(counts) * other_side, [0.5])
    return paper


def _levels(histogram: list[int] | np.ndarray, shares: list[float]) -> list[int]:
    """The levels, 0 to 255, up to which these shares of the pixels lie."""
    counts = np.cumsum(histogram)
    return [int(np.searchsorted(counts, share * counts[-1])) for share in shares]


def _strengthen(tones: Image.Image, paper: int, strongest: int) -> np.ndarray:
    """Map tones to ink: `paper` to 0, `strongest` to 255, noise to 0."""
    contrast = abs(strongest - paper)
    if contrast < MIN_CONTRAST:
        return np.zeros((tones.height, tones.width), np.uint8)
    distance = (np.arange(256) - paper) * np.sign(strongest - paper)
    ink = np.rint(255 * np.minimum(distance / contrast, 1))
    ink[distance < PAPER_NOISE] = 0
    return np.asarray(tones.point(ink.astype(int).tolist()))
