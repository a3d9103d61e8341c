"""All digits on a map: those that a model finds alike lie side by side.

A component of our own, because ten thousand points with a lasso take a chart of
Streamlit's seconds, and a canvas a few milliseconds.
"""

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import kept, thumbnails
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from ui import digit_dialog, notices
from ui.triggers import hears

MAX_DIGITS = 10_000  # on a map
NEAR = 12  # screen pixels from the pointer to the point that it is about
_KEY = "map"

_HTML = """
<div class="map"><canvas tabindex="0" role="img"></canvas><div class="tip" hidden>
<span class="image"></span><span class="words"></span></div></div>
"""

_CSS = """
.map { position: relative; width: 100%; max-width: 46rem; aspect-ratio: 4 / 3; }
canvas { width: 100%; height: 100%; touch-action: none; cursor: crosshair;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
.tip { position: absolute; pointer-events: none; display: flex; gap: .5rem;
  align-items: center; padding: .375rem .5rem; font-size: .8rem;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: 6px; max-width: 14rem; }
.tip[hidden] { display: none; }
.image { flex: none; width: 56px; height: 56px; background-repeat: no-repeat;
  border-radius: 4px; }
"""

# Points are drawn once and copied: a lasso in the making costs no more than its line.
_JS = """
const COLORS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377",
  "#999999", "#ee8866", "#44bb99", "#7755cc"];
const SIDE = 56;

export default function ({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  const tip = parentElement.querySelector(".tip");
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const places = new Uint16Array(bytes(data.places).buffer);
  const labels = bytes(data.labels), read = bytes(data.read), lit = bytes(data.lit);
  const number = labels.length;
  canvas.setAttribute("aria-label", data.label);
  const image = tip.querySelector(".image");
  image.style.backgroundImage = `url(${data.sprite})`;
  image.style.backgroundSize = `${data.columns * SIDE}px auto`;
  const text = getComputedStyle(canvas).color;
  let points = null, lasso = null, width = 0, height = 0;

  const x = (index) => 12 + places[2 * index] / 65535 * (width - 24);
  const y = (index) => 12 + (1 - places[2 * index + 1] / 65535) * (height - 24);

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth; height = canvas.clientHeight;
    if (!width || !height) return;
    canvas.width = width * ratio; canvas.height = height * ratio;
    points = document.createElement("canvas");
    points.width = canvas.width; points.height = canvas.height;
    const pen = points.getContext("2d");
    pen.scale(ratio, ratio);
    for (const isLit of [0, 1]) {
      pen.globalAlpha = isLit ? 0.75 : 0.08;
      for (let index = 0; index < number; index++) {
        if (lit[index] !== isLit) continue;
        pen.fillStyle = COLORS[labels[index]];
        pen.fillRect(x(index) - 1.25, y(index) - 1.25, 2.5, 2.5);
      }
    }
    pen.globalAlpha = 1;
    pen.lineWidth = 2;
    pen.strokeStyle = text;
    pen.beginPath();
    for (let index = 0; index < number; index++) {
      if (labels[index] === read[index] || !lit[index]) continue;
      const left = x(index), top = y(index);
      pen.moveTo(left - 4, top - 4); pen.lineTo(left + 4, top + 4);
      pen.moveTo(left + 4, top - 4); pen.lineTo(left - 4, top + 4);
    }
    pen.stroke();
    pen.font = "700 20px sans-serif";
    pen.textAlign = "center"; pen.textBaseline = "middle";
    for (const [digit, left, top] of data.middles) {
      const at = [12 + left * (width - 24), 12 + (1 - top) * (height - 24)];
      pen.lineWidth = 5;
      pen.strokeStyle = getComputedStyle(tip).backgroundColor;
      pen.strokeText(digit, ...at);
      pen.fillStyle = text;
      pen.fillText(digit, ...at);
    }
    show();
  }
  function show() {
    const pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(points, 0, 0);
    if (!lasso) return;
    const ratio = canvas.width / width;
    pen.scale(ratio, ratio);
    pen.beginPath();
    lasso.forEach(([left, top], place) =>
      place ? pen.lineTo(left, top) : pen.moveTo(left, top));
    pen.closePath();
    pen.setLineDash([5, 4]);
    pen.strokeStyle = text;
    pen.lineWidth = 1.5;
    pen.stroke();
  }
  function nearest(left, top) {
    let best = -1, least = data.near ** 2;
    for (let index = 0; index < number; index++) {
      if (!lit[index]) continue;
      const distance = (x(index) - left) ** 2 + (y(index) - top) ** 2;
      if (distance < least) { least = distance; best = index; }
    }
    return best;
  }
  function inside(left, top) {
    let isIn = false;
    for (let i = 0, j = lasso.length - 1; i < lasso.length; j = i++) {
      const [ax, ay] = lasso[i], [bx, by] = lasso[j];
      if (ay > top !== by > top && left < (bx - ax) * (top - ay) / (by - ay) + ax)
        isIn = !isIn;
    }
    return isIn;
  }
  function hover(left, top) {
    const index = nearest(left, top);
    tip.hidden = index < 0;
    canvas.dataset.index = index;
    if (index < 0) return;
    const row = Math.floor(index / data.columns), column = index % data.columns;
    image.style.backgroundPosition = `-${column * SIDE}px -${row * SIDE}px`;
    const verdict = labels[index] === read[index] ? "right" : "wrong";
    tip.querySelector(".words").textContent =
      `${index}: ${labels[index]} read as ${read[index]}, ${verdict}`;
    const isRight = left > width / 2;
    tip.style.left = isRight ? "" : `${left + 14}px`;
    tip.style.right = isRight ? `${width - left + 14}px` : "";
    tip.style.top = `${Math.min(top, height - 80)}px`;
  }
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    lasso = [at(event)];
    tip.hidden = true;
  };
  canvas.onpointermove = (event) => {
    if (!lasso) return hover(...at(event));
    lasso.push(at(event));
    show();
  };
  canvas.onpointerup = () => {
    if (!lasso) return;
    const [[left, top]] = lasso;
    const isClick = lasso.every((p) => Math.hypot(p[0] - left, p[1] - top) < 5);
    if (isClick) {
      const index = nearest(left, top);
      if (index >= 0) setTriggerValue("opened", index);
    } else {
      const among = [];
      for (let index = 0; index < number; index++)
        if (lit[index] && inside(x(index), y(index))) among.push(index);
      setTriggerValue("picked", among);
    }
    lasso = null;
    show();
  };
  canvas.onpointercancel = () => { lasso = null; show(); };
  canvas.onpointerleave = () => { tip.hidden = true; };
  const watch = new ResizeObserver(paint);
  watch.observe(canvas);
  paint();
  return () => watch.disconnect();
}
"""


def show_map(
    split: Split,
    evaluation: Evaluation,
    places: np.ndarray,
    indices: np.ndarray,
    *,
    on_pick: Callable[[tuple[int, ...]], None],
) -> None:
    """Show a map; a click opens a digit, a lasso picks those that it encloses.

    Args:
        split: The images, `MAX_DIGITS` at most.
        evaluation: What is read of them.
        places: `(N, 2)` float32 in [0, 1], as `plane.coordinates`.
        indices: `(n,)` int, those that are selected; the others are pale.
        on_pick: Called with what a lasso encloses, before the page runs again.
    """
    lit = np.zeros(len(split), np.uint8)
    lit[indices] = 1
    middles = [
        (str(digit), *np.median(places[evaluation.labels == digit], axis=0).tolist())
        for digit in np.unique(evaluation.labels)
    ]
    component = st.components.v2.component("digit_map", html=_HTML, css=_CSS, js=_JS)
    component(
        key=_KEY,
        data={
            "places": _bytes((places * 65535).round().astype("<u2")),
            "labels": _bytes(evaluation.labels.astype(np.uint8)),
            "read": _bytes(evaluation.predictions),
            "lit": _bytes(lit),
            "middles": middles,
            "sprite": _sprite(split, kept.digest(split)),
            "columns": thumbnails.SMALL_COLUMNS,
            "near": NEAR,
            "label": (
                f"A map of {len(split):,} digits. Every one of them is in the list of "
                "tiles, too."
            ),
        },
        on_opened_change=hears(_KEY, "opened", digit_dialog.open_digit),
        on_picked_change=hears(_KEY, "picked", partial(_pick, on_pick)),
    )
    st.caption(
        "Digits that the model finds alike lie side by side; ✕ is a mistake, and the "
        "large numerals stand in the middle of each digit. Point at one to see it, "
        "click to open it, draw around some to pick them."
    )


def _pick(on_pick: Callable[[tuple[int, ...]], None], picked: Any) -> None:
    picked = picked if isinstance(picked, list) else []
    indices = sorted({index for index in picked if isinstance(index, int)})
    if indices and indices[0] >= 0:
        notices.attempt(on_pick, tuple(indices))


@st.cache_data(max_entries=3, show_spinner=False)
def _sprite(_split: Split, digest: str) -> str:
    return thumbnails.small_sprite(_split.images)


def _bytes(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
