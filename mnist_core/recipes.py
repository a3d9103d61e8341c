"""Ready-made configs, each with what it gives and how long it takes.

The figures come from `benchmarks/engine.py` on two cores; `benchmarks/README.md` has
the table.
"""

from dataclasses import dataclass, replace

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Recipe:
    """A config with a name.

    Attributes:
        name: For the command line.
        title: For a page.
        summary: One sentence: what it is, what it gives, how long it takes.
        config: What is trained.
    """

    name: str
    title: str
    summary: str
    config: TrainConfig


# A high rate that rises and falls, short memories and doubt about the labels: what a
# network needs to learn in one pass (after the one-cycle policy of Smith, 2018).
_QUICK = TrainConfig(
    learning_rate=0.012,
    schedule="one-cycle",
    momentum=0.8,
    beta_2=0.95,
    epochs=1,
    label_smoothing=0.05,
    batch_normalization=True,
)
_BEST = TrainConfig(
    architecture="deep",
    optimizer="adamw",
    learning_rate=4e-3,
    schedule="one-cycle",
    beta_2=0.98,
    batch_size=128,
    epochs=24,
    dropout=0.2,
    weight_decay=0.02,
    label_smoothing=0.03,
    batch_normalization=True,
    rotation=12.0,
    shift=1.5,
    scale=0.12,
    shear=0.15,
    elastic=0.7,
    num_styled=2_000,
    seed=4,
)

DEFAULT = "fast"
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "blink",
            "Blink",
            "A tiny CNN that sees half of the images once: at least 98 % on the test "
            "split, trained in about a second.",
            replace(
                _QUICK,
                architecture="tiny",
                learning_rate=0.016,
                num_train=27_500,
                batch_normalization=False,
            ),
        ),
        Recipe(
            "fast",
            "Fast",
            "A small CNN that sees seven tenths of the images once: at least 99 % on "
            "the test split, trained in a second or two.",
            replace(_QUICK, num_train=38_500),
        ),
        Recipe(
            "instant",
            "Instant",
            "The same CNN in four passes: about 99.4 % on the test split, trained "
            "in less than ten seconds.",
            replace(_QUICK, epochs=4),
        ),
        Recipe(
            "textbook",
            "Textbook CNN",
            "A small CNN with dropout, five epochs of Adam, the classic tutorial: "
            "about 98.8 % in less than ten seconds.",
            TrainConfig(epochs=5, dropout=0.5),
        ),
        Recipe(
            "dense",
            "Dense network",
            "One hidden layer, no notion of neighbouring pixels: about 97.8 % in "
            "some three seconds.",
            TrainConfig(architecture="dense", epochs=5, dropout=0.2),
        ),
        Recipe(
            "linear",
            "Softmax regression",
            "No hidden layer, the baseline to beat: about 92.2 % in about a second.",
            TrainConfig(architecture="softmax", epochs=5),
        ),
        Recipe(
            "best",
            "Best",
            "The deep CNN of the shipped run, with augmentation: about 99.6 %, trained "
            "in some four minutes.",
            _BEST,
        ),
        Recipe(
            "robust",
            "Robust",
            "The same, and it learns from soft and sharp images and all pens: about "
            "99.55 %, and blurred digits are read as well; some five minutes.",
            replace(_BEST, thickness=0.5, blur=1.0),
        ),
    )
}


def for_drawings(config: TrainConfig, run_id: str) -> TrainConfig:
    """How a run of `best` goes on to the shipped one: it learns thick pens as well.

    At a low rate, and from images that are changed half as much but for their slant, so
    that what it sees last is close to what it will read. Chosen on the validation split
    and on recorded strokes.

    Args:
        config: Of the run.
        run_id: Its id.
    """
    return replace(
        config,
        start_from=run_id,
        learning_rate=5e-4,
        epochs=4,
        rotation=config.rotation / 2,
        shift=config.shift / 2,
        scale=config.scale / 2,
        elastic=config.elastic / 2,
        num_styled=3_500,
        num_thick=16_000,
    )


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ConfigError: If there is none.
    """
    if name not in RECIPES:
        raise ConfigError(
            f"There is no recipe {name[:40]!r}. The recipes are {', '.join(RECIPES)}."
        )
    return RECIPES[name]
