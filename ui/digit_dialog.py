"""One digit, large, with what a model says of it."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from mnist_core import charts, thumbnails
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.selection import number_in_query
from ui import notices

_OPENED = "i"  # in the address: the index of the digit that is open


def open_digit(index: int) -> None:
    """Have the digit shown on the next run of the page, and in the address."""
    st.query_params[_OPENED] = str(index)


def close_digit() -> None:
    """Have no digit shown any more."""
    st.query_params.pop(_OPENED, None)


def show_opened_digit(
    split: Split,
    evaluation: Evaluation,
    among: np.ndarray,
    *,
    title: str,
    show_more: Callable[[int], None],
) -> None:
    """Show the digit that the address names, if it names one.

    Args:
        split: Where the images are.
        evaluation: What was read, and what is true.
        among: `(n,)` int, the indices that Previous and Next go through.
        title: Of the dialog.
        show_more: Shows what else there is to do with the digit of an index.
    """
    index = number_in_query(st.query_params.to_dict(), _OPENED, below=len(split))
    if index is not None:
        dialog = st.dialog(title, width="medium", on_dismiss=close_digit)
        dialog(_content)(split, evaluation, among, show_more)


def _content(
    split: Split,
    evaluation: Evaluation,
    among: np.ndarray,
    show_more: Callable[[int], None],
) -> None:
    notices.show()
    index = number_in_query(st.query_params.to_dict(), _OPENED, below=len(split)) or 0
    true, predicted = int(evaluation.labels[index]), int(evaluation.predictions[index])
    mark = (
        ":green[:material/check: right]"
        if true == predicted
        else ":red[:material/close: wrong]"
    )
    with st.container(key="opened-digit"):
        st.markdown(
            f"**Index {index}** · labelled **{true}**, read as **{predicted}** · {mark}"
        )
        if index in evaluation.disputed:
            st.caption(
                ":material/help: People do not agree that its label is right: of five "
                "who were asked, fewer than three did."
            )
        left, right = st.columns([2, 3], vertical_alignment="center")
        left.image(thumbnails.png(split.images[index], scale=8), width="stretch")
        right.altair_chart(
            charts.probabilities(evaluation.probabilities[index], true=true)
        )
        st.caption(f"Loss {evaluation.losses[index]:.4f} nats")
    _steps(index, among)
    show_more(index)


def _steps(index: int, among: np.ndarray) -> None:
    """Buttons to the digits before and after, in the gallery's order."""
    place = np.flatnonzero(among == index)
    before, after = st.columns(2)
    position = int(place[0]) if place.size else None
    is_first, is_last = position in (None, 0), position in (None, len(among) - 1)
    before.button(
        "Previous",
        icon=":material/arrow_back:",
        key="previous-digit",
        shortcut="Left",
        disabled=is_first,
        width="stretch",
        on_click=lambda: open_digit(int(among[(position or 0) - 1])),
    )
    after.button(
        "Next",
        icon=":material/arrow_forward:",
        key="next-digit",
        shortcut="Right",
        disabled=is_last,
        width="stretch",
        on_click=lambda: open_digit(int(among[(position or 0) + 1])),
    )
