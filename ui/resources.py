"""What all visitors share, loaded once: runs, models, evaluations, the test split.

Everything here is immutable or locks itself, as Streamlit hands out one object to
all sessions at once.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

import numpy as np
import streamlit as st

from mnist_core import data, kept, label_noise, neighbours, paths, plane
from mnist_core.calibration import Calibration
from mnist_core.data import Split
from mnist_core.errors import DatasetError, DigitLabError
from mnist_core.evaluation import Evaluation
from mnist_core.neighbours import MAX_REFERENCE, Reference
from mnist_core.network import Network
from mnist_core.network import load as load_network
from mnist_core.predictor import Predictor
from mnist_core.reader import Reader
from mnist_core.robustness import Robustness
from mnist_core.runs import Run, RunStore
from mnist_core.suspects import Suspects
from mnist_core.sweep import Sweep
from mnist_core.timeline import Timeline

SplitName = Literal["test", "validation", "train"]

# One at a time: each keeps a core busy for a second.
_IN_BACKGROUND = ThreadPoolExecutor(1, thread_name_prefix="reference")
# Runs at once: more than a class of thirty would have each wait for the other's.
_MAX_REFERENCES = 32


# Held while a stroke is answered. Python runs one thread at a time; those who begin
# together and take turns by the millisecond all end late (`benchmarks/load.py`).
IN_TURN = threading.RLock()


def store() -> RunStore:
    """The runs on disk; it holds nothing but the folder's path."""
    return RunStore()


def predictor(run: Run) -> Predictor:
    """The run's model, ready to read.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
    """
    return _predictor(run, str(run.result))


@st.cache_resource(max_entries=4, show_spinner=False)
def _predictor(_run: Run, result: str) -> Predictor:
    return Predictor(_run)


def network(run: Run) -> Network:
    """The run's model as NumPy computes it, for gradients and feature maps.

    Raises:
        RunError: If the run has no model, its file is missing or damaged, or it has a
            layer that cannot be explained.
    """
    return _network(run, str(run.result))


@st.cache_resource(max_entries=8, show_spinner=False)
def _network(_run: Run, result: str) -> Network:
    return load_network(_run.file("model.keras"))


def reference(run: Run) -> Future[Reference]:
    """Train digits for the run's model to look among, read in the background.

    Its result raises RunError if the twin is missing or damaged, and DatasetError if
    MNIST is not on this machine.
    """
    future = _reference(run, str(run.result))
    if future.done() and future.exception() is not None:
        _reference.clear(run, str(run.result))  # it may be put right
    return future


@st.cache_resource(max_entries=_MAX_REFERENCES, show_spinner=False)
def _reference(_run: Run, result: str) -> Future[Reference]:
    return _IN_BACKGROUND.submit(_read_reference, _run)


def _read_reference(run: Run) -> Reference:
    config = run.config
    # Which labels are wrong depends on how many there are: then all are needed.
    num_train = (
        config.num_train if config.label_noise else min(config.num_train, MAX_REFERENCE)
    )
    train = _train_digits(num_train, config.num_validation)
    split = label_noise.learned(train, config)
    # A reader of its own, so that nobody who draws meanwhile waits for it.
    return neighbours.reference(Reader(run.file("twin.tflite")), split)


# Up to 43 MB each, which few visitors ask for.
@st.cache_resource(max_entries=2, ttl=600, show_spinner=False)
def _train_digits(num_train: int, num_validation: int) -> Split:
    return data.load_mnist(num_train=num_train, num_validation=num_validation).train


@st.cache_resource(max_entries=2, show_spinner=False)
def _validation_digits(num_validation: int) -> Split:
    mnist = data.load_mnist(num_train=1, num_validation=num_validation)
    return mnist.validation


@st.cache_resource(show_spinner=False)
def test_split() -> Split:
    """The 10,000 test images with their labels.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    return data.load_test()


def evaluation(run: Run) -> Evaluation:
    """The run on the test split, from the predictions stored with it.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
        DatasetError: If MNIST is not on this machine.
    """
    return _evaluation(run, str(run.result))


@st.cache_resource(max_entries=8, show_spinner=False)
def _evaluation(_run: Run, result: str) -> Evaluation:
    probabilities = _run.probabilities("test")
    return Evaluation(test_split().labels, probabilities, data.DISPUTED_TEST)


def calibration(run: Run) -> Calibration:
    """How sure the run is of the test split, and how right.

    Raises:
        DigitLabError: As `evaluation`.
    """
    return _calibration(evaluation(run), str(run.result))


@st.cache_resource(max_entries=8, show_spinner=False)
def _calibration(_evaluation: Evaluation, result: str) -> Calibration:
    return Calibration(_evaluation)


def timeline(run: Run) -> Timeline | None:
    """What the run said of the test split after its epochs; None if nobody looked.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
        DatasetError: If MNIST is not on this machine.
    """
    return _timeline(run, str(run.result))


@st.cache_resource(max_entries=8, show_spinner=False)
def _timeline(_run: Run, result: str) -> Timeline | None:
    return _run.timeline(test_split().labels)


def sweep(run: Run) -> Sweep:
    """What is read of the run's changed test digits so far, and who reads on if asked.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
        DatasetError: If MNIST is not on this machine.
    """
    sweep = _sweep(run, str(run.result), str(run.folder))
    if not (sweep.robustness.is_whole or sweep.is_running):
        sweep.take(_robustness(run))  # another process may have read on
    return sweep


@st.cache_resource(max_entries=_MAX_REFERENCES, show_spinner=False)
def _sweep(_run: Run, result: str, folder: str) -> Sweep:
    file, digest = _run.robustness_file, _run.digest("twin.tflite")

    def open_reader() -> Callable[[np.ndarray], np.ndarray]:
        # A reader of its own, so that nobody who draws meanwhile waits for it.
        reader = Reader(_run.file("twin.tflite"))

        def read(images: np.ndarray) -> np.ndarray:
            with IN_TURN:  # free when no stroke is being answered
                pass
            return reader.read(images).probabilities

        return read

    def save(robustness: Robustness) -> None:
        robustness.save(file, model=digest)

    return Sweep(_robustness(_run), test_split().images, open_reader, save)


def _robustness(run: Run) -> Robustness:
    """What is read of it so far, by whichever process."""
    return Robustness.load(
        run.robustness_file,
        test_split().labels,
        evaluation(run).predictions,
        model=run.digest("twin.tflite"),
    )


def suspects(run: Run, name: SplitName) -> Suspects:
    """The labels of a split that the run doubts.

    Raises:
        DigitLabError: As `split_evaluation`.
    """
    return _suspects(split_evaluation(run, name, of=run))


@lru_cache(maxsize=8)  # the evaluation is one object for all, and stays one
def _suspects(evaluation: Evaluation) -> Suspects:
    return Suspects(evaluation)


def split(run: Run, name: SplitName) -> Split:
    """A split of MNIST as the run had it, with the labels that it learned from.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    if name == "test":
        return test_split()
    if name == "validation":
        return _validation_digits(run.config.num_validation)
    return label_noise.learned(true_train_split(run), run.config)


def true_train_split(run: Run) -> Split:
    """The run's train split with MNIST's own labels, whatever it learned from.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    return _train_digits(run.config.num_train, run.config.num_validation)


def split_evaluation(run: Run, name: SplitName, *, of: Run) -> Evaluation:
    """The run on a split of MNIST as another run (or itself) had it.

    Those of the test split and of its own validation split are stored with the run;
    others are read once and remembered.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
        DatasetError: If MNIST is not on this machine.
    """
    if name == "test":
        return evaluation(run)
    config = of.config
    is_noisy = name == "train" and config.label_noise
    noise = (config.label_noise, config.seed) if is_noisy else None
    sizes = (config.num_train, config.num_validation)
    return _split_evaluation(run, of, str(run.result), name, sizes, noise)


@st.cache_resource(
    max_entries=8,
    show_spinner="Reading the digits, once for each model: some seconds…",
)
def _split_evaluation(
    _run: Run,
    _of: Run,
    result: str,
    name: SplitName,
    sizes: tuple[int, int],
    noise: tuple[float, int] | None,
) -> Evaluation:
    digits = split(_of, name)
    if name == "validation" and _run.config.num_validation == sizes[1]:
        return Evaluation(digits.labels, _run.probabilities("validation"))
    # A reader of its own, so that nobody who draws meanwhile waits for it.
    reader = Reader(_run.file("twin.tflite"))
    return Evaluation(digits.labels, reader.read(digits.images).probabilities)


def reading(run: Run, drawings: Split) -> Evaluation:
    """The run on a visitor's drawings.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
    """
    return _reading(run, drawings, str(run.result), kept.digest(drawings))


@st.cache_resource(max_entries=64, show_spinner=False)
def _reading(_run: Run, _drawings: Split, result: str, digest: str) -> Evaluation:
    probabilities = predictor(_run).probabilities(_drawings.images)
    return Evaluation(_drawings.labels, probabilities)


def places(run: Run, digits: Split) -> np.ndarray:
    """Where each digit lies on the run's map: `(N, 2)` float32 in [0, 1].

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
    """
    return _places(run, digits, str(run.result), kept.digest(digits))


@st.cache_resource(
    max_entries=8, show_spinner="Reading the digits, once: some seconds…"
)
def _places(_run: Run, _digits: Split, result: str, digest: str) -> np.ndarray:
    # A reader of its own, so that nobody who draws meanwhile waits for it.
    features = Reader(_run.file("twin.tflite")).read(_digits.images).features
    return plane.coordinates(features, _digits.labels)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show what a person can put right as one sentence, and end the page there."""
    try:
        yield
    except DatasetError as error:
        st.info(str(error), icon=":material/database_off:")
        if st.button("Get MNIST now", icon=":material/download:", key="get-mnist"):
            _fetch_mnist()
        st.stop()
    except DigitLabError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def _fetch_mnist() -> None:
    """Fetch MNIST in a process of its own: it may need TensorFlow for a moment.

    It goes on when the visitor leaves the page.
    """
    with st.status("Getting MNIST: about 11 MB", expanded=True) as status:
        process = subprocess.Popen(
            [sys.executable, "-m", "mnist_core", "data"],
            cwd=paths.REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            for line in process.stderr or ():
                st.text(line.strip())
        finally:  # heard to its end, whoever leaves, and then forgotten
            threading.Thread(target=process.communicate, daemon=True).start()
        if process.wait() == 0:
            st.rerun()
        status.update(label="MNIST could not be fetched", state="error")
