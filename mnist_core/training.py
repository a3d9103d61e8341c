"""The engine: trains any config, several gradient steps in one graph call.

The images stay in memory as uint8; gathering a batch, changing it at random, the
gradient step and the metrics are one TensorFlow graph with a loop in it, so
Python is entered a few times a second, not once a step.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from mnist_core import models
from mnist_core.augmentation import augment
from mnist_core.checkpoints import Snapshot
from mnist_core.config import NUM_CLASSES, TrainConfig
from mnist_core.data import Mnist, Split
from mnist_core.errors import DivergedError
from mnist_core.history import BatchMetrics, EpochMetrics, best_epoch, has_stalled
from mnist_core.schedules import learning_rates

MOMENTUM = 0.9  # of "sgd"
REPORT_EVERY = 0.25  # seconds between two reports, and so to notice a stop
VALIDATION_BATCH = 1000  # images


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished training.

    Attributes:
        heads: The network with the weights of its best epoch.
        history: All epochs.
        ending: "done"; "stopped" by a person; or "diverged" after a good epoch.
    """

    heads: models.Heads
    history: list[EpochMetrics]
    ending: Literal["done", "stopped", "diverged"]


def train(
    config: TrainConfig,
    mnist: Mnist,
    *,
    snapshot: Snapshot | None = None,
    on_batches: Callable[[BatchMetrics], None] = lambda metrics: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda metrics: None,
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train a model and keep its best epoch by validation loss.

    Args:
        config: What to train.
        mnist: Its train and validation splits are used, the test split never.
        snapshot: Go on from here; the result is the same, bit for bit, as without
            the break.
        on_batches: Called a few times a second.
        on_epoch: Called after each epoch, and after the part of one that a stop left.
        on_snapshot: Called after each whole epoch, before the next one begins.
        should_stop: Asked a few times a second; True ends the training with what
            has been learned so far.

    Raises:
        DivergedError: If the loss is NaN or infinite before one epoch was good.
    """
    engine = _Engine(config, mnist)
    history: list[EpochMetrics] = []
    best_weights: list[np.ndarray] = []
    if snapshot is not None:
        engine.restore(snapshot.variables)
        history, best_weights = list(snapshot.history), snapshot.best_weights
    ending: Literal["done", "stopped", "diverged"] = "done"
    clock = _Clock(history[-1].seconds if history else 0.0)

    while len(history) < config.epochs and not has_stalled(history, config.patience):
        epoch = len(history) + 1
        try:
            loss, accuracy, is_whole = engine.run_epoch(
                epoch, clock, on_batches, should_stop
            )
            val_loss, val_accuracy = engine.validate()
        except DivergedError:
            if not history:
                raise
            ending = "diverged"
            break
        history.append(
            EpochMetrics(epoch, loss, accuracy, val_loss, val_accuracy, clock.seconds)
        )
        if best_epoch(history) is history[-1]:
            best_weights = engine.heads.model.get_weights()
        on_epoch(history[-1])
        if not is_whole:
            ending = "stopped"
            break
        on_snapshot(Snapshot(list(history), engine.variables(), best_weights))
        if epoch < config.epochs and should_stop():
            ending = "stopped"
            break

    engine.heads.model.set_weights(best_weights)
    return Trained(engine.heads, history, ending)


class _Clock:
    """Seconds of work, counted on from an earlier part of the same training."""

    def __init__(self, before: float) -> None:
        self._start = time.monotonic() - before

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


class _Engine:
    """A network, its optimiser and its data, compiled into one graph."""

    def __init__(self, config: TrainConfig, mnist: Mnist) -> None:
        self._config = config
        self._train = _resident(mnist.train)
        self._validation = _resident(mnist.validation)
        self._num_train = len(mnist.train)
        self._steps_per_epoch = -(-self._num_train // config.batch_size)
        self.heads = models.build(config)
        self._kernels = [
            weight
            for weight in self.heads.model.trainable_weights
            if weight.name == "kernel"
        ]
        self._optimizer = _optimizer(config)
        self._optimizer.build(self.heads.model.trainable_variables)
        rates = learning_rates(config.schedule, config.learning_rate, self._num_steps)
        self._rates = tf.constant(rates)
        number = tf.TensorSpec((), tf.int32)
        self._run_steps = tf.function(
            self._steps,
            input_signature=[tf.TensorSpec((None,), tf.int32), number, number, number],
        )
        self._measure = tf.function(self._metrics)
        # No steps: the graph is made, and the first report is not about that.
        nothing = tf.zeros(0, tf.int32)
        self._run_steps(nothing, *[tf.constant(0)] * 3)

    @property
    def _num_steps(self) -> int:
        return self._config.epochs * self._steps_per_epoch

    def variables(self) -> list[np.ndarray]:
        """Copies of everything that training changes."""
        return [variable.numpy() for variable in self._all_variables()]

    def restore(self, values: list[np.ndarray]) -> None:
        """Put back what `variables` returned."""
        for variable, value in zip(self._all_variables(), values, strict=True):
            variable.assign(value)

    def _all_variables(self) -> list[keras.Variable]:
        return [*self.heads.model.variables, *self._optimizer.variables]

    def run_epoch(
        self,
        epoch: int,
        clock: _Clock,
        on_batches: Callable[[BatchMetrics], None],
        should_stop: Callable[[], bool],
    ) -> tuple[float, float, bool]:
        """Train one epoch; returns loss, accuracy and whether it was a whole one."""
        order = tf.constant(self._order(epoch))
        first = (epoch - 1) * self._steps_per_epoch  # steps before this epoch
        done, num_steps = 0, 1  # the first stretch is one step: it tells the pace
        sums = np.zeros(3)  # loss, correct, images
        while done < self._steps_per_epoch:
            began = clock.seconds
            num_steps = min(num_steps, self._steps_per_epoch - done)
            part = np.array(
                self._run_steps(
                    order, tf.constant(done), tf.constant(num_steps), tf.constant(first)
                )
            )
            if not np.isfinite(part[0]):
                raise DivergedError(
                    f"The loss became infinite or not a number in epoch {epoch}: the "
                    "weights have exploded. Lower the learning rate and start again."
                )
            done, sums = done + num_steps, sums + part
            took = max(clock.seconds - began, 1e-9)
            on_batches(
                BatchMetrics(
                    epoch=epoch,
                    step=first + done,
                    num_steps=self._num_steps,
                    loss=float(part[0] / part[2]),
                    accuracy=float(part[1] / part[2]),
                    images_per_second=float(part[2] / took),
                    seconds_left=took / num_steps * (self._num_steps - first - done),
                )
            )
            num_steps = max(1, min(2 * num_steps, int(REPORT_EVERY * num_steps / took)))
            if done < self._steps_per_epoch and should_stop():
                break
        loss, accuracy = _means(sums)
        return loss, accuracy, done == self._steps_per_epoch

    def validate(self) -> tuple[float, float]:
        """Loss in nats and accuracy on the validation split."""
        images, labels = self._validation
        sums = np.zeros(3)
        for start in range(0, len(labels), VALIDATION_BATCH):
            rows = slice(start, start + VALIDATION_BATCH)
            sums += np.array(self._measure(images[rows], labels[rows]))
        if not np.isfinite(sums[0]):
            raise DivergedError(
                "The validation loss is infinite or not a number: the weights have "
                "exploded. Lower the learning rate and start again."
            )
        return _means(sums)

    def _order(self, epoch: int) -> np.ndarray:
        """The epoch's own order, the same after a restart."""
        generator = np.random.default_rng([self._config.seed, epoch])
        return generator.permutation(self._num_train).astype(np.int32)

    def _steps(
        self, order: tf.Tensor, start: tf.Tensor, num_steps: tf.Tensor, first: tf.Tensor
    ) -> tf.Tensor:
        sums = tf.zeros(3)
        for step in tf.range(start, start + num_steps):
            size = self._config.batch_size
            sums += self._step(order[step * size : (step + 1) * size], first + step)
        return sums

    def _step(self, rows: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """One gradient step; returns `(3,)`: summed loss, correct and images."""
        config, network = self._config, self.heads.logits
        images, labels = (tf.gather(values, rows) for values in self._train)
        images = tf.cast(images, tf.float32)
        if config.is_augmented:
            images = augment(images, config, tf.stack([config.seed, step]))
        targets = tf.one_hot(labels, NUM_CLASSES)
        smoothing = config.label_smoothing
        targets = targets * (1 - smoothing) + smoothing / NUM_CLASSES
        with tf.GradientTape() as tape:
            logits = network(images, training=True)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            objective = tf.reduce_mean(losses) + self._penalty()
        variables = network.trainable_variables
        self._optimizer.learning_rate.assign(self._rates[step])
        self._optimizer.apply(tape.gradient(objective, variables), variables)
        return _sums(labels, logits)

    def _penalty(self) -> tf.Tensor | float:
        """L2 on the kernels, as `keras.regularizers.L2`; AdamW decays by itself."""
        decay = self._config.weight_decay
        if not decay or self._config.optimizer == "adamw":
            return 0.0
        squares = [tf.reduce_sum(tf.square(kernel)) for kernel in self._kernels]
        return decay * tf.add_n(squares)

    def _metrics(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        logits = self.heads.logits(tf.cast(images, tf.float32), training=False)
        return _sums(labels, logits)


def _sums(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """`(3,)` float32: summed cross-entropy in nats, number correct, number."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    is_correct = tf.argmax(logits, axis=1, output_type=tf.int32) == labels
    correct = tf.reduce_sum(tf.cast(is_correct, tf.float32))
    return tf.stack(
        [tf.reduce_sum(losses), correct, tf.cast(tf.size(labels), tf.float32)]
    )


def _means(sums: np.ndarray) -> tuple[float, float]:
    return float(sums[0] / sums[2]), float(sums[1] / sums[2])


def _resident(split: Split) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(split.images), tf.constant(split.labels, tf.int32)


def _optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    rate = config.learning_rate
    match config.optimizer:
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=MOMENTUM)
        case "adam":
            return keras.optimizers.Adam(rate)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate)
        case "adamw":
            optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
            return optimizer
    raise ValueError(f"There is no optimizer {config.optimizer!r}.")
