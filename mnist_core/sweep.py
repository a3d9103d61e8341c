"""Reads a run's changed test images in the background, for as long as it takes.

A minute for 10,000 images, so it is done for who asks only, in a thread of its own that
dies with its process. After each step what is read so far is on disk, and who asks
again goes on from there.
"""

import logging
import threading
from collections.abc import Callable

import numpy as np

from mnist_core.errors import DigitLabError
from mnist_core.robustness import Robustness

_IN_TURN = threading.Lock()  # held for a step: several runs take turns

log = logging.getLogger(__name__)

Read = Callable[[np.ndarray], np.ndarray]


class Sweep:
    """What is read of one run so far, and the thread that reads on, at most one."""

    def __init__(
        self,
        robustness: Robustness,
        images: np.ndarray,
        open_reader: Callable[[], Read],
        save: Callable[[Robustness], None],
    ) -> None:
        """Get ready; nothing is read before `start`.

        Args:
            robustness: What is read already.
            images: `(N, 28, 28)` uint8, all of them, unchanged.
            open_reader: Gives what reads `(n, 28, 28)` uint8 images as `(n, 10)`
                probabilities; it may raise DigitLabError.
            save: Keeps what is read so far; it may raise OSError.
        """
        self._images, self._open_reader, self._save = images, open_reader, save
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.robustness = robustness
        self.error = ""  # why it broke off, in a sentence

    @property
    def is_running(self) -> bool:
        """Whether it reads on just now, or waits for another run's step."""
        return self._thread is not None and self._thread.is_alive()

    def take(self, robustness: Robustness) -> None:
        """Know what another process has read, if that is more."""
        with self._starting:
            if not self.is_running and robustness.num_done > self.robustness.num_done:
                self.robustness = robustness

    def start(self) -> None:
        """Read on; nothing happens if that is done already, or everything is read."""
        with self._starting:
            if self.is_running or self.robustness.is_whole:
                return
            self.error = ""
            self._thread = threading.Thread(
                target=self._run, name="robustness", daemon=True
            )
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but not longer than that."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            read = self._open_reader()
            while not self.robustness.is_whole:
                with _IN_TURN:
                    self.robustness = self.robustness.including_next(self._images, read)
                self._keep()
        except FileNotFoundError:
            self.error = "The run was deleted."
        except DigitLabError as error:
            self.error = str(error)
        except Exception:
            log.exception("A measuring broke off.")
            self.error = (
                "The measuring broke off; the server’s log says why. Press the button "
                "to go on where it was."
            )

    def _keep(self) -> None:
        """What cannot be written, as into a read-only folder, stays in memory."""
        try:
            self._save(self.robustness)
        except FileNotFoundError:
            raise  # its folder is gone: nobody will ask again
        except OSError as error:
            log.warning("What was measured cannot be saved: %s", error)
