"""Images as PNG pictures for the screen, in the form of `data:` addresses.

The picture travels with the page: one less request for each, and none that comes
too late, when a page has moved on and the server has forgotten its files.
"""

import base64
import io
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnist_core.config import IMAGE_SIZE

SPRITE_COLUMNS = 10  # images side by side in a sprite
SMALL_COLUMNS = 100  # in a small one
# RGB, on black; orange and blue differ for every kind of colour vision.
FOR, AGAINST = np.array([[255, 150, 50], [80, 150, 255]])
INK = 0.3  # brightness of plain ink, from 0 to 1, where colours lie over it
FULL = 0.99  # quantile of the values that has the full colour, and all above it
MOSAIC_COLUMNS = 8  # feature maps side by side in a mosaic
TILE, GAP = 40, 2  # pixels, about: the width of a map in a mosaic; between two
GAP_GREY = 70  # for light and for dark pages
MARK = (11, 87, 208)  # a blue whose contrast with white is 6.4
MARK_TEXT = (255, 255, 255)
TAG = 0.07  # the height of a number over the picture's shorter side
MIN_TAG = 12  # pixels; lower numbers cannot be read


def png(image: np.ndarray, *, scale: int = 1) -> str:
    """A PNG of a `(28, 28)` uint8 image, each pixel `scale` pixels wide and high."""
    return _encoded(image.repeat(scale, axis=0).repeat(scale, axis=1))


def sprite(images: np.ndarray) -> str:
    """One PNG of `(N, 28, 28)` uint8 images, row by row, `SPRITE_COLUMNS` wide."""
    return _encoded(_side_by_side(images, SPRITE_COLUMNS))


def small_sprite(images: np.ndarray) -> str:
    """The same at half the size and in 16 tones, `SMALL_COLUMNS` wide.

    Ten thousand digits are 0.4 MB of it, a fifth of what they are in full.
    """
    halves = images.reshape(-1, IMAGE_SIZE // 2, 2, IMAGE_SIZE // 2, 2)
    tones = (halves.mean(axis=(2, 4)) / 17).round().astype(np.uint8)
    picture = Image.fromarray(_side_by_side(tones, SMALL_COLUMNS), "P")
    picture.putpalette([17 * tone for tone in range(16) for _ in "rgb"])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1, bits=4)
    return _address(buffer.getvalue())


def _side_by_side(images: np.ndarray, columns: int) -> np.ndarray:
    """`(rows * H, columns * W)` of `(N, H, W)` uint8, the rest of a row being 0."""
    height, width = images.shape[1:]
    rows = max(1, -(-len(images) // columns))
    full = np.zeros((rows * columns, height, width), np.uint8)
    full[: len(images)] = images
    tiles = full.reshape(rows, columns, height, width).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width)


def saliency(image: np.ndarray, values: np.ndarray, *, scale: int = 1) -> str:
    """A PNG of an image with `values` over it: `FOR` where positive, else `AGAINST`.

    Args:
        image: `(28, 28)` uint8.
        values: `(28, 28)` float.
        scale: How many pixels wide and high each pixel becomes.
    """
    sizes = np.abs(values)[..., None]
    strength = np.minimum(sizes / max(float(np.quantile(sizes, FULL)), 1e-12), 1)
    ink = INK * image[..., None].astype(np.float32)
    colours = np.where(values[..., None] > 0, FOR, AGAINST)
    pixels = ink + strength * (colours - ink)
    return _encoded(pixels.round().astype(np.uint8).repeat(scale, 0).repeat(scale, 1))


def mosaic(maps: np.ndarray) -> str:
    """One PNG of `(H, W, C)` float feature maps, `MOSAIC_COLUMNS` wide.

    White is the largest value of all; brightness goes with the root, so that what is
    weak can be seen.
    """
    height, width, num_maps = maps.shape
    scale = max(1, TILE // width)
    rows = -(-num_maps // MOSAIC_COLUMNS)
    shape = rows * MOSAIC_COLUMNS, scale * height + GAP, scale * width + GAP
    tiles = np.full(shape, GAP_GREY, np.uint8)
    grey = 255 * np.sqrt(maps.clip(0) / max(float(maps.max()), 1e-12))
    large = grey.round().transpose(2, 0, 1).repeat(scale, 1).repeat(scale, 2)
    tiles[:num_maps, :-GAP, :-GAP] = large
    pixels = tiles.reshape(rows, MOSAIC_COLUMNS, *shape[1:]).swapaxes(1, 2)
    return _encoded(pixels.reshape(rows * shape[1], -1)[:-GAP, :-GAP])


def numbered(picture: np.ndarray, boxes: Iterable[tuple[int, int, int, int]]) -> str:
    """A PNG of a picture with boxes around what was found in it, numbered from 1.

    Args:
        picture: `(H, W)` uint8, or `(H, W, 4)` uint8 RGBA, which is laid on white.
        boxes: Top, left, bottom and right of each, in pixels; bottom and right are
            excluded.
    """
    image = Image.new("RGB", picture.shape[1::-1], "white")
    tones = Image.fromarray(picture)
    image.paste(tones, mask=tones if tones.mode == "RGBA" else None)
    pen = ImageDraw.Draw(image)
    height = max(MIN_TAG, round(TAG * min(image.size)))
    font = ImageFont.load_default(height)
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        line = max(1, height // 8)
        pen.rectangle((left, top, right - 1, bottom - 1), outline=MARK, width=line)
        wide = round(pen.textlength(str(number), font)) + height // 2
        x = min(left, max(image.width - wide, 0))
        y = max(top - height - line, 0)  # above the box, where there is room
        pen.rectangle((x, y, x + wide, y + height + line), MARK)
        middle = (x + wide / 2, y + (height + line) / 2)
        pen.text(middle, str(number), MARK_TEXT, font, anchor="mm")
    return _encoded(np.asarray(image))


def png_file(pixels: np.ndarray) -> bytes:
    """A PNG file of `(H, W)` uint8 pixels, 0 being black, or `(H, W, 3)` RGB."""
    buffer = io.BytesIO()
    # The default level takes twice as long, to save a sixth of the bytes.
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _encoded(pixels: np.ndarray) -> str:
    return _address(png_file(pixels))


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
