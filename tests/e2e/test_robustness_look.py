"""What a run withstands: a number opens the digits that are lost there."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_core import data
from mnist_core.corruptions import STEPS, Step
from mnist_core.robustness import Robustness

TURNED = Step("rotation", 30)
NUM_LOST = 7


@pytest.fixture
def measured(second):
    """The second run, as if only turning cost it some digits."""
    labels = data.load_test().labels
    said = second.probabilities("test").argmax(axis=1).astype(np.uint8)
    lost = np.flatnonzero(said == labels)[:NUM_LOST]
    digits = np.repeat(said[None], len(STEPS), axis=0)
    digits[STEPS.index(TURNED), lost] = (said[lost] + 1) % 10
    robustness = Robustness(labels, said, digits)
    robustness.save(second.robustness_file, model=second.digest("twin.tflite"))
    yield second, lost
    second.robustness_file.unlink()


def tiles(app):
    return app.at("lost").get_by_role("button", name=re.compile("^Digit "))


@pytest.mark.parametrize("width", [1280, 390])
def test_a_number_opens_what_is_lost_there(visit, server, measured, width):
    run, lost = measured
    app = visit(server, width=width).open("evaluate", run=run.id, look="robustness")
    expect(app.page.locator(".vega-embed")).to_have_count(7)

    app.at("of-rotation").get_by_role("button", name="30° clockwise").press("Enter")

    expect(app.at("lost")).to_contain_text(f"{NUM_LOST} that were right are lost")
    expect(tiles(app)).to_have_count(NUM_LOST)
    app.expect_query(kind="rotation", strength="30")
    for table in app.page.locator("table").all():
        box = table.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width

    tiles(app).first.click()
    expect(app.at("opened-digit")).to_contain_text(f"Index {lost[0]}")
    expect(app.at("opened-digit")).to_contain_text("right")


def test_a_point_opens_what_is_lost_there_as_often_as_one_likes(
    visit, server, measured
):
    run, _ = measured
    app = visit(server).open("evaluate", run=run.id, look="robustness")

    for _ in range(2):
        app.click_mark(0, "Turned by 30° clockwise")
        expect(tiles(app)).to_have_count(NUM_LOST)
        app.expect_query(kind="rotation", strength="30")
        app.button("Close").click()
        expect(app.at("lost")).to_have_count(0)

    app.click_mark(0, "As they are")  # nothing is changed there
    app.rest()
    expect(app.at("lost")).to_have_count(0)


def test_a_link_shows_the_same_and_leads_to_browse(visit, server, measured):
    run, _ = measured
    app = visit(server).open(
        "evaluate", run=run.id, look="robustness", kind="rotation", strength="30"
    )
    expect(tiles(app)).to_have_count(NUM_LOST)

    app.page.get_by_role("link", name=f"See all {NUM_LOST} unchanged").click()

    expect(app.page.get_by_role("heading", level=1)).to_have_text("Browse")
    expect(app.page.get_by_role("button", name=re.compile("^Digit "))).to_have_count(
        NUM_LOST
    )
