import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mnist_core import plane


@pytest.fixture(scope="module")
def features():
    """Ten clouds, each a digit's, stretched and turned alike."""
    generator = np.random.default_rng(7)
    labels = np.arange(600) % 10
    means = generator.normal(0, 3, (10, 12))
    stretch = generator.normal(0, 1, (12, 12))
    clouds = means[labels] + generator.normal(0, 1, (600, 12)) @ stretch
    return clouds.astype(np.float32), labels


def test_the_plane_is_that_of_scikit_learn(features):
    values, labels = features
    oracle = LinearDiscriminantAnalysis(solver="eigen", n_components=2, shrinkage=0)
    expected = oracle.fit_transform(values, labels)

    found = plane.coordinates(values, labels)

    for axis in range(2):
        # Shrinkage and the ends that lie on the border leave a little difference.
        correlation = np.corrcoef(found[:, axis], expected[:, axis])[0, 1]
        assert abs(correlation) > 0.99


def test_every_digit_lies_in_the_square(features):
    found = plane.coordinates(*features)

    assert found.shape == (600, 2)
    assert found.dtype == np.float32
    assert found.min() == 0
    assert found.max() == 1


def test_the_same_features_lie_at_the_same_place(features):
    values, labels = features

    found = plane.coordinates(values, labels)

    assert np.array_equal(found, plane.coordinates(values.copy(), labels.copy()))


@pytest.mark.parametrize("num_images", [1, 2, 30])
def test_one_digit_alone_has_no_plane_and_lies_in_the_middle(num_images):
    found = plane.coordinates(
        np.ones((num_images, 5), np.float32), np.zeros(num_images)
    )

    assert np.all(found == 0.5)


def test_two_digits_are_parted_along_one_line():
    labels = np.repeat([3, 8], 20)
    values = np.eye(4, dtype=np.float32)[labels % 2 * 2]

    found = plane.coordinates(values, labels)

    assert set(found[labels == 3, 0]) & set(found[labels == 8, 0]) == set()
