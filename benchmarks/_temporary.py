"""A place for a script's runs that nothing survives."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for a while.

    SIGTERM ends the block as Ctrl-C does: whoever started a process in there gets
    the chance to end it.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with TemporaryDirectory(
            prefix="digit-lab-", ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    finally:
        signal.signal(signal.SIGTERM, before)
