"""What happens to digits outside MNIST: seven kinds of change, each weak to strong.

As Hendrycks and Dietterich, "Benchmarking neural network robustness to common
corruptions and perturbations" (2019), and Mu and Gilmer, "MNIST-C" (2019), do it: the
model is as it was, only what it reads is changed.

What is left to chance depends on the kind and on the image's index alone. So an image
looks the same whenever it is changed again, alone or among others, and a stronger
noise or a larger square is the weaker one, grown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
from PIL import Image

from mnist_core.config import IMAGE_SIZE

INKED = 127  # levels of 255; a square covers a pixel with more
_DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # rows and columns to move by
_MARGIN = IMAGE_SIZE  # pixels of paper around a digit that is shrunk


@dataclass(frozen=True, slots=True)
class Corruption:
    """A kind of change and how strong it may be.

    Attributes:
        kind: Its name in files and addresses.
        title: What a person reads.
        unit: Of a strength, as it stands after it.
        axis: What a strength is, with its unit.
        strengths: They rise; one of them is `none`.
        none: The strength that changes nothing.
        is_signed: Whether a strength has a sign to be shown.
        words: What was done to an image, by the strength: "Turned by 30° clockwise".
        change: `(n, 28, 28)` uint8 images, their `(n,)` int indices and a strength
            other than `none` give such images.
    """

    kind: str
    title: str
    unit: str
    axis: str
    strengths: tuple[float, ...]
    none: float
    is_signed: bool
    words: Callable[[float], str]
    change: Callable[[np.ndarray, np.ndarray, float], np.ndarray]

    def number(self, strength: float) -> str:
        """A strength in short: "+30", "0.6"."""
        is_signed = self.is_signed and strength != 0
        return f"{strength:+g}" if is_signed else f"{strength:g}"


class Step(NamedTuple):
    """A kind of change at one of its strengths other than `none`."""

    kind: str
    strength: float


def corrupted(
    images: np.ndarray, indices: np.ndarray, kind: str, strength: float
) -> np.ndarray:
    """Change images.

    Args:
        images: `(n, 28, 28)` uint8, 0 = paper, 255 = ink.
        indices: `(n,)` int from 0, which images they are: the seeds of chance.
        kind: One of `CORRUPTIONS`.
        strength: One of the kind's.

    Returns:
        `(n, 28, 28)` uint8, new ones.

    Raises:
        ValueError: If the strength is none of the kind's.
    """
    corruption = CORRUPTIONS[kind]
    if strength not in corruption.strengths:
        raise ValueError(
            f"`strength` of {kind} must be one of {corruption.strengths}. "
            f"Received: {strength}."
        )
    if strength == corruption.none or not len(images):
        return images.copy()
    return corruption.change(images, indices, strength)


def _turned(images: np.ndarray, indices: np.ndarray, degrees: float) -> np.ndarray:
    """Around the middle of the image; clockwise is more."""
    angle = np.radians(degrees)
    # Where the ink of each new pixel comes from.
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.full(2, IMAGE_SIZE / 2)
    rows = np.column_stack([back, middle - back @ middle]).ravel().tolist()
    size, bicubic = (IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC
    affine = Image.Transform.AFFINE
    turned = (
        Image.fromarray(one).transform(size, affine, rows, bicubic) for one in images
    )
    return np.stack([np.asarray(one) for one in turned])


def _moved(images: np.ndarray, indices: np.ndarray, pixels: float) -> np.ndarray:
    """Up, down, left or right; what leaves the image is lost."""
    by = int(pixels)
    padded = np.pad(images, [(0, 0), (by, by), (by, by)])
    moved = np.empty_like(images)
    for place, chance in enumerate(_chances("shift", indices)):
        down, right = _DIRECTIONS[chance.integers(len(_DIRECTIONS))]
        top, left = by - by * down, by - by * right
        moved[place] = padded[place, top : top + IMAGE_SIZE, left : left + IMAGE_SIZE]
    return moved


def _scaled(images: np.ndarray, indices: np.ndarray, factor: float) -> np.ndarray:
    """Around the middle; Pillow's filter averages where it shrinks."""
    margin = (_MARGIN, _MARGIN)
    padded = np.pad(images, [(0, 0), margin, margin])
    middle, half = _MARGIN + IMAGE_SIZE / 2, IMAGE_SIZE / 2 / factor
    low, high = middle - half, middle + half
    size, bicubic = (IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC
    box = (low, low, high, high)
    scaled = (Image.fromarray(one).resize(size, bicubic, box=box) for one in padded)
    return np.stack([np.asarray(one) for one in scaled])


def _noisy(images: np.ndarray, indices: np.ndarray, percent: float) -> np.ndarray:
    """Gaussian noise on each pixel; what is beyond paper and full ink is cut off."""
    shape = images.shape[1:]
    noise = np.stack(
        [
            chance.standard_normal(shape, np.float32)
            for chance in _chances("noise", indices)
        ]
    )
    return _levels(images + 255 * percent / 100 * noise)


def _blurred(images: np.ndarray, indices: np.ndarray, pixels: float) -> np.ndarray:
    """A Gaussian whose standard deviation is so many pixels; paper lies around."""
    away = np.subtract.outer(np.arange(IMAGE_SIZE), np.arange(IMAGE_SIZE))
    reach = np.arange(-IMAGE_SIZE, IMAGE_SIZE + 1)
    weights = np.exp(-((away / pixels) ** 2) / 2)
    weights /= np.exp(-((reach / pixels) ** 2) / 2).sum()
    filters = weights.astype(np.float32)
    return _levels(filters @ images.astype(np.float32) @ filters.T)


def _thickened(images: np.ndarray, indices: np.ndarray, pixels: float) -> np.ndarray:
    """Grey dilation or erosion by a plus of five pixels, so many times.

    Part of a time is part of the way from before to after.
    """
    strongest = np.max if pixels > 0 else np.min
    whole, part = divmod(abs(pixels), 1)
    for _ in range(int(whole)):
        images = strongest(_neighbours(images), axis=0)
    if part:
        after = strongest(_neighbours(images), axis=0).astype(np.float32)
        images = _levels((1 - part) * images + part * after)
    return images


def _covered(images: np.ndarray, indices: np.ndarray, side: float) -> np.ndarray:
    """A square of paper, its middle on some pixel of the ink."""
    size = int(side)
    covered = images.copy()
    for image, chance in zip(covered, _chances("occlusion", indices), strict=True):
        inked = np.argwhere(image > INKED)
        where = inked if len(inked) else np.argwhere(image >= 0)
        middle = where[int(chance.random() * len(where))]
        top, left = np.maximum(middle - size // 2, 0)
        bottom, right = np.maximum(middle - size // 2 + size, 0)
        image[top:bottom, left:right] = 0
    return covered


def _neighbours(images: np.ndarray) -> np.ndarray:
    """`(5, n, 28, 28)` uint8: each pixel, and those above, below, left and right."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1)])
    inside = slice(1, -1)
    return np.stack(
        [
            images,
            padded[:, :-2, inside],
            padded[:, 2:, inside],
            padded[:, inside, :-2],
            padded[:, inside, 2:],
        ]
    )


def _levels(tones: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(tones, 0, 255)).astype(np.uint8)


def _chances(kind: str, indices: np.ndarray) -> Iterator[np.random.Generator]:
    """A generator for each image."""
    seed = crc32(kind.encode())
    return (np.random.default_rng([seed, index]) for index in indices.tolist())


def _turned_words(degrees: float) -> str:
    way = "clockwise" if degrees > 0 else "anticlockwise"
    return f"Turned by {abs(degrees):g}° {way}"


def _moved_words(pixels: float) -> str:
    return f"Moved by {_pixels(pixels)} up, down, left or right"


def _thickened_words(pixels: float) -> str:
    comparative = "thicker" if pixels > 0 else "thinner"
    return f"With strokes {_pixels(abs(pixels))} {comparative} at each edge"


def _pixels(number: float) -> str:
    return f"{number:g} {'pixel' if number == 1 else 'pixels'}"


CORRUPTIONS = {
    corruption.kind: corruption
    for corruption in (
        Corruption(
            "rotation",
            "Turned",
            "°",
            "Degrees, clockwise is more",
            (-45, -30, -20, -10, 0, 10, 20, 30, 45),
            0,
            True,
            _turned_words,
            _turned,
        ),
        Corruption(
            "scale",
            "Larger and smaller",
            "×",
            "Times the size",
            (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4),
            1.0,
            False,
            "At {:g} times the size".format,
            _scaled,
        ),
        Corruption(
            "shift",
            "Out of the middle",
            " px",
            "Pixels",
            (0, 1, 2, 3, 4, 5, 6),
            0,
            False,
            _moved_words,
            _moved,
        ),
        Corruption(
            "thickness",
            "Thin and thick strokes",
            " px",
            "Pixels at each edge, thicker is more",
            (-1, -0.75, -0.5, -0.25, 0, 0.5, 1, 1.5, 2),
            0,
            True,
            _thickened_words,
            _thickened,
        ),
        Corruption(
            "noise",
            "Noise",
            " %",
            "Standard deviation in % of full ink",
            (0, 5, 10, 15, 20, 25, 30),
            0,
            False,
            "With noise of {:g} % of full ink".format,
            _noisy,
        ),
        Corruption(
            "blur",
            "Out of focus",
            " px",
            "Pixels, a Gaussian’s standard deviation",
            (0, 0.4, 0.6, 0.8, 1, 1.2, 1.4),
            0,
            False,
            "Blurred by {:g} pixels".format,
            _blurred,
        ),
        Corruption(
            "occlusion",
            "Partly covered",
            " px",
            "Pixels, the side of a square on the ink",
            (0, 2, 4, 6, 8, 10, 12),
            0,
            False,
            "With a square of {0:g} × {0:g} pixels covered".format,
            _covered,
        ),
    )
}
STEPS = tuple(
    Step(corruption.kind, strength)
    for corruption in CORRUPTIONS.values()
    for strength in corruption.strengths
    if strength != corruption.none
)
