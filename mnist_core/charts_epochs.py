"""Interactive charts of what a run said epoch by epoch; in the manner of `charts`."""

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.charts import INK, opening
from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import count_of, kind_of, percent
from mnist_core.timeline import Timeline

CURVE_HEIGHT = 150  # screen pixels, with the axes
BARS_HEIGHT = 280  # screen pixels, of all ten
SAID_HEIGHT = 190  # screen pixels, of the ten lines of digits
MAX_POINTED_EPOCHS = 60  # with more, points would hide the line
# Blue and orange are told apart by the colour-blind (Okabe and Ito, 2008).
VERDICTS, VERDICT_COLORS = ["right", "wrong"], ["blue", "orange"]
VERDICT_SHAPES = ["circle", "cross"]


def mistakes(timeline: Timeline, *, epoch: int) -> alt.LayerChart:
    """How many test digits are read wrong, over the epochs; a line marks one of them.

    Args:
        timeline: Of at least one epoch.
        epoch: The one that is looked at.
    """
    curve = pd.DataFrame(
        {
            "epoch": timeline.epochs,
            "mistakes": timeline.num_mistakes,
            "sentence": [timeline.sentence(number) for number in timeline.epochs],
        }
    )
    here = curve[curve["epoch"] == epoch].assign(
        words=lambda rows: [f"{count:,} wrong" for count in rows["mistakes"]],
        align="left"
        if 2 * epoch < timeline.epochs[0] + timeline.epochs[-1]
        else "right",
        shift=6 if 2 * epoch < timeline.epochs[0] + timeline.epochs[-1] else -6,
    )
    axis = alt.Axis(tickMinStep=1, format="d", grid=False)
    scale = alt.Scale(nice=False, zero=False, padding=8)
    x = alt.X("epoch:Q", title="Epoch", axis=axis, scale=scale)
    lengths = alt.Scale(type="symlog", constant=10, zero=False, padding=6)
    y = alt.Y(
        "mistakes:Q",
        title="Read wrong",
        scale=lengths,
        axis=alt.Axis(tickCount=4, format=",d"),
    )
    curves = alt.Chart(curve).encode(
        x=x, y=y, color=alt.value("blue"), tooltip=alt.Tooltip("sentence:N")
    )
    points = curves.mark_point(
        size=40,
        filled=True,
        opacity=float(len(curve) <= MAX_POINTED_EPOCHS),
        cursor="pointer",
    ).encode(description=alt.Description("sentence:N"))
    marked = alt.Chart(here).encode(x=x)
    words = marked.mark_text(
        baseline="top",
        align=alt.ExprRef("datum.align"),
        dx=alt.ExprRef("datum.shift"),
        fontSize=13,
        color=INK,
    )
    layers = [
        marked.mark_rule(strokeWidth=2, color=INK),
        curves.mark_line(),
        opening(points, "epoch"),
        marked.mark_point(size=110, shape="diamond", filled=True, color=INK).encode(
            y=y
        ),
        words.encode(y=alt.value(0), text="words:N"),
    ]
    return alt.LayerChart(layer=layers, height=CURVE_HEIGHT)


def mistakes_by_digit(timeline: Timeline, *, epoch: int) -> alt.LayerChart:
    """How many images of each digit are read wrong after an epoch: ten bars.

    Lengths go by the square root, with one scale for all epochs: the thousands of the
    first one leave room for the few of the last.
    """
    row = timeline.epochs.tolist().index(epoch)
    images = np.bincount(timeline.labels, minlength=NUM_CLASSES)
    recalls = timeline.recalls(epoch)
    bars = pd.DataFrame(
        {
            "digit": range(NUM_CLASSES),
            "mistakes": timeline.mistakes_by_digit[row],
            "words": [
                f"{count:,} · {percent(float(recall))} right"
                for count, recall in zip(
                    timeline.mistakes_by_digit[row], recalls, strict=True
                )
            ],
            "sentence": [
                f"{int(wrong):,} of {count_of(int(count), digit)} read wrong"
                for digit, (wrong, count) in enumerate(
                    zip(timeline.mistakes_by_digit[row], images, strict=True)
                )
            ],
        }
    )
    largest = max(int(timeline.mistakes_by_digit.max()), 1)
    lengths = alt.Scale(type="sqrt", domain=[0, 2.2 * largest], nice=False)
    rows = alt.Chart(bars).encode(
        y=alt.Y("digit:O", title=None, axis=alt.Axis(labelFontSize=13)),
        x=alt.X("mistakes:Q", axis=None, scale=lengths),
        tooltip=alt.Tooltip("sentence:N"),
    )
    layers = [
        opening(
            rows.mark_bar(cursor="pointer").encode(
                color=alt.value("blue"), description=alt.Description("sentence:N")
            ),
            "digit",
        ),
        rows.mark_text(
            align="left", dx=6, fontSize=12, color=INK, cursor="pointer"
        ).encode(text="words:N"),
    ]
    return alt.LayerChart(layer=layers, height=BARS_HEIGHT)


def said(timeline: Timeline, index: int) -> alt.LayerChart:
    """What was said of one image after each epoch, and how sure the run was of it.

    A point is at the digit that it was read as, larger where that was more probable; a
    line marks the label.
    """
    true = int(timeline.labels[index])
    points = pd.DataFrame(
        [
            {
                "epoch": epoch,
                "digit": digit,
                "confidence": confidence,
                "verdict": "right" if digit == true else "wrong",
                "sentence": (
                    f"After epoch {epoch}: {kind_of(1, digit)}, {percent(confidence)} "
                    "probable"
                ),
            }
            for epoch, digit, confidence in timeline.said(index)
        ]
    )
    x = alt.X(
        "epoch:Q",
        title="Epoch",
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
        scale=alt.Scale(nice=False, zero=False, padding=8),
    )
    digits = alt.Scale(domain=list(range(NUM_CLASSES)))
    y = alt.Y("digit:O", title="Read as", scale=digits)
    legend = alt.Legend(title=None, orient="top")
    marks = (
        alt.Chart(points)
        .mark_point(filled=True, opacity=0.9)
        .encode(
            x=x,
            y=y,
            size=alt.Size(
                "confidence:Q",
                legend=None,
                scale=alt.Scale(domain=[0, 1], range=[10, 160]),
            ),
            color=alt.Color(
                "verdict:N",
                legend=legend,
                scale=alt.Scale(domain=VERDICTS, range=VERDICT_COLORS),
            ),
            shape=alt.Shape(
                "verdict:N",
                legend=legend,
                scale=alt.Scale(domain=VERDICTS, range=VERDICT_SHAPES),
            ),
            tooltip=alt.Tooltip("sentence:N"),
            description=alt.Description("sentence:N"),
        )
    )
    label = (
        alt.Chart(pd.DataFrame({"digit": [true]}))
        .mark_rule(strokeDash=[2, 3], color=INK)
        .encode(y=y)
    )
    return alt.LayerChart(layer=[label, marks], height=SAID_HEIGHT)
