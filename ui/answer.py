"""What a model reads in one image: the digit, how sure it is, what it saw."""

import numpy as np
import streamlit as st

from mnist_core import thumbnails
from mnist_core.config import IMAGE_SIZE, NUM_CLASSES
from mnist_core.evaluation import percent
from mnist_core.predictor import Prediction

SCALE = 5  # screen pixels for each pixel that the model sees
NOTHING = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)


def show_answer(prediction: Prediction | None, *, invitation: str) -> None:
    """Show a prediction, or the same layout with an invitation while there is none."""
    read, seen = st.columns([3, 2], vertical_alignment="center")
    with read:
        with st.container(key="predicted-digit"):
            _say(str(prediction.digit) if prediction else "–")
        st.markdown(prediction.sentence if prediction else invitation)
    with seen, st.container(key="model-input"):
        image = prediction.image if prediction else NOTHING
        st.image(
            thumbnails.png(image, scale=SCALE),
            caption="What the model sees, 28 × 28",
            width=SCALE * IMAGE_SIZE,
        )
    with st.container(key="probabilities"):
        _bars(prediction)


def _say(digit: str) -> None:
    # HTML, because no element of Streamlit's is this large, or is read out by a
    # screen reader when it changes.
    st.html(
        '<div role="status" style="font-size: 7rem; font-weight: 700; line-height: 1">'
        f"{digit}</div>"
    )


def _bars(prediction: Prediction | None) -> None:
    columns = st.columns(2)
    for digit in range(NUM_CLASSES):
        value = float(prediction.probabilities[digit]) if prediction else 0.0
        is_best = prediction is not None and digit == prediction.digit
        name = f"**{digit}**" if is_best else str(digit)
        share = f"**{percent(value)}**" if is_best else percent(value)
        columns[digit * 2 // NUM_CLASSES].progress(
            min(value, 1.0), text=f"{name} · {share}"
        )
