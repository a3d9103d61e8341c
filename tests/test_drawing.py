"""The one preparation of canvas drawings, uploads, files and stacks."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core import drawing
from mnist_core.drawing import Preparation
from mnist_core.errors import EmptyDrawingError


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


def sides(image):
    """Height and width of what is drawn."""
    rows, columns = np.nonzero(image)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def centre_of_mass(image):
    return np.average(np.indices(image.shape), axis=(1, 2), weights=image)


def difference(one, other):
    """Mean difference of two images, in levels of 255."""
    return np.abs(one.astype(int) - other.astype(int)).mean()


@pytest.fixture(params=[drawing.to_image, drawing.to_mnist])
def prepared(request):
    """With the pen of all drawings, and with the one that it has."""
    return request.param


@pytest.mark.parametrize("top, left", [(12, 12), (15, 170), (110, 60), (118, 175)])
def test_where_it_was_drawn_does_not_matter(prepared, top, left):
    here = prepared(stroke_ink(top=top, left=left))
    there = prepared(stroke_ink())

    assert np.array_equal(here, there)


def test_a_drawing_at_the_edge_of_the_canvas_is_the_same(prepared):
    inside = np.pad(np.flipud(np.eye(40, dtype=np.uint8)) * 255, 30)

    at_edge = inside[30:70, 30:70]

    assert np.array_equal(prepared(at_edge), prepared(inside))


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.3])
def test_how_large_it_was_drawn_hardly_matters(prepared, scale):
    same = prepared(stroke_ink(top=30, left=60))
    scaled = prepared(stroke_ink(top=30, left=60, scale=scale))

    assert difference(same, scaled) < 2
    assert difference(same, np.fliplr(scaled)) > 20


@pytest.mark.parametrize("factor", [2, 5, 14])
def test_a_finer_canvas_hardly_matters(prepared, factor):
    ink = stroke_ink()
    finer = np.kron(ink, np.ones((factor, factor), np.uint8))

    assert difference(prepared(finer), prepared(ink)) < 1


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
def test_the_centre_of_mass_is_where_mnist_has_it(prepared, width, flip):
    image = prepared(flip(stroke_ink(width=width)))

    assert np.abs(centre_of_mass(image) - 14).max() <= 0.51


def test_a_heavy_end_is_not_pushed_over_the_border():
    ink = block(200, 4)
    ink[60:75, 70:170] = 255
    ink[60:63, 70:270] = 255

    image = drawing.to_mnist(np.rot90(ink))

    assert sides(image) == (20, 20)


@pytest.mark.parametrize("corner", [(0, 0), (0, 299), (299, 0), (299, 299)])
def test_no_stroke_is_lost(prepared, corner):
    ink = block(100, 100, top=100, left=100)
    ink[
        max(corner[0] - 9, 0) : corner[0] + 9, max(corner[1] - 9, 0) : corner[1] + 9
    ] = 255

    image = prepared(ink)

    assert sides(image)[0] == 20
    with_dot, without = image.sum(), prepared(block(100, 100)).sum()
    assert with_dot < without  # the dot counts, so the block is small


@pytest.mark.parametrize("size, width", [(280, 6), (1400, 10), (4000, 3)])
def test_thin_strokes_reach_full_ink_and_stay_whole(prepared, size, width):
    ink = np.zeros((size, size), np.uint8)
    ink[size // 10 : -size // 10, size // 2 : size // 2 + width] = 255
    ink[size // 2 : size // 2 + width, size // 10 : -size // 10] = 255

    image = prepared(ink)

    assert image.max() == 255
    assert sides(image) == (20, 20)
    assert np.count_nonzero(image.max(axis=0)) == 20


def test_a_hairline_keeps_its_shades(prepared):
    hairline = Image.new("L", (4_000, 4_000))
    ImageDraw.Draw(hairline).line([(200, 200), (1_200, 3_800)], 255, 1)

    image = prepared(np.asarray(hairline))

    assert len(np.unique(image)) > 20


def test_fine_texture_is_averaged_and_not_sampled():
    ink = np.zeros((300, 300), np.uint8)
    ink[:, ::2] = 255
    ink[100:150, 100:150] = 255

    image = drawing.to_mnist(ink)[5:23, 5:23]

    assert image.max() == 255
    assert np.ptp(image[12:]) < 16


def test_an_image_of_mnist_comes_back_unchanged(prepared):
    image = prepared(stroke_ink())

    assert np.array_equal(prepared(image), image)


def test_a_soft_edge_belongs_to_the_digit(prepared):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 6:23] = 30
    image[5:23, 7:22] = 254

    assert np.array_equal(prepared(image), image)


def test_faint_pixels_do_not_widen_the_box(prepared):
    ink = stroke_ink()
    noisy = ink.copy()
    rows, columns = np.nonzero(ink)
    noisy[rows.min() - 4, columns.min() + 9] = 45
    noisy[rows.min() + 30, columns.min() - 4] = 45
    noisy[270:, 265:] = 45

    assert np.array_equal(prepared(noisy), prepared(ink))


def test_faint_ink_alone_is_a_drawing(prepared):
    faint = (stroke_ink() // 8).astype(np.uint8)

    assert difference(prepared(faint), prepared(stroke_ink())) < 2


@pytest.mark.parametrize(
    "ink",
    [
        np.zeros((280, 280), np.uint8),
        np.full((280, 280), 15, np.uint8),
        np.zeros((0, 0), np.uint8),
    ],
    ids=["blank", "faint", "no pixels"],
)
def test_without_ink_there_is_no_guess(prepared, ink):
    with pytest.raises(EmptyDrawingError, match=r"empty\. Draw a digit first\.$"):
        prepared(ink)


def test_with_every_step_it_is_prepared_as_mnist_was():
    ink = stroke_ink(top=110, left=20, scale=0.5)

    steps = drawing.prepare(ink, Preparation())

    assert np.array_equal(steps.image, drawing.to_image(ink))
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


def test_the_drawing_is_not_changed(prepared):
    ink = stroke_ink()
    ink.flags.writeable = False
    before = ink.copy()

    prepared(ink)

    assert np.array_equal(ink, before)
