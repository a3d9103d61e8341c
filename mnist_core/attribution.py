"""Which pixels speak for a digit, and which against it.

Both ways explain the logit, the number that the softmax turns into a probability:
unlike that, it does not flatten out where a model is sure.
"""

from dataclasses import dataclass

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.network import Network
from mnist_core.reader import Reader

PATCH, STRIDE = 6, 2  # pixels: 12 x 12 places that just cover the image
GREY = 128  # of the patch: neither paper nor ink
STEPS = 50  # from blank paper to the image: an error of 1 % or so
BATCH = 25  # images at a time: their values fit into the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The difference that an image makes to a logit, shared out among its pixels.

    Attributes:
        values: `(28, 28)` float32, each pixel's share.
        difference: The logit of the image less that of blank paper.
    """

    values: np.ndarray
    difference: float

    @property
    def total(self) -> float:
        """What all shares add up to; exact ones add up to the difference."""
        return float(self.values.sum())

    @property
    def error(self) -> float:
        """By how much the shares miss completeness."""
        return self.total - self.difference


def integrated_gradients(
    network: Network, image: np.ndarray, digit: int, *, steps: int = STEPS
) -> Attribution:
    """Share a digit's logit out among the pixels of an image.

    From blank paper the ink comes up to its strength, and what each pixel's gradient
    adds on the way is its share (Sundararajan, Taly & Yan, "Axiomatic attribution
    for deep networks", 2017, equation 3; by the midpoint rule). Paper has no share.

    Args:
        network: Whose logit.
        image: `(28, 28)` uint8.
        digit: From 0 to 9.
        steps: Points on the way; more of them leave less error.
    """
    ink = image.astype(np.float32)
    fractions = ((np.arange(steps, dtype=np.float32) + 0.5) / steps)[:, None, None]
    sums = [
        network.gradients(fractions[start : start + BATCH] * ink, digit).sum(axis=0)
        for start in range(0, steps, BATCH)
    ]
    paper, whole = network.logits(np.stack([np.zeros_like(ink), ink]))[:, digit]
    return Attribution(ink * np.sum(sums, axis=0) / steps, float(whole - paper))


def occlusion(reader: Reader, image: np.ndarray, digit: int) -> np.ndarray:
    """By how much a digit's logit falls where a grey patch covers the image.

    A pixel has the mean of the patches that cover it (Zeiler & Fergus, "Visualizing
    and understanding convolutional networks", 2014, section 4.2).

    Args:
        reader: Whose logit.
        image: `(28, 28)` uint8.
        digit: From 0 to 9.

    Returns:
        `(28, 28)` float32; negative where the logit rises.
    """
    starts = range(0, IMAGE_SIZE - PATCH + 1, STRIDE)
    patches = [
        (slice(row, row + PATCH), slice(column, column + PATCH))
        for row in starts
        for column in starts
    ]
    images = np.repeat(image[None], len(patches) + 1, axis=0)  # the last stays whole
    for covered, patch in zip(images, patches, strict=False):
        covered[patch] = GREY
    logits = reader.read(images).logits[:, digit]
    falls, counts = np.zeros((2, IMAGE_SIZE, IMAGE_SIZE), np.float32)
    for logit, patch in zip(logits, patches, strict=False):
        falls[patch] += logits[-1] - logit
        counts[patch] += 1
    return falls / counts


def grad_cam(network: Network, image: np.ndarray, digit: int) -> np.ndarray:
    """Where the last convolutions see what speaks for a digit.

    The last feature maps, each weighed by the mean gradient of the digit's logit on
    it, added up, and what is negative left out (Selvaraju et al., "Grad-CAM", 2017).

    Args:
        network: Whose logit.
        image: `(28, 28)` uint8.
        digit: From 0 to 9.

    Returns:
        `(28, 28)` float32, not negative; a square of pixels for each place of a map,
        around the middle of what that place sees, and 0 beyond the outermost.

    Raises:
        RunError: If the network has no convolutions.
    """
    maps = network.last_maps(image, digit)
    seen = np.maximum((maps.values * maps.gradients.mean(axis=(0, 1))).sum(axis=-1), 0)
    return _nearest(maps.rows).T @ seen @ _nearest(maps.columns)


def _nearest(places: np.ndarray) -> np.ndarray:
    """`(n, 28)` float32, 1 where a pixel is nearest to a place, and near enough."""
    step = places[1] - places[0] if len(places) > 1 else IMAGE_SIZE
    pixels = np.arange(IMAGE_SIZE)
    # Half open, so that a pixel between two places belongs to one of them.
    offsets = pixels - places[:, None]
    return ((-step / 2 < offsets) & (offsets <= step / 2)).astype(np.float32)
