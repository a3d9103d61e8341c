"""What accuracy costs: the recipes against the Keras example network, side by side.

The recipes are trained in one process, with the threads that the app's trainers have,
and the example in another, with TensorFlow's own; by turns, seed by seed, never both.
What is measured is the call that trains, its graph's first trace included; TensorFlow's
import, the data set and the reading of the test split are not.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks._table import machine, table
from mnist_core import data, trainer, training
from mnist_core.architectures import cost
from mnist_core.data import Mnist
from mnist_core.engine import Engine
from mnist_core.errors import DatasetError
from mnist_core.paths import SHIPPED_RUN_ID
from mnist_core.reader import Reader
from mnist_core.recipes import RECIPES
from mnist_core.runs import RunStore

NUM_SEEDS = 5
SLOW = ("best", "robust")  # minutes a seed
MARKS = {"blink": 0.98}  # what a recipe promises on the test split; the others:
MARK = 0.99
PEAK_SIZE = 2048  # rows and columns of the matrices that tell the machine's peak
MAX_EPOCHS = 15  # of the baseline, as published
HEAD = (
    "",
    "test accuracy",
    "min",
    "CPU s",
    "wall s",
    "images/s",
    "baseline's CPU s / its own",
    "share of peak",
    "n",
)


@dataclass(slots=True)
class Usage:
    """Seconds of a block: of the clock, and of all processors together."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One training.

    Attributes:
        accuracy: On the test split.
        usage: Of the training call.
        num_images: That it was trained on, counted each time.
    """

    accuracy: float
    usage: Usage
    num_images: int


def main() -> None:
    options = _options()
    names = options.recipe or [name for name in RECIPES if name not in SLOW]
    try:
        mnist = data.load_mnist()
    except DatasetError as error:
        sys.exit(str(error))
    print(f"{machine()}\n", flush=True)
    trained: dict[str, list[Measured]] = {name: [] for name in names}
    reached: dict[float, list[Measured]] = {0.98: [], MARK: []}
    with _process(trainer.limit_threads) as ours, _process() as theirs:
        peak = ours.submit(matmul_peak).result()
        for seed in range(options.seeds):
            for name in names:
                trained[name].append(ours.submit(train, name, seed).result())
                _say(name, seed, trained[name][-1])
            for mark, measured in theirs.submit(baseline, seed).result().items():
                reached[mark].append(measured)
                _say(f"baseline to {mark:.0%}", seed, measured)
    rows = [
        _row(f"Keras example to {100 * mark:.0f} %", list(measured))
        for mark, measured in reached.items()
    ]
    for name in names:
        base = _cpu(reached[MARKS.get(name, MARK)])
        rows.append(_row(name, trained[name], base, _operations(name) / peak))
    print(table(HEAD, rows))
    print(f"\nPeak of a {PEAK_SIZE}³ float32 matmul: {peak / 1e9:.0f} GFLOP a CPU s")
    print(f"\nThe shipped run reads {reading(mnist)}.")


def train(name: str, seed: int) -> Measured:
    """Train a recipe by the app's own engine."""
    config = replace(RECIPES[name].config, seed=seed)
    mnist = data.load_mnist(
        num_train=config.num_train, num_validation=config.num_validation
    )
    with _measuring() as usage:
        trained = training.train(Engine(config, mnist))
    num_images = config.num_learned * len(trained.history)
    return Measured(_accuracy(trained.heads.model, mnist), usage, num_images)


def baseline(seed: int) -> dict[float, Measured]:
    """Train the network of keras.io's "Simple MNIST convnet" as it is published.

    Two 3x3 convolutions of 32 and 64 filters with pooling, dropout 0.5, Adam at 0.001,
    batches of 128, 54,000 images; read after every epoch.

    Returns:
        What it took to reach each mark, or all epochs if it never did.
    """
    mnist = data.load_mnist()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images = np.concatenate([mnist.train.images, mnist.validation.images])
    labels = np.concatenate([mnist.train.labels, mnist.validation.labels])
    scaled = images[..., None].astype(np.float32) / 255
    wanted, found = [0.98, MARK], dict[float, Measured]()
    total = Usage()
    for epoch in range(1, MAX_EPOCHS + 1):
        with _measuring() as usage:
            model.fit(scaled, labels, batch_size=128, validation_split=0.1, verbose=0)
        total = Usage(total.wall + usage.wall, total.cpu + usage.cpu)
        test = mnist.test
        read = model.predict(test.images[..., None] / 255, batch_size=500, verbose=0)
        accuracy = float((read.argmax(axis=1) == test.labels).mean())
        now = Measured(accuracy, total, epoch * 54_000)
        for mark in wanted:
            if mark not in found and accuracy >= mark:
                found[mark] = now
        if len(found) == len(wanted):
            break
    return {mark: found.get(mark, now) for mark in wanted}


def reading(mnist: Mnist) -> str:
    """How long the shipped run's twin takes for the test split, and for one image."""
    run, images = RunStore().get(SHIPPED_RUN_ID), mnist.test.images
    every, one = (
        Reader(run.file("twin.tflite"), num_threads=number)
        for number in (os.cpu_count() or 1, 1)
    )
    splits, singles = [], []
    for _ in range(5):
        with _measuring() as usage:
            every.read(images)
        splits.append(usage.wall)
        with _measuring() as usage:
            for index in range(100):
                one.read(images[index : index + 1])
        singles.append(usage.wall / 100)
    return (
        f"{len(images):,} images in {statistics.median(splits):.2f} s on all cores, "
        f"and one image in {1000 * statistics.median(singles):.2f} ms on one"
    )


def matmul_peak() -> float:
    """Floating-point operations a CPU second in the best of ten large matmuls."""
    square = tf.random.normal((PEAK_SIZE, PEAK_SIZE))
    multiply = tf.function(lambda: tf.matmul(square, square))
    best = 0.0
    for _ in range(10):
        with _measuring() as usage:
            for _ in range(5):
                multiply().numpy()
        best = max(best, 5 * 2 * PEAK_SIZE**3 / usage.cpu)
    return best


def _process(initializer: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """A process of its own, for one task at a time."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer)


def _operations(name: str) -> float:
    """Of training on one image: forward, and twice as much backward."""
    return 3.0 * cost(RECIPES[name].config).num_operations


def _row(
    name: str,
    measured: Sequence[Measured],
    baseline_cpu: float | None = None,
    peak_cpu: float | None = None,
) -> list[str]:
    """The cells of one line; `peak_cpu` is CPU s an image at the machine's peak."""
    accuracies = [100 * training.accuracy for training in measured]
    sd = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    cpu, images = _cpu(measured), statistics.median(m.num_images for m in measured)
    wall = statistics.median(m.usage.wall for m in measured)
    return [
        name,
        f"{statistics.mean(accuracies):.2f} ± {sd:.2f} %",
        f"{min(accuracies):.2f} %",
        f"{cpu:.2f} ({_range([m.usage.cpu for m in measured])})",
        f"{wall:.2f} ({_range([m.usage.wall for m in measured])})",
        f"{images / wall:,.0f}",
        "–" if baseline_cpu is None else f"{baseline_cpu / cpu:.1f}",
        "–" if peak_cpu is None else f"{peak_cpu * images / cpu:.0%}",
        str(len(measured)),
    ]


def _cpu(measured: Sequence[Measured]) -> float:
    return statistics.median(training.usage.cpu for training in measured)


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.1f}–{max(values):.1f}"


def _accuracy(model: keras.Model, mnist: Mnist) -> float:
    read = model.predict(mnist.test.images, batch_size=500, verbose=0)
    return float((read.argmax(axis=1) == mnist.test.labels).mean())


@contextmanager
def _measuring() -> Iterator[Usage]:
    usage = Usage()
    wall, cpu = time.perf_counter(), time.process_time()
    yield usage
    usage.wall, usage.cpu = time.perf_counter() - wall, time.process_time() - cpu


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine", description="Measure the engine."
    )
    parser.add_argument(
        "--recipe",
        action="append",
        choices=list(RECIPES),
        help=f"may be repeated (default: all but {', '.join(SLOW)})",
    )
    parser.add_argument(
        "--seeds", type=int, default=NUM_SEEDS, metavar="N", help="default: %(default)s"
    )
    return parser.parse_args()


def _say(name: str, seed: int, measured: Measured) -> None:
    print(
        f"  {name}, seed {seed}: {100 * measured.accuracy:.2f} % "
        f"in {measured.usage.cpu:.1f} CPU s",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    main()
