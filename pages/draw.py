"""Draw a digit, or upload one, and see what a model reads."""

import random

import streamlit as st

from mnist_core import drawing, pictures, thumbnails
from mnist_core.errors import PictureError
from mnist_core.predictor import Prediction
from mnist_core.selection import number_in_query
from ui import answer, canvas, frame, kept_panel, label_panel, resources
from ui.picker import pick_run

SOURCES = {"draw": "Draw", "upload": "Upload", "test": "Test digit"}
PICTURES = ["png", "jpg", "jpeg", "bmp", "webp"]
INVITATION = {
    "draw": "Draw a digit: the answer comes with every stroke.",
    "upload": "Upload a picture of one digit.",
    "test": "",
}


def change_source() -> None:
    """Put the choice into the address, which is what the page reads."""
    st.query_params["source"] = st.session_state["source"]


def another_digit() -> None:
    """Have the page show a test digit drawn by lot."""
    st.query_params["i"] = str(random.randrange(len(resources.test_split())))


def read_source(source: str) -> Prediction | None:
    """Let a person bring a digit; None while there is none."""
    predictor = resources.predictor(run)
    if source == "test":
        split = resources.test_split()
        index = number_in_query(st.query_params.to_dict(), "i", below=len(split)) or 0
        st.image(thumbnails.png(split.images[index], scale=10), width=canvas.SIZE)
        st.button(
            "Another", icon=":material/casino:", shortcut="T", on_click=another_digit
        )
        st.caption(f"Test digit {index}, labelled {split.labels[index]}.")
        return predictor.predict(split.images[index : index + 1])[0]
    if source == "upload":
        upload = st.file_uploader("A picture of one digit", PICTURES)
        if upload is None:
            return None
        rgba = pictures.decode_picture(upload.getvalue())
        st.image(rgba, width=canvas.SIZE)
    else:
        drawn = canvas.draw()
        if drawn is None:
            return None
        rgba = drawn
    return predictor.predict_ink([drawing.ink_from_rgba(rgba)])[0]


frame.enter()
st.title("Draw a digit")
with resources.plain_errors():
    run = pick_run()
    asked = st.query_params.get("source", "draw")
    source = asked if asked in SOURCES else "draw"
    st.session_state["source"] = source
    bring, tell = st.columns([2, 3], gap="large")
    with bring:
        st.segmented_control(
            "Where the digit comes from",
            list(SOURCES),
            format_func=SOURCES.__getitem__,
            required=True,
            key="source",
            on_change=change_source,
            label_visibility="collapsed",
        )
        try:
            prediction = read_source(source)
        except PictureError as error:
            st.error(str(error), icon=":material/error:")
            prediction = None
    with tell:
        answer.show_answer(prediction, invitation=INVITATION[source])
        if prediction and source != "test":
            label_panel.ask(prediction)
    kept_panel.your_digits(run)
