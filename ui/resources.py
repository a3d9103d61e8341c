"""What all visitors share, loaded once: runs, models, evaluations, the test split.

Everything here is immutable or locks itself, as Streamlit hands out one object to
all sessions at once.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from mnist_core import data, kept, paths
from mnist_core.data import Split
from mnist_core.errors import DatasetError, DigitLabError
from mnist_core.evaluation import Evaluation
from mnist_core.predictor import Predictor
from mnist_core.runs import Run, RunStore


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
    return Evaluation(test_split().labels, _run.probabilities("test"))


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
        threading.Thread(target=process.wait, daemon=True).start()
        for line in process.stderr or ():
            st.text(line.strip())
        if process.wait() == 0:
            st.rerun()
        status.update(label="MNIST could not be fetched", state="error")
