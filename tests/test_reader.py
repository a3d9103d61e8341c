from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mnist_core import models
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError
from mnist_core.reader import BATCH, Reader

SETTINGS = [
    {"architecture": "softmax"},
    {"architecture": "dense", "batch_normalization": True},
    {"architecture": "cnn"},
    {"architecture": "cnn", "batch_normalization": True, "dropout": 0.5},
    {"architecture": "residual", "batch_normalization": True},
]


def images_of(num_images, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (num_images, 28, 28), dtype=np.uint8)


def exported(folder, **settings):
    """A twin on disk, and its Keras model; normalisation has seen some images."""
    heads = models.build(TrainConfig(**settings))
    for seed in range(3):
        heads.model(images_of(50, seed).astype(np.float32), training=True)
    heads.twin.export(folder / "twin.tflite", format="litert", verbose=False)
    return folder / "twin.tflite", heads


@pytest.fixture(
    scope="module",
    params=SETTINGS,
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def reader_and_heads(request, tmp_path_factory):
    path, heads = exported(tmp_path_factory.mktemp("twin"), **request.param)
    return Reader(path), heads


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    path, _ = exported(tmp_path_factory.mktemp("twin"), architecture="cnn")
    return path


@pytest.fixture(scope="module")
def reader(twin):
    return Reader(twin)


def test_the_twin_agrees_with_keras(reader_and_heads):
    reader, heads = reader_and_heads
    images = images_of(300, seed=9)

    reading = reader.read(images)

    expected = {name: np.asarray(value) for name, value in heads.twin(images).items()}
    assert_allclose(reading.probabilities, expected["probabilities"], rtol=0, atol=1e-4)
    assert_allclose(reading.logits, expected["logits"], rtol=1e-4, atol=1e-3)
    assert_allclose(reading.features, expected["features"], rtol=1e-4, atol=1e-3)
    assert np.ptp(expected["probabilities"], axis=0).max() > 0.01  # they do differ


def test_rows_sum_to_one_and_are_float32(reader_and_heads):
    reading = reader_and_heads[0].read(images_of(5))

    assert reading.probabilities.shape == reading.logits.shape == (5, 10)
    assert reading.probabilities.dtype == np.float32
    assert reading.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("num_images", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 7])
def test_how_many_are_read_at_once_does_not_matter(reader, num_images):
    images = images_of(2 * BATCH + 7)
    singly = np.concatenate(
        [reader.read(image[None]).probabilities for image in images[:20]]
    )

    together = reader.read(images[:num_images]).probabilities

    assert len(together) == num_images
    assert together[:20] == pytest.approx(singly[:num_images], abs=1e-6)
    if num_images > BATCH:
        last = reader.read(images[num_images - 1 : num_images]).probabilities
        assert together[-1:] == pytest.approx(last, abs=1e-6)


def test_an_answer_stays_as_it_was_when_the_next_is_read(reader):
    first = reader.read(images_of(1, seed=1))
    kept = first.probabilities.copy(), first.logits.copy(), first.features.copy()

    reader.read(images_of(1, seed=2))

    assert np.array_equal(first.probabilities, kept[0])
    assert np.array_equal(first.logits, kept[1])
    assert np.array_equal(first.features, kept[2])


def test_twenty_threads_at_once_each_get_their_own_answer(reader):
    stacks = [images_of(1 + seed % 7, seed) for seed in range(200)]
    expected = [reader.read(stack).probabilities for stack in stacks]

    with ThreadPoolExecutor(20) as threads:
        readings = list(threads.map(reader.read, stacks))

    for reading, right in zip(readings, expected, strict=True):
        assert reading.probabilities == pytest.approx(right, abs=1e-6)


def test_read_only_images_will_do(reader):
    images = images_of(2)
    images.flags.writeable = False

    assert reader.read(images).probabilities.shape == (2, 10)


def test_of_no_images_there_is_nothing_to_say(reader):
    reading = reader.read(images_of(0))

    assert reading.probabilities.shape == reading.logits.shape == (0, 10)
    assert reading.features.shape == (0, 128)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_twin_that_is_cut_short_is_refused_with_what_to_do(twin, tmp_path, share):
    content = twin.read_bytes()
    path = tmp_path / "twin.tflite"
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(RunError) as caught:
        Reader(path)

    assert str(caught.value) == (
        "The model file twin.tflite cannot be opened. Delete the run, or choose "
        "another one."
    )


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "twin.tflite"
    path.write_bytes(np.random.default_rng(0).bytes(50_000))

    with pytest.raises(RunError, match="cannot be opened"):
        Reader(path)


def test_a_twin_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunError, match="cannot be opened"):
        Reader(tmp_path / "twin.tflite")


def test_two_threads_read_as_one_does(reader_and_heads, tmp_path):
    _, heads = reader_and_heads
    path = tmp_path / "twin.tflite"
    heads.twin.export(path, format="litert", verbose=False)
    generator = np.random.default_rng(3)
    images = generator.integers(0, 256, (600, 28, 28), dtype=np.uint8)

    one, two = (Reader(path, num_threads=n).read(images) for n in (1, 2))

    assert np.array_equal(one.probabilities, two.probabilities)
