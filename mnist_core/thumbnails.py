"""Images as PNG pictures for the screen, in the form of `data:` addresses.

The picture travels with the page: one less request for each, and none that comes
too late, when a page has moved on and the server has forgotten its files.
"""

import base64
import io

import numpy as np
from PIL import Image

from mnist_core.config import IMAGE_SIZE

SPRITE_COLUMNS = 10  # images side by side in a sprite


def png(image: np.ndarray, *, scale: int = 1) -> str:
    """A PNG of a `(28, 28)` uint8 image, each pixel `scale` pixels wide and high."""
    return _encoded(np.kron(image, np.ones((scale, scale), np.uint8)))


def sprite(images: np.ndarray) -> str:
    """One PNG of `(N, 28, 28)` uint8 images, row by row, `SPRITE_COLUMNS` wide."""
    rows = max(1, -(-len(images) // SPRITE_COLUMNS))
    full = np.zeros((rows * SPRITE_COLUMNS, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    full[: len(images)] = images
    tiles = full.reshape(rows, SPRITE_COLUMNS, IMAGE_SIZE, IMAGE_SIZE)
    height, width = rows * IMAGE_SIZE, SPRITE_COLUMNS * IMAGE_SIZE
    return _encoded(tiles.swapaxes(1, 2).reshape(height, width))


def png_file(pixels: np.ndarray) -> bytes:
    """A PNG file of `(H, W)` uint8 pixels, 0 being black."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _encoded(pixels: np.ndarray) -> str:
    return f"data:image/png;base64,{base64.b64encode(png_file(pixels)).decode()}"
