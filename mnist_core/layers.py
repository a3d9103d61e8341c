"""The layers of our networks in NumPy, forwards and backwards.

Values are float32: `(N, H, W, C)` for pictures, `(N, D)` for rows. `forward` computes
a layer's output from its inputs; `backward` takes the gradient of some number by that
output, and the inputs, to the gradient by each input. Nothing is trained here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A factor and an offset for all, or for each channel."""

    scale: np.ndarray | np.float32
    offset: np.ndarray | np.float32

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x * self.scale + self.offset

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        return (gradient * self.scale,)


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """For each place in the kernel a product of matrices, all of them added up.

    Attributes:
        kernel: `(height, width, C, F)` float32.
        bias: `(F,)` float32.
        stride: Pixels, in both directions.
        is_padded: With zeros, so that stride 1 keeps the size (TensorFlow's "same").
    """

    kernel: np.ndarray
    bias: np.ndarray | np.float32
    stride: int
    is_padded: bool

    def forward(self, x: np.ndarray) -> np.ndarray:
        padded = self._padded(x)
        products = (padded[places] @ w for w, places in self._places(padded))
        output = next(products) + self.bias
        for product in products:
            output += product
        return output

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        padded = np.zeros_like(self._padded(x))
        for weights, places in self._places(padded):
            padded[places] += gradient @ weights.T
        (top, _), (left, _) = self._margins(x)
        return (padded[:, top : top + x.shape[1], left : left + x.shape[2]],)

    def _places(
        self, padded: np.ndarray
    ) -> Iterator[tuple[np.ndarray, tuple[slice, ...]]]:
        """`(C, F)` weights and the pixels that they meet, for each place."""
        height, width = self.kernel.shape[:2]
        down = padded.shape[1] - height + 1
        right = padded.shape[2] - width + 1
        for row in range(height):
            for column in range(width):
                rows = slice(row, row + down, self.stride)
                columns = slice(column, column + right, self.stride)
                yield self.kernel[row, column], (slice(None), rows, columns)

    def _padded(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, 0), *self._margins(x), (0, 0)))

    def _margins(self, x: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros above and below, left and right; the odd one goes last."""
        if not self.is_padded:
            return (0, 0), (0, 0)
        height, width = (
            max((-(-size // self.stride) - 1) * self.stride + extent - size, 0)
            for size, extent in zip(x.shape[1:3], self.kernel.shape, strict=False)
        )
        return (height // 2, -(-height // 2)), (width // 2, -(-width // 2))


@dataclass(frozen=True, slots=True)
class MaxPooling:
    """The largest of each 2 x 2; an odd last row or column is left out."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        return _blocks(x).max(axis=(2, 4))

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        blocks = _blocks(x)
        is_largest = blocks == blocks.max(axis=(2, 4), keepdims=True)
        # Where several are largest each gets its share, so a stroke that is the same
        # all along is explained the same all along.
        share = gradient[:, :, None, :, None] / is_largest.sum(
            axis=(2, 4), keepdims=True
        )
        output = np.zeros_like(x)
        _blocks(output)[...] = is_largest * share
        return (output,)


@dataclass(frozen=True, slots=True)
class ReLU:
    """What is positive."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        return (gradient * (x > 0),)


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A product with `(D, F)` weights, and a bias."""

    weights: np.ndarray
    bias: np.ndarray | np.float32

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x @ self.weights + self.bias

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        return (gradient @ self.weights.T,)


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same values in another shape; `()` is one row."""

    shape: tuple[int, ...] = (-1,)

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), *self.shape)

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        return (gradient.reshape(x.shape),)


@dataclass(frozen=True, slots=True)
class GlobalAverage:
    """The mean of each channel."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x.mean(axis=(1, 2))

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        _, height, width, _ = x.shape
        share = gradient[:, None, None, :] / np.float32(height * width)
        return (np.broadcast_to(share, x.shape),)


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of the inputs; of one input, that input."""

    def forward(self, *inputs: np.ndarray) -> np.ndarray:
        return np.asarray(sum(inputs[1:], start=inputs[0]))

    def backward(
        self, gradient: np.ndarray, *inputs: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        return (gradient,) * len(inputs)


Layer = Affine | Convolution | MaxPooling | ReLU | Dense | Reshape | GlobalAverage | Add


def _blocks(x: np.ndarray) -> np.ndarray:
    """`(N, H, W, C)` as `(N, H // 2, 2, W // 2, 2, C)`, the same memory."""
    num, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    down, right = even.strides[1:3]
    return np.lib.stride_tricks.as_strided(
        even,
        (num, height // 2, 2, width // 2, 2, channels),
        (even.strides[0], 2 * down, down, 2 * right, right, even.strides[3]),
    )
