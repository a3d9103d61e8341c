"""Connected components, against a flood fill."""

import numpy as np
import pytest

from mnist_core import components


def flooded(mask):
    """Labels by filling each part from its first pixel, the slow and plain way."""
    labels = np.zeros(mask.shape, int)
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        number, waiting = labels.max() + 1, [start]
        while waiting:
            row, column = waiting.pop()
            if labels[row, column] or not mask[row, column]:
                continue
            labels[row, column] = number
            rows = range(max(row - 1, 0), min(row + 2, mask.shape[0]))
            columns = range(max(column - 1, 0), min(column + 2, mask.shape[1]))
            waiting += [(y, x) for y in rows for x in columns]
    return labels


@pytest.mark.parametrize("seed", range(30))
def test_parts_are_those_of_a_flood_fill(seed):
    generator = np.random.default_rng(seed)
    mask = generator.random(generator.integers(1, 30, 2)) < generator.random()
    weight = generator.integers(0, 256, mask.shape)

    found = components.find(mask, weight)

    expected = flooded(mask)
    assert np.array_equal(found.labels, expected)
    assert len(found.boxes) == len(found.weights) == expected.max()
    for number, (top, left, bottom, right) in enumerate(found.boxes, start=1):
        rows, columns = np.nonzero(expected == number)
        assert (top, bottom) == (rows.min(), rows.max() + 1)
        assert (left, right) == (columns.min(), columns.max() + 1)
        assert found.weights[number - 1] == weight[expected == number].sum()


@pytest.mark.parametrize(
    "mask, count",
    [
        (np.zeros((5, 7), bool), 0),
        (np.ones((5, 7), bool), 1),
        (np.indices((400, 400)).sum(axis=0) % 2 == 0, 1),
        (np.arange(400)[:, None] % 2 == np.zeros(400), 200),
        (np.zeros((0, 0), bool), 0),
    ],
    ids=["empty", "full", "checkered", "striped", "no pixels"],
)
def test_any_pattern_is_counted(mask, count):
    found = components.find(mask)

    assert len(found.boxes) == count
    assert found.weights.sum() == mask.sum()


def test_chosen_parts_are_a_mask():
    mask = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0]], bool)

    chosen = components.find(mask).mask(np.array([True, False, True]))

    assert np.array_equal(chosen, [[1, 0, 0], [0, 0, 0], [1, 0, 0]])
