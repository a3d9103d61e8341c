"""How a run reads test digits that are turned, moved, noisy …; kept with the run.

The page Evaluate shows what is measured here as it shows what is measured there; so
the shipped run comes with it.
"""

import argparse
import sys
import time

from tqdm import tqdm

from benchmarks._table import machine, table
from mnist_core import data
from mnist_core.corruptions import CORRUPTIONS, STEPS
from mnist_core.errors import DigitLabError
from mnist_core.evaluation import percent
from mnist_core.paths import SHIPPED_RUN_ID
from mnist_core.reader import Reader
from mnist_core.robustness import Robustness
from mnist_core.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default=SHIPPED_RUN_ID)
    options = parser.parse_args()
    try:
        run, test = RunStore().get(options.run), data.load_test()
        reader, model = Reader(run.file("twin.tflite")), run.digest("twin.tflite")
        said = run.probabilities("test").argmax(axis=1).astype("uint8")
    except DigitLabError as error:
        sys.exit(str(error))
    print(f"{machine()}\n", flush=True)
    measured, began = Robustness.empty(test.labels, said), time.monotonic()
    for _ in tqdm(STEPS, unit="step"):
        measured = measured.including_next(
            test.images, lambda images: reader.read(images).probabilities
        )
    seconds = time.monotonic() - began
    measured.save(run.robustness_file, model=model)
    rows = [
        [
            corruption.title,
            ", ".join(
                f"{corruption.number(point.strength)}: {percent(point.accuracy)}"
                for point in measured.points(kind)
            ),
        ]
        for kind, corruption in CORRUPTIONS.items()
    ]
    print(table(["", "accuracy by strength"], rows))
    print(f"\n{len(STEPS)} times {len(test):,} digits in {seconds:.0f} s.")


if __name__ == "__main__":
    main()
