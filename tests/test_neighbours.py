import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.neighbors import NearestNeighbors

from mnist_core import neighbours
from mnist_core.data import Split
from mnist_core.neighbours import Reference
from mnist_core.reader import Reader
from mnist_core.runs import RunStore


def reference_of(features):
    features = np.asarray(features, np.float32)
    indices = np.arange(len(features))
    images = np.zeros((len(features), 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = indices // 256, indices % 256
    return Reference(Split(images, (indices % 10).astype(np.uint8)), features)


def indices_of(found):
    return found.images[:, 0, 0].astype(int) * 256 + found.images[:, 0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_are_those_of_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    reference = reference_of(generator.normal(size=(2000, 64)))
    query = generator.normal(size=64).astype(np.float32)
    oracle = NearestNeighbors(n_neighbors=5).fit(reference.features)
    [distances], [indices] = oracle.kneighbors(query[None])

    found = reference.nearest(query, 5)

    assert indices_of(found).tolist() == indices.tolist()
    assert_allclose(found.distances, distances, rtol=1e-5)
    assert found.labels.tolist() == (indices % 10).tolist()


def test_equally_near_ones_come_in_order():
    reference = reference_of([[3.0], [1.0], [1.0], [1.0], [0.0]])

    found = reference.nearest(np.zeros(1, np.float32), 3)

    assert indices_of(found).tolist() == [4, 1, 2]


def test_there_may_be_fewer_than_asked_for():
    assert len(reference_of([[1.0], [2.0]]).nearest(np.zeros(1), 5).images) == 2


def test_a_train_image_is_its_own_nearest_neighbour(small_mnist):
    reader = Reader(RunStore().get("shipped").file("twin.tflite"))
    reference = neighbours.reference(reader, small_mnist.train)
    image = small_mnist.train.images[17]

    found = reference.nearest(reader.read(image[None]).features[0], 5)

    assert np.array_equal(found.images[0], image)
    assert found.distances[0] == pytest.approx(0, abs=0.05)
    assert found.distances[1] > 0.05


def test_only_the_first_images_are_looked_among(monkeypatch, small_mnist):
    monkeypatch.setattr(neighbours, "MAX_REFERENCE", 20)
    reader = Reader(RunStore().get("shipped").file("twin.tflite"))

    reference = neighbours.reference(reader, small_mnist.train)

    assert len(reference.split) == len(reference.features) == 20


@pytest.mark.slow
def test_the_nearest_of_a_test_digit_mostly_have_its_label(mnist):
    reader = Reader(RunStore().get("shipped").file("twin.tflite"))
    reference = neighbours.reference(reader, mnist.train[:2000])
    features = reader.read(mnist.test.images[:200]).features

    labels = np.stack([reference.nearest(row, 5).labels for row in features])

    assert np.mean(labels == mnist.test.labels[:200, None]) > 0.97
