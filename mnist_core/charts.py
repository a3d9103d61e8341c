"""Interactive charts, by Altair or as specifications of Vega-Lite.

They name no background and no font, so a page's theme shows through, and they say
everything by more than colour: in words, by shape, by dashes or by position. What
changes while one looks is in the data, not in the specification, so that a live
chart is updated in place and does not flicker. The two that follow a training are
built once and then filled with data, as Altair takes a tenth of a second for one.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import kind_of, percent
from mnist_core.history import BatchMetrics, EpochMetrics, best_epoch

Layers = alt.LayerChart  # for pages, which know no Altair
Specification = dict[str, Any]  # of Vega-Lite, with its data
Rows = list[dict[str, Any]]

PANEL_HEIGHT = 160  # screen pixels, of each of the two panels of a history
CURVE_HEIGHT = 240  # screen pixels, with the axes
BARS_HEIGHT = 240  # screen pixels, of all ten
SMALLEST_NAMED = 0.001  # a lower probability gets no number beside its bar
MAX_POINTED_EPOCHS = 30  # with more, points would hide the dashes between them
MAX_POINTS = 400  # of a live curve; beyond that each is the mean of its neighbours

ROLES, ROLE_COLORS = ["predicted", "other"], ["blue", "gray"]
OPENED = "opened"  # the name of a click on a mark
SPLITS = ["validation", "train"]
# Streamlit turns these names into the theme's own; elsewhere they are CSS colours.
# Blue and orange are told apart by the colour-blind (Okabe and Ito, 2008).
SPLIT_COLORS = ["blue", "orange"]
SPLIT_DASHES = [[1, 0], [5, 3]]

# Black or white, whichever can be read: they are equal at a luminance of 0.18 (WCAG).
INK = alt.ExprRef("luminance(background) > 0.18 ? 'black' : 'white'")
BESIDE_BAR = alt.ExprRef(
    "luminance(datum.is_long ? scale('color', datum.role) : background) > 0.18"
    " ? 'black' : 'white'"
)


def history(epochs: Sequence[EpochMetrics]) -> Specification:
    """Loss and accuracy on train and validation images, epoch by epoch.

    The best epoch, whose weights the run has, is marked by a line and in words. Show
    it with `width="stretch"`: two panels are not stretched by themselves.

    Args:
        epochs: At least one, in order.
    """
    specification = _history(has_points=len(epochs) <= MAX_POINTED_EPOCHS)
    return _filled(specification, curves=_curves(epochs), best=_best(epochs))


def batches(points: Sequence[BatchMetrics]) -> Specification:
    """The loss of a training that goes on, step by step.

    Args:
        points: In order; none gives an empty chart.
    """
    steps = _thinned(np.array([point.step for point in points], float)).tolist()
    losses = _thinned(np.array([point.loss for point in points], float)).tolist()
    curve = [{"step": s, "loss": loss} for s, loss in zip(steps, losses, strict=True)]
    return _filled(_batches(), curve=curve)


def probabilities(values: np.ndarray, *, true: int | None = None) -> alt.LayerChart:
    """What a model says of one image: ten bars, of which the predicted stands out.

    Args:
        values: `(10,)` floats in [0, 1] that sum to 1.
        true: The label, if it is known; a diamond and a word mark it.
    """
    rows = alt.Chart(_bars(values, true)).encode(
        y=alt.Y("digit:O", title=None).axis(labelFontSize=14, labelPadding=18)
    )
    length = alt.X("probability:Q", axis=None, scale=alt.Scale(domain=[0, 1]))
    is_predicted = alt.datum.role == "predicted"
    bars = rows.mark_bar().encode(
        x=length,
        color=alt.Color("role:N", legend=None, scale=_named(ROLES, ROLE_COLORS)),
        opacity=alt.condition(is_predicted, alt.value(1), alt.value(0.5)),
        tooltip=alt.Tooltip("sentence:N"),
        description=alt.Description("sentence:N"),
    )
    words = rows.mark_text(
        align=alt.ExprRef("datum.is_long ? 'right' : 'left'"),
        dx=alt.ExprRef("datum.is_long ? -6 : 6"),
        color=BESIDE_BAR,
        fontSize=12,
    ).encode(x=length, text="words:N")
    diamond = rows.mark_point(shape="diamond", size=90, filled=True, opacity=1).encode(
        x=alt.value(-9), color=alt.value("orange")
    )
    layers = [bars, words, diamond.transform_filter(alt.datum.is_true)]
    return alt.LayerChart(layer=layers, height=BARS_HEIGHT)


def opening(marks: alt.Chart, *fields: str) -> alt.Chart:
    """Let a click on one of the marks tell these fields of its row.

    A page hears it (`ui/marks.py`). Give the marks `cursor="pointer"`.
    """
    return marks.add_params(
        alt.selection_point(
            name=OPENED,
            fields=list(fields),
            on="click",
            clear=False,  # or a double click would open nothing
        )
    )


@cache
def _history(*, has_points: bool) -> Specification:
    loss = alt.Y("loss:Q", title="Loss, nats")
    accuracy = alt.Y("accuracy:Q", title="Accuracy", axis=alt.Axis(format="%"))
    return _unfilled(
        alt.vconcat(
            _panel(loss, x_title=None, has_points=has_points),
            _panel(accuracy, x_title="Epoch", has_points=has_points),
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
    )


def _panel(measure: alt.Y, *, x_title: str | None, has_points: bool) -> alt.LayerChart:
    """One measure over the epochs, a curve for each split, and the best epoch."""
    axis = alt.Axis(tickMinStep=1, format="d", grid=False)
    scale = alt.Scale(nice=False, zero=False)
    epoch = alt.X("epoch:Q", title=x_title, axis=axis, scale=scale)
    measure = measure.scale(zero=False, padding=6)
    curves = alt.Chart(alt.NamedData("curves")).encode(x=epoch, y=measure)
    best = alt.Chart(alt.NamedData("best")).encode(x=epoch)
    layers = [
        best.mark_rule(strokeDash=[2, 3], color=INK),
        _lines(curves),
        _points(curves, is_visible=has_points),
        _words_above(best),
    ]
    return alt.LayerChart(layer=layers, height=PANEL_HEIGHT)


@cache
def _batches() -> Specification:
    axis = alt.Axis(tickMinStep=1, tickCount=6, format=",d", grid=False)
    return _unfilled(
        alt.Chart(alt.NamedData("curve"))
        .mark_line(point={"size": 12})
        .encode(
            color=alt.value("orange"),
            x=alt.X("step:Q", title="Step", axis=axis),
            y=alt.Y("loss:Q", title="Training loss, nats"),
            tooltip=[
                alt.Tooltip("step:Q", title="Step", format=",.0f"),
                alt.Tooltip("loss:Q", title="Loss", format=".4f"),
            ],
        )
        .properties(height=CURVE_HEIGHT)
    )


def _unfilled(chart: alt.TopLevelMixin) -> Specification:
    """A chart of named data that are still to come."""
    specification: Specification = chart.to_dict()
    # Altair's own, for which Streamlit puts the theme's in its place; it is not there
    # while Streamlit turns a chart of somebody else into a specification.
    specification.pop("config", None)
    return specification


def _filled(specification: Specification, **data: Rows) -> Specification:
    return {**specification, "datasets": data}


def _lines(curves: alt.Chart) -> alt.Chart:
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=400)
    dashes = _named(SPLITS, SPLIT_DASHES)
    lines: alt.Chart = curves.mark_line().encode(
        color=alt.Color("split:N", scale=_named(SPLITS, SPLIT_COLORS), legend=legend),
        strokeDash=alt.StrokeDash("split:N", scale=dashes, legend=legend),
    )
    return lines


def _points(curves: alt.Chart, *, is_visible: bool) -> alt.Chart:
    """What to hover over; shapes that tell the splits apart where there is room."""
    is_train = alt.datum.split == "train"
    points: alt.Chart = curves.mark_point(
        size=45, filled=True, opacity=float(is_visible)
    ).encode(
        color=alt.Color("split:N", scale=_named(SPLITS, SPLIT_COLORS)),
        shape=alt.condition(is_train, alt.value("circle"), alt.value("diamond")),
        tooltip=[
            alt.Tooltip("epoch:Q", title="Epoch"),
            alt.Tooltip("split:N", title="Images"),
            alt.Tooltip("loss:Q", title="Loss", format=".4f"),
            alt.Tooltip("accuracy:Q", title="Accuracy", format=".2%"),
        ],
    )
    return points


def _words_above(best: alt.Chart) -> alt.Chart:
    align = alt.ExprRef("datum.align")
    mark = best.mark_text(baseline="bottom", align=align, fontSize=12, color=INK)
    words: alt.Chart = mark.encode(y=alt.value(-4), text="words:N")
    return words


def _curves(epochs: Sequence[EpochMetrics]) -> Rows:
    """A row for each epoch and split."""
    train = [("train", e.epoch, e.loss, e.accuracy) for e in epochs]
    validation = [("validation", e.epoch, e.val_loss, e.val_accuracy) for e in epochs]
    columns = ("split", "epoch", "loss", "accuracy")
    return [dict(zip(columns, row, strict=True)) for row in train + validation]


def _best(epochs: Sequence[EpochMetrics]) -> Rows:
    """One row: the best epoch and its words, which run to the side with more room."""
    best = best_epoch(epochs).epoch
    is_early = 2 * best < epochs[0].epoch + epochs[-1].epoch
    align = "left" if is_early else "right"
    return [{"epoch": best, "words": f"best: epoch {best}", "align": align}]


def _named(names: list[str], values: list[Any]) -> alt.Scale:
    return alt.Scale(domain=names, range=values)


def _thinned(values: np.ndarray) -> np.ndarray:
    """At most `MAX_POINTS` values: means of as many neighbours as it takes."""
    stride = -(-len(values) // MAX_POINTS) or 1
    starts = np.arange(0, len(values), stride)
    sizes = np.diff(starts, append=len(values))
    return np.add.reduceat(values, starts) / sizes if len(values) else values


def _bars(values: np.ndarray, true: int | None) -> pd.DataFrame:
    """The digits as rows: the probability in numbers and words, and what it is."""
    predicted = int(np.argmax(values))
    rows = []
    for digit in range(NUM_CLASSES):
        probability = float(values[digit])
        number = percent(probability)
        is_true = digit == true
        words = [number] if probability >= SMALLEST_NAMED else []
        rows.append(
            {
                "digit": digit,
                "probability": probability,
                "role": "predicted" if digit == predicted else "other",
                "is_true": is_true,
                "is_long": probability > 0.5,
                "words": ", ".join([*words, "true digit"] if is_true else words),
                "sentence": f"{number} for {kind_of(1, digit)}",
            }
        )
    return pd.DataFrame(rows)
