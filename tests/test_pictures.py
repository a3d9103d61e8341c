"""Picture files and stacks: what is read, and what is refused with a sentence."""

import pickle
import struct
import subprocess
import sys
import time
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from mnist_core import drawing, inking, pictures
from mnist_core.errors import PictureError

MEGABYTE = 2**20


def gradient(height=30, width=40):
    """A picture, (height, width) uint8, in which no two corners are alike."""
    rows, columns = np.indices((height, width))
    return (rows * 4 + columns * 3).astype(np.uint8)


def encoded(image, file_format, **options):
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def chunk(kind, content):
    """One chunk of a PNG file."""
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )


def png_of(width, height, *, chunks=b""):
    """A small PNG file that claims these dimensions; its pixels are all 0."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min(height * (width + 1), 10 * MEGABYTE)), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunks
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def refusal(decode, *arguments):
    """The sentence with which something is refused."""
    with pytest.raises(PictureError) as caught:
        decode(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "file_format, options",
    [
        ("PNG", {}),
        ("PNG", {"interlace": True}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 95}),
        ("JPEG", {"quality": 98}),
        ("JPEG", {"quality": 98, "progressive": True}),
        ("MPO", {"quality": 98}),
    ],
)
def test_every_format_gives_its_pixels(file_format, options):
    image = Image.fromarray(gradient()).convert("RGB")

    rgba = pictures.decode_picture(encoded(image, file_format, **options))

    assert rgba.shape == (30, 40, 4)
    assert rgba.dtype == np.uint8
    assert np.abs(rgba[..., 0].astype(int) - gradient()).max() < 12
    assert (rgba[..., 3] == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_gives_its_pixels(mode):
    dark = np.where(gradient() > 100, 255, 0).astype(np.uint8)
    image = Image.fromarray(dark).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(dark.astype(np.uint16) * 257)

    rgba = pictures.decode_picture(encoded(image, "PNG"))

    assert np.array_equal(rgba[..., 0], dark)
    assert (rgba[..., 3] == 255).all()


def test_16_bits_keep_their_greys():
    image = Image.fromarray(gradient().astype(np.uint16) * 257)

    rgba = pictures.decode_picture(encoded(image, "PNG"))

    assert np.array_equal(rgba[..., 1], gradient())


def test_cmyk_is_not_turned_inside_out():
    image = Image.fromarray(gradient()).convert("RGB").convert("CMYK")

    rgba = pictures.decode_picture(encoded(image, "JPEG", quality=98))

    assert np.abs(rgba[..., 0].astype(int) - gradient()).max() < 12


@pytest.mark.parametrize("mode", ["LA", "P", "RGBA"])
def test_transparency_is_kept(mode):
    grey = Image.fromarray(gradient() // 2 + 100)
    if mode == "P":
        data = encoded(grey.convert("P"), "PNG", transparency=bytes([255] * 110 + [0]))
        expected = np.where(np.asarray(grey.convert("P")) == 110, 0, 255)
    else:
        image = grey.convert(mode)
        image.putalpha(Image.fromarray(gradient()))
        data, expected = encoded(image, "PNG"), gradient()

    rgba = pictures.decode_picture(data)

    assert len(np.unique(rgba[..., 3])) > 1
    assert np.array_equal(rgba[..., 3], expected)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "orientation, upright",
    [
        (1, gradient()),
        (2, np.fliplr(gradient())),
        (3, np.rot90(gradient(), 2)),
        (6, np.rot90(gradient(), -1)),
        (8, np.rot90(gradient())),
    ],
)
def test_a_photo_is_turned_upright(orientation, upright, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(gradient()).convert("RGB")
    data = encoded(image, file_format, exif=exif, quality=98, lossless=True)

    rgba = pictures.decode_picture(data)

    assert rgba.shape[:2] == upright.shape
    assert np.abs(rgba[..., 0].astype(int) - upright).max() < 12


def test_damaged_exif_data_do_not_hide_a_picture():
    image = Image.fromarray(gradient())
    data = encoded(image, "PNG", exif=b"Exif\0\0no TIFF header")

    rgba = pictures.decode_picture(data)

    assert np.array_equal(rgba[..., 0], gradient())


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_an_animation_shows_its_first_frame(file_format):
    first = Image.fromarray(gradient()).convert("RGB")
    others = [Image.new("RGB", first.size, (level, 0, 0)) for level in range(50)]
    options = {"save_all": True, "append_images": others, "lossless": True}

    rgba = pictures.decode_picture(encoded(first, file_format, **options))

    assert np.array_equal(rgba[..., 2], gradient())


def test_a_canvas_drawing_goes_in_as_it_was_drawn():
    drawn = np.zeros((280, 280, 4), np.uint8)
    drawn[80:200, 130:150, 3] = 255

    rgba = pictures.decode_canvas(encoded(Image.fromarray(drawn), "PNG"))

    assert np.array_equal(rgba, drawn)
    assert np.array_equal(inking.ink_from_rgba(rgba), drawn[..., 3])


def renamed(file_format, mode="RGB"):
    return encoded(Image.fromarray(gradient()).convert(mode), file_format)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\nshowpage\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(EPS, id="EPS"),
        pytest.param(SVG, id="SVG"),
        pytest.param(renamed("GIF"), id="GIF"),
        pytest.param(renamed("TIFF"), id="TIFF"),
        pytest.param(renamed("PDF"), id="PDF"),
        pytest.param(renamed("ICO"), id="ICO"),
        pytest.param(renamed("PPM"), id="PPM"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="signature"),
        pytest.param(b"hello", id="text"),
        pytest.param(bytes(1000), id="zeros"),
    ],
)
def test_only_four_formats_are_pictures(data):
    message = refusal(pictures.decode_picture, data)

    assert message == (
        "The picture cannot be read. Expected a whole file in one of the formats "
        "PNG, JPEG, WEBP, BMP."
    )


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "BMP", "GIF"])
def test_a_canvas_drawing_is_a_png(file_format):
    message = refusal(pictures.decode_canvas, renamed(file_format))

    assert message == (
        "The drawing cannot be read. Expected a whole file in one of the formats PNG."
    )


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_picture_is_refused(file_format, share):
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), file_format)

    message = refusal(pictures.decode_picture, data[: int(share * len(data))])

    assert message.startswith(
        ("The picture is incomplete or damaged.", "The picture cannot be read.")
    )


def test_a_damaged_picture_is_refused():
    data = bytearray(renamed("PNG"))
    data[60] ^= 0xFF

    message = refusal(pictures.decode_picture, bytes(data))

    assert message == "The picture is incomplete or damaged. Save it again as PNG."


@pytest.mark.parametrize("width, height", [(1, 1), (7, 100), (100, 7), (1, 8_000)])
def test_a_picture_too_small_for_a_digit_is_refused(width, height):
    message = refusal(pictures.decode_picture, png_of(width, height))

    assert message == (
        f"The picture is {width:,} by {height:,} pixels. Expected 8 to 8,000 pixels "
        "a side and at most 12 megapixels."
    )


@pytest.mark.parametrize(
    "decode, width, height",
    [
        (pictures.decode_picture, 8, 8),
        (pictures.decode_picture, 8_000, 8),
        (pictures.decode_canvas, 1_000, 1_000),
    ],
)
def test_the_limits_themselves_are_allowed(decode, width, height):
    assert decode(png_of(width, height)).shape == (height, width, 4)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "decode, width, height",
    [
        (pictures.decode_picture, 8_001, 8),
        (pictures.decode_picture, 4_000, 3_001),
        (pictures.decode_picture, 12_288, 12_288),
        (pictures.decode_picture, 20_480, 20_480),
        (pictures.decode_picture, 2**31 - 1, 2**31 - 1),
        (pictures.decode_canvas, 1_001, 1_000),
        (pictures.decode_canvas, 20_480, 20_480),
    ],
)
def test_a_picture_too_large_is_refused(decode, width, height):
    message = refusal(decode, png_of(width, height))

    assert "pixels. Expected" in message
    assert message.endswith("megapixels.")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [4_000, 8_192, 12_288, 20_480])
def test_a_bomb_is_refused_before_its_pixels_are_decoded(side, monkeypatch):
    def load(self):
        pytest.fail("The pixels were decoded.")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)

    message = refusal(pictures.decode_picture, png_of(side, side))

    assert "pixels. Expected" in message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_bomb_takes_no_memory(tmp_path):
    bomb = tmp_path / "bomb.png"
    Image.new("L", (9_000, 9_000)).save(bomb)  # 80 kB; decoded it would be 81 MB
    script = """
import sys
from pathlib import Path
from mnist_core import pictures
from mnist_core.errors import PictureError

def peak():  # kB
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

before = peak()
try:
    pictures.decode_picture(Path(sys.argv[1]).read_bytes())
except PictureError:
    print(peak() - before)
"""

    done = subprocess.run(
        [sys.executable, "-c", script, bomb],
        capture_output=True,
        cwd=Path(pictures.__file__).parent.parent,
        check=True,
        timeout=60,
    )

    assert int(done.stdout) < 20_000


@pytest.mark.parametrize(
    "decode, num_bytes, limit",
    [
        (pictures.decode_picture, 5 * MEGABYTE, "5 MB"),
        (pictures.decode_canvas, MEGABYTE // 4, "0.25 MB"),
    ],
)
def test_a_file_too_large_is_refused_unopened(decode, num_bytes, limit, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("It was opened."))
    data = renamed("PNG").ljust(num_bytes + 1, b"\0")

    message = refusal(decode, data)

    assert message.endswith(f"is larger than {limit}, the most that can be read.")


def test_a_file_as_large_as_allowed_is_read():
    data = renamed("PNG").ljust(5 * MEGABYTE, b"\0")

    assert pictures.decode_picture(data).shape == (30, 40, 4)


def test_text_that_inflates_is_refused():
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200 * MEGABYTE), 9))

    message = refusal(pictures.decode_picture, png_of(40, 30, chunks=text))

    assert message.startswith("The picture cannot be read.")


def costly_jpeg():
    data = encoded(Image.new("L", (4_000, 3_000)), "JPEG", progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last_scan * 20_000 + b"\xff\xd9"


def costly_exif():
    data = renamed("JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", 18) + b"Exif\0\0" + bytes(10)
    return data[:2] + segment * 200_000 + data[2:]


def costly_profiles():
    content = b"name\0\0" + zlib.compress(bytes(MEGABYTE - 1), 9)
    return png_of(40, 30, chunks=chunk(b"iCCP", content) * 4_000)


@pytest.mark.parametrize("make", [costly_jpeg, costly_exif, costly_profiles])
def test_parts_that_cost_minutes_are_refused_at_once(make):
    data = make()
    start = time.monotonic()

    message = refusal(pictures.decode_picture, data)

    assert "has more than 200 parts of one kind. Save it again as PNG." in message
    assert time.monotonic() - start < 2


@pytest.mark.filterwarnings("ignore")
def test_whatever_the_bytes_are_only_a_picture_error_is_raised():
    rng = np.random.default_rng(0)
    image = Image.fromarray(gradient()).convert("RGB")
    files = [encoded(image, name) for name in ("PNG", "JPEG", "WEBP", "BMP")]
    num_refused = 0

    for trial in range(400):
        data = bytearray(files[trial % len(files)])
        for place in rng.integers(0, min(len(data), 200), 4):
            data[place] = rng.integers(256)
        try:
            pictures.decode_picture(bytes(data))
        except PictureError:
            num_refused += 1

    assert num_refused > 100


def saved(folder, array):
    path = folder / "stack.npy"
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    "shape, expected",
    [
        ((3, 28, 28), (3, 28, 28)),
        ((3, 280, 300, 4), (3, 280, 300, 4)),
        ((28, 28), (1, 28, 28)),
        ((280, 300, 4), (1, 280, 300, 4)),
        ((1, 8, 8), (1, 8, 8)),
        ((4, 4_000, 3_000), (4, 4_000, 3_000)),
    ],
)
def test_a_stack_has_one_drawing_after_another(shape, expected, tmp_path):
    array = np.zeros(shape, np.uint8)
    array.flat[::7] = 255

    stack = pictures.read_stack(saved(tmp_path, array))

    assert stack.shape == expected
    assert np.array_equal(stack.reshape(shape), array)
    assert not stack.flags.writeable


def test_a_stack_in_another_memory_order_is_the_same(tmp_path):
    array = np.asfortranarray(np.stack([gradient()] * 3))

    stack = pictures.read_stack(saved(tmp_path, array))

    assert np.array_equal(drawing.to_mnist(stack[1]), drawing.to_mnist(gradient()))


def test_drawings_of_a_stack_are_prepared_like_any_other(tmp_path):
    rgba = np.zeros((2, 100, 100, 4), np.uint8)
    rgba[:, 20:80, 40:50, 3] = 255

    stack = pictures.read_stack(saved(tmp_path, rgba))

    assert np.array_equal(inking.ink_from_rgba(stack[1]), rgba[1, ..., 3])


def test_a_giant_stack_is_opened_without_being_read(tmp_path):
    path = tmp_path / "giant.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (30_000, 280, 280)).flush()
    start = time.monotonic()

    stack = pictures.read_stack(path)

    assert stack.nbytes > 2e9
    assert not stack[29_999].any()
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    "array, received",
    [
        (np.zeros((3, 28, 28), np.float32), "float32 of shape (3, 28, 28)"),
        (np.zeros((3, 28, 28), bool), "bool of shape (3, 28, 28)"),
        (np.zeros((3, 28, 28), np.int64), "int64 of shape (3, 28, 28)"),
        (np.zeros(784, np.uint8), "uint8 of shape (784,)"),
        (np.zeros((3, 28, 28, 1), np.uint8), "uint8 of shape (3, 28, 28, 1)"),
        (np.zeros((2, 3, 28, 28, 4), np.uint8), "uint8 of shape (2, 3, 28, 28, 4)"),
        (np.uint8(7), "uint8 of shape ()"),
    ],
)
def test_a_stack_of_something_else_is_refused(array, received, tmp_path):
    message = refusal(pictures.read_stack, saved(tmp_path, array))

    assert message == (
        f"stack.npy holds {received}. Expected uint8 of shape (N, H, W) for ink or "
        "(N, H, W, 4) for RGBA."
    )


@pytest.mark.parametrize(
    "shape, complaint",
    [
        ((0, 28, 28), "stack.npy holds 0 drawings. Expected 1 to 100,000."),
        ((100_001, 8, 8), "stack.npy holds 100,001 drawings. Expected 1 to 100,000."),
        ((2, 7, 28), "The picture is 28 by 7 pixels. Expected 8 to 8,000 pixels"),
        ((2, 9, 8_001), "The picture is 8,001 by 9 pixels. Expected 8 to 8,000 pixels"),
        ((1, 4_000, 3_001), "The picture is 3,001 by 4,000 pixels."),
    ],
)
def test_a_stack_outside_the_limits_is_refused(shape, complaint, tmp_path):
    message = refusal(pictures.read_stack, saved(tmp_path, np.zeros(shape, np.uint8)))

    assert message.startswith(complaint)


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("A pickle was opened.",)


def an_archive():
    file = BytesIO()
    np.savez(file, np.zeros((3, 28, 28), np.uint8))
    return file.getvalue()


def objects():
    file = BytesIO()
    np.save(file, np.array([Trap()]), allow_pickle=True)
    return file.getvalue()


def a_stack():
    file = BytesIO()
    np.save(file, np.zeros((3, 28, 28), np.uint8))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(pickle.dumps(Trap()), id="pickle"),
        pytest.param(objects(), id="objects"),
        pytest.param(an_archive(), id="archive"),
        pytest.param(a_stack()[:500], id="half"),
        pytest.param(a_stack()[:20], id="header cut"),
        pytest.param(a_stack().replace(b"(3, 28, 28)", b"(9**9**9,) "), id="power"),
        pytest.param(a_stack().replace(b"(3, 28, 28)", b"(99999999,)"), id="claim"),
        pytest.param(renamed("PNG"), id="PNG"),
    ],
)
def test_a_file_that_is_no_stack_is_refused_and_never_unpickled(data, tmp_path):
    path = tmp_path / "stack.npy"
    path.write_bytes(data)

    message = refusal(pictures.read_stack, path)

    assert message == "stack.npy is not a whole .npy file."


@pytest.mark.parametrize("read", [pictures.read_stack, pictures.read_bytes])
def test_a_file_that_is_not_there_is_named(read, tmp_path):
    path = tmp_path / "gone.npy"

    message = refusal(read, path)

    assert message == f"Cannot read {path}: No such file or directory."


@pytest.mark.parametrize("read", [pictures.read_stack, pictures.read_bytes])
def test_a_folder_is_not_a_file(read, tmp_path):
    assert refusal(read, tmp_path).startswith(f"Cannot read {tmp_path}: ")


def test_no_more_of_a_file_is_read_than_it_takes_to_refuse_it(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(10**10)

    data = pictures.read_bytes(path)

    assert len(data) == 5 * MEGABYTE + 1
    assert "larger than 5 MB" in refusal(pictures.decode_picture, data)
