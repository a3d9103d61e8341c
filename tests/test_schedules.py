import numpy as np
import pytest

from mnist_core.config import SCHEDULES
from mnist_core.schedules import learning_rates

LENGTHS = [1, 2, 3, 10, 430, 7740]


@pytest.mark.parametrize("num_steps", LENGTHS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_step_has_a_positive_rate(schedule, num_steps):
    rates = learning_rates(schedule, 0.01, num_steps)

    assert rates.shape == (num_steps,)
    assert rates.dtype == np.float32
    assert (rates > 0).all()


@pytest.mark.parametrize("num_steps", LENGTHS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_peak_is_reached_and_never_passed(schedule, num_steps):
    rates = learning_rates(schedule, 0.01, num_steps)

    assert rates.max() == pytest.approx(0.01, rel=1e-6)


@pytest.mark.parametrize("num_steps", [4, 8, 15, 18])
def test_one_cycle_never_passes_its_peak_when_its_parts_are_no_whole_steps(num_steps):
    rates = learning_rates("one-cycle", 1.0, num_steps)

    assert rates.max() <= 1.0


def test_a_constant_rate_is_constant():
    assert np.unique(learning_rates("constant", 0.5, 100)).tolist() == [0.5]


def test_cosine_falls_along_half_a_cosine():
    rates = learning_rates("cosine", 2.0, 100)

    assert (np.diff(rates) < 0).all()
    assert rates[[0, 25, 50, 75]] == pytest.approx(
        [2.0, 1 + np.sqrt(0.5), 1.0, 1 - np.sqrt(0.5)]
    )
    assert rates[-1] < 0.001 * rates[0]


def test_one_cycle_rises_in_a_line_for_three_tenths_and_then_falls_in_a_line():
    rates = learning_rates("one-cycle", 3.0, 1000)

    assert rates.argmax() in (299, 300)
    assert np.diff(rates[:300]) == pytest.approx(3.0 / 300, rel=1e-3)
    assert np.diff(rates[300:]) == pytest.approx(-3.0 / 700, rel=1e-3)
    assert rates[-1] == pytest.approx(3.0 / 700, rel=1e-3)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_twice_the_peak_is_twice_every_rate(schedule):
    once, twice = (learning_rates(schedule, peak, 50) for peak in (0.25, 0.5))

    assert twice == pytest.approx(2 * once)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match=r"There is no schedule 'step'\."):
        learning_rates("step", 0.1, 10)
