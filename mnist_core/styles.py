"""Digits as people write them elsewhere, drawn by rules: what MNIST hardly shows.

MNIST's writers were American. A slashed zero, a one with an upstroke, a barred seven
are everyday digits to others, and a network that has never seen one reads an 8, a 7
or a 2. Each rule here draws the path of a pen, with much left to chance; the ink is
then prepared as any drawing is.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from mnist_core import drawing
from mnist_core.config import IMAGE_SIZE
from mnist_core.data import Split

Strokes = list[np.ndarray]  # each `(P, 2)` float, x to the right and y down

SIDE = 220  # pixels of the paper that is drawn on: nothing reaches its edge
HEIGHT = 80.0  # pixels, of a digit before its changes
PEN = (0.05, 0.16)  # the pen's width over the digit's height
SLANT = (0.06, 0.2)  # mean and standard deviation of x over y; to the right is more
TURN = 5.0  # degrees, standard deviation
WIDENING = 0.15  # standard deviation of the logarithm of width over height
TREMOR = 0.015  # standard deviation of a stroke's bend, over the height


def written(number: int, seed: int) -> Split:
    """Draw digits in the styles of `RULES`, the same ones for the same seed."""
    images = np.zeros((number, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    labels = np.zeros(number, np.uint8)
    generator = np.random.default_rng([seed, number])
    shares = np.array([share for share, _, _ in RULES])
    chosen = generator.choice(len(RULES), number, p=shares / shares.sum())
    for index, rule in enumerate(chosen):
        _, labels[index], draw = RULES[rule]
        images[index] = drawing.to_mnist(_inked(draw(generator), generator))
    return Split(images, labels)


def _slashed_zero(generator: np.random.Generator) -> Strokes:
    half_width = generator.uniform(0.22, 0.5)
    zero = _arc((0, 0), half_width, 0.5, -90 + generator.normal(0, 35), 360, generator)
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
    zero = _arc((0, 0), generator.uniform(0.25, 0.5), 0.5, -90, 360, generator)
    dot = generator.normal(0, 0.05, 2)
    return [zero, _line(dot, dot + generator.normal(0, 0.04, 2))]


def _flagged_one(generator: np.random.Generator) -> Strokes:
    """A one whose pen comes up to its top: steeply, or else the flag is short."""
    rise = generator.uniform(15, 75)  # degrees
    length = generator.uniform(0.15, 0.3 + 0.5 * min(rise / 50, 1))
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
    bow = _arc((0, -0.22), generator.uniform(0.22, 0.36), 0.28, -160, 190, generator)
    foot = np.array([generator.uniform(-0.35, -0.2), generator.uniform(0.38, 0.48)])
    size = generator.uniform(0.06, 0.13)
    loop = _arc(foot - (0, size), size, size, 90, 300, generator)
    tail = (generator.uniform(0.3, 0.5), generator.uniform(0.35, 0.5))
    down = _curve(bow[-1], (bow[-1][0] - 0.1, 0.2), loop[0])
    return [np.concatenate([bow, down, loop, _curve(loop[-1], (0.1, 0.3), tail)])]


# How often, the digit, and how it is drawn.
RULES: tuple[tuple[float, int, Callable[[np.random.Generator], Strokes]], ...] = (
    (0.34, 0, _slashed_zero),
    (0.02, 0, _dotted_zero),
    (0.34, 1, _flagged_one),
    (0.20, 7, _seven),
    (0.05, 4, _open_four),
    (0.05, 2, _looped_two),
)


def _line(start: object, end: object) -> np.ndarray:
    return np.linspace(np.asarray(start, float), np.asarray(end, float), 12)


def _curve(start: object, middle: object, end: object) -> np.ndarray:
    """A quadratic Bézier curve that is drawn towards `middle`."""
    a, b, c = (np.asarray(point, float) for point in (start, middle, end))
    t = np.linspace(0, 1, 16)[:, None]
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c


def _arc(
    centre: object,
    half_width: float,
    half_height: float,
    start: float,
    sweep: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """Part of an ellipse, against the clock as most people write; angles in degrees.

    A pen does not end quite where it was to.
    """
    sweep += generator.normal(0, 12)
    direction = -1 if sweep > 270 else 1
    angles = np.radians(start + direction * np.linspace(0, sweep, 40))
    drift = np.linspace(1, 1 + generator.normal(0, 0.08), 40)
    around = np.stack([half_width * np.cos(angles), half_height * np.sin(angles)], 1)
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
    paper = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(paper)
    for stroke in strokes:
        bends = generator.normal(0, TREMOR, (2, 2))
        t = np.linspace(0, np.pi, len(stroke))
        shaken = stroke + np.sin(np.outer(t, [1, 2])) @ bends
        points = HEIGHT * shaken @ change.T + SIDE / 2
        pen.line([tuple(point) for point in points], 255, round(width), joint="curve")
        for x, y in points[[0, -1]]:
            box = (x - width / 2, y - width / 2, x + width / 2, y + width / 2)
            pen.ellipse(box, 255)
    return np.asarray(paper)
