"""The button that starts a training of what the form says."""

import time

import streamlit as st

from mnist_core import jobs
from mnist_core.errors import DigitLabError
from mnist_core.recipes import RECIPES
from mnist_core.runs import RunStore
from ui import picker
from ui.settings_form import entered

_LAST = "last-start"  # in the session: a config, and when it was started
_REFUSED = "refused-start"  # in the session: why the last click started nothing
_DOUBLE_CLICK = 1.5  # seconds in which the same start again is not meant


def start_button(store: RunStore, *, is_possible: bool) -> None:
    """Start a training on a click; below stands why that was not possible.

    Args:
        store: Where the run goes.
        is_possible: Whether there is something to train.
    """
    st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        key="start-training",
        disabled=not is_possible,
        # Not by what the button returns: a page that begins again before it comes to
        # its button, because somebody went on to something else, has lost the click.
        on_click=_start,
        args=(store,),
    )
    if refused := st.session_state.get(_REFUSED):
        st.error(refused, icon=":material/error:")
        del st.session_state[_REFUSED]


def _start(store: RunStore) -> None:
    """Queue what the form says, and watch it; a double click is one start."""
    try:
        config = entered()
        before, when = st.session_state.get(_LAST, (None, 0.0))
        if config == before and time.monotonic() - when < _DOUBLE_CLICK:
            return
        chosen = RECIPES[st.session_state["recipe"]]
        name = chosen.title if config == chosen.config else ""
        picker.want_run(jobs.start(store, config, name).id)
        st.session_state[_LAST] = config, time.monotonic()
    except DigitLabError as error:
        st.session_state[_REFUSED] = str(error)
