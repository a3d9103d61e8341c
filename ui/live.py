"""The answer while the pen moves: reads the canvas in the page, many times a second.

streamlit-drawable-canvas tells of a stroke a fifth of a second after its end. This
component shows nothing: it looks at the canvas's own picture while somebody draws and
sends it at once, and at the stroke's end it presses the canvas's own button to send.
Where it finds no canvas it does nothing, and the answer comes as it would without.
"""

import base64
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import inking, pictures
from mnist_core.errors import PictureError
from mnist_core.predictor import Predictor
from ui import answer, canvas, resources
from ui.answer import Answer

_KEY = "live-ink"
_HTML = """
<span hidden></span>
"""
# While a drawing is on its way or its answer not yet on the page, none is sent; and
# between two there is time in proportion, so that a busy server is asked less often.
# The canvas shows a cross for a cursor while a pen draws, and none while strokes are
# moved about: then its upper layer holds the handles, which are no ink.
_JS = """
const SIDE = 280, LEAST_GAP = 50, MOST_WAIT = 2000;  // pixels, milliseconds
const PACE = 1.75;  // from one look to the next: times what the last answer took
const SEND = 'button[aria-label="Update the app with this drawing"]';

export default function ({ data, parentElement, setStateValue }) {
  const live = (parentElement.live ??= listen(data.canvas));
  live.turn = data.turn;
  live.set = setStateValue;
  live.answer(data.number);
  return () => { live.end(); delete parentElement.live; };
}

function listen(holder) {
  const paper = document.createElement("canvas");
  paper.width = paper.height = SIDE;
  const pen = paper.getContext("2d");
  let layers = null, isDown = false, isNews = false, isAnswered = true;
  let number = 0, sentAt = 0, gap = LEAST_GAP, timer = 0;

  const live = {
    answer(which) {
      if (which !== number || isAnswered) return;
      isAnswered = true;
      gap = Math.max(LEAST_GAP, PACE * (performance.now() - sentAt));
      if (isNews) plan();
    },
    end() {
      clearTimeout(timer);
      for (const name in events) window.removeEventListener(name, events[name], true);
    },
  };
  function find(event) {
    const path = event.composedPath();
    const upper = path.find((node) => node instanceof HTMLCanvasElement);
    const isOurs = path.some((node) => node.classList?.contains(`st-key-${holder}`));
    const lower = upper?.parentElement?.querySelector("canvas");
    const isPen = isOurs && lower && getComputedStyle(upper).cursor === "crosshair";
    return isPen ? [lower, upper] : null;
  }
  function plan() {
    const now = performance.now();
    if (!isAnswered && now - sentAt < MOST_WAIT) return;
    clearTimeout(timer);
    timer = setTimeout(send, Math.max(0, sentAt + gap - now));
  }
  function send() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, SIDE, SIDE);
    for (const layer of layers) pen.drawImage(layer, 0, 0, SIDE, SIDE);
    isNews = isAnswered = false;
    sentAt = performance.mark("live-ink").startTime;
    number += 1;
    live.set("ink", { png: paper.toDataURL("image/png"), turn: live.turn, number });
  }
  function finish() {
    const button = layers[1].getRootNode().querySelector(SEND);
    if (button) button.click();
    else send();
  }
  const events = {
    pointerdown(event) {
      const found = find(event);
      layers = found ?? layers;
      isDown = found !== null;
    },
    pointermove(event) {
      isDown &&= event.buttons !== 0;  // let go where no one heard of it
      if (!isDown) return;
      isNews = true;
      plan();
    },
    pointerup() {
      if (!isDown) return;
      isDown = isNews = false;  // the canvas has the last word, and may be cleared
      clearTimeout(timer);
      timer = setTimeout(finish);  // when the canvas has laid the stroke down
    },
  };
  events.pointercancel = events.pointerup;
  for (const name in events) window.addEventListener(name, events[name], true);
  return live;
}
"""


@st.fragment
def show_answer(
    predictor: Predictor, drawn: Answer, *, turn: int, invitation: str
) -> None:
    """Show what is read, and go on doing so while the pen moves.

    Args:
        predictor: Reads what is drawn from now on.
        drawn: What is read of the drawing as the canvas has sent it.
        turn: Which state of the canvas that was.
        invitation: What is said while nothing is drawn.
    """
    sent: Any = st.session_state.get(_KEY, {}).get("ink")
    sent = sent if isinstance(sent, dict) else {}
    newer = _ink(sent.get("png")) if sent.get("turn") == turn else None
    with resources.IN_TURN:
        if newer is not None:
            drawn = answer.of_ink(predictor, newer)
        answer.show_answer(drawn, invitation=invitation)
    component = st.components.v2.component("live_ink", html=_HTML, js=_JS)
    component(
        key=_KEY,
        # The number comes back after the answer, so the page knows that it is there.
        data={"canvas": canvas.KEY, "turn": turn, "number": sent.get("number")},
        on_ink_change=lambda: None,
    )


def _ink(address: Any) -> np.ndarray | None:
    """The ink of a picture in a `data:` address; None if it is none of ours."""
    if not isinstance(address, str):
        return None
    encoded = address.partition(";base64,")[2][: 2 * pictures.MAX_CANVAS_BYTES]
    try:
        rgba = pictures.decode_canvas(base64.b64decode(encoded))
    except (PictureError, ValueError):  # the canvas has the last word
        return None
    is_ours = rgba.shape[:2] == (canvas.SIZE, canvas.SIZE)
    return inking.ink_from_rgba(rgba) if is_ours else None
