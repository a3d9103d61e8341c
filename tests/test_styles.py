import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core import drawing, styles
from mnist_core.styles import RULES, written

MANY = 400
RULE = {rule.draw.__name__.strip("_"): rule.draw for rule in RULES}


def drawn(name, number=100):
    """`(number, 28, 28)` uint8, what one rule draws."""
    generator = np.random.default_rng(0)
    inks = (styles._inked(RULE[name](generator), generator) for _ in range(number))
    return np.array([drawing.to_mnist(ink) for ink in inks])


def num_holes(image):
    """Pieces of paper that ink surrounds."""
    left = Image.new("L", (30, 30), 1)  # with a border of paper around it
    left.paste(Image.fromarray(np.uint8(image < 64)), (1, 1))
    num_pieces = 0
    while found := np.argwhere(np.asarray(left)).tolist():
        row, column = found[0]
        ImageDraw.floodfill(left, (column, row), 0)
        num_pieces += 1
    return num_pieces - 1


@pytest.fixture(scope="module")
def many():
    return written(MANY, seed=3)


def test_the_same_seed_draws_the_same_digits(many):
    other = written(MANY, seed=4)  # first: of what was drawn, the last is remembered
    again = written(MANY, seed=3)

    assert again is not many
    assert np.array_equal(many.images, again.images)
    assert np.array_equal(many.labels, again.labels)
    assert not np.array_equal(many.images, other.images)


def test_no_two_digits_are_alike(many):
    assert len(np.unique(many.images, axis=0)) == MANY


def test_none_are_drawn_if_none_are_asked_for():
    nothing = written(0, seed=0)

    assert nothing.images.shape == (0, 28, 28)
    assert nothing.labels.shape == (0,)


def test_they_look_like_digits_of_mnist(many):
    """Of full ink, 20 pixels long, their centre of mass in the middle."""
    assert many.images.dtype == np.uint8
    assert (many.images.max(axis=(1, 2)) >= drawing.FULL_INK).all()
    for image in many.images:
        rows, columns = (np.flatnonzero(image.max(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        centre = np.average(np.indices(image.shape), axis=(1, 2), weights=image)
        assert np.abs(centre - 14).max() < 1.01


def test_each_digit_is_drawn_as_often_as_the_rules_say(many):
    expected = {}
    for rule in RULES:
        expected[rule.digit] = expected.get(rule.digit, 0) + rule.share

    for digit, share in expected.items():
        spread = 4 * np.sqrt(share * (1 - share) / MANY)
        assert (many.labels == digit).mean() == pytest.approx(share, abs=spread)
    assert set(many.labels.tolist()) == set(expected)


def test_an_image_has_the_label_of_what_is_drawn_on_it(many):
    """Of these, a zero surrounds paper and a one does not."""
    holes = np.array([num_holes(image) for image in many.images])

    assert (holes[many.labels == 0] > 0).mean() > 0.9
    assert (holes[many.labels == 1] == 0).mean() > 0.9


def test_a_slash_cuts_most_zeros_in_two():
    holes = [num_holes(image) for image in drawn("slashed_zero")]

    assert np.mean(np.array(holes) >= 2) > 0.6


def test_a_one_with_an_upstroke_surrounds_no_paper():
    assert np.mean([num_holes(image) == 0 for image in drawn("flagged_one")]) > 0.9


def test_the_flag_of_a_one_is_short_where_it_hardly_rises():
    """A long one would be the bar of a seven."""
    generator = np.random.default_rng(0)
    ones = [RULE["flagged_one"](generator) for _ in range(300)]

    flags = np.array([strokes[0][0] - (0, -0.5) for strokes in ones])  # from the top
    rises = np.degrees(np.arctan2(flags[:, 1], -flags[:, 0]))
    lengths = np.hypot(*flags.T)
    assert lengths[rises < 25].max() < 0.35 < lengths[rises > 50].max()


def test_the_upstroke_of_a_one_that_stands_upright_is_on_its_left(monkeypatch):
    for name in ("TURN", "WIDENING", "TREMOR"):
        monkeypatch.setattr(styles, name, 0.0)
    monkeypatch.setattr(styles, "SLANT", (0.0, 0.0))

    images = drawn("flagged_one").astype(int)

    feet = [round(np.average(range(28), weights=image[20])) for image in images]
    is_left = [
        image[:15, : foot - 1].sum() > image[:15, foot + 2 :].sum()
        for image, foot in zip(images, feet, strict=True)
    ]
    assert np.mean(is_left) > 0.9


@pytest.mark.parametrize("name", RULE)
def test_no_stroke_leaves_the_paper(name):
    generator = np.random.default_rng(1)

    for _ in range(100):
        ink = styles._inked(RULE[name](generator), generator)
        edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert not edge.any()
