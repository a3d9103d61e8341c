"""Digits as people write them elsewhere, drawn by rules: what MNIST hardly shows.

MNIST's writers were American. A slashed zero, a one with an upstroke, a barred seven
are everyday digits to others, and a network that has never seen one reads an 8, a 7
or a 2. Each rule here draws the path of a pen, with much left to chance; the ink is
then prepared as any drawing is.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mnist_core import drawing, inking
from mnist_core.config import IMAGE_SIZE
from mnist_core.data import Split

# Each `(P, 2)` float, x to the right and y down, in heights of the digit, (0, 0) being
# its middle.
Strokes = list[np.ndarray]

SIDE = 220  # pixels of the paper that is drawn on: nothing reaches its edge
HEIGHT = 80.0  # pixels, of a digit before its changes
PEN = (0.05, 0.16)  # the pen's width over the digit's height
SLANT = (0.06, 0.2)  # mean and standard deviation of x over y; to the right is more
TURN = 5.0  # degrees, standard deviation
WIDENING = 0.15  # standard deviation of the logarithm of width over height
TREMOR = 0.015  # standard deviation of a stroke's bend, over the height


class Rule(NamedTuple):
    """How a digit is drawn in some style.

    Attributes:
        share: Of all the images that are drawn.
        digit: Which one it is.
        draw: Its strokes, with whatever a generator leaves to chance.
    """

    share: float
    digit: int
    draw: Callable[[np.random.Generator], Strokes]


@lru_cache(maxsize=1)  # a trainer that gets ready asks again when a setting changes
def written(num_images: int, seed: int) -> Split:
    """Draw images by `RULES`; the same number and seed give the same images."""
    images = np.zeros((num_images, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    labels = np.zeros(num_images, np.uint8)
    generator = np.random.default_rng([seed, num_images])
    for index, which in enumerate(_chosen(num_images, generator)):
        rule = RULES[which]
        labels[index] = rule.digit
        images[index] = drawing.to_mnist(_inked(rule.draw(generator), generator))
    return Split(images, labels)


def _slashed_zero(generator: np.random.Generator) -> Strokes:
    half_width = generator.uniform(0.22, 0.5)
    start = -90 + generator.normal(0, 35)
    zero = _arc((0, 0), (half_width, 0.5), start=start, sweep=-360, generator=generator)
    match generator.choice(4, p=[0.66, 0.14, 0.12, 0.08]):
        case 0:
            angle = generator.uniform(25, 88)  # from the lower left to the upper right
        case 1:
            angle = generator.normal(90, 6)
        case 2:
            angle = generator.normal(0, 6)
        case _:
            angle = generator.uniform(-70, -25)
    along = np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
    reach = 1 / np.hypot(along[0] / half_width, along[1] / 0.5)  # to the zero's edge
    middle = generator.normal(0, 0.06, 2)
    ends = reach * generator.uniform(0.65, 1.7, 2)
    return [zero, _line(middle - ends[0] * along, middle + ends[1] * along)]


def _dotted_zero(generator: np.random.Generator) -> Strokes:
    half = (generator.uniform(0.25, 0.5), 0.5)
    zero = _arc((0, 0), half, start=-90, sweep=-360, generator=generator)
    dot = generator.normal(0, 0.05, 2)
    return [zero, _line(dot, dot + generator.normal(0, 0.04, 2))]


def _flagged_one(generator: np.random.Generator) -> Strokes:
    """A one whose pen comes up to its top; the less steeply, the shorter its flag."""
    rise = generator.uniform(15, 75)  # degrees; a long flag that hardly rises is a 7's
    length = generator.uniform(0.15, 0.2 + 0.5 * min((rise - 15) / 35, 1))
    along = np.array([-np.cos(np.radians(rise)), np.sin(np.radians(rise))])
    top = np.array([0.0, -0.5])
    bend = generator.normal(0, 0.04, 2)
    flag = _curve(top + length * along, top + length * along / 2 + bend, top)
    stem = _curve(top, (generator.normal(0, 0.03), 0.0), (0.0, 0.5))
    strokes = [np.concatenate([flag, stem])]
    if generator.random() < 0.25:
        left, right = generator.uniform(0.12, 0.45, 2)
        strokes.append(_line((-left, 0.5), (right, 0.5)))
    return strokes


def _seven(generator: np.random.Generator) -> Strokes:
    """A seven, often barred; beside the flagged one, so that the two are told apart."""
    width = generator.uniform(0.45, 0.8)
    rise = width * generator.normal(0, 0.08)
    start, corner = (-width / 2, -0.5 + rise), (width / 2, -0.5)
    foot = (generator.uniform(-0.4, 0.1), 0.5)
    bend = (generator.uniform(-0.1, 0.25), generator.uniform(-0.1, 0.1))
    bow = (0.0, -0.5 + generator.normal(0, 0.05))
    path = [_curve(start, bow, corner), _curve(corner, bend, foot)]
    if generator.random() < 0.3:
        serif = (start[0] + generator.normal(0, 0.04), generator.uniform(-0.4, -0.15))
        path.insert(0, _line(serif, start))
    strokes = [np.concatenate(path)]
    if generator.random() < 0.65:
        middle = np.array([generator.uniform(-0.1, 0.15), generator.uniform(-0.1, 0.2)])
        half = np.array([generator.uniform(0.15, 0.35), generator.normal(0, 0.05)])
        strokes.append(_line(middle - half, middle + half))
    return strokes


def _open_four(generator: np.random.Generator) -> Strokes:
    bar = generator.uniform(-0.05, 0.2)
    left, right = generator.uniform(-0.45, -0.3), generator.uniform(0.2, 0.45)
    top = (left + generator.uniform(0.0, 0.3), generator.uniform(-0.5, -0.35))
    knee = (left, bar)
    angle = np.concatenate(
        [_line(top, knee), _line(knee, (right, bar + generator.normal(0, 0.04)))]
    )
    stem = generator.uniform(0.0, 0.15)
    head = generator.uniform(-0.5, -0.1)
    return [angle, _line((stem + 0.03, head), (stem + generator.normal(0, 0.05), 0.5))]


def _looped_two(generator: np.random.Generator) -> Strokes:
    half = (generator.uniform(0.22, 0.36), 0.28)
    bow = _arc((0, -0.22), half, start=-160, sweep=190, generator=generator)
    foot = np.array([generator.uniform(-0.35, -0.2), generator.uniform(0.38, 0.48)])
    size = generator.uniform(0.06, 0.13)
    above = foot - (0, size)
    loop = _arc(above, (size, size), start=90, sweep=-300, generator=generator)
    tail = (generator.uniform(0.3, 0.5), generator.uniform(0.35, 0.5))
    down = _curve(bow[-1], (bow[-1][0] - 0.1, 0.2), loop[0])
    return [np.concatenate([bow, down, loop, _curve(loop[-1], (0.1, 0.3), tail)])]


RULES = (
    Rule(0.34, 0, _slashed_zero),
    Rule(0.02, 0, _dotted_zero),
    Rule(0.34, 1, _flagged_one),
    Rule(0.20, 7, _seven),
    Rule(0.05, 4, _open_four),
    Rule(0.05, 2, _looped_two),
)


def _chosen(num_images: int, generator: np.random.Generator) -> np.ndarray:
    shares = np.array([rule.share for rule in RULES])
    return generator.choice(len(RULES), num_images, p=shares / shares.sum())


def _line(start: ArrayLike, end: ArrayLike) -> np.ndarray:
    return np.linspace(np.asarray(start, float), np.asarray(end, float), 12)


def _curve(start: ArrayLike, middle: ArrayLike, end: ArrayLike) -> np.ndarray:
    """A quadratic Bézier curve that is drawn towards `middle`."""
    a, b, c = (np.asarray(point, float) for point in (start, middle, end))
    t = np.linspace(0, 1, 16)[:, None]
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c


def _arc(
    centre: ArrayLike,
    half: tuple[float, float],
    *,
    start: float,
    sweep: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """Part of an ellipse; a pen does not end quite where it was to.

    Args:
        centre: Of the ellipse.
        half: Its half width and half height.
        start: Degrees, clockwise from the right.
        sweep: Degrees; those below 0 go against the clock, as most people write a 0.
        generator: Of the chance.
    """
    sweep += np.sign(sweep) * generator.normal(0, 12)
    angles = np.radians(np.linspace(start, start + sweep, 40))
    drift = np.linspace(1, 1 + generator.normal(0, 0.08), 40)
    around = np.stack([half[0] * np.cos(angles), half[1] * np.sin(angles)], axis=1)
    return np.asarray(centre, float) + around * drift[:, None]


def _inked(strokes: Strokes, generator: np.random.Generator) -> np.ndarray:
    """`(SIDE, SIDE)` uint8, the ink of a pen that follows the strokes in one hand."""
    slant, widening = generator.normal(*SLANT), generator.normal(0, WIDENING)
    turn = np.radians(generator.normal(0, TURN))
    cos, sin = np.cos(turn), np.sin(turn)
    change = np.array([[cos, -sin], [sin, cos]]) @ np.array(
        [[np.exp(widening), -slant], [0, 1]]
    )
    width = HEIGHT * generator.uniform(*PEN)
    paths = []
    for stroke in strokes:
        bends = generator.normal(0, TREMOR, (2, 2))
        t = np.linspace(0, np.pi, len(stroke))
        shaken = stroke + np.sin(np.outer(t, [1, 2])) @ bends
        paths.append(HEIGHT * shaken @ change.T + SIDE / 2)
    return inking.ink_from_strokes(paths, SIDE, width)
