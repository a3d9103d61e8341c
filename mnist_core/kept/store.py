"""The sets on disk: one file each, changed under a lock, within limits."""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mnist_core import paths
from mnist_core.data import Split
from mnist_core.errors import KeptError
from mnist_core.files import whole_file
from mnist_core.kept.drawings import MAX_DRAWINGS, NOTHING, merged
from mnist_core.kept.exchange import MEGABYTE, from_file, to_npz

MAX_SETS = 5_000  # on a server
MAX_BYTES = 500 * MEGABYTE  # of all sets together
IDLE_DAYS = 180  # a set that nobody has used for so long may have to make room
LOCK_TIMEOUT = 10.0  # seconds to wait for a lock that others hold for a moment

DAY = 24 * 60 * 60  # seconds

_ID_BYTES = 16  # drawn by lot: 128 bits, as many as nobody tries out
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def new_id() -> str:
    """An id that nobody can guess: who has it has the set."""
    return secrets.token_urlsafe(_ID_BYTES)


def is_id(text: str) -> bool:
    """Whether a text, perhaps from an address, can be a set's id."""
    return _ID.fullmatch(text) is not None


class KeptStore:
    """The folder of all sets.

    A set of which nobody has kept anything is an empty one, and has no file. The time
    of a file says when its set was last used, to the day. Where there is no room left,
    those that nobody has used for `IDLE_DAYS` make some, the oldest first. Every method
    raises `KeptError` if an id is not one, a file is damaged, or the folder
    cannot be read or written.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or paths.kept_dir()

    def get(self, set_id: str) -> Split:
        """All drawings of a set, in the order in which they were kept."""
        path = self._path(set_id)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return NOTHING
        except OSError as error:
            raise KeptError(f"Your drawings cannot be read: {error}.") from error
        try:
            drawings = from_file(data)
        except KeptError as error:
            raise KeptError(
                "Your drawings cannot be read: their file on the server is damaged. "
                "Delete all, and import them if you have exported them."
            ) from error
        _mark_used(path)
        return drawings

    def stamp(self, set_id: str) -> tuple[int, ...] | None:
        """What changes whenever a set does; None for one that has no file."""
        path = self._path(set_id)
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeptError(f"Your drawings cannot be read: {error}.") from error
        return status.st_mtime_ns, status.st_size, status.st_ino

    def add(self, set_id: str, drawings: Split) -> None:
        """Keep drawings; one that is kept already gets the newer label.

        Raises:
            KeptError: If the set or the server would then hold too much.
        """
        path = self._path(set_id)
        with self._locked():
            together = merged(self.get(set_id), drawings)
            if len(together) > MAX_DRAWINGS:
                raise KeptError(
                    f"That would be {len(together):,} drawings; you can keep "
                    f"{MAX_DRAWINGS:,}. Export them, and delete some or all."
                )
            data = to_npz(together)
            self._make_room(path, len(data))
            _write(path, data)

    def remove(self, set_id: str, image: np.ndarray) -> None:
        """Keep a drawing no more, given its `(28, 28)` uint8 image."""
        path = self._path(set_id)
        with self._locked():
            have = self.get(set_id)
            left = have[(have.images != image).any(axis=(1, 2))]
            if len(left):
                _write(path, to_npz(left))
            else:
                path.unlink(missing_ok=True)

    def delete(self, set_id: str) -> None:
        """Remove a set for good, readable or not."""
        path = self._path(set_id)
        with self._locked():
            path.unlink(missing_ok=True)
            for torn in self.root.glob(f".tmp-*-{path.name}"):  # of a killed process
                torn.unlink(missing_ok=True)

    def _path(self, set_id: str) -> Path:
        if not is_id(set_id):
            raise KeptError("There is no such set of drawings.")
        return self.root / f"{set_id}.npz"

    def _make_room(self, path: Path, num_bytes: int) -> None:
        """Have room for a set of so many bytes; sets that nobody uses give way."""
        others = {
            file: file.stat() for file in self.root.glob("[!.]*.npz") if file != path
        }
        too_many = len(others) + 1 - MAX_SETS
        too_much = num_bytes - MAX_BYTES + sum(it.st_size for it in others.values())
        leaving = []
        for file in sorted(others, key=lambda file: others[file].st_mtime):
            is_idle = others[file].st_mtime < time.time() - IDLE_DAYS * DAY
            if not is_idle or (too_many <= 0 and too_much <= 0):
                break
            leaving.append(file)
            too_many -= 1
            too_much -= others[file].st_size
        if too_many > 0 or too_much > 0:
            raise KeptError(
                "This server keeps as many drawings as it may. Yours was not kept; "
                "tell whoever runs it."
            )
        for file in leaving:
            file.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one tab at a time change the sets, in this process or another."""
        lock = FileLock(
            self.root / ".kept.lock", timeout=LOCK_TIMEOUT, poll_interval=0.005
        )
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with lock:
                yield
        except Timeout as error:
            raise KeptError(
                "Somebody else is keeping drawings. Try again in a moment."
            ) from error
        except OSError as error:
            raise KeptError(f"The drawings cannot be changed: {error}.") from error


def _mark_used(path: Path) -> None:
    """Have a file's time say that it is in use; once a day is enough."""
    with contextlib.suppress(OSError):  # to read it is more than to say so
        if path.stat().st_mtime < time.time() - DAY:
            os.utime(path)


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as temporary:
        temporary.write_bytes(data)
