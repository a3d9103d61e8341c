"""What would change it: an answer, and the one after the drawing was changed."""

import streamlit as st

from mnist_core.evaluation import percent
from mnist_core.predictor import Prediction
from ui import answer

_BEFORE = "before"


def show(run_id: str, now: Prediction) -> None:
    """Let a person keep the present answer, and compare every later one with it.

    An answer of another run is forgotten: what differs would not be the ink.
    """
    kept_run, before = st.session_state.get(_BEFORE, ("", None))
    if kept_run != run_id:
        before = None
    st.markdown(
        "Keep this answer, then add ink or take some away with the eraser: what "
        "does the model look at?"
    )
    with st.container(horizontal=True):
        st.button(
            "Keep this answer" if before is None else "Keep this one instead",
            icon=":material/push_pin:",
            key="keep-answer",
            on_click=_keep,
            args=(run_id, now),
        )
        if before is not None:
            st.button(
                "Forget it",
                icon=":material/close:",
                key="forget-answer",
                on_click=_forget,
            )
    if before is None:
        return
    st.markdown(_sentence(before, now))
    left, right = st.columns(2, gap="large")
    for column, title, prediction in (
        (left, "Before", before),
        (right, "After", now),
    ):
        with column:
            st.markdown(f"**{title}: {prediction.digit}** · {prediction.sentence}")
            answer.picture(prediction.image)
            answer.bars(prediction)


def _keep(run_id: str, prediction: Prediction) -> None:
    st.session_state[_BEFORE] = run_id, prediction


def _forget() -> None:
    st.session_state.pop(_BEFORE, None)


def _sentence(before: Prediction, now: Prediction) -> str:
    def change(digit: int) -> str:
        was, is_now = before.probabilities[digit], now.probabilities[digit]
        return f"{digit} from {percent(float(was))} to {percent(float(is_now))}"

    if before.digit == now.digit:
        return f"Still **{now.digit}**: {change(now.digit)}."
    changes = f"{change(before.digit)}, {change(now.digit)}"
    return f"**{before.digit} → {now.digit}**: {changes}."
