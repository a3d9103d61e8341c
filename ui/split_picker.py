"""Which digits a page is about: MNIST's test split or a visitor's own."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from ui import digit_dialog, kept_panel, mine, resources

STAYING = ("run", "mine", "split")  # in the address, whatever is filtered or opened
_SPLITS = {"test": "Test digits", "mine": "Your digits"}
_SPLIT = "split"  # in the address, unless it is the test split


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """What to show of a run.

    Attributes:
        split: The images.
        evaluation: What the run makes of them.
        title: What one of them is called.
        show_more: Shows what else there is to do with the one of an index.
    """

    split: Split
    evaluation: Evaluation
    title: str
    show_more: Callable[[int], None]


def pick_split(run: Run) -> Digits:
    """Let a person choose the digits; ends the page if there are none.

    Raises:
        DigitLabError: If they, or what the run makes of them, cannot be read.
    """
    is_mine = st.query_params.get(_SPLIT) == "mine"
    mine.set_id()  # carries it along, whichever split is shown
    st.session_state[_SPLIT] = "mine" if is_mine else "test"
    st.segmented_control(
        "Digits",
        list(_SPLITS),
        format_func=_SPLITS.__getitem__,
        required=True,
        key=_SPLIT,
        on_change=_change,
    )
    if not is_mine:
        return Digits(
            resources.test_split(),
            resources.evaluation(run),
            "Test digit",
            lambda index: None,
        )
    drawings = mine.drawings()
    if not len(drawings):
        st.info("You have kept no digit yet.", icon=":material/draw:")
        st.page_link("pages/draw.py", label="Draw one, and say what it is")
        st.stop()
    return Digits(
        drawings,
        resources.reading(run, drawings),
        "Your digit",
        lambda index: _remove(drawings, index),
    )


def _remove(drawings: Split, index: int) -> None:
    """Offer to keep the drawing no more; then the page is about those that are left."""
    if kept_panel.remove_button(drawings.images[index]):
        digit_dialog.close_digit()
        st.rerun()


def _change() -> None:
    """Put the choice into the address, and begin there without filters."""
    for name in st.query_params.to_dict().keys() - set(STAYING):
        del st.query_params[name]
    st.query_params[_SPLIT] = st.session_state[_SPLIT]
    if st.session_state[_SPLIT] == "test":
        del st.query_params[_SPLIT]
