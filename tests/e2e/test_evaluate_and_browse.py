"""The Evaluate and the Browse page: figures, and the digits behind them."""

import json
import re
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_core import data, paths, plane
from mnist_core.calibration import Calibration
from mnist_core.evaluation import Evaluation, percent
from mnist_core.reader import Reader
from mnist_core.runs import RunStore
from mnist_core.selection import Selection

SHIPPED = json.loads((paths.shipped_run_dir() / "result.json").read_text())
ACCURACY = percent(SHIPPED["test_accuracy"], places=2)

PAGE_SIZE = 100  # digits


@pytest.fixture(scope="module")
def evaluation():
    shipped = RunStore(paths.saved_model_dir()).get(paths.SHIPPED_RUN_ID)
    return Evaluation(data.load_test().labels, shipped.probabilities("test"))


def tiles(app):
    return app.at("gallery").get_by_role("button")


def expect_count(app, count):
    pattern = re.compile(rf"^\s*{count:,}\b|^\s*{count}\b")
    expect(app.at("gallery-count")).to_have_text(pattern)


def expect_opened(app, index):
    expect(app.at("opened-digit")).to_contain_text(f"Index {index} ·")
    app.expect_query(i=str(index))


# Evaluate


def test_the_matrix_is_drawn_in_four_ways(visit, server, evaluation):
    app = visit(server).open("evaluate")
    expect(app.at("test-accuracy")).to_contain_text(ACCURACY)
    cell = app.at("confusion-matrix").locator("td button")
    expect(cell).to_have_count(100)
    first = evaluation.digits[0]

    for view, text in (
        ("Counts", str(evaluation.confusion_matrix[0, 0])),
        ("Row percent", f"{100 * first.recall:.1f}"),
        ("Column percent", f"{100 * first.precision:.1f}"),
        ("Mistakes only", ""),
    ):
        app.press("Cells", view)
        expect(cell.first).to_have_text(text)


def test_a_click_on_a_cell_shows_the_digits_that_it_counts(visit, server, evaluation):
    top = evaluation.top_confusions(1)[0]
    app = visit(server).open("evaluate")

    app.at("confusion-matrix").get_by_role("button", name=top.sentence()).click()

    behind = app.at("digits-behind")
    tiles = behind.get_by_role("button", name=re.compile("^Digit "))
    expect(tiles).to_have_count(top.count)
    app.expect_query(true=str(top.true), pred=str(top.predicted))
    behind.get_by_role("link", name="See them in Browse").click()
    expect_count(app, top.count)
    app.expect_query(true=str(top.true), pred=str(top.predicted), run="shipped")


def test_heads_and_scores_are_doors_too(visit, server, evaluation):
    app = visit(server).open("evaluate")
    matrix, behind = app.at("confusion-matrix"), app.at("digits-behind")

    matrix.locator("th[scope=row] button").nth(4).click()
    expect(behind).to_contain_text(f"{evaluation.digits[4].support} fours")
    matrix.locator("th[scope=col] button").nth(4).press("Enter")
    expect(behind).to_contain_text(f"{evaluation.digits[4].num_predicted} digits read")
    app.at("digit-scores").get_by_role("button", name="Digit 9: F1").click()
    expect(behind).to_contain_text("nines read wrong")
    behind.get_by_role("button", name="Close").click()
    expect(behind).to_have_count(0)


@pytest.mark.parametrize(
    "figure, format, head",
    [
        ("Confusion matrix", "PNG", b"\x89PNG\r\n\x1a\n"),
        ("Curves", "SVG", b"<?xml"),
        ("Reliability", "PDF", b"%PDF-"),
    ],
)
def test_a_figure_is_taken_away(visit, server, figure, format, head):
    app = visit(server).open("evaluate?look=training")
    app.press("A figure to print", figure)

    name = figure.split()[0].lower()

    file = app.download(app.at(f"{name}-{format.lower()}").get_by_role("button"))

    assert file.suggested_filename == f"{name}-shipped.{format.lower()}"
    assert file.path().read_bytes().startswith(head)


def test_a_report_is_taken_away_and_opens_by_itself(visit, server, evaluation):
    app = visit(server).open("evaluate?look=training")

    file = app.download(app.button("Download the report"))

    assert file.suggested_filename == "report-shipped.html"
    app.page.set_content(file.path().read_text())
    expect(app.page.get_by_text(evaluation.sentence())).to_be_visible()
    expect(app.page.locator(".digits img")).to_have_count(25)


def test_a_confusion_leads_to_its_digits(visit, server, evaluation):
    top = evaluation.top_confusions(1)[0]
    app = visit(server).open("evaluate")

    app.page.get_by_role("link", name=top.sentence()).click()

    expect(app.page.get_by_role("heading", level=1)).to_have_text("Browse")
    app.expect_query(
        true=str(top.true), pred=str(top.predicted), sort="loss", run="shipped"
    )
    expect_count(app, top.count)
    expect(tiles(app)).to_have_count(top.count)
    for tile in tiles(app).all():
        words = re.compile(rf"✗ {top.true} → {top.predicted}( ?\?)?$")  # "?": disputed
        expect(tile).to_have_text(words)


def test_the_mistakes_are_a_click_away(visit, server, evaluation):
    app = visit(server).open("evaluate")

    app.page.get_by_role("link", name="See them").click()

    expect_count(app, evaluation.num_mistakes)
    expect(tiles(app)).to_have_count(evaluation.num_mistakes)


# Browse


def test_what_is_chosen_before_the_page_has_answered_holds(visit, server, evaluation):
    app = visit(server).hold_up().open("browse")
    show = app.page.get_by_role("radiogroup", name="Show")

    with app.unanswered() as wait_for:
        show.get_by_text(re.compile("^Wrong")).click()
        wait_for("show=wrong")
        app.page.get_by_role("combobox", name="Order").click()
        app.page.get_by_role("option", name="Highest loss first").click()
        wait_for("sort=loss")

    app.expect_query(show="wrong", sort="loss")
    expect_count(app, evaluation.num_mistakes)


def test_what_is_undone_before_the_page_has_answered_is_undone(visit, server):
    app = visit(server).hold_up().open("browse", tiles="medium")
    tiles = app.page.get_by_role("radiogroup", name="Tiles")

    with app.unanswered() as wait_for:
        tiles.get_by_text("Large").click()
        wait_for("tiles=large")
        tiles.get_by_text("Medium").click()
        wait_for("tiles=medium")

    app.rest()
    app.expect_query(tiles="medium")
    assert app.page.evaluate("history.length") <= 4  # blank, medium, large, medium


def test_two_looks_at_a_matrix_that_are_asked_for_at_once_both_hold(visit, server):
    app = visit(server).hold_up().open("evaluate")
    cell = app.at("confusion-matrix").locator("td button").nth(49)

    with app.unanswered() as wait_for:
        cell.click()
        wait_for("true=4")
        app.page.get_by_role("radiogroup", name="Cells").get_by_text(
            "Row percent"
        ).click()
        wait_for("cells=")

    app.expect_query(true="4", pred="9", cells="row percent")
    expect(app.at("digits-behind")).to_be_visible()


def test_filters_change_the_gallery_and_the_address(visit, server, evaluation):
    app = visit(server).open("browse")
    expect_count(app, 10_000)
    expect(tiles(app)).to_have_count(PAGE_SIZE)

    app.press("Show", "Wrong")
    app.expect_query(show="wrong")
    expect_count(app, evaluation.num_mistakes)
    expect(tiles(app)).to_have_count(evaluation.num_mistakes)

    app.choose("Labelled", "9")
    app.choose("Order", "Highest loss first")
    app.expect_query(show="wrong", true="9", sort="loss")
    selection = Selection(outcome="wrong", true=9, sort="loss")
    expected = selection.indices(evaluation)
    expect_count(app, len(expected))
    expect(tiles(app)).to_have_count(len(expected))
    first = tiles(app).first
    expect(first).to_have_attribute("aria-label", re.compile(rf"^Digit {expected[0]}:"))

    app.choose("Labelled", "Any")
    app.press("Show", "All")
    app.expect_query(show=None, true=None, sort="loss")
    expect_count(app, 10_000)


def test_the_second_page_and_back(visit, server):
    app = visit(server).open("browse")

    app.rest()
    app.button(re.compile(r"^(Page )?2$")).click()

    app.expect_query(page="2")
    expect(app.page.get_by_text("101 to 200 of 10,000")).to_be_visible()
    expect(tiles(app)).to_have_count(PAGE_SIZE)
    expect(tiles(app).first).to_have_attribute("aria-label", re.compile("^Digit 100:"))

    app.page.go_back()
    app.expect_query(page=None)
    expect(tiles(app).first).to_have_attribute("aria-label", re.compile("^Digit 0:"))
    expect(app.page.get_by_text("1 to 100 of 10,000")).to_be_visible()
    current = app.page.get_by_test_id("stMain").locator('[aria-current="page"]')
    expect(current).to_have_text("1")


def test_a_filter_begins_on_its_first_page(visit, server, evaluation):
    app = visit(server).open("browse", page="3")
    expect(tiles(app).first).to_have_attribute("aria-label", re.compile("^Digit 200:"))

    app.choose("Labelled", "4")

    expect_count(app, int((evaluation.labels == 4).sum()))
    expect(app.page.get_by_text("1 to 100 of 982")).to_be_visible()


def test_a_tile_opens_large_and_its_neighbours_follow(visit, server, evaluation):
    wrong = Selection(outcome="wrong").indices(evaluation).tolist()
    app = visit(server).open("browse", show="wrong")

    tiles(app).nth(1).click()
    expect_opened(app, wrong[1])
    expect(app.page.get_by_role("dialog").locator("canvas, svg").first).to_be_visible()

    app.button(re.compile(r"^Next(?! mistake)")).click()
    expect_opened(app, wrong[2])
    app.page.keyboard.press("ArrowRight")
    expect_opened(app, wrong[3])
    app.page.keyboard.press("ArrowLeft")
    expect_opened(app, wrong[2])

    app.page.keyboard.press("Escape")
    expect(app.page.get_by_role("dialog")).to_have_count(0)
    app.expect_query(i=None, show="wrong")


def test_an_opened_digit_is_explained_and_fooled(visit, server, evaluation):
    wrong = Selection(outcome="wrong").indices(evaluation)
    app = visit(server).open("browse", i=str(wrong[0]))
    expect_opened(app, wrong[0])

    app.at("next-mistake").get_by_role("button").click()
    expect_opened(app, wrong[1])
    app.page.keyboard.press("m")
    expect_opened(app, wrong[2])
    app.press("Look into it", "What would fool it")
    app.expect_query(why="fooled")
    expect(app.page.get_by_text("Let each pixel be a little")).to_be_visible()
    expect(app.at("attack").locator("img")).to_have_count(3)
    before = app.at("attack").locator("img").last.get_attribute("src")
    slider = app.page.get_by_role("slider", name="Step ε")
    slider.focus()
    slider.press("End")
    app.expect_query(epsilon="0.500")
    expect(app.at("attack").locator("img").last).not_to_have_attribute("src", before)

    app.page.get_by_role("link", name="Send to Draw").click()
    expect(app.page.get_by_role("heading", level=1)).to_have_text("Draw a digit")
    app.expect_query(source="test", i=str(wrong[2]))
    app.expect_digit(str(evaluation.predictions[wrong[2]]))


def test_what_is_selected_is_taken_away(visit, server, evaluation):
    app = visit(server).open("browse", show="wrong")
    app.button("Take away").click()

    csv = app.download(app.at("take-csv").get_by_role("button"))
    table = csv.path().read_text("utf-8-sig").splitlines()
    images = app.download(app.at("take-zip").get_by_role("button"))

    assert len(table) == 1 + evaluation.num_mistakes
    with zipfile.ZipFile(images.path()) as archive:
        assert len(archive.namelist()) == 1 + evaluation.num_mistakes


def test_a_star_stays_over_a_reload(visit, server):
    app = visit(server).open("browse", i="7")
    expect(app.at("star-digit")).to_be_visible()
    app.rest()
    app.at("star-digit").get_by_role("button").click()
    expect(app.at("star-digit")).to_contain_text("Starred")

    app.page.reload()
    expect_opened(app, 7)
    expect(app.at("star-digit")).to_contain_text("Starred")
    app.page.keyboard.press("Escape")
    app.expect_query(i=None)
    app.button("Starred · 1").click()

    expect(tiles(app)).to_have_count(1)
    expect(tiles(app).first).to_have_attribute("title", re.compile("^Digit 7:"))


def test_a_closed_digit_can_be_opened_again(visit, server):
    app = visit(server).open("browse")
    for _ in range(2):
        tiles(app).first.click()
        expect_opened(app, 0)
        app.button("Close").click()
        expect(app.page.get_by_role("dialog")).to_have_count(0)
        app.expect_query(i=None)


def test_a_tile_opens_with_the_keyboard(visit, server):
    app = visit(server).open("browse")

    tiles(app).nth(3).focus()
    app.page.keyboard.press("Enter")

    expect_opened(app, 3)


def test_a_pasted_link_shows_the_same(visit, server, second, evaluation):
    sender = visit(server).open("browse", run=second.id)
    sender.press("Show", "Wrong")
    sender.choose("Order", "Highest loss first")
    index = int(Selection(outcome="wrong", sort="loss").indices(evaluation)[2])
    third = tiles(sender).nth(2)  # of the new order, once it is there
    expect(third).to_have_attribute("aria-label", re.compile(f"^Digit {index}:"))
    third.click()
    expect_opened(sender, index)

    receiver = visit(server)
    receiver.page.goto(sender.page.url)

    expect_opened(receiver, index)
    expect_count(receiver, evaluation.num_mistakes)
    expect(receiver.page.get_by_label("Model")).to_have_value(f"Second · {ACCURACY}")
    assert receiver.query == sender.query


# The map


@pytest.fixture(scope="module")
def zeros():
    """Where the zeros lie on the shipped run's map: `(n, 2)` in [0, 1]."""
    test = data.load_test()
    twin = (
        RunStore(paths.saved_model_dir()).get(paths.SHIPPED_RUN_ID).file("twin.tflite")
    )
    places = plane.coordinates(Reader(twin).read(test.images).features, test.labels)
    return places[test.labels == 0]


def test_a_map_shows_opens_and_picks_digits(visit, server, zeros):
    app = visit(server).open("browse", view="map", true="0")
    canvas = app.page.locator("canvas[aria-label^='A map of 10,000 digits']")
    expect(canvas).to_be_visible()
    app.rest()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    right, up = np.median(zeros, axis=0).tolist()
    left = box["x"] + 12 + right * (box["width"] - 24)
    top = box["y"] + 12 + (1 - up) * (box["height"] - 24)

    app.page.mouse.move(left, top)
    expect(canvas).to_have_attribute("data-index", re.compile(r"^\d+$"))
    index = canvas.get_attribute("data-index")
    expect(app.page.get_by_text(f"{index}: 0 read as 0, right")).to_be_visible()
    app.page.mouse.click(left, top)
    expect_opened(app, int(index))
    app.page.keyboard.press("Escape")
    app.expect_query(i=None)

    app.page.mouse.move(left - 12, top - 12)
    app.page.mouse.down()
    for x, y in ((12, -12), (12, 12), (-12, 12)):
        app.page.mouse.move(left + x, top + y)
    app.page.mouse.up()
    expect(app.at("chips")).to_contain_text(re.compile(r"Of \d+ picked ones"))
    expect(tiles(app).first).to_be_visible()
    app.expect_query(view="map", true="0")


def test_a_lasso_around_too_many_says_so(visit, server):
    app = visit(server).open("browse", view="map")
    canvas = app.page.locator("canvas[aria-label^='A map of 10,000 digits']")
    app.rest()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    corners = [(2, 2), (box["width"] - 2, 2), (box["width"] - 2, box["height"] - 2)]
    app.page.mouse.move(box["x"] + 2, box["y"] + box["height"] - 2)
    app.page.mouse.down()
    for x, y in corners:
        app.page.mouse.move(box["x"] + x, box["y"] + y)
    app.page.mouse.up()

    expect(app.page.get_by_text("10,000 digits are more than")).to_be_visible()
    app.expect_query(among=None)


# Compare


def test_two_runs_are_compared_and_their_digits_opened(
    visit, server, second, evaluation
):
    app = visit(server).open("compare", run="shipped", against=second.id)

    expect(app.at("verdict")).to_contain_text("digits")
    app.press("Digits", "Both are wrong")
    app.expect_query(change="both-wrong", against=second.id)
    read = second.probabilities("test").argmax(axis=1)
    count = int((~evaluation.is_correct & (read != evaluation.labels)).sum())
    assert 0 < count <= 48  # as many as the page shows
    shown = app.at("compared-digits").get_by_role("button")
    expect(shown).to_have_count(count)
    app.page.get_by_role("link", name="See them in Browse").click()
    expect(app.page.get_by_role("heading", level=1)).to_have_text("Browse")
    expect(app.at("chips")).to_contain_text("Both models read wrong")
    expect(tiles(app)).to_have_count(count)


# Over time


def test_a_bar_opens_the_digits_that_it_counts_again_and_again(
    visit, server, evaluation
):
    app = visit(server).open("evaluate", look="confidence")
    least = np.float32(0.95)
    count = int(((evaluation.confidences >= least) & evaluation.is_correct).sum())

    for _ in range(2):
        app.click_mark(1, f"{count:,} right")
        expect(app.at("digits-behind")).to_contain_text(
            f"{count:,} digits read right, 95.0 % to 100 % probable"
        )
        app.expect_query(show="right", least="0.95", most="1")
        app.button("Close").click()
        expect(app.at("digits-behind")).to_have_count(0)


def test_a_double_click_on_a_bar_opens_its_digits(visit, server, evaluation):
    app = visit(server).open("evaluate", look="confidence")
    sure = evaluation.confidences >= np.float32(0.95)
    count = int((sure & evaluation.is_correct).sum())

    app.click_mark(1, f"{count:,} right", times=2)

    expect(app.at("digits-behind")).to_contain_text(f"{count:,} digits read right")


def test_the_number_on_a_bar_opens_its_digits(visit, server, evaluation):
    app = visit(server).open("evaluate", look="confidence")
    sure = evaluation.confidences >= np.float32(0.95)
    count = int((sure & evaluation.is_correct).sum())

    app.click_mark(1, f"{count:,} right", tag="text")

    expect(app.at("digits-behind")).to_contain_text(f"{count:,} digits read right")


def test_a_click_on_the_risk_curve_moves_the_threshold(visit, server):
    app = visit(server).open("evaluate", look="confidence", threshold="0.9")
    before = app.at("answered").inner_text()

    app.click_mark(2, "Answered: 100.0%", last=True)

    expect(app.at("answered")).not_to_have_text(before)
    expect(app.at("answered")).to_contain_text("It answers 100 % of the digits")


def test_a_tile_of_an_epoch_opens_its_digit(visit, server, second):
    app = visit(server).open("evaluate", run=second.id, look="epochs", epoch="1")

    app.at("epoch-digits").get_by_role("button", name=re.compile("^Digit ")).nth(
        2
    ).click()

    expect(app.at("opened-digit")).to_contain_text("Index ")
    app.expect_query(epoch="1")


def test_a_column_of_an_epoch_opens_what_was_wrongly_read_so(visit, server, second):
    app = visit(server).open("evaluate", run=second.id, look="epochs", epoch="1")

    app.at("epoch-matrix").locator("tr").first.get_by_role("button").nth(1).click()

    app.expect_query(pred="1", show="wrong")
    expect(app.page.get_by_text("After epoch 1: ").last).to_contain_text(
        "wrongly read as ones"
    )


def test_a_point_of_the_reliability_diagram_opens_right_and_wrong_ones(
    visit, server, evaluation
):
    app = visit(server).open("evaluate", look="confidence")
    [*_, unsure] = Calibration(evaluation).bins[:2]

    app.click_mark(0, f"{unsure.count:,} digits")

    digits = app.at("digits-behind").get_by_role("button", name=re.compile("^Digit "))
    expect(digits).to_have_count(unsure.count)


def test_points_and_bars_move_through_the_epochs(visit, server, second, evaluation):
    app = visit(server).open("evaluate", run=second.id, look="epochs", epoch="1")
    sentence, digits = app.at("epoch-sentence"), app.at("epoch-digits")

    for epoch in (2, 1, 2):
        app.click_mark(0, f"After epoch {epoch},")
        expect(sentence).to_contain_text(f"After epoch {epoch},")
        app.expect_query(epoch=str(epoch))
    app.click_mark(1, "sevens read wrong")

    app.expect_query(epoch="2", true="7", show="wrong")
    count = int(((evaluation.labels == 7) & ~evaluation.is_correct).sum())
    expect(digits.get_by_role("button", name=re.compile("^Digit "))).to_have_count(
        count
    )


def test_the_slider_moves_through_the_epochs(visit, server, second, evaluation):
    app = visit(server).open("evaluate", run=second.id, look="epochs", epoch="1")
    sentence, digits = app.at("epoch-sentence"), app.at("epoch-digits")
    sevens = int((evaluation.labels == 7).sum())
    expect(sentence).to_contain_text("After epoch 1,")
    expect(app.at("epoch-matrix").locator("td button").nth(71)).to_have_text(
        str(sevens)
    )

    app.page.get_by_role("slider", name="Epoch").press("ArrowRight")

    expect(sentence).to_contain_text("After epoch 2,")
    app.expect_query(epoch="2")
    few = evaluation.confusion_matrix[7, 1]
    expect(app.at("epoch-matrix").locator("td button").nth(71)).to_have_text(
        str(few) if few else ""
    )
    expect(digits.get_by_role("button", name=re.compile("^Digit "))).to_have_count(
        min(evaluation.num_mistakes, 32)
    )
