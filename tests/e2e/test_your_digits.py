"""A visitor's own digits, with a real mouse and a real key."""

import io
import re
from base64 import b64decode

import numpy as np
from PIL import Image
from playwright.sync_api import expect

SEVEN = [(75, 60), (205, 60), (120, 235)]


def test_a_digit_is_drawn_and_kept_by_a_key_and_seen_and_all_is_deleted(
    visit, fresh_server
):
    app = visit(fresh_server).open(look="yours")
    app.draw(SEVEN)
    app.expect_digit("7")
    expect(app.at("ask")).to_contain_text("Right?")

    app.page.keyboard.press("7")
    expect(app.at("ask")).to_contain_text("Kept as 7")
    app.page.keyboard.press("1")
    expect(app.at("ask")).to_contain_text("Kept as 1")
    expect(app.at("kept-count")).to_contain_text("1")
    address = app.query["mine"]

    file = app.download(app.at("export-npz").get_by_role("button"))
    with np.load(io.BytesIO(file.path().read_bytes())) as arrays:
        assert arrays["labels"].tolist() == [1]
        assert arrays["images"].shape == (1, 28, 28)

    app.at("kept-count").get_by_role("link").click()
    app.expect_query(split="mine", mine=address)
    expect(app.at("gallery-count")).to_have_text(re.compile(r"^\s*1 found"))
    tile = app.at("gallery").get_by_role("button")
    expect(tile).to_have_accessible_name(re.compile("Digit 0: 1 read as 7, wrong"))
    tile.click()
    expect(app.at("star-digit")).to_be_visible()
    app.at("star-digit").get_by_role("button").click()
    expect(app.at("star-digit")).to_contain_text("Starred")
    app.page.keyboard.press("Escape")
    expect(app.at("show-starred")).to_contain_text("Starred · 1")
    app.go("Evaluate")
    expect(app.at("kept-score")).to_contain_text("0 of 1")

    # The address brings them to another browser, and there they are deleted.
    other = visit(fresh_server).open(mine=address, look="yours")
    other.at("delete-kept").get_by_role("button").click()
    other.at("confirm-delete-kept").get_by_role("button").click()
    expect(other.at("your-digits")).to_contain_text("Nothing is kept unless")
    other.expect_query(mine=None)
    app.page.reload()
    expect(app.at("test-accuracy")).to_be_visible()
    expect(app.page.get_by_text("On your digits")).to_have_count(0)


def test_a_digit_said_before_the_answer_is_said_of_the_whole_drawing(
    visit, fresh_server
):
    app = visit(fresh_server).open(look="yours")
    app.draw(SEVEN)
    app.expect_digit("7")
    expect(app.at("ask")).to_contain_text("Right?")

    for _ in range(2):  # "yes" to an answer that is not there yet is none
        app.draw([(110, 145), (200, 145)])
        app.page.keyboard.press("y")
        app.page.keyboard.press("7")
        expect(app.at("ask")).to_contain_text("Kept as 7")
        app.button("Clear").click()
        app.expect_digit("–")
        app.draw(SEVEN)
        app.expect_digit("7")
        expect(app.at("ask")).to_contain_text("Right?")

    seen = app.at("model-input").locator("img").get_attribute("src")
    bare = np.asarray(Image.open(io.BytesIO(b64decode(seen.partition(",")[2]))))
    file = app.download(app.at("export-npz").get_by_role("button"))
    with np.load(io.BytesIO(file.path().read_bytes())) as arrays:
        assert set(arrays["labels"]) == {7}
        assert not any(np.array_equal(image, bare) for image in arrays["images"])


def test_digits_that_are_typed_as_text_are_said_of_nothing(visit, fresh_server):
    app = visit(fresh_server).open(look="yours")
    app.draw(SEVEN)
    app.expect_digit("7")
    expect(app.at("ask")).to_contain_text("Right?")

    app.page.get_by_role("combobox", name="Model").click()
    app.page.keyboard.type("7")
    app.page.keyboard.press("Escape")
    app.at("ask").get_by_role("button", name="1", exact=True).click()

    expect(app.at("ask")).to_contain_text("Kept as 1")
    expect(app.at("kept-count")).to_contain_text("1")
    app.at("ask").get_by_role("button", name="Undo").click()
    expect(app.at("ask")).to_contain_text("Right?")


def test_a_drawing_that_is_open_is_the_one_that_is_removed(visit, fresh_server):
    app = visit(fresh_server).open(look="yours")
    app.draw(SEVEN)
    app.expect_digit("7")
    expect(app.at("ask")).to_contain_text("Right?")
    app.page.keyboard.press("7")
    expect(app.at("kept-count")).to_contain_text("1")
    app.at("kept-count").get_by_role("link").click()
    app.at("gallery").get_by_role("button").click()

    app.at("remove-kept").get_by_role("button").click()

    expect(app.page.get_by_text("You have kept no digit yet.")).to_be_visible()


def test_a_wrong_file_is_said_to_be_wrong_at_once(visit, server):
    app = visit(server).open(look="yours")
    app.button("Import").click()

    file = {"name": "x.npz", "mimeType": "application/zip", "buffer": b"hello"}
    app.page.locator("input[type=file]").set_input_files(file)

    expect(app.alert).to_contain_text("damaged or of another format")
