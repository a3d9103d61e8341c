"""A chart of how well changed digits are read; in the manner of `charts`."""

from typing import Literal

import altair as alt
import pandas as pd

from mnist_core.charts import INK, opening
from mnist_core.corruptions import CORRUPTIONS
from mnist_core.robustness import Robustness

HEIGHT = 210  # screen pixels, with the axes
LEAST_WRONG = 2e-4  # a fraction: two of 10,000; who reads more right is drawn there
_WRONG = [0.001, 0.003, 0.01, 0.03, 0.1, 0.5, 0.9]  # that are named, the first first


def accuracy(
    robustness: Robustness, kind: str, *, chosen: float | None = None
) -> alt.LayerChart:
    """Accuracy by the strength of one kind of change, in its 95 % interval.

    Heights go with the logarithm of the share that is read wrong: 99.7 and 99 % are as
    far apart as 97 and 90 %. All kinds have the same scale, so they can be compared.

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
                "wrong": _wrong(point.accuracy),
                "most": _wrong(point.interval.low),
                "least": _wrong(point.interval.high),
                "sentence": robustness.sentence(kind, point.strength),
            }
            for point in robustness.points(kind)
        ]
    )
    plus = "(datum.value > 0 ? '+' : '') + " if corruption.is_signed else ""
    ticks = alt.Axis(
        values=list(corruption.strengths),
        labelExpr=f"{plus}datum.value",
        labelOverlap=True,
        grid=False,
    )
    scale = alt.Scale(nice=False, zero=False, padding=12)
    x = alt.X("strength:Q", title=corruption.axis, axis=ticks, scale=scale)
    low, high = robustness.span
    shares = alt.Axis(
        values=[each for each in _WRONG if _wrong(high) <= each <= _wrong(low)],
        labelExpr="format(1 - datum.value, '.1~%')",
        labelOverlap="greedy",
    )
    falling = alt.Scale(type="log", domain=[_wrong(low), _wrong(high)], nice=False)
    y = alt.Y("wrong:Q", title="Read right", axis=shares, scale=falling)
    read = alt.Chart(rows).encode(x=x, color=alt.value("blue"))
    band = read.mark_area(opacity=0.25).encode(
        y=alt.Y("least:Q", title="Read right", axis=shares, scale=falling), y2="most:Q"
    )

    def points(relation: str, cursor: Literal["pointer", "default"]) -> alt.Chart:
        dots: alt.Chart = (
            read.transform_filter(f"datum.strength {relation} {corruption.none}")
            .mark_point(size=45, filled=True, opacity=1, cursor=cursor)
            .encode(
                y=y,
                tooltip=alt.Tooltip("sentence:N"),
                description=alt.Description("sentence:N"),
            )
        )
        return dots

    unchanged = pd.DataFrame({"strength": [corruption.none]})
    rule = alt.Chart(unchanged).mark_rule(strokeDash=[4, 4], color=INK, opacity=0.5)
    layers = [
        rule.encode(x=x),
        band,
        read.mark_line().encode(y=y),
        opening(points("!=", "pointer"), "strength"),
        points("==", "default"),  # where nothing is changed, nothing is lost
    ]
    here = rows[rows["strength"] == chosen]
    if len(here):
        mark = alt.Chart(here).mark_point(
            shape="diamond", size=130, filled=True, opacity=1, color=INK
        )
        layers.append(mark.encode(x=x, y=y, tooltip=alt.Tooltip("sentence:N")))
    return alt.LayerChart(layer=layers, height=HEIGHT)


def _wrong(share: float) -> float:
    """The rest of a share that is right, as a logarithm can have it."""
    return max(1 - share, LEAST_WRONG)
