"""One digit, large, with what a model says of it, and why."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from mnist_core import charts, thumbnails
from mnist_core.data import NUM_BY_STUDENTS, Split
from mnist_core.evaluation import Evaluation
from mnist_core.predictor import Prediction
from mnist_core.runs import Run
from mnist_core.selection import number_in_query
from ui import address, explanation, notices, resources, star
from ui.said import show_said

_OPENED, _PINNED = "i", "pin"  # in the address: the digit that is open, and one beside
_TITLES = {
    "test": "Test digit",
    "validation": "Validation digit",
    "train": "Training digit",
    "mine": "Your digit",
}
_NOTHING = "nothing"


def open_digit(index: int) -> None:
    """Have the digit shown on the next run of the page, and in the address."""
    address.put({_OPENED: str(index)})
    explanation.forget_step()


def close_digit() -> None:
    """Have no digit shown any more."""
    address.put({_OPENED: None})


def opened_index(split: Split) -> int | None:
    """The index that the address names, if there is such a digit."""
    return _index_in_address(_OPENED, split)


def show_opened_digit(
    run: Run,
    split: Split,
    evaluation: Evaluation,
    among: np.ndarray,
    *,
    split_name: str = "test",
    show_more: Callable[[int], None] = lambda index: None,
    true: np.ndarray | None = None,
) -> None:
    """Show the digit that the address names, if it names one.

    Args:
        run: Who reads it.
        split: Where the images are.
        evaluation: What was read, and what is true.
        among: `(n,)` int, the indices that Previous and Next go through.
        split_name: "test", "validation", "train" or "mine".
        show_more: Shows what else there is to do with the digit of an index.
        true: `(N,)` uint8, MNIST's own labels, if some were made wrong on purpose.
    """
    if opened_index(split) is not None:
        dialog = st.dialog(
            _TITLES[split_name],
            width="medium" if _pinned(split_name, split) is None else "large",
            on_dismiss=close_digit,
        )
        dialog(_content)(run, split, evaluation, among, split_name, show_more, true)


def _index_in_address(name: str, split: Split) -> int | None:
    return number_in_query(address.query(), name, below=len(split))


def _content(
    run: Run,
    split: Split,
    evaluation: Evaluation,
    among: np.ndarray,
    split_name: str,
    show_more: Callable[[int], None],
    true: np.ndarray | None,
) -> None:
    notices.show()
    index = opened_index(split) or 0
    pinned = _pinned(split_name, split)
    _steps(index, among, evaluation)
    if pinned is None or pinned == index:
        with st.container(key="opened-digit"):
            _digit(split, evaluation, index, split_name, true)
    else:
        left, right = st.columns(2, gap="medium")
        with left.container(key="opened-digit", border=True):
            _digit(split, evaluation, index, split_name, true)
        with right.container(key="pinned-digit", border=True):
            _digit(split, evaluation, pinned, split_name, true)
            st.caption(":material/keep: Pinned")
    with st.container(horizontal=True, vertical_alignment="center"):
        is_pinned = pinned == index
        st.button(
            "Unpin" if is_pinned else "Pin to compare",
            icon=":material/keep:",
            key="pin-digit",
            on_click=_pin,
            args=("" if is_pinned else f"{split_name}-{index}",),
        )
        if split_name == "test":
            st.page_link(
                "pages/draw.py",
                label="Send to Draw",
                icon=":material/draw:",
                query_params={"run": run.id, "source": "test", "i": str(index)},
            )
    star.show(split.images[index])
    _why(run, split, evaluation, index, split_name)
    show_more(index)


def _digit(
    split: Split,
    evaluation: Evaluation,
    index: int,
    split_name: str,
    true_labels: np.ndarray | None,
) -> None:
    """The image, what it is and what it is read as."""
    label, predicted = int(evaluation.labels[index]), int(evaluation.predictions[index])
    true = label if true_labels is None else int(true_labels[index])
    mark = (
        ":green[:material/check: right]"
        if label == predicted
        else ":red[:material/close: wrong]"
    )
    st.markdown(
        f"**Index {index}** · labelled **{label}**, read as **{predicted}** · {mark}"
    )
    if true != label:
        st.caption(
            ":material/swap_horiz: Its label was made wrong on purpose: "
            f"MNIST says {true}."
        )
    if index in evaluation.disputed:
        st.caption(
            ":material/help: People do not agree that its label is right: of five who "
            "were asked, fewer than three did."
        )
    left, right = st.columns([2, 3], vertical_alignment="center")
    left.image(thumbnails.png(split.images[index], scale=8), width="stretch")
    right.altair_chart(
        charts.probabilities(evaluation.probabilities[index], true=true),
        key=f"probabilities-{index}",
    )
    words = [f"Loss {evaluation.losses[index]:.4f} nats"]
    if split_name == "test":
        who = "a high-school student" if index < NUM_BY_STUDENTS else "Census staff"
        words.append(f"written by {who}, as its place in the test split tells")
    st.caption(" · ".join(words))


def _steps(index: int, among: np.ndarray, evaluation: Evaluation) -> None:
    """Buttons to the digits before and after, in the gallery's order."""
    place = np.flatnonzero(among == index)
    position = int(place[0]) if place.size else None
    is_first, is_last = position in (None, 0), position in (None, len(among) - 1)
    later = among[(position or 0) + 1 :] if position is not None else among
    wrong = later[~evaluation.is_correct[later]]
    with st.container(horizontal=True):
        for label, icon, key, shortcut, target in (
            (
                "Previous",
                ":material/arrow_back:",
                "previous-digit",
                "Left",
                None if is_first else int(among[(position or 0) - 1]),
            ),
            (
                "Next",
                ":material/arrow_forward:",
                "next-digit",
                "Right",
                None if is_last else int(among[(position or 0) + 1]),
            ),
            (
                "Next mistake",
                ":material/skip_next:",
                "next-mistake",
                "M",
                int(wrong[0]) if len(wrong) else None,
            ),
        ):
            st.button(
                label,
                icon=icon,
                key=key,
                shortcut=shortcut,
                disabled=target is None,
                on_click=open_digit,
                args=(target,),
            )


def _why(
    run: Run, split: Split, evaluation: Evaluation, index: int, split_name: str
) -> None:
    """What explains the reading, computed only for who asks."""
    looks = {_NOTHING: "Nothing more", **explanation.LOOKS}
    if split_name == "test":
        looks["epochs"] = "What each epoch said"
    look = address.choice("Look into it", "why", looks, default=_NOTHING)
    with resources.plain_errors():
        if look == "epochs":
            show_said(run, index)
        elif look != _NOTHING:
            image, probabilities = split.images[index], evaluation.probabilities[index]
            explanation.show(run, Prediction(image, probabilities, True), look)


def _pinned(split_name: str, split: Split) -> int | None:
    """The index of the pinned digit, if one of this split is: "test-18"."""
    name, _, index = address.query().get(_PINNED, "").rpartition("-")
    if name != split_name:
        return None
    return number_in_query({_PINNED: index}, _PINNED, below=len(split))


def _pin(which: str) -> None:
    address.put({_PINNED: which or None})


def forget_pinned() -> None:
    """Have no digit pinned: its index may be another's now."""
    address.put({_PINNED: None})
