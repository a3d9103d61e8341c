"""Files that visitors have on a server: named by an id, under a lock, within limits."""

import contextlib
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.errors import KeptError
from mnist_core.files import whole_file
from mnist_core.kept.exchange import MEGABYTE

MAX_SETS = 5_000  # files of one kind on a server
MAX_BYTES = 500 * MEGABYTE  # of all files of one kind together
IDLE_DAYS = 180  # a file that nobody has used for so long may have to make room
LOCK_TIMEOUT = 10.0  # seconds to wait for a lock that others hold for a moment

DAY = 24 * 60 * 60  # seconds

log = logging.getLogger(__name__)

_ID_BYTES = 16  # drawn by lot: 128 bits, as many as nobody tries out
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def new_id() -> str:
    """An id that nobody can guess: who has it has the set."""
    return secrets.token_urlsafe(_ID_BYTES)


def is_id(text: str) -> bool:
    """Whether a text, perhaps from an address, can be a set's id."""
    return _ID.fullmatch(text) is not None


class Folder:
    """The files of one kind, one for each set.

    The time of a file says when it was last used, to the day. Where there is no room
    left, those that nobody has used for `IDLE_DAYS` make some, the oldest first.
    """

    def __init__(self, root: Path, suffix: str) -> None:
        """The files in `root` whose names are an id and this suffix."""
        self.root, self._suffix = root, suffix

    def path(self, set_id: str) -> Path:
        """Where a set's file is, or would be.

        Raises:
            KeptError: If that is no id.
        """
        if not is_id(set_id):
            raise KeptError("There is no such set of drawings.")
        return self.root / f"{set_id}{self._suffix}"

    def write(self, path: Path, data: bytes) -> None:
        """Have a file hold this, whole or not at all; to be called while `locked`.

        Raises:
            KeptError: If there is no room left.
            OSError: If it cannot be written.
        """
        self._make_room(path, len(data))
        with whole_file(path) as temporary:
            temporary.write_bytes(data)

    def delete(self, path: Path) -> None:
        """Have a file be gone, if there is one; to be called while `locked`."""
        path.unlink(missing_ok=True)
        for torn in self.root.glob(f".tmp-*-{path.name}"):  # of a killed process
            torn.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one tab at a time change files, in this process or another.

        Raises:
            KeptError: If that takes long, or the folder cannot be written.
        """
        lock = FileLock(
            self.root / ".kept.lock", timeout=LOCK_TIMEOUT, poll_interval=0.005
        )
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with lock:
                yield
        except Timeout as error:
            raise KeptError(
                "Somebody else is keeping something. Try again in a moment."
            ) from error
        except OSError as error:
            log.warning("What visitors keep cannot be changed: %s", error)
            raise KeptError(
                "What you keep cannot be changed: the server cannot write it. Tell "
                "whoever runs it."
            ) from error

    def _make_room(self, path: Path, num_bytes: int) -> None:
        """Have room for a file of so many bytes; those that nobody uses give way."""
        others = {
            file: file.stat()
            for file in self.root.glob(f"[!.]*{self._suffix}")
            if file != path
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
                "This server keeps as much as it may. Nothing was changed; tell "
                "whoever runs it."
            )
        for file in leaving:
            file.unlink(missing_ok=True)


def mark_used(path: Path) -> None:
    """Have a file's time say that it is in use; once a day is enough."""
    with contextlib.suppress(OSError):  # to read it is more than to say so
        if path.stat().st_mtime < time.time() - DAY:
            os.utime(path)
