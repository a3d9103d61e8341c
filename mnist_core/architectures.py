"""The networks on offer, described as plain values.

One description serves two readers: `models` builds Keras layers from it, and the
Train page counts parameters and work from it without importing Keras.
"""

from dataclasses import dataclass

from mnist_core.config import IMAGE_SIZE, NUM_CLASSES, TrainConfig


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution, then 2x2 max pooling if `is_pooled`, then ReLU.

    Pooling comes first because it leaves a quarter of the values to normalise and to
    rectify; with ReLU alone the result is the same in either order.
    """

    filters: int
    kernel: int = 3
    stride: int = 1
    is_padded: bool = False
    is_pooled: bool = False


@dataclass(frozen=True, slots=True)
class Residual:
    """Two padded 3x3 convolutions beside a shortcut (He et al., 2016).

    The shortcut is a 1x1 convolution where the shape changes.
    """

    filters: int
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Flatten:
    """All values in one row."""


@dataclass(frozen=True, slots=True)
class GlobalAverage:
    """The mean of each feature map."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A fully connected layer, then ReLU."""

    units: int


Block = Conv | Residual | Flatten | GlobalAverage | Dense


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network up to its features; dropout and a softmax layer of 10 follow.

    Attributes:
        title: What a person reads.
        summary: What it is, its parameters without normalisation, the test accuracy
            to expect and the time of an epoch on two cores.
        image_seconds: That training on one image takes there, in batches of 128.
        blocks: From the image to the features.
    """

    title: str
    summary: str
    image_seconds: float
    blocks: tuple[Block, ...]

    @property
    def has_convolutions(self) -> bool:
        """Whether any of its layers sees a picture."""
        return any(isinstance(block, Conv | Residual) for block in self.blocks)


ARCHITECTURES: dict[str, Architecture] = {
    "softmax": Architecture(
        "Softmax regression",
        "Every pixel votes for every digit, no hidden layer: 7,850 parameters, about "
        "92 % on the test split, a tenth of a second an epoch.",
        1.4e-6,
        (Flatten(),),
    ),
    "dense": Architecture(
        "Dense network",
        "One hidden layer of 512 units, no notion of neighbours: 407,050 parameters, "
        "about 98 %, about half a second an epoch.",
        10e-6,
        (Flatten(), Dense(512)),
    ),
    "tiny": Architecture(
        "Tiny CNN",
        "Two convolutions that skip every other pixel: 56,970 parameters, about "
        "98.5 %, about half a second an epoch.",
        9e-6,
        (Conv(16, kernel=5, stride=2), Conv(32, stride=2), Flatten(), Dense(64)),
    ),
    "cnn": Architecture(
        "Small CNN",
        "Two convolutions and a dense layer, the textbook answer: 108,874 parameters, "
        "about 99 %, some 1.5 s an epoch.",
        25e-6,
        (
            Conv(16, kernel=5, is_pooled=True),
            Conv(32, is_pooled=True),
            Flatten(),
            Dense(128),
        ),
    ),
    "deep": Architecture(
        "Deep CNN",
        "Three convolutions and a dense layer, the most accurate: 254,986 parameters, "
        "about 99.6 % with augmentation, some 6 s an epoch.",
        92e-6,
        (
            Conv(32, kernel=5, is_pooled=True),
            Conv(64),
            Conv(64, is_pooled=True),
            Flatten(),
            Dense(192),
        ),
    ),
    "residual": Architecture(
        "Residual CNN",
        "Seven convolutions with shortcuts, which let deep networks learn: 307,914 "
        "parameters, about 99.5 % with augmentation, some 8 s an epoch.",
        114e-6,
        (
            Conv(32, kernel=5, stride=2),
            Residual(32),
            Residual(64, stride=2),
            Residual(128, stride=2),
            GlobalAverage(),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one image costs.

    Attributes:
        num_parameters: Trainable ones and the moving statistics, as Keras counts.
        num_operations: Floating-point multiplications and additions of a forward
            pass.
    """

    num_parameters: int
    num_operations: int


def cost(config: TrainConfig) -> Cost:
    """Count the parameters and the work of a config's model, without building it."""
    shape: tuple[int, ...] = (IMAGE_SIZE, IMAGE_SIZE, 1)
    parameters = operations = 0
    for block in ARCHITECTURES[config.architecture].blocks:
        shape, block_cost = _pass(block, shape, config.batch_normalization)
        parameters += block_cost.num_parameters
        operations += block_cost.num_operations
    (features,) = shape
    return Cost(
        parameters + (features + 1) * NUM_CLASSES,
        operations + 2 * features * NUM_CLASSES,
    )


def _pass(
    block: Block, shape: tuple[int, ...], is_normalized: bool
) -> tuple[tuple[int, ...], Cost]:
    """The shape after a block, and its cost."""
    match block:
        case Conv(filters, kernel, stride, is_padded, is_pooled):
            after = _convolved(shape, filters, kernel, stride, is_padded)
            price = _conv_cost(shape, after, kernel, is_normalized)
            if is_pooled:
                after = (after[0] // 2, after[1] // 2, filters)
            return after, price
        case Residual(filters, stride):
            after = _convolved(shape, filters, 3, stride, True)
            costs = [
                _conv_cost(shape, after, 3, is_normalized),
                _conv_cost(after, after, 3, is_normalized),
            ]
            if shape != after:
                costs.append(_conv_cost(shape, after, 1, is_normalized))
            return after, _total(costs)
        case Flatten():
            height, width, channels = shape
            return (height * width * channels,), Cost(0, 0)
        case GlobalAverage():
            return shape[-1:], Cost(0, 0)
        case Dense(units):
            (inputs,) = shape
            return (units,), Cost(
                inputs * units + _offsets(units, is_normalized), 2 * inputs * units
            )


def _convolved(
    shape: tuple[int, ...], filters: int, kernel: int, stride: int, is_padded: bool
) -> tuple[int, ...]:
    lost = 0 if is_padded else kernel - 1
    return (
        -(-(shape[0] - lost) // stride),
        -(-(shape[1] - lost) // stride),
        filters,
    )


def _conv_cost(
    before: tuple[int, ...], after: tuple[int, ...], kernel: int, is_normalized: bool
) -> Cost:
    height, width, filters = after
    weights = kernel * kernel * before[-1] * filters
    return Cost(
        weights + _offsets(filters, is_normalized), 2 * height * width * weights
    )


def _offsets(units: int, is_normalized: bool) -> int:
    """A bias each; or the scale, offset, mean and variance of normalisation."""
    return 4 * units if is_normalized else units


def _total(costs: list[Cost]) -> Cost:
    return Cost(
        sum(cost.num_parameters for cost in costs),
        sum(cost.num_operations for cost in costs),
    )
