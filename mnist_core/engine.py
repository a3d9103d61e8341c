"""The engine: many gradient steps in one graph call, for any config.

The images stay in memory as uint8; gathering a batch, changing it at random, the
gradient step and the metrics are one TensorFlow graph with a loop in it, so
Python is entered a few times a second, not once a step.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mnist_core import kept, kernels, label_noise, models, pens, styles
from mnist_core.architectures import cost
from mnist_core.augmentation import augment
from mnist_core.config import NUM_CLASSES, TrainConfig
from mnist_core.data import Mnist, Split
from mnist_core.errors import DivergedError
from mnist_core.optimizers import Optimizer, is_kernel

PARTS = 2  # of a batch, computed side by side: cores share whole networks, not kernels
SHORT = 100e9  # operations of a training: over before a second part has paid
FEW = 32  # images; fewer are not parted, for their statistics would be noise
VALIDATION_BATCH = 1000  # images
CALIBRATION = 5_000  # train images that normalisation takes its statistics from
TAUGHT = 0.9  # share of the teachers in what is learned; the rest are the labels


class Engine:
    """A network, its optimiser, its teachers and its data, compiled into one graph.

    Attributes:
        config: What is trained.
        mnist: Its train and validation splits are used, the test split never.
        heads: The network.
        steps_per_epoch: Batches of an epoch; the last one may be smaller.
    """

    def __init__(
        self,
        config: TrainConfig,
        mnist: Mnist,
        teachers: Sequence[Path] = (),
        *,
        origin: Path | None = None,
        drawings: Split = kept.NOTHING,
        on_drawn: Callable[[int], None] = lambda num_drawn: None,
    ) -> None:
        """Build it all, with the weights of its origin or those that the seed decides.

        Args:
            config: What is trained.
            mnist: The data.
            teachers: The saved models of the config's teachers.
            origin: The saved model of the run that the config starts from.
            drawings: To be taught with, `config.num_kept` images of an epoch.
            on_drawn: Called after each digit of a thick pen, which take long, with how
                many there are; what it raises ends it.

        Raises:
            RunError: If a saved model cannot be opened.
        """
        self.config, self.mnist = config, mnist
        self._teachers = [models.load(path) for path in teachers]
        if config.is_augmented:
            for teacher in self._teachers:
                _attune(teacher, mnist.train, config)
        plain = label_noise.learned(mnist.train, config) + styles.written(
            config.num_styled, config.seed
        )
        train = (
            plain
            + pens.thickened(plain, config.num_thick, config.seed, on_drawn)
            + kept.repeated(drawings, config.num_kept)
        )
        self._train = _resident(train)
        self._validation = _resident(mnist.validation)
        self._num_train = len(train)
        self.steps_per_epoch = -(-self._num_train // config.batch_size)
        self.heads = models.build(config)
        if origin is not None:
            self.heads.model.set_weights(models.load(origin).get_weights())
        self._num_parts = _num_parts(config)
        self._network = kernels.training_view(self.heads, self._num_parts)
        self._normalizations = _normalizations(self.heads.model)
        self._weights = self.heads.model.trainable_weights
        self._kernels = [weight for weight in self._weights if is_kernel(weight)]
        self._optimizer = Optimizer(config, self._weights)
        number = tf.TensorSpec((), tf.int32)
        self._run_steps = tf.function(
            self._steps,
            input_signature=[
                tf.TensorSpec((None,), tf.int32),
                number,
                number,
                tf.TensorSpec((None,), tf.float32),
            ],
            autograph=False,  # to translate Python takes longer than to trace it
        )
        self._measure = tf.function(self._metrics, autograph=False)
        self._answer = tf.function(
            lambda images: tf.nn.softmax(self._logits(images)), autograph=False
        )
        self._pass = tf.function(
            lambda images: self._network(tf.cast(images, tf.float32), training=True),
            autograph=False,
        )
        self._epoch, self._order = 0, tf.zeros(0, tf.int32)
        # No steps: the graph is made, and the first report is not about that.
        self._run_steps(self._order, 0, 0, tf.zeros(0))

    def variables(self) -> list[np.ndarray]:
        """Copies of everything that training changes."""
        return [variable.numpy() for variable in self._all_variables()]

    def restore(self, values: list[np.ndarray]) -> None:
        """Put back what `variables` returned."""
        for variable, value in zip(self._all_variables(), values, strict=True):
            variable.assign(value)

    def _all_variables(self) -> list[keras.Variable]:
        return [*self.heads.model.variables, *self._optimizer.variables]

    def run(self, epoch: int, start: int, rates: np.ndarray) -> np.ndarray:
        """Train a few steps; `(3,)`: summed loss in nats, number correct, number.

        Args:
            epoch: From 1; it decides the order of the images.
            start: Steps of this epoch that are done.
            rates: `(n,)` float32, the learning rates of the next n steps.
        """
        if epoch != self._epoch:
            self._epoch, self._order = epoch, tf.constant(self._shuffled(epoch))
        first = (epoch - 1) * self.steps_per_epoch  # steps before this epoch
        return np.array(self._run_steps(self._order, start, first, rates))

    def validate(self) -> tuple[float, float]:
        """Loss in nats and accuracy on the validation split.

        What was normalised by the statistics of images that were changed at random is
        from here on normalised by those of images as they are.
        """
        if self.config.is_augmented:
            self._calibrate()
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
        return means(sums)

    def read(self, images: np.ndarray) -> np.ndarray:
        """`(N, 10)` float32 probabilities of `(N, 28, 28)` uint8 images.

        It changes nothing. As the model that is saved reads them, if it follows
        `validate`: that is where normalisation gets its statistics.
        """
        batches = [
            self._answer(tf.constant(images[start : start + VALIDATION_BATCH]))
            for start in range(0, len(images), VALIDATION_BATCH)
        ]
        return np.concatenate(batches)

    def _calibrate(self) -> None:
        """Measure the statistics of normalisation anew, of images as they are."""
        shares = [
            kernels.step_of(layer, self._num_parts) for layer in self._normalizations
        ]
        images, _ = self._train
        images = images[: min(CALIBRATION, len(self.mnist.train))]
        _measure_anew(self._normalizations, shares, images, self._pass)

    def _shuffled(self, epoch: int) -> np.ndarray:
        """The epoch's own order, the same after a restart."""
        generator = np.random.default_rng([self.config.seed, epoch])
        return generator.permutation(self._num_train).astype(np.int32)

    def _steps(
        self, order: tf.Tensor, start: tf.Tensor, first: tf.Tensor, rates: tf.Tensor
    ) -> tf.Tensor:
        """One gradient step a rate, from step `start` of an epoch on."""
        size = self.config.batch_size

        def one(index: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            step = start + index
            rows = order[step * size : (step + 1) * size]
            return index + 1, sums + self._step(rows, first + step, rates[index])

        _, sums = tf.while_loop(
            lambda index, sums: index < tf.size(rates), one, (0, tf.zeros(3))
        )
        return sums

    def _step(self, rows: tf.Tensor, step: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """One gradient step; returns `(3,)`: summed loss, correct and images.

        The parts of the batch have nothing to do with each other until their
        gradients are added, so two cores are busy without waiting for each other
        within a kernel. Each part is normalised by its own statistics (Hoffer et al.,
        "Train longer, generalize better", 2017).
        """
        parts = self._parts(rows)
        size = tf.add_n([tf.size(part) for part in parts])
        gradients, sums = zip(
            *(
                self._gradients(part, len(parts) * step + number, size)
                for number, part in enumerate(parts)
            ),
            strict=True,
        )
        total = [tf.add_n(shares) for shares in zip(*gradients, strict=True)]
        self._optimizer.apply(total, rate, step)
        return tf.add_n(sums) * tf.cast(tf.size(rows) / size, tf.float32)

    def _gradients(
        self, rows: tf.Tensor, draw: tf.Tensor, size: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """What one of the parts, of `size` images together, adds to a step; its sums.

        `draw` numbers the random changes: no two parts of a training are changed alike.
        """
        config = self.config
        images, labels = (tf.gather(values, rows) for values in self._train)
        is_mnist = rows < len(self.mnist.train)  # what is drawn comes after
        images = tf.cast(images, tf.float32)
        if config.is_augmented:
            images = augment(images, config, tf.stack([config.seed, draw]))
        targets = self._targets(images, labels, is_mnist)
        with tf.GradientTape() as tape:
            logits = self._network(images, training=True)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            mean = tf.reduce_sum(losses) / tf.cast(size, tf.float32)
            objective = mean + self._penalty() / self._num_parts
        weights = [weight.value for weight in self._weights]
        return tape.gradient(objective, weights), _sums(labels, logits)

    def _targets(
        self, images: tf.Tensor, labels: tf.Tensor, is_mnist: tf.Tensor
    ) -> tf.Tensor:
        """`(N, 10)` probabilities to learn.

        Teachers read the very images that are learned from, changes and all (Beyer et
        al., "Knowledge distillation: a good teacher is patient and consistent", 2022).
        What they say of styles that they may never have seen is not used.
        """
        smoothing = self.config.label_smoothing
        targets = tf.one_hot(labels, NUM_CLASSES)
        targets = targets * (1 - smoothing) + smoothing / NUM_CLASSES
        if not self._teachers:
            return targets
        answers = [teacher(images, training=False) for teacher in self._teachers]
        taught = (1 - TAUGHT) * targets + TAUGHT * tf.add_n(answers) / len(answers)
        return tf.where(is_mnist[:, None], taught, targets)

    def _penalty(self) -> tf.Tensor | float:
        """L2 on the kernels, as `keras.regularizers.L2`; AdamW decays by itself."""
        decay = self.config.weight_decay
        if not decay or self.config.optimizer == "adamw":
            return 0.0
        squares = [tf.reduce_sum(tf.square(kernel)) for kernel in self._kernels]
        return decay * tf.add_n(squares)

    def _metrics(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return _sums(labels, self._logits(images))

    def _logits(self, images: tf.Tensor) -> tf.Tensor:
        logits = [
            self._network(tf.cast(part, tf.float32), training=False)
            for part in self._parts(images)
        ]
        return tf.concat(logits, axis=0)[: tf.shape(images)[0]]

    def _parts(self, values: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Of images, or of their rows."""
        return (values,) if self._num_parts == 1 else _halves(values)


def _attune(teacher: keras.Model, train: Split, config: TrainConfig) -> None:
    """Have a teacher's normalisation expect images as a config changes them.

    Its statistics are of plain images. By these, three teachers together read 98.4 % of
    changed digits, by those of changed ones 99.2 %, and nine tenths of what is learned
    is what they say.
    """
    layers = _normalizations(teacher)
    seed = tf.constant([config.seed, -1])  # of changes that no batch of training has

    def read(images: tf.Tensor) -> None:
        teacher(augment(tf.cast(images, tf.float32), config, seed), training=True)

    shares = [1 - layer.momentum for layer in layers]
    _measure_anew(layers, shares, tf.constant(train.images[:CALIBRATION]), read)


def _normalizations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def _measure_anew(
    layers: list[keras.layers.BatchNormalization],
    shares: list[float],
    images: tf.Tensor,
    read: Callable[[tf.Tensor], object],
) -> None:
    """Give layers the statistics of what they get to see (Wu and Johnson, 2021).

    Those that training leaves are of its last few batches: noisy, and of images as
    they were changed there.

    Args:
        layers: Of one network.
        shares: How far a pass moves each one's towards its batch's own.
        images: To be read.
        read: A pass of the network.
    """
    statistics = [
        (variable, share)
        for layer, share in zip(layers, shares, strict=True)
        for variable in (layer.moving_mean, layer.moving_variance)
    ]
    if not statistics:
        return
    sums = [np.zeros(variable.shape) for variable, _ in statistics]
    for start in range(0, len(images), VALIDATION_BATCH):
        batch = images[start : start + VALIDATION_BATCH]
        for variable, _ in statistics:
            variable.assign(np.zeros(variable.shape))
        read(batch)
        for total, (variable, share) in zip(sums, statistics, strict=True):
            total += len(batch) * variable.numpy() / share
    for total, (variable, _) in zip(sums, statistics, strict=True):
        variable.assign(total / len(images))


def _num_parts(config: TrainConfig) -> int:
    """A second part is worth building where batches are large and many."""
    operations = 3 * cost(config).num_operations * config.num_learned * config.epochs
    is_short = operations < SHORT and not (config.time_limit or config.teachers)
    return 1 if is_short or config.batch_size < FEW else PARTS


def _halves(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The two parts of a batch, or its rows; each has all of them if they are few."""
    size = tf.shape(images)[0]
    is_few = size < FEW
    first, second = tf.where(is_few, size, size // 2), tf.where(is_few, 0, size // 2)
    return images[:first], images[second:]


def _sums(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """`(3,)` float32: summed cross-entropy in nats, number correct, number."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    is_correct = tf.argmax(logits, axis=1, output_type=tf.int32) == labels
    correct = tf.reduce_sum(tf.cast(is_correct, tf.float32))
    return tf.stack(
        [tf.reduce_sum(losses), correct, tf.cast(tf.size(labels), tf.float32)]
    )


def _resident(split: Split) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(split.images), tf.constant(split.labels, tf.int32)


def means(sums: np.ndarray) -> tuple[float, float]:
    """Loss in nats and accuracy, from what `Engine.run` summed up."""
    return float(sums[0] / sums[2]), float(sums[1] / sums[2])
