import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from mnist_core import matrices
from mnist_core.evaluation import Evaluation
from mnist_core.matrices import VIEWS

MATRIX = np.diag([980, 1135, 1032, 1010, 970, 892, 958, 1028, 974, 1009])
MATRIX[4, 9], MATRIX[9, 4] = 12, 3


@pytest.fixture(scope="module")
def few():
    labels = np.array([4, 4, 4, 9, 9, 0])
    predictions = np.array([4, 4, 9, 9, 4, 0])
    return Evaluation(labels, np.eye(10)[predictions])


def test_counts_are_those_of_scikit_learn(few):
    expected = confusion_matrix(few.labels, few.predictions, labels=range(10))

    shown = [
        [int(cell.text or 0) for cell in row]
        for row in matrices.cells(few.confusion_matrix, "counts")
    ]

    assert np.array_equal(shown, expected)


def test_a_cell_says_what_it_counts():
    for view in ("counts", "row percent", "mistakes only"):
        sentence = matrices.cells(MATRIX, view)[4][9].sentence
        assert sentence == "12 fours were read as nines, 1.2 % of all fours."
    by_column = matrices.cells(MATRIX, "column percent")[4][9].sentence
    assert by_column == "12 of 1,021 digits read as nines are fours, 1.2 %."


@pytest.mark.parametrize("view, axis", [("row percent", 1), ("column percent", 0)])
def test_percents_are_of_the_row_or_of_the_column(few, view, axis):
    shown = np.array(
        [
            [float(cell.text or 0) for cell in row]
            for row in matrices.cells(few.confusion_matrix, view)
        ]
    )
    sums = shown.sum(axis=axis)

    assert set(np.round(sums)) == {0, 100}
    assert np.round(sums[4]) == 100


def test_mistakes_only_leaves_the_diagonal_out():
    cells = matrices.cells(MATRIX, "mistakes only")

    assert all(cells[digit][digit].text == "" for digit in range(10))
    assert cells[4][9].shade == 1
    assert cells[9][4].shade == 0.25


def test_the_diagonal_does_not_drown_the_mistakes():
    cells = matrices.cells(MATRIX, "counts")

    assert cells[1][1].shade == 1
    assert cells[4][9].shade > 0.3


def test_an_empty_cell_has_no_number_and_no_shade():
    for view in VIEWS:
        cell = matrices.cells(MATRIX, view)[0][1]
        assert (cell.text, cell.shade) == ("", 0)


@pytest.mark.parametrize("view", VIEWS)
def test_shades_are_between_white_and_full_also_of_no_images(view):
    for matrix in (np.zeros((10, 10), int), np.diag(np.full(10, 5)), MATRIX):
        shades = [cell.shade for row in matrices.cells(matrix, view) for cell in row]
        assert 0 <= min(shades) <= max(shades) <= 1


def test_heads_say_what_their_row_or_column_counts(few):
    four = few.digits[4]

    assert (
        matrices.row_sentence(four) == "3 fours: 2 read right, 1 read as another digit."
    )
    assert matrices.column_sentence(four) == "3 digits read as fours: 2 are, 1 is not."
