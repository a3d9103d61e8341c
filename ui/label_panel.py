"""Whether a drawing was read right: one tap or one key, and it is kept."""

import numpy as np
import streamlit as st

from mnist_core import kept
from mnist_core.config import NUM_CLASSES
from mnist_core.predictor import Prediction
from ui import mine, notices

# A digit's key is the digit: Streamlit would show it twice on its button.
_STYLE = '<style>.st-key-ask [class*="st-key-is-"] kbd { display: none }</style>'
_UNDO = "kept-before"  # in the session: the image kept last, and its label before


def ask(prediction: Prediction) -> None:
    """Ask whether a drawing was read right, and keep it with the answer."""
    with st.container(key="ask"):
        st.html(_STYLE)
        label = kept.label_of(mine.readable_drawings(), prediction.image)
        with st.container(horizontal=True, vertical_alignment="center"):
            if label is None:
                st.markdown(
                    "**Right?** Say it, and the drawing is kept as one of yours."
                )
            else:
                st.markdown(f":material/check: Kept as **{label}**.", width="content")
                st.button(
                    "Undo",
                    icon=":material/undo:",
                    key="undo-kept",
                    type="tertiary",
                    on_click=notices.attempt,
                    args=(_undo, prediction.image),
                )
        with st.container(horizontal=True, gap="xsmall"):
            _button("Yes", "Y", prediction.image, prediction.digit, key="yes")
            for digit in range(NUM_CLASSES):
                _button(
                    str(digit),
                    str(digit),
                    prediction.image,
                    digit,
                    key=f"is-{digit}",
                    is_chosen=digit == label,
                )


def _button(
    label: str,
    shortcut: str,
    image: np.ndarray,
    digit: int,
    *,
    key: str,
    is_chosen: bool = False,
) -> None:
    st.button(
        label,
        key=key,
        shortcut=shortcut,
        type="primary" if is_chosen else "secondary",
        on_click=notices.attempt,
        args=(_keep, image, digit),
    )


def _keep(image: np.ndarray, digit: int) -> None:
    before = kept.label_of(mine.drawings(), image)
    mine.keep(kept.single(image, digit))
    if digit != before:  # a second tap on the same digit changes nothing
        st.session_state[_UNDO] = image, before


def _undo(image: np.ndarray) -> None:
    """Put back what was kept of a drawing before the last tap, if anything was."""
    last, before = st.session_state.pop(_UNDO, (None, None))
    if before is not None and np.array_equal(last, image):
        mine.keep(kept.single(image, before))
    else:
        mine.remove(image)
