"""What the model receives: a drawing after each step, and a switch for each step."""

import numpy as np
import streamlit as st

from mnist_core import drawing, thumbnails
from mnist_core.drawing import Preparation
from mnist_core.evaluation import percent
from mnist_core.predictor import Prediction, Predictor
from ui import answer

WIDTH = 140  # screen pixels of a picture
STEPS = {
    "is_cropped": ("Crop", "The paper around the digit is cut off."),
    "is_rewritten": (
        "Pen",
        "Every stroke becomes as wide as MNIST's, 2 pixels. It needs the crop.",
    ),
    "is_scaled": ("Scale", "The longer side becomes 20 pixels of the 28."),
    "is_centred": ("Centre", "The centre of mass goes into the middle."),
}


@st.fragment
def show(predictor: Predictor, ink: np.ndarray) -> None:
    """Show the way from ink to the model's image.

    Args:
        predictor: Reads what comes of it.
        ink: `(H, W)` uint8, not empty.
    """
    st.markdown(
        "MNIST's digits were cropped, scaled and centred before any model learned "
        "from them, so a drawing is, too, and it gets their pen. Switch a step off and "
        "see the bars change."
    )
    raw, *columns = st.columns(1 + len(STEPS))
    with raw:
        _picture(ink, f"Your ink, {ink.shape[1]} × {ink.shape[0]}")
    places = [column.empty() for column in columns]
    chosen = {
        name: column.toggle(word, value=True, key=f"step-{name}", help=meaning)
        for column, (name, (word, meaning)) in zip(columns, STEPS.items(), strict=True)
    }
    steps = drawing.prepare(ink, Preparation(**chosen))
    for place, pixels in zip(
        places,
        (steps.cropped, steps.rewritten, steps.scaled, steps.image),
        strict=True,
    ):
        with place:
            _picture(pixels, f"{pixels.shape[1]} × {pixels.shape[0]}")
    usual, changed = predictor.predict(np.stack([drawing.to_image(ink), steps.image]))
    st.markdown(_sentence(usual, None if all(chosen.values()) else changed))
    answer.bars(changed)


def _sentence(usual: Prediction, changed: Prediction | None) -> str:
    said = f"With every step: **{usual.digit}**, {percent(usual.probability)}."
    if changed is None:
        return said
    return f"{said} Like this: **{changed.digit}**, {percent(changed.probability)}."


def _picture(pixels: np.ndarray, caption: str) -> None:
    st.html(
        f'<figure style="margin: 0"><img src="{thumbnails.png(pixels)}" alt="" '
        f'style="width: min(100%, {WIDTH}px); aspect-ratio: 1; object-fit: contain; '
        'image-rendering: pixelated; background: #000">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
