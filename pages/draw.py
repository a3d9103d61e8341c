"""Draw a digit, or bring a picture of one, and see what a model reads and why."""

import streamlit as st

from mnist_core.errors import PictureError
from mnist_core.predictor import Predictor
from mnist_core.runs import Run
from ui import (
    answer,
    explanation,
    frame,
    kept_panel,
    label_panel,
    live,
    mine,
    preparation,
    resources,
    sketches,
    sources,
    what_if,
)
from ui.address import choice
from ui.picker import pick_run
from ui.sources import Brought

LOOKS = {
    "receives": "What the model receives",
    **explanation.LOOKS,
    "changes": "What would change it",
    "yours": "Your digits",
}


@st.fragment
def board(run: Run) -> None:
    """What a stroke runs anew: where a digit is brought, the answer, and why."""
    with resources.plain_errors():
        predictor = resources.predictor(run)
        brought = bring_and_read(predictor)
    look = choice("Look into it", "look", LOOKS, default="receives")
    if look == "yours":
        kept_panel.your_digits(run)
    elif brought.prediction is None:
        st.caption("There is nothing to look into yet.")
    elif look in explanation.LOOKS:
        explanation.show(run, brought.prediction, look)
    elif look == "changes":
        what_if.show(brought.prediction)
    elif brought.ink is None:
        st.caption("A test digit is as MNIST made it: the model receives it as it is.")
    else:
        preparation.show(predictor, brought.ink)


def bring_and_read(predictor: Predictor) -> Brought:
    """The digit that a person brings, on the left, and the answer on the right."""
    bring, tell = st.columns([2, 3], gap="large")
    with bring:
        source = sources.choose()
        try:
            brought = sources.bring(source, predictor)
        except PictureError as error:
            st.error(str(error), icon=":material/error:")
            brought = Brought()
    prediction, invitation = brought.prediction, sources.INVITATIONS[source]
    with tell:
        if source == "draw":
            turn = sketches.turn()
            live.show_answer(predictor, prediction, turn=turn, invitation=invitation)
        else:
            answer.show_answer(prediction, invitation=invitation)
        if prediction is not None and source != "test":
            label_panel.ask(prediction)
    answer.announce(prediction)
    if source == "draw":
        sources.show_earlier(predictor)
    return brought


frame.enter()
st.title("Draw a digit")
with resources.plain_errors():
    chosen = pick_run()
mine.set_id()  # carries it along, whatever is looked into
board(chosen)
