"""Where a digit comes from: the canvas, a picture, the camera, the test split."""

import random
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import inking, photos, pictures, thumbnails
from mnist_core.predictor import Prediction, Predictor
from mnist_core.selection import number_in_query
from ui import address, answer, canvas, gallery, resources, sketches
from ui.answer import Answer
from ui.gallery import Tile

SOURCES = {
    "draw": "Draw",
    "upload": "Upload",
    "camera": "Camera",
    "test": "Test digit",
}
INVITATIONS = {
    "draw": "Draw a digit: the answer follows your pen.",
    "upload": "Upload a picture of one or more digits.",
    "camera": "Take a picture of digits on paper.",
    "test": "",
}
PREVIEW = 600  # pixels, about, the longer side of a picture that is shown
PICTURES = ["png", "jpg", "jpeg", "bmp", "webp"]
_EARLIER = "earlier-sheet"  # in the session: of which drawings, and how they are shown


def choose() -> str:
    """Let a person choose a source; it is in the address."""
    label = "Where the digit comes from"
    return address.choice(label, "source", SOURCES, default="draw", is_labelled=False)


def bring(source: str, predictor: Predictor) -> Answer:
    """Let a person bring digits from there, and read them.

    Raises:
        PictureError: If what came is no picture, or too large.
        DatasetError: If MNIST is not on this machine, for a test digit.
    """
    if source == "test":
        return Answer((_test_digit(predictor),))
    ink = _drawn() if source == "draw" else _photographed(source)
    return Answer() if ink is None else answer.of_ink(predictor, ink)


def show_earlier(predictor: Predictor) -> None:
    """Show this visit's drawings; a click brings one back onto the canvas."""
    earlier = sketches.earlier()
    if not earlier:
        return
    st.caption("Your drawings of this visit; one click brings one back.")
    what = (predictor, *earlier)
    shown, sheet = st.session_state.get(_EARLIER, (None, {}))
    if shown != what:  # they are read once, and not with every stroke
        sheet = _sheet(predictor, np.stack([item.image for item in earlier]))
        st.session_state[_EARLIER] = what, sheet
    gallery.show_sheet(sheet, key="earlier", on_open=sketches.bring_back)


def _sheet(predictor: Predictor, images: np.ndarray) -> dict[str, Any]:
    tiles = [
        Tile(index, str(found.digit), f"Drawing {index + 1}, read as {found.digit}")
        for index, found in enumerate(predictor.predict(images))
    ]
    return gallery.sheet(images, tiles)


def _drawn() -> np.ndarray | None:
    rgba = canvas.draw()
    return None if rgba is None else inking.ink_from_rgba(rgba)


def _photographed(source: str) -> np.ndarray | None:
    if source == "camera":
        taken = st.camera_input("Digits on paper")
    else:
        taken = st.file_uploader("A picture of digits", PICTURES)
    if taken is None:
        return None
    preview, ink = _seen(taken.getvalue())
    if source == "upload":
        st.image(preview, width=canvas.SIZE)
    if ink.any():
        st.image(255 - ink, width=canvas.SIZE, caption="What was taken for ink")
    else:
        st.warning("No ink is seen in it. Try darker ink, or more light.")
    return ink


@st.cache_data(max_entries=16, show_spinner=False)
def _seen(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A picture small enough to show, and its ink; a large one takes half a second."""
    rgba = pictures.decode_picture(data)
    step = max(1, max(rgba.shape) // PREVIEW)
    return rgba[::step, ::step], photos.ink_from_picture(rgba)


def _test_digit(predictor: Predictor) -> Prediction:
    split = resources.test_split()
    index = number_in_query(address.query(), "i", below=len(split)) or 0
    st.image(thumbnails.png(split.images[index], scale=10), width=canvas.SIZE)
    st.button("Another", icon=":material/casino:", shortcut="T", on_click=_another)
    st.caption(f"Test digit {index}, labelled {split.labels[index]}.")
    return predictor.predict(split.images[index : index + 1])[0]


def _another() -> None:
    """Have the page show a test digit drawn by lot."""
    address.put({"i": str(random.randrange(len(resources.test_split())))})
