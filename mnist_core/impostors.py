"""Images that are no digits, made by rules: what a run learns to refuse.

Scribbles, figures of a few lines such as letters and signs are made of, digits that are
mirrored or turned, patches and textures, dots. A few of them happen to be digits; that
does no harm (Hendrycks et al., "Deep anomaly detection with outlier exposure", 2019).
"""

from collections.abc import Callable

import numpy as np

from mnist_core import drawing, inking
from mnist_core.config import IMAGE_SIZE
from mnist_core.data import Split

SIDE = 84  # pixels of the paper that is drawn on
REACH = 56.0  # pixels, the longer side of the pen's path
PEN = (0.05, 0.16)  # the pen's width over the path's longer side
# Which digits are none any longer when they are so turned.
CHANGES: tuple[tuple[tuple[int, ...], Callable[[np.ndarray], np.ndarray]], ...] = (
    ((2, 3, 4, 5, 6, 7, 9), np.fliplr),
    ((2, 4, 5, 7), np.flipud),
    ((2, 3, 4, 5, 7), np.rot90),
    ((2, 3, 4, 5, 7), lambda image: np.rot90(image, -1)),
)

Strokes = list[np.ndarray]  # each `(P, 2)` float, x to the right and y down


def made(num_images: int, digits: Split, seed: int) -> np.ndarray:
    """`(num_images, 28, 28)` uint8 images that are no digits.

    Args:
        num_images: How many.
        digits: What is mirrored and turned.
        seed: The same one gives the same images.
    """
    generator = np.random.default_rng([seed, num_images])
    images = np.zeros((num_images, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for index, which in enumerate(generator.choice(5, num_images, p=SHARES)):
        images[index] = drawing.to_mnist(RULES[which](digits, generator))
    return images


def _scribble(_: Split, generator: np.random.Generator) -> np.ndarray:
    strokes = []
    for _stroke in range(generator.integers(1, 3)):
        corners = generator.uniform(-1, 1, (generator.integers(6, 30), 2))
        if generator.random() < 0.5:  # a pen that wanders
            corners = np.cumsum(generator.normal(size=corners.shape), axis=0)
        middles = (corners[:-1] + corners[1:]) / 2
        bends = zip(middles[:-1], corners[1:-1], middles[1:], strict=True)
        strokes.append(np.concatenate([_curve(*bend, num=5) for bend in bends]))
    return _inked(strokes, generator)


def _figure(_: Split, generator: np.random.Generator) -> np.ndarray:
    strokes: Strokes = []
    wanted = generator.integers(2, 5)
    while len(strokes) < wanted:
        places = generator.choice([-1, 0, 1], (2, 2)) * [0.4, 0.5]
        start, end = places + generator.normal(0, 0.04, (2, 2))
        if np.hypot(*(end - start)) < 0.2:
            continue
        bend = generator.normal(0, 0.3, 2) * (generator.random() < 0.4)
        strokes.append(_curve(start, (start + end) / 2 + bend, end, num=12))
    return _inked(strokes, generator)


def _turned(digits: Split, generator: np.random.Generator) -> np.ndarray:
    among, change = CHANGES[generator.integers(len(CHANGES))]
    which = generator.integers(len(digits))
    while digits.labels[which] not in among:
        which = generator.integers(len(digits))
    return np.ascontiguousarray(change(digits.images[which]))


def _patch(_: Split, generator: np.random.Generator) -> np.ndarray:
    """A patch with straight edges, or a texture as fine as may be."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    if generator.random() < 0.35:
        ink = np.hypot(x, y) < 0.49
        for angle in generator.uniform(0, 2 * np.pi, generator.integers(3, 8)):
            edge = generator.uniform(0.05, 0.4)
            ink &= np.cos(angle) * x + np.sin(angle) * y < edge
        level = generator.integers(120, 256)
        return (level * ink).astype(np.uint8)
    cells = generator.integers(3, IMAGE_SIZE)
    tones = generator.normal(size=(cells, cells))
    tones[cells // 2, cells // 2] = 3  # so that there is ink
    contrast = generator.uniform(50, 400)
    levels = (tones - generator.uniform(-0.5, 0.8)) * contrast
    return np.kron(np.clip(levels, 0, 255).astype(np.uint8), np.ones((4, 4), np.uint8))


def _dot(_: Split, generator: np.random.Generator) -> np.ndarray:
    """A pen that was set down and hardly moved."""
    width = generator.uniform(8, 40)
    ends = np.array([[0, 0], generator.normal(0, 5, 2)]) + SIDE / 2
    return inking.ink_from_strokes([ends], SIDE, width)


Rule = Callable[[Split, np.random.Generator], np.ndarray]
RULES: tuple[Rule, ...] = (_scribble, _figure, _turned, _patch, _dot)
SHARES = (0.28, 0.4, 0.15, 0.14, 0.03)  # of all that are made


def _curve(
    start: np.ndarray, middle: np.ndarray, end: np.ndarray, *, num: int
) -> np.ndarray:
    """A quadratic Bézier curve that is drawn towards `middle`."""
    t = np.linspace(0, 1, num)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


def _inked(strokes: Strokes, generator: np.random.Generator) -> np.ndarray:
    """`(SIDE, SIDE)` uint8, the strokes in the middle of the paper."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = REACH / (high - low).max()
    paths = [(stroke - (low + high) / 2) * scale + SIDE / 2 for stroke in strokes]
    return inking.ink_from_strokes(paths, SIDE, REACH * generator.uniform(*PEN))
