import numpy as np
import pytest

from mnist_core.config import SCHEDULES
from mnist_core.schedules import learning_rates

DONE = (np.arange(1000) + 0.5) / 1000  # the middles of a thousand steps


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_step_has_a_positive_rate_up_to_the_peak(schedule):
    rates = learning_rates(schedule, 0.01, DONE)

    assert rates.shape == DONE.shape
    assert rates.dtype == np.float32
    assert (rates > 0).all()
    assert rates.max() == pytest.approx(0.01, rel=0.01)
    assert rates.max() <= np.float32(0.01)


def test_a_constant_rate_is_constant():
    assert np.unique(learning_rates("constant", 0.5, DONE)).tolist() == [0.5]


def test_cosine_falls_along_half_a_cosine():
    rates = learning_rates("cosine", 2.0, np.array([0, 0.25, 0.5, 0.75, 1]))

    assert rates == pytest.approx(
        [2.0, 1 + np.sqrt(0.5), 1.0, 1 - np.sqrt(0.5), 0.0], abs=1e-6
    )


def test_one_cycle_rises_in_a_line_for_three_tenths_and_then_falls_in_a_line():
    rates = learning_rates("one-cycle", 3.0, np.array([0, 0.15, 0.3, 0.65, 1]))

    assert rates == pytest.approx([0.0, 1.5, 3.0, 1.5, 0.0], abs=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_twice_the_peak_is_twice_every_rate(schedule):
    once, twice = (learning_rates(schedule, peak, DONE) for peak in (0.25, 0.5))

    assert twice == pytest.approx(2 * once)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match=r"There is no schedule 'step'\."):
        learning_rates("step", 0.1, DONE)
