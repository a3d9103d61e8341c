import hashlib

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from mnist_core import finishing, impostors, models, novelty, training
from mnist_core.architectures import cost
from mnist_core.config import TrainConfig
from mnist_core.corruptions import corrupted
from mnist_core.data import Mnist, Split
from mnist_core.engine import Engine
from mnist_core.errors import RunError
from mnist_core.history import best_epoch
from mnist_core.novelty import Novelty
from mnist_core.predictor import Predictor
from mnist_core.reader import Reader
from mnist_core.robustness import Robustness
from mnist_core.runs import EPOCHS_FILE, RESULT_FILES, RunStore

pytestmark = pytest.mark.slow

CONFIG = TrainConfig(
    architecture="dense",
    dropout=0.2,
    batch_normalization=True,
    batch_size=32,
    epochs=2,
    num_train=300,
    num_validation=500,
)


@pytest.fixture(scope="module")
def trained(small_mnist):
    return training.train(Engine(CONFIG, small_mnist))


@pytest.fixture(scope="module")
def mislabelled(small_mnist):
    """The same, but seven of the hundred test labels are wrong."""
    labels = small_mnist.test.labels.copy()
    labels[:7] = (labels[:7] + 1) % 10
    test = Split(small_mnist.test.images, labels)
    return Mnist(small_mnist.train, small_mnist.validation, test)


@pytest.fixture(scope="module")
def finished(trained, mislabelled, tmp_path_factory):
    """A finished run, read again from its folder, and what `finish` returned."""
    store = RunStore(tmp_path_factory.mktemp("saved_model"))
    run = store.create(CONFIG, "a run")
    result = finishing.finish(run, trained, mislabelled)
    return store.get(run.id), result


@pytest.fixture
def unfinished(tmp_path):
    return RunStore(tmp_path).create(CONFIG, "a run")


@pytest.fixture(scope="module")
def shipped():
    return RunStore().get("shipped")


@pytest.fixture(scope="module")
def shipped_reading(shipped, mnist):
    """What the shipped twin says of the real test split, today."""
    return Reader(shipped.file("twin.tflite")).read(mnist.test.images)


def test_the_result_that_is_returned_is_the_one_on_disk(finished):
    run, result = finished

    assert run.result == result


@pytest.mark.parametrize("name", RESULT_FILES)
def test_every_file_has_its_digest_in_the_result(finished, name):
    run, result = finished

    digest = hashlib.sha256(run.file(name).read_bytes()).hexdigest()

    assert result.sha256[name] == digest


def test_nothing_else_is_left_in_the_folder(finished):
    names = {path.name for path in finished[0].folder.iterdir()}

    assert names == {
        *RESULT_FILES,
        EPOCHS_FILE,
        "result.json",
        "run.json",
        "about.json",
        "state.json",
    }


def test_the_figures_are_those_of_the_training(finished, trained):
    result, history = finished[1], trained.history

    assert result.num_parameters == cost(CONFIG).num_parameters
    assert result.num_epochs == len(history) == 2
    assert result.validation_accuracy == best_epoch(history).val_accuracy
    assert result.seconds == pytest.approx(history[-1].seconds, abs=0.01)


def test_the_test_accuracy_is_the_share_of_digits_that_are_right(finished, mislabelled):
    run, result = finished
    predictions = run.probabilities("test").argmax(axis=1)

    assert result.test_accuracy == np.mean(predictions == mislabelled.test.labels)
    assert result.test_accuracy < result.validation_accuracy


@pytest.mark.parametrize("split", ["test", "validation"])
def test_the_stored_predictions_are_those_of_the_model_and_of_its_twin(
    finished, trained, small_mnist, split
):
    run, images = finished[0], getattr(small_mnist, split).images

    stored = run.probabilities(split)

    assert stored.dtype == np.float32
    assert np.array_equal(
        stored, Reader(run.file("twin.tflite")).read(images).probabilities
    )
    assert stored == pytest.approx(
        keras.models.load_model(run.file("model.keras")).predict(images, verbose=0),
        abs=1e-4,
    )
    assert stored == pytest.approx(
        trained.heads.model.predict(images, verbose=0), abs=1e-4
    )


def test_the_best_epoch_said_what_the_finished_model_says(
    finished, trained, small_mnist
):
    timeline = finished[0].timeline(small_mnist.test.labels)

    said = finished[0].probabilities("test")
    assert timeline.epochs.tolist() == [best_epoch(trained.history).epoch]
    assert np.array_equal(timeline.digits[0], said.argmax(axis=1))
    assert timeline.levels[0] == pytest.approx(255 * said.max(axis=1), abs=0.51)


def test_a_finished_run_reads_digits(finished, small_mnist):
    predictions = Predictor(finished[0]).predict(small_mnist.test.images)

    digits = [prediction.digit for prediction in predictions]
    assert np.mean(digits == small_mnist.test.labels) > 0.9


def test_a_finished_run_knows_its_digits_from_something_else(finished, small_mnist):
    run = finished[0]
    reader, known = (
        Reader(run.file("twin.tflite")),
        Novelty.load(run.file("novelty.npz")),
    )

    images = small_mnist.validation.images
    others = impostors.made(200, small_mnist.train, seed=5)

    def share(images):
        read = reader.read(images)
        return known.is_digit(images, read.features, read.logits).mean()

    assert share(images) >= 0.98
    assert share(others) <= 0.75
    assert share(255 - images) == 0


def test_a_model_that_disagrees_with_its_twin_does_not_become_a_result(
    unfinished, trained, small_mnist
):
    other = models.build(CONFIG)
    mixed = models.Heads(trained.heads.model, trained.heads.logits, twin=other.twin)

    with pytest.raises(RunError) as caught:
        finishing.finish(
            unfinished, training.Trained(mixed, trained.history, "done"), small_mnist
        )

    assert str(caught.value).startswith(
        "The model and its twin for the server do not agree on the test split (largest "
    )
    assert not (unfinished.folder / "result.json").exists()


def test_there_is_no_result_before_everything_else_is_written(
    unfinished, trained, small_mnist, monkeypatch
):
    def full_disk(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(novelty.Novelty, "save", full_disk)

    with pytest.raises(OSError, match="No space left"):
        finishing.finish(unfinished, trained, small_mnist)

    assert not (unfinished.folder / "result.json").exists()


@pytest.mark.parametrize("name", RESULT_FILES)
def test_the_shipped_files_are_those_that_were_saved(shipped, name):
    assert shipped.file(name) == shipped.folder / name


def test_the_shipped_run_says_what_it_is(shipped):
    epochs, _ = shipped.progress()

    assert shipped.state == "done"
    assert shipped.result.num_parameters == cost(shipped.config).num_parameters
    assert shipped.result.num_epochs == len(epochs) == shipped.config.epochs
    assert shipped.result.validation_accuracy == best_epoch(epochs).val_accuracy


def test_the_shipped_predictions_are_those_that_its_twin_makes_today(
    shipped, shipped_reading
):
    stored = shipped.probabilities("test")

    assert np.array_equal(
        stored.argmax(axis=1), shipped_reading.probabilities.argmax(axis=1)
    )
    assert_allclose(stored, shipped_reading.probabilities, rtol=0, atol=1e-5)


def test_the_shipped_run_comes_with_what_it_withstands(shipped, shipped_reading, mnist):
    said = shipped_reading.probabilities.argmax(axis=1).astype(np.uint8)
    labels, model = mnist.test.labels, shipped.digest("twin.tflite")
    stored = Robustness.load(shipped.robustness_file, labels, said, model=model)
    reader, few = Reader(shipped.file("twin.tflite")), np.arange(500)

    assert stored.is_whole
    for kind, strength in (("rotation", 30), ("noise", 15), ("occlusion", 8)):
        changed = corrupted(mnist.test.images[few], few, kind, strength)
        again = reader.read(changed).probabilities.argmax(axis=1)
        # Kernels of another processor may round the one or other digit over the edge.
        assert (again != stored.read_as(kind, strength)[few]).sum() <= 2


def test_the_shipped_run_comes_with_what_it_said_after_each_epoch(shipped, mnist):
    timeline = shipped.timeline(mnist.test.labels)

    assert timeline.epochs[-1] == shipped.config.epochs
    history, _ = shipped.progress()
    kept = timeline.accuracy(best_epoch(history).epoch)
    assert kept == pytest.approx(shipped.result.test_accuracy)


def test_the_shipped_run_has_the_weights_of_its_best_epoch(shipped, mnist):
    history, _ = shipped.progress()
    probabilities = shipped.probabilities("validation")

    right = probabilities[np.arange(len(probabilities)), mnist.validation.labels]
    loss = -np.log(right).mean()
    assert loss == pytest.approx(best_epoch(history).val_loss, rel=1e-4)


def test_the_shipped_run_reads_at_least_995_in_1000_test_digits(
    shipped, shipped_reading, mnist
):
    accuracy = np.mean(
        shipped_reading.probabilities.argmax(axis=1) == mnist.test.labels
    )

    assert accuracy == shipped.result.test_accuracy
    assert accuracy >= 0.995


def test_the_shipped_validation_predictions_give_its_validation_accuracy(
    shipped, mnist
):
    predictions = shipped.probabilities("validation").argmax(axis=1)

    assert (
        np.mean(predictions == mnist.validation.labels)
        == shipped.result.validation_accuracy
    )


def test_the_shipped_model_and_its_twin_agree_on_the_whole_test_split(
    shipped, shipped_reading, mnist
):
    model = keras.models.load_model(shipped.file("model.keras"))

    probabilities = model.predict(mnist.test.images, batch_size=500, verbose=0)

    difference = np.abs(probabilities - shipped_reading.probabilities).max()
    assert difference <= 1e-4
    assert np.array_equal(
        probabilities.argmax(axis=1), shipped_reading.probabilities.argmax(axis=1)
    )
