"""What to train: every hyperparameter, with the bounds that hold everywhere.

The form, the command line and a tampered request all end in `TrainConfig`, which
refuses a wrong value with one sentence. The bounds stand beside the fields, and
the form reads them from there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from mnist_core.errors import ConfigError
from mnist_core.files import parse_json

IMAGE_SIZE = 28  # pixels, height and width of an MNIST image
NUM_CLASSES = 10  # the digits 0 to 9
NUM_LABELLED = 60_000  # images of MNIST's training file: train + validation
CONFIG_VERSION = 1  # of the JSON form; raised when its meaning changes
MAX_TEACHERS = 8  # runs; each one reads every image of a training
MAX_ID = 200  # characters of a run's id, which is a folder's name

ARCHITECTURES = ("softmax", "dense", "tiny", "cnn", "deep", "residual")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
SCHEDULES = ("constant", "cosine", "one-cycle")
# The settings that change training images at random.
CHANGES = ("rotation", "shift", "scale", "shear", "elastic", "thickness", "blur")


def _choice(default: str, options: tuple[str, ...]) -> Any:
    return field(default=default, metadata={"options": options})


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _run_id() -> Any:
    return field(default="", metadata={"names": "a run"})


def _run_ids() -> Any:
    return field(default=(), metadata={"names": "runs", "most": MAX_TEACHERS})


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """All that decides a training; the same config and seed give the same weights.

    Attributes:
        architecture: A key of `architectures.ARCHITECTURES`.
        optimizer: A name of `OPTIMIZERS`.
        momentum: How much of the direction is kept from step to step: of "sgd", and
            the first beta of "adam" and "adamw".
        beta_2: How slowly "adam" and "adamw" forget the size of gradients.
        learning_rate: The peak of the schedule.
        schedule: "constant"; "cosine", falling to 0 at the end; or "one-cycle",
            rising for the first 30 % of the steps and then falling to 0.
        batch_size: Images of one gradient step.
        epochs: Passes over the train split, at most.
        time_limit: Seconds to train for instead, with the schedule driven by the
            clock; 0 trains all epochs.
        patience: Stop after so many epochs without a lower validation loss; 0 trains
            all epochs.
        dropout: Fraction of the last features that is dropped while training.
        weight_decay: L2 penalty on the kernels; decoupled decay with "adamw".
        label_smoothing: Share of the label's probability spread over all digits.
        batch_normalization: Normalise after every hidden layer.
        start_from: Id of a finished run of the same architecture, whose weights the
            training begins with; "" begins with weights drawn by lot.
        teachers: Ids of finished runs whose probabilities, averaged, are learned
            beside the labels (distillation: Hinton et al., 2015).
        rotation: Largest random rotation, in degrees.
        shift: Largest random shift, in pixels.
        scale: Largest random change of height and of width: up to exp(scale) times.
        shear: Largest random shear, as a fraction.
        elastic: Standard deviation of the random local warp at its control points,
            in pixels.
        thickness: By how many pixels strokes grow on every side, and then shrink, at
            most, along rows and columns.
        blur: Largest share of a blurred image that is mixed in, or taken off, which
            sharpens.
        num_styled: Images added to the train split, drawn by rules in styles that MNIST
            hardly shows, such as slashed zeros.
        num_thick: Images added to the train split: digits of it, and styled ones, as a
            thick pen draws them small, so that loops are filled.
        num_kept: Images added to the train split: a visitor's own drawings, which lie
            in the run's folder, over and over until there are so many.
        label_noise: Share of the train split's labels that are made wrong on purpose,
            to see what wrong labels do (`label_noise.py`).
        seed: Of every random choice.
        num_train: Images of the train split, a stratified part of what is left.
        num_validation: Images of the validation split.
    """

    architecture: str = _choice("cnn", ARCHITECTURES)
    optimizer: str = _choice("adam", OPTIMIZERS)
    momentum: float = _number(0.9, 0.0, 0.99)
    beta_2: float = _number(0.999, 0.5, 0.9999)
    learning_rate: float = _number(1e-3, 1e-6, 10.0)
    schedule: str = _choice("constant", SCHEDULES)
    batch_size: int = _number(128, 8, 2048)
    epochs: int = _number(5, 1, 300)
    time_limit: int = _number(0, 0, 86_400)
    patience: int = _number(0, 0, 50)
    dropout: float = _number(0.0, 0.0, 0.9)
    weight_decay: float = _number(0.0, 0.0, 1.0)
    label_smoothing: float = _number(0.0, 0.0, 0.5)
    batch_normalization: bool = False
    start_from: str = _run_id()
    teachers: tuple[str, ...] = _run_ids()
    rotation: float = _number(0.0, 0.0, 45.0)
    shift: float = _number(0.0, 0.0, 6.0)
    scale: float = _number(0.0, 0.0, 0.5)
    shear: float = _number(0.0, 0.0, 0.5)
    elastic: float = _number(0.0, 0.0, 3.0)
    thickness: float = _number(0.0, 0.0, 1.0)
    blur: float = _number(0.0, 0.0, 1.0)
    num_styled: int = _number(0, 0, 20_000)
    num_thick: int = _number(0, 0, 60_000)
    num_kept: int = _number(0, 0, 20_000)
    label_noise: float = _number(0.0, 0.0, 0.5)
    seed: int = _number(0, 0, 2**31 - 1)
    num_train: int = _number(55_000, 100, 59_500)
    num_validation: int = _number(5_000, 500, 20_000)

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, or does not go together.

        Raises:
            ConfigError: With one sentence that says what must hold and what came.
        """
        for name in bounds():
            object.__setattr__(self, name, _checked(name, getattr(self, name)))
        total = self.num_train + self.num_validation
        if total > NUM_LABELLED:
            raise ConfigError(
                f"Train and validation images share {NUM_LABELLED:,}; "
                f"{self.num_train:,} + {self.num_validation:,} = {total:,} is "
                f"{total - NUM_LABELLED:,} too many."
            )
        if self.batch_size > self.num_train:
            raise ConfigError(
                f"A batch of {self.batch_size:,} needs at least as many training "
                f"images; there are {self.num_train:,}. Choose a smaller batch."
            )
        if self.architecture == "softmax":
            for name in ("dropout", "batch_normalization"):
                if getattr(self, name):
                    raise ConfigError(
                        f"Softmax regression has no hidden layer, so it cannot use "
                        f"{_words(name)}. Switch it off or choose another architecture."
                    )

    @property
    def num_drawn(self) -> int:
        """Images that are drawn before the first step."""
        return self.num_styled + self.num_thick

    @property
    def num_learned(self) -> int:
        """Images of an epoch: the train split, what is drawn, and a visitor's own."""
        return self.num_train + self.num_drawn + self.num_kept

    @property
    def is_augmented(self) -> bool:
        """Whether training images are changed at random."""
        return any(getattr(self, change) for change in CHANGES)

    def to_json(self) -> dict[str, Any]:
        """The config as a JSON object, with its version."""
        return {"version": CONFIG_VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The config that `to_json` wrote.

        Raises:
            ConfigError: If a key is unknown, the version newer, or a value wrong.
        """
        settings = dict(value)
        version = settings.pop("version", None)
        if version != CONFIG_VERSION:
            raise ConfigError(
                f"This config has version {version!r}; this Digit Lab reads version "
                f"{CONFIG_VERSION}. Open it with the Digit Lab that wrote it."
            )
        _refuse_unknown(settings)
        return cls(**settings)

    def with_settings(self, assignments: list[str]) -> Self:
        """The config changed by `KEY=VALUE` strings, as the command line has them.

        Raises:
            ConfigError: If one is malformed, unknown or out of bounds.
        """
        settings: dict[str, Any] = {}
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            if not equals:
                raise ConfigError(
                    f"A setting is written KEY=VALUE, such as epochs=3. "
                    f"Received: {assignment!r}."
                )
            settings[name.strip()] = _parsed(text.strip())
        _refuse_unknown(settings)
        return replace(self, **settings)


def bounds() -> dict[str, Mapping[str, Any]]:
    """Of every setting: `low` and `high`, the `options`, or that it `names` runs.

    A list of runs has the `most` that it may hold.
    """
    return {setting.name: setting.metadata for setting in fields(TrainConfig)}


def _checked(name: str, value: Any) -> Any:
    """The value in its field's own type, or a `ConfigError`."""
    bound, kind = bounds()[name], _KINDS[name]
    if bound.get("names") == "a run":
        if not isinstance(value, str) or len(value) > MAX_ID:
            raise _wrong(name, "the id of a run", value)
        return value.strip()
    if kind is str:
        if value not in bound["options"]:
            expected = "one of " + ", ".join(bound["options"])
            raise _wrong(name, expected, value)
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise _wrong(name, "true or false", value)
        return value
    if "most" in bound:
        return _checked_ids(name, value, bound["most"])
    low, high = bound["low"], bound["high"]
    expected = (
        f"{'a whole number' if kind is int else 'a number'} from {low:,} to {high:,}"
    )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, expected, value)
    if not low <= value <= high or kind(value) != value:  # NaN is in no range
        raise _wrong(name, expected, value)
    return kind(value)


def _checked_ids(name: str, value: Any, most: int) -> tuple[str, ...]:
    """Ids of runs: a list, or one text with commas as the command line has it."""
    ids = value.split(",") if isinstance(value, str) else value
    expected = f"a list of at most {most} ids of runs, none of them twice"
    if not isinstance(ids, list | tuple):
        raise _wrong(name, expected, value)
    if not all(isinstance(run_id, str) for run_id in ids):
        raise _wrong(name, expected, value)
    stripped = tuple(run_id.strip() for run_id in ids if run_id.strip())
    if len(stripped) > most or len(set(stripped)) != len(stripped):
        raise _wrong(name, expected, value)
    return stripped


def _wrong(name: str, expected: str, value: Any) -> ConfigError:
    try:
        received = repr(value)
    except ValueError:  # a whole number of thousands of numerals
        received = "a number too long to print"
    if len(received) > 40:
        received = received[:40] + "…"
    return ConfigError(f"`{name}` must be {expected}. Received: {name}={received}.")


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    unknown = sorted(set(settings) - set(bounds()))
    if unknown:
        raise ConfigError(
            f"There is no setting {unknown[0]!r}. The settings are "
            f"{', '.join(bounds())}."
        )


def _parsed(text: str) -> Any:
    """A JSON number or boolean, or the text itself."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def _words(name: str) -> str:
    return name.replace("_", " ")


_KINDS: dict[str, Any] = {setting.name: setting.type for setting in fields(TrainConfig)}
