"""A visitor's drawings: the present one, its states before, and the earlier ones.

Every state that the canvas was in can be undone to, also the one before its own
toolbar wiped it: on a touch screen that toolbar is invisible and lies over the top
right corner of the canvas.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import streamlit as st

from mnist_core import drawing, inking, pictures, segmentation
from mnist_core.errors import DigitLabError

MAX_STATES = 30  # that can be undone to
MAX_EARLIER = 24  # drawings that can be brought back
MAX_BYTES = 2_000_000  # of all sketches of a visit; 54 of one stroke are 0.6 MB
ECHO = 5.0  # seconds that the canvas may take to show what it was told
_STATES = "sketches"  # the states so far, the present one last
_EARLIER = "earlier-sketches"  # drawings that were cleared away, the last one first
_START = "sketch-start"  # what the canvas was last told to show
_STALE = "sketch-stale"  # until when it may still send which shapes of before
_TURN = "sketch-turn"  # counts the sketches that were the present one


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing as the canvas sent it.

    Attributes:
        strokes: In the canvas's own form, as JSON.
        shape: What makes two sketches the same drawing: a digest of some fields of
            the strokes.
        png: Its pixels, or None if nothing is drawn. All are a visitor's: unchecked.
    """

    strokes: str
    shape: bytes
    png: bytes | None

    @classmethod
    def of(cls, strokes: str, fields: str, png: bytes | None) -> Self:
        """A sketch, given the fields as text."""
        return cls(strokes, hashlib.blake2b(fields.encode()).digest(), png)

    @property
    def num_bytes(self) -> int:
        """What it takes in memory, about."""
        return len(self.strokes) + len(self.png or b"")


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """A drawing that was cleared away.

    Attributes:
        sketch: To bring it back.
        image: `(28, 28)` uint8, what a model saw of it; of several digits, all of them.
    """

    sketch: Sketch
    image: np.ndarray


NOTHING = Sketch.of("[]", "[]", None)


def present() -> Sketch:
    """What is on the canvas."""
    return _states()[-1]


def turn() -> int:
    """Which sketch is the present one: another number for each, even for the same."""
    return int(st.session_state.get(_TURN, 0))


def earlier() -> list[Earlier]:
    """The drawings of this visit that were cleared away, the last one first."""
    kept: list[Earlier] = st.session_state.setdefault(_EARLIER, [])
    return kept


def can_undo() -> bool:
    """Whether the canvas was in another state before."""
    return len(_states()) > 1


def receive(sketch: Sketch) -> None:
    """Take what the canvas sent, if it is news."""
    if sketch.shape == present().shape:
        return  # or an echo of when it was so before: older ones may still follow
    until, stale = st.session_state.get(_STALE, (0.0, ()))
    if sketch.shape in stale and time.monotonic() < until:
        return
    st.session_state[_STALE] = 0.0, ()
    _append(sketch)


def undo() -> None:
    """Go back to the state before."""
    if can_undo():
        was = _states().pop()
        _tell(before=was)


def clear() -> None:
    """Have nothing on the canvas."""
    show(NOTHING)


def show(sketch: Sketch) -> None:
    """Have another sketch on the canvas; what was there is among the earlier ones."""
    was = present()
    if was.shape != sketch.shape:
        _keep(was)
        _append(sketch)
        _tell(before=was)


def bring_back(index: int) -> None:
    """Have one of the earlier drawings on the canvas."""
    if 0 <= index < len(earlier()):
        show(earlier()[index].sketch)


def start(is_new: bool) -> dict[str, Any]:
    """What the canvas is to show when it is set up, and when that changes."""
    if is_new:
        st.session_state[_START] = _drawing(present())
    shown: dict[str, Any] = st.session_state[_START]
    return shown


def _states() -> list[Sketch]:
    states: list[Sketch] = st.session_state.setdefault(_STATES, [NOTHING])
    return states


def _append(sketch: Sketch) -> None:
    states = _states()
    states.append(sketch)
    del states[:-MAX_STATES]
    _make_room()
    st.session_state[_TURN] = turn() + 1


def _make_room() -> None:
    """Forget the oldest states, then the oldest drawings, if all take too much."""
    states, others = _states(), earlier()
    sizes = [sketch.num_bytes for sketch in (*states, *(it.sketch for it in others))]
    excess = sum(sizes) - MAX_BYTES
    while excess > 0 and len(states) > 1:
        excess -= states.pop(0).num_bytes
    while excess > 0 and others:
        excess -= others.pop().sketch.num_bytes


def _keep(sketch: Sketch) -> None:
    if sketch.png is None:
        return
    try:
        ink = inking.ink_from_rgba(pictures.decode_canvas(sketch.png))
        is_one = len(segmentation.digits(ink)) == 1
        image = drawing.to_image(ink) if is_one else drawing.to_mnist(ink)
    except DigitLabError:  # no drawing, or nothing on it
        return
    others = [item for item in earlier() if item.sketch.shape != sketch.shape]
    st.session_state[_EARLIER] = [Earlier(sketch, image), *others][:MAX_EARLIER]


def _tell(before: Sketch) -> None:
    """Have the canvas show the present sketch; it answers in a moment."""
    st.session_state[_START] = _drawing(present())
    _, stale = st.session_state.get(_STALE, (0.0, ()))
    shapes = (*stale, before.shape)[-MAX_STATES:]
    st.session_state[_STALE] = time.monotonic() + ECHO, shapes
    st.session_state[_TURN] = turn() + 1


def _drawing(sketch: Sketch) -> dict[str, Any]:
    # The canvas loads a drawing only if it differs from the last one that it was
    # given, so each one gets a number.
    number = st.session_state.get("sketch-number", 0) + 1
    st.session_state["sketch-number"] = number
    return {"objects": json.loads(sketch.strokes), "number": number}
