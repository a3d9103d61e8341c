"""What is a digit and what is none: the examples that every run learns it from.

Drawing them takes some seconds, and they are the same for all runs of the same data;
so they are kept beside MNIST, under a digest of the data and of the code that draws.
"""

import hashlib
import inspect
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import PIL

from mnist_core import drawing, impostors, inking, paths, pens, styles
from mnist_core.data import Mnist
from mnist_core.files import DAMAGED, whole_file

# Images that teach a run what is a digit: of MNIST, and as many of other pens; zeros
# with a slash; styles; and what is none. Twice as many do little good.
NUM_DIGITS, NUM_SLASHED, NUM_STYLED, NUM_IMPOSTORS = 3_000, 600, 300, 3_000
NUM_HELD_OUT = 3_000  # validation digits of other pens
# What draws, as it was imported: a training may outlive a change of the code.
_CODE = "".join(
    [np.__version__, PIL.__version__]
    + [inspect.getsource(it) for it in (drawing, impostors, inking, pens, styles)]
    + [Path(__file__).read_text(encoding="utf-8")]
).encode()
MAX_KEPT = 8  # files of 3 MB: those of the data that was used last


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """The same for every run of the same data.

    Attributes:
        digits: `(N, 28, 28)` uint8, MNIST's, those of other pens and styles.
        impostors: `(M, 28, 28)` uint8.
        held_out: `(K, 28, 28)` uint8, validation digits of other pens.
    """

    digits: np.ndarray
    impostors: np.ndarray
    held_out: np.ndarray


@lru_cache(maxsize=1)  # where they cannot be kept, a spare trainer still draws ahead
def of(mnist: Mnist) -> Examples:
    """The examples of some data: read if they were drawn before, else some seconds."""
    found = drawn_before(mnist)
    if found is None:
        found = _drawn(mnist)
        # A disk that is full or read-only; or the user has no home, so no cache.
        with suppress(OSError, RuntimeError):
            _keep(_path(mnist), found)
    return found


def drawn_before(mnist: Mnist) -> Examples | None:
    """The examples of some data, or None if they must be drawn."""
    try:
        return _read(_path(mnist))
    except RuntimeError:  # the user has no home
        return None


def _path(mnist: Mnist) -> Path:
    return paths.examples_dir() / f"{_digest(mnist)}.npz"


def _read(path: Path) -> Examples | None:
    """What was drawn before, if it is there and whole."""
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            found = Examples(*(arrays[field.name] for field in fields(Examples)))
    except (LookupError, *DAMAGED):
        return None
    with suppress(OSError):  # somebody else's file
        path.touch()  # the time of a file says when it was last used
    return found


def _drawn(mnist: Mnist) -> Examples:
    train = mnist.train[:NUM_DIGITS]
    zeros = mnist.train.images[mnist.train.labels == 0][:NUM_SLASHED]
    zeros = pens.slashed(zeros, seed=0)
    digits = [
        train.images,
        pens.rewritten(train.images, seed=0),
        zeros,
        pens.rewritten(zeros, seed=1),
        styles.written(NUM_STYLED, seed=0).images,
    ]
    return Examples(
        digits=np.concatenate(digits),
        impostors=impostors.made(NUM_IMPOSTORS, mnist.train, seed=0),
        held_out=pens.rewritten(mnist.validation.images[:NUM_HELD_OUT], seed=2),
    )


def _digest(mnist: Mnist) -> str:
    """Of all that they depend on: another one, and they are drawn anew."""
    digest = hashlib.sha256(_CODE)
    for split in (mnist.train, mnist.validation[:NUM_HELD_OUT]):
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()


def _keep(path: Path, examples: Examples) -> None:
    """Write them, and remove all but the files that were used last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **asdict(examples))
    kept = sorted(path.parent.glob("*.npz"), key=lambda it: it.stat().st_mtime)
    for oldest in kept[:-MAX_KEPT]:
        oldest.unlink(missing_ok=True)
