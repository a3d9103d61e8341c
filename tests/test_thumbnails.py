import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnist_core.thumbnails import (
    AGAINST,
    FOR,
    GAP,
    GAP_GREY,
    INK,
    MARK,
    MOSAIC_COLUMNS,
    SPRITE_COLUMNS,
    mosaic,
    numbered,
    png,
    saliency,
    sprite,
)


def images_of(num_images, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (num_images, 28, 28), dtype=np.uint8)


def decoded(address, mode="L"):
    head, _, text = address.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as picture:
        assert picture.format == "PNG"
        assert picture.mode == mode
        return np.asarray(picture)


def test_a_png_holds_the_image_pixel_for_pixel():
    [image] = images_of(1)

    assert np.array_equal(decoded(png(image)), image)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_every_pixel_becomes_a_square(scale):
    [image] = images_of(1)

    pixels = decoded(png(image, scale=scale))

    assert pixels.shape == (28 * scale, 28 * scale)
    for row in range(scale):
        for column in range(scale):
            assert np.array_equal(pixels[row::scale, column::scale], image)


@pytest.mark.parametrize("num_images", [1, 9, 10, 11, 25])
def test_a_sprite_holds_its_images_row_by_row(num_images):
    images = images_of(num_images)

    pixels = decoded(sprite(images))

    assert pixels.shape == (28 * -(-num_images // SPRITE_COLUMNS), 28 * SPRITE_COLUMNS)
    for index, image in enumerate(images):
        row, column = divmod(index, SPRITE_COLUMNS)
        tile = pixels[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.array_equal(tile, image)


def test_what_is_left_of_the_last_row_is_paper():
    pixels = decoded(sprite(images_of(13)))

    assert not pixels[28:, 3 * 28 :].any()


def test_a_sprite_of_nothing_is_a_row_of_paper():
    pixels = decoded(sprite(images_of(0)))

    assert pixels.shape == (28, 28 * SPRITE_COLUMNS)
    assert not pixels.any()


def test_read_only_images_will_do():
    images = images_of(3)
    images.flags.writeable = False

    assert np.array_equal(decoded(sprite(images))[:, :28], decoded(png(images[0])))


# Saliency


def test_what_speaks_for_a_digit_has_one_colour_and_what_against_it_the_other():
    values = np.zeros((28, 28))
    values[:2], values[-2:] = 5, -5

    pixels = decoded(saliency(np.zeros((28, 28), np.uint8), values), "RGB")

    assert (pixels[:2] == FOR).all()
    assert (pixels[-2:] == AGAINST).all()
    assert not pixels[2:-2].any()


def test_half_the_value_has_half_the_colour():
    values = np.full((28, 28), 4.0)
    values[3, 4] = 2.0

    pixels = decoded(saliency(np.zeros((28, 28), np.uint8), values), "RGB")

    assert pixels[3, 4] == pytest.approx(FOR / 2, abs=1)


def test_where_nothing_counts_the_ink_is_grey():
    [image] = images_of(1)

    pixels = decoded(saliency(image, np.zeros((28, 28))), "RGB")

    expected = np.repeat(INK * image[..., None], 3, axis=2)
    assert pixels == pytest.approx(expected, abs=1)


def test_one_extreme_pixel_does_not_pale_the_others():
    values = np.ones((28, 28))
    values[0, 0] = 1000

    pixels = decoded(saliency(np.zeros((28, 28), np.uint8), values, scale=2), "RGB")

    assert pixels.shape == (56, 56, 3)
    assert (pixels == FOR).all()


# Feature maps


@pytest.mark.parametrize("num_maps", [1, MOSAIC_COLUMNS, 2 * MOSAIC_COLUMNS + 3])
@pytest.mark.parametrize("height, width", [(5, 10), (4, 4), (50, 50)])
def test_a_mosaic_holds_its_maps_row_by_row(num_maps, height, width):
    maps = np.random.default_rng(0).uniform(0, 9, (height, width, num_maps))
    scale = max(1, 40 // width)
    tall, wide = scale * height + GAP, scale * width + GAP

    pixels = decoded(mosaic(maps))

    rows = -(-num_maps // MOSAIC_COLUMNS)
    assert pixels.shape == (rows * tall - GAP, MOSAIC_COLUMNS * wide - GAP)
    for index in range(num_maps):
        top, left = (index // MOSAIC_COLUMNS) * tall, (index % MOSAIC_COLUMNS) * wide
        tile = pixels[top : top + tall - GAP, left : left + wide - GAP]
        expected = 255 * np.sqrt(maps[..., index] / maps.max())
        assert tile[::scale, ::scale] == pytest.approx(expected, abs=1)
    if num_maps > 1:
        assert (pixels[: tall - GAP, wide - GAP : wide] == GAP_GREY).all()


def test_maps_that_found_nothing_are_black():
    pixels = decoded(mosaic(np.zeros((10, 10, MOSAIC_COLUMNS))))

    assert set(np.unique(pixels)) == {0, GAP_GREY}


def luminance(colour):
    """Of an sRGB colour, as the Web Content Accessibility Guidelines define it."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_marks_are_seen_on_white_paper():
    assert 1.05 / (luminance(MARK) + 0.05) >= 4.5


@pytest.mark.parametrize("layers", [None, 4])
def test_each_box_is_drawn_around_its_digit_with_a_number(layers):
    picture = np.full((200, 300), 255, np.uint8)
    if layers:
        picture = np.dstack([picture] * 4)
    boxes = [(60, 20, 180, 90), (50, 150, 170, 260)]

    pixels = decoded(numbered(picture, boxes), "RGB")

    assert pixels.shape == (200, 300, 3)
    is_mark = (pixels == MARK).all(axis=-1)
    for top, left, bottom, right in boxes:
        assert is_mark[top:bottom, [left, right - 1]].all()
        assert is_mark[[top, bottom - 1], left:right].all()
        assert not is_mark[top + 10 : bottom - 10, left + 10 : right - 10].any()
        tag = pixels[top - 12 : top, left : left + 12]
        assert (tag > 200).all(axis=-1).any() and (tag == MARK).all(axis=-1).any()
    assert not is_mark[:, 100:140].any()


def test_strokes_on_transparency_are_laid_on_white():
    strokes = np.zeros((50, 50, 4), np.uint8)
    strokes[20:30, 20:30, 3] = 255

    pixels = decoded(numbered(strokes, []), "RGB")

    assert (pixels[20:30, 20:30] == 0).all()
    assert (pixels[:20] == 255).all()


@pytest.mark.parametrize("box", [(0, 0, 8, 8), (0, 0, 1, 1), (3, 7, 8, 8)])
def test_a_picture_too_small_for_its_numbers_is_marked_all_the_same(box):
    picture = np.zeros((8, 8), np.uint8)

    assert decoded(numbered(picture, [box] * 20), "RGB").shape == (8, 8, 3)
