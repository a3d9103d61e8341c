"""A run and its figures, as values."""

import hashlib
import unicodedata
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from mnist_core import paths
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.errors import KeptError, RunError
from mnist_core.files import read_json_lines
from mnist_core.history import BatchMetrics, EpochMetrics
from mnist_core.kept import from_file
from mnist_core.timeline import Timeline

MAX_NAME = 60  # characters
MAX_NOTE = 1000  # characters
KEPT_FILE = "kept.npz"
EPOCHS_FILE = "epochs.npz"
ROBUSTNESS_FILE = "robustness.npz"

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

    @property
    def robustness_file(self) -> Path:
        """Where what is measured of it later is kept, if anything is.

        It stands beside the result and not in it, as it can be measured again.
        """
        return self.folder / ROBUSTNESS_FILE

    def progress(self) -> tuple[tuple[EpochMetrics, ...], tuple[BatchMetrics, ...]]:
        """All epochs and the reports between them, in order."""
        file = self.folder / "progress.jsonl"
        try:
            status = file.stat()
            return _progress(file, status.st_size, status.st_mtime_ns)
        except OSError:  # nothing is said yet, or the run was deleted
            return (), ()

    def kept(self) -> Split | None:
        """The drawings that it is taught with and held to, as they were at its start.

        Raises:
            RunError: If it was to have some, and they are missing or damaged.
        """
        if not self.config.num_kept:
            return None
        try:
            return from_file((self.folder / KEPT_FILE).read_bytes())
        except (OSError, KeptError) as error:
            raise RunError(
                f"The drawings of “{self.name}” cannot be read. Delete the run, and "
                "teach another one."
            ) from error

    def file(self, name: str) -> Path:
        """The path of a file that `result` has the digest of, checked against it.

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

    def digest(self, name: str) -> str:
        """The SHA-256 of a file that `file` gives.

        Raises:
            RunError: If there is no model yet, or no such file.
        """
        if self.result is None or name not in self.result.sha256:
            raise RunError(f"“{self.name}” has no {name}.")
        return self.result.sha256[name]

    def probabilities(self, split: Literal["test", "validation"]) -> np.ndarray:
        """`(N, 10)` float32, as predicted when the run was finished.

        Raises:
            RunError: As `file`.
        """
        with np.load(self.file("predictions.npz"), allow_pickle=False) as arrays:
            return np.asarray(arrays[split])

    def timeline(self, labels: np.ndarray) -> Timeline | None:
        """What it said of the test split after its epochs; None if nobody looked.

        Args:
            labels: `(N,)` uint8, those of the test split.

        Raises:
            RunError: As `file`, or if it is of other images.
        """
        if self.result is None or EPOCHS_FILE not in self.result.sha256:
            return None  # it was trained before anybody looked
        return Timeline.load(self.file(EPOCHS_FILE), labels)


@dataclass(frozen=True, slots=True)
class UnreadableRun:
    """A folder that should hold a run and does not; it hides no other."""

    id: str
    reason: str


def default_name(config: TrainConfig) -> str:
    """What a run is called until somebody gives it a name."""
    return f"{config.architecture} {config.optimizer} {config.learning_rate:g}"


def network_of(config: TrainConfig) -> str:
    """What decides the shapes of a network's weights, in words."""
    normalised = "with" if config.batch_normalization else "without"
    return f"{config.architecture} {normalised} batch normalisation"


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


# A class watches one training: what it has said is read once for all of them.
@lru_cache(maxsize=16)
def _progress(
    file: Path, size: int, changed: int
) -> tuple[tuple[EpochMetrics, ...], tuple[BatchMetrics, ...]]:
    epochs: list[EpochMetrics] = []
    batches: list[BatchMetrics] = []
    for line in read_json_lines(file):
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
    return tuple(epochs), tuple(batches)


def _check_number(name: str, value: object, *, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= high:  # type: ignore[operator]
        raise RunError(f"`{name}` in result.json is {value!r}.")
