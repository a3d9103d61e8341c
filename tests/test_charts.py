import json
import subprocess
import sys

import altair as alt
import numpy as np
import pytest

from mnist_core import charts
from mnist_core.history import BatchMetrics, EpochMetrics
from mnist_core.paths import REPOSITORY


def epochs(accuracies):
    return [
        EpochMetrics(
            epoch=number,
            loss=1 / number,
            accuracy=0.9,
            val_loss=1 - accuracy,
            val_accuracy=accuracy,
            seconds=float(number),
        )
        for number, accuracy in enumerate(accuracies, start=1)
    ]


def batches(num):
    return [
        BatchMetrics(
            epoch=1,
            step=10 * number,
            num_steps=10 * num,
            loss=2.0,
            accuracy=0.5,
            images_per_second=1000.0,
            seconds_left=1.0,
        )
        for number in range(1, num + 1)
    ]


def specification_of(chart):
    return chart if isinstance(chart, dict) else chart.to_dict()


def rows(chart):
    """The data of a chart, all its sets one after the other."""
    datasets = specification_of(chart)["datasets"].values()
    return [row for rows in datasets for row in rows]


def without_data(chart):
    keys = ("datasets", "data", "config")
    specification = specification_of(chart)
    return {key: part for key, part in specification.items() if key not in keys}


ALL_CHARTS = [
    charts.history(epochs([0.9])),
    charts.history(epochs([0.9, 0.95, 0.94])),
    charts.batches([]),
    charts.batches(batches(3)),
    charts.probabilities(np.full(10, 0.1)),
    charts.probabilities(np.eye(10)[3], true=3),
]


@pytest.mark.parametrize("chart", ALL_CHARTS)
def test_a_chart_lets_the_theme_through(chart):
    # The config is Altair's own; Streamlit puts the theme's in its place.
    text = json.dumps(without_data(chart))

    assert '"background"' not in text
    assert '"font"' not in text
    assert "#" not in text


def test_a_history_has_both_splits_and_both_measures():
    chart = charts.history(epochs([0.9, 0.95, 0.94]))

    panels = chart["vconcat"]
    measures = [panel["layer"][1]["encoding"]["y"]["field"] for panel in panels]
    assert measures == ["loss", "accuracy"]
    validation = [r for r in rows(chart) if r.get("split") == "validation"]
    assert [row["accuracy"] for row in validation] == [0.9, 0.95, 0.94]
    assert sum(row.get("split") == "train" for row in rows(chart)) == 3


def test_curves_differ_by_dash_and_shape_as_well_as_colour():
    _, lines, points, _ = charts.history(epochs([0.9]))["vconcat"][0]["layer"]

    assert {"color", "strokeDash"} <= set(lines["encoding"])
    assert {"color", "shape"} <= set(points["encoding"])


@pytest.mark.parametrize(
    "accuracies, best, align",
    [
        ([0.9], 1, "right"),
        ([0.9, 0.95, 0.94, 0.93], 2, "left"),
        ([0.9, 0.95, 0.96], 3, "right"),
    ],
)
def test_the_best_epoch_is_marked_in_words_that_fit(accuracies, best, align):
    [mark] = [row for row in rows(charts.history(epochs(accuracies))) if "words" in row]

    assert mark == {"epoch": best, "words": f"best: epoch {best}", "align": align}


def test_many_epochs_are_curves_without_points():
    def opacity(num):
        panel = charts.history(epochs([0.9] * num))["vconcat"][0]
        return panel["layer"][2]["mark"]["opacity"]

    assert opacity(charts.MAX_POINTED_EPOCHS) == 1
    assert opacity(charts.MAX_POINTED_EPOCHS + 1) == 0


def test_a_short_training_shows_each_report():
    shown = rows(charts.batches(batches(3)))

    assert [row["step"] for row in shown] == [10, 20, 30]


def test_a_long_training_shows_means_of_neighbours():
    points = batches(10 * charts.MAX_POINTS - 5)

    shown = rows(charts.batches(points))

    assert len(shown) == charts.MAX_POINTS
    assert shown[0] == {"step": 55.0, "loss": 2.0}
    assert all(row["loss"] == pytest.approx(2.0) for row in shown)


def test_the_predicted_and_the_true_bar_stand_out():
    values = np.array([0, 0, 0, 0, 0.6, 0, 0, 0.0004, 0, 0.3996], np.float32)

    bars = rows(charts.probabilities(values, true=9))

    assert [bar["digit"] for bar in bars] == list(range(10))
    assert [bar["digit"] for bar in bars if bar["role"] == "predicted"] == [4]
    assert [bar["digit"] for bar in bars if bar["is_true"]] == [9]
    assert [bar["words"] for bar in bars if bar["words"]] == [
        "60.0 %",
        "40.0 %, true digit",
    ]
    assert bars[7]["sentence"] == "under 0.1 % for a seven"


def test_an_unknown_label_marks_no_bar():
    bars = rows(charts.probabilities(np.full(10, 0.1)))

    assert not any(bar["is_true"] for bar in bars)


@pytest.mark.parametrize(
    "before, after",
    [
        (
            charts.probabilities(np.eye(10)[3], true=3),
            charts.probabilities(np.full(10, 0.1), true=None),
        ),
        (charts.batches(batches(3)), charts.batches(batches(900))),
        (charts.history(epochs([0.9])), charts.history(epochs([0.9, 0.95, 0.94]))),
    ],
)
def test_only_the_data_of_a_live_chart_changes(before, after):
    assert without_data(before) == without_data(after)
    assert rows(before) != rows(after)


@pytest.mark.parametrize(
    "draw", [lambda: charts.history(epochs([0.9])), lambda: charts.batches(batches(3))]
)
def test_a_chart_is_built_while_streamlit_turns_another_into_a_specification(draw):
    whole = draw()
    charts._history.cache_clear()
    charts._batches.cache_clear()

    with alt.theme.enable("none"):  # as Streamlit does, for all threads
        assert draw() == whole


@pytest.mark.parametrize(
    "modules, unwanted",
    [
        ("charts, mnist_core.figures", ["streamlit", "keras", "matplotlib.pyplot"]),
        ("evaluation, mnist_core.selection", ["PIL", "altair", "pandas", "keras"]),
    ],
)
def test_a_module_imports_no_more_than_it_needs(modules, unwanted):
    code = f"import sys, mnist_core.{modules}; print(*sys.modules)"

    imported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=REPOSITORY
    )

    assert not set(unwanted) & set(imported.stdout.decode().split())
