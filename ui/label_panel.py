"""Whether a drawing was read right: one tap or one key, and it is kept.

A part of our own in the page: eleven buttons of Streamlit's would be made and sent anew
with every stroke. It knows when a pen has touched the canvas since, which the server
cannot know yet, and never takes what is said for a drawing that was not shown with it.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import kept
from mnist_core.config import NUM_CLASSES
from mnist_core.errors import KeptError
from mnist_core.predictor import Prediction
from ui import canvas, mine, notices, sketches
from ui.triggers import hears

_KEY = "ask"
_UNDO = "kept-before"  # in the session: the image kept last, and its label before
_HTML = """
<p><span aria-live="polite"></span> <button type="button" hidden>Undo</button></p>
<div class="digits" role="group" aria-label="Which digit is it?"></div>
"""
_CSS = """
p { display: flex; align-items: center; gap: .75rem; min-height: 2.75rem;
  margin: 0 0 .25rem; }
.digits { display: flex; flex-wrap: wrap; gap: .25rem; }
button {
  min-width: 2.75rem; min-height: 2.75rem; padding: 0 .625rem; cursor: pointer;
  font: inherit; color: var(--st-text-color); touch-action: manipulation;
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius);
}
button[hidden] { display: none; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible {
  outline: 2px solid var(--st-primary-color); outline-offset: 1px;
}
button[aria-pressed="true"] {
  color: #fff; background: var(--st-primary-color);
  border-color: var(--st-primary-color);
}
"""
# From when a pen touches the canvas until the answer to that stroke, a digit that is
# said waits for it: it is said of the whole drawing. "Yes" is said of an answer, so
# then it is passed over.
_JS = """
const TEXT = "input:not([type=radio], [type=checkbox]), textarea, [contenteditable]";

export default function ({ data, parentElement, setTriggerValue }) {
  const part = (parentElement.part ??= begin(parentElement, data.canvas));
  part.tell = (said) => setTriggerValue("said", said);
  part.show(data);
  return () => { part.end(); delete parentElement.part; };
}

function begin(root, holder) {
  const words = root.querySelector("span"), undo = root.querySelector("p button");
  let shown = {}, isNewer = false, waiting = null;

  function say(digit) {
    if (isNewer) waiting = digit;
    else part.tell({ question: shown.question, digit });
  }
  const yes = () => isNewer || say(shown.digit);
  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.title = `Key ${text[0]}`;
    made.setAttribute("aria-keyshortcuts", text[0]);
    made.onclick = act;
    return made;
  }
  const digits = [...Array(10).keys()].map((it) => button(`${it}`, () => say(it)));
  root.querySelector(".digits").replaceChildren(button("Yes", yes), ...digits);
  undo.onclick = () => isNewer || say(null);

  const part = {
    show(data) {
      const isKept = data.label !== null;
      const said = isKept ? `Kept as ${data.label}.`
        : "Right? Say it, and the drawing is kept as one of yours.";
      if (words.textContent !== said) words.textContent = said;
      undo.hidden = !isKept;
      digits.forEach((it, digit) => it.ariaPressed = `${digit === data.label}`);
      if (data.question !== shown.question) isNewer = false;
      shown = data;
      if (isNewer || waiting === null) return;
      setTimeout(say, 0, waiting);
      waiting = null;
    },
    end() {
      for (const name in events) window.removeEventListener(name, events[name], true);
    },
  };
  const events = {
    pointerdown(event) {
      const path = event.composedPath(), [paper] = path;
      const isPen = paper instanceof HTMLCanvasElement && event.button === 0
        && getComputedStyle(paper).cursor === "crosshair";
      if (isPen && path.some((node) => node.classList?.contains(`st-key-${holder}`)))
        isNewer = true;
    },
    keydown(event) {
      const isOther = event.repeat || event.ctrlKey || event.metaKey || event.altKey;
      if (isOther || event.composedPath()[0].closest?.(TEXT)) return;
      if (/^[0-9]$/.test(event.key)) say(Number(event.key));
      else if (event.key.toLowerCase() === "y") yes();
    },
  };
  for (const name in events) window.addEventListener(name, events[name], true);
  return part;
}
"""


def ask(prediction: Prediction) -> None:
    """Ask whether a drawing was read right, and keep it with the answer."""
    image = prediction.image
    question = _question(image)
    _part(
        {
            "question": question,
            "digit": prediction.digit,
            "label": mine.label_of(image),
            "canvas": canvas.KEY,
        },
        on_said=hears(_KEY, "said", partial(notices.attempt, _hear, question, image)),
    )


def _part(data: dict[str, Any], on_said: Callable[[], None]) -> None:
    component = st.components.v2.component("label_panel", html=_HTML, css=_CSS, js=_JS)
    component(key=_KEY, data=data, on_said_change=on_said)


def _question(image: np.ndarray) -> str:
    """Which drawing is asked about: another for each stroke, and for each picture."""
    return f"{sketches.turn()}-{zlib.crc32(image.tobytes())}"


def _hear(question: str, image: np.ndarray, said: Any) -> None:
    """Do what a visitor said of the drawing, if it is still the one on the canvas."""
    said = said if isinstance(said, dict) else {}
    canvas.take_newest()
    if said.get("question") != question or _question(image) != question:
        raise KeptError("The drawing has changed since. Say what it is once more.")
    digit = said.get("digit")
    if digit is None:
        _undo(image)
    elif type(digit) is int and 0 <= digit < NUM_CLASSES:
        _keep(image, digit)


def _keep(image: np.ndarray, digit: int) -> None:
    before = mine.label_of(image)
    mine.keep(kept.single(image, digit))
    if digit != before:  # a second tap on the same digit changes nothing
        st.session_state[_UNDO] = image, before


def _undo(image: np.ndarray) -> None:
    """Put back what was kept of a drawing before the last tap, if anything was."""
    last, before = st.session_state.pop(_UNDO, (None, None))
    if before is not None and np.array_equal(last, image):
        mine.keep(kept.single(image, before))
    else:
        mine.remove(image)
