"""Real trainings, started, watched, stopped and killed as it happens to people."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mnist_core.evaluation import percent
from mnist_core.recipes import RECIPES
from mnist_core.runs import RESULT_FILES

pytestmark = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="finds its processes as Linux lists them"
)

TRAINING = 900  # seconds that a small training may take on a busy machine


def share(app):
    """Of the training that is done, from 0 to 100."""
    bar = app.at("training-progress").get_by_role("progressbar")
    return float(bar.get_attribute("aria-valuenow"))


def expect_progress(app, beyond=0.0):
    """Wait until the bar has moved beyond this share; returns where it is."""
    app.page.wait_for_function(
        """beyond => {
            const bar = document.querySelector(
                '.st-key-training-progress [role=progressbar]');
            return bar && Number(bar.getAttribute('aria-valuenow')) > beyond;
        }""",
        arg=beyond,
        timeout=TRAINING * 1000,
    )
    return share(app)


def cell(app, text):
    """The table of runs is drawn on a canvas; inside it are its cells for readers."""
    cells = app.page.get_by_test_id("stDataFrame").locator("[role=gridcell]")
    return cells.filter(has_text=re.compile(rf"^{re.escape(text)}$"))


def expect_cell(app, text):
    expect(cell(app, text)).to_have_count(1)


def pick_row(app, row):
    """Click the box at the left of a row."""
    table = app.page.get_by_test_id("stDataFrame").locator("canvas").first
    table.scroll_into_view_if_needed()
    # An empty layer for scrolling lies above the canvas and takes the click.
    table.click(position={"x": 15, "y": 35 * (row + 1) + 17}, force=True)
    expect(app.at("watch-run")).to_be_visible()


def test_a_training_from_the_start_to_its_digits(visit, fresh_server):
    app = visit(fresh_server).open("train")

    run_id = app.start_training(
        "Dense network", Training_images=5000, Epochs=20, Batch_size=32
    )
    moved = expect_progress(app)
    app.go("Draw").go("Train")
    app.expect_state("running")
    moved = expect_progress(app, beyond=moved)
    app.page.reload()
    app.expect_state("running")
    other = visit(fresh_server).open("train")
    other.expect_state("running")
    expect_progress(other, beyond=moved)
    other.page.close()  # watching takes from what is left for training
    app.expect_state("done", timeout=TRAINING)
    expect(app.at("start-training").get_by_role("button")).to_be_enabled()

    run = fresh_server.store.get(run_id)
    assert share(app) == 100
    assert (run.config.architecture, run.config.num_train) == ("dense", 5000)
    assert len(run.progress()[0]) == 20
    accuracy = percent(run.result.test_accuracy, places=2)
    assert run.result.test_accuracy > 0.85
    expect_cell(app, run.name)
    app.page.get_by_role("link", name="Evaluate it").click()
    expect(app.at("test-accuracy")).to_contain_text(accuracy)
    assert app.query["run"] == run_id
    app.go("Train")
    app.page.get_by_role("link", name="Browse its digits").click()
    app.press("Show", "Wrong")
    mistakes = round(10_000 * (1 - run.result.test_accuracy))
    expect(app.at("gallery-count")).to_have_text(
        re.compile(rf"^\s*({mistakes}|{mistakes:,})\b")
    )
    assert app.query["run"] == run_id
    app.go("Train")
    app.page.get_by_role("link", name="Draw with it").click()
    app.draw([(150, 40), (138, 240)])
    app.expect_digit("1")
    assert app.query["run"] == run_id


def test_a_start_is_kept_when_something_else_is_clicked_at_once(visit, fresh_server):
    app = visit(fresh_server).open("train")
    app.press("Recipe", "Softmax regression")
    app.page.get_by_text("Settings", exact=True).click()
    expect(app.at("set-linear-seed")).to_be_visible()

    # Not by the mouse: before the page has come to its button is sooner than that.
    app.page.evaluate(
        """() => {
            const [start, more] = ["start-training", "set-linear-seed"].map(
                key => [...document.querySelectorAll(`.st-key-${key} button`)].pop());
            start.click();
            setTimeout(() => more.click(), 10);
        }"""
    )

    app.expect_state("queued", "running", "done")
    [run] = [run for run in fresh_server.store.runs() if not run.is_shipped]
    app.expect_query(set="seed=1", run=run.id)
    assert replace(run.config, seed=0) == RECIPES["linear"].config


def test_a_start_shows_the_training_and_leaves_the_form_open(visit, fresh_server):
    app = visit(fresh_server).open("train")

    app.start_training("Softmax regression", Epochs=2)

    expect(app.status).to_be_in_viewport()
    expect(app.at("set-linear-epochs")).to_be_visible()
    app.expect_state("done", timeout=TRAINING)
    pick_row(app, 1)
    app.at("watch-run").scroll_into_view_if_needed()
    expect(app.status).not_to_be_in_viewport()
    app.at("watch-run").get_by_role("button").click()
    app.expect_query(run="shipped")
    expect(app.page.get_by_role("heading", level=1)).to_be_in_viewport()


def test_a_start_before_a_recipe_is_answered_trains_that_recipe(visit, fresh_server):
    app = visit(fresh_server).hold_up().open("train")

    with app.unanswered():
        app.press("Recipe", "Softmax regression")
        app.at("start-training").get_by_role("button").click()

    app.expect_state("queued", "running", "done")
    run = fresh_server.store.get(app.query["run"])
    assert run.config == RECIPES["linear"].config


def test_a_training_that_is_stopped_keeps_its_model(visit, fresh_server):
    app = visit(fresh_server).open("train")
    run_id = app.start_training("Softmax regression", Epochs=100)
    expect_progress(app)

    app.at("stop-training").get_by_role("button").click()

    app.expect_state("stopped", timeout=TRAINING)
    run = fresh_server.store.get(run_id)
    assert all(run.file(name).exists() for name in RESULT_FILES)
    assert 0 < len(run.progress()[0]) < 100
    app.page.get_by_role("link", name="Evaluate it").click()
    accuracy = percent(run.result.test_accuracy, places=2)
    expect(app.at("test-accuracy")).to_contain_text(accuracy)


def test_a_second_training_waits_for_the_first(visit, fresh_server):
    app = visit(fresh_server).open("train")
    first = app.start_training("Softmax regression", Epochs=100)
    expect_progress(app)

    app.at("start-training").get_by_role("button").click()
    app.expect_state("queued")
    second = app.query["run"]
    assert first != second
    app.at("stop-training").get_by_role("button").click()

    app.expect_state("stopped", timeout=TRAINING)
    assert not fresh_server.store.get(second).has_model
    app.open("train", run=first).expect_state("running")


def test_a_training_outlives_its_server(visit, fresh_server):
    app = visit(fresh_server).open("train")
    run_id = app.start_training("Softmax regression", Epochs=20)
    moved = expect_progress(app)
    chart = app.page.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator("canvas, svg").first).to_be_visible()  # its code has come

    fresh_server.kill()
    fresh_server.start()

    later = visit(fresh_server).open("train")
    later.expect_state("running")
    expect_progress(later, beyond=moved)
    expect_progress(app, beyond=moved)  # the tab that was open has found its way back
    later.expect_state("done", timeout=TRAINING)
    app.expect_state("done")
    assert len(fresh_server.store.get(run_id).progress()[0]) == 20
    app.forgive("ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket|when disconnected")


def test_a_training_that_is_killed_can_go_on(visit, fresh_server):
    app = visit(fresh_server).open("train")
    run_id = app.start_training("Softmax regression", Epochs=20)
    expect(app.page.get_by_text("Best so far:")).to_be_visible(timeout=TRAINING * 1000)

    assert fresh_server.kill_trainers() == 1
    app.expect_state("interrupted")
    before = fresh_server.store.get(run_id).progress()[0]
    app.at("resume-training").get_by_role("button").click()

    app.expect_state("queued", "running")
    app.expect_state("done", timeout=TRAINING)
    after = fresh_server.store.get(run_id).progress()[0]
    assert len(after) == 20
    assert after[0] == before[0]


def test_a_run_is_renamed_annotated_and_deleted(visit, fresh_server, add_run):
    store = fresh_server.store
    kept, run = add_run(store, "Kept"), add_run(store, "Before")
    app = visit(fresh_server).open("train")
    expect_cell(app, "Before")

    pick_row(app, 0)
    app.page.get_by_role("textbox", name="Name").fill("After")
    app.page.get_by_role("textbox", name="Note").fill("Two words")
    app.button("Save").click()
    expect_cell(app, "After")
    expect_cell(app, "Two words")
    assert (store.get(run.id).name, store.get(run.id).note) == ("After", "Two words")

    app.page.get_by_role("textbox", name="Name").fill("<b>")
    app.button("Save").click()
    expect(app.alert).to_contain_text("A run's name has 1 to 60 letters")
    assert store.get(run.id).name == "After"

    app.at("delete-run").get_by_role("button").click()
    dialog = app.page.get_by_role("dialog")
    expect(dialog).to_contain_text("“After” and its model will be gone for good.")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert store.get(run.id)

    app.at("delete-run").get_by_role("button").click()
    dialog.get_by_role("button", name="Delete it").dblclick()
    expect(dialog).to_have_count(0)
    expect(cell(app, "After")).to_have_count(0)
    expect(app.alert).to_have_count(0)
    assert [run.name for run in store.runs()] == ["Kept", "Shipped"]
    # Nobody has picked the row that is now where the deleted one was.
    expect(app.at("delete-run")).to_have_count(0)
    assert store.get(kept.id)


def test_a_new_run_does_not_take_the_place_of_the_picked_one(
    visit, fresh_server, add_run
):
    store = fresh_server.store
    add_run(store, "Picked")
    app = visit(fresh_server).open("train")
    expect_cell(app, "Picked")
    pick_row(app, 0)
    expect(app.page.get_by_role("textbox", name="Name")).to_have_value("Picked")

    add_run(store, "Newer")
    app.press("Recipe", "Best")  # anything that runs the page again

    expect_cell(app, "Newer")
    name = app.page.get_by_role("textbox", name="Name")
    assert name.count() == 0 or name.input_value() == "Picked"


def test_an_unreadable_run_is_shown_and_can_be_deleted(visit, fresh_server, add_run):
    add_run(fresh_server.store, "Whole")
    folder = fresh_server.store.root / "20200101-000000-000"
    folder.mkdir()
    app = visit(fresh_server).open("train")
    expect_cell(app, "Whole")
    expect(app.page.get_by_text("A run cannot be read")).to_be_visible()

    app.at(f"unreadable-{folder.name}").get_by_role("button").click()
    app.button("Delete it").click()

    expect(app.page.get_by_text("A run cannot be read")).to_have_count(0)
    assert not folder.exists()
    expect_cell(app, "Whole")
