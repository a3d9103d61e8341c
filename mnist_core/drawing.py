"""From a drawing or a picture to an image that looks like MNIST.

MNIST's digits were scaled to fit a 20x20 box and then placed in a 28x28 image with
their centre of mass in the middle (LeCun et al., "Gradient-based learning applied
to document recognition", 1998). Measured on MNIST itself, the longer side is 20,
the middle is pixel (14, 14), the move is by whole pixels and the strongest ink is
254 or 255. With the same rules 99.5 % of MNIST's own images come back unchanged.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import EmptyDrawingError

BOX_SIZE = 20  # pixels, the longer side of the digit itself
MIN_INK = 16  # levels of 255; a drawing with nothing stronger is empty
FULL_INK = 254  # levels of 255 that the strongest ink of an MNIST image reaches
SOLID = 0.2  # share of the strongest ink; fainter pixels do not widen the box
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
        pen.line([tuple(point) for point in stroke], 255, round(width), joint="curve")
        for x, y in stroke[[0, -1]]:
            box = (x - width / 2, y - width / 2, x + width / 2, y + width / 2)
            pen.ellipse(box, 255)
    return np.asarray(paper)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Which steps lead from a drawing to an MNIST image; without any, it is shrunk.

    Attributes:
        is_cropped: The paper around the digit is cut off.
        is_scaled: The longer side is 20 pixels, and 4 on either side stay free; else
            it fills all 28.
        is_centred: The centre of mass is in the middle; else the middle of the box.
    """

    is_cropped: bool = True
    is_scaled: bool = True
    is_centred: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A drawing after each step, 0 = paper, 255 = ink.

    Attributes:
        cropped: `(h, w)` uint8.
        scaled: `(h, w)` uint8, the longer side 20 or 28.
        image: `(28, 28)` uint8.
    """

    cropped: np.ndarray
    scaled: np.ndarray
    image: np.ndarray


def to_mnist(ink: np.ndarray) -> np.ndarray:
    """Crop, scale and centre a drawing the way MNIST was made.

    Args:
        ink: `(H, W)` uint8 of any size, 0 = paper, 255 = ink.

    Returns:
        `(28, 28)` uint8, 0 = paper, 255 = ink.

    Raises:
        EmptyDrawingError: If there is no ink.
    """
    return prepare(ink, Preparation()).image


def prepare(ink: np.ndarray, preparation: Preparation) -> Steps:
    """What `to_mnist` does, step by step, or some of it.

    Raises:
        EmptyDrawingError: If there is no ink.
    """
    if ink.max(initial=0) < MIN_INK:
        raise EmptyDrawingError("The drawing is empty. Draw a digit first.")
    cropped = _crop(ink) if preparation.is_cropped else ink
    scaled = _scale(cropped, BOX_SIZE if preparation.is_scaled else IMAGE_SIZE)
    height, width = scaled.shape
    top, left = _corner(scaled, preparation.is_centred)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + height, left : left + width] = scaled
    return Steps(cropped, scaled, image)


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


def _crop(ink: np.ndarray) -> np.ndarray:
    """Cut out the digit: the solid ink and the soft edge of one pixel around it."""
    digit = _box(ink, SOLID * ink.max(), margin=1)
    return _box(digit, 1, margin=0)


def _box(ink: np.ndarray, level: float, margin: int) -> np.ndarray:
    """Cut out all ink of at least `level`, and `margin` pixels around it."""
    rows = np.flatnonzero(ink.max(axis=1) >= level).tolist()
    columns = np.flatnonzero(ink.max(axis=0) >= level).tolist()
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    box = np.s_[top : rows[-1] + 1 + margin, left : columns[-1] + 1 + margin]
    return ink[box]


def _scale(digit: np.ndarray, longer: int) -> np.ndarray:
    """Make the longer side so long and the strongest ink full, as in MNIST.

    Pillow's bilinear filter widens as it shrinks, so it averages areas: no pixel is
    skipped. In floating point, or a hairline on a large picture would round to 0.
    """
    factor = longer / max(digit.shape)
    height, width = (max(1, round(side * factor)) for side in digit.shape)
    tones = Image.fromarray(digit).convert("F")
    small = tones.resize((width, height), Image.Resampling.BILINEAR)
    scaled = np.asarray(small, np.float32)
    if scaled.max() < FULL_INK:
        scaled = scaled * (255 / scaled.max())
    return np.rint(scaled).astype(np.uint8)


def _corner(digit: np.ndarray, is_centred: bool) -> tuple[int, int]:
    """Where the top left goes so that the centre of mass, or the box, is centred."""
    room = IMAGE_SIZE - np.array(digit.shape)
    if not is_centred:
        top, left = room // 2
        return int(top), int(left)
    centre = np.average(np.indices(digit.shape), axis=(1, 2), weights=digit)
    top, left = np.clip(np.rint(IMAGE_SIZE / 2 - centre), 0, room)
    return int(top), int(left)
