"""What a component of our own has to say, heard before the page runs again."""

from collections.abc import Callable
from typing import Any

import streamlit as st


def hears(key: str, name: str, act: Callable[[Any], None]) -> Callable[[], None]:
    """A callback for a trigger: calls `act` with what was said.

    It does nothing if the component left the page while a person clicked on it: the
    session has no value of it any more.

    Args:
        key: Of the component.
        name: Of its trigger.
        act: What to do.
    """

    def hear() -> None:
        said = st.session_state.get(key, {}).get(name)
        if said is not None:
            act(said)

    return hear
