"""The chart of one kind of change, as the browser gets it."""

import numpy as np
import pytest

from mnist_core import charts_robustness
from mnist_core.charts_robustness import LEAST_WRONG
from mnist_core.corruptions import CORRUPTIONS, STEPS, Step
from mnist_core.robustness import Robustness

LABELS = np.arange(1000, dtype=np.uint8) % 10


def robustness(num_lost=0):
    digits = np.repeat(LABELS[None], len(STEPS), axis=0)
    digits[STEPS.index(Step("rotation", 30)), :num_lost] += 1
    digits[digits > 9] = 0
    return Robustness(LABELS, LABELS, digits)


def rows(chart):
    return next(data for data in chart["datasets"].values() if "wrong" in data[0])


def spec(kind="rotation", num_lost=0, **options):
    return charts_robustness.accuracy(robustness(num_lost), kind, **options).to_dict()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_strength_is_a_point_with_its_sentence(kind):
    points = rows(spec(kind))

    assert [point["strength"] for point in points] == list(CORRUPTIONS[kind].strengths)
    assert all("are read right" in point["sentence"] for point in points)


def test_a_height_is_the_share_read_wrong_within_its_interval():
    [point] = [row for row in rows(spec(num_lost=100)) if row["strength"] == 30]

    assert point["wrong"] == pytest.approx(0.1)
    assert point["least"] < point["wrong"] < point["most"]


def test_nothing_wrong_can_be_drawn_on_a_logarithm():
    assert {row["wrong"] for row in rows(spec())} == {LEAST_WRONG}


def test_every_kind_has_the_scale_of_the_worst():
    scales = {
        str(layer["encoding"]["y"]["scale"]["domain"])
        for kind in ("rotation", "blur")
        for layer in spec(kind, num_lost=100)["layer"]
        if "y" in layer["encoding"]
    }

    assert len(scales) == 1


def test_the_strength_that_is_looked_at_is_marked():
    def shapes(**options):
        return [layer["mark"].get("shape") for layer in spec(**options)["layer"]]

    assert "diamond" not in shapes()
    assert "diamond" in shapes(chosen=30)


def test_a_sign_is_shown_where_there_is_one():
    def ticks(kind):
        return spec(kind)["layer"][0]["encoding"]["x"]["axis"]["labelExpr"]

    assert "'+'" in ticks("rotation")
    assert "'+'" not in ticks("blur")
