"""How little it takes to fool a model: each pixel a little lighter or darker.

The fast gradient sign method (Goodfellow, Shlens & Szegedy, "Explaining and harnessing
adversarial examples", 2015): every pixel takes a step of the same size in the direction
in which the model's loss grows.
"""

from dataclasses import dataclass

import numpy as np

from mnist_core.network import Network, softmax

MAX_EPSILON = 0.5  # of the range from paper to ink: beyond it, a person is fooled, too
NUM_STEPS = 100  # of epsilon that are tried


@dataclass(frozen=True, slots=True, eq=False)
class Attack:
    """An image, and the direction in which its reading is most easily changed.

    Attributes:
        image: `(28, 28)` uint8.
        signs: `(28, 28)` int8: -1 where lighter, +1 where darker.
        epsilons: `(E,)` float, from 0 on, fractions of the range from paper to ink.
        probabilities: `(E, 10)` float32, what the model says after a step of each.
    """

    image: np.ndarray
    signs: np.ndarray
    epsilons: np.ndarray
    probabilities: np.ndarray

    @property
    def digits(self) -> np.ndarray:
        """`(E,)` what is read after each step."""
        return self.probabilities.argmax(axis=1)

    @property
    def smallest(self) -> int | None:
        """The place of the smallest step that changes the reading, if one does."""
        changed = np.flatnonzero(self.digits != self.digits[0])
        return int(changed[0]) if changed.size else None

    def sentence(self) -> str:
        """In words: "It becomes a 7 at ε = 0.080"."""
        place = self.smallest
        if place is None:
            return f"It stays a {self.digits[0]} up to ε = {self.epsilons[-1]:.3f}."
        return f"It becomes a {self.digits[place]} at ε = {self.epsilons[place]:.3f}."

    def nearest(self, epsilon: float) -> int:
        """The place of the step that is nearest to a size."""
        return int(np.abs(self.epsilons - epsilon).argmin())

    def changed(self, place: int) -> np.ndarray:
        """The image after one of the steps: `(28, 28)` uint8."""
        return _stepped(self.image, self.signs, self.epsilons[[place]])[0]


def attack(network: Network, image: np.ndarray) -> Attack:
    """Find the direction, and how far it takes to change what is read.

    Args:
        network: Who is fooled.
        image: `(28, 28)` uint8.
    """
    [logits] = network.logits(image[None])
    [gradients] = network.loss_gradients(image[None], int(logits.argmax()))
    signs = np.sign(gradients).astype(np.int8)
    epsilons = np.linspace(0, MAX_EPSILON, NUM_STEPS + 1)
    said = softmax(network.logits(_stepped(image, signs, epsilons)))
    return Attack(image, signs, epsilons, said.astype(np.float32))


def _stepped(image: np.ndarray, signs: np.ndarray, epsilons: np.ndarray) -> np.ndarray:
    """`(E, 28, 28)` uint8, an image for each step; none leaves the range of a pixel."""
    steps = 255 * epsilons[:, None, None] * signs
    return (image + steps).round().clip(0, 255).astype(np.uint8)
