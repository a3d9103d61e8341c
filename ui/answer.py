"""What a model reads in one image: the digit, how sure it is, what it saw.

Plain HTML, because it is sent anew many times a second while somebody draws: a tenth
of what as many elements of Streamlit's take.
"""

import numpy as np
import streamlit as st

from mnist_core import thumbnails
from mnist_core.config import IMAGE_SIZE, NUM_CLASSES
from mnist_core.evaluation import percent
from mnist_core.predictor import Prediction

SCALE = 5  # screen pixels for each pixel that the model sees
NOTHING = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
_BARS = """
<style>
.bars { display: grid; grid-template-rows: repeat(5, auto); grid-auto-flow: column;
  grid-auto-columns: 1fr; gap: .4rem 1.5rem; }
.bars div { display: flex; align-items: center; gap: .6rem; }
.bars i { flex: 1; height: .5rem; border-radius: .25rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 15%, transparent); }
.bars b { display: block; height: 100%; background: #4c70da; }
.bars span:last-child { width: 4rem; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.bars .best { font-weight: 700; }
</style>
"""


def show_answer(prediction: Prediction | None, *, invitation: str) -> None:
    """Show a prediction, or the same layout with an invitation while there is none."""
    read, seen = st.columns([3, 2], vertical_alignment="center")
    with read:
        with st.container(key="predicted-digit"):
            st.html(
                '<div style="font-size: 7rem; font-weight: 700; line-height: 1">'
                f"{prediction.digit if prediction else '–'}</div>"
            )
        st.markdown(prediction.sentence if prediction else invitation)
    with seen, st.container(key="model-input"):
        picture(prediction.image if prediction else NOTHING)
        st.caption("What the model sees, 28 × 28")
    with st.container(key="probabilities"):
        bars(prediction)


def picture(image: np.ndarray) -> None:
    """Show a `(28, 28)` uint8 image, pixel by pixel."""
    st.html(
        f'<img src="{thumbnails.png(image)}" alt="What the model sees" '
        f'width="{SCALE * IMAGE_SIZE}" style="image-rendering: pixelated">'
    )


def bars(prediction: Prediction | None) -> None:
    """Show ten bars, each with its digit and its share in words."""
    rows = []
    for digit in range(NUM_CLASSES):
        value = float(prediction.probabilities[digit]) if prediction else 0.0
        is_best = prediction is not None and digit == prediction.digit
        rows.append(
            f'<div class="{"best" if is_best else ""}"><span>{digit}</span>'
            f'<i><b style="width: {100 * value:.1f}%"></b></i>'
            f"<span>{_short(value)}</span></div>"
        )
    st.html(f'{_BARS}<div class="bars">{"".join(rows)}</div>')


def _short(share: float) -> str:
    return percent(share).replace("under ", "&lt; ").replace("over ", "&gt; ")


def announce(prediction: Prediction | None) -> None:
    """Have a screen reader say the answer, once a stroke has ended."""
    said = f"Read as {prediction.digit}. {prediction.sentence}" if prediction else ""
    st.html(
        '<div role="status" style="position: absolute; width: 1px; height: 1px; '
        f'overflow: hidden; clip-path: inset(50%)">{said}</div>'
    )
