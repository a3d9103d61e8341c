"""MNIST's own digits as other pens write them: slanted, thinner, thicker, slashed.

What people draw on a canvas differs from MNIST in such ways. A run should take all of
it for digits.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from mnist_core import drawing, inking, stroke_width
from mnist_core.config import IMAGE_SIZE
from mnist_core.data import Split

FINER = 3  # times the pixels of an image, in which it is written again
SIDE = 28 * FINER
TURN = 15.0  # degrees, the most
SHEAR = 0.1  # standard deviation of x over y
WIDENING = 0.12  # standard deviation of the logarithm of width over height
EDGE = (0.25, 0.65)  # of full ink, where it now begins: low is a thicker pen
PEN = (1.2, 4.0)  # pixels of an image, the thinnest and the thickest slash
THICKER = (0.8, 2.0)  # pixels of an image, on either side of a thick pen's strokes
WIDTHS = (0.6, 1.25)  # times as wide; loops of narrow digits are the first to fill


def rewritten(images: np.ndarray, seed: int) -> np.ndarray:
    """Each of `(N, 28, 28)` uint8 images, turned, stretched, with another pen."""
    generator = np.random.default_rng([seed, len(images)])
    changed = [_rewritten(image, generator) for image in images]
    return np.array(changed, np.uint8).reshape(images.shape)


def slashed(zeros: np.ndarray, seed: int) -> np.ndarray:
    """Each of `(N, 28, 28)` uint8 zeros with a line through it, as many write them."""
    generator = np.random.default_rng([seed, len(zeros)])
    changed = [_slashed(zero, generator) for zero in zeros]
    return np.array(changed, np.uint8).reshape(zeros.shape)


def thickened(
    digits: Split,
    num_images: int,
    seed: int,
    on_drawn: Callable[[int], None] = lambda num_drawn: None,
) -> Split:
    """Digits that a thick pen has drawn small, prepared as a drawing is.

    The pen fills loops. Preparing opens most of them again, and sometimes one where
    there was none, as between a one and its flag: a run is to learn both.

    Args:
        digits: Of which some are drawn, all of them before one is drawn again.
        num_images: How many to draw.
        seed: The same one gives the same images.
        on_drawn: Called after each one, with how many there are.
    """
    generator = np.random.default_rng([seed, num_images])
    rounds = -(-num_images // max(len(digits), 1))
    orders = [generator.permutation(len(digits)) for _ in range(rounds)]
    chosen = digits[np.concatenate([np.zeros(0, int), *orders])[:num_images]]
    images = np.zeros_like(chosen.images)
    for index, image in enumerate(chosen.images):
        images[index] = _thickened(image, generator)
        on_drawn(index + 1)
    return Split(images, chosen.labels)


def _thickened(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    height = IMAGE_SIZE * stroke_width.FINER
    width = round(height * generator.uniform(*WIDTHS))
    fine = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    growth = generator.uniform(*THICKER)
    return drawing.to_image(stroke_width.grown(np.asarray(fine), growth))


def _rewritten(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    turn = np.radians(generator.uniform(-TURN, TURN))
    widening = np.exp(generator.normal(0, WIDENING))
    cos, sin = np.cos(turn), np.sin(turn)
    change = np.array([[cos, -sin], [sin, cos]])
    change = change @ [[widening, generator.normal(0, SHEAR)], [0, 1]]
    change *= 1.4 / FINER  # so that the turned digit has room
    origin = IMAGE_SIZE / 2 - change @ [SIDE / 2, SIDE / 2]
    rows = np.column_stack([change, origin]).ravel().tolist()
    fine = Image.fromarray(image).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, rows, Image.Resampling.BICUBIC
    )
    tones = np.asarray(fine, np.float32) / 255
    ink = np.clip((tones - generator.uniform(*EDGE)) * 4 + 0.5, 0, 1)
    if ink.max() < 0.5:  # so faint that no other pen could have written it
        ink = tones
    return drawing.to_mnist(np.rint(255 * ink).astype(np.uint8))


def _slashed(zero: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    rows, columns = np.nonzero(zero > 60)
    half = np.array([np.ptp(columns), np.ptp(rows)]) / 2 + 0.5
    middle = np.array([columns.mean(), rows.mean()]) + 0.5 + generator.normal(0, 1, 2)
    match generator.choice(3, p=[0.75, 0.13, 0.12]):
        case 0:
            angle = generator.uniform(30, 88)  # from the lower left to the upper right
        case 1:
            angle = generator.normal(90, 6)
        case _:
            angle = generator.normal(0, 6)
    along = np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
    reach = 1 / np.hypot(*(along / half))  # from the middle to the zero's edge
    ends = reach * generator.uniform(0.65, 1.7, 2)
    line = middle + np.outer([-ends[0], ends[1]], along)
    # The zero's pen: its ink over the way around an ellipse of its size.
    pen = zero.sum() / 255 / (np.pi * (half.sum() - 2)) * generator.uniform(0.75, 1.1)
    pen = float(np.clip(pen, *PEN))
    margin = 10  # pixels of an image, for the ends of the line
    paper = SIDE + 2 * margin * FINER
    ink = inking.ink_from_strokes([(line + margin) * FINER], paper, pen * FINER).copy()
    fine = Image.fromarray(zero).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    inside = np.s_[margin * FINER : -margin * FINER]
    ink[inside, inside] = np.maximum(ink[inside, inside], np.asarray(fine))
    return drawing.to_mnist(ink)
