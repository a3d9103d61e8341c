import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mnist_core import paths
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError
from mnist_core.predictor import Prediction, Predictor
from mnist_core.runs import RESULT_FILES, RunStore

ID = "20260101-000000-000"


def stroke():
    """The ink of a one, drawn on a canvas of 280 pixels."""
    ink = np.zeros((280, 280), np.uint8)
    ink[40:240, 130:152] = 255
    return ink


def paper():
    return np.zeros((280, 280), np.uint8)


def prediction_of(probabilities, *, is_digit=True):
    image = np.zeros((28, 28), np.uint8)
    return Prediction(image, np.array(probabilities, np.float32), is_digit)


def with_top(first, second=None):
    """Probabilities of 7 and 1, the rest shared by the others."""
    second = (1 - first) / 2 if second is None else second
    probabilities = np.full(10, (1 - first - second) / 8)
    probabilities[[7, 1]] = first, second
    return probabilities


@pytest.fixture(scope="module")
def shipped():
    return Predictor(RunStore().get("shipped"))


@pytest.fixture
def copied_run(tmp_path):
    """A run of our own with the shipped run's files, free to be damaged."""
    shutil.copytree(paths.shipped_run_dir(), tmp_path / ID)
    return RunStore(tmp_path).get(ID)


def test_the_digit_is_the_most_probable_one():
    prediction = prediction_of([0.1, 0.0, 0.5, 0.4, 0, 0, 0, 0, 0, 0])

    assert prediction.digit == 2
    assert prediction.probability == pytest.approx(0.5)


@pytest.mark.parametrize(
    "probabilities, sentence",
    [
        (with_top(0.987), "Sure: 98.7 %"),
        (with_top(0.9001), "Sure: 90.0 %"),
        (with_top(0.89, 0.06), "Fairly sure: 89.0 %, or else 1 (6.0 %)"),
        (with_top(0.601, 0.3), "Fairly sure: 60.1 %, or else 1 (30.0 %)"),
        (with_top(0.59, 0.25), "Unsure: 59.0 %, or else 1 (25.0 %)"),
        (with_top(0.2, 0.15), "Unsure: 20.0 %, or else 1 (15.0 %)"),
    ],
)
def test_the_probability_is_put_in_words_and_as_a_number(probabilities, sentence):
    assert prediction_of(probabilities).sentence == sentence


def test_what_is_no_digit_is_said_to_be_none_however_sure_the_model():
    prediction = prediction_of(with_top(0.9995), is_digit=False)

    assert prediction.sentence == (
        "This does not look like a digit; if it is one, over 99.9 % for 7."
    )


def test_a_drawn_stroke_is_a_one(shipped):
    [prediction] = shipped.predict_ink([stroke()])

    assert prediction.digit == 1
    assert prediction.is_digit
    assert prediction.image.shape == (28, 28)
    assert prediction.image.dtype == np.uint8


def test_where_nothing_is_drawn_nothing_is_predicted(shipped):
    predictions = shipped.predict_ink([paper(), stroke(), paper(), stroke()])

    assert [prediction and prediction.digit for prediction in predictions] == [
        None,
        1,
        None,
        1,
    ]


@pytest.mark.parametrize("num_inks", [0, 1, 3])
def test_where_nothing_at_all_is_drawn_nothing_is_predicted(shipped, num_inks):
    assert shipped.predict_ink([paper()] * num_inks) == [None] * num_inks


@pytest.mark.slow
def test_test_digits_are_read_in_order(shipped, mnist):
    test = mnist.test[:300]

    predictions = shipped.predict(test.images)
    probabilities = shipped.probabilities(test.images)

    digits = np.array([prediction.digit for prediction in predictions])
    assert np.mean(digits == test.labels) > 0.98
    assert np.array_equal(digits, probabilities.argmax(axis=1))
    for prediction, image, row in zip(
        predictions, test.images, probabilities, strict=True
    ):
        assert np.array_equal(prediction.image, image)
        assert prediction.probabilities == pytest.approx(row, abs=1e-6)
        assert type(prediction.is_digit) is bool


def test_twenty_threads_may_share_a_predictor(shipped):
    inks = [
        stroke() if index % 3 else paper() + np.eye(280, dtype=np.uint8) * 255
        for index in range(60)
    ]
    expected = [shipped.predict_ink([ink])[0].probabilities for ink in inks]

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda ink: shipped.predict_ink([ink])[0], inks))

    for answer, probabilities in zip(answers, expected, strict=True):
        assert answer.probabilities == pytest.approx(probabilities, abs=1e-6)


def test_a_run_that_has_no_model_yet_cannot_predict(tmp_path):
    run = RunStore(tmp_path).create(TrainConfig(), "unfinished")

    with pytest.raises(
        RunError, match=r"“unfinished” is queued: it has no model to use\."
    ):
        Predictor(run)


def test_an_intact_copy_predicts(copied_run):
    assert Predictor(copied_run).predict_ink([stroke()])[0].digit == 1


@pytest.mark.parametrize("name", ["twin.tflite", "novelty.npz"])
@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_one_changed_byte_in_a_file_is_noticed_before_it_is_opened(
    copied_run, name, place
):
    path = copied_run.folder / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if place > 0 else place] ^= 1
    path.write_bytes(content)

    with pytest.raises(RunError) as caught:
        Predictor(copied_run)

    assert str(caught.value) == (
        f"{name} of “Shipped” is damaged: it is not the file that was saved. "
        "Delete the run, or put the file back."
    )


@pytest.mark.parametrize("name", ["twin.tflite", "novelty.npz"])
def test_a_missing_file_is_said_to_be_missing(copied_run, name):
    (copied_run.folder / name).unlink()

    with pytest.raises(RunError, match=f"{name} of “Shipped” is missing"):
        Predictor(copied_run)


def test_only_the_files_that_are_used_must_be_there(copied_run):
    for name in set(RESULT_FILES) - {"twin.tflite", "novelty.npz"}:
        (copied_run.folder / name).unlink()

    assert Predictor(copied_run).predict_ink([stroke()])[0].digit == 1
