"""What a model reads in one image: the digit, how sure it is, what it saw.

Plain HTML, because it is sent anew many times a second while somebody draws: a tenth
of what as many elements of Streamlit's take.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core import thumbnails
from mnist_core.config import IMAGE_SIZE, NUM_CLASSES
from mnist_core.evaluation import percent
from mnist_core.predictor import Prediction, Predictor
from mnist_core.segmentation import MAX_DIGITS, Digit

SCALE = 5  # screen pixels for each pixel that the model sees
WIDTH = 200  # screen pixels for what it sees, with the words below
CAPTION = f"What the model sees, {IMAGE_SIZE} × {IMAGE_SIZE}"
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


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model reads.

    Attributes:
        predictions: Of each digit, in reading order; none where nothing is drawn.
        digits: The ink of each; none for an image that was not drawn.
        ink: `(H, W)` uint8, all of it; None for an image that was not drawn.
    """

    predictions: tuple[Prediction, ...] = ()
    digits: tuple[Digit, ...] = ()
    ink: np.ndarray | None = None

    @property
    def sentence(self) -> str:
        """How sure it is of each digit; "" if there is none."""
        if len(self.predictions) < 2:
            return "".join(prediction.sentence for prediction in self.predictions)
        lines = [
            f"{number}. **{prediction.digit}** · {prediction.sentence}"
            for number, prediction in enumerate(self.predictions, start=1)
        ]
        if len(lines) == MAX_DIGITS:
            lines.append(f"\nNo more than {MAX_DIGITS} digits of a drawing are read.")
        return "\n".join(lines)


def of_ink(predictor: Predictor, ink: np.ndarray) -> Answer:
    """Read every digit of `(H, W)` uint8 ink."""
    found = predictor.find(ink)
    return Answer(
        tuple(item.prediction for item in found),
        tuple(item.digit for item in found),
        ink,
    )


def show_answer(answer: Answer, *, invitation: str) -> None:
    """Show what is read, or the same layout with an invitation while nothing is."""
    predictions = answer.predictions
    only = predictions[0] if len(predictions) == 1 else None
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="predicted-digit"):
            digits = " ".join(str(prediction.digit) for prediction in predictions)
            st.html(
                '<div style="font-size: 7rem; font-weight: 700; line-height: 1">'
                f"{digits or '–'}</div>"
            )
        with st.container(key="model-input", width=WIDTH):
            if len(predictions) > 1 and answer.ink is not None:
                boxes = [digit.box for digit in answer.digits]
                address = thumbnails.numbered(255 - answer.ink, boxes)
                st.html(
                    f'<img src="{address}" alt="The digits, numbered" width="100%">'
                )
            else:
                picture(only.image if only else NOTHING, caption=CAPTION)
    st.markdown(answer.sentence or invitation)
    with st.container(key="probabilities"):
        if len(predictions) < 2:
            bars(only)


def picture(image: np.ndarray, *, caption: str = "") -> None:
    """Show a `(28, 28)` uint8 image, pixel by pixel."""
    st.html(
        f'<img src="{thumbnails.png(image)}" alt="What the model sees" '
        f'width="{SCALE * IMAGE_SIZE}" style="image-rendering: pixelated">'
        f'<div style="font-size: .875rem; opacity: .6">{caption}</div>'
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


def announce(answer: Answer) -> None:
    """Have a screen reader say the answer, once a stroke has ended."""
    said = " ".join(
        f"Read as {prediction.digit}. {prediction.sentence}"
        for prediction in answer.predictions
    )
    st.html(
        '<div role="status" style="position: absolute; width: 1px; height: 1px; '
        f'overflow: hidden; clip-path: inset(50%)">{said}</div>'
    )
