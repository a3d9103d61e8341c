"""The digits behind a number of a look: a click puts a selection into the address."""

import streamlit as st

from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from mnist_core.selection import Selection
from ui import digit_dialog, links
from ui.gallery import show_tiles, tile_of

MAX_SHOWN = 48  # digits; Browse has them all
_ALWAYS = ("show", "sort")
_FILTERS = (*_ALWAYS, "true", "pred", "least", "most", "i")  # what a click changes


def selected(*names: str) -> Selection:
    """What was clicked, or all digits if nothing was.

    Args:
        names: Of the address; what names none of them was clicked in another look.
    """
    query = st.query_params.to_dict()
    if not any(name in query for name in names):
        return Selection()
    return Selection.from_query(
        {name: query[name] for name in (*_ALWAYS, *names) if name in query}
    )


def open_selection(selection: Selection) -> None:
    """Put what was clicked into the address, which is what the page reads."""
    for name in _FILTERS:
        st.query_params.pop(name, None)
    for name, value in selection.to_query().items():
        st.query_params[name] = value


def show_digits(
    run: Run, split: Split, evaluation: Evaluation, selection: Selection
) -> None:
    """Show the digits of what was clicked, if anything was."""
    if selection == Selection():
        return
    indices = selection.indices(evaluation)
    with st.container(key="digits-behind"):
        st.subheader("Behind that number")
        st.markdown(selection.sentence(len(indices)))
        with st.container(horizontal=True):
            links.to_browse(run, selection, "See them in Browse")
            st.button(
                "Close",
                icon=":material/close:",
                on_click=open_selection,
                args=(Selection(),),
            )
        shown = indices[:MAX_SHOWN]
        show_tiles(
            split.images[shown],
            [tile_of(int(index), evaluation) for index in shown],
            key="behind",
            on_open=digit_dialog.open_digit,
        )
        if len(indices) > MAX_SHOWN:
            st.caption(f"The first {MAX_SHOWN} of {len(indices):,}.")
