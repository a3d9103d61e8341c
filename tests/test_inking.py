"""The ink of canvases and pictures, in any colours."""

import time
import tracemalloc
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from mnist_core import drawing, inking
from tests.test_drawing import block, difference, sides, stroke_ink

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def picture_of(ink, paper, pen):
    """The drawing as an opaque RGBA picture of pen on paper."""
    share = ink[..., np.newaxis] / 255
    colours = np.rint(share * pen + (1 - share) * np.array(paper))
    return with_alpha(colours, np.full(ink.shape, 255))


def transparent(ink, pen):
    """The drawing as strokes on transparency, colour and coverage apart."""
    return with_alpha(np.broadcast_to(pen, (*ink.shape, 3)), ink)


def with_alpha(colours, alpha):
    return np.dstack([colours, alpha]).astype(np.uint8)


def through_jpeg(rgba, quality=75):
    file = BytesIO()
    Image.fromarray(rgba).convert("RGB").save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGBA"))


def test_the_picture_is_not_changed():
    rgba = transparent(stroke_ink(), BLACK)
    rgba.flags.writeable = False
    before = rgba.copy()

    inking.ink_from_rgba(rgba)

    assert np.array_equal(rgba, before)


@pytest.mark.parametrize(
    "paper, pen",
    [
        (WHITE, BLACK),
        (BLACK, WHITE),
        (WHITE, (220, 30, 30)),
        (WHITE, (255, 255, 0)),
        ((250, 240, 120), (20, 40, 160)),
        ((20, 60, 30), (230, 240, 230)),
        ((120, 120, 120), BLACK),
        ((120, 120, 120), WHITE),
        (WHITE, (190, 190, 190)),
    ],
)
def test_any_pen_on_any_paper_gives_the_same_ink(paper, pen):
    expected = stroke_ink()

    ink = inking.ink_from_rgba(picture_of(expected, paper, pen))

    assert ink.max() == 255
    assert difference(ink, expected) < 1
    assert difference(drawing.to_mnist(ink), drawing.to_mnist(expected)) < 1


@pytest.mark.parametrize("paper, pen", [(WHITE, BLACK), (BLACK, WHITE)])
def test_a_picture_cut_close_around_a_thick_digit_is_mostly_ink(paper, pen):
    y, x = np.mgrid[-50:50, -50:50] + 0.5
    radius = np.hypot(y, x)
    ink = np.where((radius < 50) & (radius > 12), 255, 0).astype(np.uint8)  # a fat 0

    read = inking.ink_from_rgba(picture_of(ink, paper, pen))

    assert (ink > 127).mean() > 0.5
    assert np.array_equal(read, ink)


@pytest.mark.parametrize("pen", [BLACK, WHITE, (255, 255, 0), (10, 90, 200)])
def test_strokes_on_transparency_are_ink_in_every_colour(pen):
    opaque = inking.ink_from_rgba(picture_of(stroke_ink(), WHITE, BLACK))

    ink = inking.ink_from_rgba(transparent(stroke_ink(), pen))

    assert np.array_equal(ink, opaque)


def test_thick_strokes_of_one_colour_are_no_sheet_of_paper():
    solid = block(120, 100)

    ink = inking.ink_from_rgba(transparent(solid, (200, 30, 30)))

    assert np.array_equal(ink, solid)


def test_strokes_of_two_colours_are_both_ink():
    rgba = transparent(stroke_ink(), BLACK)
    rgba[:100, :, :3] = (255, 220, 0)

    assert np.array_equal(
        inking.ink_from_rgba(rgba),
        inking.ink_from_rgba(transparent(stroke_ink(), BLACK)),
    )


@pytest.mark.parametrize("pen, paper", [(BLACK, WHITE), (WHITE, (30, 30, 30))])
def test_a_sheet_with_transparent_margins_is_a_picture(pen, paper):
    sheet = picture_of(stroke_ink(), paper, pen)
    with_margins = np.pad(sheet, ((60, 30), (10, 90), (0, 0)))

    ink = inking.ink_from_rgba(with_margins)

    assert not ink[:60].any() and not ink[:, 290:].any()
    assert np.array_equal(ink[60:340, 10:290], inking.ink_from_rgba(sheet))


def test_a_picture_that_is_half_transparent_all_over_is_a_picture():
    rgba = picture_of(stroke_ink(), WHITE, BLACK)
    rgba[..., 3] = 140

    ink = inking.ink_from_rgba(rgba)

    assert difference(ink, stroke_ink()) < 1


def test_a_translucent_pen_is_ink():
    ink = inking.ink_from_rgba(transparent(stroke_ink() // 3, (0, 0, 200)))

    assert ink.max() == 255
    assert difference(ink, stroke_ink()) < 2


@pytest.mark.parametrize("seed", range(3))
def test_noise_around_the_paper_is_no_ink(seed):
    clean = picture_of(stroke_ink(), (235, 230, 220), (60, 60, 70))
    noise = np.random.default_rng(seed).normal(0, 4, clean.shape)
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    noisy[..., 3] = 255

    ink = inking.ink_from_rgba(noisy)

    assert np.count_nonzero(ink[:40]) < 0.001 * ink[:40].size
    expected = drawing.to_mnist(stroke_ink())
    assert difference(drawing.to_mnist(ink), expected) < 3


def test_a_jpeg_gives_the_same_digit():
    ink = inking.ink_from_rgba(through_jpeg(picture_of(stroke_ink(), WHITE, BLACK)))

    expected = drawing.to_mnist(stroke_ink())
    assert difference(drawing.to_mnist(ink), expected) < 1


def test_soft_edges_are_kept():
    ink = inking.ink_from_rgba(picture_of(stroke_ink(), WHITE, BLACK))

    soft = (stroke_ink() > 40) & (stroke_ink() < 215)
    assert soft.sum() > 200
    assert np.array_equal(ink[soft], stroke_ink()[soft])


def blank_with_noise():
    noise = np.random.default_rng(0).normal(200, 6, (600, 800, 3))
    return with_alpha(np.clip(noise, 0, 255), np.full((600, 800), 255))


def one_hot_pixel():
    rgba = np.full((280, 280, 4), 255, np.uint8)
    rgba[100, 100, :3] = 0
    return rgba


@pytest.mark.parametrize(
    "rgba",
    [
        np.zeros((280, 280, 4), np.uint8),
        np.full((280, 280, 4), 255, np.uint8),
        picture_of(np.zeros((280, 280), np.uint8), BLACK, WHITE),
        np.full((280, 280, 4), 128, np.uint8),
        with_alpha(
            picture_of(stroke_ink(), WHITE, BLACK)[..., :3], np.zeros((280,) * 2)
        ),
        with_alpha(np.zeros((280, 280, 3)), stroke_ink() // 16),
        blank_with_noise(),
        through_jpeg(blank_with_noise(), quality=20),
        one_hot_pixel(),
    ],
    ids=[
        "transparent",
        "white",
        "black",
        "translucent",
        "digit that is fully transparent",
        "strokes that nobody sees",
        "noise",
        "jpeg of noise",
        "one hot pixel",
    ],
)
def test_an_empty_picture_has_no_ink(rgba):
    ink = inking.ink_from_rgba(rgba)

    assert ink.shape == rgba.shape[:2]
    assert not ink.any()


@pytest.mark.parametrize("width", [20, 40])
def test_a_pen_leaves_no_cracks_where_its_stroke_bends(width):
    angle = np.arange(0, 8 * np.pi, 0.13)  # a spiral of a hand that trembles
    spiral = (20 + 1.5 * angle) * np.array([np.cos(angle), np.sin(angle)])
    points = 100 + spiral.T + np.random.default_rng(0).normal(0, 1, (len(angle), 2))
    y, x = np.mgrid[:200, :200]
    nearest = np.full((200, 200), np.inf)
    for start, end in pairwise(points):
        for share in np.linspace(0, 1, 50):
            at = start + share * (end - start)
            nearest = np.minimum(nearest, np.hypot(x - at[0], y - at[1]))

    ink = inking.ink_from_strokes([points], 200, width)

    assert ink[nearest < width / 2 - 1.5].all()
    assert not ink[nearest > width / 2 + 2].any()


def test_rows_and_columns_are_not_mixed_up():
    wide = np.pad(stroke_ink(), ((0, 0), (0, 120)))

    ink = inking.ink_from_rgba(picture_of(wide, WHITE, BLACK))

    assert ink.shape == (280, 400)
    assert difference(ink, wide) < 1


def test_the_largest_picture_is_prepared_in_bounded_time_and_memory():
    rgba = np.full((3_000, 4_000, 4), 255, np.uint8)
    rgba[300:2_700, 1_900:2_000, :3] = 0
    tracemalloc.start()
    start = time.monotonic()

    image = drawing.to_mnist(inking.ink_from_rgba(rgba))

    seconds = time.monotonic() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sides(image) == (20, 1)
    assert seconds < 5
    assert peak < 100e6
