"""All runs: listed, made, changed, deleted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core import paths
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.errors import RunError
from mnist_core.files import write_json
from mnist_core.runs.folder import (
    LOCK_TIMEOUT,
    has_trainer,
    looking,
    read_run,
    write_new,
    write_state,
)
from mnist_core.runs.run import (
    MAX_NAME,
    Run,
    UnreadableRun,
    checked_name,
    checked_note,
    default_name,
    network_of,
)

MAX_WAITING = 8  # runs in the queue behind the one that trains

_ID = "%Y%m%d-%H%M%S-%f"  # of a run, cut to milliseconds


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
        run = read_run(self._folder(run_id))
        if isinstance(run, UnreadableRun):
            raise RunError(f"The run {run_id} cannot be read: {run.reason}")
        return run

    def teachers(self, config: TrainConfig) -> list[Run]:
        """The runs that a config learns from.

        Raises:
            RunError: If one is missing, has no model, or was trained on images that
                this training is to be judged on.
        """
        found = [self.get(run_id) for run_id in config.teachers]
        for run in found:
            if not run.has_model:
                raise RunError(
                    f"“{run.name}” has no model yet, so it cannot teach. Choose a "
                    "finished run as a teacher."
                )
            if run.config.num_validation < config.num_validation:
                raise RunError(
                    f"“{run.name}” has learned some of the {config.num_validation:,} "
                    "validation images, so what it teaches could not be judged on "
                    "them. Choose another teacher, or at most "
                    f"{run.config.num_validation:,} validation images."
                )
        return found

    def origin(self, config: TrainConfig) -> Run | None:
        """The run whose weights a config starts from, if it names one.

        Raises:
            RunError: If it is missing, has no model, is another network, or was
                trained on images that this training is to be judged on.
        """
        if not config.start_from:
            return None
        run = self.get(config.start_from)
        if not run.has_model:
            raise RunError(
                f"“{run.name}” has no model yet, so nothing can start from it. Choose "
                "a finished run."
            )
        if network_of(run.config) != network_of(config):
            raise RunError(
                f"“{run.name}” is another network: {network_of(run.config)}, not "
                f"{network_of(config)}. Choose the same settings of the model."
            )
        if run.config.num_validation < config.num_validation:
            raise RunError(
                f"“{run.name}” has learned some of the {config.num_validation:,} "
                "validation images, so what starts from it could not be judged on "
                f"them. Choose at most {run.config.num_validation:,}."
            )
        return run

    def check_needed(self, config: TrainConfig) -> None:
        """Refuse a config whose teachers or whose origin cannot be used.

        Raises:
            RunError: As `teachers` and `origin`.
        """
        self.teachers(config)
        self.origin(config)

    def create(
        self, config: TrainConfig, name: str = "", kept: Split | None = None
    ) -> Run:
        """Make the folder of a new run that waits for its trainer.

        Args:
            config: What to train.
            name: What to call it; a number follows if a run is called so already.
            kept: The drawings to teach it with, and those held out, if it is taught.

        Raises:
            RunError: If the queue is full, the name is not allowed, a run that it
                needs is not there or the folder cannot be written.
        """
        name = checked_name(name) if name else default_name(config)
        if bool(config.num_kept) != (kept is not None):
            raise RunError(
                f"num_kept={config.num_kept} needs drawings to be taught with. Teach "
                "a run from the page Draw, or with the command teach."
            )
        with self._locked():
            self.check_needed(config)
            self._refuse_full_queue()
            self._sweep()
            name = self._free_name(name)
            run_id = self._next_id()
            new = self.root / f".new-{run_id}"
            try:
                with _writing():
                    new.mkdir()
                    write_new(new, config, name, self._end_of_queue(), kept)
                    new.rename(self.root / run_id)
            finally:
                shutil.rmtree(new, ignore_errors=True)  # there only if that failed
        return self.get(run_id)

    def requeue(self, run_id: str) -> Run:
        """Put an interrupted run back into the queue, at its end.

        Raises:
            RunError: If it is not interrupted, a run that it needs is not there, or
                the queue is full.
        """
        with self._locked():
            run = self._changeable(run_id)
            if not run.can_resume:
                raise RunError(
                    f"“{run.name}” is {run.state}: only an interrupted "
                    "training can go on."
                )
            self.check_needed(run.config)
            self._refuse_full_queue()
            with _writing():
                write_state(run, "queued", since=self._end_of_queue())
                for left in ("stop", "lock"):
                    (run.folder / left).unlink(missing_ok=True)
                for torn in run.folder.glob(".tmp-*"):
                    torn.unlink(missing_ok=True)
        return self.get(run_id)

    def describe(self, run_id: str, *, name: str, note: str) -> None:
        """Give a run another name and note.

        Raises:
            RunError: If it is the shipped run, the text is not allowed, or another
                run is called so.
        """
        name, note = checked_name(name), checked_note(note)
        with self._locked():
            run = self._changeable(run_id)
            if name != run.name and self._free_name(name) != name:
                raise RunError(
                    f"There is a run called “{name}” already. Choose another name, so "
                    "that the two can be told apart."
                )
            with _writing():
                write_json(run.folder / "about.json", {"name": name, "note": note})

    def delete(self, run_id: str) -> None:
        """Remove a run, readable or not, for good.

        Raises:
            RunError: If it is the shipped run, is training, is needed by one that is,
                or does not exist.
        """
        with self._locked():  # nobody starts a training that it teaches meanwhile
            folder = self._deletable(run_id)
            doomed = folder.with_name(f".deleted-{run_id}")
            # While nobody looks: to look into a folder that goes would make it again.
            with _writing(), looking(self.root):
                if has_trainer(folder):
                    raise RunError("This run is being trained. Stop it first.")
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
            lock = FileLock(self.root / ".store.lock", timeout=LOCK_TIMEOUT)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _deletable(self, run_id: str) -> Path:
        """The folder of a run, readable or not, that nothing needs."""
        if run_id != paths.SHIPPED_RUN_ID and run_id in {
            run.id for run in self.unreadable()
        }:
            return self.root / run_id
        run = self._changeable(run_id)
        if run.is_active:
            raise RunError(f"“{run.name}” is {run.state}. Stop it first.")
        self._refuse_if_needed(run)
        return run.folder

    def _refuse_if_needed(self, run: Run) -> None:
        for other in self.runs():
            is_unfinished = other.is_active or other.can_resume
            if is_unfinished and run.id == other.config.start_from:
                raise RunError(
                    f"“{other.name}” starts from “{run.name}” and is {other.state}. "
                    "Delete it when that has ended, or delete that first."
                )
            if is_unfinished and run.id in other.config.teachers:
                raise RunError(
                    f"“{run.name}” teaches “{other.name}”, which is {other.state}. "
                    "Delete it when that has ended, or delete that first."
                )

    def _refuse_full_queue(self) -> None:
        num_active = sum(run.is_active for run in self.runs())
        if num_active > MAX_WAITING:
            raise RunError(
                f"The queue is full: {num_active - 1} trainings wait behind the one "
                "that runs. Start this one when one of them has ended, or stop one."
            )

    def _listing(self) -> list[Run | UnreadableRun]:
        return [read_run(folder) for folder in self._folders()]

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

    def _free_name(self, name: str) -> str:
        """The name itself, or the first like "name no. 2" that no run has."""
        taken = {run.name for run in self.runs()}
        free, number = name, 1
        while free in taken:
            number += 1
            suffix = f" no. {number}"
            free = name[: MAX_NAME - len(suffix)].rstrip() + suffix
        return free

    def _end_of_queue(self) -> datetime:
        """The present, or what comes after all that wait if the clock went back."""
        waiting = [run.since for run in self.runs() if run.state == "queued"]
        latest = datetime.fromisoformat(max(waiting, default=datetime.min.isoformat()))
        return max(datetime.now(), latest + timedelta(microseconds=1))

    def _next_id(self) -> str:
        """A time to the millisecond, later than every other run's."""
        times = [_time_of(folder.name) for folder in self._folders()]
        latest = max((time for time in times if time), default=datetime.min)
        later = max(datetime.now(), latest + timedelta(milliseconds=1))
        return later.strftime(_ID)[:-3]  # of the microseconds, the milliseconds

    def _sweep(self) -> None:
        """Remove what a killed process has left of new and of deleted runs."""
        for pattern in (".new-*", ".deleted-*"):
            for folder in self.root.glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing() -> Iterator[None]:
    """Say in a sentence why a file cannot be written, or a lock not be had."""
    try:
        yield
    except Timeout as error:
        raise RunError(
            "Another process is changing the runs. Try again in a moment."
        ) from error
    except OSError as error:
        raise RunError(f"The runs cannot be changed on disk: {error}.") from error


def _time_of(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id, _ID)
    except ValueError:
        return None
