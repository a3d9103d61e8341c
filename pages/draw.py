"""Draw a digit, or bring a picture of one, and see what a model reads and why."""

import streamlit as st

from mnist_core.errors import PictureError
from ui import (
    answer,
    explanation,
    frame,
    live,
    preparation,
    resources,
    sketches,
    sources,
    what_if,
)
from ui.picker import pick_run
from ui.sources import Brought

RECEIVES, CHANGES = "What the model receives", "What would change it"

frame.enter()
st.title("Draw a digit")
with resources.plain_errors():
    run = pick_run()
    predictor = resources.predictor(run)
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
        live.show_answer(
            predictor, prediction, turn=sketches.turn(), invitation=invitation
        )
    else:
        answer.show_answer(prediction, invitation=invitation)
answer.announce(prediction)
if source == "draw":
    sources.show_earlier(predictor)
if prediction is None:
    st.stop()

views = [RECEIVES, CHANGES] if brought.ink is not None else [CHANGES]
tabs = dict(zip(views, st.tabs(views, key="why", on_change="rerun"), strict=True))
if brought.ink is not None and tabs[RECEIVES].open:
    with tabs[RECEIVES]:
        preparation.show(predictor, brought.ink)
if tabs[CHANGES].open:
    with tabs[CHANGES]:
        what_if.show(prediction)
explanation.show(run, prediction)
