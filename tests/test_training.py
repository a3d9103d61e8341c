from dataclasses import dataclass, field, replace
from hashlib import sha256

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from mnist_core import engine, models, training
from mnist_core.augmentation import augment
from mnist_core.checkpoints import load_snapshot, save_snapshot
from mnist_core.config import ARCHITECTURES, TrainConfig
from mnist_core.data import Mnist, Split
from mnist_core.engine import SHORT, Engine
from mnist_core.errors import DivergedError
from mnist_core.history import best_epoch
from mnist_core.recipes import RECIPES
from mnist_core.schedules import learning_rates

pytestmark = pytest.mark.slow

# Between them: every optimiser and schedule, and all that draws random numbers.
RESUMABLE = {
    "sgd": {"architecture": "softmax", "schedule": "cosine", "learning_rate": 0.1},
    "adam": {
        "architecture": "cnn",
        "optimizer": "adam",
        "dropout": 0.5,
        "batch_normalization": True,
        "rotation": 10.0,
        "shift": 1.0,
        "scale": 0.1,
        "shear": 0.1,
        "elastic": 0.5,
    },
    "adamw": {
        "architecture": "dense",
        "optimizer": "adamw",
        "schedule": "one-cycle",
        "dropout": 0.3,
        "batch_normalization": True,
        "weight_decay": 0.01,
    },
    "rmsprop": {
        "architecture": "dense",
        "optimizer": "rmsprop",
        "dropout": 0.5,
        "weight_decay": 1e-4,
        "label_smoothing": 0.1,
        "shift": 1.0,
        "num_styled": 40,
    },
}
# What explodes for certain: each step multiplies the kernel by about -19.
EXPLODING = {"optimizer": "sgd", "learning_rate": 10.0, "weight_decay": 1.0}


@dataclass
class Recorded:
    """A training with all that it reported."""

    config: TrainConfig
    trained: training.Trained = None
    batches: list = field(default_factory=list)
    epochs: list = field(default_factory=list)
    snapshots: list = field(default_factory=list)

    @property
    def fingerprint(self):
        """SHA-256 of the final weights."""
        weights = self.trained.heads.model.get_weights()
        return sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()


@pytest.fixture(scope="module", autouse=True)
def parts():
    """Batches come in two parts, as in trainings that are long enough for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "SHORT", 0.0)
        yield


def small(**settings):
    defaults = {
        "architecture": "softmax",
        "learning_rate": 0.01,
        "batch_size": 32,
        "epochs": 3,
    }
    return TrainConfig(
        **{**defaults, "num_train": 300, "num_validation": 500, **settings}
    )


def recorded(config, mnist, **arguments):
    record = Recorded(config)
    record.trained = training.train(
        Engine(config, mnist),
        on_batches=record.batches.append,
        on_epoch=record.epochs.append,
        on_snapshot=record.snapshots.append,
        **arguments,
    )
    return record


def contrary(mnist):
    """The same splits, but what is learned makes validation worse."""
    images, labels = mnist.validation.images, mnist.validation.labels
    return Mnist(mnist.train, Split(images, (labels + 1) % 10), mnist.test)


@pytest.fixture(scope="module")
def plain(small_mnist):
    """Three epochs of softmax regression with Adam."""
    return recorded(small(), small_mnist)


@pytest.fixture(scope="module")
def worsening(small_mnist):
    """Three epochs, the first of which is the best."""
    return recorded(small(), contrary(small_mnist))


@pytest.fixture(scope="module", params=RESUMABLE.values(), ids=RESUMABLE)
def uninterrupted(request, small_mnist):
    return recorded(small(**request.param), small_mnist)


def test_the_same_config_gives_the_same_weights(uninterrupted, small_mnist):
    again = recorded(uninterrupted.config, small_mnist)

    assert again.fingerprint == uninterrupted.fingerprint


def test_a_resumed_training_ends_with_the_same_weights(
    uninterrupted, small_mnist, tmp_path
):
    for snapshot in uninterrupted.snapshots:
        save_snapshot(tmp_path / "checkpoint.npz", snapshot)

        resumed = recorded(
            uninterrupted.config,
            small_mnist,
            snapshot=load_snapshot(tmp_path / "checkpoint.npz"),
        )

        num_done = len(snapshot.history)
        assert resumed.fingerprint == uninterrupted.fingerprint
        assert (
            resumed.trained.history[:num_done]
            == uninterrupted.trained.history[:num_done]
        )
        assert [epoch.epoch for epoch in resumed.epochs] == [1, 2, 3][num_done:]
        for one, other in zip(
            resumed.trained.history, uninterrupted.trained.history, strict=True
        ):
            assert one.loss == pytest.approx(
                other.loss, rel=1e-4
            )  # summed in other parts
            assert (one.accuracy, one.val_loss) == (other.accuracy, other.val_loss)


def test_another_seed_gives_other_weights(plain, small_mnist):
    other = recorded(small(seed=1), small_mnist)

    assert other.fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    "optimizer, schedule, learning_rate",
    [
        ("sgd", "cosine", 0.1),
        ("adam", "constant", 0.01),
        ("adamw", "one-cycle", 0.02),
        ("rmsprop", "constant", 0.01),
    ],
)
def test_every_optimizer_and_schedule_learns(
    optimizer, schedule, learning_rate, small_mnist
):
    config = small(optimizer=optimizer, schedule=schedule, learning_rate=learning_rate)

    history = recorded(config, small_mnist).trained.history

    assert history[-1].val_accuracy == 1.0
    assert history[-1].val_loss < history[0].val_loss < np.log(10)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_learns(architecture, small_mnist):
    config = small(architecture=architecture, learning_rate=3e-3)

    trained = recorded(config, small_mnist).trained

    predicted = trained.heads.model.predict(small_mnist.test.images, verbose=0).argmax(
        axis=1
    )
    assert np.mean(predicted == small_mnist.test.labels) >= 0.95


def test_the_test_split_is_never_touched(plain, small_mnist):
    blind = Mnist(small_mnist.train, small_mnist.validation, test=None)

    assert recorded(small(), blind).fingerprint == plain.fingerprint


def test_reading_between_epochs_changes_nothing_and_is_what_the_model_says(
    uninterrupted, small_mnist
):
    record, test = Recorded(uninterrupted.config), small_mnist.test
    engine, read = Engine(record.config, small_mnist), []

    record.trained = training.train(
        engine, on_snapshot=lambda snapshot: read.append(engine.read(test.images))
    )

    assert record.fingerprint == uninterrupted.fingerprint
    best = best_epoch(record.trained.history).epoch
    said = record.trained.heads.model.predict(test.images, verbose=0)
    assert_allclose(read[best - 1], said, rtol=0, atol=1e-4)


def test_sgd_follows_the_formula(small_mnist):
    """Softmax regression by hand: momentum, schedule, smoothed labels and L2."""
    config = small(
        optimizer="sgd",
        schedule="cosine",
        learning_rate=0.5,
        batch_size=300,
        epochs=4,
        label_smoothing=0.2,
        weight_decay=0.05,
    )
    kernel, bias = (
        weight.astype(np.float64) for weight in models.build(config).model.get_weights()
    )
    pixels = small_mnist.train.images.reshape(300, 784) / 255
    labels = np.eye(10)[small_mnist.train.labels]
    targets = 0.8 * labels + 0.2 / 10
    kernel_speed, bias_speed = np.zeros_like(kernel), np.zeros_like(bias)
    expected = []
    for rate in learning_rates("cosine", 0.5, (np.arange(4) + 0.5) / 4):
        odds = np.exp(pixels @ kernel + bias)
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log((probabilities * labels).sum(axis=1)))
        error = (probabilities - targets) / 300
        kernel_speed = 0.9 * kernel_speed - rate * (
            pixels.T @ error + 2 * 0.05 * kernel
        )
        bias_speed = 0.9 * bias_speed - rate * error.sum(axis=0)
        kernel, bias = kernel + kernel_speed, bias + bias_speed
        expected.append((kernel, bias, loss))

    record = recorded(config, small_mnist)

    for snapshot, epoch, (kernel, bias, loss) in zip(
        record.snapshots, record.epochs, expected, strict=True
    ):
        assert snapshot.variables[0] == pytest.approx(kernel, abs=1e-5)
        assert snapshot.variables[1] == pytest.approx(bias, abs=1e-5)
        assert epoch.loss == pytest.approx(loss, rel=1e-5)  # of the true labels alone


def test_the_validation_figures_are_those_of_the_model(plain, small_mnist):
    best = best_epoch(plain.trained.history)

    images, labels = small_mnist.validation.images, small_mnist.validation.labels
    probabilities = plain.trained.heads.model.predict(images, verbose=0)

    right = probabilities[np.arange(100), labels]
    assert best.val_loss == pytest.approx(-np.mean(np.log(right)), rel=1e-4)
    assert best.val_accuracy == np.mean(probabilities.argmax(axis=1) == labels)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adamw"])
def test_weight_decay_shrinks_the_kernel(optimizer, small_mnist):
    free, decayed = (
        recorded(small(optimizer=optimizer, weight_decay=decay, epochs=1), small_mnist)
        for decay in (0.0, 0.1)
    )

    norms = [
        np.linalg.norm(record.trained.heads.model.get_weights()[0])
        for record in (free, decayed)
    ]
    assert norms[1] < 0.995 * norms[0]


def test_adamw_decays_kernels_by_themselves_and_nothing_else(small_mnist):
    settings = {
        "architecture": "dense",
        "optimizer": "adamw",
        "batch_normalization": True,
        "batch_size": 300,
        "epochs": 1,
    }
    first = models.build(small(**settings)).model
    free, decayed = (
        recorded(small(**settings, weight_decay=decay), small_mnist)
        for decay in (0.0, 0.5)
    )

    for variable, one, other in zip(
        first.weights,
        free.trained.heads.model.get_weights(),
        decayed.trained.heads.model.get_weights(),
        strict=True,
    ):
        share = 0.01 * 0.5 if variable.name == "kernel" else 0.0
        assert_allclose(other, one - share * variable.numpy(), rtol=0, atol=1e-6)


def test_the_best_epoch_is_kept_and_not_the_last(worsening):
    kernels = [snapshot.variables[0] for snapshot in worsening.snapshots]

    assert best_epoch(worsening.trained.history).epoch == 1
    assert np.array_equal(worsening.trained.heads.model.get_weights()[0], kernels[0])
    assert not np.array_equal(kernels[0], kernels[2])


def test_a_resumed_training_remembers_its_best_epoch(worsening, small_mnist):
    resumed = recorded(small(), contrary(small_mnist), snapshot=worsening.snapshots[1])

    assert resumed.fingerprint == worsening.fingerprint


@pytest.mark.parametrize("patience", [1, 2])
def test_a_training_ends_after_so_many_epochs_without_a_better_one(
    patience, small_mnist
):
    record = recorded(small(epochs=20, patience=patience), contrary(small_mnist))

    assert len(record.trained.history) == 1 + patience
    assert record.trained.ending == "done"


def test_a_training_that_gets_better_is_not_cut_short(small_mnist):
    record = recorded(small(epochs=4, patience=1), small_mnist)

    assert len(record.trained.history) == 4


def test_a_stop_in_an_epoch_keeps_what_was_learned(small_mnist):
    record = recorded(small(batch_size=8), small_mnist, should_stop=lambda: True)

    [epoch] = record.trained.history
    model = record.trained.heads.model
    assert record.trained.ending == "stopped"
    assert record.batches[-1].step == 1  # of 38 in the epoch
    assert record.snapshots == []  # it could not go on from the middle of an epoch
    assert record.epochs == [epoch]
    assert model.predict(small_mnist.test.images, verbose=0).sum(
        axis=1
    ) == pytest.approx(1)
    assert not np.array_equal(
        model.get_weights()[0], models.build(record.config).model.get_weights()[0]
    )


def test_a_stop_keeps_the_best_epoch_before(worsening, small_mnist):
    record = Recorded(small())

    record.trained = training.train(
        Engine(record.config, contrary(small_mnist)),
        on_batches=record.batches.append,
        should_stop=lambda: record.batches[-1].epoch == 2,
    )

    assert record.trained.ending == "stopped"
    assert len(record.trained.history) == 2
    assert record.fingerprint == worsening.fingerprint


def test_a_stop_that_comes_with_the_last_batch_finds_a_finished_training(small_mnist):
    record = Recorded(small(epochs=2))

    record.trained = training.train(
        Engine(record.config, small_mnist),
        on_batches=record.batches.append,
        should_stop=lambda: record.batches[-1].step == record.batches[-1].num_steps,
    )

    assert record.trained.ending == "done"


def test_a_training_with_one_batch_an_epoch_can_be_stopped(small_mnist):
    record = recorded(
        small(batch_size=300, epochs=5), small_mnist, should_stop=lambda: True
    )

    assert record.trained.ending == "stopped"
    assert len(record.trained.history) < 5


def test_a_loss_that_explodes_in_the_first_epoch_is_told_with_what_to_do(small_mnist):
    with pytest.raises(DivergedError) as caught:
        recorded(small(**EXPLODING, batch_size=8), small_mnist)

    assert str(caught.value) == (
        "The loss became infinite or not a number in epoch 1: the weights have "
        "exploded. Lower the learning rate and start again."
    )


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"batch_size": 32, "epochs": 5}, id="while training"),
        pytest.param({"batch_size": 300, "epochs": 40}, id="while validating"),
    ],
)
def test_a_loss_that_explodes_later_ends_the_training_with_its_best_epoch(
    settings, small_mnist
):
    record = recorded(small(**EXPLODING, **settings), small_mnist)

    history = record.trained.history
    [kernel, bias, *_] = record.snapshots[best_epoch(history).epoch - 1].variables
    assert record.trained.ending == "diverged"
    assert 1 <= len(history) < settings["epochs"]
    assert len(record.snapshots) == len(record.epochs) == len(history)
    assert all(np.isfinite([epoch.loss, epoch.val_loss]).all() for epoch in history)
    assert np.array_equal(record.trained.heads.model.get_weights()[0], kernel)
    assert np.array_equal(record.trained.heads.model.get_weights()[1], bias)


def test_a_validation_loss_that_explodes_first_is_told_with_what_to_do(
    small_mnist, monkeypatch
):
    exploded = np.array([np.inf, 0, 100])
    monkeypatch.setattr(
        engine.Engine, "_metrics", lambda self, images, labels: exploded
    )

    with pytest.raises(
        DivergedError, match="The validation loss is infinite or not a number"
    ):
        recorded(small(epochs=1), small_mnist)


def test_an_image_is_changed_in_another_way_in_every_epoch(small_mnist):
    """With one image and a rate of almost nothing, only changes can move the loss."""
    train = small_mnist.train[np.zeros(300, int)]
    mnist = Mnist(train, small_mnist.validation, small_mnist.test)
    settings = {"batch_size": 300, "epochs": 2, "learning_rate": 1e-6}

    still, changed = (
        recorded(small(**settings, shift=shift), mnist).trained.history
        for shift in (0.0, 3.0)
    )

    assert abs(still[1].loss - still[0].loss) < 1e-3
    assert abs(changed[1].loss - changed[0].loss) > 2e-3


@pytest.mark.parametrize("batch_size", [300, 299, 270, 8, 9])
def test_parts_and_leftovers_are_learned_and_counted_like_a_whole_batch(
    small_mnist, batch_size
):
    """One epoch of plain gradient descent, step by step with Keras's gradients."""
    config = small(
        optimizer="sgd",
        momentum=0.0,
        learning_rate=0.05,
        batch_size=batch_size,
        epochs=1,
    )
    ours, keras_model = Engine(config, small_mnist), models.build(config).logits
    images, labels = small_mnist.train.images, small_mnist.train.labels
    order = ours._shuffled(1)
    weights = [weight.value for weight in keras_model.trainable_weights]

    rates = np.full(ours.steps_per_epoch, 0.05, np.float32)
    *_, count = ours.run(1, 0, rates)
    for start in range(0, 300, batch_size):
        rows = order[start : start + batch_size]
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels[rows].astype(np.int32), keras_model(images[rows] * 1.0)
            )
            loss = tf.reduce_mean(losses)
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(0.05 * gradient)

    assert count == pytest.approx(300)
    for one, other in zip(ours.heads.model.get_weights(), weights, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize("num_images", [1, 2, 31, 33, 1001])
def test_any_number_of_images_is_read_as_by_the_model_that_is_saved(
    small_mnist, num_images
):
    engine = Engine(small(architecture="cnn", batch_normalization=True), small_mnist)
    images = np.resize(small_mnist.test.images, (num_images, 28, 28))

    assert_allclose(
        engine.read(images), models.read(engine.heads.model, images), atol=1e-5
    )


def test_a_last_batch_of_a_single_image_does_no_harm(small_mnist):
    config = small(architecture="cnn", batch_normalization=True, batch_size=299)

    record = recorded(config, small_mnist)

    assert all(np.isfinite(w).all() for w in record.trained.heads.model.get_weights())
    assert all(np.isfinite(epoch.loss) for epoch in record.epochs)


@pytest.mark.parametrize(
    ("short", "num_parts"),
    [pytest.param(0.0, 2, id="two parts"), pytest.param(1e12, 1, id="one part")],
)
def test_no_two_parts_of_a_training_are_changed_alike(
    small_mnist, monkeypatch, short, num_parts
):
    draws = []

    def noted(images, config, seed):
        tf.numpy_function(lambda pair: draws.append(tuple(pair)), [seed], [])
        return images

    monkeypatch.setattr(engine, "SHORT", short)
    monkeypatch.setattr(engine, "augment", noted)
    recorded(small(rotation=5.0), small_mnist)

    assert len(draws) == num_parts * 10 * 3  # parts, steps, epochs
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize(
    ("name", "settings", "num_parts"),
    [
        ("blink", [], 1),
        ("linear", [], 1),
        ("fast", [], 2),
        ("best", [], 2),
        ("blink", ["epochs=20"], 2),
        ("blink", ["time_limit=60"], 2),
        ("blink", ["teachers=shipped"], 2),
        ("best", ["batch_size=31"], 1),
    ],
)
def test_a_training_that_is_soon_over_or_has_small_batches_does_not_part_them(
    monkeypatch, name, settings, num_parts
):
    monkeypatch.setattr(engine, "SHORT", SHORT)

    config = RECIPES[name].config.with_settings(settings)

    assert engine._num_parts(config) == num_parts


def test_dropout_is_at_work_while_training(small_mnist):
    """With a rate of almost nothing, only what is dropped can move the loss."""
    settings = {"batch_size": 300, "epochs": 2, "learning_rate": 1e-6}

    kept, dropped = (
        recorded(
            small(architecture="dense", **settings, dropout=dropout), small_mnist
        ).trained.history
        for dropout in (0.0, 0.5)
    )

    assert abs(kept[1].loss - kept[0].loss) < 2e-3
    assert abs(dropped[1].loss - dropped[0].loss) > 5e-3


def test_the_statistics_of_normalisation_follow_the_images_by_a_tenth_a_step(
    small_mnist,
):
    config = small(
        architecture="dense",
        batch_normalization=True,
        batch_size=300,
        learning_rate=1e-6,
    )
    kernel = models.build(config).model.get_weights()[0]
    means = (small_mnist.train.images.reshape(300, 784) / 255 @ kernel).mean(axis=0)

    record = recorded(config, small_mnist)

    for step, snapshot in enumerate(record.snapshots, start=1):
        _, _, _, moving_mean, *_ = snapshot.variables
        assert_allclose(moving_mean, (1 - 0.9**step) * means, rtol=0, atol=1e-3)


def test_every_report_counts_on_from_the_one_before(plain):
    steps = [report.step for report in plain.batches]

    assert steps == sorted(set(steps))
    assert steps[-1] == 3 * 10  # the last batch of an epoch holds the 12 left over
    assert {report.num_steps for report in plain.batches} == {30}
    for report in plain.batches:
        assert report.epoch == -(-report.step // 10)
        assert 0 <= report.accuracy <= 1
        assert report.loss > 0
        assert report.images_per_second > 0


def test_the_time_left_falls_to_nothing(plain):
    left = [report.seconds_left for report in plain.batches]

    assert left[-1] == 0
    assert min(left[:-1]) > 0


def test_every_image_counts_in_the_figures_of_an_epoch(plain):
    for epoch in plain.epochs:
        num_right = 300 * epoch.accuracy

        assert num_right == pytest.approx(round(num_right), abs=1e-4)


def test_the_reports_of_an_epoch_add_up_to_its_figures(small_mnist):
    record = recorded(small(epochs=1, batch_size=100), small_mnist)

    steps = [0, *[report.step for report in record.batches]]
    weights = np.diff(steps) / 3  # three batches of the same size
    for name in ("loss", "accuracy"):
        parts = [getattr(report, name) for report in record.batches]
        assert weights @ parts == pytest.approx(
            getattr(record.epochs[0], name), rel=1e-5
        )


def test_epochs_are_reported_in_order_with_the_time_since_the_beginning(plain):
    assert plain.epochs == plain.trained.history
    assert [epoch.epoch for epoch in plain.epochs] == [1, 2, 3]
    seconds = [0.0, *[epoch.seconds for epoch in plain.epochs]]
    assert (np.diff(seconds) > 0).all()


def test_the_time_of_a_resumed_training_goes_on(plain, small_mnist):
    resumed = recorded(small(), small_mnist, snapshot=plain.snapshots[1])

    before, after = (epoch.seconds for epoch in resumed.trained.history[1:])
    assert before == plain.epochs[1].seconds
    assert after > before


def test_a_pupil_learns_what_its_teachers_say_rather_than_the_labels(
    small_mnist, tmp_path
):
    """The teachers read every digit as the one before it."""
    train = small_mnist.train
    before = Mnist(
        Split(train.images, (train.labels + 9) % 10),
        small_mnist.validation,
        small_mnist.test,
    )
    config, path = small(epochs=10), tmp_path / "model.keras"
    training.train(Engine(config, before)).heads.model.save(path)

    pupil = training.train(Engine(replace(config, seed=1), small_mnist, [path, path]))

    test = small_mnist.test
    read = pupil.heads.model.predict(test.images, verbose=0).argmax(axis=1)
    assert (read == (test.labels + 9) % 10).mean() > 0.9


def test_teachers_are_normalised_by_images_as_their_pupil_sees_them(
    small_mnist, tmp_path
):
    config = small(architecture="tiny", batch_normalization=True)
    path = tmp_path / "model.keras"
    training.train(Engine(config, small_mnist)).heads.model.save(path)
    changing = replace(config, thickness=1.0, blur=1.0)
    images = tf.cast(small_mnist.train.images, tf.float32)
    changed = augment(images, changing, tf.constant([7, 7]))

    def error(teacher):
        """Of the mean that it has in mind, against the one of changed images."""
        layer = next(layer for layer in teacher.layers if hasattr(layer, "moving_mean"))
        seen = keras.Model(teacher.input, layer.input)(changed).numpy()
        return np.abs(layer.moving_mean.numpy() - seen.mean(axis=(0, 1, 2))).max()

    [plain] = Engine(config, small_mnist, [path])._teachers
    [attuned] = Engine(changing, small_mnist, [path])._teachers

    assert error(attuned) < 0.5 * error(plain)
    as_saved = models.load(path).get_weights()
    assert all(map(np.array_equal, plain.get_weights(), as_saved))


def test_what_teachers_say_of_other_styles_is_not_learned(small_mnist, tmp_path):
    """The teacher knows nothing, and the labels of MNIST's images count for a tenth."""
    path = tmp_path / "model.keras"
    models.build(small()).model.save(path)
    pupil = Engine(small(num_styled=50), small_mnist, [path])
    images, labels = pupil._train
    learned = {}

    for name, rows in {"mnist": slice(0, 50), "styled": slice(-50, None)}.items():
        is_mnist = np.arange(len(labels))[rows] < len(small_mnist.train)
        learned[name] = pupil._targets(
            tf.cast(images[rows], tf.float32), labels[rows], tf.constant(is_mnist)
        ).numpy()

    assert np.array_equal(images[: len(small_mnist.train)], small_mnist.train.images)
    assert np.array_equal(learned["styled"], np.eye(10)[labels[-50:]])
    assert learned["mnist"].max() < 0.9


def test_other_styles_are_learned_beside_all_of_the_train_split(small_mnist):
    engine = Engine(small(epochs=1, num_styled=300, num_thick=70), small_mnist)

    sums = engine.run(1, 0, np.full(engine.steps_per_epoch, 1e-3, np.float32))

    assert sums[2] == len(small_mnist.train) + 370


def test_a_thick_pen_draws_styled_digits_as_well(small_mnist):
    num_plain = len(small_mnist.train) + 200
    engine = Engine(small(num_styled=200, num_thick=num_plain), small_mnist)
    labels = engine._train[1].numpy()

    plain, thick = labels[:num_plain], labels[num_plain:]

    assert np.array_equal(np.bincount(thick), np.bincount(plain))


def test_labels_made_wrong_are_wrong_for_a_thick_pen_as_well(small_mnist):
    num_train = len(small_mnist.train)
    engine = Engine(small(label_noise=0.5, num_thick=num_train), small_mnist)
    learned, thick = np.split(engine._train[1].numpy(), 2)

    assert np.array_equal(np.bincount(thick), np.bincount(learned))
    assert not np.array_equal(learned, small_mnist.train.labels)


def test_a_snapshot_stays_as_it_was_while_the_training_goes_on(small_mnist):
    kept = []
    record = Recorded(small())

    def keep(snapshot):
        record.snapshots.append(snapshot)
        kept.append([value.copy() for value in snapshot.variables])

    training.train(Engine(record.config, small_mnist), on_snapshot=keep)

    assert [len(snapshot.history) for snapshot in record.snapshots] == [1, 2, 3]
    for snapshot, copies in zip(record.snapshots, kept, strict=True):
        for value, copy in zip(snapshot.variables, copies, strict=True):
            assert np.array_equal(value, copy)


def test_the_graph_is_made_once_and_not_for_every_epoch(small_mnist, monkeypatch):
    sums, calls = engine._sums, []

    def counted(*arguments):  # called by Python only while a graph is made
        calls.append(arguments)
        return sums(*arguments)

    monkeypatch.setattr(engine, "_sums", counted)
    recorded(small(epochs=1), small_mnist)
    num_for_one = len(calls)

    recorded(small(epochs=3), small_mnist)

    assert len(calls) == 2 * num_for_one


# By the clock


@pytest.fixture(params=["steady", "busy"])
def clock(request, monkeypatch):
    """A clock on which every look takes as long as a steady or a busy machine likes."""
    generator = np.random.default_rng(0)
    now = 0.0

    def monotonic():
        nonlocal now
        now += 0.1 if request.param == "steady" else generator.exponential(0.1)
        return now

    monkeypatch.setattr(training.time, "monotonic", monotonic)


@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
def test_a_time_limit_ends_a_training_when_the_time_is_over(
    schedule, small_mnist, clock
):
    limit = 60
    record = recorded(small(time_limit=limit, epochs=1, schedule=schedule), small_mnist)

    assert record.trained.ending == "done"
    assert len(record.epochs) > 1  # epochs are not what counts
    assert record.epochs[-1].seconds == pytest.approx(limit, abs=1 + 0.05 * limit)
    assert record.batches[-1].seconds_left < 1


def test_a_time_limit_that_is_shorter_than_an_epoch_still_gives_a_model(
    small_mnist, clock
):
    record = recorded(small(time_limit=1, batch_size=8), small_mnist)

    assert record.trained.ending == "done"
    assert len(record.epochs) == 1
    assert record.epochs[0].val_loss > 0


def test_the_rate_falls_to_its_end_by_the_clock(small_mnist, clock, monkeypatch):
    asked = []

    def note(schedule, peak, done):
        asked.append(done)
        return learning_rates(schedule, peak, done)

    monkeypatch.setattr(training, "learning_rates", note)
    recorded(small(time_limit=60, schedule="cosine"), small_mnist)

    starts = [done[0] for done in asked]
    assert starts == sorted(starts)
    assert starts[0] < 0.05
    assert 0.95 < asked[-1][-1] <= 1.0


def test_a_timed_training_can_be_stopped(small_mnist):
    record = recorded(small(time_limit=600), small_mnist, should_stop=lambda: True)

    assert record.trained.ending == "stopped"


def test_normalisation_of_changed_images_takes_its_statistics_from_plain_ones(mnist):
    config = TrainConfig(
        architecture="cnn", batch_normalization=True, num_train=6_000, rotation=15.0
    )
    small = replace(mnist, train=mnist.train[:6_000])
    engine = Engine(config, small)
    engine.run(1, 0, np.full(20, 1e-3, np.float32))
    model = engine.heads.model
    first = next(
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    before = first.moving_mean.numpy()

    engine.validate()

    inputs = keras.Model(model.input, first.input)
    batches = np.split(small.train.images[:5_000].astype(np.float32), 5)
    means = [np.mean(inputs(batch), axis=(0, 1, 2)) for batch in batches]
    assert first.moving_mean.numpy() == pytest.approx(np.mean(means, axis=0), abs=1e-4)
    assert not np.allclose(first.moving_mean.numpy(), before, atol=1e-4)
    calibrated = first.moving_mean.numpy()
    engine.validate()
    assert np.array_equal(first.moving_mean.numpy(), calibrated)


def test_normalisation_of_plain_images_keeps_what_training_left(mnist):
    config = TrainConfig(architecture="cnn", batch_normalization=True, num_train=6_000)
    engine = Engine(config, replace(mnist, train=mnist.train[:6_000]))
    engine.run(1, 0, np.full(5, 1e-3, np.float32))
    before = engine.variables()

    engine.validate()

    assert all(map(np.array_equal, engine.variables(), before))
