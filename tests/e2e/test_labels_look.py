"""What its labels are worth, in a browser."""

import re

from playwright.sync_api import expect

from mnist_core.data import DISPUTED_TEST


def test_disputed_labels_open_and_the_experiment_leads_to_train(visit, server):
    app = visit(server).open("evaluate", look="labels")
    disputed = app.at("disputed").get_by_role("button")
    expect(disputed).to_have_count(len(DISPUTED_TEST))

    disputed.nth(1).click()
    opened = app.at("opened-digit")
    expect(opened).to_contain_text(f"Index {DISPUTED_TEST[1]} ·")
    app.expect_query(i=str(DISPUTED_TEST[1]))
    app.page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    app.rest()

    app.press("Labels of the", "Training digits")
    app.expect_query(labels="train")
    expect(app.at("suspects")).to_contain_text(
        re.compile(r"It doubts (none|[\d,]+) of 55,000 labels\.")
    )
    app.button("Train one with a tenth").click()
    expect(app.page.get_by_role("heading", level=1, name="Train")).to_be_visible()
    app.rest()
    app.page.get_by_text("Settings", exact=True).click()
    noise = app.page.get_by_role("spinbutton", name="Wrong labels (fraction)")
    expect(noise).to_have_value("0.1")
