"""Ready-made configs, each with what it gives and how long it takes.

The figures come from `benchmarks/recipes.py` on two cores; `benchmarks/README.md`
has the table.
"""

from dataclasses import dataclass

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


_BEST = TrainConfig(
    architecture="residual",
    optimizer="adamw",
    learning_rate=4e-3,
    schedule="one-cycle",
    batch_size=128,
    epochs=24,
    dropout=0.2,
    weight_decay=0.02,
    label_smoothing=0.03,
    batch_normalization=True,
    rotation=12.0,
    shift=2.0,
    scale=0.12,
    shear=0.15,
    elastic=0.7,
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "fast",
            "Fast",
            "A small CNN in one pass, with batch normalisation and a one-cycle rate: "
            "about 99.0 % on the test split in a quarter of a minute.",
            TrainConfig(
                learning_rate=6e-3,
                schedule="one-cycle",
                epochs=1,
                label_smoothing=0.05,
                batch_normalization=True,
            ),
        ),
        Recipe(
            "textbook",
            "Textbook CNN",
            "A small CNN with dropout, five epochs of Adam, the classic tutorial: "
            "about 98.8 % in half a minute.",
            TrainConfig(epochs=5, dropout=0.5),
        ),
        Recipe(
            "dense",
            "Dense network",
            "One hidden layer, no notion of neighbouring pixels: about 97.8 % in "
            "a quarter of a minute.",
            TrainConfig(architecture="dense", epochs=5, dropout=0.2),
        ),
        Recipe(
            "linear",
            "Softmax regression",
            "No hidden layer, the baseline to beat: about 92.2 % in eight seconds.",
            TrainConfig(architecture="softmax", epochs=5),
        ),
        Recipe(
            "best",
            "Best",
            "The residual CNN of the shipped run, with strong augmentation: about "
            "99.6 % in a quarter of an hour.",
            _BEST,
        ),
    )
}


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
