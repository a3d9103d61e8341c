"""From a trained network to a finished run: its files and its figures."""

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mnist_core import examples, models, novelty, watching
from mnist_core.data import Mnist
from mnist_core.errors import RunError
from mnist_core.evaluation import Evaluation
from mnist_core.files import read_json, whole_file, write_json
from mnist_core.history import best_epoch
from mnist_core.models import Heads
from mnist_core.reader import Reader, Reading
from mnist_core.runs import EPOCHS_FILE, RESULT_FILES, Result, Run
from mnist_core.training import Trained

MAX_DIFFERENCE = 1e-4  # between the probabilities of the model and of its twin
ROUNDING = 2e-6  # of the largest logit: float32 summed in another order


def finish(run: Run, trained: Trained, mnist: Mnist) -> Result:
    """Write a run's model, twin, predictions and figures; `result.json` is last.

    Raises:
        RunError: If the model and its twin do not agree on the test split.
        OSError: If a file cannot be written.
    """
    heads = trained.heads
    with ThreadPoolExecutor(1) as beside:  # the export keeps only one core busy
        expected = beside.submit(models.read, heads.model, mnist.test.images)
        _save_models(run.folder, heads)
    reader = Reader(run.folder / "twin.tflite", num_threads=os.cpu_count() or 1)
    test = reader.read(mnist.test.images)
    validation = reader.read(mnist.validation.images)
    _check_agreement(heads, mnist.test.images, expected.result(), test)

    with whole_file(run.folder / "predictions.npz") as path, path.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            test=test.probabilities,
            validation=validation.probabilities,
        )
    _known(reader, validation, mnist).save(run.folder / "novelty.npz")
    history = trained.history
    epochs = run.folder / EPOCHS_FILE
    watching.earlier(epochs, mnist.test.labels).including(
        best_epoch(history).epoch, test.probabilities
    ).save(epochs)

    result = Result(
        num_parameters=trained.heads.model.count_params(),
        num_epochs=len(history),
        seconds=round(history[-1].seconds, 2),
        validation_accuracy=_accuracy(
            mnist.validation.labels, validation.probabilities
        ),
        test_accuracy=_accuracy(mnist.test.labels, test.probabilities),
        sha256={name: _digest(run, name) for name in (*RESULT_FILES, EPOCHS_FILE)},
    )
    write_json(run.folder / "result.json", result.to_json())
    return result


def refit(run: Run, mnist: Mnist) -> None:
    """Let a finished run learn anew what is a digit; all else of it stays.

    Raises:
        RunError: If it has no model, or its files are missing or damaged.
        OSError: If a file cannot be written.
    """
    reader = Reader(run.file("twin.tflite"), num_threads=os.cpu_count() or 1)
    known = _known(reader, reader.read(mnist.validation.images), mnist)
    known.save(run.folder / "novelty.npz")
    result = read_json(run.folder / "result.json")
    result["sha256"]["novelty.npz"] = _digest(run, "novelty.npz")
    write_json(run.folder / "result.json", result)


def rehearse(heads: Heads) -> None:
    """Save and export a network for nothing: a process's second time is quicker."""
    with tempfile.TemporaryDirectory() as folder:
        _save_models(Path(folder), heads)


def _known(reader: Reader, validation: Reading, mnist: Mnist) -> novelty.Novelty:
    """What a run takes for digits, from what its twin reads of examples."""
    drawn = examples.of(mnist)

    def evidence(read: Reading) -> np.ndarray:
        return novelty.evidence(read.features, read.logits)

    held_out = (mnist.validation.images, drawn.held_out)
    return novelty.fit(
        digits=evidence(reader.read(drawn.digits)),
        others=evidence(reader.read(drawn.impostors)),
        held_out=[evidence(validation), evidence(reader.read(drawn.held_out))],
        max_ink=max(float(novelty.image_ink(images).max()) for images in held_out),
    )


def _save_models(folder: Path, heads: Heads) -> None:
    with whole_file(folder / "model.keras") as path:
        heads.model.save(path)
    with whole_file(folder / "twin.tflite") as path:
        heads.twin.export(path, format="litert", verbose=False)


def _check_agreement(
    heads: Heads, images: np.ndarray, predicted: np.ndarray, read: Reading
) -> None:
    difference = float(np.abs(predicted - read.probabilities).max())
    is_same = np.array_equal(
        predicted.argmax(axis=1), read.probabilities.argmax(axis=1)
    )
    if is_same and difference <= MAX_DIFFERENCE:
        return
    # A training that nearly exploded has logits so large that their rounding alone
    # moves probabilities by more.
    logits = models.read(heads.logits, images)
    rounding = ROUNDING * np.abs(logits).max()
    if np.abs(logits - read.logits).max() > rounding:
        raise RunError(
            "The model and its twin for the server do not agree on the test split "
            f"(largest difference {difference:.1e}). Please report this."
        )


def _accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return Evaluation(labels, probabilities).accuracy


def _digest(run: Run, name: str) -> str:
    return hashlib.sha256((run.folder / name).read_bytes()).hexdigest()
