"""Stars: images that a visitor has marked, each with a note.

They go by what an image shows, so a digit has its star wherever it appears: in another
run's train split, too, where it has another index.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mnist_core import paths
from mnist_core.errors import KeptError
from mnist_core.files import parse_json
from mnist_core.kept.drawings import fingerprint
from mnist_core.kept.folder import Folder, mark_used

MAX_STARS = 500  # of a visitor
MAX_NOTE = 200  # characters

Stars = Mapping[bytes, str]  # the note, perhaps "", by an image's fingerprint


class StarStore:
    """The stars of all visitors, a file for each.

    Every method raises `KeptError` if an id is not one, a file is damaged, or the
    folder cannot be read or written.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._folder = Folder(root or paths.kept_dir(), ".stars.json")

    def get(self, set_id: str) -> Stars:
        """All stars of a visitor, in the order in which they were given."""
        path = self._folder.path(set_id)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeptError(f"Your stars cannot be read: {error}.") from error
        mark_used(path)
        return _parsed(data)

    def put(self, set_id: str, image: np.ndarray, note: str) -> None:
        """Give a `(28, 28)` uint8 image a star, or its star another note.

        Raises:
            KeptError: If that would be too many, or the note is too long.
        """
        if len(note) > MAX_NOTE:
            raise KeptError(
                f"A note has at most {MAX_NOTE} characters. Received: {len(note):,}."
            )
        with self._folder.locked():
            stars = {**self.get(set_id), fingerprint(image): note}
            if len(stars) > MAX_STARS:
                raise KeptError(
                    f"You can star {MAX_STARS} digits. Take the star off another one."
                )
            self._write(set_id, stars)

    def remove(self, set_id: str, image: np.ndarray) -> None:
        """Take a star off an image, if it has one."""
        with self._folder.locked():
            stars = dict(self.get(set_id))
            stars.pop(fingerprint(image), None)
            self._write(set_id, stars)

    def delete(self, set_id: str) -> None:
        """Remove all stars of a visitor, readable or not."""
        path = self._folder.path(set_id)
        with self._folder.locked():
            self._folder.delete(path)

    def _write(self, set_id: str, stars: Stars) -> None:
        path = self._folder.path(set_id)
        if not stars:
            self._folder.delete(path)
            return
        rows = {mark.hex(): note for mark, note in stars.items()}
        self._folder.write(path, json.dumps(rows).encode())


def starred(images: np.ndarray, stars: Stars) -> np.ndarray:
    """`(n,)` int, which of `(N, 28, 28)` uint8 images have a star, in order."""
    return np.array([n for n, it in enumerate(images) if fingerprint(it) in stars], int)


def _parsed(data: bytes) -> Stars:
    try:
        rows = parse_json(data)
        stars = {bytes.fromhex(mark): note for mark, note in rows.items()}
        if not all(isinstance(note, str) for note in stars.values()):
            raise TypeError("A note is not text.")
    except (ValueError, TypeError, AttributeError) as error:
        raise KeptError(
            "Your stars cannot be read: their file on the server is damaged. On the "
            "page Draw, under “Your digits”, delete all that you keep."
        ) from error
    return stars
