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


def paced(config, runs=()):
    """The part of the estimate that the machine's pace is about."""
    return estimates.seconds(config, runs) - FIXED


def usual(config):
    """The seconds that its training takes on the machine of the constants."""
    once = dataclasses.replace(config, epochs=1)
    twice = dataclasses.replace(config, epochs=2)
    return config.epochs * (estimates.seconds(twice) - estimates.seconds(once))


def test_every_teacher_makes_an_epoch_longer():
    config = TrainConfig(epochs=10)
    small, large = (
        run_that_took(1, TrainConfig(architecture=name, time_limit=1), run_id=name)
        for name in ("dense", "residual")
    )
    times = [
        estimates.seconds(dataclasses.replace(config, teachers=ids), [small, large])
        for ids in ((), ("dense",), ("residual",), ("dense", "residual"))
    ]

    assert times == sorted(set(times))


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
        {"num_styled": 5_000},
        {"num_thick": 5_000},
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
    config = TrainConfig(architecture="residual", epochs=150)
    run = run_that_took(pace * usual(config), config)

    for other in (config, TrainConfig(epochs=3)):
        assert paced(other, [run]) == pytest.approx(pace * paced(other), rel=0.02)


def test_epochs_that_were_not_trained_do_not_count():
    config = TrainConfig(epochs=10)
    half = run_that_took(usual(TrainConfig(epochs=5)), config, num_epochs=5)

    assert estimates.seconds(config, [half]) == pytest.approx(estimates.seconds(config))


def test_one_odd_run_among_three_is_outvoted():
    config = TrainConfig(epochs=100)
    runs = [run_that_took(pace * usual(config), config) for pace in (2.0, 50.0, 2.0)]

    assert paced(config, runs) == pytest.approx(2 * paced(config), rel=0.02)


def test_only_the_newest_runs_count():
    config = TrainConfig()
    new = [run_that_took(usual(config), config)] * estimates.NUM_RECENT
    old = [run_that_took(9 * usual(config), config)] * 20

    assert paced(config, new + old) == pytest.approx(paced(config))


def test_a_run_without_a_model_tells_nothing_and_takes_no_place():
    config = TrainConfig(epochs=100)
    failed = dataclasses.replace(run_that_took(1.0, config), result=None)
    good = run_that_took(2 * usual(config), config)

    runs = [failed] * estimates.NUM_RECENT + [good]

    assert paced(config, runs) == pytest.approx(2 * paced(config), rel=0.02)


def test_a_training_by_the_clock_tells_nothing_of_the_pace():
    config = TrainConfig()
    timed = run_that_took(60.0, TrainConfig(time_limit=60), num_epochs=1)

    assert estimates.seconds(config, [timed]) == estimates.seconds(config)


def test_a_time_limit_is_what_the_training_takes():
    config = TrainConfig(architecture="residual", time_limit=30)

    more = dataclasses.replace(config, time_limit=90)

    assert estimates.seconds(more) - estimates.seconds(config) == pytest.approx(60)


def test_a_quick_training_that_was_quicker_still_does_not_speed_up_all_others():
    quick = TrainConfig(architecture="softmax", epochs=5)
    run = run_that_took(0.2, quick)  # its constants are never right to a tenth

    slow = TrainConfig(architecture="residual", epochs=20)

    assert estimates.seconds(slow, [run]) > 0.8 * estimates.seconds(slow)


def test_more_validation_images_take_longer():
    few, many = (
        TrainConfig(num_train=1000, epochs=20, num_validation=number)
        for number in (500, 20_000)
    )

    assert estimates.seconds(many) > 1.5 * estimates.seconds(few)


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

    assert paced(config, [stopped]) > paced(config) / 3


def test_digits_that_are_drawn_before_the_first_step_take_time_of_this_machine():
    few, many = (TrainConfig(epochs=1, num_thick=number) for number in (0, 10_000))
    plain = TrainConfig(epochs=10)
    slow = [run_that_took(100 * usual(plain), plain)]

    apart = [estimates.seconds(many, r) - estimates.seconds(few, r) for r in ([], slow)]
    assert apart[0] > estimates.drawing(many) == 10_000 * estimates.THICK
    assert apart[1] > estimates.drawing(many, slow) > 10 * estimates.drawing(many)


def test_how_far_drawing_is_tells_what_is_left():
    config = TrainConfig(num_styled=500, num_thick=20_000)

    assert estimates.drawn_words(config, 4_000, 10.0) == (
        "4,500 of 20,500 digits are drawn before the first batch; the others take "
        "about 40 s."
    )


def test_drawing_is_told_if_it_takes_long():
    assert estimates.drawing_words(TrainConfig(num_thick=1_000)) == ""
    assert estimates.drawing_words(TrainConfig(num_styled=500, num_thick=20_000)) == (
        "20,500 digits are drawn before the first batch, which takes about 50 s."
    )
