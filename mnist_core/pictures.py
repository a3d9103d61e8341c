"""Picture files and stacks of drawings, decoded within limits.

A file may be damaged, or made to do damage: a few kilobytes can claim gigapixels,
and a name says nothing about what is inside. So the size of the file is checked
first, then the dimensions in its header, and only then are pixels decoded, by the
decoders of a few formats and no others.
"""

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mnist_core.errors import PictureError

MIN_SIDE = 8  # pixels; with fewer there is no digit to see
MAX_DRAWINGS = 100_000  # in a stack
MEGABYTE = 2**20  # bytes
MAX_CANVAS_BYTES = MEGABYTE // 4
MAX_REPEATS = 200  # of any of COSTLY_PARTS; 5 MB of noise hold some 80 of the first
COSTLY_PARTS = (
    b"\xff\xda",  # a scan of a JPEG: 26 bytes that decode every pixel anew
    b"Exif\0\0",  # EXIF data of a JPEG: Pillow copies all before it
    b"iCCP",  # a colour profile of a PNG: 1 kB that inflates to 1 MB
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What is decoded; sides are width and height."""

    noun: str  # what messages call it
    formats: tuple[str, ...]  # by Pillow's names
    num_bytes: int
    max_side: int  # pixels
    num_pixels: int


_PICTURE = _Limits(
    noun="picture",
    formats=("PNG", "JPEG", "WEBP", "BMP"),
    num_bytes=5 * MEGABYTE,
    max_side=8_000,
    num_pixels=12_000_000,
)
_CANVAS = _Limits(
    noun="drawing",
    formats=("PNG",),
    num_bytes=MAX_CANVAS_BYTES,
    max_side=1_000,
    num_pixels=1_000_000,
)


def decode_picture(data: bytes) -> np.ndarray:
    """Decode a PNG, JPEG, WebP or BMP file; of an animation, the first frame.

    Args:
        data: The file, at most 5 MB and 12 megapixels, 8 to 8,000 pixels a side.

    Returns:
        `(H, W, 4)` uint8 RGBA, upright as its EXIF orientation says.

    Raises:
        PictureError: If it is anything else, or damaged.
    """
    return _decode(data, _PICTURE)


def decode_canvas(data: bytes) -> np.ndarray:
    """Decode what a canvas sends: a PNG of at most 256 kB, 8 to 1,000 pixels a side.

    Returns:
        `(H, W, 4)` uint8 RGBA.

    Raises:
        PictureError: If it is anything else, or damaged.
    """
    return _decode(data, _CANVAS)


def read_bytes(path: Path) -> bytes:
    """Read a picture file, but not much more of it than `decode_picture` takes.

    Raises:
        PictureError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_PICTURE.num_bytes + 1)  # one more shows it is too large
    except OSError as error:
        raise PictureError(f"Cannot read {path}: {error.strerror}.") from error


def read_stack(path: Path) -> np.ndarray:
    """Open a `.npy` file of drawings; pixels are read from disk when they are used.

    One drawing alone, `(H, W)` or `(H, W, 4)`, is a stack of one. Three dimensions
    that end in 4 are RGBA: as ink they would be narrower than `MIN_SIDE`.

    Returns:
        `(N, H, W)` uint8 ink or `(N, H, W, 4)` uint8 RGBA, read-only.

    Raises:
        PictureError: If the file is anything else, or outside the limits.
    """
    try:
        stack: np.ndarray = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise PictureError(f"Cannot read {path}: {error.strerror}.") from error
    except Exception as error:  # NumPy raises as it likes about a damaged header
        raise PictureError(f"{path.name} is not a whole .npy file.") from error
    if stack.ndim == 2 or (stack.ndim == 3 and stack.shape[-1] == 4):
        stack = stack[np.newaxis]
    is_ink, is_rgba = stack.ndim == 3, stack.ndim == 4 and stack.shape[-1] == 4
    if stack.dtype != np.uint8 or not (is_ink or is_rgba):
        raise PictureError(
            f"{path.name} holds {stack.dtype} of shape {stack.shape}. Expected uint8 "
            "of shape (N, H, W) for ink or (N, H, W, 4) for RGBA."
        )
    if not 1 <= len(stack) <= MAX_DRAWINGS:
        raise PictureError(
            f"{path.name} holds {len(stack):,} drawings. "
            f"Expected 1 to {MAX_DRAWINGS:,}."
        )
    _check_size(stack.shape[2], stack.shape[1], _PICTURE)
    return stack


def _decode(data: bytes, limits: _Limits) -> np.ndarray:
    if len(data) > limits.num_bytes:
        raise PictureError(
            f"The {limits.noun} is larger than {limits.num_bytes / MEGABYTE:g} MB, "
            "the most that can be read."
        )
    if any(data.count(part) > MAX_REPEATS for part in COSTLY_PARTS):
        raise PictureError(
            f"The {limits.noun} has more than {MAX_REPEATS} parts of one kind. "
            "Save it again as PNG."
        )
    image = _open(data, limits)
    _check_size(image.width, image.height, limits)
    return _pixels(image, limits)


def _open(data: bytes, limits: _Limits) -> Image.Image:
    """Read the header; Pillow decodes no pixels before `load`."""
    try:
        return Image.open(BytesIO(data), formats=limits.formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(
            f"The {limits.noun} has far too many pixels. Expected at most "
            f"{limits.num_pixels / 1e6:g} megapixels."
        ) from error
    except Exception as error:  # its parsers raise whatever hostile bytes lead to
        expected = ", ".join(limits.formats)
        raise PictureError(
            f"The {limits.noun} cannot be read. Expected a whole file in one of the "
            f"formats {expected}."
        ) from error


def _check_size(width: int, height: int, limits: _Limits) -> None:
    sides_fit = MIN_SIDE <= min(width, height) <= max(width, height) <= limits.max_side
    if not sides_fit or width * height > limits.num_pixels:
        raise PictureError(
            f"The {limits.noun} is {width:,} by {height:,} pixels. Expected "
            f"{MIN_SIDE} to {limits.max_side:,} pixels a side and at most "
            f"{limits.num_pixels / 1e6:g} megapixels."
        )


def _pixels(image: Image.Image, limits: _Limits) -> np.ndarray:
    """Decode the first frame, turn it upright and bring it to 8-bit RGBA."""
    try:
        image.load()
        with suppress(Exception):  # with damaged EXIF data it stays as it is stored
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        return np.asarray(image.convert("RGBA"))
    except Exception as error:  # as in `_open`
        raise PictureError(
            f"The {limits.noun} is incomplete or damaged. Save it again as PNG."
        ) from error
