import dataclasses
from pathlib import Path

import pytest

from mnist_core import estimates
from mnist_core.config import ARCHITECTURES, TrainConfig
from mnist_core.runs import Result, Run

FIXED = estimates.STARTUP + estimates.FINISHING


def run_that_took(
    seconds, config, *, run_id="20260101-000000-000", num_epochs=None, state="done"
):
    num_epochs = num_epochs or config.epochs
    result = Result(
        num_parameters=1,
        num_epochs=num_epochs,
        seconds=seconds,
        validation_accuracy=0.9,
        test_accuracy=0.9,
        sha256={},
    )
    return Run(
        id=run_id,
        folder=Path("nowhere"),
        name="a run",
        note="",
        created="2026-01-01T00:00:00",
        config=config,
        state=state,
        since="2026-01-01T00:00:00",
        reason="",
        result=result,
    )


def training_seconds(config, runs=()):
    """The part of the estimate that the machine's pace is about."""
    return estimates.seconds(config, runs) - FIXED


def test_every_epoch_takes_as_long_as_the_last():
    one, two, ten = (estimates.seconds(TrainConfig(epochs=num)) for num in (1, 2, 10))

    assert FIXED < one < two
    assert ten - one == pytest.approx(9 * (two - one))


@pytest.mark.parametrize(
    "more",
    [
        {"num_train": 55_000},
        {"batch_size": 32},
        {"batch_normalization": True},
        {"rotation": 5.0},
        {"elastic": 0.5},
        {"architecture": "residual"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_more_work_takes_longer(more):
    less = TrainConfig(num_train=20_000)

    assert estimates.seconds(dataclasses.replace(less, **more)) > estimates.seconds(
        less
    )


def test_softmax_regression_is_the_quickest_and_the_residual_cnn_the_slowest():
    times = {
        name: estimates.seconds(TrainConfig(architecture=name))
        for name in ARCHITECTURES
    }

    assert min(times, key=times.get) == "softmax"
    assert max(times, key=times.get) == "residual"


@pytest.mark.parametrize("pace", [0.25, 1.0, 3.0])
def test_what_a_training_took_here_tells_what_the_next_one_takes(pace):
    config = TrainConfig(architecture="residual", epochs=10)
    run = run_that_took(pace * training_seconds(config), config)

    other = TrainConfig(epochs=3)

    assert training_seconds(config, [run]) == pytest.approx(run.result.seconds)
    assert training_seconds(other, [run]) == pytest.approx(
        pace * training_seconds(other)
    )


def test_epochs_that_were_not_trained_do_not_count():
    config = TrainConfig(epochs=10)
    took = training_seconds(TrainConfig(epochs=5))
    half = run_that_took(took, config, num_epochs=5)

    assert estimates.seconds(config, [half]) == pytest.approx(estimates.seconds(config))


def test_one_odd_run_among_three_is_outvoted():
    config = TrainConfig()
    usual = training_seconds(config)
    runs = [run_that_took(pace * usual, config) for pace in (2.0, 50.0, 2.0)]

    assert training_seconds(config, runs) == pytest.approx(2 * usual)


def test_only_the_newest_runs_count():
    config = TrainConfig()
    usual = training_seconds(config)
    new = [run_that_took(usual, config)] * estimates.NUM_RECENT
    old = [run_that_took(9 * usual, config)] * 20

    assert training_seconds(config, new + old) == pytest.approx(usual)


def test_a_run_without_a_model_tells_nothing_and_takes_no_place():
    config = TrainConfig()
    failed = dataclasses.replace(run_that_took(1.0, config), result=None)
    good = run_that_took(2 * training_seconds(config), config)

    runs = [failed] * estimates.NUM_RECENT + [good]

    assert training_seconds(config, runs) == pytest.approx(good.result.seconds)


def test_the_shipped_run_was_trained_elsewhere_and_tells_nothing():
    config = TrainConfig()
    shipped = run_that_took(9_999.0, config, run_id="shipped")

    assert estimates.seconds(config, [shipped]) == estimates.seconds(config)


def test_a_training_of_a_few_images_does_not_make_the_next_one_look_endless():
    tiny = TrainConfig(architecture="dense", num_train=100, batch_size=50, epochs=1)
    run = run_that_took(2.0, tiny)  # measured, most of it to build the graph

    full = TrainConfig(architecture="dense", epochs=5)

    assert estimates.seconds(full, [run]) < 3 * estimates.seconds(full)


def test_a_training_that_was_stopped_at_once_does_not_make_the_next_one_look_short():
    config = TrainConfig(architecture="residual", epochs=10)
    stopped = run_that_took(1.0, config, num_epochs=1, state="stopped")

    assert training_seconds(config, [stopped]) > training_seconds(config) / 3
