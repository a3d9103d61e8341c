"""Draw a digit, or bring a picture of one, and see what a model reads and why."""

from contextlib import nullcontext

import streamlit as st

from mnist_core.errors import PictureError
from mnist_core.predictor import Predictor
from mnist_core.runs import Run
from ui import (
    answer,
    canvas,
    explanation,
    frame,
    kept_panel,
    label_panel,
    live,
    mine,
    notices,
    preparation,
    resources,
    sketches,
    sources,
    what_if,
)
from ui.address import choice
from ui.answer import Answer
from ui.picker import pick_run

LOOKS = {
    "answer": "The answer",
    "receives": "What the model receives",
    **explanation.LOOKS,
    "changes": "What would change it",
    "yours": "Your digits",
}


@st.fragment
def board(run: Run, source: str) -> None:
    """What a stroke runs anew: where digits are brought, the answer, and why."""
    notices.show()  # of what was done in this part of the page
    with resources.plain_errors():
        predictor = resources.predictor(run)
        with resources.IN_TURN if source == "draw" else nullcontext():
            brought = bring_and_read(predictor, source)
    look = choice("Look at", "look", LOOKS, default="answer")
    if look == "yours":
        kept_panel.your_digits(run)
    elif look == "answer":
        pass  # it stands above; nothing more is sent with every stroke
    elif brought.predictions:
        look_into(run, brought, look)
    else:
        st.caption("There is nothing to look into yet.")


def bring_and_read(predictor: Predictor, source: str) -> Answer:
    """The digits that a person brings, on the left, and the answer on the right."""
    bring, tell = st.columns([2, 3], gap="large")
    with bring:
        try:
            brought = sources.bring(source, predictor)
        except PictureError as error:
            st.error(str(error), icon=":material/error:")
            brought = Answer()
    invitation = sources.INVITATIONS[source]
    with tell:
        if source == "draw":
            turn = sketches.turn()
            live.show_answer(predictor, brought, turn=turn, invitation=invitation)
        else:
            answer.show_answer(brought, invitation=invitation)
    if source == "draw":
        with bring:  # later than the answer, for which somebody waits
            canvas.tools()
    with tell:
        if source != "test" and len(brought.predictions) == 1:
            label_panel.ask(brought.predictions[0])
    answer.announce(brought)
    if source == "draw":
        sources.show_earlier(predictor)
    return brought


def look_into(run: Run, brought: Answer, look: str) -> None:
    """One digit's way to the model and through it; of several, the one chosen."""
    which = 0
    if len(brought.predictions) > 1:
        numbers = [str(number + 1) for number in range(len(brought.digits))]
        names = dict(zip(numbers, numbers, strict=True))
        which = int(choice("Which digit", "which", names, default="1")) - 1
    prediction = brought.predictions[which]
    if look in explanation.LOOKS:
        explanation.show(run, prediction, look)
    elif look == "changes":
        what_if.show(run.id, prediction)
    elif brought.ink is not None:
        ink = brought.digits[which].on_paper(*brought.ink.shape)
        preparation.show(resources.predictor(run), ink)
    else:
        st.caption("A test digit is as MNIST made it: the model receives it as it is.")


frame.enter("Draw a digit")
with resources.plain_errors():
    chosen = pick_run()
mine.set_id()  # carries it along, whatever is looked into
# What seldom changes stands here: each part that a stroke runs anew delays the answer.
with st.container(horizontal=True, vertical_alignment="bottom"):
    chosen_source = sources.choose()
    if chosen_source == "draw":
        canvas.pen()
board(chosen, chosen_source)
