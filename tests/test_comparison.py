import itertools

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from statsmodels.stats.contingency_tables import mcnemar

from mnist_core.comparison import Comparison, agreement, compare
from mnist_core.evaluation import Evaluation


def evaluation(labels, predictions):
    return Evaluation(np.array(labels), np.eye(10)[predictions])


LABELS = [1, 2, 3, 4, 5, 6, 7]
FIRST = evaluation(LABELS, [1, 2, 3, 4, 0, 0, 0])
SECOND = evaluation(LABELS, [1, 2, 0, 9, 5, 0, 8])


def counted(both, gained, lost, neither):
    return Comparison(both, gained, lost, neither, gained + lost)


def test_counts_what_each_reads_right():
    found = compare(FIRST, SECOND)

    assert found == Comparison(
        num_both_right=2,
        num_gained=2,
        num_lost=1,
        num_both_wrong=2,
        num_disagree=4,
    )
    assert found.num_images == 7


@pytest.mark.parametrize(
    "gained, lost", [(0, 0), (1, 0), (0, 7), (5, 5), (12, 30), (40, 38), (300, 250)]
)
def test_the_p_value_is_that_of_statsmodels(gained, lost):
    table = [[9000, gained], [lost, 40]]
    expected = mcnemar(table, exact=True).pvalue if gained + lost else 1.0

    found = counted(9000, gained, lost, 40).p_value

    assert found == pytest.approx(min(expected, 1.0), rel=1e-9)


def test_the_interval_holds_the_truth_95_times_of_100():
    generator = np.random.default_rng(3)
    shares = [0.98, 0.008, 0.004, 0.008]
    tables = generator.multinomial(5000, shares, size=4000)

    intervals = [counted(*table.tolist()).interval for table in tables]
    held = [low <= 0.004 <= high for low, high in intervals]

    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_the_interval_turns_with_the_runs():
    low, high = counted(900, 30, 10, 60).interval

    turned = counted(900, 10, 30, 60).interval

    assert (-turned.high, -turned.low) == pytest.approx((low, high))


def test_a_difference_that_luck_explains_is_said_to():
    words = counted(9950, 20, 15, 15).sentence("New", "Old")

    assert words.startswith("“New” is right on 5 more of 10,000 digits than “Old”.")
    assert "in 50 % of tries: it may well be luck." in words


def test_a_difference_that_is_hardly_luck_is_said_to_be_none():
    words = counted(9900, 10, 60, 30).sentence("New", "Old")

    assert words.startswith("“Old” is right on 50 more of 10,000 digits than “New”.")
    assert words.endswith("under 0.01 % of tries: it is hardly luck.")


def test_equal_runs_are_said_to_be_equal():
    words = counted(9990, 5, 5, 0).sentence("A", "B")

    assert words.startswith("“A” and “B” read as many digits right: on 5")


def test_the_agreement_is_a_confusion_matrix_of_what_is_read():
    expected = confusion_matrix(FIRST.predictions, SECOND.predictions, labels=range(10))

    assert np.array_equal(agreement(FIRST, SECOND), expected)


def test_other_digits_cannot_be_compared():
    with pytest.raises(ValueError, match="the same digits"):
        compare(FIRST, evaluation([1, 2], [1, 2]))


def test_no_digits_are_no_difference():
    nothing = Evaluation(np.zeros(0, int), np.zeros((0, 10)))

    found = compare(nothing, nothing)

    assert (found.difference, found.p_value) == (0, 1)
    for low, high in itertools.pairwise(found.interval):
        assert -1 <= low <= 0 <= high <= 1
