"""How recipes read digits by writers whom they have not seen.

    python -m benchmarks.writers best best,epochs=48 [--seeds 2]

The validation split is cut from the training set by lot and shares its writers. The
order of the training set gives a split by writers: even and odd places are two series,
and in each a writer's digits follow each other. So four stretches of 2,500 images are
held out here, and the 200 images at each edge of them are not used. Of the others 5,000
by lot are the validation split, as ever. The test split is not read.

So 43,400 are left to learn from, and figures are no match for those of all 55,000. The
test that compares takes the seeds together as if each had other digits, so it is
somewhat too sure. A recipe may be changed by settings behind commas. What this takes
are its trainings: some four minutes for each seed of `best` on two cores.
"""

import argparse
import sys
from dataclasses import replace

import numpy as np

from benchmarks._table import machine, table
from mnist_core import data, models, trainer
from mnist_core.comparison import compare
from mnist_core.config import TrainConfig
from mnist_core.data import Mnist, Split
from mnist_core.data.sources import read_first
from mnist_core.engine import Engine
from mnist_core.errors import ConfigError, DigitLabError
from mnist_core.evaluation import Evaluation
from mnist_core.recipes import recipe
from mnist_core.training import train

STARTS = (6_000, 20_000)  # of the stretches, in each of the two series
STRETCH, EDGE = 2_500, 200  # images of a series
NUM_LEARNED = 10_000  # train images that are read as well
GIVEN = ("num_train", "num_validation", "num_kept", "start_from", "teachers")
HEAD = ("wrongly read", "other writers", "by lot", "learned")
COMPARED = ("by other writers", "gained", "lost", "p")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variant", nargs="+", help="RECIPE[,KEY=VALUE ...]")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    trainer.limit_threads()
    print(f"{machine()}\n", flush=True)
    try:
        configs = {variant: _config(variant) for variant in options.variant}
        mnist = by_writers()
        readings = {
            variant: [
                _trained(mnist, replace(config, seed=seed), f"{variant}, seed {seed}")
                for seed in range(options.seeds)
            ]
            for variant, config in configs.items()
        }
    except DigitLabError as error:
        sys.exit(str(error))
    sizes = ["of", *(f"{len(split):,}" for split in _splits(mnist))]
    rows = [_row(variant, read) for variant, read in readings.items()]
    print(f"{table(HEAD, [sizes, *rows])}\n")
    first, *others = readings
    if others:
        rows = [_compared(first, other, readings) for other in others]
        print(table(COMPARED, rows))


def by_writers() -> Mnist:
    """The 60,000 training images; what is held out stands in for the test split.

    Raises:
        DatasetError: If no intact copy is on this machine.
    """
    arrays = read_first(("x_train", "y_train"))
    whole = Split(arrays["x_train"], arrays["y_train"])
    place = np.arange(len(whole)) // 2  # in its series
    is_held_out, is_used = np.zeros(len(whole), bool), np.ones(len(whole), bool)
    for start in STARTS:
        is_held_out |= (start <= place) & (place < start + STRETCH)
        is_used &= (place < start - EDGE) | (place >= start + STRETCH + EDGE)
    rest = np.random.RandomState(0).permutation(np.flatnonzero(is_used))
    return Mnist(
        train=whole[rest[data.NUM_VALIDATION :]],
        validation=whole[rest[: data.NUM_VALIDATION]],
        test=whole[is_held_out],
    )


def _config(variant: str) -> TrainConfig:
    """What to train.

    Raises:
        ConfigError: If there is no such recipe or setting, or it is one of `GIVEN`.
    """
    name, *settings = variant.split(",")
    base = recipe(name).config
    config = base.with_settings(settings)
    for given in GIVEN:
        if getattr(config, given) != getattr(base, given):
            raise ConfigError(f"`{given}` is the same for all that are compared here.")
    return config


def _trained(mnist: Mnist, config: TrainConfig, name: str) -> list[Evaluation]:
    """How it reads each of `_splits`; its best epoch is chosen by the second."""
    print(f"{name} is being trained.", file=sys.stderr, flush=True)
    models.forget_names()
    engine = Engine(replace(config, num_train=len(mnist.train)), mnist)
    train(engine)
    return [
        Evaluation(split.labels, engine.read(split.images)) for split in _splits(mnist)
    ]


def _splits(mnist: Mnist) -> tuple[Split, Split, Split]:
    """As in the columns of the table."""
    return mnist.test, mnist.validation, mnist.train[:NUM_LEARNED]


def _row(variant: str, readings: list[list[Evaluation]]) -> list[str]:
    """How many are read wrong, of each of `_splits` by each seed."""
    cells = [
        ", ".join(str(int((~read.is_correct).sum())) for read in reads)
        for reads in zip(*readings, strict=True)
    ]
    return [variant, *cells]


def _compared(
    first: str, other: str, readings: dict[str, list[list[Evaluation]]]
) -> list[str]:
    """What the other gains and loses against the first, all seeds together."""
    ours, theirs = (
        Evaluation(
            np.concatenate([held_out.labels for held_out, *_ in readings[variant]]),
            np.concatenate(
                [held_out.probabilities for held_out, *_ in readings[variant]]
            ),
        )
        for variant in (other, first)
    )
    found = compare(ours, theirs)
    return [
        f"{other} against {first}",
        str(found.num_gained),
        str(found.num_lost),
        f"{found.p_value:.2g}",
    ]


if __name__ == "__main__":
    main()
