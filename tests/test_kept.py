"""What visitors keep: on disk, in files from anywhere, and divided for teaching."""

import io
import os
import re
import subprocess
import sys
import time
import zipfile
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from mnist_core import kept, paths, styles
from mnist_core.data import Split
from mnist_core.errors import KeptError
from mnist_core.kept import KeptStore, exchange
from mnist_core.kept import folder as kept_folder

# Keeps 25 drawings of a set, one by one. argv: the folder, the set, which hundred.
KEEPING = """\
import sys
from pathlib import Path
import numpy as np
from mnist_core import kept

store = kept.KeptStore(Path(sys.argv[1]))
for number in range(25):
    image = np.full((28, 28), 100 * int(sys.argv[3]) + number, np.uint8)
    store.add(sys.argv[2], kept.single(image, number % 10))
"""


def drawings(num, *, seed=0):
    generator = np.random.default_rng(seed)
    return Split(
        generator.integers(0, 256, (num, 28, 28), dtype=np.uint8),
        np.arange(num, dtype=np.uint8) % 10,
    )


def assert_same(one, other):
    assert_array_equal(one.images, other.images)
    assert_array_equal(one.labels, other.labels)


@pytest.fixture
def store(tmp_path):
    return KeptStore(tmp_path / "kept")


@pytest.fixture
def set_id():
    return kept.new_id()


# Ids


def test_an_id_is_long_and_never_the_same():
    ids = {kept.new_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(kept.is_id(each) for each in ids)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a" * 21, "a" * 23, "../" + "a" * 19, "a" * 21 + "/", "a" * 21 + "\n",
     "é" * 22, "a" * 21 + ".", "\0" * 22, "a" * 22 + "\n", "a" * 100_000],
    ids=lambda text: ascii(text[:24]),
)  # fmt: skip
def test_what_is_no_id_is_never_a_path(store, tmp_path, text):
    assert not kept.is_id(text)
    for act in (
        store.get,
        store.delete,
        lambda each: store.add(each, drawings(1)),
        lambda each: store.remove(each, drawings(1).images[0]),
    ):
        with pytest.raises(KeptError, match="There is no such set"):
            act(text)
    assert list(tmp_path.iterdir()) == []


# The store


def test_nothing_is_on_disk_before_something_is_kept(store, set_id):
    assert len(store.get(set_id)) == 0
    assert not store.root.exists()


def test_what_is_kept_is_read_back_in_its_order(store, set_id):
    first, second = drawings(3, seed=1), drawings(4, seed=2)

    store.add(set_id, first)
    store.add(set_id, second)

    assert_same(store.get(set_id), first + second)
    assert [path.name for path in store.root.glob("*.npz")] == [f"{set_id}.npz"]


def test_the_same_drawing_is_kept_once_with_its_last_label(store, set_id):
    image = drawings(1).images[0]
    store.add(set_id, kept.single(image, 3))
    store.add(set_id, drawings(2, seed=5))

    store.add(set_id, kept.single(image, 8))

    found = store.get(set_id)
    assert len(found) == 3
    assert kept.labels(found)[kept.fingerprint(image)] == found.labels[0] == 8


def test_a_drawing_is_removed_and_the_last_one_takes_the_file_along(store, set_id):
    two = drawings(2)
    store.add(set_id, two)

    store.remove(set_id, two.images[0])
    assert_same(store.get(set_id), two[1:])
    assert kept.fingerprint(two.images[0]) not in kept.labels(store.get(set_id))

    store.remove(set_id, two.images[1])
    assert list(store.root.glob("*.npz")) == []


def test_all_can_be_deleted_and_nobody_else_loses_anything(store, set_id):
    other = kept.new_id()
    store.add(set_id, drawings(5))
    store.add(other, drawings(2))
    (store.root / f".tmp-1-1-{set_id}.npz").write_bytes(b"of a killed process")

    store.delete(set_id)
    store.delete(set_id)

    assert len(store.get(set_id)) == 0
    assert not [path for path in store.root.iterdir() if set_id in path.name]
    assert len(store.get(other)) == 2


def test_two_processes_at_once_lose_nothing(store, set_id):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", KEEPING, str(store.root), set_id, str(which)],
            cwd=paths.REPOSITORY,
        )
        for which in range(2)
    ]

    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(store.get(set_id)) == 50


def test_a_set_has_an_end_and_keeps_what_it_has(store, set_id):
    store.add(set_id, drawings(kept.MAX_DRAWINGS))

    with pytest.raises(KeptError, match=r"That would be 2,001 .* you can keep 2,000"):
        store.add(set_id, drawings(1, seed=1))

    assert len(store.get(set_id)) == kept.MAX_DRAWINGS


@pytest.mark.parametrize("limit", ["MAX_SETS", "MAX_BYTES"])
def test_a_full_server_keeps_no_more_and_says_so(store, set_id, monkeypatch, limit):
    store.add(set_id, drawings(1))
    monkeypatch.setattr(kept_folder, limit, 1)

    with pytest.raises(KeptError, match="This server keeps as much as it may"):
        store.add(kept.new_id(), drawings(1))

    assert len(list(store.root.glob("*.npz"))) == 1


def test_a_full_server_still_takes_more_of_a_set_that_it_has(
    store, set_id, monkeypatch
):
    store.add(set_id, drawings(1))
    monkeypatch.setattr(kept_folder, "MAX_SETS", 1)

    store.add(set_id, drawings(1, seed=1))

    assert len(store.get(set_id)) == 2


def unused(store, set_id, *, days):
    """Have a set be one that nobody has used for so long."""
    then = time.time() - days * kept.DAY
    os.utime(store.root / f"{set_id}.npz", (then, then))


@pytest.mark.parametrize("limit", ["MAX_SETS", "MAX_BYTES"])
def test_on_a_full_server_what_was_unused_the_longest_makes_room(
    store, monkeypatch, limit
):
    oldest, old, used = (kept.new_id() for _ in range(3))
    for number, set_id in enumerate((used, oldest, old)):
        store.add(set_id, drawings(5, seed=number))
    unused(store, oldest, days=kept.IDLE_DAYS + 2)
    unused(store, old, days=kept.IDLE_DAYS + 1)
    size = sum(file.stat().st_size for file in store.root.glob("*.npz"))
    monkeypatch.setattr(kept_folder, limit, 3 if limit == "MAX_SETS" else size)

    store.add(kept.new_id(), drawings(1))

    assert store.stamp(oldest) is None
    assert len(store.get(old)) == len(store.get(used)) == 5


def test_a_full_server_deletes_nothing_that_would_not_be_enough(store, monkeypatch):
    old = kept.new_id()
    store.add(old, drawings(1))
    unused(store, old, days=kept.IDLE_DAYS + 1)
    monkeypatch.setattr(kept_folder, "MAX_BYTES", 100)

    with pytest.raises(KeptError, match="This server keeps as much as it may"):
        store.add(kept.new_id(), drawings(50))

    assert len(store.get(old)) == 1


def test_a_set_that_is_looked_at_is_in_use(store, set_id, monkeypatch):
    store.add(set_id, drawings(1))
    unused(store, set_id, days=kept.IDLE_DAYS + 1)
    monkeypatch.setattr(kept_folder, "MAX_SETS", 1)

    store.get(set_id)

    with pytest.raises(KeptError, match="This server keeps as much as it may"):
        store.add(kept.new_id(), drawings(1))


def test_the_stamp_of_a_set_changes_with_it(store, set_id):
    stamps = [store.stamp(set_id)]
    for number in range(3):
        store.add(set_id, drawings(1, seed=number))
        stamps.append(store.stamp(set_id))

    assert stamps[0] is None
    assert len(set(stamps)) == 4
    assert store.stamp(set_id) == stamps[-1]


def test_a_damaged_set_is_said_to_be_so_and_can_be_deleted(store, set_id):
    store.add(set_id, drawings(3))
    path = store.root / f"{set_id}.npz"
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(KeptError, match="their file on the server is damaged"):
        store.get(set_id)

    store.delete(set_id)
    assert len(store.get(set_id)) == 0


def test_a_folder_that_cannot_be_written_is_told(store, set_id):
    store.root.write_text("a file in its place")

    with pytest.raises(KeptError, match="What you keep cannot be changed"):
        store.add(set_id, drawings(1))


def test_a_write_that_fails_leaves_what_was_there(store, set_id, monkeypatch):
    store.add(set_id, drawings(1))

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_folder.Path, "write_bytes", full)
    with pytest.raises(KeptError, match="the server cannot write it"):
        store.add(set_id, drawings(5, seed=1))

    monkeypatch.undo()
    assert len(KeptStore(store.root).get(set_id)) == 1
    assert list(store.root.glob(".tmp-*")) == []


# Files


@pytest.mark.parametrize("written", [kept.to_npz, kept.to_pngs])
@pytest.mark.parametrize("num", [1, 23, kept.MAX_DRAWINGS])
def test_what_goes_out_comes_in_as_it_was(written, num):
    whole = drawings(num)

    data = written(whole)

    assert_same(kept.from_file(data), whole)
    assert len(data) <= kept.MAX_FILE


def test_a_file_opens_in_plain_numpy():
    whole = drawings(12)

    with np.load(io.BytesIO(kept.to_npz(whole)), allow_pickle=False) as arrays:
        assert_array_equal(arrays["images"], whole.images)
        assert_array_equal(arrays["labels"], whole.labels)


def test_pngs_are_named_by_number_and_label_and_look_as_mnist_does():
    whole = drawings(12)

    with zipfile.ZipFile(io.BytesIO(kept.to_pngs(whole))) as archive:
        assert archive.namelist()[10:] == ["0011-label-0.png", "0012-label-1.png"]
        picture = Image.open(io.BytesIO(archive.read("0011-label-0.png")))
        assert_array_equal(np.asarray(picture), whole.images[10])


def test_a_zip_that_a_person_packed_again_comes_in():
    whole = drawings(3)
    with zipfile.ZipFile(io.BytesIO(kept.to_pngs(whole))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    packed = {f"my digits/{name}": data for name, data in files.items()}
    extras = {
        "my digits/": b"",
        "__MACOSX/my digits/._0001-label-0.png": b"not a picture",
        "my digits/notes.txt": b"hello",
    }

    assert_same(kept.from_file(zipped(extras | packed)), whole)


@pytest.mark.parametrize("dtype", ["int64", "uint8", ">i4", "uint16"])
def test_labels_of_any_whole_type_come_in(dtype):
    whole = drawings(12)

    assert_same(kept.from_file(npz(labels=whole.labels.astype(dtype))), whole)


def test_images_in_another_memory_order_come_in():
    whole = drawings(12)

    assert_same(kept.from_file(npz(images=np.asfortranarray(whole.images))), whole)


def test_of_a_drawing_that_is_twice_in_a_file_the_last_label_counts():
    image = drawings(1).images[0]
    images = np.array([image, image])

    found = kept.from_file(npz(images=images, labels=np.array([4, 9])))

    assert_same(found, kept.single(image, 9))


def npz(**changed):
    whole = drawings(12)
    buffer = io.BytesIO()
    arrays = {"images": whole.images, "labels": whole.labels} | changed
    np.savez(
        buffer, **{name: value for name, value in arrays.items() if value is not None}
    )
    return buffer.getvalue()


def zipped(files, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(shape, descr="|u1", data=b""):
    """A `.npy` that claims this shape."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(118) + "\n"
    size = len(header).to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + size + header.encode() + data


def lying_zip():
    """A member that claims a hundred bytes and unpacks to a hundred megabytes."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(bytes(100 * 2**20)) + packed.flush()
    data = bytearray(zipped({"images.npy": bytes(100), "labels.npy": bytes(10)}))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        info = archive.getinfo("images.npy")
    start = 30 + len("images.npy")
    honest = info.compress_size
    data[start : start + honest] = body
    moved = len(body) - honest
    for place in (18, data.index(b"PK\x01\x02") + 20):
        data[place : place + 4] = len(body).to_bytes(4, "little")
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    for place in (second + 42, data.index(b"PK\x05\x06") + 16):
        old = int.from_bytes(data[place : place + 4], "little")
        data[place : place + 4] = (old + moved).to_bytes(4, "little")
    return bytes(data)


def png(width, height):
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


HOSTILE = {
    "nothing": (b"", "damaged or of another format"),
    "text": (b"hello", "damaged or of another format"),
    "a pickle": (b"\x80\x04K\x01.", "damaged or of another format"),
    "truncated": (npz()[:3000], "damaged or of another format"),
    "a flipped bit": (
        npz()[:2000] + bytes([npz()[2000] ^ 1]) + npz()[2001:],
        "damaged or of another format",
    ),
    "too many bytes": (bytes(kept.MAX_FILE + 1), "The file is too large"),
    "a million members": (exchange._MEMBER * 5_000, "The file is too large"),
    "a zip bomb": (
        zipped({"images.npy": bytes(50 * 2**20), "labels.npy": b""}),
        "unpacks to 50 MB. Expected at most 8",
    ),
    "a member that lies": (lying_zip(), "damaged or of another format"),
    "a claim of a terabyte": (
        zipped({"images.npy": npy((10**9, 28, 28)), "labels.npy": npy((10**9,))}),
        "holds 1,000,000,000 drawings",
    ),
    "less than it claims": (
        zipped({"images.npy": npy((2, 28, 28)), "labels.npy": npy((2,), data=b"\1\2")}),
        "damaged or of another format",
    ),
    "a negative number": (
        zipped({"images.npy": npy((-1, 28, 28)), "labels.npy": npy((-1,))}),
        "holds -1 drawings",
    ),
    "a header that is code": (
        zipped({"images.npy": npy("__import__('os')"), "labels.npy": npy((1,))}),
        "damaged or of another format",
    ),
    "objects": (
        npz(images=np.array([{}, []], object)),
        r"`images` must be \(N, 28, 28\) uint8. Received: \(2,\) object",
    ),
    "objects as labels": (npz(labels=np.array([None] * 12)), "`labels` must be"),
    "floats": (npz(images=drawings(12).images / 255), "Received: .* float64"),
    "NaN as labels": (npz(labels=np.full(12, np.nan)), "`labels` must be"),
    "another size": (npz(images=np.zeros((12, 32, 32), np.uint8)), "`images` must be"),
    "colours": (npz(images=np.zeros((12, 28, 28, 3), np.uint8)), "`images` must be"),
    "a column of labels": (npz(labels=np.zeros((12, 1), int)), "`labels` must be"),
    "a label of 12": (npz(labels=np.arange(1, 13)), "0 to 9. Received: 10"),
    "a label below 0": (npz(labels=np.arange(-1, 11)), "0 to 9. Received: -1"),
    "a label too few": (npz(labels=np.arange(10)), "12 images and 10 labels"),
    "no labels": (npz(labels=None), "holds 0 drawings"),
    "none at all": (
        npz(images=np.zeros((0, 28, 28), np.uint8), labels=np.zeros(0, int)),
        "holds 0 drawings",
    ),
    "one too many": (
        npz(images=drawings(2001).images, labels=drawings(2001).labels),
        "holds 2,001 drawings",
    ),
    "another packing": (
        zipped({"images.npy": b"", "labels.npy": b""}, zipfile.ZIP_LZMA),
        "packed in an unusual way",
    ),
    "an empty zip": (zipped({}), "holds 0 drawings"),
    "a zip of other things": (zipped({"a.png": png(28, 28)}), "holds 0 drawings"),
    "a path upwards": (zipped({"../../0001-label-3.txt": b""}), "holds 0 drawings"),
    "a large picture": (
        zipped({"0001-label-3.png": png(280, 280)}),
        "'0001-label-3.png' is 280 by 280 pixels. Expected 28 by 28",
    ),
    "a picture bomb": (
        zipped({"0001-label-3.png": png(9000, 9000)}),
        "9,000 by 9,000 pixels",
    ),
    "no picture": (zipped({"0001-label-3.png": b"hello"}), "cannot be read"),
    "no digit": (zipped({"0001-label-x.png": png(28, 28)}), "holds 0 drawings"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_sentence(name):
    data, sentence = HOSTILE[name]

    with pytest.raises((KeptError, exchange.PictureError)) as caught:
        kept.from_file(data)

    assert re.search(sentence, str(caught.value)), caught.value
    assert len(str(caught.value)) < 250


# As values


def test_about_a_fifth_is_held_out_and_a_fifth_of_each_digit():
    whole = styles.written(1_000, seed=7)

    held = kept.held_out(whole.images)

    assert held.dtype == bool
    assert held.mean() == pytest.approx(0.2, abs=0.04)
    for digit in (0, 1, 7):
        assert held[whole.labels == digit].mean() == pytest.approx(0.2, abs=0.08)


def test_whatever_becomes_of_other_drawings_one_stays_taught_or_held_out():
    whole = styles.written(200, seed=7)
    held = kept.held_out(whole.images)
    generator = np.random.default_rng(0)

    for _ in range(50):
        some = generator.permutation(200)[: generator.integers(1, 200)]
        assert_array_equal(kept.held_out(whole.images[some]), held[some], strict=True)


def test_another_label_or_a_file_changes_nothing_of_what_is_held_out():
    whole = styles.written(60, seed=7)
    relabelled = kept.merged(whole, Split(whole.images, (whole.labels + 1) % 10))

    for other in (relabelled, kept.from_file(kept.to_pngs(whole))):
        assert_array_equal(kept.held_out(other.images), kept.held_out(whole.images))


def test_of_nothing_nothing_is_held_out():
    assert kept.held_out(kept.NOTHING.images).shape == (0,)


def test_drawings_are_repeated_until_there_are_enough():
    three = drawings(3)

    assert kept.repeated(three, 7).labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert len(kept.repeated(kept.NOTHING, 0)) == 0


def test_another_label_is_another_set():
    image = drawings(1).images[0]

    assert kept.digest(kept.single(image, 1)) != kept.digest(kept.single(image, 2))


@pytest.mark.parametrize("part", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_picture_of_an_archive_may_not_hold_what_is_costly_a_thousand_times(part):
    whole = styles.written(1, seed=7)
    with zipfile.ZipFile(io.BytesIO(kept.to_pngs(whole))) as archive:
        name = archive.namelist()[0]
        data = archive.read(name)

    with pytest.raises(KeptError, match="holds more than a picture"):
        kept.from_file(zipped({name: data + part}))
