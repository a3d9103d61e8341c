import subprocess
import sys
from hashlib import sha256

import keras
import numpy as np
import pytest

from mnist_core import models
from mnist_core.config import ARCHITECTURES, TrainConfig
from mnist_core.errors import RunError

NUM_FEATURES = {
    "softmax": 784,
    "dense": 512,
    "tiny": 64,
    "cnn": 128,
    "deep": 192,
    "residual": 128,
}
# argv: the model, the images and where the probabilities go.
PLAIN_KERAS = """\
import sys

import keras
import numpy as np

try:
    import mnist_core
except ImportError:
    pass
else:
    sys.exit("mnist_core can be imported")
model = keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


def images_of(num_images, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (num_images, 28, 28), dtype=np.uint8)


def config_of(architecture, **settings):
    return TrainConfig(
        architecture=architecture,
        batch_normalization=architecture != "softmax",
        dropout=0.0 if architecture == "softmax" else 0.5,
        **settings,
    )


def fingerprint(model):
    return sha256(
        b"".join(weight.tobytes() for weight in model.get_weights())
    ).hexdigest()


@pytest.fixture(scope="module", params=ARCHITECTURES)
def heads(request):
    return models.build(config_of(request.param))


def test_probabilities_of_uint8_images_are_ten_that_sum_to_one(heads):
    probabilities = heads.model.predict(images_of(5), verbose=0)

    assert probabilities.shape == (5, 10)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_uint8_and_float_images_are_read_alike(heads):
    images = images_of(5)

    of_bytes = heads.model.predict(images, verbose=0)
    of_floats = heads.model.predict(images.astype(np.float32), verbose=0)

    assert np.array_equal(of_bytes, of_floats)


def test_the_twin_gives_probabilities_logits_and_features(heads):
    images = images_of(5)

    outputs = {name: np.asarray(value) for name, value in heads.twin(images).items()}

    num_features = NUM_FEATURES[heads.model.name]
    assert set(outputs) == {"probabilities", "logits", "features"}
    assert outputs["logits"].shape == (5, 10)
    assert outputs["features"].shape == (5, num_features)
    assert outputs["probabilities"] == pytest.approx(np.asarray(heads.model(images)))
    assert outputs["logits"] == pytest.approx(
        np.asarray(heads.logits(images)), abs=1e-6
    )


def test_probabilities_are_the_softmax_of_a_linear_map_of_the_features(heads):
    outputs = {
        name: np.asarray(value) for name, value in heads.twin(images_of(5)).items()
    }
    kernel, bias = heads.model.get_layer("logits").get_weights()

    logits = outputs["features"] @ kernel + bias
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))

    assert outputs["logits"] == pytest.approx(logits, abs=1e-4)
    assert outputs["probabilities"] == pytest.approx(
        odds / odds.sum(axis=1, keepdims=True), abs=1e-5
    )


def test_the_heads_share_every_weight():
    heads, images = models.build(config_of("dense")), images_of(3)

    heads.model.set_weights(
        [np.zeros_like(weight) for weight in heads.model.get_weights()]
    )

    assert not np.asarray(heads.logits(images)).any()
    assert np.asarray(heads.twin(images)["probabilities"]) == pytest.approx(0.1)


def test_dropout_works_only_while_training():
    heads, images = (
        models.build(TrainConfig(architecture="dense", dropout=0.5)),
        images_of(3),
    )

    reading = [np.asarray(heads.logits(images, training=False)) for _ in range(2)]
    training = [np.asarray(heads.logits(images, training=True)) for _ in range(2)]

    assert np.array_equal(*reading)
    assert not np.array_equal(*training)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_seed_gives_the_same_first_weights(architecture):
    one, same, other = (
        fingerprint(models.build(config_of(architecture, seed=seed)).model)
        for seed in (7, 7, 8)
    )

    assert one == same
    assert one != other


def test_the_model_scales_the_images_itself():
    """A pixel of 255 counts as 1."""
    model = models.build(TrainConfig(architecture="softmax")).model
    kernel = np.zeros((784, 10), np.float32)
    kernel[0, 3] = 1
    model.set_weights([kernel, np.zeros(10, np.float32)])
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 0, 0] = 255

    probabilities = model.predict(images, verbose=0)[0]

    assert probabilities[3] / probabilities[0] == pytest.approx(np.e, rel=1e-5)


def test_a_loaded_model_has_the_same_heads(tmp_path):
    heads, images = models.build(config_of("cnn")), images_of(4)
    heads.model.save(tmp_path / "model.keras")

    loaded = models.heads_of(keras.models.load_model(tmp_path / "model.keras"))

    for name, value in heads.twin(images).items():
        assert np.array_equal(loaded.twin(images)[name], value)
    assert np.array_equal(loaded.logits(images), heads.logits(images))


def test_a_saved_model_opens_in_plain_keras_without_mnist_core(tmp_path):
    heads, images = models.build(config_of("residual")), images_of(4)
    heads.model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "out.npy")]

    finished = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN_KERAS, *paths],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert np.load(tmp_path / "out.npy") == pytest.approx(
        heads.model.predict(images, verbose=0), abs=1e-6
    )


@pytest.mark.parametrize("num_images", [1, 250, 600])
def test_a_model_reads_as_keras_predicts(heads, num_images):
    images = images_of(num_images)

    outputs = models.read(heads.logits, images)

    assert outputs.dtype == np.float32
    assert outputs == pytest.approx(
        heads.logits.predict(images, verbose=0), rel=1e-4, abs=1e-4
    )


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_a_model_that_cannot_be_opened_is_told_in_a_sentence(tmp_path, content):
    path = tmp_path / "model.keras"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RunError, match=r"model\.keras of the run .* cannot be opened"):
        models.load(path)
