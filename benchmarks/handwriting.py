"""How a run reads real handwriting: pen strokes, drawn as the canvas would show them.

    python -m benchmarks.handwriting STROKES.npz [--run RUN] [--worst FILE.png]

The file holds `points` (P, 2) float, x to the right and y down; `stroke_off` (S + 1,)
and `sample_off` (N + 1,), where each stroke begins in the points and each sample in
the strokes; `labels` (N,); and `writers` (N,), who wrote each. Collections of pen
strokes such as UNIPEN's can be brought into this form; none comes with the app.

Half of the writers are held out: they have a column of their own, by which a change is
judged that the others' errors have suggested, and the picture does not show theirs.
The other columns are of all writers.
"""

import argparse
import sys
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks._table import machine, table
from mnist_core import inking
from mnist_core.errors import RunError
from mnist_core.paths import SHIPPED_RUN_ID
from mnist_core.predictor import Prediction, Predictor
from mnist_core.runs import RunStore

SIDE = 280  # pixels of the canvas
FINER = 2  # times as many pixels are drawn, and then averaged: soft edges
TILE = 60  # pixels of a misread drawing in the picture
COLUMNS = 20  # of them

Strokes = list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Condition:
    """How the strokes are put on the canvas.

    Attributes:
        widths: Of the pen, in canvas pixels, from the least to the most.
        fills: The longer side of the pen's path over the side of the canvas, as well
            from the least to the most.
        shift: Canvas pixels from the middle, to a corner drawn by lot.
        turn: Degrees, one way or the other by lot.
        is_most: Whether shift and turn are the most that there are, and less is as
            likely.
    """

    widths: tuple[float, float]
    fills: tuple[float, float]
    shift: float = 0.0
    turn: float = 0.0
    is_most: bool = False


CONDITIONS = {
    "in the middle": Condition((20, 20), (0.7, 0.7)),
    "thin and small": Condition((8, 8), (0.4, 0.4)),
    "thin and large": Condition((8, 8), (0.9, 0.9)),
    "thick and large": Condition((32, 32), (0.9, 0.9)),
    "slanted by up to 15°": Condition((16, 16), (0.7, 0.7), turn=15, is_most=True),
    "slanted by 15°": Condition((16, 16), (0.7, 0.7), turn=15),
    "any of these, anywhere": Condition((8, 32), (0.4, 0.9), 84, 15, is_most=True),
    "small in a corner": Condition((12, 12), (0.25, 0.25), shift=90),
    "the same, usual pen": Condition((20, 20), (0.25, 0.25), shift=90),
    "the same, thick pen": Condition((28, 28), (0.25, 0.25), shift=90),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--run", default=SHIPPED_RUN_ID)
    parser.add_argument("--worst", type=Path, help="a picture of what is misread")
    options = parser.parse_args()
    try:
        with np.load(options.strokes, allow_pickle=False) as arrays:
            samples, labels = _samples(arrays), np.asarray(arrays["labels"])
            is_held_out = held_out(np.asarray(arrays["writers"]))
            if not len(samples) == len(labels) == len(is_held_out):
                raise ValueError("samples, labels and writers are not equally many")
        predictor = Predictor(RunStore().get(options.run))
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"{options.strokes} is no file of strokes: {error}")
    except RunError as error:
        sys.exit(str(error))
    print(f"{machine()}\n", flush=True)
    rows, misread = [], []
    for name, condition in CONDITIONS.items():
        readings = [
            read(predictor, strokes, condition, seed)
            for seed, strokes in enumerate(samples)
        ]
        digits = np.array([-1 if found is None else found.digit for found in readings])
        are_digits = [found is not None and found.is_digit for found in readings]
        is_right = digits == labels
        is_shown = ~is_right & ~is_held_out
        shares = _shares(is_right, labels)
        rows.append([name, _share(is_right[is_held_out]), *shares, _share(are_digits)])
        misread += [
            (found, int(label))
            for found, label, shown in zip(readings, labels, is_shown, strict=True)
            if shown and found is not None
        ]
    each = (f"of {digit}" for digit in range(10))
    head = ["", "writers held out", "all", *each, "taken for digits"]
    print(table(head, rows))
    if options.worst:
        _picture(misread).save(options.worst)


def held_out(writers: np.ndarray) -> np.ndarray:
    """`(N,)` bool: whose writer is in the half that is held out, in any collection."""
    return np.array([zlib.crc32(str(writer).encode()) % 2 == 1 for writer in writers])


def read(
    predictor: Predictor, strokes: Strokes, condition: Condition, seed: int
) -> Prediction | None:
    """What a run says of strokes on a canvas, by the path that the Draw page takes."""
    paper = np.full((SIDE, SIDE, 4), 255, np.uint8)
    paper[..., :3] = 255 - drawn(strokes, condition, seed)[..., None]
    return predictor.predict_ink([inking.ink_from_rgba(paper)])[0]


def drawn(strokes: Strokes, condition: Condition, seed: int) -> np.ndarray:
    """`(SIDE, SIDE)` uint8 ink."""
    generator = np.random.default_rng(seed)
    signs = generator.choice([-1, 1], 3)
    share = generator.uniform(size=3) if condition.is_most else np.ones(3)
    width = generator.uniform(*condition.widths)
    turn = np.radians(condition.turn * share[0] * signs[2])
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    paths = [stroke @ turned for stroke in strokes]
    points = np.concatenate(paths)
    low, high = points.min(axis=0), points.max(axis=0)
    fill = generator.uniform(*condition.fills)
    scale = fill * SIDE / max(*(high - low), 1e-6)
    reach = scale * (high - low) / 2 + width / 2
    shift = condition.shift * share[1:] * signs[:2]
    middle = np.clip(SIDE / 2 + shift, reach, np.maximum(SIDE - reach, reach))
    placed = [FINER * ((path - (low + high) / 2) * scale + middle) for path in paths]
    ink = inking.ink_from_strokes(placed, FINER * SIDE, FINER * width)
    return np.asarray(Image.fromarray(ink).reduce(FINER))


def _samples(arrays: np.lib.npyio.NpzFile) -> list[Strokes]:
    points = np.asarray(arrays["points"], float)
    strokes = np.split(points, arrays["stroke_off"][1:-1])
    return [strokes[first:last] for first, last in pairwise(arrays["sample_off"])]


def _shares(is_right: np.ndarray, labels: np.ndarray) -> list[str]:
    """Of all, and of each digit."""
    return [
        _share(is_right),
        *(_share(is_right[labels == digit]) for digit in range(10)),
    ]


def _share(values: np.ndarray | list[bool]) -> str:
    return f"{np.mean(values):.2%}"


def _picture(misread: list[tuple[Prediction, int]]) -> Image.Image:
    """What the model saw, the surest first, with the label and what it read."""
    surest = sorted(misread, key=lambda pair: -pair[0].probability)[: 15 * COLUMNS]
    rows = -(-len(surest) // COLUMNS)
    sheet = Image.new("L", (COLUMNS * TILE, max(rows, 1) * (TILE + 14)), 255)
    pen = ImageDraw.Draw(sheet)
    for place, (found, label) in enumerate(surest):
        left, top = place % COLUMNS * TILE, place // COLUMNS * (TILE + 14)
        tile = Image.fromarray(255 - found.image).resize((TILE - 4, TILE - 4))
        sheet.paste(tile, (left, top))
        pen.text((left + 4, top + TILE - 4), f"{label} as {found.digit}", 0)
    return sheet


if __name__ == "__main__":
    main()
