"""Labels made wrong on purpose, and what a training makes of them."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_core import label_noise, runs, trainer
from mnist_core.checkpoints import save_snapshot
from mnist_core.config import TrainConfig
from mnist_core.engine import Engine
from mnist_core.runs import RunStore

CONFIG = TrainConfig(
    architecture="softmax",
    epochs=3,
    batch_size=50,
    num_train=1000,
    num_validation=500,
    label_noise=0.3,
)
# Of twenty zeros; another NumPy must draw the same, or old runs are told wrongly.
NOISY = [0, 0, 0, 0, 7, 0, 0, 0, 7, 1, 0, 7, 0, 6, 0, 1, 6, 0, 3, 0]


class Killed(BaseException):
    """What no `except Exception` catches, as a process that dies."""


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(5).integers(0, 10, 10_000).astype(np.uint8)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.123456, 0.5])
def test_exactly_the_share_of_labels_is_made_wrong(labels, share):
    noisy, is_flipped = label_noise.flipped(labels, TrainConfig(label_noise=share))

    assert is_flipped.sum() == round(share * 10_000)
    assert np.array_equal(noisy != labels, is_flipped)
    assert noisy.dtype == np.uint8
    assert noisy.max() <= 9


def test_the_wrong_digit_is_any_of_the_nine_others_alike(labels):
    noisy, is_flipped = label_noise.flipped(labels, TrainConfig(label_noise=0.5))

    steps = (noisy[is_flipped].astype(int) - labels[is_flipped]) % 10
    counts = np.bincount(steps, minlength=10)
    assert counts[0] == 0
    # Chi-squared with eight degrees of freedom is below 26 in 999 of 1,000 draws.
    assert ((counts[1:] - 5000 / 9) ** 2 / (5000 / 9)).sum() < 26


def test_the_same_config_flips_the_same_labels_for_ever():
    noisy, _ = label_noise.flipped(
        np.zeros(20, np.uint8), TrainConfig(label_noise=0.4, seed=7)
    )

    assert noisy.tolist() == NOISY


def test_another_seed_flips_others(labels):
    first, second = (
        label_noise.flipped(labels, TrainConfig(label_noise=0.1, seed=seed)).is_flipped
        for seed in (0, 1)
    )

    assert (first & second).sum() < 200  # by luck a hundred


def test_nothing_else_of_the_config_decides_what_is_flipped(labels):
    config = TrainConfig(label_noise=0.2, seed=3)
    other = replace(config, architecture="deep", epochs=1, label_smoothing=0.1)

    assert np.array_equal(
        label_noise.flipped(labels, config).labels,
        label_noise.flipped(labels, other).labels,
    )


def test_the_labels_that_were_given_stay_as_they_are(labels):
    before = labels.copy()

    label_noise.flipped(labels, TrainConfig(label_noise=0.5))

    assert np.array_equal(labels, before)


def test_without_noise_the_split_is_the_very_same(small_mnist):
    assert label_noise.learned(small_mnist.train, CONFIG) is not small_mnist.train
    clean = replace(CONFIG, label_noise=0.0)
    assert label_noise.learned(small_mnist.train, clean) is small_mnist.train


def test_an_engine_learns_the_flipped_labels_and_validates_by_the_true_ones(
    small_mnist,
):
    config = replace(CONFIG, num_styled=20)
    engine = Engine(config, small_mnist)

    learned = engine._train[1].numpy()
    noisy, _ = label_noise.flipped(small_mnist.train.labels, config)
    assert np.array_equal(learned[:300], noisy)
    assert len(learned) == 320
    assert np.array_equal(engine._validation[1].numpy(), small_mnist.validation.labels)
    assert engine.mnist is small_mnist


@pytest.mark.slow
def test_a_run_with_wrong_labels_trains_and_is_judged_by_true_ones(mnist, tmp_path):
    store = RunStore(tmp_path / "runs")
    run = trainer.train_run(store, store.create(CONFIG, "Noisy"))

    assert run.state == "done"
    assert store.get(run.id).config.label_noise == 0.3
    epochs, _ = run.progress()
    # It learns what is not so of three in ten; the validation digits are as they were.
    assert epochs[-1].val_accuracy > epochs[-1].accuracy + 0.1
    assert run.result.test_accuracy > 0.7


@pytest.mark.slow
def test_a_resumed_training_learns_the_same_labels(mnist, tmp_path, monkeypatch):
    def killed_after_the_first(path, snapshot):
        save_snapshot(path, snapshot)
        raise Killed

    store = RunStore(tmp_path / "runs")
    whole = trainer.train_run(store, store.create(CONFIG, "Whole"))
    run = store.create(CONFIG, "Broken")
    with monkeypatch.context() as patches, pytest.raises(Killed):
        patches.setattr(trainer, "save_snapshot", killed_after_the_first)
        trainer.train_run(store, run)

    runs.write_state(run, "queued")
    resumed = trainer.train_run(store, run)

    assert (resumed.state, resumed.result.num_epochs) == ("done", 3)
    assert np.array_equal(whole.probabilities("test"), resumed.probabilities("test"))
