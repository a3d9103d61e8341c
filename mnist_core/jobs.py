"""Trainings in processes of their own: start, resume, stop, and the queue.

Each run has its process from the moment it is queued. The process holds the
run's lock while it lives, and waits until it is the oldest in the queue and the
one training slot is free. Nobody supervises it: the web server may be killed and
started again, and finds everything in the run's folder.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from mnist_core import paths
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError
from mnist_core.runs import Run, RunStore, write_state

POLL = 0.3  # seconds between two looks at the queue


def start(store: RunStore, config: TrainConfig, name: str = "") -> Run:
    """Queue a new run and start its process.

    Raises:
        RunError: As `RunStore.create`.
    """
    return _with_process(store, store.create(config, name))


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
def turn(store: RunStore, run: Run, should_stop: Callable[[], bool]) -> Iterator[bool]:
    """Wait for the training slot, and hold it; False if asked to stop before."""
    slot = FileLock(store.root / ".training.lock")
    while not should_stop():
        if _acquired(slot):
            if queue(store)[0].id == run.id:
                break
            slot.release()  # an older one is about to look
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
    """Start a run's process, free of this one's fate."""
    with (run.folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mnist_core.trainer", run.id],
            cwd=paths.REPOSITORY,
            env={**os.environ, "MNIST_SAVED_MODEL_DIR": str(store.root.resolve())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C for the server is not for it
        )
    # Somebody must wait for it, or a dead one stays in the process table.
    threading.Thread(target=process.wait, daemon=True).start()
