import numpy as np
import pytest
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from mnist_core.evaluation import (
    Confusion,
    Evaluation,
    confusions,
    count_of,
    kind_of,
    percent,
    wilson_interval,
)

DIGITS = list(range(10))


def certain(labels, predictions):
    """An evaluation that is sure of each of its predictions."""
    return Evaluation(np.array(labels, np.uint8), np.eye(10)[list(predictions)])


def random_evaluation(num_images=2000, seed=0):
    """Labels, and probabilities that are often right and often unsure."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, num_images).astype(np.uint8)
    scores = rng.normal(size=(num_images, 10)) + 3 * np.eye(10)[labels]
    exponentials = np.exp(scores)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return Evaluation(labels, probabilities.astype(np.float32))


FOURS_AND_NINES = certain([4, 4, 4, 4, 9, 9, 1], [4, 4, 9, 1, 9, 4, 1])


def test_accuracy_is_that_of_scikit_learn():
    evaluation = random_evaluation()

    expected = metrics.accuracy_score(evaluation.labels, evaluation.predictions)

    assert evaluation.accuracy == pytest.approx(expected)
    assert evaluation.num_mistakes == round((1 - expected) * evaluation.num_images)


def test_the_confusion_matrix_is_that_of_scikit_learn():
    evaluation = random_evaluation()

    expected = metrics.confusion_matrix(evaluation.labels, evaluation.predictions)

    assert np.array_equal(evaluation.confusion_matrix, expected)


def test_a_row_of_the_confusion_matrix_is_a_true_digit():
    matrix = FOURS_AND_NINES.confusion_matrix

    assert matrix[4, 9] == 1
    assert matrix[4, 1] == 1
    assert np.array_equal(
        matrix.sum(axis=1), np.bincount(FOURS_AND_NINES.labels, minlength=10)
    )


@pytest.mark.parametrize("evaluation", [random_evaluation(), FOURS_AND_NINES])
def test_the_scores_of_digits_are_those_of_scikit_learn(evaluation):
    expected = metrics.precision_recall_fscore_support(
        evaluation.labels, evaluation.predictions, labels=DIGITS, zero_division=0
    )

    scores = [(d.precision, d.recall, d.f1, d.support) for d in evaluation.digits]

    assert np.allclose(np.transpose(scores), expected)


def test_precision_is_of_the_predicted_and_recall_of_the_true():
    four = FOURS_AND_NINES.digits[4]

    assert (four.digit, four.support, four.num_predicted) == (4, 4, 3)
    assert four.precision == pytest.approx(2 / 3)
    assert four.recall == pytest.approx(2 / 4)


def test_loss_is_that_of_scikit_learn():
    evaluation = random_evaluation()

    expected = metrics.log_loss(evaluation.labels, evaluation.probabilities)

    assert evaluation.loss == pytest.approx(expected, rel=1e-6)
    assert evaluation.losses.mean() == pytest.approx(evaluation.loss)


def test_a_digit_called_impossible_costs_much_but_not_infinitely_much():
    evaluation = certain([4, 4], [4, 9])

    assert evaluation.losses[0] == 0.0
    assert evaluation.losses[1] == pytest.approx(-np.log(np.finfo(np.float32).eps))


@pytest.mark.parametrize(
    "num_right, num_images, score",
    [
        (2, 3, "2 of 3"),
        (19, 19, "19 of 19"),
        (17, 20, "17 of 20 (85.0 %)"),
        (999, 1_000, "999 of 1,000 (99.90 %)"),
    ],
)
def test_a_score_has_a_share_only_of_images_enough(num_right, num_images, score):
    wrong = np.arange(num_images) >= num_right

    assert certain(np.zeros(num_images, int), wrong.astype(int)).score() == score


def test_the_lower_of_two_digits_alike_is_predicted():
    even = np.zeros((1, 10))
    even[0, [3, 8]] = 0.5

    evaluation = Evaluation(np.array([8]), even)

    assert evaluation.predictions.tolist() == [3]
    assert evaluation.confidences.tolist() == [0.5]


@pytest.mark.parametrize("num_images", [1, 7, 100, 10_000])
@pytest.mark.parametrize("share", [0, 0.3, 0.5, 0.995, 1])
def test_the_interval_is_that_of_statsmodels(num_images, share):
    num_correct = round(share * num_images)

    interval = wilson_interval(num_correct, num_images)

    expected = proportion_confint(num_correct, num_images, 0.05, method="wilson")
    assert interval == pytest.approx(expected, abs=1e-12)
    assert 0 <= interval.low <= num_correct / num_images <= interval.high <= 1


def test_the_interval_is_the_one_in_the_notes():
    low, high = wilson_interval(9950, 10_000)

    assert (round(low, 4), round(high, 4)) == (0.9934, 0.9962)


def test_more_images_give_a_narrower_interval():
    widths = [np.ptp(wilson_interval(n * 9 // 10, n)) for n in (10, 100, 1000)]

    assert widths == sorted(widths, reverse=True)


def test_no_interval_of_more_correct_than_there_are():
    with pytest.raises(ValueError, match="`num_correct` must be from 0 to"):
        wilson_interval(3, 2)


def test_no_images_are_no_failure():
    evaluation = certain([], [])

    assert (evaluation.num_images, evaluation.num_mistakes) == (0, 0)
    assert (evaluation.accuracy, evaluation.loss) == (0.0, 0.0)
    assert evaluation.interval == (0.0, 1.0)
    assert evaluation.confusion_matrix.shape == (10, 10)
    assert all(digit.f1 == digit.support == 0 for digit in evaluation.digits)
    assert evaluation.top_confusions(5) == []
    assert evaluation.sentence() == "There are no digits to read."


def test_top_confusions_are_the_most_frequent_mistakes_first():
    evaluation = certain([4, 4, 4, 5, 9, 9, 9, 9], [9, 9, 4, 5, 4, 7, 4, 9])

    assert evaluation.top_confusions(2) == [
        Confusion(true=4, predicted=9, count=2, share=2 / 3),
        Confusion(true=9, predicted=4, count=2, share=2 / 4),
    ]
    assert len(evaluation.top_confusions(100)) == 3


def test_the_cells_of_a_matrix_hold_all_its_counts():
    cells = confusions(FOURS_AND_NINES.confusion_matrix)

    assert len(cells) == 100
    assert sum(cell.count for cell in cells) == FOURS_AND_NINES.num_images
    assert cells[49] == Confusion(true=4, predicted=9, count=1, share=0.25)


@pytest.mark.parametrize(
    "cell, sentence",
    [
        ((4, 9, 12, 0.012), "12 fours were read as nines, 1.2 % of all fours."),
        ((1, 8, 1, 1 / 1135), "1 one was read as an eight, under 0.1 % of all ones."),
        ((6, 6, 958, 1.0), "958 sixes were read right, 100 % of all sixes."),
        ((0, 3, 0, 0.0), "No zero was read as a three."),
        ((0, 0, 0, 0.0), "No zero was read right."),
    ],
)
def test_a_cell_says_what_it_counts(cell, sentence):
    assert Confusion(*cell).sentence() == sentence


def test_an_evaluation_says_how_sure_its_accuracy_is():
    evaluation = certain([7] * 200, [7] * 199 + [1])

    assert evaluation.sentence() == (
        "199 of 200 digits are read right: 99.50 %, "
        "with a 95 % interval from 97.22 % to 99.91 %."
    )


@pytest.mark.parametrize(
    "share, text",
    [
        (0, "0 %"),
        (0.0004, "under 0.1 %"),
        (0.001, "0.1 %"),
        (0.98265, "98.3 %"),
        (0.99951, "over 99.9 %"),
        (1, "100 %"),
    ],
)
def test_only_none_is_0_percent_and_only_all_is_100_percent(share, text):
    assert percent(share) == text


def test_percent_has_as_many_places_as_asked():
    assert percent(0.99523, places=2) == "99.52 %"
    assert percent(0.99999, places=2) == "over 99.99 %"


def test_digits_have_names():
    assert count_of(1, 6) == "1 six"
    assert count_of(1010, 6) == "1,010 sixes"
    assert kind_of(1, 8) == "an eight"
    assert kind_of(0, 8) == "eights"


def test_an_evaluation_cannot_be_changed():
    labels = np.array([1, 2])
    probabilities = np.eye(10)[[1, 2]]
    evaluation = Evaluation(labels, probabilities)

    labels[0], probabilities[0] = 5, 0

    assert evaluation.labels.tolist() == [1, 2]
    assert evaluation.accuracy == 1.0
    for array in (
        evaluation.labels,
        evaluation.probabilities,
        evaluation.predictions,
        evaluation.confidences,
        evaluation.is_correct,
        evaluation.losses,
        evaluation.confusion_matrix,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_it_holds_small_types_whatever_it_is_given():
    evaluation = Evaluation(np.array([3], np.int64), np.eye(10)[[3]])

    assert evaluation.labels.dtype == np.uint8
    assert evaluation.probabilities.dtype == np.float32


def test_probabilities_stored_as_float16_are_accepted():
    evaluation = random_evaluation()

    Evaluation(evaluation.labels, evaluation.probabilities.astype(np.float16))


EYE = np.eye(10)


@pytest.mark.parametrize(
    "labels, probabilities, message",
    [
        (np.array([[1]]), EYE[[1]], r"`labels` must be `\(N,\)` whole numbers"),
        (np.array([1.0]), EYE[[1]], "`labels` must be .* dtype=float64"),
        (np.array([10]), EYE[[1]], "digits from 0 to 9. .* from 10 to 10"),
        (np.array([-1]), EYE[[1]], "digits from 0 to 9"),
        (np.array([1]), EYE[[1], :9], r"`\(N, 10\)` floats. .* shape=\(1, 9\)"),
        (np.array([1]), EYE[[1]].astype(int), "floats. .* dtype=int64"),
        (np.array([1]), EYE[[1]] * np.nan, "must be finite and not negative"),
        (np.array([1]), 1.1 * EYE[[1]] - 0.01, "must be finite and not negative"),
        (np.array([1]), EYE[[1]] * 0.9, "sum to 1. Received: a row that is 0.1 away"),
        (np.array([1, 2]), EYE[[1]], "2 labels, 1 rows"),
    ],
)
def test_what_is_no_evaluation_is_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        Evaluation(labels, probabilities)


def test_the_ceiling_counts_the_disputed_labels_and_the_mistakes_among_them():
    labels = np.arange(10, dtype=np.uint8)
    probabilities = np.eye(10, dtype=np.float32)[[1, 1, 3, 3, 4, 5, 6, 7, 8, 9]]

    words = Evaluation(labels, probabilities, disputed=(0, 1, 9)).ceiling()

    assert words.startswith("People do not agree on 3 of the labels; 1 of its mistakes")
    assert "labels end at about 70.00 %" in words
    assert Evaluation(labels, probabilities).ceiling() == ""
