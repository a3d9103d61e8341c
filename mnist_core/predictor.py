"""From ink to a digit: the one path that drawings, uploads and files share."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mnist_core import drawing, segmentation
from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import EmptyDrawingError
from mnist_core.evaluation import percent
from mnist_core.novelty import Novelty
from mnist_core.reader import Reader
from mnist_core.runs import Run
from mnist_core.segmentation import Digit

SURE, FAIRLY_SURE = 0.9, 0.6  # least probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a run says of one image.

    Attributes:
        image: `(28, 28)` uint8, what the model saw.
        probabilities: `(10,)` float32.
        is_digit: Whether it looks like a digit at all.
    """

    image: np.ndarray
    probabilities: np.ndarray
    is_digit: bool

    @property
    def digit(self) -> int:
        """The most probable digit."""
        return int(self.probabilities.argmax())

    @property
    def probability(self) -> float:
        """Of the most probable digit, in [0, 1]."""
        return float(self.probabilities.max())

    @property
    def sentence(self) -> str:
        """The probability in words and as a number."""
        share = percent(self.probability)
        if not self.is_digit:
            return (
                "This does not look like a digit; if it is one, "
                f"{share} for {self.digit}."
            )
        if self.probability >= SURE:
            return f"Sure: {share}"
        second = int(self.probabilities.argsort()[-2])
        other = percent(float(self.probabilities[second]))
        word = "Fairly sure" if self.probability >= FAIRLY_SURE else "Unsure"
        return f"{word}: {share}, or else {second} ({other})"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A digit in a drawing.

    Attributes:
        digit: Its own ink, and where it is.
        prediction: What a run says of it.
    """

    digit: Digit
    prediction: Prediction


class Predictor:
    """A run's model, ready to read; any number of threads may share it.

    Attributes:
        reader: Its twin.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
    """

    def __init__(self, run: Run) -> None:
        self.reader = Reader(run.file("twin.tflite"))
        self._novelty = Novelty.load(run.file("novelty.npz"))

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """`(N, 10)` float32 for `(N, 28, 28)` uint8 images."""
        return self.reader.read(images).probabilities

    def predict(self, images: np.ndarray) -> list[Prediction]:
        """A prediction for each of `(N, 28, 28)` uint8 images."""
        reading = self.reader.read(images)
        are_digits = self._novelty.is_digit(images, reading.features, reading.logits)
        return [
            Prediction(image, probabilities, bool(is_digit))
            for image, probabilities, is_digit in zip(
                images, reading.probabilities, are_digits, strict=True
            )
        ]

    def find(self, ink: np.ndarray) -> list[Found]:
        """Read every digit of `(H, W)` uint8 ink, from left to right, top line first.

        Returns:
            An empty list where nothing is drawn; `segmentation.MAX_DIGITS` at most.
        """
        digits = segmentation.digits(ink)
        predictions = self._predict_prepared([_prepared(found.ink) for found in digits])
        return [
            Found(digit, prediction)
            for digit, prediction in zip(digits, predictions, strict=True)
            if prediction is not None
        ]

    def predict_ink(self, inks: Iterable[np.ndarray]) -> list[Prediction | None]:
        """A prediction for each `(H, W)` uint8 ink; None where nothing is drawn.

        Each is one digit. A speck beside it is not part of it.
        """
        return self._predict_prepared([_prepared(_without_specks(ink)) for ink in inks])

    def _predict_prepared(
        self, images: list[np.ndarray | None]
    ) -> list[Prediction | None]:
        drawn = [image for image in images if image is not None]
        stack = np.array(drawn, np.uint8).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
        predictions = iter(self.predict(stack))
        return [None if image is None else next(predictions) for image in images]


def _without_specks(ink: np.ndarray) -> np.ndarray:
    """The digit's own ink if it is clear which it is, else all."""
    found = segmentation.digits(ink)
    return found[0].ink if len(found) == 1 else ink


def _prepared(ink: np.ndarray) -> np.ndarray | None:
    try:
        return drawing.to_image(ink)
    except EmptyDrawingError:
        return None
