"""Which ink is whose: digits side by side, and one digit in several strokes."""

import numpy as np
import pytest

from mnist_core import drawing, inking, segmentation, styles

WIDTH = 12  # pixels of the pen
SLASH = [(8, 70), (52, 30)]
ZERO = [(30 + 28 * np.cos(t), 50 + 50 * np.sin(t)) for t in np.linspace(0, 6.3, 40)]
ONE = [(30, 0), (30, 100)]
SEVEN = [(0, 0), (60, 0), (20, 100)]
# Strokes in a box of 60 by 100; none of a digit's strokes touch.
LOOSE = {
    "five": [[(8, 25), (8, 45), (50, 60), (45, 98), (2, 96)], [(18, 0), (62, 0)]],
    "open four": [[(4, 0), (0, 58), (26, 60)], [(45, 2), (45, 100)]],
    "seven with a loose bar": [SEVEN, [(60, 55), (80, 55)]],
    "eight of two circles": [
        [(30 + 24 * np.cos(t), 20 + 20 * np.sin(t)) for t in np.linspace(0, 6.3, 30)],
        [(30 + 28 * np.cos(t), 84 + 26 * np.sin(t)) for t in np.linspace(0, 6.3, 30)],
    ],
    "slashed zero": [ZERO, SLASH],
    "dotted zero": [ZERO, [(30, 50), (31, 50)]],
    "one on a line": [[(30, 0), (30, 80)], [(5, 100), (60, 100)]],
}


def drawn(*placed, side=280, width=WIDTH):
    """The ink of strokes, each digit moved by (x, y) and scaled."""
    strokes = [
        np.array(stroke, float) * scale + (x, y)
        for digit, (x, y), scale in placed
        for stroke in digit
    ]
    return inking.ink_from_strokes(strokes, side, width)


def boxes_of(ink):
    return [digit.box for digit in segmentation.digits(ink)]


@pytest.mark.parametrize("name", LOOSE)
@pytest.mark.parametrize(
    "scale, place", [(1.0, (90, 90)), (0.5, (20, 200)), (2, (60, 30))]
)
def test_one_digit_in_several_strokes_stays_one(name, scale, place):
    ink = drawn((LOOSE[name], place, scale), width=8 * scale)

    [digit] = segmentation.digits(ink)

    assert digit.ink.sum() == ink.sum()


@pytest.mark.parametrize("seed", range(3))
def test_digits_drawn_by_rules_stay_one(seed):
    generator = np.random.default_rng(seed)
    for _ in range(20):
        rule = styles.RULES[generator.integers(len(styles.RULES))]
        ink = styles._inked(rule.draw(generator), generator)
        assert len(segmentation.digits(ink)) == 1


def test_a_single_digit_is_prepared_as_it_was():
    ink = drawn(([SEVEN], (90, 80), 1))

    [digit] = segmentation.digits(ink)

    assert np.array_equal(drawing.to_mnist(digit.ink), drawing.to_mnist(ink))


def test_digits_are_found_from_left_to_right():
    ink = drawn(([ZERO], (110, 95), 1), ([SEVEN], (195, 90), 1), ([ONE], (10, 80), 1))

    found = boxes_of(ink)

    assert [(box.left, box.right) for box in found] == [
        (34, 47),
        (106, 175),
        (189, 262),
    ]
    assert all(isinstance(side, int) for box in found for side in box)


def test_the_top_line_comes_first():
    ink = drawn(
        ([ZERO], (20, 170), 0.8),
        ([SEVEN], (180, 150), 0.8),
        ([SEVEN], (20, 20), 0.8),
        ([ONE], (150, 10), 0.8),
    )

    found = boxes_of(ink)

    assert [box.top < 100 for box in found] == [True, True, False, False]
    assert found[0].left < found[1].left and found[2].left < found[3].left


def test_slanted_neighbours_stay_two():
    slanted = [(40, 0), (0, 100)]
    ink = drawn(([slanted], (60, 90), 1), ([slanted], (95, 90), 1))

    assert len(boxes_of(ink)) == 2


def test_each_digit_has_its_own_ink_alone():
    slanted = [(40, 0), (0, 100)]
    ink = drawn(([slanted], (60, 90), 1), ([slanted], (95, 90), 1))

    first, second = segmentation.digits(ink)

    assert first.ink.sum() + second.ink.sum() == ink.sum()
    assert np.array_equal(drawing.to_mnist(first.ink), drawing.to_mnist(second.ink))


@pytest.mark.parametrize("place", [(25, 30), (250, 250), (250, 140)])
def test_a_stray_dot_is_nobodys(place):
    digit = drawn(([SEVEN], (110, 80), 1))
    dotted = np.maximum(digit, drawn(([[(0, 0), (1, 0)]], place, 1)))

    [found] = segmentation.digits(dotted)

    assert np.array_equal(drawing.to_mnist(found.ink), drawing.to_mnist(digit))


def test_soft_edges_stay_with_their_digit():
    ink = drawn(([SEVEN], (20, 80), 1), ([ZERO], (150, 80), 1)).copy()
    edge = np.flatnonzero(ink.any(axis=1))[0] - 1
    ink[edge, 30:60] = 40

    first, _ = segmentation.digits(ink)

    assert first.ink[0].max() == 40


@pytest.mark.parametrize("level", [0, drawing.MIN_INK - 1])
def test_where_nothing_is_drawn_nothing_is_found(level):
    assert segmentation.digits(np.full((280, 280), level, np.uint8)) == []
    assert segmentation.digits(np.zeros((0, 0), np.uint8)) == []


def test_twenty_digits_are_read_and_no_more():
    ink = np.zeros((400, 400), np.uint8)
    for row in range(5):
        for column in range(7):
            ink[20 + 75 * row : 65 + 75 * row, 20 + 55 * column : 26 + 55 * column] = (
                255
            )

    found = boxes_of(ink)

    assert len(found) == segmentation.MAX_DIGITS == 20
    assert [box.top for box in found[:8]] == [20] * 7 + [95]


@pytest.mark.parametrize(
    "ink",
    [
        np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8),
        (255 * (np.indices((400, 400)) % 2).prod(axis=0)).astype(np.uint8),
        np.full((400, 400), 255, np.uint8),
        np.eye(400, dtype=np.uint8) * 255,
    ],
    ids=["noise", "dots", "full", "diagonal"],
)
def test_any_ink_has_its_digits(ink):
    found = segmentation.digits(ink)

    assert 1 <= len(found) <= segmentation.MAX_DIGITS
    assert all(digit.ink.max() == 255 for digit in found)


def test_the_ink_of_a_digit_is_put_back_where_it_was():
    ink = np.zeros((120, 200), np.uint8)
    ink[0:80, 0:12] = 255  # at the edge, where there is no room for a margin
    ink[30:110, 150:162] = 255

    found = segmentation.digits(ink)

    assert len(found) == 2
    assert np.array_equal(sum(digit.on_paper(120, 200) for digit in found), ink)
