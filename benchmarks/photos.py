"""How the shipped run reads photographs of MNIST's test digits on paper or a board.

    python -m benchmarks.photos [--digits 50]

The photographs are made by the rules in `benchmarks/_paper.py`, one scene a row. Only
digits that the run reads as MNIST has them are photographed.
"""

import argparse
import sys
import time

import numpy as np

from benchmarks._paper import SCENES, Scene, taken_upright
from benchmarks._table import machine, table
from mnist_core import data, photos
from mnist_core.data import Split
from mnist_core.errors import DigitLabError
from mnist_core.paths import SHIPPED_RUN_ID
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore

HEAD = ("", "right", "taken for digits", "preparing, CPU ms", "n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", type=int, default=50, help="for each scene")
    options = parser.parse_args()
    try:
        predictor = Predictor(RunStore().get(SHIPPED_RUN_ID))
        readable = readable_digits(predictor, options.digits)
    except DigitLabError as error:
        sys.exit(str(error))
    print(f"{machine()}\n", flush=True)
    rows = []
    for name, scene in SCENES.items():
        rows.append([name, *figures(predictor, scene, readable)])
        print(f"{name}: {rows[-1][1]}", file=sys.stderr, flush=True)
    print(table(HEAD, rows))


def readable_digits(predictor: Predictor, num_digits: int) -> Split:
    """The first test digits that the run reads right."""
    test = data.load_test()
    is_right = predictor.probabilities(test.images).argmax(axis=1) == test.labels
    return test[np.flatnonzero(is_right)[:num_digits]]


def figures(predictor: Predictor, scene: Scene, digits: Split) -> list[str]:
    num_right, num_digits, seconds = 0, 0, []
    for seed, (image, label) in enumerate(
        zip(digits.images, digits.labels, strict=True)
    ):
        rgba = taken_upright(image, scene, seed)
        start = time.process_time()
        ink = photos.ink_from_picture(rgba)
        seconds.append(time.process_time() - start)
        [found] = predictor.predict_ink([ink])
        num_right += found is not None and found.digit == label
        num_digits += found is not None and found.is_digit
    return [
        f"{num_right / len(digits):.1%}",
        f"{num_digits / len(digits):.1%}",
        f"{1000 * float(np.median(seconds)):.0f}",
        str(len(digits)),
    ]


if __name__ == "__main__":
    main()
