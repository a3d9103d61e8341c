"""The digits behind a number of a look: a click puts a selection into the address."""

from urllib.parse import parse_qsl, urlencode

import streamlit as st

from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from mnist_core.selection import Selection
from ui import address, digit_dialog, links
from ui.gallery import show_tiles, tile_of

MAX_SHOWN = 48  # digits; Browse has them all
_ALWAYS = ("show", "sort")
_FILTERS = (*_ALWAYS, "true", "pred", "least", "most", "i")  # what a click changes


def selected(*names: str) -> Selection:
    """What was clicked, or all digits if nothing was.

    Args:
        names: Of the address; what names none of them was clicked in another look.
    """
    query = address.query()

    def named(*names: str) -> Selection:
        return Selection.from_query({n: query[n] for n in names if n in query})

    # Order and outcome are no click by themselves.
    return named(*names, *_ALWAYS) if named(*names) != Selection() else Selection()


def open_selection(selection: Selection) -> None:
    """Put what was clicked into the address, which is what the page reads."""
    address.put(dict.fromkeys(_FILTERS) | selection.to_query())


def value_of(selection: Selection) -> str:
    """A selection as one short text: what a door gives."""
    return urlencode(selection.to_query())


def open_value(value: str) -> None:
    """Put the selection of a door into the address."""
    open_selection(Selection.from_query(dict(parse_qsl(value))))


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
