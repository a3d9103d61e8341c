"""What each recipe gives and costs, trained as the Train page trains it.

Every run has a process of its own, `python -m mnist_core.trainer`, and a temporary
folder. The recipes take turns, seed by seed: what else the machine does meanwhile
meets them all alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks._table import machine, table
from benchmarks._temporary import temporary_folder
from mnist_core import data, estimates, paths
from mnist_core.config import TrainConfig
from mnist_core.errors import DatasetError
from mnist_core.recipes import RECIPES
from mnist_core.runs import Result, Run, RunStore

NUM_SEEDS = 3
SLOW = ("best",)  # a quarter of an hour a seed: trained when it is asked for
HEAD = (
    "recipe",
    "test accuracy",
    "min",
    "validation",
    "training s",
    "CPU s",
    "start to end s",
    "foretold s",
    "images/s",
    "parameters",
    "n",
)


@dataclass(frozen=True, slots=True)
class Training:
    """What one run took.

    Attributes:
        result: What the run says of itself.
        seconds: From the start of its process to the end of it.
        cpu_seconds: Of all the process's threads.
    """

    result: Result
    seconds: float
    cpu_seconds: float


def main() -> None:
    options = _options()
    names = options.recipe or [name for name in RECIPES if name not in SLOW]
    try:
        data.load_test()
    except DatasetError as error:
        sys.exit(str(error))
    print(f"{machine()}\n", flush=True)
    trainings: dict[str, list[Training]] = {name: [] for name in names}
    with temporary_folder() as folder:
        store = RunStore(folder)
        for seed in range(options.seeds):
            for name in names:
                config = replace(RECIPES[name].config, seed=seed)
                training = train(store, config)
                trainings[name].append(training)
                _say(name, seed, training)
    print(table(HEAD, [row(name, trainings[name]) for name in names]))


def train(store: RunStore, config: TrainConfig) -> Training:
    """Train one run in its own process, and wait for the end of it."""
    run = store.create(config)
    started = time.monotonic()
    with (run.folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mnist_core.trainer", run.id],
            cwd=paths.REPOSITORY,
            env={**os.environ, "MNIST_SAVED_MODEL_DIR": str(store.root)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
    seconds = time.monotonic() - started
    result = _result(store.get(run.id))
    return Training(result, seconds, usage.ru_utime + usage.ru_stime)


def row(name: str, trainings: Sequence[Training]) -> list[str]:
    """The cells of one recipe; times are medians, with how far they spread."""
    results = [training.result for training in trainings]
    accuracies = [result.test_accuracy for result in results]
    return [
        name,
        _mean_sd(accuracies),
        f"{100 * min(accuracies):.2f} %",
        _mean_sd([result.validation_accuracy for result in results]),
        _median_range([result.seconds for result in results]),
        _median_range([training.cpu_seconds for training in trainings]),
        _median_range([training.seconds for training in trainings]),
        f"{estimates.seconds(RECIPES[name].config):.0f}",
        f"{statistics.median(_speeds(name, results)):,.0f}",
        f"{results[0].num_parameters:,}",
        str(len(trainings)),
    ]


def _speeds(name: str, results: Sequence[Result]) -> list[float]:
    """Training images a second."""
    num_train = RECIPES[name].config.num_train
    return [num_train * result.num_epochs / result.seconds for result in results]


def _result(run: Run) -> Result:
    if run.state != "done" or run.result is None:
        log = (run.folder / "log.txt").read_text(errors="replace")
        sys.exit(f"{log}\nA training is {run.state}, not done. {run.reason}")
    return run.result


def _mean_sd(fractions: Sequence[float]) -> str:
    mean = f"{100 * statistics.mean(fractions):.2f}"
    if len(fractions) < 2:
        return f"{mean} %"
    return f"{mean} ± {100 * statistics.stdev(fractions):.2f} %"


def _median_range(seconds: Sequence[float]) -> str:
    median = f"{statistics.median(seconds):.1f}"
    if len(seconds) < 2:
        return median
    return f"{median} ({min(seconds):.1f}–{max(seconds):.1f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recipes", description="Train the recipes."
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


def _say(name: str, seed: int, training: Training) -> None:
    print(
        f"  {name}, seed {seed}: {100 * training.result.test_accuracy:.2f} % "
        f"in {training.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    main()
