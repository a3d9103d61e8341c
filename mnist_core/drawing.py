"""From ink to an image that looks like MNIST.

MNIST's digits were scaled to fit a 20x20 box and then placed in a 28x28 image with
their centre of mass in the middle (LeCun et al., "Gradient-based learning applied
to document recognition", 1998). Measured on MNIST itself, the longer side is 20,
the middle is pixel (14, 14), the move is by whole pixels and the strongest ink is
254 or 255. With the same rules 99.5 % of MNIST's own images come back unchanged.
Before, a drawing is written again with a pen like MNIST's (`stroke_width.py`).
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from mnist_core import stroke_width
from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import EmptyDrawingError

BOX_SIZE = 20  # pixels, the longer side of the digit itself
MIN_INK = 16  # levels of 255; a drawing with nothing stronger is empty
FULL_INK = 254  # levels of 255 that the strongest ink of an MNIST image reaches
SOLID = 0.2  # share of the strongest ink; fainter pixels do not widen the box


@dataclass(frozen=True, slots=True)
class Preparation:
    """Which steps lead from a drawing to an MNIST image; without any, it is shrunk.

    Attributes:
        is_cropped: The paper around the digit is cut off.
        is_rewritten: Then all strokes are made as wide as MNIST's; only of what is cut
            out, as its size says how wide that is.
        is_scaled: The longer side is 20 pixels, and 4 on either side stay free; else
            it fills all 28.
        is_centred: The centre of mass is in the middle; else the middle of the box.
    """

    is_cropped: bool = True
    is_rewritten: bool = True
    is_scaled: bool = True
    is_centred: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A drawing after each step, 0 = paper, 255 = ink.

    Attributes:
        cropped: `(h, w)` uint8.
        rewritten: `(h, w)` uint8, mostly of another size.
        scaled: `(h, w)` uint8, the longer side 20 or 28.
        image: `(28, 28)` uint8.
    """

    cropped: np.ndarray
    rewritten: np.ndarray
    scaled: np.ndarray
    image: np.ndarray


def to_image(ink: np.ndarray) -> np.ndarray:
    """What a model is to read of a drawing: as MNIST was made, and with its pen.

    Args:
        ink: `(H, W)` uint8 of any size, 0 = paper, 255 = ink.

    Returns:
        `(28, 28)` uint8, 0 = paper, 255 = ink.

    Raises:
        EmptyDrawingError: If there is no ink.
    """
    return prepare(ink, Preparation()).image


def to_mnist(ink: np.ndarray) -> np.ndarray:
    """Crop, scale and centre ink the way MNIST was made, with the pen that it has.

    What is drawn by rules for a model to learn from comes in all widths, as MNIST does.
    Arguments, result and errors are those of `to_image`.
    """
    return prepare(ink, Preparation(is_rewritten=False)).image


def prepare(ink: np.ndarray, preparation: Preparation) -> Steps:
    """What `to_image` does, step by step, or some of it.

    Raises:
        EmptyDrawingError: If there is no ink.
    """
    if ink.max(initial=0) < MIN_INK:
        raise EmptyDrawingError("The drawing is empty. Draw a digit first.")
    longer = BOX_SIZE if preparation.is_scaled else IMAGE_SIZE
    cropped = rewritten = _crop(ink) if preparation.is_cropped else ink
    if preparation.is_cropped and preparation.is_rewritten:
        rewritten = _crop(stroke_width.rewritten(cropped, longer))
    scaled = _scale(rewritten, longer)
    height, width = scaled.shape
    top, left = _corner(scaled, preparation.is_centred)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + height, left : left + width] = scaled
    return Steps(cropped, rewritten, scaled, image)


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

    Pillow's filters widen as they shrink, so they average areas: no pixel is skipped.
    Of those that are smooth and never overshoot, Hamming's is the sharpest, and MNIST
    is sharp. In floating point, or a hairline on a large picture would round to 0.
    """
    factor = longer / max(digit.shape)
    height, width = (max(1, round(side * factor)) for side in digit.shape)
    tones = Image.fromarray(digit).convert("F")
    small = tones.resize((width, height), Image.Resampling.HAMMING)
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
