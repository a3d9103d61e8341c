"""The canvas: one drawing a visitor, with Clear and Undo that never lose it.

A drawing is kept across page switches. Every state that the canvas was in can be
undone to, also the one before its own toolbar wiped it: on a touch screen that
toolbar is invisible and lies over the top right corner of the canvas.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import pictures
from mnist_core.errors import PictureError

SIZE = 280  # screen pixels: ten for each pixel of an MNIST image
STROKE_WIDTH = 20  # screen pixels: about two pixels of ink, as in MNIST
STROKE_WIDTHS = (8, 40)  # screen pixels, the thinnest and the thickest
MAX_STROKES = 500_000  # characters of JSON: some ten thousand points
MAX_STATES = 30  # that can be undone to
_GEOMETRY = ("path", "left", "top", "scaleX", "scaleY", "angle")  # of a stroke
_WIDGET = "pad"
_SKETCHES = "sketches"  # the states so far, the present one last
_START = "sketch-start"  # what the canvas was last told to show
_STALE = "sketch-stale"  # what it still sends until it shows that


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing as the canvas sent it.

    Attributes:
        strokes: In the canvas's own form, as JSON.
        shape: What makes two sketches the same drawing: some fields of the strokes.
        png: Its pixels, or None if nothing is drawn. All are a visitor's: unchecked.
    """

    strokes: str
    shape: str
    png: bytes | None


NOTHING = Sketch("[]", "[]", None)


def draw() -> np.ndarray | None:
    """Show the canvas with its buttons.

    Returns:
        `(H, W, 4)` uint8 RGBA, what is drawn; None if nothing is.

    Raises:
        PictureError: If what the canvas sent is no drawing of a reasonable size.
    """
    from streamlit_drawable_canvas import st_canvas  # fails outside of a server

    sketches: list[Sketch] = st.session_state.setdefault(_SKETCHES, [NOTHING])
    if _WIDGET not in st.session_state:  # first seen, or back from another page
        st.session_state[_START] = _drawing(sketches[-1])
    with st.container(key="canvas"):
        try:
            result = st_canvas(
                stroke_width=st.session_state.get("stroke-width", STROKE_WIDTH),
                stroke_color="#000000",
                background_color="#ffffff",
                width=SIZE,
                height=SIZE,
                initial_drawing=st.session_state[_START],
                return_image_data=True,
                key=_WIDGET,
            )
        except (AttributeError, KeyError, TypeError) as error:  # no canvas sent this
            raise PictureError(
                "The drawing could not be read. Reload the page and draw it again."
            ) from error
    sent = _sketch(result)
    if sent is not None:
        _receive(sent)
    with st.container(horizontal=True):
        st.button(
            "Clear",
            icon=":material/delete:",
            key="clear",
            shortcut="Delete",
            on_click=_show,
            args=(NOTHING,),
        )
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo",
            shortcut="Ctrl+Z",
            disabled=len(sketches) < 2,
            on_click=_undo,
        )
        with st.popover("Stroke", icon=":material/line_weight:"):
            st.slider(
                "Stroke width",
                *STROKE_WIDTHS,
                value=STROKE_WIDTH,
                format="%d px",
                key="stroke-width",
                persist_state="session",
            )
    if sent is None:
        raise PictureError("The drawing has too many strokes. Clear the canvas.")
    png = sketches[-1].png
    return None if png is None else pictures.decode_canvas(png)


def _receive(sketch: Sketch) -> None:
    """Keep what the canvas sent, if it is news."""
    sketches = st.session_state[_SKETCHES]
    if sketch.shape == sketches[-1].shape:
        st.session_state[_STALE] = None
    elif sketch.shape != st.session_state.get(_STALE):
        st.session_state[_STALE] = None
        sketches.append(sketch)
        del sketches[:-MAX_STATES]


def _undo() -> None:
    sketches = st.session_state[_SKETCHES]
    if len(sketches) > 1:
        present = sketches.pop()
        _tell(before=present, after=sketches[-1])


def _show(sketch: Sketch) -> None:
    sketches = st.session_state[_SKETCHES]
    present = sketches[-1]
    if present.shape != sketch.shape:
        sketches.append(sketch)
        _tell(before=present, after=sketch)


def _tell(before: Sketch, after: Sketch) -> None:
    """Have the canvas show another sketch; it answers in a moment."""
    st.session_state[_START] = _drawing(after)
    st.session_state[_STALE] = before.shape


def _drawing(sketch: Sketch) -> dict[str, Any]:
    # The canvas loads a drawing only if it differs from the last one that it was
    # given, so each one gets a number.
    number = st.session_state.get("sketch-number", 0) + 1
    st.session_state["sketch-number"] = number
    return {"objects": json.loads(sketch.strokes), "number": number}


def _sketch(result: Any) -> Sketch | None:
    """What the canvas sent, or None if it is too much to keep."""
    raw = result.json_data
    objects = raw.get("objects") if isinstance(raw, dict) else None
    objects = objects if isinstance(objects, list) else []
    shape = [
        [item.get(name) for name in _GEOMETRY] if isinstance(item, dict) else None
        for item in objects
    ]
    try:
        strokes = json.dumps(objects)
    except RecursionError:  # nothing that a canvas sends
        return None
    if len(strokes) > MAX_STROKES:
        return None
    return Sketch(strokes, json.dumps(shape), _png(result))


def _png(result: Any) -> bytes | None:
    try:
        png: bytes | None = result.image_bytes
    except (ValueError, TypeError, AttributeError):  # not the text of a picture
        return None
    # Cut where it is too long anyway, so that a session never keeps more.
    return png and png[: pictures.MAX_CANVAS_BYTES + 1]
