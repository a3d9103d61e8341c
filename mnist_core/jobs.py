"""Trainings in processes of their own: start, resume, stop, and the queue.

Each run has its process from the moment it is queued. The process holds the
run's lock while it lives, and waits until it is the oldest in the queue and the
one training slot is free. Nobody supervises it: the web server may be killed and
started again, and finds everything in the run's folder.

Most of the wait for a short training would be the import of TensorFlow. So a spare
process can be made ready before anybody presses Start: it imports, tries itself out,
builds what will probably be trained, and becomes the process of the one run whose id
it is told. It is told through a pipe that ends with the server, and so does a spare
that was never needed.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from mnist_core import paths
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.errors import RunError
from mnist_core.runs import Run, RunStore, write_state

POLL = 0.3  # seconds between two looks at the queue
SPARE = "--spare"  # in place of a run's id: it will be told later


@dataclass(slots=True)
class _Spare:
    """A trainer without a run, and the config that it was told to get ready for."""

    process: subprocess.Popen[bytes]
    config: TrainConfig | None = None


_SPARES: dict[Path, _Spare] = {}  # of each folder of runs
_SPARES_LOCK = threading.Lock()


def start(
    store: RunStore, config: TrainConfig, name: str = "", kept: Split | None = None
) -> Run:
    """Queue a new run and start its process; arguments as of `RunStore.create`.

    Raises:
        RunError: As `RunStore.create`.
    """
    return _with_process(store, store.create(config, name, kept))


def prepare(store: RunStore, config: TrainConfig) -> None:
    """Have a spare process get ready to train this config; there is one at most.

    A spare that cannot be started is no error: the run then gets a process of its own.
    """
    with _SPARES_LOCK, contextlib.suppress(OSError):
        spare = _SPARES.get(store.root)
        if spare is None or spare.process.poll() is not None:
            spare = _Spare(_process(store, SPARE, stdin=subprocess.PIPE))
            _SPARES[store.root] = spare
        if config != spare.config:
            _tell(spare, config=config.to_json())
            spare.config = config


def resume(store: RunStore, run_id: str) -> Run:
    """Queue an interrupted run again; it goes on after its last whole epoch.

    Raises:
        RunError: As `RunStore.requeue`.
    """
    return _with_process(store, store.requeue(run_id))


def queue(store: RunStore) -> list[Run]:
    """The runs that wait, in the order in which they will train."""
    waiting = [run for run in store.runs() if run.state == "queued"]
    return sorted(waiting, key=lambda run: (run.since, run.id))


@contextmanager
def turn(
    store: RunStore,
    run: Run,
    should_stop: Callable[[], bool],
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[bool]:
    """Wait for the training slot, and hold it; False if asked to stop before."""
    slot = FileLock(store.root / ".training.lock")
    while not should_stop():
        if _acquired(slot):
            if next(iter(queue(store)), run).id == run.id:
                break
            slot.release()  # an older one is about to look
        on_wait()
        time.sleep(POLL)
    try:
        yield slot.is_locked
    finally:
        slot.release()


def _acquired(slot: FileLock) -> bool:
    try:
        slot.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _with_process(store: RunStore, run: Run) -> Run:
    try:
        _spawn(store, run)
    except OSError as error:
        reason = f"Its process could not be started: {error}."
        write_state(run, "failed", reason)
        raise RunError(reason) from error
    return run


def _spawn(store: RunStore, run: Run) -> None:
    """Give a run its process: the spare one if nothing else trains, or a new one."""
    is_first = all(other.id == run.id for other in store.runs() if other.is_active)
    if is_first and _told_spare(store, run):
        return
    with (run.folder / "log.txt").open("ab") as log:
        _process(store, run.id, output=log)


def _told_spare(store: RunStore, run: Run) -> bool:
    """Tell the spare which run it is for; False if there is none that listens."""
    with _SPARES_LOCK:
        spare = _SPARES.pop(store.root, None)
    if spare is None or spare.process.poll() is not None:
        return False
    try:
        with _pipe(spare):
            _tell(spare, run=run.id)
    except OSError:  # it has just ended
        return False
    return True


def _tell(spare: _Spare, **message: Any) -> None:
    """Send one line, as `trainer` reads it."""
    _pipe(spare).write(json.dumps(message).encode() + b"\n")
    _pipe(spare).flush()


def _pipe(spare: _Spare) -> IO[bytes]:
    if spare.process.stdin is None:
        raise BrokenPipeError("The spare process was started without a pipe.")
    return spare.process.stdin


def _process(
    store: RunStore,
    argument: str,
    *,
    stdin: int = subprocess.DEVNULL,
    output: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a trainer, free of this process's fate."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_core.trainer", argument],
        cwd=paths.REPOSITORY,
        env={**os.environ, "MNIST_SAVED_MODEL_DIR": str(store.root.resolve())},
        start_new_session=True,  # a Ctrl-C for the server is not for it
        stdin=stdin,
        stdout=output,
        stderr=output,
    )
    # Somebody must wait for it, or a dead one stays in the process table.
    threading.Thread(target=process.wait, daemon=True).start()
    return process
