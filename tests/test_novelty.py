import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from mnist_core import impostors, novelty, pens
from mnist_core.novelty import Novelty, evidence
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore


def digits(num_images, *, seed):
    """Features around ten corners, logits that are sure of the right digit."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(num_images) % 10).astype(np.uint8)
    features = 10 * np.eye(10, 16)[labels] + generator.normal(size=(num_images, 16))
    logits = 12 * np.eye(10)[labels] + generator.normal(size=(num_images, 10))
    return features.astype(np.float32), logits.astype(np.float32)


def others(num_images, *, seed):
    """Features between the corners, logits that speak for no digit."""
    generator = np.random.default_rng(seed)
    features = 3 + 2 * generator.normal(size=(num_images, 16))
    logits = 3 * generator.normal(size=(num_images, 10))
    return features.astype(np.float32), logits.astype(np.float32)


def fitted(*held_out, max_ink=100.0):
    return novelty.fit(
        digits=evidence(*digits(1_000, seed=1)),
        others=evidence(*others(1_000, seed=1)),
        held_out=[evidence(*part) for part in held_out or [digits(2_000, seed=2)]],
        max_ink=max_ink,
    )


def dotted(features):
    """Images for who looks at features and logits alone: as little ink as can be."""
    images = np.zeros((len(features), 28, 28), np.uint8)
    images[:, 14, 14] = 255
    return images


def share_refused(known, features, logits):
    return np.mean(~known.is_digit(dotted(features), features, logits))


@pytest.mark.parametrize("num_held", [500, 1_000, 5_000])
def test_at_most_one_percent_of_the_digits_held_out_are_refused(num_held):
    held = digits(num_held, seed=2)

    assert 0.005 <= share_refused(fitted(held), *held) <= 0.01


def test_of_several_kinds_of_digits_held_out_none_loses_more_than_one_percent():
    usual, faint = digits(2_000, seed=2), digits(2_000, seed=3)
    faint = (faint[0] / 2, faint[1] / 2)

    known = fitted(usual, faint)

    assert share_refused(known, *usual) <= 0.01
    assert share_refused(known, *faint) <= 0.01


def test_what_is_none_is_refused():
    assert share_refused(fitted(), *others(1_000, seed=5)) > 0.95


def test_the_weights_are_those_of_a_logistic_regression_with_a_ridge():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(400, 5)) + np.array([0, 1, -2, 0, 3])
    is_one = inputs[:, 0] - inputs[:, 1] + generator.normal(size=400) > 0

    weights = novelty._logistic(inputs, is_one)

    oracle = LogisticRegression(C=1, tol=1e-10, max_iter=10_000).fit(inputs, is_one)
    assert_allclose(weights, oracle.coef_[0], rtol=1e-3, atol=1e-3)


@pytest.mark.filterwarnings("error")
def test_what_can_be_told_without_fail_has_weights_all_the_same():
    inputs = np.array([[-1.0, 0], [-2, 0], [1, 0], [2, 0]] * 50) * 1e3

    weights = novelty._logistic(inputs, inputs[:, 0] > 0)

    assert np.isfinite(weights).all()
    assert weights[0] > 0


def test_the_evidence_is_features_their_length_the_energy_and_logits_by_size():
    features, logits = digits(20, seed=1)

    seen = evidence(features, logits)

    assert seen.shape == (20, 16 + 12)
    assert_allclose(seen[:, :16], features)
    assert_allclose(seen[:, 16], np.log1p(np.linalg.norm(features, axis=1)), rtol=1e-6)
    energies = -np.log(np.exp(logits.astype(float)).sum(axis=1))
    assert_allclose(seen[:, 17], energies, rtol=1e-6)
    assert (np.diff(seen[:, 18:]) >= 0).all()


def test_features_that_never_vary_do_not_break_it():
    parts = [digits(500, seed=1), others(500, seed=1), digits(500, seed=2)]
    for features, _ in parts:
        features[:, 3:7] = 0  # dead units
    learned, none, held = (evidence(*part) for part in parts)

    known = novelty.fit(digits=learned, others=none, held_out=[held], max_ink=100)

    assert np.isfinite(known.weights).all()
    assert share_refused(known, *parts[2]) <= 0.01


def test_extreme_logits_do_not_overflow():
    logits = np.array([[1e4] + [-1e4] * 9], np.float32)

    assert np.isfinite(evidence(np.ones((1, 16), np.float32), logits)).all()


def test_a_blot_is_refused_however_sure_the_network():
    known = fitted(max_ink=120)
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 4:24, 10:16] = 255  # 120 pixels
    images[1, 4:24, 4:24] = 255
    features, logits = digits(1, seed=1)

    answers = known.is_digit(images, features[[0, 0]], logits[[0, 0]])

    assert answers.tolist() == [True, False]


def test_what_was_learned_survives_the_disk(tmp_path):
    known, (features, logits) = fitted(), others(3_000, seed=4)

    known.save(tmp_path / "novelty.npz")

    loaded = Novelty.load(tmp_path / "novelty.npz")
    assert np.array_equal(loaded.weights, known.weights)
    assert (loaded.limit, loaded.max_ink) == (known.limit, known.max_ink)
    assert share_refused(loaded, features, logits) == share_refused(
        known, features, logits
    )
    assert [path.name for path in tmp_path.iterdir()] == ["novelty.npz"]


@pytest.mark.parametrize("ink", [{}, {"max_ink": np.array(200.0)}])
def test_of_a_file_of_before_there_were_weights_the_energy_counts(tmp_path, ink):
    np.savez(
        tmp_path / "novelty.npz",
        means=np.zeros((10, 16), np.float32),
        precision=np.eye(16, dtype=np.float32),
        max_distance=np.array(50.0),
        max_energy=np.array(-8.0),
        **ink,
    )

    known = Novelty.load(tmp_path / "novelty.npz")

    sure, unsure = 9 * np.eye(10)[:1], 7 * np.eye(10)[:1]
    features = np.zeros((1, 16), np.float32)
    assert known.is_digit(dotted(features), features, sure).tolist() == [True]
    assert known.is_digit(dotted(features), features, unsure).tolist() == [False]
    assert known.max_ink == float(ink.get("max_ink", np.inf))


@pytest.fixture(scope="module")
def shipped():
    return Predictor(RunStore().get("shipped"))


def share_called_digits(predictor, images):
    return np.mean([prediction.is_digit for prediction in predictor.predict(images)])


@pytest.mark.slow
def test_the_shipped_run_refuses_at_most_one_percent_of_its_validation_digits(
    shipped, mnist
):
    assert share_called_digits(shipped, mnist.validation.images) >= 0.99


@pytest.mark.slow
def test_the_shipped_run_refuses_few_test_digits(shipped, mnist):
    assert share_called_digits(shipped, mnist.test.images[:2_000]) >= 0.97


def noise(generator):
    return generator.integers(0, 256, (200, 28, 28), dtype=np.uint8)


def blocks_of_noise(generator):
    return np.kron(noise(generator)[:, :7, :7], np.ones((4, 4), np.uint8))


def stripes(generator):
    columns = generator.integers(0, 2, (200, 1, 28), dtype=np.uint8) * 255
    return np.broadcast_to(columns, (200, 28, 28))


def ink_everywhere(generator):
    levels = generator.integers(128, 256, (200, 1, 1)).astype(np.uint8)
    return np.broadcast_to(levels, (200, 28, 28))


@pytest.mark.parametrize("make", [noise, blocks_of_noise, stripes, ink_everywhere])
def test_the_shipped_run_takes_hardly_any_noise_for_a_digit(shipped, make):
    images = make(np.random.default_rng(0))

    assert share_called_digits(shipped, images) <= 0.1


def test_the_shipped_run_takes_an_empty_image_for_no_digit(shipped):
    assert share_called_digits(shipped, np.zeros((1, 28, 28), np.uint8)) == 0


@pytest.mark.slow
def test_the_shipped_run_takes_slashed_zeros_for_digits(shipped, mnist):
    zeros = mnist.validation.images[mnist.validation.labels == 0][:200]

    assert share_called_digits(shipped, pens.slashed(zeros, seed=5)) >= 0.95


@pytest.mark.slow
def test_the_shipped_run_refuses_most_of_what_is_made_to_be_no_digit(shipped, mnist):
    assert share_called_digits(shipped, impostors.made(300, mnist.test, 5)) <= 0.25
