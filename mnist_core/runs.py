"""Runs on disk: one folder each, and the folder is the truth.

run.json          what to train, and when that was decided; never changes
about.json        the name and the note; people change it
state.json        where the training is; only its trainer changes it
lock              held by the trainer's process for as long as it lives
stop              its presence asks the trainer to stop
progress.jsonl    a line for a few batches, a line for an epoch; append-only
checkpoint.npz    the last whole epoch, while the run is not finished
log.txt           what the trainer had to say
result.json       figures, and the SHA-256 of the files below; written last
model.keras       the model of the best epoch
twin.tflite       the same for LiteRT
predictions.npz   its probabilities for the test and the validation split
novelty.npz       what it takes for a digit at all
"""

import hashlib
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from filelock import FileLock, Timeout

from mnist_core import paths
from mnist_core.config import TrainConfig
from mnist_core.errors import DatasetError, DigitLabError, RunError
from mnist_core.files import read_json, read_json_lines, write_json
from mnist_core.history import BatchMetrics, EpochMetrics

RUN_VERSION = 1  # of the folder's form
MAX_NAME = 60  # characters
MAX_NOTE = 1000  # characters
MAX_WAITING = 8  # runs in the queue behind the one that trains
STARTING = 15.0  # seconds in which a queued run's process must have taken its lock
STORE_TIMEOUT = 10.0  # seconds to wait for another process that changes the store
RESULT_FILES = ("model.keras", "twin.tflite", "predictions.npz", "novelty.npz")

_ID = "%Y%m%d-%H%M%S-%f"  # of a run, cut to milliseconds
_PARSED_FILES = ("run.json", "about.json", "state.json", "result.json")

# Two looks at a lock at once would each take the other for its owner.
_PROBING = threading.Lock()

State = Literal["queued", "running", "done", "stopped", "interrupted", "failed"]
ACTIVE: tuple[State, ...] = ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The figures of a finished run; accuracies are fractions in [0, 1]."""

    num_parameters: int
    num_epochs: int
    seconds: float
    validation_accuracy: float
    test_accuracy: float
    sha256: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """The content of `result.json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The result that `to_json` wrote.

        Raises:
            RunError: If a figure is missing, not a number or out of its range.
        """
        result = cls(**value)
        for name in ("num_parameters", "num_epochs", "seconds"):
            _check_number(name, getattr(result, name), high=float("inf"))
        for name in ("validation_accuracy", "test_accuracy"):
            _check_number(name, getattr(result, name), high=1.0)
        if not isinstance(result.sha256, dict):
            raise RunError("`sha256` in result.json is not a list of digests.")
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training, as its folder was a moment ago.

    Attributes:
        id: Its folder's name; ids sort by age.
        folder: Where it is.
        name: What people call it.
        note: What people wrote about it.
        created: Local time, ISO 8601.
        config: What was asked for.
        state: Where it is; "running" only while its process lives.
        since: When it was queued, began or ended: local time, ISO 8601.
        reason: One sentence on why it ended as it did, or "".
        result: Its figures, once there is a model.
    """

    id: str
    folder: Path
    name: str
    note: str
    created: str
    config: TrainConfig
    state: State
    since: str
    reason: str
    result: Result | None

    @property
    def is_shipped(self) -> bool:
        """Whether it is the run that came with the app and cannot be changed."""
        return self.id == paths.SHIPPED_RUN_ID

    @property
    def is_active(self) -> bool:
        """Whether it waits or trains."""
        return self.state in ACTIVE

    @property
    def has_model(self) -> bool:
        """Whether it can read digits."""
        return self.result is not None

    @property
    def can_resume(self) -> bool:
        """Whether its training can go on where it broke off."""
        return self.state == "interrupted"

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop and has not yet."""
        return self.is_active and (self.folder / "stop").exists()

    def progress(self) -> tuple[list[EpochMetrics], list[BatchMetrics]]:
        """All epochs and the reports between them, in order."""
        epochs: list[EpochMetrics] = []
        batches: list[BatchMetrics] = []
        for line in read_json_lines(self.folder / "progress.jsonl"):
            kind = line.pop("kind", None)
            if not all(isinstance(value, int | float) for value in line.values()):
                continue
            # An interrupted epoch is trained again, and its last lines count.
            try:
                if kind == "epoch":
                    epoch = EpochMetrics(**line)
                    epochs = [e for e in epochs if e.epoch < epoch.epoch] + [epoch]
                elif kind == "batches":
                    batch = BatchMetrics(**line)
                    while batches and batches[-1].step >= batch.step:
                        batches.pop()
                    batches.append(batch)
            except TypeError:  # not a line of ours
                continue
        return epochs, batches

    def file(self, name: str) -> Path:
        """The path of one of `RESULT_FILES`, checked against its digest.

        Raises:
            RunError: If there is no model yet, or the file is missing or damaged.
        """
        if self.result is None:
            raise RunError(f"“{self.name}” is {self.state}: it has no model to use.")
        path = self.folder / name
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise RunError(f"{name} of “{self.name}” is missing: {error}.") from error
        if digest != self.result.sha256.get(name):
            raise RunError(
                f"{name} of “{self.name}” is damaged: it is not the file that was "
                "saved. Delete the run, or put the file back."
            )
        return path

    def probabilities(self, split: Literal["test", "validation"]) -> np.ndarray:
        """`(N, 10)` float32, as predicted when the run was finished.

        Raises:
            RunError: As `file`.
        """
        with np.load(self.file("predictions.npz"), allow_pickle=False) as arrays:
            return np.asarray(arrays[split])


@dataclass(frozen=True, slots=True)
class UnreadableRun:
    """A folder that should hold a run and does not; it hides no other."""

    id: str
    reason: str


class RunStore:
    """The folder of all runs, and the shipped run beside it."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or paths.saved_model_dir()

    def runs(self) -> list[Run]:
        """The readable runs, newest first, the shipped run last."""
        return [run for run in self._listing() if isinstance(run, Run)]

    def unreadable(self) -> list[UnreadableRun]:
        """The folders that cannot be read, each with the reason."""
        return [run for run in self._listing() if isinstance(run, UnreadableRun)]

    def get(self, run_id: str) -> Run:
        """The run with this id.

        Raises:
            RunError: If there is none, or it cannot be read.
        """
        # Compared with what is there, never joined to a path: an id may come
        # from anybody's address bar.
        if run_id not in {folder.name for folder in self._folders()}:
            raise RunError(
                f"There is no run {run_id[:40]!r}. It may have been deleted."
            )
        run = _read(self._folder(run_id))
        if isinstance(run, UnreadableRun):
            raise RunError(f"The run {run_id} cannot be read: {run.reason}")
        return run

    def create(self, config: TrainConfig, name: str = "") -> Run:
        """Make the folder of a new run that waits for its trainer.

        Raises:
            RunError: If the queue is full, the name is not allowed or the folder
                cannot be written.
        """
        name = checked_name(name) if name else default_name(config)
        with self._locked():
            self._refuse_full_queue()
            self._sweep()
            now = datetime.now()
            run_id = self._next_id(now)
            new = self.root / f".new-{run_id}"
            try:
                with _writing():
                    new.mkdir()
                    _write_new(new, config, name, now)
                    new.rename(self.root / run_id)
            finally:
                shutil.rmtree(new, ignore_errors=True)  # there only if that failed
        return self.get(run_id)

    def requeue(self, run_id: str) -> Run:
        """Put an interrupted run back into the queue.

        Raises:
            RunError: If it is not interrupted, or the queue is full.
        """
        with self._locked():
            run = self._changeable(run_id)
            if not run.can_resume:
                raise RunError(
                    f"“{run.name}” is {run.state}: only an interrupted "
                    "training can go on."
                )
            self._refuse_full_queue()
            with _writing():
                write_state(run, "queued")
                (run.folder / "stop").unlink(missing_ok=True)
                (run.folder / "lock").unlink(missing_ok=True)
        return self.get(run_id)

    def describe(self, run_id: str, *, name: str, note: str) -> None:
        """Give a run another name and note.

        Raises:
            RunError: If it is the shipped run, or the text is not allowed.
        """
        run = self._changeable(run_id)
        name, note = checked_name(name), checked_note(note)
        with _writing():
            write_json(run.folder / "about.json", {"name": name, "note": note})

    def delete(self, run_id: str) -> None:
        """Remove a run, readable or not, for good.

        Raises:
            RunError: If it is the shipped run, is training, or does not exist.
        """
        if run_id != paths.SHIPPED_RUN_ID and run_id in {
            run.id for run in self.unreadable()
        }:
            folder = self.root / run_id
        else:
            run = self._changeable(run_id)
            if run.is_active:
                raise RunError(f"“{run.name}” is {run.state}. Stop it first.")
            folder = run.folder
        doomed = folder.with_name(f".deleted-{run_id}")
        with _writing():
            folder.rename(doomed)  # gone at once, whatever happens to the rest
        shutil.rmtree(doomed, ignore_errors=True)

    def request_stop(self, run_id: str) -> None:
        """Ask a run's trainer to stop and to keep what it has."""
        run = self._changeable(run_id)
        if run.is_active:
            with _writing():
                (run.folder / "stop").touch()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time change the list of runs.

        Raises:
            RunError: If the folder of runs cannot be written, or is held for long.
        """
        with _writing():
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".store.lock", timeout=STORE_TIMEOUT)
            try:
                lock.acquire()
            except Timeout as error:
                raise RunError(
                    "Another process is changing the runs. Try again in a moment."
                ) from error
        try:
            yield
        finally:
            lock.release()

    def _refuse_full_queue(self) -> None:
        num_active = sum(run.is_active for run in self.runs())
        if num_active > MAX_WAITING:
            raise RunError(
                f"The queue is full: {num_active - 1} trainings wait behind the one "
                "that runs. Start this one when one of them has ended, or stop one."
            )

    def _listing(self) -> list[Run | UnreadableRun]:
        return [_read(folder) for folder in self._folders()]

    def _folders(self) -> list[Path]:
        try:
            found = [folder for folder in self.root.iterdir() if folder.is_dir()]
        except OSError:  # no folder of runs yet
            found = []
        own = [
            folder
            for folder in found
            if not folder.name.startswith(".") and folder.name != paths.SHIPPED_RUN_ID
        ]
        own.sort(key=lambda folder: folder.name, reverse=True)
        shipped = paths.shipped_run_dir()
        return [*own, shipped] if shipped.is_dir() else own

    def _folder(self, run_id: str) -> Path:
        if run_id == paths.SHIPPED_RUN_ID:
            return paths.shipped_run_dir()
        return self.root / run_id

    def _changeable(self, run_id: str) -> Run:
        run = self.get(run_id)
        if run.is_shipped:
            raise RunError("The shipped run can be neither changed nor deleted.")
        return run

    def _next_id(self, now: datetime) -> str:
        """A time to the millisecond, later than every other run's."""
        times = [_time_of(folder.name) for folder in self._folders()]
        latest = max((time for time in times if time), default=datetime.min)
        later = max(now, latest + timedelta(milliseconds=1))
        return later.strftime(_ID)[:-3]  # of the microseconds, the milliseconds

    def _sweep(self) -> None:
        """Remove what a killed process has left of new and of deleted runs."""
        for pattern in (".new-*", ".deleted-*"):
            for folder in self.root.glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing() -> Iterator[None]:
    """Say in a sentence why a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunError(f"The runs cannot be changed on disk: {error}.") from error


def write_state(run: Run, state: State, reason: str = "") -> None:
    """Record where a run is: a trainer does so, or who puts the run into the queue."""
    write_json(run.folder / "state.json", _state(state, reason))


def trainer_lock(run: Run) -> FileLock:
    """The lock that a run's trainer holds while it lives."""
    return FileLock(run.folder / "lock", timeout=STORE_TIMEOUT)


def default_name(config: TrainConfig) -> str:
    """What a run is called until somebody gives it a name."""
    return f"{config.architecture} {config.optimizer} {config.learning_rate:g}"


def checked_name(name: str) -> str:
    """A run's name, tidied.

    Raises:
        RunError: If it is empty, long, or holds more than letters, digits and " ._-".
    """
    name = unicodedata.normalize("NFC", name).strip()
    is_plain = all(letter.isalnum() or letter in " ._-" for letter in name)
    if not name or len(name) > MAX_NAME or not is_plain or not name[0].isalnum():
        raise RunError(
            f"A run's name has 1 to {MAX_NAME} letters, digits, spaces, dots, dashes "
            "or underscores, and begins with a letter or a digit."
        )
    return name


def checked_note(note: str) -> str:
    """A run's note, tidied.

    Raises:
        RunError: If it is long or holds control characters.
    """
    note = unicodedata.normalize("NFC", note).strip()
    if len(note) > MAX_NOTE or (not note.replace("\n", "").isprintable() and note):
        raise RunError(f"A note has at most {MAX_NOTE:,} characters of plain text.")
    return note


def _write_new(folder: Path, config: TrainConfig, name: str, now: datetime) -> None:
    write_json(
        folder / "run.json",
        {
            "version": RUN_VERSION,
            "created": now.isoformat(timespec="seconds"),
            "config": config.to_json(),
        },
    )
    write_json(folder / "about.json", {"name": name, "note": ""})
    write_json(folder / "state.json", _state("queued"))


def _state(state: State, reason: str = "") -> dict[str, str]:
    now = datetime.now().isoformat(timespec="microseconds")
    return {"state": state, "since": now, "reason": reason}


def _time_of(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id, _ID)
    except ValueError:
        return None


def _read(folder: Path) -> Run | UnreadableRun:
    """A run from its folder; whatever is wrong with it becomes a reason."""
    run = _parsed(folder, tuple(_stamp(folder / name) for name in _PARSED_FILES))
    if isinstance(run, Run) and run.is_active:
        return replace(run, state=_true_state(folder, run.state, run.since))
    return run


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)  # a page lists all runs again and again; few have changed
def _parsed(folder: Path, stamps: tuple[object, ...]) -> Run | UnreadableRun:
    try:
        return _read_run(folder)
    except (OSError, ValueError, KeyError, TypeError, DigitLabError) as error:
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


def _true_state(folder: Path, written: State, since: str) -> State:
    """What the folder says, unless its process is dead."""
    if written not in ACTIVE:
        return written
    lock = folder / "lock"
    if lock.exists():
        return written if _is_held(lock) else "interrupted"
    # Its process has only just been started, or never was.
    age = abs((datetime.now() - datetime.fromisoformat(since)).total_seconds())
    return written if age < STARTING else "interrupted"


def _is_held(lock: Path) -> bool:
    try:
        with _PROBING, FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a read-only folder: nothing can be training there
        return False


def _check_number(name: str, value: object, *, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= high:  # type: ignore[operator]
        raise RunError(f"`{name}` in result.json is {value!r}.")


def _reason(error: Exception) -> str:
    if isinstance(error, DatasetError | RunError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"{Path(str(error.filename)).name} is missing."
    return f"{type(error).__name__}: {error}"[:200]
