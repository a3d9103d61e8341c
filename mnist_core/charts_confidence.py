"""Charts of how sure a model is and how right; as `charts`, the theme shows through."""

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.calibration import Calibration
from mnist_core.charts import INK, opening
from mnist_core.evaluation import percent

HEIGHT = 240  # screen pixels, with the axes
NUM_BARS = 20  # of a histogram
MAX_POINTS = 300  # of a curve
VERDICTS, VERDICT_COLORS = ["right", "wrong"], ["blue", "orange"]
_SHARE = alt.Axis(format="%", tickCount=5, grid=False)


def reliability(calibration: Calibration) -> alt.LayerChart:
    """Accuracy by confidence, with the band in which a calibrated model lies."""
    rows = pd.DataFrame(
        [
            {
                "from": part.low,
                "to": part.high,
                "confidence": part.confidence,
                "accuracy": part.accuracy,
                "low": part.band.low,
                "high": part.band.high,
                "sentence": (
                    f"{part.count:,} digits, {percent(part.confidence)} sure on "
                    f"average: {percent(part.accuracy)} right; of a calibrated model "
                    f"{percent(part.band.low)} to {percent(part.band.high)}"
                ),
            }
            for part in calibration.bins
        ]
    )
    whole = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title="Confidence", axis=_SHARE, scale=whole)
    y = alt.Y("accuracy:Q", title="Accuracy", axis=_SHARE, scale=whole)
    ends = pd.DataFrame({"confidence": [0, 1], "accuracy": [0, 1]})
    diagonal = alt.Chart(ends).mark_line(strokeDash=[4, 4], color=INK, opacity=0.5)
    bins = alt.Chart(rows).encode(
        x=x,
        tooltip=alt.Tooltip("sentence:N"),
        description=alt.Description("sentence:N"),
    )
    bands = bins.mark_rule(strokeWidth=5, opacity=0.4).encode(
        y=alt.Y("low:Q", title="Accuracy", axis=_SHARE, scale=whole),
        y2="high:Q",
        color=alt.value("gray"),
    )
    points = bins.mark_point(filled=True, size=70, opacity=1, cursor="pointer").encode(
        y=y, color=alt.value("blue")
    )
    layers = [diagonal.encode(x=x, y=y), bands, opening(points, "from", "to")]
    return alt.LayerChart(layer=layers, height=HEIGHT)


def histogram(calibration: Calibration) -> alt.LayerChart:
    """How many digits are read with which confidence: right ones up, wrong ones down.

    Lengths go with the root: of ten thousand digits, one can still be seen.
    """
    read = calibration.evaluation
    edges = np.linspace(0, 1, NUM_BARS + 1)
    rows = []
    for verdict, is_it, up in (
        ("right", read.is_correct, 1),
        ("wrong", ~read.is_correct, -1),
    ):
        counts, _ = np.histogram(read.confidences[is_it], edges)
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            if count:
                words = f"{percent(low, places=0)} to {percent(high, places=0)} sure"
                rows.append(
                    {
                        "verdict": verdict,
                        "from": low,
                        "to": high,
                        "middle": (low + high) / 2,
                        "length": up * np.sqrt(count),
                        "count": f"{count:,}",
                        "sentence": f"{count:,} {verdict}, {words}",
                    }
                )
    x = alt.Scale(domain=[0, 1])
    bars = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y("length:Q", axis=None),
        tooltip=alt.Tooltip("sentence:N"),
        description=alt.Description("sentence:N"),
    )
    colors = alt.Scale(domain=VERDICTS, range=VERDICT_COLORS)
    legend = alt.Legend(title=None, orient="top")
    filled = bars.mark_bar(orient="vertical", cursor="pointer").encode(
        x=alt.X("from:Q", title="Confidence", axis=_SHARE, scale=x),
        x2="to:Q",
        y2=alt.datum(0),
        color=alt.Color("verdict:N", scale=colors, legend=legend),
    )
    numbers = bars.mark_text(
        baseline=alt.ExprRef("datum.length > 0 ? 'bottom' : 'top'"),
        dy=alt.ExprRef("datum.length > 0 ? -3 : 3"),
        fontSize=11,
        color=INK,
        cursor="pointer",
    ).encode(x=alt.X("middle:Q", scale=x), text="count:N")
    return alt.LayerChart(
        layer=[opening(filled, "verdict", "from", "to"), numbers], height=HEIGHT
    )


def risk(calibration: Calibration, *, threshold: float) -> alt.LayerChart:
    """The share of mistakes among those that are answered, and where a threshold is.

    A click on the curve tells the threshold there.
    """
    coverage, risks = calibration.risk_coverage()
    few = np.unique(np.linspace(0, len(coverage) - 1, MAX_POINTS).astype(int))
    thresholds = np.sort(calibration.evaluation.confidences)[::-1]  # of each digit
    curve = pd.DataFrame(
        {
            "coverage": coverage[few],
            "risk": risks[few],
            "threshold": thresholds[few].astype(float),
        }
    )
    answered = calibration.answered(threshold)
    x = alt.X("coverage:Q", title="Digits that are answered", axis=_SHARE)
    y = alt.Y(
        "risk:Q",
        title="Of those, wrong",
        axis=alt.Axis(format=".1%", tickCount=4, grid=False),
    )
    tooltip = [
        alt.Tooltip("coverage:Q", title="Answered", format=".1%"),
        alt.Tooltip("risk:Q", title="Wrong", format=".2%"),
    ]
    risky = alt.Chart(curve).encode(x=x, y=y, color=alt.value("blue"), tooltip=tooltip)
    # A line has no place of its own to be clicked at; these points have, unseen.
    points = risky.mark_point(filled=True, size=150, opacity=0, cursor="pointer")
    layers: list[alt.Chart] = [risky.mark_line(), opening(points, "threshold")]
    if answered.num_answered:
        here = pd.DataFrame(
            {
                "coverage": [answered.num_answered / answered.num_images],
                "risk": [1 - answered.num_right / answered.num_answered],
            }
        )
        layers.append(
            alt.Chart(here)
            .mark_point(shape="diamond", size=130, filled=True, opacity=1, color=INK)
            .encode(x=x, y=y, tooltip=tooltip)
        )
    return alt.LayerChart(layer=layers, height=HEIGHT)
