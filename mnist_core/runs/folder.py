"""The folder of one run: written, read, and asked whether its trainer lives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard, get_args

from filelock import FileLock, Timeout

from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.errors import DatasetError, DigitLabError, RunError
from mnist_core.files import read_json, whole_file, write_json
from mnist_core.kept import to_npz
from mnist_core.runs.run import (
    KEPT_FILE,
    Result,
    Run,
    State,
    UnreadableRun,
    checked_name,
    checked_note,
)

RUN_VERSION = 1  # of the folder's form
STARTING = 60.0  # seconds in which the process of a queued run must have taken its lock
LOCK_TIMEOUT = 10.0  # seconds to wait for a lock that others hold for a moment
RESULT_FILES = ("model.keras", "twin.tflite", "predictions.npz", "novelty.npz")

_PARSED_FILES = ("run.json", "about.json", "state.json", "result.json")
_LOOKING = threading.Lock()  # spares threads the file lock's polling


def write_state(
    run: Run, state: State, reason: str = "", *, since: datetime | None = None
) -> None:
    """Record where a run is: a trainer does so, or who puts the run into the queue."""
    write_json(run.folder / "state.json", _state(state, reason, since))


@contextmanager
def trainer_lock(run: Run) -> Iterator[None]:
    """Hold what a run's trainer holds while it lives.

    Nobody looks in between: a lock's file is there a moment before it is locked, and
    would be taken for what a dead trainer left.

    Raises:
        OSError: If the folder cannot be written.
        Timeout: If another trainer has it.
    """
    lock = FileLock(run.folder / "lock", timeout=0, thread_local=False)
    with looking(run.folder.parent):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_new(
    folder: Path, config: TrainConfig, name: str, since: datetime, kept: Split | None
) -> None:
    """Fill the folder of a run that waits in the queue."""
    if kept is not None:
        with whole_file(folder / KEPT_FILE) as path:
            path.write_bytes(to_npz(kept))
    write_json(
        folder / "run.json",
        {
            "version": RUN_VERSION,
            "created": datetime.now().isoformat(timespec="seconds"),
            "config": config.to_json(),
        },
    )
    write_json(folder / "about.json", {"name": name, "note": ""})
    write_json(folder / "state.json", _state("queued", since=since))


def read_run(folder: Path) -> Run | UnreadableRun:
    """A run from its folder; whatever is wrong with it becomes a reason."""
    run = _read_now(folder)
    if is_active(run) and not _may_train(folder, run.since):
        run = _read_now(folder)  # it may have ended a moment ago
        if is_active(run):
            return replace(run, state="interrupted")
    return run


@contextmanager
def looking(root: Path) -> Iterator[None]:
    """Let nobody else look for trainers, here or in another process.

    Two looks at a lock at once would each take the other for its owner.

    Raises:
        OSError: If the folder of runs cannot be written.
        Timeout: If somebody looks for long.
    """
    lock = FileLock(root / ".looking.lock", timeout=LOCK_TIMEOUT, poll_interval=0.001)
    with _LOOKING, lock:
        yield


def is_active(run: Run | UnreadableRun) -> TypeGuard[Run]:
    """Whether it is a run, and waits or trains."""
    return isinstance(run, Run) and run.is_active


def _may_train(folder: Path, since: str) -> bool:
    """Whether its trainer lives, or has only just been started."""
    try:
        with looking(folder.parent):
            if (folder / "lock").exists():
                return has_trainer(folder)
    except Timeout:  # nobody can tell
        return True
    except OSError:  # a read-only folder: nothing can be training there
        return False
    age = abs((datetime.now() - datetime.fromisoformat(since)).total_seconds())
    return age < STARTING


def has_trainer(folder: Path) -> bool:
    """Whether a process holds the run's lock; to be asked while `looking`."""
    lock = folder / "lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _state(
    state: State, reason: str = "", since: datetime | None = None
) -> dict[str, str]:
    time = (since or datetime.now()).isoformat(timespec="microseconds")
    return {"state": state, "since": time, "reason": reason}


def _stamps(folder: Path) -> tuple[object, ...]:
    return tuple(_stamp(folder / name) for name in _PARSED_FILES)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read_now(folder: Path) -> Run | UnreadableRun:
    try:
        return _parsed(folder, _stamps(folder))
    except OSError as error:  # perhaps of this moment only, so not remembered
        return _unreadable(folder, error)


@lru_cache(maxsize=4096)  # a page lists all runs again and again; few have changed
def _parsed(folder: Path, stamps: tuple[object, ...]) -> Run | UnreadableRun:
    try:
        return _read_run(folder)
    except (ValueError, KeyError, TypeError, DigitLabError) as error:
        return _unreadable(folder, error)


def _unreadable(folder: Path, error: Exception) -> UnreadableRun:
    # A name that is no text in UTF-8 could not be shown.
    shown = folder.name.encode(errors="replace").decode()
    return UnreadableRun(shown, _reason(error))


def _read_run(folder: Path) -> Run:
    run = read_json(folder / "run.json")
    if run.get("version") != RUN_VERSION:
        raise RunError(f"it has version {run.get('version')!r}, not {RUN_VERSION}.")
    about, state = read_json(folder / "about.json"), read_json(folder / "state.json")
    if state["state"] not in get_args(State):
        raise RunError(f"its state is {state['state']!r}.")
    result = folder / "result.json"
    return Run(
        id=folder.name,
        folder=folder,
        name=checked_name(about["name"]),
        note=checked_note(about["note"]),
        created=str(run["created"]),
        config=TrainConfig.from_json(run["config"]),
        state=state["state"],
        since=datetime.fromisoformat(state["since"]).isoformat(timespec="microseconds"),
        reason=str(state["reason"]),
        result=Result.from_json(read_json(result)) if result.exists() else None,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, DatasetError | RunError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"{Path(str(error.filename)).name} is missing."
    return f"{type(error).__name__}: {error}"[:200]
