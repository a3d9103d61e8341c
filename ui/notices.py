"""Actions that may fail, and the one sentence that says why they did."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_core.errors import DigitLabError

_NOTICE = "notice"


def attempt(action: Callable[..., Any], *arguments: Any, **settings: Any) -> None:
    """Do something; if a person has to put something right, `show` says what."""
    try:
        action(*arguments, **settings)
    except DigitLabError as error:
        st.session_state[_NOTICE] = str(error)


def show() -> None:
    """Show what the last action had to say, once."""
    if notice := st.session_state.get(_NOTICE):
        st.error(notice, icon=":material/error:")
        del st.session_state[_NOTICE]
