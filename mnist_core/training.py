"""Training: epochs, the clock, reports, the best weights, and when to end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mnist_core.checkpoints import Snapshot
from mnist_core.engine import Engine, means
from mnist_core.errors import DivergedError
from mnist_core.history import BatchMetrics, EpochMetrics, best_epoch, has_stalled
from mnist_core.models import Heads
from mnist_core.schedules import learning_rates

REPORT_EVERY = 0.25  # seconds between two reports, and so to notice a stop

Ending = Literal["done", "stopped", "diverged"]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished training.

    Attributes:
        heads: The network with the weights of its best epoch.
        history: All epochs.
        ending: "done"; "stopped" by a person; or "diverged" after a good epoch.
    """

    heads: Heads
    history: list[EpochMetrics]
    ending: Ending


def train(
    engine: Engine,
    *,
    snapshot: Snapshot | None = None,
    on_batches: Callable[[BatchMetrics], None] = lambda metrics: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda metrics: None,
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train a model and keep its best epoch by validation loss.

    Args:
        engine: A new one, for what to train.
        snapshot: Go on from here; without a time limit the result is the same, bit
            for bit, as without the break.
        on_batches: Called a few times a second.
        on_epoch: Called after each epoch, and after the part of one that a stop or
            the time limit left.
        on_snapshot: Called after each whole epoch, before the next one begins.
        should_stop: Asked a few times a second; True ends the training with what
            has been learned so far.

    Raises:
        DivergedError: If the loss is NaN or infinite before one epoch was good.
    """
    config = engine.config
    history: list[EpochMetrics] = []
    best_weights: list[np.ndarray] = []
    if snapshot is not None:
        engine.restore(snapshot.variables)
        history, best_weights = list(snapshot.history), snapshot.best_weights
    ending: Ending = "done"
    pacer = _Pacer(engine, history[-1].seconds if history else 0.0)

    while pacer.has_epochs(len(history)) and not has_stalled(history, config.patience):
        epoch = len(history) + 1
        try:
            sums, ended = _run_epoch(engine, pacer, epoch, on_batches, should_stop)
            val_loss, val_accuracy = pacer.timed_validation()
        except DivergedError:
            if not history:
                raise
            ending = "diverged"
            break
        history.append(
            EpochMetrics(epoch, *means(sums), val_loss, val_accuracy, pacer.seconds)
        )
        if best_epoch(history) is history[-1]:
            best_weights = engine.heads.model.get_weights()
        on_epoch(history[-1])
        if ended == "stopped":
            ending = "stopped"
            break
        if ended == "time":
            break
        on_snapshot(Snapshot(list(history), engine.variables(), best_weights))
        if pacer.has_epochs(epoch) and should_stop():
            ending = "stopped"
            break

    engine.heads.model.set_weights(best_weights)
    return Trained(engine.heads, history, ending)


def _run_epoch(
    engine: Engine,
    pacer: "_Pacer",
    epoch: int,
    on_batches: Callable[[BatchMetrics], None],
    should_stop: Callable[[], bool],
) -> tuple[np.ndarray, Literal["whole", "stopped", "time"]]:
    """Train one epoch; returns the summed metrics and how it ended."""
    first = (epoch - 1) * engine.steps_per_epoch
    done, sums = 0, np.zeros(3)
    while True:
        count = min(pacer.stretch(first + done), engine.steps_per_epoch - done)
        rates = pacer.rates(first + done, count)
        with pacer.timing(count):
            part = engine.run(epoch, done, rates)
        if not np.isfinite(part[0]):
            raise DivergedError(
                f"The loss became infinite or not a number in epoch {epoch}: the "
                "weights have exploded. Lower the learning rate and start again."
            )
        done, sums = done + count, sums + part
        loss, accuracy = means(part)
        steps_left = pacer.steps_left(first + done)
        on_batches(
            BatchMetrics(
                epoch=epoch,
                step=first + done,
                num_steps=first + done + steps_left,
                loss=loss,
                accuracy=accuracy,
                images_per_second=float(part[2] / count / pacer.step_seconds),
                seconds_left=steps_left * pacer.step_seconds,
            )
        )
        if done == engine.steps_per_epoch:
            return sums, "whole"
        if not steps_left:
            return sums, "time"
        if should_stop():
            return sums, "stopped"


class _Pacer:
    """How far a training is, and what fits into the next moment.

    Progress is counted in steps or, with a time limit, by the clock: then a busy
    machine trains fewer steps, and the learning rate falls to its end all the same.
    """

    def __init__(self, engine: Engine, before: float) -> None:
        self._config = config = engine.config
        self._engine = engine
        self._start = time.monotonic() - before
        self._num_steps = config.epochs * engine.steps_per_epoch
        self._count = 0  # steps of the last stretch
        self._validation_seconds: float | None = None
        self.step_seconds = 0.0  # of one step, lately

    @property
    def seconds(self) -> float:
        """Of work, counted on from an earlier part of the same training."""
        return time.monotonic() - self._start

    def has_epochs(self, num_done: int) -> bool:
        """Whether another epoch is to begin."""
        if self._config.time_limit:
            return num_done == 0 or self.steps_left(0) > 0
        return num_done < self._config.epochs

    def steps_left(self, step: int) -> int:
        """How many steps there will be after `step` of them."""
        if not self._config.time_limit:
            return self._num_steps - step
        left = self._training_seconds - self.seconds
        return max(0, int(left / self.step_seconds)) if self.step_seconds else 1

    def stretch(self, step: int) -> int:
        """Steps to take before the next report; the first one tells the pace."""
        if not self._count:
            return 1
        fitting = int(REPORT_EVERY / self.step_seconds)
        return max(1, min(fitting, 2 * self._count, self.steps_left(step)))

    def rates(self, step: int, count: int) -> np.ndarray:
        """`(count,)` float32, the learning rates after `step` steps."""
        ahead = np.arange(count) + 0.5
        if self._config.time_limit:
            seconds = self.seconds + ahead * self.step_seconds
            done = np.minimum(1.0, seconds / self._training_seconds)
        else:
            done = (step + ahead) / self._num_steps
        return learning_rates(self._config.schedule, self._config.learning_rate, done)

    @contextmanager
    def timing(self, count: int) -> Iterator[None]:
        """Measure how long so many steps take."""
        began = time.monotonic()
        yield
        self._count = count
        self.step_seconds = max(time.monotonic() - began, 1e-9) / count

    def timed_validation(self) -> tuple[float, float]:
        """As `Engine.validate`, and remember how long it took."""
        began = time.monotonic()
        metrics = self._engine.validate()
        self._validation_seconds = time.monotonic() - began
        return metrics

    @property
    def _training_seconds(self) -> float:
        """What a time limit leaves when the last validation is taken off."""
        validation = self._validation_seconds
        if validation is None:  # not measured yet: reading is half as much as training
            batches = self._config.num_validation / self._config.batch_size
            validation = batches * self.step_seconds / 2
        return max(self._config.time_limit - validation, 1e-9)
