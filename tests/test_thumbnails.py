import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnist_core.thumbnails import SPRITE_COLUMNS, png, sprite


def images_of(num_images, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (num_images, 28, 28), dtype=np.uint8)


def decoded(address):
    head, _, text = address.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "L"
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
