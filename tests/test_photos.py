"""From uploaded pictures to ink: photographs of paper, and drawings as they were."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks._paper import SCENES, Scene, taken_upright
from mnist_core import drawing, inking, photos
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore

# The shipped run read all of them when this was written; a few are free to fail.
FLOOR = 0.9
SMALL = (400, 300)  # pixels, so that the tests take seconds


@pytest.fixture(scope="module")
def shipped():
    return Predictor(RunStore().get("shipped"))


def seven(size=280, width=20):
    """A 7 in the middle, (size, size) uint8 ink with soft edges."""
    fine = Image.new("L", (4 * size, 4 * size))
    path = [(0.3, 0.25), (0.68, 0.27), (0.45, 0.75)]
    corners = [(4 * size * x, 4 * size * y) for x, y in path]
    ImageDraw.Draw(fine).line(corners, 255, 4 * width, "curve")
    return np.asarray(fine.resize((size, size), Image.Resampling.BOX))


def picture_of(ink, paper=(255, 255, 255), pen=(0, 0, 0)):
    share = ink[..., None] / 255
    colours = np.rint(share * np.array(pen) + (1 - share) * np.array(paper))
    return np.dstack([colours, np.full(ink.shape, 255)]).astype(np.uint8)


def blank(scene):
    """A photograph with nothing written on it."""
    speckless = replace(scene, pen=scene.paper)
    return taken_upright(seven(28, 2), speckless, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_photographs_are_read(shipped, mnist, name):
    scene = replace(SCENES[name], size=SMALL)
    if "small" in name:
        scene = replace(scene, size=(800, 600))
    digits = mnist.test[:20]

    inks = [
        photos.ink_from_picture(taken_upright(image, scene, seed))
        for seed, image in enumerate(digits.images)
    ]

    read = [found and found.digit for found in shipped.predict_ink(inks)]
    assert np.mean(np.array(read) == digits.labels) >= FLOOR


@pytest.mark.parametrize(
    "paper, pen",
    [
        ((255, 255, 255), (0, 0, 0)),
        ((0, 0, 0), (255, 255, 255)),
        ((255, 255, 255), (255, 255, 0)),
        ((120, 120, 120), (0, 0, 0)),
        ((20, 60, 30), (230, 240, 230)),
        ((255, 255, 255), (190, 190, 190)),
    ],
)
@pytest.mark.parametrize("width", [6, 20, 45])
def test_a_drawn_picture_stays_as_it_is(paper, pen, width):
    rgba = picture_of(seven(width=width), paper, pen)

    ink = photos.ink_from_picture(rgba)

    assert np.array_equal(ink, inking.ink_from_rgba(rgba))


@pytest.mark.parametrize("margin", [0, 1, 30])
def test_a_drawn_picture_that_is_cut_close_stays_as_it_is(margin):
    rows, columns = np.nonzero(seven(width=40))
    digit = seven(width=40)[
        rows.min() : rows.max() + 1, columns.min() : columns.max() + 1
    ]
    rgba = picture_of(np.pad(digit, margin))

    ink = photos.ink_from_picture(rgba)

    assert np.array_equal(ink, inking.ink_from_rgba(rgba))


def test_an_image_of_mnist_size_stays_as_it_is():
    rgba = picture_of(drawing.to_mnist(seven()), (0, 0, 0), (255, 255, 255))

    assert np.array_equal(photos.ink_from_picture(rgba), inking.ink_from_rgba(rgba))


@pytest.mark.parametrize("pen", [(0, 0, 0), (255, 220, 0)])
def test_strokes_on_transparency_stay_as_they_are(pen):
    rgba = np.zeros((280, 280, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = pen, seven()

    assert np.array_equal(photos.ink_from_picture(rgba), inking.ink_from_rgba(rgba))


@pytest.mark.parametrize(
    "scene",
    [
        Scene(size=SMALL),
        Scene(size=SMALL, gradient=0.7),
        Scene(size=SMALL, shadow=0.5),
        Scene(size=SMALL, noise=12),
    ],
)
def test_an_empty_sheet_has_no_ink(scene):
    assert not photos.ink_from_picture(blank(scene)).any()


def test_only_the_digit_is_ink():
    scene = SCENES["all together"]
    rgba = taken_upright(drawing.to_mnist(seven()), scene, 3)

    ink = photos.ink_from_picture(rgba)

    tall = np.ptp(np.flatnonzero(ink.any(axis=1)))
    assert 0.2 * min(ink.shape) < tall < 0.55 * min(ink.shape)
    assert not ink[[0, -1]].any() and not ink[:, [0, -1]].any()
    assert 0.005 < (ink > 128).mean() < 0.06


def test_edges_stay_soft():
    rgba = taken_upright(drawing.to_mnist(seven()), SCENES["uneven light"], 3)

    ink = photos.ink_from_picture(rgba)

    assert ink.max() == 255
    assert np.mean((ink > 30) & (ink < 225)) > 0.1 * np.mean(ink >= 225)


def test_dust_far_away_is_dropped_and_a_loose_stroke_is_kept():
    ink = np.zeros((300, 400), np.uint8)
    ink[60:240, 180:196] = 255
    ink[60:76, 202:240] = 255
    ink[270:274, 20:24] = 255
    light = np.linspace(1, 0.4, 400)[:, None]
    rgba = picture_of(ink)
    rgba[..., :3] = rgba[..., :3] * light

    found = photos.ink_from_picture(rgba)

    assert found[120, 188] > 200 and found[68, 225] > 200
    assert not found[260:].any()


@pytest.mark.parametrize("shape", [(1500, 2000), (3000, 4000), (1000, 1001)])
def test_a_large_picture_is_reduced(shape):
    rgba = np.full((*shape, 4), 255, np.uint8)
    rgba[shape[0] // 4 : shape[0] // 2, shape[1] // 2 : shape[1] // 2 + 60, :3] = 0

    ink = photos.ink_from_picture(rgba)

    assert max(ink.shape) <= photos.MAX_SIDE
    assert ink.shape[1] / ink.shape[0] == pytest.approx(shape[1] / shape[0], abs=0.01)
    assert ink.max() == 255


@pytest.mark.parametrize(
    "shape", [(8, 8), (8, 4000), (4000, 8), (64, 64), (65, 900), (70, 71)]
)
def test_any_shape_and_any_noise_is_prepared(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 4), dtype=np.uint8)
    noise[..., 3] = 255

    ink = photos.ink_from_picture(noise)

    assert ink.dtype == np.uint8 and ink.ndim == 2


@pytest.mark.parametrize("height, width", [(1, 1), (1, 2), (3, 1)])
def test_a_picture_with_next_to_no_ink_is_prepared(height, width):
    picture = np.full((64, 64, 4), 255, np.uint8)
    picture[30 : 30 + height, 30 : 30 + width, :3] = 0

    ink = photos.ink_from_picture(picture)

    assert ink.shape == (64, 64)
