"""The form of hyperparameters: recipes, and every setting with its help.

Bounds come from `mnist_core.config`; this is the home of their words.
"""

import json
from dataclasses import asdict, replace
from typing import Any, NamedTuple, NoReturn

import streamlit as st

from mnist_core.architectures import ARCHITECTURES
from mnist_core.config import CHANGES, TrainConfig, bounds
from mnist_core.errors import ConfigError
from mnist_core.recipes import DEFAULT, RECIPES
from ui import picker

_CHANGED = "set"  # in the address: a KEY=VALUE each
_SENT = "set-sent"  # in the session: follow the address, whatever the form says


class Words(NamedTuple):
    """What a person reads about a setting."""

    label: str
    help: str


WORDS = {
    "architecture": Words(
        "Architecture",
        "What the network is made of. Too small: it cannot learn the shapes. Too "
        "large: slow, and it may learn the images by heart.",
    ),
    "optimizer": Words(
        "Optimiser",
        "How a gradient becomes a step. Adam and AdamW need little tuning; SGD with "
        "momentum wants a learning rate about 30 times higher.",
    ),
    "momentum": Words(
        "Momentum",
        "How much of its direction is kept from step to step: of SGD, and the first "
        "beta of Adam and AdamW. Too low: it zigzags. Too high: it overshoots. Short "
        "trainings want less than 0.9.",
    ),
    "beta_2": Words(
        "Second beta",
        "How long Adam and AdamW remember the size of gradients. Too low: jumpy. Too "
        "high: it adapts too late. Short trainings want less than 0.999.",
    ),
    "learning_rate": Words(
        "Learning rate",
        "The size of a step. Too low: it learns slowly. Too high: the loss jumps, or "
        "becomes infinite. Try 0.001 for Adam and 0.05 for SGD.",
    ),
    "schedule": Words(
        "Schedule",
        "How the learning rate changes. Constant: it ends noisy. Cosine: falls to 0. "
        "One-cycle: rises first, which bears a higher rate and ends sooner.",
    ),
    "epochs": Words(
        "Epochs",
        "How often it sees every image. Too low: it has not learned enough. Too high: "
        "it only overfits; the best epoch is kept.",
    ),
    "time_limit": Words(
        "Seconds instead of epochs",
        "Trains for so long, whatever the machine does, and ends its schedule by the "
        "clock. Too low: it has not learned enough. Too high: it only overfits. 0: by "
        "epochs.",
    ),
    "patience": Words(
        "Patience (epochs)",
        "Stops early after so many epochs without a lower validation loss. Too "
        "low: it gives up in a dip. Too high: it wastes epochs. 0: it trains all.",
    ),
    "batch_size": Words(
        "Batch size",
        "Images in one step. Too low: slow and noisy. Too high: few steps, so it "
        "learns less in an epoch; raise the learning rate with it.",
    ),
    "dropout": Words(
        "Dropout",
        "The share of features that is hidden at random while training. Too low: it "
        "may overfit. Too high: it learns too little. Try 0.2 to 0.5.",
    ),
    "weight_decay": Words(
        "Weight decay",
        "Pulls weights towards 0: an L2 penalty, or decoupled with AdamW. Too low: no "
        "effect. Too high: it underfits. Try 0.0001, or 0.01 with AdamW.",
    ),
    "label_smoothing": Words(
        "Label smoothing",
        "Asks for a little doubt about every label. Too low: it becomes too sure of "
        "itself. Too high: it hardly commits. Try 0.05.",
    ),
    "batch_normalization": Words(
        "Batch normalisation",
        "Keeps the values between layers in range. It bears higher learning rates and "
        "learns in fewer epochs; an epoch takes longer.",
    ),
    "start_from": Words(
        "Start from",
        "A finished run of the same network, whose weights it begins with instead of "
        "random ones (fine-tuning). It then takes few epochs, and a learning rate "
        "below that of the run.",
    ),
    "teachers": Words(
        "Teachers",
        "Finished runs whose answers it learns beside the labels, averaged "
        "(distillation). Several teachers put what they know together into one small "
        "model; each of them reads every image, so an epoch takes longer.",
    ),
    "rotation": Words(
        "Rotation (degrees)",
        "Turns every training image by up to so much. Too low: tilted digits are "
        "misread. Too high: a 6 comes near a 9. Try 10.",
    ),
    "shift": Words(
        "Shift (pixels)",
        "Moves it by up to so much. Too low: a digit beside the middle is misread. "
        "Too high: it is cut off at the edge. Try 2.",
    ),
    "scale": Words(
        "Scale (fraction)",
        "Makes it wider and higher, or less, by up to so much. Too low: narrow and "
        "wide hands are misread. Too high: it is cut off or smeared. Try 0.1.",
    ),
    "shear": Words(
        "Shear (fraction)",
        "Slants it by up to so much, as handwriting does. Too low: slanted hands are "
        "misread. Too high: a 1 becomes a dash. Try 0.15.",
    ),
    "elastic": Words(
        "Elastic warp (pixels)",
        "Bends it smoothly, as an unsteady hand does. Too low: it changes nothing. Too "
        "high: it is unreadable even to you. Try 0.7.",
    ),
    "thickness": Words(
        "Stroke width (pixels)",
        "Thickens strokes on every side by up to so much, and then thins them, as "
        "other pens do. Too low: fine and broad pens are misread. Too high: loops "
        "close and thin strokes fade. Try 0.5.",
    ),
    "blur": Words(
        "Blur (share)",
        "Makes it softer or sharper by up to so much. Too low: photographs and "
        "enlarged pictures are misread. Too high: nothing but time. Try 1.",
    ),
    "num_styled": Words(
        "Digits in other styles",
        "Adds so many digits drawn by rules: slashed zeros, ones with an upstroke, "
        "barred sevens, which MNIST hardly shows. Too low: such digits are misread. "
        "Too high: MNIST's own get less attention, and to draw them takes a while "
        "before the first number. Try 5,000.",
    ),
    "num_thick": Words(
        "Digits of a thick pen",
        "Adds so many digits as a thick pen draws them small: their loops are filled. "
        "Too low: such drawings are misread. Too high: MNIST's own get less "
        "attention, and a thousand take two to four seconds before the first number. "
        "Try 10,000.",
    ),
    "num_train": Words(
        "Training images",
        "How many it learns from. Too low: it overfits, which is worth seeing. Too "
        "high: nothing but time.",
    ),
    "num_validation": Words(
        "Validation images",
        "Held back to choose the best epoch. Too low: the choice is luck. Too high: "
        "too few are left of the 60,000 to train on.",
    ),
    "num_kept": Words(
        "Digits of your own",
        "How often it sees what you have kept. The page Draw sets it, when it teaches.",
    ),
    "label_noise": Words(
        "Wrong labels (fraction)",
        "Makes so many training labels wrong on purpose, to see how much a model bears "
        "and whether Evaluate finds them again; the training accuracy counts them as "
        "they are given. Too low: nothing to see. Too high: it learns little. Try 0.1, "
        "and 0 for a model to use.",
    ),
    "seed": Words(
        "Seed",
        "Decides every random choice. The same settings and seed give the same model; "
        "another seed shows how much is luck.",
    ),
}
GROUPS = {
    "Model": ("architecture", "batch_normalization", "dropout"),
    "Learning": (
        "optimizer",
        "learning_rate",
        "schedule",
        "momentum",
        "beta_2",
        "batch_size",
        "epochs",
        "patience",
        "time_limit",
    ),
    "Against overfitting": ("weight_decay", "label_smoothing"),
    "Learning from other runs": ("start_from", "teachers"),
    "Random changes to the images": CHANGES,
    "Data": (
        "num_train",
        "num_styled",
        "num_thick",
        "num_validation",
        "label_noise",
        "seed",
    ),
}
# What a press on + or - changes; typing takes any value within the bounds.
_STEPS: dict[str, float] = {
    "dropout": 0.05,
    "learning_rate": 0.0005,
    "momentum": 0.05,
    "beta_2": 0.01,
    "time_limit": 5,
    "batch_size": 8,
    "epochs": 1,
    "patience": 1,
    "weight_decay": 0.0001,
    "label_smoothing": 0.01,
    "rotation": 1.0,
    "shift": 0.5,
    "scale": 0.02,
    "shear": 0.05,
    "elastic": 0.1,
    "thickness": 0.1,
    "blur": 0.1,
    "num_styled": 1000,
    "num_thick": 1000,
    "num_train": 5000,
    "num_validation": 1000,
    "label_noise": 0.05,
    "seed": 1,
}


def recipe_picker() -> str:
    """Let a person choose a recipe; its settings fill the form. Returns its name."""
    name: str = st.pills(
        "Recipe",
        list(RECIPES),
        format_func=lambda name: RECIPES[name].title,
        default=DEFAULT,
        required=True,
        key="recipe",
        bind="query-params",
        on_change=_take_recipe,
    )
    st.caption(RECIPES[name].summary)
    return name


def open_with(*settings: str) -> NoReturn:
    """Leave for the Train page, with the form as these KEY=VALUE change a recipe.

    A link would not do: who has been there finds the form as they left it.
    """
    st.session_state[_SENT] = True
    st.switch_page("pages/train.py", query_params={_CHANGED: list(settings)})


def settings_form(recipe: str) -> TrainConfig:
    """Show every setting, as the recipe has it until somebody changes it.

    What differs from the recipe is in the address, for a refresh and for a link.

    Raises:
        ConfigError: If the settings do not go together.
    """
    base = RECIPES[recipe].config
    keys = [_key(recipe, name) for name in asdict(base)]  # some, if it was broken off
    if st.session_state.get(_SENT) or any(key not in st.session_state for key in keys):
        _fill(recipe, _asked(base))
        st.session_state[_SENT] = False
    settings: dict[str, Any] = {}
    for group, names in GROUPS.items():
        st.markdown(f"**{group}**")
        width = min(len(names), 3)
        for start in range(0, len(names), width):
            # Each row has its own columns: where they stack, the order stays.
            row = names[start : start + width]
            for column, name in zip(st.columns(width), row, strict=False):
                with column:
                    settings[name] = _widget(name, _key(recipe, name))
    st.caption(ARCHITECTURES[settings["architecture"]].summary)
    changed = [
        f"{name}={_text(value)}"
        for name, value in settings.items()
        if value != getattr(base, name)
    ]
    if changed:
        st.query_params[_CHANGED] = changed
    else:
        st.query_params.pop(_CHANGED, None)
    return TrainConfig(**settings)


def entered() -> TrainConfig:
    """What the form says now, for a callback: the page has not run again yet.

    Raises:
        ConfigError: If the settings do not go together.
    """
    recipe = st.session_state["recipe"]
    names = [name for group in GROUPS.values() for name in group]
    return TrainConfig(**{name: st.session_state[_key(recipe, name)] for name in names})


def _text(value: Any) -> str:
    """A value as `TrainConfig.with_settings` reads it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def _take_recipe() -> None:
    recipe = st.session_state["recipe"]
    st.query_params.pop(_CHANGED, None)
    _fill(recipe, RECIPES[recipe].config)


def _asked(base: TrainConfig) -> TrainConfig:
    """The recipe's config with the changes that the address asks for."""
    try:
        asked = base.with_settings(st.query_params.get_all(_CHANGED))
    except ConfigError as error:
        st.warning(f"{error} The address was not followed.", icon=":material/link_off:")
        return base
    known = {"", *_models()}
    missing = {asked.start_from, *asked.teachers} - known
    if missing:
        st.warning(
            f"There is no model {min(missing)[:40]!r} to learn from; it may have been "
            "deleted. The rest of the address was followed.",
            icon=":material/link_off:",
        )
    return replace(
        asked,
        start_from=asked.start_from if asked.start_from in known else "",
        teachers=tuple(run_id for run_id in asked.teachers if run_id in known),
    )


def _fill(recipe: str, config: TrainConfig) -> None:
    for name, value in asdict(config).items():
        is_list = isinstance(value, tuple)
        st.session_state[_key(recipe, name)] = list(value) if is_list else value


def _key(recipe: str, name: str) -> str:
    """Of a setting's widget: each recipe has its own.

    Who chooses a recipe and clicks on before the answer still sends the values of the
    form as it was; so those are of other widgets.
    """
    return f"set-{recipe}-{name}"


def _widget(name: str, key: str) -> Any:
    """The widget of one setting; its value comes from the session."""
    words, bound = WORDS[name], bounds()[name]
    shared: dict[str, Any] = {
        "help": words.help,
        "key": key,
        "persist_state": "session",
    }
    if "options" in bound:
        return st.selectbox(
            words.label, bound["options"], format_func=_option_words, **shared
        )
    if bound.get("names") == "a run":
        return _run_picker(words.label, shared)
    if bound.get("names") == "runs":
        return _runs_picker(words.label, bound["most"], shared)
    if "low" not in bound:
        return st.toggle(words.label, **shared)
    kind = type(st.session_state[key])
    return st.number_input(
        words.label,
        min_value=kind(bound["low"]),
        max_value=kind(bound["high"]),
        step=_STEPS[name],
        format="%g" if kind is float else None,
        **shared,
    )


def _models() -> dict[str, str]:
    """The names of the runs that have a model, by their ids."""
    return picker.names(picker.runs_with_model().values())


def _run_picker(label: str, shared: dict[str, Any]) -> str:
    """Choose one of the runs that have a model, or none."""
    names = {"": "None: its first weights are random", **_models()}
    if st.session_state[shared["key"]] not in names:  # it may have been deleted
        st.session_state[shared["key"]] = ""
    return str(
        st.selectbox(label, list(names), format_func=names.__getitem__, **shared)
    )


def _runs_picker(label: str, most: int, shared: dict[str, Any]) -> tuple[str, ...]:
    """Choose among the runs that have a model."""
    names = _models()
    chosen = st.session_state[shared["key"]]  # some of them may have been deleted
    st.session_state[shared["key"]] = [run_id for run_id in chosen if run_id in names]
    picked = st.multiselect(
        label,
        list(names),
        format_func=names.__getitem__,
        max_selections=most,
        placeholder="None: it learns from the labels alone",
        **shared,
    )
    return tuple(picked)


def _option_words(option: str) -> str:
    if option in ARCHITECTURES:
        return ARCHITECTURES[option].title
    return {
        "sgd": "SGD with momentum",
        "adam": "Adam",
        "adamw": "AdamW",
        "rmsprop": "RMSprop",
    }.get(option, option.capitalize())
