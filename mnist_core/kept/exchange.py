"""A set as one file: `.npz` for programs, a zip of PNGs for people.

Both are zip archives. One that comes from outside is checked before it is unpacked:
its size, the number and the claimed sizes of its members, the header of an array; and
of no member more is unpacked than it claims.
"""

import io
import math
import re
import zipfile

import numpy as np

from mnist_core import pictures, thumbnails
from mnist_core.config import IMAGE_SIZE, NUM_CLASSES
from mnist_core.data import Split
from mnist_core.errors import KeptError, PictureError
from mnist_core.kept.drawings import MAX_DRAWINGS, merged

MEGABYTE = 2**20  # bytes
MAX_FILE = 5 * MEGABYTE
MAX_UNPACKED = 8 * MEGABYTE  # a full set is 1.5 MB of pixels
MAX_MEMBERS = 2 * MAX_DRAWINGS  # some programs add a member of their own to each

_MEMBER = b"PK\x01\x02"  # begins the entry of a member in an archive's directory
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Parts of a PNG that may hold little and unpack to much: over 2,000 files they add up.
_COSTLY = (b"iCCP", b"zTXt", b"iTXt")
_PNG_NAME = re.compile(r"(?:.*/)?\d+-label-(\d)\.png", re.ASCII)
_FORMATS = (
    "an .npz with `images` and `labels`, or a zip of PNGs with names such as "
    "0001-label-7.png"
)


def to_npz(drawings: Split) -> bytes:
    """A `.npz`: `images` `(N, 28, 28)` uint8, 0 = paper, and `labels` `(N,)` uint8."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, images=drawings.images, labels=drawings.labels
    )
    return buffer.getvalue()


def to_pngs(drawings: Split) -> bytes:
    """A zip of PNGs, white ink on black, such as `0001-label-7.png`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index, image in enumerate(drawings.images):
            name = f"{index + 1:04}-label-{drawings.labels[index]}.png"
            archive.writestr(name, thumbnails.png_file(image))
    return buffer.getvalue()


def from_file(data: bytes) -> Split:
    """The set that `to_npz` or `to_pngs` wrote, or a person with another program.

    Raises:
        KeptError: If it is anything else, damaged or too large.
    """
    if len(data) > MAX_FILE or data.count(_MEMBER) > MAX_MEMBERS:
        raise KeptError(
            f"The file is too large. Expected at most {MAX_DRAWINGS:,} drawings in "
            f"{MAX_FILE / MEGABYTE:g} MB."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            drawings = _unpacked(archive)
    except (KeptError, PictureError, MemoryError):
        raise
    except Exception as error:  # hostile bytes lead the readers anywhere
        raise KeptError(
            f"The file is damaged or of another format. Expected {_FORMATS}."
        ) from error
    return merged(drawings, drawings)


def _unpacked(archive: zipfile.ZipFile) -> Split:
    members = {member.filename: member for member in archive.infolist()}
    size = sum(member.file_size for member in archive.infolist())
    if size > MAX_UNPACKED:
        raise KeptError(
            f"The file unpacks to {size / MEGABYTE:,.0f} MB. Expected at most "
            f"{MAX_UNPACKED / MEGABYTE:g}: {MAX_DRAWINGS:,} drawings are less."
        )
    if {"images.npy", "labels.npy"} <= set(members):
        images, labels = (
            _array(_read(archive, members[f"{name}.npy"]), name)
            for name in ("images", "labels")
        )
        return _checked(images, labels)
    return _from_pngs(archive)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, no more than it claims, which its checksum then proves."""
    if member.compress_type not in _METHODS:
        raise KeptError(
            "The file is packed in an unusual way. Expected a plain zip archive: "
            f"{_FORMATS}."
        )
    with archive.open(member) as file:
        return file.read(member.file_size)


def _array(data: bytes, name: str) -> np.ndarray:
    """The array of a `.npy`, whose header is looked at before memory is taken."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("Not the version that NumPy writes for plain arrays.")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if name == "images":
        expected = "(N, 28, 28) uint8"
        fits = shape[1:] == (IMAGE_SIZE, IMAGE_SIZE) and dtype == np.uint8
    else:
        expected = "(N,) whole numbers"
        fits = len(shape) == 1 and dtype.kind in "iu"
    if not fits:
        raise KeptError(f"`{name}` must be {expected}. Received: {shape} {dtype}.")
    if not 1 <= shape[0] <= MAX_DRAWINGS:
        raise KeptError(
            f"The file holds {shape[0]:,} drawings. Expected 1 to {MAX_DRAWINGS:,}."
        )
    values = np.frombuffer(data, dtype, math.prod(shape), offset=file.tell())
    return values.reshape(shape, order="F" if is_fortran else "C")


def _from_pngs(archive: zipfile.ZipFile) -> Split:
    found = [
        (member, name)
        for member in archive.infolist()
        if (name := _PNG_NAME.fullmatch(member.filename))
    ]
    if not 1 <= len(found) <= MAX_DRAWINGS:
        raise KeptError(
            f"The file holds {len(found):,} drawings. Expected 1 to "
            f"{MAX_DRAWINGS:,}: {_FORMATS}."
        )
    images = [_decoded(_read(archive, member), member) for member, _ in found]
    return _checked(np.array(images), np.array([int(name[1]) for _, name in found]))


def _decoded(data: bytes, member: zipfile.ZipInfo) -> np.ndarray:
    """`(28, 28)` uint8, white ink on black, of a PNG."""
    if any(part in data for part in _COSTLY):
        raise KeptError(
            f"{member.filename[-40:]!r} holds more than a picture. Save it again as a "
            "plain PNG."
        )
    rgba = pictures.decode_canvas(data)
    if rgba.shape[:2] != (IMAGE_SIZE, IMAGE_SIZE):
        height, width = rgba.shape[:2]
        raise KeptError(
            f"{member.filename[-40:]!r} is {width} by {height} pixels. Expected "
            f"{IMAGE_SIZE} by {IMAGE_SIZE}, white ink on black."
        )
    return rgba[..., 0]


def _checked(images: np.ndarray, labels: np.ndarray) -> Split:
    if len(images) != len(labels):
        raise KeptError(
            f"The file has {len(images):,} images and {len(labels):,} labels. "
            "Expected a label for each image."
        )
    wrong = labels[(labels < 0) | (labels >= NUM_CLASSES)]
    if wrong.size:
        raise KeptError(f"Labels must be digits from 0 to 9. Received: {wrong[0]}.")
    return Split(images, labels.astype(np.uint8))
