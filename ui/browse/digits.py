"""Which digits a page is about: a split of MNIST, or a visitor's own."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core.data import Split
from mnist_core.evaluation import Evaluation, percent
from mnist_core.runs import Run
from ui import address, digit_dialog, kept_panel, mine, resources
from ui.resources import SplitName

STAYING = (
    "run",
    "mine",
    "split",
    "tiles",
    "view",
)  # in the address, whatever is filtered
_SPLIT = "split"  # in the address, unless it is the test split
_NAMES = {
    "test": "Test",
    "validation": "Validation",
    "train": "Training",
    "mine": "Yours",
}
_WORDS: dict[SplitName, str] = {
    "test": "Never used in training: what the model is judged by.",
    "validation": "Watched during the training: its best epoch was chosen by them.",
    "train": "What the model was trained on: it has seen these very digits.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """What to show of a run.

    Attributes:
        split: The images.
        read_by: What a run makes of them; raises DigitLabError if that cannot be told.
        name: "test", "validation", "train" or "mine".
        show_more: Shows what else there is to do with the one of an index.
        true: `(N,)` uint8, MNIST's own labels, if some were made wrong on purpose.
    """

    split: Split
    read_by: Callable[[Run], Evaluation]
    name: str
    show_more: Callable[[int], None] = lambda index: None
    true: np.ndarray | None = None


def pick_digits(run: Run) -> Digits:
    """Let a person choose the digits; ends the page if there are none.

    Raises:
        DigitLabError: If they cannot be read.
    """
    asked = address.query().get(_SPLIT)
    mine.set_id()  # carries it along, whichever split is shown
    chosen = st.session_state[_SPLIT] = asked if asked in _NAMES else "test"
    st.segmented_control(
        "Digits",
        list(_NAMES),
        format_func=_NAMES.__getitem__,
        required=True,
        key=_SPLIT,
        on_change=_change,
    )
    for name, words in _WORDS.items():
        if name == chosen:
            st.caption(words)
            if name == "train" and run.config.label_noise:
                st.caption(
                    f"{percent(run.config.label_noise)} of their labels were made "
                    "wrong on purpose for this run; here they are as it learned them."
                )
            return _of_mnist(run, name)
    return _own()


def _of_mnist(run: Run, name: SplitName) -> Digits:
    is_noisy = name == "train" and run.config.label_noise
    return Digits(
        resources.split(run, name),
        # Another run may have learned other digits; these are this run's.
        lambda other: resources.split_evaluation(other, name, of=run),
        name,
        true=resources.true_train_split(run).labels if is_noisy else None,
    )


def _own() -> Digits:
    drawings = mine.drawings()
    if not len(drawings):
        st.info("You have kept no digit yet.", icon=":material/draw:")
        st.page_link("pages/draw.py", label="Draw one, and say what it is")
        st.stop()
    return Digits(
        drawings,
        lambda run: resources.reading(run, drawings),
        "mine",
        lambda index: _remove(drawings, index),
    )


def _remove(drawings: Split, index: int) -> None:
    """Offer to keep the drawing no more; then the page is about those that are left."""

    def close() -> None:
        digit_dialog.close_digit()
        digit_dialog.forget_pinned()

    if kept_panel.remove_button(drawings.images[index], close):
        st.rerun()


def _change() -> None:
    """Put the choice into the address, and begin there without filters."""
    chosen = st.session_state[_SPLIT]
    left = dict.fromkeys(address.query().keys() - set(STAYING))
    address.put(left | {_SPLIT: chosen if chosen != "test" else None})
