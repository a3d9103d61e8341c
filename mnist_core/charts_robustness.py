"""A chart of how well changed digits are read; in the manner of `charts`."""

import altair as alt
import pandas as pd

from mnist_core.charts import INK
from mnist_core.corruptions import CORRUPTIONS
from mnist_core.robustness import Robustness

HEIGHT = 170  # screen pixels, with the axes


def accuracy(
    robustness: Robustness, kind: str, *, chosen: float | None = None
) -> alt.LayerChart:
    """Accuracy by the strength of one kind of change, in its 95 % interval.

    All kinds have the same scale of accuracies, so that they can be compared.

    Args:
        robustness: What is read.
        kind: Of change; each of its steps is read.
        chosen: The strength that is looked at.
    """
    corruption = CORRUPTIONS[kind]
    rows = pd.DataFrame(
        [
            {
                "strength": point.strength,
                "accuracy": point.accuracy,
                "low": point.interval.low,
                "high": point.interval.high,
                "sentence": robustness.sentence(kind, point.strength),
            }
            for point in robustness.points(kind)
        ]
    )
    numbers = "+~g" if corruption.is_signed else "~g"
    ticks = alt.Axis(
        values=list(corruption.strengths), format=numbers, grid=False, labelOverlap=True
    )
    scale = alt.Scale(nice=False, zero=False, padding=12)
    x = alt.X("strength:Q", title=corruption.axis, axis=ticks, scale=scale)
    shares = alt.Axis(format="%", tickCount=4)
    whole = alt.Scale(domain=[robustness.lowest, 1], nice=True)
    read = alt.Chart(rows).encode(x=x, color=alt.value("blue"))
    band = read.mark_area(opacity=0.25).encode(
        y=alt.Y("low:Q", title="Read right", axis=shares, scale=whole), y2="high:Q"
    )
    y = alt.Y("accuracy:Q", title="Read right", axis=shares, scale=whole)
    points = read.mark_point(size=45, filled=True, opacity=1).encode(
        y=y,
        tooltip=alt.Tooltip("sentence:N"),
        description=alt.Description("sentence:N"),
    )
    unchanged = pd.DataFrame({"strength": [corruption.none]})
    as_it_is = alt.Chart(unchanged).mark_rule(strokeDash=[4, 4], color=INK, opacity=0.5)
    layers = [as_it_is.encode(x=x), band, read.mark_line().encode(y=y), points]
    here = rows[rows["strength"] == chosen]
    if len(here):
        mark = alt.Chart(here).mark_point(
            shape="diamond", size=130, filled=True, opacity=1, color=INK
        )
        layers.append(mark.encode(x=x, y=y, tooltip=alt.Tooltip("sentence:N")))
    return alt.LayerChart(layer=layers, height=HEIGHT)
