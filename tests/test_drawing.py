"""The one preparation of canvas drawings, uploads, files and stacks."""

import time
import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core import drawing
from mnist_core.drawing import Preparation
from mnist_core.errors import EmptyDrawingError

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def stroke_ink(size=280, *, width=20, top=50, left=90, scale=1.0):
    """A lopsided 7, (size, size) uint8, drawn large and shrunk to soft edges."""
    fine = Image.new("L", (size * 4, size * 4))
    corners = [(0, 0), (90, 5), (40, 150), (55, 150)]
    path = [(4 * (left + scale * x), 4 * (top + scale * y)) for x, y in corners]
    ImageDraw.Draw(fine).line(path, 255, round(4 * width * scale), "curve")
    return np.asarray(fine.resize((size, size), Image.Resampling.BOX))


def block(height, width, size=300, top=60, left=70):
    """A filled rectangle of ink."""
    ink = np.zeros((size, size), np.uint8)
    ink[top : top + height, left : left + width] = 255
    return ink


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


def sides(image):
    """Height and width of what is drawn."""
    rows, columns = np.nonzero(image)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def centre_of_mass(image):
    return np.average(np.indices(image.shape), axis=(1, 2), weights=image)


def difference(one, other):
    """Mean difference of two images, in levels of 255."""
    return np.abs(one.astype(int) - other.astype(int)).mean()


@pytest.mark.parametrize("top, left", [(12, 12), (15, 170), (110, 60), (118, 175)])
def test_where_it_was_drawn_does_not_matter(top, left):
    here = drawing.to_mnist(stroke_ink(top=top, left=left))
    there = drawing.to_mnist(stroke_ink())

    assert np.array_equal(here, there)


def test_a_drawing_at_the_edge_of_the_canvas_is_the_same():
    inside = np.pad(np.flipud(np.eye(40, dtype=np.uint8)) * 255, 30)

    at_edge = inside[30:70, 30:70]

    assert np.array_equal(drawing.to_mnist(at_edge), drawing.to_mnist(inside))


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.3])
def test_how_large_it_was_drawn_hardly_matters(scale):
    same = drawing.to_mnist(stroke_ink(top=30, left=60))
    scaled = drawing.to_mnist(stroke_ink(top=30, left=60, scale=scale))

    assert difference(same, scaled) < 2
    assert difference(same, np.fliplr(scaled)) > 20


@pytest.mark.parametrize("factor", [2, 5, 14])
def test_a_finer_canvas_hardly_matters(factor):
    ink = stroke_ink()
    finer = np.kron(ink, np.ones((factor, factor), np.uint8))

    assert difference(drawing.to_mnist(finer), drawing.to_mnist(ink)) < 1


@pytest.mark.parametrize(
    "height, width, expected",
    [
        (200, 200, (20, 20)),
        (200, 100, (20, 10)),
        (60, 240, (5, 20)),
        (10, 4, (20, 8)),
        (280, 2, (20, 1)),
        (1, 1, (20, 20)),
    ],
)
def test_the_longer_side_becomes_20_and_the_aspect_stays(height, width, expected):
    image = drawing.to_mnist(block(height, width))

    assert sides(image) == expected
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("flip", [np.asarray, np.flipud, np.fliplr, np.transpose])
@pytest.mark.parametrize("width", [6, 20, 40])
def test_the_centre_of_mass_is_where_mnist_has_it(width, flip):
    image = drawing.to_mnist(flip(stroke_ink(width=width)))

    assert np.abs(centre_of_mass(image) - 14).max() <= 0.51


def test_a_heavy_end_is_not_pushed_over_the_border():
    ink = block(200, 4)
    ink[60:75, 70:170] = 255
    ink[60:63, 70:270] = 255

    image = drawing.to_mnist(np.rot90(ink))

    assert sides(image) == (20, 20)


@pytest.mark.parametrize("corner", [(0, 0), (0, 299), (299, 0), (299, 299)])
def test_no_stroke_is_lost(corner):
    ink = block(100, 100, top=100, left=100)
    ink[
        max(corner[0] - 9, 0) : corner[0] + 9, max(corner[1] - 9, 0) : corner[1] + 9
    ] = 255

    image = drawing.to_mnist(ink)

    assert sides(image)[0] == 20
    with_dot, without = image.sum(), drawing.to_mnist(block(100, 100)).sum()
    assert with_dot < without  # the dot counts, so the block is small


@pytest.mark.parametrize("size, width", [(280, 6), (1400, 10), (4000, 3)])
def test_thin_strokes_reach_full_ink_and_stay_whole(size, width):
    ink = np.zeros((size, size), np.uint8)
    ink[size // 10 : -size // 10, size // 2 : size // 2 + width] = 255
    ink[size // 2 : size // 2 + width, size // 10 : -size // 10] = 255

    image = drawing.to_mnist(ink)

    assert image.max() == 255
    assert sides(image) == (20, 20)
    assert np.count_nonzero(image.max(axis=0)) == 20


def test_a_hairline_keeps_its_shades():
    hairline = Image.new("L", (4_000, 4_000))
    ImageDraw.Draw(hairline).line([(200, 200), (1_200, 3_800)], 255, 1)

    image = drawing.to_mnist(np.asarray(hairline))

    assert len(np.unique(image)) > 20


def test_fine_texture_is_averaged_and_not_sampled():
    ink = np.zeros((300, 300), np.uint8)
    ink[:, ::2] = 255
    ink[100:150, 100:150] = 255

    image = drawing.to_mnist(ink)[5:23, 5:23]

    assert image.max() == 255
    assert np.ptp(image[12:]) < 16


def test_an_image_of_mnist_comes_back_unchanged():
    image = drawing.to_mnist(stroke_ink())

    assert np.array_equal(drawing.to_mnist(image), image)


def test_a_soft_edge_belongs_to_the_digit():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 6:23] = 30
    image[5:23, 7:22] = 254

    assert np.array_equal(drawing.to_mnist(image), image)


def test_faint_pixels_do_not_widen_the_box():
    ink = stroke_ink()
    noisy = ink.copy()
    rows, columns = np.nonzero(ink)
    noisy[rows.min() - 4, columns.min() + 9] = 45
    noisy[rows.min() + 30, columns.min() - 4] = 45
    noisy[270:, 265:] = 45

    assert np.array_equal(drawing.to_mnist(noisy), drawing.to_mnist(ink))


def test_faint_ink_alone_is_a_drawing():
    faint = (stroke_ink() // 8).astype(np.uint8)

    assert difference(drawing.to_mnist(faint), drawing.to_mnist(stroke_ink())) < 2


@pytest.mark.parametrize(
    "ink",
    [
        np.zeros((280, 280), np.uint8),
        np.full((280, 280), 15, np.uint8),
        np.zeros((0, 0), np.uint8),
    ],
    ids=["blank", "faint", "no pixels"],
)
def test_without_ink_there_is_no_guess(ink):
    with pytest.raises(EmptyDrawingError, match=r"empty\. Draw a digit first\.$"):
        drawing.to_mnist(ink)


def test_with_every_step_it_is_prepared_as_mnist_was():
    ink = stroke_ink(top=110, left=20, scale=0.5)

    steps = drawing.prepare(ink, Preparation())

    assert np.array_equal(steps.image, drawing.to_mnist(ink))
    assert max(steps.scaled.shape) == 20
    assert steps.cropped.size < ink.size


def test_a_drawing_that_is_not_cropped_stays_small_and_where_it_was():
    ink = stroke_ink(top=190, left=20, scale=0.4)
    plain = Preparation(is_cropped=False, is_scaled=False, is_centred=False)

    steps = drawing.prepare(ink, plain)

    assert np.array_equal(steps.cropped, ink)
    assert max(sides(steps.image)) <= 10
    assert np.allclose(centre_of_mass(steps.image) * 10, centre_of_mass(ink), atol=10)


def test_a_drawing_that_is_not_scaled_fills_the_image():
    steps = drawing.prepare(stroke_ink(), Preparation(is_scaled=False))

    assert max(sides(steps.image)) == 28


def test_a_drawing_that_is_not_centred_has_its_box_in_the_middle():
    steps = drawing.prepare(stroke_ink(), Preparation(is_centred=False))

    rows, columns = np.nonzero(steps.image)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(13.5, abs=1)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(13.5, abs=1)


def test_the_drawing_is_not_changed():
    ink, rgba = stroke_ink(), transparent(stroke_ink(), BLACK)
    ink.flags.writeable = rgba.flags.writeable = False
    before = ink.copy()

    drawing.to_mnist(ink)
    drawing.ink_from_rgba(rgba)

    assert np.array_equal(ink, before)


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

    ink = drawing.ink_from_rgba(picture_of(expected, paper, pen))

    assert ink.max() == 255
    assert difference(ink, expected) < 1
    assert difference(drawing.to_mnist(ink), drawing.to_mnist(expected)) < 1


@pytest.mark.parametrize("paper, pen", [(WHITE, BLACK), (BLACK, WHITE)])
def test_a_picture_cut_close_around_a_thick_digit_is_mostly_ink(paper, pen):
    y, x = np.mgrid[-50:50, -50:50] + 0.5
    radius = np.hypot(y, x)
    ink = np.where((radius < 50) & (radius > 12), 255, 0).astype(np.uint8)  # a fat 0

    read = drawing.ink_from_rgba(picture_of(ink, paper, pen))

    assert (ink > 127).mean() > 0.5
    assert np.array_equal(read, ink)


@pytest.mark.parametrize("pen", [BLACK, WHITE, (255, 255, 0), (10, 90, 200)])
def test_strokes_on_transparency_are_ink_in_every_colour(pen):
    opaque = drawing.ink_from_rgba(picture_of(stroke_ink(), WHITE, BLACK))

    ink = drawing.ink_from_rgba(transparent(stroke_ink(), pen))

    assert np.array_equal(ink, opaque)


def test_thick_strokes_of_one_colour_are_no_sheet_of_paper():
    solid = block(120, 100)

    ink = drawing.ink_from_rgba(transparent(solid, (200, 30, 30)))

    assert np.array_equal(ink, solid)


def test_strokes_of_two_colours_are_both_ink():
    rgba = transparent(stroke_ink(), BLACK)
    rgba[:100, :, :3] = (255, 220, 0)

    assert np.array_equal(
        drawing.ink_from_rgba(rgba),
        drawing.ink_from_rgba(transparent(stroke_ink(), BLACK)),
    )


@pytest.mark.parametrize("pen, paper", [(BLACK, WHITE), (WHITE, (30, 30, 30))])
def test_a_sheet_with_transparent_margins_is_a_picture(pen, paper):
    sheet = picture_of(stroke_ink(), paper, pen)
    with_margins = np.pad(sheet, ((60, 30), (10, 90), (0, 0)))

    ink = drawing.ink_from_rgba(with_margins)

    assert not ink[:60].any() and not ink[:, 290:].any()
    assert np.array_equal(ink[60:340, 10:290], drawing.ink_from_rgba(sheet))


def test_a_picture_that_is_half_transparent_all_over_is_a_picture():
    rgba = picture_of(stroke_ink(), WHITE, BLACK)
    rgba[..., 3] = 140

    ink = drawing.ink_from_rgba(rgba)

    assert difference(ink, stroke_ink()) < 1


def test_a_translucent_pen_is_ink():
    ink = drawing.ink_from_rgba(transparent(stroke_ink() // 3, (0, 0, 200)))

    assert ink.max() == 255
    assert difference(ink, stroke_ink()) < 2


@pytest.mark.parametrize("seed", range(3))
def test_noise_around_the_paper_is_no_ink(seed):
    clean = picture_of(stroke_ink(), (235, 230, 220), (60, 60, 70))
    noise = np.random.default_rng(seed).normal(0, 4, clean.shape)
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    noisy[..., 3] = 255

    ink = drawing.ink_from_rgba(noisy)

    assert np.count_nonzero(ink[:40]) < 0.001 * ink[:40].size
    expected = drawing.to_mnist(stroke_ink())
    assert difference(drawing.to_mnist(ink), expected) < 3


def test_a_jpeg_gives_the_same_digit():
    ink = drawing.ink_from_rgba(through_jpeg(picture_of(stroke_ink(), WHITE, BLACK)))

    expected = drawing.to_mnist(stroke_ink())
    assert difference(drawing.to_mnist(ink), expected) < 1


def test_soft_edges_are_kept():
    ink = drawing.ink_from_rgba(picture_of(stroke_ink(), WHITE, BLACK))

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
    ink = drawing.ink_from_rgba(rgba)

    assert ink.shape == rgba.shape[:2]
    assert not ink.any()


def test_rows_and_columns_are_not_mixed_up():
    wide = np.pad(stroke_ink(), ((0, 0), (0, 120)))

    ink = drawing.ink_from_rgba(picture_of(wide, WHITE, BLACK))

    assert ink.shape == (280, 400)
    assert difference(ink, wide) < 1


def test_the_largest_picture_is_prepared_in_bounded_time_and_memory():
    rgba = np.full((3_000, 4_000, 4), 255, np.uint8)
    rgba[300:2_700, 1_900:2_000, :3] = 0
    tracemalloc.start()
    start = time.monotonic()

    image = drawing.to_mnist(drawing.ink_from_rgba(rgba))

    seconds = time.monotonic() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sides(image) == (20, 1)
    assert seconds < 5
    assert peak < 100e6
