"""A set of drawings as a value: merged, looked up, divided, repeated."""

import hashlib

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.data import Split

MAX_DRAWINGS = 2_000  # of a set
HELD_OUT = 5  # one in so many is not taught with
NOTHING = Split(np.zeros((0, IMAGE_SIZE, IMAGE_SIZE), np.uint8), np.zeros(0, np.uint8))


def single(image: np.ndarray, label: int) -> Split:
    """One drawing: a `(28, 28)` uint8 image and the digit that it is."""
    return Split(image[np.newaxis], np.array([label], np.uint8))


def merged(old: Split, new: Split) -> Split:
    """Both sets, no image twice: a newer label replaces an older one in its place."""
    labels = {
        image.tobytes(): label
        for part in (old, new)
        for image, label in zip(part.images, part.labels, strict=True)
    }
    pixels = np.frombuffer(b"".join(labels), np.uint8)
    return Split(
        pixels.reshape(-1, IMAGE_SIZE, IMAGE_SIZE),
        np.array(list(labels.values()), np.uint8),
    )


def fingerprint(image: np.ndarray) -> bytes:
    """16 bytes that differ for any two `(28, 28)` uint8 images."""
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def labels(drawings: Split) -> dict[bytes, int]:
    """The digit as which each drawing is kept, by its fingerprint."""
    pairs = zip(drawings.images, drawings.labels.tolist(), strict=True)
    return {fingerprint(image): label for image, label in pairs}


def held_out(images: np.ndarray) -> np.ndarray:
    """`(N,)` bool, the drawings that are never taught with: about a fifth.

    It goes by a hash of each `(28, 28)` uint8 image and by nothing else. So what is
    once taught with never counts as held out later, when a copy of the copy is taught,
    whatever was kept, removed or relabelled in between. The price is that of few
    drawings, or of few of some digit, none may be held out: a rule that saw to it
    would have to look at the others, and would change its mind when they change.
    """
    chosen = [
        int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:8], "big") % HELD_OUT
        == 0
        for image in images
    ]
    return np.array(chosen, bool)


def repeated(drawings: Split, num_images: int) -> Split:
    """The drawings over and over, until there are so many images."""
    return drawings[np.arange(num_images) % max(len(drawings), 1)]


def digest(drawings: Split) -> str:
    """What differs between any two sets: the SHA-256 of images and labels."""
    both = drawings.images.tobytes() + drawings.labels.tobytes()
    return hashlib.sha256(both).hexdigest()
