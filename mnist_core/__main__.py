"""The command line: `python -m mnist_core COMMAND`.

What a person can put right is one sentence on standard error and exit status 2;
Ctrl-C ends with 130 and keeps what was trained. With `--json`, standard output
holds JSON and nothing else; progress goes to standard error.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import numpy as np
from tqdm import tqdm

from mnist_core import (
    data,
    estimates,
    examples,
    inking,
    kept,
    paths,
    photos,
    pictures,
    teaching,
    trainer,
)
from mnist_core.errors import DigitLabError, KeptError, PictureError, RunError
from mnist_core.evaluation import Evaluation, percent
from mnist_core.history import BatchMetrics
from mnist_core.predictor import Prediction, Predictor
from mnist_core.reader import Reader
from mnist_core.recipes import DEFAULT, RECIPES, recipe
from mnist_core.runs import Result, Run, RunStore

EXIT_WRONG_USE = 2
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run_command(options) or 0)
        sys.stdout.flush()  # so that a full disk is noticed here
        return status
    except DigitLabError as error:
        print(error, file=sys.stderr)
        return EXIT_WRONG_USE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"A file cannot be read or written: {error}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_WRONG_USE


def find_data(options: argparse.Namespace) -> None:
    """Find or fetch MNIST and check it; draw the examples that trainings need."""
    located = data.fetch_mnist(_report)
    value = {
        "path": str(located.path),
        "source": located.source,
        "sha256": located.sha256,
    }
    _print(options, value, f"MNIST is complete: {located.path} ({located.source}).")
    mnist = data.load_mnist()
    if examples.drawn_before(mnist) is None:
        _report("Drawing examples of what is no digit: some seconds.")
        examples.of(mnist)


def train(options: argparse.Namespace) -> int:
    """Train a run in the foreground, with a progress bar."""
    chosen = recipe(options.recipe)
    config = chosen.config.with_settings(options.set)
    name = options.name or (chosen.title if not options.set else "")
    data.load_test()  # a run without MNIST need not begin
    store = RunStore()
    return _train(options, store, store.create(config, name))


def teach(options: argparse.Namespace) -> int:
    """Train a copy of a run with drawings that were exported, mixed with MNIST."""
    store = RunStore()
    run, drawings = store.get(options.run), _drawings(options.file)
    config = teaching.lesson(run, drawings)
    data.load_test()
    copy = store.create(config, options.name or teaching.name_of_copy(run), drawings)
    return _train(options, store, copy)


def _train(options: argparse.Namespace, store: RunStore, run: Run) -> int:
    """Train a new run here, and say what came of it."""
    trainer.limit_threads()
    with (
        _interrupts() as interrupts,
        _own_stderr(run.folder / "log.txt") as stderr,
        _progress_bar(stderr, _first_words(store, run)) as bar,
    ):
        run = trainer.train_run(
            store,
            run,
            on_batches=partial(_show_progress, bar),
            is_cancelled=lambda: bool(interrupts),
            on_wait=lambda: bar.set_description("Waiting for another training"),
        )
    if run.result is None and interrupts:
        _report(run.reason)
        return EXIT_INTERRUPTED
    if run.result is None:
        raise RunError(f"The training is {run.state}. {run.reason}")
    result = run.result
    value = {
        "run": run.id,
        "epochs": result.num_epochs,
        "seconds": result.seconds,
        "validation_accuracy": result.validation_accuracy,
        "test_accuracy": result.test_accuracy,
    }
    _print(
        options,
        value,
        _trained_words(run, result),
    )
    return EXIT_INTERRUPTED if interrupts else 0


def evaluate(options: argparse.Namespace) -> None:
    """Read the whole test split, or drawings, with a run and say how good it is."""
    run = RunStore().get(options.run)
    test = _drawings(options.on) if options.on else data.load_test()
    with _own_stderr(Path(os.devnull)):
        reader = Reader(run.file("twin.tflite"), num_threads=os.cpu_count() or 1)
        probabilities = reader.read(test.images).probabilities
    evaluation = Evaluation(test.labels, probabilities)
    low, high = evaluation.interval
    value = {
        "run": run.id,
        "num_images": evaluation.num_images,
        "accuracy": evaluation.accuracy,
        "interval": [low, high],
        "confusion_matrix": evaluation.confusion_matrix.tolist(),
        "num_mistakes": evaluation.num_mistakes,
    }
    _print(options, value, f"{run.name}: {evaluation.sentence()}")


def predict(options: argparse.Namespace) -> int:
    """Read the digits in picture files and stacks."""
    with _own_stderr(Path(os.devnull)):
        predictor = Predictor(RunStore().get(options.run))
    status = 0
    for file in options.files:
        try:
            predictions = predictor.predict_ink(_inks(Path(file)))
        except PictureError as error:  # the other files are read all the same
            print(error if file in str(error) else f"{file}: {error}", file=sys.stderr)
            status = EXIT_WRONG_USE
            continue
        for index, prediction in enumerate(predictions):
            value = {"file": file, "index": index, **_predicted(prediction)}
            _print(options, value, f"{file}[{index}]: {_words(prediction)}")
    return status


def list_runs(options: argparse.Namespace) -> None:
    """List the runs on disk, newest first, the unreadable ones last."""
    store = RunStore()
    rows = [_listed(run) for run in store.runs()]
    rows += [
        {"id": run.id, "name": None, "state": "unreadable", "reason": run.reason}
        for run in store.unreadable()
    ]
    if options.json:
        print(json.dumps(rows))
        return
    for row in rows:
        accuracy = row.get("test_accuracy")
        shown = "      –" if accuracy is None else f"{accuracy:7.2%}"
        detail = row.get("name") or row["reason"]
        print(f"{row['id']:<20} {row['state']:<12} {shown}  {detail}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mnist_core", description="Digit Lab from the command line."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], Any]
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run_command=run)
        return command

    add("data", find_data)
    command = add("train", train)
    command.add_argument(
        "--recipe",
        default=DEFAULT,
        help=f"one of {', '.join(RECIPES)} (default: {DEFAULT})",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the recipe; may be repeated",
    )
    command.add_argument("--name", default="", help="what the run is called")
    command = add("evaluate", evaluate)
    command.add_argument(
        "run", nargs="?", default=paths.SHIPPED_RUN_ID, help="a run's id"
    )
    command.add_argument(
        "--on",
        default="",
        metavar="FILE",
        help="drawings that were exported, instead of the test split",
    )
    command = add("teach", teach)
    command.add_argument("file", metavar="FILE", help="drawings that were exported")
    command.add_argument("--run", default=paths.SHIPPED_RUN_ID, help="a run's id")
    command.add_argument("--name", default="", help="what the copy is called")
    command = add("predict", predict)
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="a picture or .npy stack"
    )
    command.add_argument("--run", default=paths.SHIPPED_RUN_ID, help="a run's id")
    add("runs", list_runs)
    return parser


def _print(options: argparse.Namespace, value: dict[str, Any], sentence: str) -> None:
    print(json.dumps(value) if options.json else sentence)


def _report(sentence: str) -> None:
    with suppress(BrokenPipeError):  # nobody looks any more: no reason to end
        print(sentence, file=sys.stderr, flush=True)


def _trained_words(run: Run, result: Result) -> str:
    test = percent(result.test_accuracy, places=2)
    validation = percent(result.validation_accuracy, places=2)
    return (
        f"{run.name} ({run.id}): test accuracy {test}, validation {validation}, best "
        f"of {result.num_epochs} epochs in {result.seconds:.0f} s. {run.reason}"
    ).rstrip()


def _drawings(file: str) -> data.Split:
    """The drawings in an exported file, but not much more of it than may be read."""
    try:
        with Path(file).open("rb") as opened:
            return kept.from_file(opened.read(kept.MAX_FILE + 1))
    except OSError as error:
        raise KeptError(f"Cannot read {file}: {error.strerror}.") from error


def _inks(path: Path) -> Iterator[np.ndarray]:
    """The ink of every drawing in a file."""
    if path.suffix.lower() == ".npy":
        for image in pictures.read_stack(path):
            yield inking.ink_from_rgba(image) if image.ndim == 3 else image
    else:
        rgba = pictures.decode_picture(pictures.read_bytes(path))
        yield photos.ink_from_picture(rgba)


def _predicted(prediction: Prediction | None) -> dict[str, Any]:
    if prediction is None:
        return {
            "digit": None,
            "probability": None,
            "probabilities": None,
            "is_digit": False,
        }
    return {
        "digit": prediction.digit,
        "probability": prediction.probability,
        "probabilities": prediction.probabilities.tolist(),
        "is_digit": prediction.is_digit,
    }


def _words(prediction: Prediction | None) -> str:
    if prediction is None:
        return "– (nothing is drawn)"
    return f"{prediction.digit} ({prediction.sentence})"


def _listed(run: Run) -> dict[str, Any]:
    result = run.result
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "reason": run.reason,
        "created": run.created,
        "architecture": run.config.architecture,
        "epochs": result.num_epochs if result else None,
        "seconds": result.seconds if result else None,
        "num_parameters": result.num_parameters if result else None,
        "validation_accuracy": result.validation_accuracy if result else None,
        "test_accuracy": result.test_accuracy if result else None,
    }


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """The Ctrl-Cs so far; the first asks the training to stop, the second kills."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            # Not an exception: a library that it passes through may change it, and
            # the run would count as failed. A killed one can go on.
            os._exit(EXIT_INTERRUPTED)
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _own_stderr(log: Path) -> Iterator[TextIO]:
    """Standard error for us alone; what TensorFlow's libraries say goes to `log`."""
    sys.stderr.flush()
    descriptor = sys.stderr.fileno()
    kept = os.dup(descriptor)
    with log.open("ab") as file, os.fdopen(os.dup(kept), "w") as stderr:
        os.dup2(file.fileno(), descriptor)
        try:
            yield stderr
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)


@contextmanager
def _progress_bar(stream: TextIO, description: str) -> Iterator[tqdm]:
    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left {postfix}"
    with tqdm(file=stream, bar_format=form, desc=description) as bar:
        yield bar


def _first_words(store: RunStore, run: Run) -> str:
    """What is done before the first batch."""
    return estimates.drawing_words(run.config, store.runs()) or "Getting ready"


def _show_progress(bar: tqdm, metrics: BatchMetrics) -> None:
    bar.total = metrics.num_steps
    bar.set_description(f"Epoch {metrics.epoch}", refresh=False)
    bar.set_postfix_str(
        f"loss {metrics.loss:.3f}, accuracy {metrics.accuracy:.1%}, "
        f"{metrics.images_per_second:,.0f} images/s",
        refresh=False,
    )
    bar.update(metrics.step - bar.n)


if __name__ == "__main__":
    sys.exit(main())
