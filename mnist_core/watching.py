"""Reading the test split between epochs, so that one can see later how a run learned.

It is for looking only: the training never learns what was read, and goes on as if
nothing had happened, bit for bit.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.errors import RunError
from mnist_core.history import EpochMetrics, best_epoch
from mnist_core.timeline import Timeline

MAX_SHARE = 0.1  # of the time that a training may spend on being looked at, beyond
GRACE = 0.5  # seconds in all, which nobody notices
FORWARD = 1 / 3  # of a gradient step is what a reading takes; before one is measured

log = logging.getLogger(__name__)


class Watch:
    """Reads the test split after those epochs that take much longer than a reading.

    The last epoch is left to who finishes the run, if it is the best: then what the
    finished model says is what it said.
    """

    def __init__(
        self,
        path: Path,
        test: Split,
        read: Callable[[np.ndarray], np.ndarray],
        config: TrainConfig,
        num_done: int,
    ) -> None:
        """Begin a training, or go on with one.

        Args:
            path: The file of what is read; it is whole after each epoch.
            test: What is read.
            read: Gives `(N, 10)` probabilities of `(N, 28, 28)` uint8 images.
            config: What is trained.
            num_done: Epochs that are not trained again.
        """
        self._path, self._test, self._read, self._config = path, test, read, config
        self._timeline = earlier(path, test.labels).until(num_done)
        self._seconds: float | None = None  # that the last reading took
        self._spent = 0.0  # seconds on all readings

    def look(self, history: Sequence[EpochMetrics]) -> None:
        """Read, if it is worth its time; to be called after a whole epoch.

        Raises:
            OSError: If the file cannot be written.
        """
        if not self._is_due(history):
            return
        began = time.monotonic()
        probabilities = self._read(self._test.images)
        self._timeline = self._timeline.including(history[-1].epoch, probabilities)
        self._timeline.save(self._path)
        self._seconds = time.monotonic() - began
        self._spent += self._seconds

    def _is_due(self, history: Sequence[EpochMetrics]) -> bool:
        last = history[-1]
        is_final = not self._config.time_limit and last.epoch == self._config.epochs
        if is_final and best_epoch(history) is last:
            return False
        expected = self._expected(last)
        if self._spent + expected <= GRACE:
            return True
        watched = set(self._timeline.epochs.tolist())
        before = max((e.seconds for e in history if e.epoch in watched), default=0.0)
        return expected <= MAX_SHARE * (last.seconds - before)

    def _expected(self, last: EpochMetrics) -> float:
        """Seconds that a reading takes."""
        if self._seconds is not None:
            return self._seconds
        image = last.seconds / last.epoch / self._config.num_train
        return len(self._test) * image * FORWARD


def earlier(path: Path, labels: np.ndarray) -> Timeline:
    """What is in a file; nothing if it is missing or damaged: it is for looking."""
    if path.exists():
        try:
            return Timeline.load(path, labels)
        except RunError as error:
            log.warning("%s", error)
    return Timeline.empty(labels)
