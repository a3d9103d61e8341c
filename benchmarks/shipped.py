"""How the shipped run was made: four teachers, five pupils, the best by validation.

    python -m benchmarks.shipped FOLDER

It takes hours. A folder that has some of the runs gets the others. The test split of
the pupils is in the table because the spread over seeds is part of the result; the
choice looks at validation alone. The chosen run's folder, copied to
`saved_model/shipped` without progress and log, is what is shipped.
"""

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks._table import machine, table
from mnist_core import models, trainer
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError
from mnist_core.recipes import recipe
from mnist_core.runs import Result, Run, RunStore

PUPIL = recipe("best").config
TEACHER = replace(
    PUPIL,
    epochs=8,
    styles=0,
    rotation=10,
    shift=1.2,
    scale=0.1,
    shear=0.12,
    elastic=0.6,
)
TEACHER_SEEDS = (11, 12, 13, 14)
PUPIL_SEEDS = (1, 2, 3, 4, 5)
HEAD = ("", "validation accuracy", "test accuracy", "minutes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the runs are kept")
    store = RunStore(parser.parse_args().folder)
    print(f"{machine()}\n", flush=True)
    teachers = [
        trained(store, f"Teacher {seed}", replace(TEACHER, seed=seed))
        for seed in TEACHER_SEEDS
    ]
    config = replace(PUPIL, teachers=tuple(teacher.id for teacher in teachers))
    pupils = [
        trained(store, f"Pupil {seed}", replace(config, seed=seed))
        for seed in PUPIL_SEEDS
    ]
    rows = [_row(run) for run in (*teachers, *pupils)]
    print(
        table(HEAD, [*rows, _summary("Teachers", teachers), _summary("Pupils", pupils)])
    )
    best = max(pupils, key=lambda run: result(run).validation_accuracy)
    print(f"\nThe best pupil by validation is {best.name}, {best.folder}.")


def trained(store: RunStore, name: str, config: TrainConfig) -> Run:
    """The run of that name in the store, or a new one that is trained now."""
    for run in store.runs():
        if run.name == name and run.has_model:
            return run
    models.forget_names()
    print(f"{name} is being trained.", file=sys.stderr, flush=True)
    return trainer.train_run(store, store.create(config, name))


def result(run: Run) -> Result:
    """The run's figures.

    Raises:
        RunError: If its training failed.
    """
    if run.result is None:
        raise RunError(f"“{run.name}” is {run.state}: {run.reason}")
    return run.result


def _row(run: Run) -> list[str]:
    figures = result(run)
    return [
        run.name,
        f"{figures.validation_accuracy:.2%}",
        f"{figures.test_accuracy:.2%}",
        f"{figures.seconds / 60:.0f}",
    ]


def _summary(name: str, runs: list[Run]) -> list[str]:
    figures = [result(run) for run in runs]
    return [
        f"{name}, mean ± sd",
        _mean([figure.validation_accuracy for figure in figures]),
        _mean([figure.test_accuracy for figure in figures]),
        f"{statistics.mean(figure.seconds for figure in figures) / 60:.0f}",
    ]


def _mean(accuracies: list[float]) -> str:
    percents = [100 * accuracy for accuracy in accuracies]
    return f"{statistics.mean(percents):.2f} ± {statistics.stdev(percents):.2f} %"


if __name__ == "__main__":
    main()
