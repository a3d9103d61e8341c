"""Draw a digit, or bring a picture of one, and see what a model reads and why."""

import streamlit as st

from mnist_core.errors import PictureError
from mnist_core.predictor import Predictor
from ui import answer, frame, live, preparation, resources, sketches, sources, what_if
from ui.picker import pick_run
from ui.sources import Brought

RECEIVES, CHANGES = "What the model receives", "What would change it"


@st.fragment
def board(predictor: Predictor) -> None:
    """What a stroke runs anew: where a digit is brought, the answer, and why."""
    with resources.plain_errors():
        brought = bring_and_read(predictor)
    if brought.prediction is not None:
        explain(predictor, brought)


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
    answer.announce(prediction)
    if source == "draw":
        sources.show_earlier(predictor)
    return brought


def explain(predictor: Predictor, brought: Brought) -> None:
    """Why it is read as it is; only the open tab does any work."""
    views = [RECEIVES, CHANGES] if brought.ink is not None else [CHANGES]
    tabs = dict(zip(views, st.tabs(views, key="why", on_change="rerun"), strict=True))
    if brought.ink is not None and tabs[RECEIVES].open:
        with tabs[RECEIVES]:
            preparation.show(predictor, brought.ink)
    if tabs[CHANGES].open and brought.prediction is not None:
        with tabs[CHANGES]:
            what_if.show(brought.prediction)


frame.enter()
st.title("Draw a digit")
with resources.plain_errors():
    run = pick_run()
    reader = resources.predictor(run)
board(reader)
