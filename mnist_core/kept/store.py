"""The sets of drawings on disk: one file each."""

from pathlib import Path

import numpy as np

from mnist_core import paths
from mnist_core.data import Split
from mnist_core.errors import KeptError
from mnist_core.kept.drawings import MAX_DRAWINGS, NOTHING, merged
from mnist_core.kept.exchange import from_file, to_npz
from mnist_core.kept.folder import Folder, mark_used


class KeptStore:
    """The folder of all sets.

    A set of which nobody has kept anything is an empty one, and has no file. Every
    method raises `KeptError` if an id is not one, a file is damaged, or the folder
    cannot be read or written.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or paths.kept_dir()
        self._folder = Folder(self.root, ".npz")

    def get(self, set_id: str) -> Split:
        """All drawings of a set, in the order in which they were kept."""
        path = self._folder.path(set_id)
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
        mark_used(path)
        return drawings

    def stamp(self, set_id: str) -> tuple[int, ...] | None:
        """What changes whenever a set does; None for one that has no file."""
        path = self._folder.path(set_id)
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
        path = self._folder.path(set_id)
        with self._folder.locked():
            together = merged(self.get(set_id), drawings)
            if len(together) > MAX_DRAWINGS:
                raise KeptError(
                    f"That would be {len(together):,} drawings; you can keep "
                    f"{MAX_DRAWINGS:,}. Export them, and delete some or all."
                )
            self._folder.write(path, to_npz(together))

    def remove(self, set_id: str, image: np.ndarray) -> None:
        """Keep a drawing no more, given its `(28, 28)` uint8 image."""
        path = self._folder.path(set_id)
        with self._folder.locked():
            have = self.get(set_id)
            left = have[(have.images != image).any(axis=(1, 2))]
            if len(left):
                self._folder.write(path, to_npz(left))
            else:
                path.unlink(missing_ok=True)

    def delete(self, set_id: str) -> None:
        """Remove a set for good, readable or not."""
        path = self._folder.path(set_id)
        with self._folder.locked():
            self._folder.delete(path)
