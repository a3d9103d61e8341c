"""A confusion matrix for the screen: what each cell and each head says."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import (
    Confusion,
    DigitScores,
    confusions,
    count_of,
    kind_of,
    percent,
)

View = Literal["counts", "row percent", "column percent", "mistakes only"]
VIEWS: tuple[View, ...] = get_args(View)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: In it; "" if there is nothing to say.
        sentence: What it means, in words.
        shade: How dark it is, from 0 to 1.
    """

    text: str
    sentence: str
    shade: float = 0.0


def cells(matrix: np.ndarray, view: View) -> list[list[Cell]]:
    """Ten rows of ten cells: row = true digit, column = predicted digit.

    Where the diagonal is shown, shades are logarithmic, or its thousands would drown
    the few mistakes.

    Args:
        matrix: `(10, 10)` int counts.
        view: Counts; percent of the row, all images of the true digit, or of the
            column, all that are read as the predicted one; or counts without the
            diagonal.
    """
    values = _values(matrix, view)
    shades = _shades(values, view)
    return [
        [
            Cell(
                _text(float(values[cell.true, cell.predicted]), view),
                _sentence(cell, matrix, view),
                float(shades[cell.true, cell.predicted]),
            )
            for cell in row
        ]
        for row in _rows(confusions(matrix))
    ]


def row_sentence(digit: DigitScores) -> str:
    """What a row's head counts: "982 fours: 978 read right, 4 read as others."."""
    right = round(digit.recall * digit.support)
    others = digit.support - right
    return (
        f"{count_of(digit.support, digit.digit)}: {right:,} read right, {others:,} "
        f"read as {'another digit' if others == 1 else 'other digits'}."
    )


def column_sentence(digit: DigitScores) -> str:
    """What a column's head counts: "985 digits read as fours: 978 are, 7 are not."."""
    right = round(digit.precision * digit.num_predicted)
    others = digit.num_predicted - right
    count = digit.num_predicted
    return (
        f"{count:,} {'digit' if count == 1 else 'digits'} read as "
        f"{kind_of(count, digit.digit)}: {right:,} {'is' if right == 1 else 'are'}, "
        f"{others:,} {'is' if others == 1 else 'are'} not."
    )


def _rows(row_by_row: list[Confusion]) -> list[list[Confusion]]:
    return [
        row_by_row[start : start + NUM_CLASSES]
        for start in range(0, len(row_by_row), NUM_CLASSES)
    ]


def _values(matrix: np.ndarray, view: View) -> np.ndarray:
    """`(10, 10)` float, what the cells show."""
    counts = matrix.astype(float)
    match view:
        case "row percent":
            return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        case "column percent":
            return 100 * counts / np.maximum(counts.sum(axis=0, keepdims=True), 1)
        case "mistakes only":
            return counts * (1 - np.eye(len(counts)))
        case "counts":
            return counts


def _shades(values: np.ndarray, view: View) -> np.ndarray:
    """`(10, 10)` in [0, 1]."""
    if view == "mistakes only":
        return values / max(values.max(), 1)
    smallest = 1 if view == "counts" else 0.1  # where the logarithm sets in
    shades: np.ndarray = np.log1p(values / smallest)
    return shades / np.log1p(max(values.max(), 1) / smallest)


def _text(value: float, view: View) -> str:
    if value == 0:
        return ""
    return f"{value:.0f}" if view in ("counts", "mistakes only") else f"{value:.1f}"


def _sentence(cell: Confusion, matrix: np.ndarray, view: View) -> str:
    """What the cell counts; of a column, the share that it is of."""
    if view != "column percent" or not cell.count:
        return cell.sentence()
    read = matrix[:, cell.predicted].sum()
    return (
        f"{cell.count:,} of {read:,} digits read as {kind_of(2, cell.predicted)} "
        f"{'is' if cell.count == 1 else 'are'} {kind_of(cell.count, cell.true)}, "
        f"{percent(cell.count / read)}."
    )
