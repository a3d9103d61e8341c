"""Reads digits through a run's LiteRT twin: quick, small, and without TensorFlow."""

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import RunError

BATCH = 250  # images at a time: enough to be quick, little enough to stay small


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a model says of some images.

    Attributes:
        probabilities: `(N, 10)` float32, rows sum to 1.
        logits: `(N, 10)` float32, before the softmax.
        features: `(N, D)` float32, before the last layer.
    """

    probabilities: np.ndarray
    logits: np.ndarray
    features: np.ndarray


class Reader:
    """A twin in memory; any number of threads may use it at once."""

    def __init__(self, path: Path, *, num_threads: int = 1) -> None:
        """Open a twin.

        Args:
            path: Of the file.
            num_threads: For each batch. One image takes less than waking a second
                thread; a whole split is read twice as fast by two.
        """
        self._lock = threading.Lock()  # an interpreter is not thread-safe
        try:
            self._interpreter = Interpreter(str(path), num_threads=num_threads)
            self._runner = self._interpreter.get_signature_runner()
            self.read(np.zeros((1, IMAGE_SIZE, IMAGE_SIZE), np.uint8))  # sets it all up
        except (ValueError, RuntimeError) as error:
            raise RunError(
                f"The model file {path.name} cannot be opened. Delete the run, or "
                "choose another one."
            ) from error

    def read(self, images: np.ndarray) -> Reading:
        """Read `(N, 28, 28)` uint8 images."""
        # The interpreter cannot read nothing, so a blank one goes along and is cut off.
        blank = np.zeros((1, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
        parts = [
            self._read_batch(images[start : start + BATCH])
            for start in range(0, len(images), BATCH)
        ] or [self._read_batch(blank)]
        return Reading(
            **{
                name: np.concatenate([part[name] for part in parts])[: len(images)]
                for name in ("probabilities", "logits", "features")
            }
        )

    def _read_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        with self._lock:
            outputs = self._runner(images=images.astype(np.float32))
            # Copies: the interpreter writes its next answer into the same memory.
            return {name: value.copy() for name, value in outputs.items()}
