"""A run's network in NumPy, from its `.keras` file: every value, and exact gradients.

The server has no TensorFlow. The networks are small and of few kinds of layers, so
plain matrix products will do; a test compares them with Keras.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core import layers
from mnist_core.config import NUM_CLASSES
from mnist_core.errors import RunError
from mnist_core.layers import Layer

INPUT, OUTPUT = "images", "logits"  # names that `models.build` gives
_PLAIN: dict[str, Layer] = {  # Keras's layers that have neither weights nor settings
    "MaxPooling2D": layers.MaxPooling(),
    "ReLU": layers.ReLU(),
    "Flatten": layers.Reshape(),
    "GlobalAveragePooling2D": layers.GlobalAverage(),
    "Add": layers.Add(),
    "Identity": layers.Add(),
    "Dropout": layers.Add(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A layer in its place: the values that it takes are those of other layers."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


def softmax(logits: np.ndarray) -> np.ndarray:
    """`(N, 10)` float64, the probabilities that logits stand for."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True).astype(np.float64))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


NO_CONVOLUTIONS = "This network has no convolutions, so no layer of it sees a picture."


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What the last convolutions make of an image.

    Attributes:
        values: `(H, W, C)` float32.
        gradients: The same, of a logit by each value.
        rows: `(H,)` float, the row of the image that each row of a map is about.
        columns: `(W,)` float, the same for columns.
    """

    values: np.ndarray
    gradients: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


class Network:
    """A network in memory; any number of threads may use it at once."""

    def __init__(self, nodes: list[Node]) -> None:
        """A network of nodes from the pixels to the logits, each after its inputs."""
        self._nodes = nodes

    def logits(self, images: np.ndarray) -> np.ndarray:
        """`(N, 10)` float32 for `(N, 28, 28)` images in [0, 255]."""
        return self._values(images)[OUTPUT]

    def gradients(self, images: np.ndarray, digit: int) -> np.ndarray:
        """How the logit of a digit grows with each pixel, by backpropagation.

        Args:
            images: `(N, 28, 28)`, in [0, 255].
            digit: From 0 to 9.

        Returns:
            `(N, 28, 28)` float32.
        """
        values = self._values(images)
        chosen = np.eye(NUM_CLASSES, dtype=np.float32)[digit]
        return self._gradients(values, chosen, INPUT)

    def loss_gradients(self, images: np.ndarray, digit: int) -> np.ndarray:
        """How the cross-entropy with a digit grows with each pixel.

        Args:
            images: `(N, 28, 28)`, in [0, 255].
            digit: From 0 to 9.

        Returns:
            `(N, 28, 28)` float32, in nats for each step of a pixel's 255.
        """
        values = self._values(images)
        upstream = softmax(values[OUTPUT])
        # One less than the digit's probability, which may be 1 to the last bit.
        upstream[:, digit] = 0
        upstream[:, digit] = -upstream.sum(axis=1)
        return self._gradients(values, upstream.astype(np.float32), INPUT)

    def last_maps(self, image: np.ndarray, digit: int) -> Maps:
        """The last feature maps of one `(28, 28)` image, and a logit's gradient there.

        Raises:
            RunError: If the network has no convolutions.
        """
        values = self._values(image[None])
        pictures = self._pictures(values)
        if not pictures:
            raise RunError(NO_CONVOLUTIONS)
        name = pictures[-1]
        chosen = np.eye(NUM_CLASSES, dtype=np.float32)[digit]
        gradients = self._gradients(values, chosen, name)
        (rows, columns), step = self._places(values, name)
        height, width = values[name].shape[1:3]
        return Maps(
            values[name][0],
            gradients[0],
            rows + step * np.arange(height),
            columns + step * np.arange(width),
        )

    def _places(
        self, values: dict[str, np.ndarray], name: str
    ) -> tuple[np.ndarray, int]:
        """Which pixel of the image a layer's first place is about, row and column.

        And how far the next is; both follow from the windows on the way there.
        """
        if name == INPUT:
            return np.zeros(2), 1
        node = next(node for node in self._nodes if node.name == name)
        first, step = self._places(values, node.inputs[0])
        if isinstance(node.layer, layers.Convolution):
            middle = node.layer.middle(values[node.inputs[0]])
            return first + step * np.array(middle), step * node.layer.stride
        if isinstance(node.layer, layers.MaxPooling):
            return first + step * 0.5, step * 2
        return first, step

    def _gradients(
        self, values: dict[str, np.ndarray], upstream: np.ndarray, of: str
    ) -> np.ndarray:
        """How a weighted sum of the logits grows with the values of a layer."""
        gradients = {OUTPUT: np.broadcast_to(upstream, values[OUTPUT].shape)}
        for node in reversed(self._nodes):
            if node.name == of:
                break
            inputs = [values[name] for name in node.inputs]
            parts = node.layer.backward(gradients.pop(node.name), *inputs)
            for name, part in zip(node.inputs, parts, strict=True):
                gradients[name] = gradients[name] + part if name in gradients else part
        return gradients[of]

    def feature_maps(self, image: np.ndarray) -> list[np.ndarray]:
        """What each layer of convolutions makes of one `(28, 28)` image.

        Returns:
            `(H, W, C)` float32 for each, after pooling, normalisation and ReLU, in
            order; none for a network without convolutions.
        """
        values = self._values(image[None])
        return [values[name][0] for name in self._pictures(values)]

    def _pictures(self, values: dict[str, np.ndarray]) -> list[str]:
        """The rectified layers whose values are pictures, in order."""
        rectified = [n.name for n in self._nodes if isinstance(n.layer, layers.ReLU)]
        return [name for name in rectified if values[name].ndim == 4]

    def _values(self, images: np.ndarray) -> dict[str, np.ndarray]:
        values = {INPUT: images.astype(np.float32)}
        for node in self._nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.name] = node.layer.forward(*inputs)
        return values


def load(path: Path) -> Network:
    """The network of a `.keras` file that `models.build` and a training made.

    Raises:
        RunError: If it has a layer that is not known here.
    """
    with zipfile.ZipFile(path) as archive:
        graph = json.loads(archive.read("config.json"))["config"]["layers"]
        weights = _weights(archive.read("model.weights.h5"))
    nodes = []
    for item in graph:
        name = item["config"]["name"]
        if name != INPUT:
            layer = _layer(item["class_name"], item["config"], weights[name])
            nodes.append(Node(name, layer, _inputs(item)))
        if name == OUTPUT:  # what follows is the softmax
            break
    return Network(nodes)


def _weights(content: bytes) -> dict[str, list[np.ndarray]]:
    """The arrays of each layer, by its name."""
    import h5py  # 12 MB that few visitors need

    with h5py.File(io.BytesIO(content)) as file:
        stored = [group["vars"] for group in file["layers"].values()]
        return {
            arrays.attrs["name"]: [arrays[str(n)][()] for n in range(len(arrays))]
            for arrays in stored
        }


def _inputs(item: dict[str, Any]) -> tuple[str, ...]:
    [given] = item["inbound_nodes"][0]["args"]
    tensors = given if isinstance(given, list) else [given]
    return tuple(tensor["config"]["keras_history"][0] for tensor in tensors)


def _layer(kind: str, config: dict[str, Any], weights: list[np.ndarray]) -> Layer:
    bias = weights[1] if config.get("use_bias") else np.float32(0)
    match kind:
        case "Rescaling":
            return layers.Affine(np.float32(config["scale"]), np.float32(0))
        case "BatchNormalization":
            return _normalization(config["epsilon"], *weights)
        case "Conv2D":
            is_padded = config["padding"] == "same"
            return layers.Convolution(weights[0], bias, config["strides"][0], is_padded)
        case "Dense":
            return layers.Dense(weights[0], bias)
        case "Reshape":
            return layers.Reshape(tuple(config["target_shape"]))
    if kind in _PLAIN:
        return _PLAIN[kind]
    raise RunError(
        f"This model has a layer of the kind {kind}, through which it cannot be "
        "explained; choose another model."
    )


def _normalization(
    epsilon: float,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> layers.Affine:
    """Batch normalisation as it reads: by the moving statistics."""
    scale = gamma / np.sqrt(variance + np.float32(epsilon))
    return layers.Affine(scale, beta - mean * scale)
