"""A star for a digit, with a note."""

import numpy as np
import streamlit as st

from mnist_core import kept
from mnist_core.errors import KeptError
from ui import mine, notices

_TAKEN_OFF = "notes-taken-off"  # of this visit, by fingerprint: a star may come back


def given() -> kept.Stars:
    """All stars of the visitor; a warning and none if they cannot be read."""
    try:
        return mine.stars()
    except KeptError as error:
        st.warning(str(error), icon=":material/broken_image:")
        return {}


def show(image: np.ndarray) -> None:
    """Offer to mark a `(28, 28)` uint8 image for later, and to say why."""
    mark = kept.fingerprint(image)
    try:
        note = mine.stars().get(mark)
    except KeptError as error:
        st.warning(str(error), icon=":material/broken_image:")
        return
    key = f"note-{mark.hex()}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Star" if note is None else "Starred",
            icon=":material/star_border:" if note is None else ":material/star:",
            key="star-digit",
            shortcut="S",
            on_click=notices.attempt,
            args=(_turn, image, note),
        )
        if note is not None:
            st.text_input(
                "Note",
                note,
                max_chars=kept.MAX_NOTE,
                key=key,
                placeholder="What is it about this digit?",
                on_change=lambda: notices.attempt(
                    mine.star, image, st.session_state[key]
                ),
            )


def _turn(image: np.ndarray, note: str | None) -> None:
    """Give a star, or take it off; a star that comes back has the note that it had."""
    notes = st.session_state.setdefault(_TAKEN_OFF, {})
    mark = kept.fingerprint(image)
    if note is None:
        mine.star(image, notes.pop(mark, ""))
    else:
        mine.star(image, None)
        notes[mark] = note
