import numpy as np
import pytest

from mnist_core import novelty
from mnist_core.novelty import Novelty
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore


def digits(num_images, *, seed):
    """Features around ten corners, logits that are sure of the right digit."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(num_images) % 10).astype(np.uint8)
    features = 10 * np.eye(10, 16)[labels] + generator.normal(size=(num_images, 16))
    logits = 12 * np.eye(10)[labels] + generator.normal(size=(num_images, 10))
    return features.astype(np.float32), logits.astype(np.float32), labels


def fitted(num_validation=5_000):
    train_features, _, train_labels = digits(2_000, seed=1)
    val_features, val_logits, _ = digits(num_validation, seed=2)
    return novelty.fit(
        train_features=train_features,
        train_kinds=train_labels,
        val_images=dotted(val_features),
        val_features=val_features,
        val_logits=val_logits,
    )


def dotted(features):
    """Images for who looks at features and logits alone: as little ink as can be."""
    images = np.zeros((len(features), 28, 28), np.uint8)
    images[:, 14, 14] = 255
    return images


def sees(known, features, logits):
    return known.is_digit(dotted(features), features, logits)


def share_refused(known, features, logits):
    return np.mean(~sees(known, features, logits))


@pytest.mark.parametrize(
    "num_validation",
    [
        500,
        1_000,
        5_000,
    ],
)
def test_each_score_refuses_at_most_one_half_percent_of_validation(num_validation):
    known = fitted(num_validation)
    features, logits, _ = digits(num_validation, seed=2)
    surest = np.full_like(logits, 0) + 100 * np.eye(10, dtype=np.float32)[0]

    by_distance = share_refused(known, features, surest)
    by_energy = share_refused(
        known, known.means[np.arange(num_validation) % 10], logits
    )

    assert 0 < by_distance <= 0.005
    assert 0 < by_energy <= 0.005


def test_other_digits_are_seldom_refused():
    features, logits, _ = digits(5_000, seed=3)

    assert share_refused(fitted(), features, logits) < 0.02


def test_features_far_from_every_digit_are_refused_however_sure_the_logits():
    features = np.full((1, 16), 30, np.float32)
    surest = 100 * np.eye(10, dtype=np.float32)[:1]

    assert sees(fitted(), features, surest).tolist() == [False]


def test_logits_that_speak_for_no_digit_are_refused_however_near_the_features():
    known = fitted()

    assert (
        sees(known, known.means, np.zeros((10, 10), np.float32)).tolist()
        == [False] * 10
    )


def test_distance_is_measured_in_the_spread_of_the_digits():
    """A step along a direction in which digits vary is nearer than one across it."""
    generator = np.random.default_rng(0)
    labels = (np.arange(4_000) % 10).astype(np.uint8)
    spread = np.array([5.0, 0.1])
    features = (generator.normal(size=(4_000, 2)) * spread).astype(np.float32)
    logits = np.full((4_000, 10), 5, np.float32)
    known = novelty.fit(
        train_features=features,
        train_kinds=labels,
        val_images=dotted(features),
        val_features=features,
        val_logits=logits,
    )

    along, across = np.array([[5, 0]], np.float32), np.array([[0, 5]], np.float32)

    assert sees(known, along, logits[:1]).tolist() == [True]
    assert sees(known, across, logits[:1]).tolist() == [False]


def test_features_that_never_vary_do_not_break_it():
    features, logits, labels = digits(500, seed=1)
    features[:, 3:7] = 0  # dead units

    known = novelty.fit(
        train_features=features,
        train_kinds=labels,
        val_images=dotted(features),
        val_features=features,
        val_logits=logits,
    )

    assert np.isfinite(known.precision).all()
    assert share_refused(known, features, logits) <= 0.02


def test_extreme_logits_do_not_overflow():
    known = fitted()
    logits = np.array([[1e4] + [-1e4] * 9], np.float32)

    assert sees(known, known.means[:1], logits).tolist() == [True]


def test_a_blot_is_refused_however_sure_the_network():
    features, logits, labels = digits(500, seed=1)
    images = np.zeros((500, 28, 28), np.uint8)
    images[:, 4:24, 10:16] = 255
    known = novelty.fit(
        train_features=features,
        train_kinds=labels,
        val_images=images,
        val_features=features,
        val_logits=logits,
    )
    blot = np.zeros((1, 28, 28), np.uint8)
    blot[:, 4:24, 4:24] = 255

    surest = known.means[:1], 20 * np.eye(10, dtype=np.float32)[:1]

    assert known.max_ink == 20 * 6
    assert known.is_digit(images[:1], *surest).tolist() == [True]
    assert known.is_digit(blot, *surest).tolist() == [False]


def test_what_was_learned_survives_the_disk(tmp_path):
    known, (features, logits, _) = fitted(), digits(3_000, seed=4)

    known.save(tmp_path / "novelty.npz")

    loaded = Novelty.load(tmp_path / "novelty.npz")
    assert loaded.max_distance == known.max_distance
    assert loaded.max_energy == known.max_energy
    assert loaded.max_ink == known.max_ink
    assert np.array_equal(loaded.means, known.means)
    assert np.array_equal(loaded.precision, known.precision)
    assert np.array_equal(sees(loaded, features, logits), sees(known, features, logits))
    assert [path.name for path in tmp_path.iterdir()] == ["novelty.npz"]


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


def test_a_style_has_a_mean_of_its_own():
    features, logits, labels = digits(4_000, seed=1)
    zeros = features[labels == 0] + 40 * np.eye(16)[15]  # away from every digit
    styled, others = zeros[:200], zeros[200:]
    kinds = np.concatenate([labels, np.full(200, 10)])
    known = {
        name: novelty.fit(
            train_features=np.concatenate([features, styled])[: len(group)],
            train_kinds=group,
            val_images=dotted(features),
            val_features=features,
            val_logits=logits,
        )
        for name, group in {"digits": labels, "digits and a style": kinds}.items()
    }

    assert share_refused(known["digits"], others, logits[:200]) > 0.9
    assert share_refused(known["digits and a style"], others, logits[:200]) < 0.1
