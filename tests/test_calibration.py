import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from mnist_core.calibration import NUM_BINS, Calibration
from mnist_core.evaluation import Evaluation


def evaluation(confidences, is_right):
    """Each digit is a 0 that is read as 0 with that confidence, or as 1."""
    confidences = np.asarray(confidences, float)
    read = np.where(is_right, 0, 1)
    rows = np.eye(10)[read]
    rest = (1 - rows) * (1 - confidences[:, None]) / 9
    return Evaluation(
        np.zeros(len(read), int), (rows * confidences[:, None] + rest).astype("float32")
    )


@pytest.fixture(scope="module")
def drawn():
    """Ten thousand confidences, each as often right as it says."""
    generator = np.random.default_rng(1)
    confidences = 1 - 0.85 * generator.random(10_000) ** 4
    return confidences, generator.random(10_000)


@pytest.fixture(scope="module")
def calibrated(drawn):
    confidences, lots = drawn
    return Calibration(evaluation(confidences, lots < confidences))


@pytest.fixture(scope="module")
def too_sure(drawn):
    confidences, lots = drawn
    return Calibration(evaluation(confidences, lots < confidences - 0.1))


def test_the_bins_are_those_of_scikit_learn(calibrated):
    read = calibrated.evaluation
    accuracies, confidences = calibration_curve(
        read.is_correct, read.confidences, n_bins=NUM_BINS, strategy="uniform"
    )

    assert [part.accuracy for part in calibrated.bins] == pytest.approx(accuracies)
    assert [part.confidence for part in calibrated.bins] == pytest.approx(
        confidences, rel=1e-5
    )
    assert sum(part.count for part in calibrated.bins) == 10_000


def test_the_error_is_the_weighted_distance_of_the_bins(too_sure):
    read = too_sure.evaluation
    expected = 0.0
    for number in range(NUM_BINS):
        low, high = number / NUM_BINS, (number + 1) / NUM_BINS
        inside = (read.confidences >= low) & (
            (read.confidences < high) | (number == NUM_BINS - 1)
        )
        if inside.any():
            gap = read.is_correct[inside].mean() - read.confidences[inside].mean()
            expected += inside.mean() * abs(gap)

    assert too_sure.error == pytest.approx(expected, rel=1e-5)


def test_luck_explains_the_error_of_a_calibrated_model(calibrated):
    assert calibrated.error <= calibrated.luck
    assert "which luck explains" in calibrated.sentence()


def test_luck_does_not_explain_a_model_that_is_too_sure(too_sure):
    assert too_sure.error == pytest.approx(0.1, abs=0.02)
    assert too_sure.luck < 0.02
    assert "too sure of itself" in too_sure.sentence()


def test_a_model_that_doubts_too_much_is_said_to(drawn):
    confidences, lots = drawn
    doubtful = Calibration(evaluation(confidences - 0.1, lots < confidences + 0.1))

    assert "less sure than it could be" in doubtful.sentence()


def test_most_bins_of_a_calibrated_model_lie_in_their_bands(calibrated):
    inside = [p.band.low <= p.accuracy <= p.band.high for p in calibrated.bins]

    assert np.mean(inside) >= 0.8


def test_a_threshold_answers_what_is_as_sure(calibrated):
    read = calibrated.evaluation
    for threshold in (0.0, 0.5, 0.9, 1.0):
        answered = calibrated.answered(threshold)
        is_sure = read.confidences >= np.float32(threshold)
        assert answered.num_answered == is_sure.sum()
        assert answered.num_right == (is_sure & read.is_correct).sum()
        assert answered.num_refused == (~is_sure).sum()


def test_a_threshold_is_said_in_a_sentence():
    some = Calibration(evaluation([0.9, 0.9, 0.9, 0.4], [True, True, False, True]))

    assert (
        some.answered(0.5)
        .sentence()
        .startswith(
            "It answers 75.0 % of the digits, and of those 66.67 % are right (95 %"
        )
    )
    assert some.answered(1.0).sentence() == "It answers none of the digits."


def test_risk_at_full_coverage_is_the_share_of_mistakes(too_sure):
    coverage, risk = too_sure.risk_coverage()

    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - too_sure.evaluation.accuracy)
    assert np.all(np.diff(coverage) > 0)


def test_risk_and_threshold_agree(calibrated):
    coverage, risk = calibrated.risk_coverage()
    answered = calibrated.answered(0.9)
    place = answered.num_answered - 1

    assert coverage[place] == pytest.approx(answered.num_answered / 10_000)
    assert risk[place] == pytest.approx(1 - answered.num_right / answered.num_answered)


def test_nineteen_in_twenty_right_readings_are_sure(calibrated):
    read = calibrated.evaluation
    right = read.confidences[read.is_correct]

    share = np.mean(right >= np.float32(calibrated.sure))

    assert share == pytest.approx(0.95, abs=0.001)
