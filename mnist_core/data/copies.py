"""Reading a copy of MNIST from disk, and proof that it is MNIST."""

import gzip
import hashlib
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mnist_core.errors import DatasetError
from mnist_core.files import DAMAGED

Arrays = dict[str, np.ndarray]  # by Keras's names: x is images, y is labels

DIGESTS = {  # SHA-256 of the bytes, C order
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
NAMES = tuple(DIGESTS)

_IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_IDX_MAGIC = (b"\x00\x00\x08\x01", b"\x00\x00\x08\x03")  # bytes; 1 or 3 dimensions


def read(path: Path, names: Iterable[str]) -> Arrays:
    """Read and verify some arrays of a copy of MNIST; the others stay on disk.

    Args:
        path: A `.npz` as Keras stores it, or a folder with the four IDX files.
        names: Keys of `DIGESTS`.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        DatasetError: If it cannot be read or is not MNIST.
    """
    try:
        arrays = _read_idx(path, names) if path.is_dir() else _read_npz(path, names)
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise DatasetError(f"{path} cannot be opened: {error.strerror}.") from error
    except DAMAGED as error:
        raise DatasetError(f"{path} is damaged or of another format.") from error
    return verified(arrays, origin=str(path))


def verified(arrays: Arrays, *, origin: str) -> Arrays:
    """Give back the arrays, C-contiguous, if they are MNIST to the last bit.

    Raises:
        DatasetError: If they are not; it names the array and its `origin`.
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in contiguous.items():
        problem = _problem(name, array)
        if problem:
            raise DatasetError(f"{name} of {origin} {problem}.")
    return contiguous


def _read_npz(path: Path, names: Iterable[str]) -> Arrays:
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise zipfile.BadZipFile
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in names if name not in arrays]
            if missing:
                raise DatasetError(f"{path} has no {missing[0]}.")
            return {name: arrays[name] for name in names}


def _read_idx(folder: Path, names: Iterable[str]) -> Arrays:
    return {name: _idx_array(_idx_path(folder, name)) for name in names}


def _idx_path(folder: Path, name: str) -> Path:
    usual = _IDX_FILES[name]
    for stem in (usual, usual.replace("-idx", ".idx")):
        for path in (folder / stem, folder / f"{stem}.gz"):
            if path.is_file():
                return path
    raise DatasetError(f"{folder} has neither {usual} nor {usual}.gz.")


def _idx_array(path: Path) -> np.ndarray:
    """The uint8 array in an IDX file: 0, 0, type 8, dimensions, sizes, bytes."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):  # by content: some browsers unpack, keep .gz
        data = gzip.decompress(data)
    if data[:4] not in _IDX_MAGIC:
        raise ValueError(f"{path} does not begin as MNIST's IDX files do.")
    num_dimensions = data[3]
    shape = struct.unpack_from(f">{num_dimensions}I", data, offset=4)
    offset = 4 + 4 * num_dimensions
    return np.frombuffer(data, np.uint8, offset=offset).reshape(shape)


def _problem(name: str, array: np.ndarray) -> str | None:
    """What is wrong with one of MNIST's arrays, as the end of a sentence."""
    holds_labels = name.startswith("y")
    expected = array.shape[:1] if holds_labels else (*array.shape[:1], 28, 28)
    if array.ndim == 0 or array.shape != expected or array.dtype != np.uint8:
        wanted = "(N,)" if holds_labels else "(N, 28, 28)"
        return f"must be {wanted} uint8 but is {array.shape} {array.dtype}"
    if holds_labels and array.max(initial=0) > 9:
        return f"must be digits from 0 to 9 but goes up to {array.max()}"
    if hashlib.sha256(array.reshape(-1).data).hexdigest() != DIGESTS[name]:
        return "is not the original: its SHA-256 digest differs"
    return None
