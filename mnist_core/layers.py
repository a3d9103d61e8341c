"""The layers of our networks in NumPy, forwards and backwards.

Values are float32: `(N, H, W, C)` for pictures, `(N, D)` for rows. `forward` computes
a layer's output from its inputs; `backward` takes the gradient of some number by that
output, and the inputs, to the gradient by each input. Nothing is trained here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


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
    """The product of each window of pixels with the kernel.

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
        *shape, filters = self.kernel.shape
        windows = sliding_window_view(self._padded(x), shape, axis=(1, 2, 3))
        windows = windows[:, :: self.stride, :: self.stride, 0]  # (N, h, w, *shape)
        rows = windows.reshape(*windows.shape[:3], -1)
        return rows @ self.kernel.reshape(-1, filters) + self.bias

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        padded = np.zeros_like(self._padded(x))
        _, height, width, _ = gradient.shape
        for row, column in np.ndindex(self.kernel.shape[:2]):
            rows = slice(row, row + height * self.stride, self.stride)
            columns = slice(column, column + width * self.stride, self.stride)
            padded[:, rows, columns] += gradient @ self.kernel[row, column].T
        (top, _), (left, _) = self._margins(x)
        return (padded[:, top : top + x.shape[1], left : left + x.shape[2]],)

    def middle(self, x: np.ndarray) -> tuple[float, float]:
        """Where in `x` the middle of the first window is: row and column."""
        (top, _), (left, _) = self._margins(x)
        height, width = self.kernel.shape[:2]
        return (height - 1) / 2 - top, (width - 1) / 2 - left

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
        return np.max([x[place] for place in self._places(x)], axis=0)

    def backward(self, gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        places, largest = self._places(x), self.forward(x)
        are_largest = [x[place] == largest for place in places]
        # Where several are largest each gets its share, so a stroke that is the same
        # all along is explained the same all along.
        share = gradient / np.sum(are_largest, axis=0, dtype=np.float32)
        output = np.zeros_like(x)
        for place, is_largest in zip(places, are_largest, strict=True):
            output[place] = is_largest * share
        return (output,)

    @staticmethod
    def _places(x: np.ndarray) -> list[tuple[slice, ...]]:
        """One pixel of each 2 x 2, four times."""
        height, width = (size // 2 * 2 for size in x.shape[1:3])
        return [
            (slice(None), slice(row, height, 2), slice(column, width, 2))
            for row, column in np.ndindex(2, 2)
        ]


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
