import numpy as np
import pytest

from mnist_core import impostors, styles


@pytest.fixture(scope="module")
def digits():
    return styles.written(100, seed=7)


def test_the_same_seed_gives_the_same_images(digits):
    first, again, other = (impostors.made(40, digits, seed) for seed in (1, 1, 2))

    assert first.shape == (40, 28, 28)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_each_has_ink_and_is_prepared_as_a_drawing_is(digits):
    images = impostors.made(300, digits, 0)

    assert (images.max(axis=(1, 2)) >= 254).all()
    for image in images:
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) < 20


def test_there_are_as_many_shares_as_rules():
    assert len(impostors.SHARES) == len(impostors.RULES)
    assert sum(impostors.SHARES) == pytest.approx(1)
