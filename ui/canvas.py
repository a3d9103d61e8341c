"""The canvas and its buttons; what is drawn is kept across page switches."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import pictures
from mnist_core.errors import PictureError
from ui import sketches
from ui.sketches import Sketch

KEY = "canvas"  # of the container around it
SIZE = 280  # screen pixels: ten for each pixel of an MNIST image
STROKE_WIDTH = 20  # screen pixels: about two pixels of ink, as in MNIST
STROKE_WIDTHS = (8, 40)  # screen pixels, the thinnest and the thickest
TOOLS = {"Pen": "#000000", "Eraser": "#ffffff"}  # an eraser draws paper
MAX_STROKES = 500_000  # characters of JSON: some ten thousand points
_GEOMETRY = ("path", "left", "top", "scaleX", "scaleY", "angle")  # of a stroke
_WIDGET = "pad"


def draw() -> np.ndarray | None:
    """Show the canvas.

    Returns:
        `(H, W, 4)` uint8 RGBA, what is drawn; None if nothing is.

    Raises:
        PictureError: If what the canvas sent is no drawing of a reasonable size.
    """
    from streamlit_drawable_canvas import st_canvas  # fails outside of a server

    is_new = _WIDGET not in st.session_state  # first seen, or back from another page
    with st.container(key=KEY):
        st.space("small")  # for the canvas's own toolbar, or it covers what is above
        try:
            result = st_canvas(
                stroke_width=st.session_state.get("stroke-width", STROKE_WIDTH),
                stroke_color=TOOLS.get(st.session_state.get("tool", ""), TOOLS["Pen"]),
                background_color=TOOLS["Eraser"],
                width=SIZE,
                height=SIZE,
                initial_drawing=sketches.start(is_new),
                return_image_data=True,
                key=_WIDGET,
            )
        except (AttributeError, KeyError, TypeError) as error:  # no canvas sent this
            raise PictureError(
                "The drawing could not be read. Reload the page and draw it again."
            ) from error
    sent = _sketch(result)
    if sent is not None:
        sketches.receive(sent)
    else:
        raise PictureError("The drawing has too many strokes. Clear the canvas.")
    png = sketches.present().png
    return None if png is None else pictures.decode_canvas(png)


def tools() -> None:
    """Show the canvas's buttons; what they do, they do to what is on it by then."""
    with st.container(horizontal=True):
        st.button(
            "Clear",
            icon=":material/delete:",
            key="clear",
            shortcut="Delete",
            on_click=_do,
            args=(sketches.clear,),
        )
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo",
            shortcut="Ctrl+Z",
            disabled=not sketches.can_undo(),
            on_click=_do,
            args=(sketches.undo,),
        )


def pen() -> None:
    """Let a person choose what draws, and how wide."""
    with st.popover("Stroke", icon=":material/line_weight:"):
        st.segmented_control(
            "Tool", list(TOOLS), default="Pen", required=True, key="tool"
        )
        st.slider(
            "Stroke width",
            *STROKE_WIDTHS,
            value=STROKE_WIDTH,
            format="%d px",
            key="stroke-width",
            persist_state="session",
        )


def take_newest() -> None:
    """Take what the canvas sent with a click or a key, which act before the page runs.

    It is news if somebody drew and clicked before the answer was there.
    """
    from streamlit_drawable_canvas import CanvasResult

    drawing = st.session_state.get(_WIDGET, {}).get("drawing")
    if isinstance(drawing, dict):
        raw, data = drawing.get("raw"), drawing.get("data")
        sent = _sketch(CanvasResult(raw, data, return_image_data=True))
        if sent is not None:
            sketches.receive(sent)


def _do(act: Callable[[], None]) -> None:
    take_newest()
    act()


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
    return Sketch.of(strokes, json.dumps(shape), _png(result))


def _png(result: Any) -> bytes | None:
    try:
        png: bytes | None = result.image_bytes
    except (ValueError, TypeError, AttributeError):  # not the text of a picture
        return None
    # Cut where it is too long anyway, so that a session never keeps more.
    return png and png[: pictures.MAX_CANVAS_BYTES + 1]
