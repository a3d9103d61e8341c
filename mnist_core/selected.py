"""Selected digits to take away: a table for programs, and the images with it."""

import csv
import io
import zipfile

import numpy as np

from mnist_core import thumbnails
from mnist_core.config import NUM_CLASSES
from mnist_core.data import Split
from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation
from mnist_core.kept import Stars, fingerprint

MAX_IMAGES = 10_000  # of one archive
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


def to_csv(
    split: Split, evaluation: Evaluation, indices: np.ndarray, stars: Stars
) -> bytes:
    """A row for each digit: label, reading, loss, ten probabilities, star and note.

    Args:
        split: The images.
        evaluation: What is read of them.
        indices: `(n,)` int, those to take, in this order.
        stars: Whose notes are put in.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    digits = [f"p{digit}" for digit in range(NUM_CLASSES)]
    heads = ("index", "label", "predicted", "is_correct", "confidence", "loss")
    writer.writerow([*heads, "is_disputed", *digits, "is_starred", "note"])
    for index in indices.tolist():
        note = stars.get(fingerprint(split.images[index])) if stars else None
        writer.writerow(
            [
                index,
                evaluation.labels[index],
                evaluation.predictions[index],
                int(evaluation.is_correct[index]),
                f"{evaluation.confidences[index]:.6f}",
                f"{evaluation.losses[index]:.6f}",
                int(index in evaluation.disputed),
                *(f"{value:.6f}" for value in evaluation.probabilities[index]),
                int(note is not None),
                _text(note or ""),
            ]
        )
    return file.getvalue().encode("utf-8-sig")  # by its mark, spreadsheets know UTF-8


def to_zip(
    split: Split, evaluation: Evaluation, indices: np.ndarray, stars: Stars
) -> bytes:
    """A zip of PNGs, white ink on black, and of the table as `digits.csv`.

    Args:
        split: The images.
        evaluation: What is read of them.
        indices: `(n,)` int, those to take.
        stars: Whose notes are put in.

    Raises:
        ConfigError: If they are too many.
    """
    if len(indices) > MAX_IMAGES:
        raise ConfigError(
            f"{len(indices):,} images are too many for one file: {MAX_IMAGES:,} at "
            "most. Narrow the filters."
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("digits.csv", to_csv(split, evaluation, indices, stars))
        for index in indices.tolist():
            label, read = evaluation.labels[index], evaluation.predictions[index]
            name = f"{index:05}-label-{label}-read-{read}.png"
            archive.writestr(name, thumbnails.png_file(split.images[index]))
    return file.getvalue()


def _text(note: str) -> str:
    return f"'{note}" if note.startswith(FORMULA) else note
