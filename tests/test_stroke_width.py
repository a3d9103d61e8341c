"""Every drawing is written again with one pen."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_core import data, drawing, stroke_width
from mnist_core.drawing import Preparation
from mnist_core.paths import SHIPPED_RUN_ID
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore

BOX = drawing.BOX_SIZE


def drawn(path, width, size=280):
    """`(size, size)` uint8, a path of round pens, with soft edges."""
    fine = Image.new("L", (size * 4, size * 4))
    pen = ImageDraw.Draw(fine)
    path = [(4 * x, 4 * y) for x, y in path]
    pen.line(path, 255, 4 * width, "curve")
    for x, y in path:
        reach = 2 * width
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), 255)
    return np.asarray(fine.resize((size, size), Image.Resampling.BOX))


def seven(width):
    return drawn([(70, 60), (200, 65), (120, 220)], width)


def small_zero(width):
    angles = np.linspace(0, 2 * np.pi, 60)
    return drawn([(80 + 22 * np.cos(a), 80 + 35 * np.sin(a)) for a in angles], width)


def cut_out(ink):
    return drawing.prepare(ink, Preparation()).cropped


def difference(one, other):
    return np.abs(one.astype(int) - other.astype(int)).mean()


def paper_inside(image):
    """Pixels of the holes of what is drawn."""
    is_ink = image >= 128
    return np.count_nonzero(ndimage.binary_fill_holes(is_ink) & ~is_ink)


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_scipy(seed):
    is_there = np.random.default_rng(seed).random((70, 90)) > 0.995

    found = stroke_width._distance(is_there)

    expected = ndimage.distance_transform_edt(~is_there)
    assert expected.max() > 15
    near = expected < stroke_width._REACH
    assert np.allclose(found[near], expected[near], atol=1e-4)
    assert np.allclose(found[~near], stroke_width._REACH)


@pytest.mark.parametrize("width", [8, 12, 32, 40])
def test_the_width_of_the_pen_does_not_matter(width):
    usual = drawing.to_image(seven(20))

    assert difference(drawing.to_image(seven(width)), usual) < 3
    assert difference(drawing.to_mnist(seven(width)), usual) > 4


@pytest.mark.parametrize("width", [6, 14, 30])
@pytest.mark.parametrize("box", [BOX, 28])
def test_a_line_becomes_as_wide_as_a_stroke_of_mnist(width, box):
    line = cut_out(drawn([(140, 40), (140, 240)], width))

    written = stroke_width.rewritten(line, box)

    height = np.ptp(np.flatnonzero((written >= 128).any(axis=1))) + 1
    breadth = np.count_nonzero(written[len(written) // 2] >= 128)
    assert breadth / height * box == pytest.approx(stroke_width.STROKE, abs=0.25)


def test_a_loop_that_a_thick_pen_has_nearly_closed_opens():
    thick = small_zero(34)

    assert paper_inside(drawing.to_mnist(thick)) < 15
    assert paper_inside(drawing.to_image(thick)) > 50


@pytest.mark.parametrize("width", [24, 34, 44])
def test_a_loop_that_a_thick_pen_has_filled_opens(width):
    angles = np.linspace(0, 2 * np.pi, 60)
    half = width / 2 - 2  # so that no paper is left in its middle
    loop = [(80 + half * np.cos(a), 60 + half * np.sin(a)) for a in angles]
    stem = [(80 + half, 60), (80 + half, 60 + 3 * width)]
    nine = np.maximum(drawn(loop, width), drawn(stem, width))

    assert paper_inside(drawing.to_mnist(nine)) == 0
    assert paper_inside(drawing.to_image(nine)) >= 3


def test_the_middle_of_a_loop_that_was_filled_is_paper():
    disc = drawn([(140, 140), (140, 141)], 78)
    lollipop = np.maximum(disc, drawn([(140, 100), (140, 10)], 30))

    image = drawing.to_image(lollipop)

    rows, columns = np.nonzero(ndimage.binary_fill_holes(image > 128) & (image <= 128))
    assert image[round(rows.mean()), round(columns.mean())] == 0


@pytest.mark.parametrize("width", [12, 24, 34, 48])
def test_strokes_that_cross_or_meet_are_no_loop(width):
    cross = np.maximum(
        drawn([(80, 60), (80, 180)], width), drawn([(30, 120), (130, 120)], width)
    )
    corner = drawn([(60, 60), (150, 60), (150, 180)], width)

    assert paper_inside(drawing.to_image(cross)) == 0
    assert paper_inside(drawing.to_image(corner)) == 0


def test_a_digit_as_coarse_as_mnist_stays():
    coarse = cut_out(seven(30)[::8, ::8])

    assert stroke_width.rewritten(coarse, BOX) is coarse


def test_a_digit_of_eighty_pixels_does_not():
    small = cut_out(seven(30)[::2, ::2])

    assert stroke_width.rewritten(small, BOX) is not small


@pytest.mark.parametrize("length", [0, 100])
def test_a_blob_stays(length):
    blob = cut_out(drawn([(140, 60), (140, 60 + length)], 90))

    assert stroke_width.rewritten(blob, BOX) is blob


def test_a_hairline_stays():
    fine = Image.new("L", (4_000, 4_000))
    ImageDraw.Draw(fine).line([(200, 200), (1_200, 3_800)], 255, 1)
    hairline = cut_out(np.asarray(fine))

    assert stroke_width.rewritten(hairline, BOX) is hairline


def test_a_faint_drawing_gets_the_same_pen():
    faint = (seven(34) // 8).astype(np.uint8)

    assert difference(drawing.to_image(faint), drawing.to_image(seven(34))) < 2


def test_faint_ink_is_neither_lost_nor_made_strong():
    ink = seven(28).copy()
    ink[120:200, 190:230] = 100  # beside the stem

    image = drawing.to_image(ink)

    assert np.median(image[15:19, 20:22]) == pytest.approx(100, abs=15)


@pytest.mark.parametrize("foot", [150, 250], ids=["short", "long"])
def test_a_thin_stroke_beside_thick_ones_is_not_lost(foot):
    thick = drawn([(200, 40), (200, 240)], 34)
    thin = drawn([(90, 100), (90, foot)], 8)

    image = drawing.to_image(np.maximum(thick, thin))

    assert np.count_nonzero(image[:, :13].max(axis=1) > 100) >= (foot - 100) / 14


def test_the_corners_of_a_square_pen_leave_no_specks():
    bar = np.zeros((280, 280), np.uint8)
    bar[40:240, 100:160] = 255

    written = stroke_width.rewritten(cut_out(bar), BOX)

    assert ndimage.label(written)[1] == 1


def test_one_thin_stroke_does_not_make_thick_ones_thicker():
    bar = drawn([(110, 140), (180, 140)], 8)
    thick = seven(32)

    image = drawing.to_image(np.maximum(thick, bar))

    assert image.sum() < 1.1 * drawing.to_mnist(thick).sum()


def test_what_an_eraser_has_left_does_not_grow():
    stem = drawn([(205, 60), (120, 235)], 20)
    rest = stem.copy()
    rest[50:52, 75:205] = 255  # of the bar of a 7

    assert drawing.to_image(rest).sum() < 1.2 * drawing.to_image(stem).sum()


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_the_grain_of_chalk_is_not_taken_for_thin_strokes(share):
    grain = np.random.default_rng(0).random((140, 140)) < share
    chalk = np.where(np.kron(grain, np.ones((2, 2))), 0, seven(32)).astype(np.uint8)

    assert np.array_equal(drawing.to_image(chalk), drawing.to_mnist(chalk))


def test_the_digit_is_not_changed():
    digit = cut_out(seven(30))
    digit.flags.writeable = False
    before = digit.copy()

    stroke_width.rewritten(digit, BOX)

    assert np.array_equal(digit, before)


@pytest.mark.parametrize(
    "resampling", [Image.Resampling.NEAREST, Image.Resampling.BILINEAR]
)
def test_the_shipped_run_reads_digits_of_mnist_that_were_enlarged(resampling):
    validation = data.load_mnist().validation[:1_000]
    inks = [
        np.asarray(Image.fromarray(image).resize((280, 280), resampling))
        for image in validation.images
    ]
    predictor = Predictor(RunStore().get(SHIPPED_RUN_ID))

    predictions = predictor.predict_ink(inks)

    digits = [found.digit if found else -1 for found in predictions]
    assert np.mean(np.array(digits) == validation.labels) >= 0.985
