"""Four images over five epochs by hand, and many by chance against an oracle."""

import numpy as np
import pytest
from sklearn import metrics

from mnist_core.errors import RunError
from mnist_core.timeline import Said, Timeline

LABELS = np.array([4, 9, 7, 7], np.uint8)
# An image a column: at once; late; never; forgotten twice, and learned for good.
DIGITS = np.array(
    [[4, 4, 1, 7], [4, 4, 1, 1], [4, 4, 1, 7], [4, 9, 1, 1], [4, 9, 1, 7]], np.uint8
)
EPOCHS = np.array([1, 2, 3, 5, 6])


def probabilities(digits, confidence=0.9):
    """`(N, 10)`: that much for the digit, the rest shared by the others."""
    rest = (1 - confidence) / 9
    return np.where(np.eye(10)[digits] == 1, confidence, rest).astype(np.float32)


def by_hand():
    timeline = Timeline.empty(LABELS)
    for epoch, digits in zip(EPOCHS, DIGITS, strict=True):
        timeline = timeline.including(int(epoch), probabilities(digits))
    return timeline


def by_chance(num_epochs=8, num_images=400):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, num_images).astype(np.uint8)
    shape = (num_epochs, num_images)
    is_right = rng.random(shape) < np.linspace(0.5, 0.95, num_epochs)[:, None]
    digits = np.where(is_right, labels, rng.integers(0, 10, shape)).astype(np.uint8)
    levels = rng.integers(26, 256, shape).astype(np.uint8)
    return Timeline(labels, np.arange(1, num_epochs + 1), digits, levels)


TIMELINE, CHANCE = by_hand(), by_chance()


def test_the_matrix_and_the_scores_of_an_epoch_are_those_of_scikit_learn():
    for row, epoch in enumerate(CHANCE.epochs.tolist()):
        pair = CHANCE.labels, CHANCE.digits[row]
        expected = metrics.confusion_matrix(*pair, labels=range(10))
        recalls = metrics.recall_score(*pair, average=None, labels=range(10))

        assert np.array_equal(CHANCE.confusion_matrix(epoch), expected)
        assert CHANCE.recalls(epoch) == pytest.approx(recalls)
        assert CHANCE.accuracy(epoch) == pytest.approx(metrics.accuracy_score(*pair))
        assert CHANCE.num_mistakes[row] == (pair[0] != pair[1]).sum()
        assert CHANCE.mistakes_by_digit[row].sum() == CHANCE.num_mistakes[row]


def test_an_image_is_learned_at_the_epoch_from_which_it_stays_right():
    assert TIMELINE.learned_at.tolist() == [1, 5, 0, 6]


def test_an_image_is_forgotten_when_it_was_right_and_is_wrong():
    assert TIMELINE.num_forgotten.tolist() == [0, 0, 0, 2]


def test_learned_and_forgotten_are_what_a_walk_through_the_epochs_finds():
    for index in range(len(CHANCE.labels)):
        learned, forgotten, was_right = 0, 0, False
        for epoch, digit, _ in CHANCE.said(index):
            is_right = digit == CHANCE.labels[index]
            if is_right and not was_right:
                learned = epoch
            if was_right and not is_right:
                learned, forgotten = 0, forgotten + 1
            was_right = is_right

        assert CHANCE.learned_at[index] == learned
        assert CHANCE.num_forgotten[index] == forgotten


def test_what_an_epoch_changed_is_said_against_the_one_before():
    assert TIMELINE.before(1) is None
    assert TIMELINE.before(5) == 3
    assert TIMELINE.gained(5).tolist() == [1]
    assert TIMELINE.lost(5).tolist() == [3]
    assert TIMELINE.wrong(5).tolist() == [2, 3]
    assert TIMELINE.gained(1).tolist() == TIMELINE.lost(1).tolist() == []
    assert TIMELINE.sentence(5) == (
        "After epoch 5, 2 of 4 are read wrong: since epoch 3, 1 became right and 1 "
        "were forgotten."
    )
    assert "the first that was looked at" in TIMELINE.sentence(1)


def test_mistakes_add_up_over_the_epochs():
    for before, epoch in zip(CHANCE.epochs, CHANCE.epochs[1:], strict=False):
        change = len(CHANCE.lost(epoch)) - len(CHANCE.gained(epoch))
        assert len(CHANCE.wrong(epoch)) == len(CHANCE.wrong(before)) + change


def test_a_cell_of_an_epoch_names_its_images():
    assert TIMELINE.cell(1, 9, 4).tolist() == [1]
    matrix = CHANCE.confusion_matrix(2)
    for true, predicted in np.ndindex(10, 10):
        assert len(CHANCE.cell(2, true, predicted)) == matrix[true, predicted]


def test_a_row_and_a_column_count_their_mistakes():
    mistakes = CHANCE.confusion_matrix(2)
    np.fill_diagonal(mistakes, 0)

    for digit in range(10):
        assert len(CHANCE.cell(2, digit, None)) == mistakes[digit].sum()
        assert len(CHANCE.cell(2, None, digit)) == mistakes[:, digit].sum()


def test_late_is_the_second_half_and_often_is_twice():
    assert TIMELINE.halfway == 3
    assert TIMELINE.learned_late.tolist() == [3, 1]
    assert TIMELINE.forgotten_often.tolist() == [3]


def test_what_is_learned_late_comes_latest_first():
    late = CHANCE.learned_at[CHANCE.learned_late]

    assert (late > CHANCE.halfway).all()
    assert (np.diff(late) <= 0).all()
    assert (np.diff(CHANCE.num_forgotten[CHANCE.forgotten_often]) <= 0).all()


@pytest.mark.parametrize(
    ("digits", "story"),
    [
        ([7, 7, 7, 7], "Read right from epoch 1 on."),
        ([1, 1, 7, 7], "Learned at epoch 3, never forgotten."),
        ([7, 1, 7, 7], "Learned for good at epoch 3, forgotten once."),
        ([7, 1, 7, 1], "Read right at times, forgotten twice, wrong after the last."),
        ([7, 1, 1, 1], "Read right at times, forgotten once, wrong after the last."),
        ([1, 1, 1, 1], "Never read right after any epoch."),
    ],
)
def test_the_story_of_an_image_is_told(digits, story):
    column = np.array(digits, np.uint8)[:, None]
    timeline = Timeline(np.array([7]), np.arange(1, 5), column, np.full_like(column, 9))

    assert timeline.story(0, is_right=digits[-1] == 7) == story


@pytest.mark.parametrize(
    ("digits", "story"),
    [
        (
            [7, 1],
            "Read right at times, forgotten once, wrong after the last. "
            "The model is that of an earlier epoch and reads it right.",
        ),
        (
            [1, 7],
            "Learned at epoch 2, never forgotten. "
            "The model is that of an earlier epoch and reads it wrong.",
        ),
        ([1, 2], "Never read right after any epoch."),
        ([7, 7], "Read right from epoch 1 on."),
    ],
)
def test_a_story_says_what_the_model_reads_if_its_epoch_is_not_the_last(digits, story):
    column = np.array(digits, np.uint8)[:, None]
    timeline = Timeline(np.array([7]), np.arange(1, 3), column, np.full_like(column, 9))

    assert timeline.story(0, is_right=digits[0] == 7) == story


def test_what_was_said_of_an_image_is_said_epoch_by_epoch():
    said = TIMELINE.said(1)

    assert [(epoch, digit) for epoch, digit, _ in said] == [
        (1, 4), (2, 4), (3, 4), (5, 9), (6, 9),
    ]  # fmt: skip
    assert isinstance(said[0], Said)
    assert said[0].confidence == pytest.approx(0.9, abs=1 / 255)


def test_an_epoch_takes_its_place_and_a_second_reading_replaces_the_first():
    late = TIMELINE.including(4, probabilities([0, 0, 0, 0]))
    again = late.including(4, probabilities([1, 1, 1, 1]))

    assert late.epochs.tolist() == again.epochs.tolist() == [1, 2, 3, 4, 5, 6]
    assert late.digits[3].tolist() == [0, 0, 0, 0]
    assert again.digits[3].tolist() == [1, 1, 1, 1]
    assert again.until(3).epochs.tolist() == [1, 2, 3]
    assert np.array_equal(again.until(3).digits, DIGITS[:3])


def test_nothing_is_said_before_the_first_epoch():
    empty = Timeline.empty(LABELS)

    assert empty.learned_at.tolist() == empty.num_forgotten.tolist() == [0] * 4
    assert empty.mistakes_by_digit.shape == (0, 10)
    assert len(empty.learned_late) == len(empty.forgotten_often) == 0


def test_an_epoch_that_nobody_looked_at_is_refused():
    with pytest.raises(ValueError, match=r"one of \[1, 2, 3, 5, 6\]. Received: 4."):
        TIMELINE.confusion_matrix(4)


def test_it_survives_the_disk(tmp_path):
    CHANCE.save(tmp_path / "epochs.npz")

    loaded = Timeline.load(tmp_path / "epochs.npz", CHANCE.labels)

    for name in ("epochs", "digits", "levels"):
        assert np.array_equal(getattr(loaded, name), getattr(CHANCE, name))
    assert [path.name for path in tmp_path.iterdir()] == ["epochs.npz"]


def test_a_file_of_other_images_is_refused(tmp_path):
    CHANCE.save(tmp_path / "epochs.npz")

    with pytest.raises(RunError, match="missing or damaged"):
        Timeline.load(tmp_path / "epochs.npz", LABELS)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_refused_with_what_to_do(tmp_path, share):
    path = tmp_path / "epochs.npz"
    CHANCE.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(RunError, match="train the run again"):
        Timeline.load(path, CHANCE.labels)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"digits": DIGITS[:3]}, "must be `(E, N)`, here (5, 4). Received: (3, 4)"),
        ({"digits": DIGITS + 8}, "from 0 to 9. Received: values up to 17."),
        ({"digits": DIGITS.astype(int)}, "must be uint8. Received: int64"),
        ({"epochs": EPOCHS[::-1]}, "that rise. Received: [6, 5, 3, 2, 1]."),
        ({"epochs": EPOCHS - 1}, "whole numbers from 1"),
        ({"epochs": EPOCHS / 2}, "whole numbers from 1"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changed, sentence):
    arrays = {
        "labels": LABELS, "epochs": EPOCHS, "digits": DIGITS, "levels": DIGITS,
    }  # fmt: skip

    with pytest.raises(ValueError) as caught:
        Timeline(**{**arrays, **changed})

    assert sentence in str(caught.value)
