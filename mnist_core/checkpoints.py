"""A training on disk between two epochs: one `.npz` file, whole or absent."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mnist_core.errors import RunError
from mnist_core.files import whole_file
from mnist_core.history import EpochMetrics


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All that is needed to go on after an epoch as if nothing had happened.

    Attributes:
        history: The epochs so far.
        variables: Weights, statistics, seeds and the optimiser's state, in order.
        best_weights: Of the model at its best epoch.
    """

    history: list[EpochMetrics]
    variables: list[np.ndarray]
    best_weights: list[np.ndarray]


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Replace the checkpoint at `path`."""
    history = json.dumps([asdict(epoch) for epoch in snapshot.history])
    arrays = {
        **{f"variable{i}": value for i, value in enumerate(snapshot.variables)},
        **{f"best{i}": value for i, value in enumerate(snapshot.best_weights)},
    }
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, history=np.array(history), **arrays)


def load_snapshot(path: Path) -> Snapshot | None:
    """The checkpoint at `path`, or None if there is none.

    Raises:
        RunError: If it is damaged.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Snapshot(
                history=[
                    EpochMetrics(**epoch)
                    for epoch in json.loads(str(arrays["history"]))
                ],
                variables=_listed(arrays, "variable"),
                best_weights=_listed(arrays, "best"),
            )
    except Exception as error:  # a damaged zip raises almost anything
        raise RunError(
            f"The checkpoint {path.name} is damaged, so the training cannot go on "
            "from it. Delete the run and start it again."
        ) from error


def _listed(arrays: np.lib.npyio.NpzFile, prefix: str) -> list[np.ndarray]:
    count = sum(name.startswith(prefix) for name in arrays.files)
    return [arrays[f"{prefix}{i}"] for i in range(count)]
