"""Which epochs are looked at, with a clock that goes by what is done."""

import numpy as np
import pytest

from mnist_core import watching
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.history import EpochMetrics
from mnist_core.timeline import Timeline
from mnist_core.watching import Watch

LABELS = np.arange(10_000, dtype=np.uint8) % 10
TEST = Split(np.zeros((10_000, 28, 28), np.uint8), LABELS)
READ = np.eye(10, dtype=np.float32)[LABELS]


def metrics(epoch, seconds, val_loss=None):
    return EpochMetrics(epoch, 0.1, 0.9, val_loss or 1 / epoch, 0.99, seconds)


@pytest.fixture
def clock(monkeypatch):
    """Goes on only when something is read."""
    times = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: times[0])
    return times


@pytest.fixture
def watch(tmp_path, clock):
    def watch(config, *, reading, num_done=0):
        """A training whose readings take so many seconds."""

        def read(images):
            clock[0] += reading
            return READ

        return Watch(tmp_path / "epochs.npz", TEST, read, config, num_done)

    return watch


def watched(tmp_path):
    return Timeline.load(tmp_path / "epochs.npz", LABELS).epochs.tolist()


def train(watch, num_epochs, seconds, *, first=1, val_loss=None):
    """So many epochs that take so many seconds each."""
    history = []
    for epoch in range(1, num_epochs + 1):
        history.append(metrics(epoch, seconds * epoch, val_loss and val_loss(epoch)))
        if epoch >= first:
            watch.look(history)


def test_epochs_much_longer_than_a_reading_are_all_looked_at(watch, tmp_path):
    train(watch(TrainConfig(epochs=24), reading=1.2), 24, 37.0)

    assert watched(tmp_path) == list(range(1, 24))  # the last is the finished model's


def test_short_epochs_are_looked_at_as_often_as_a_tenth_of_the_time_allows(
    watch, tmp_path, clock
):
    train(watch(TrainConfig(epochs=200, num_train=5000), reading=1.0), 200, 2.5)

    assert clock[0] <= 0.1 * 200 * 2.5
    assert watched(tmp_path)[:4] == [7, 11, 15, 19]


def test_readings_that_nobody_notices_are_all_made(watch, tmp_path):
    train(watch(TrainConfig(epochs=5), reading=0.02), 5, 0.25)

    assert watched(tmp_path) == [1, 2, 3, 4]


def test_a_training_of_one_epoch_is_not_delayed(watch, tmp_path, clock):
    train(watch(TrainConfig(epochs=1), reading=1.0), 1, 60.0)

    assert clock[0] == 0
    assert not (tmp_path / "epochs.npz").exists()


def test_a_last_epoch_that_is_not_the_best_is_looked_at(watch, tmp_path):
    train(watch(TrainConfig(epochs=3), reading=0.1), 3, 60.0, val_loss=lambda e: e)

    assert watched(tmp_path) == [1, 2, 3]


def test_by_the_clock_no_epoch_is_known_to_be_the_last(watch, tmp_path):
    config = TrainConfig(epochs=1, time_limit=600)

    train(watch(config, reading=0.1), 2, 60.0)

    assert watched(tmp_path) == [1, 2]


def test_a_resumed_training_keeps_earlier_epochs_and_forgets_those_it_trains_again(
    watch, tmp_path
):
    train(watch(TrainConfig(epochs=9), reading=0.1), 4, 60.0)

    train(watch(TrainConfig(epochs=9), reading=0.1, num_done=2), 3, 60.0, first=3)

    assert watched(tmp_path) == [1, 2, 3]


def test_a_damaged_file_is_begun_anew_and_ends_no_training(watch, tmp_path):
    (tmp_path / "epochs.npz").write_bytes(b"damaged")

    train(watch(TrainConfig(epochs=9), reading=0.1, num_done=2), 4, 60.0, first=3)

    assert watched(tmp_path) == [3, 4]
