"""The Draw page, drawn on with a real mouse, a finger and a keyboard."""

import io
import json
import math

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from mnist_core import paths
from mnist_core.evaluation import percent

SHIPPED = json.loads((paths.shipped_run_dir() / "result.json").read_text())
ACCURACY = percent(SHIPPED["test_accuracy"], places=2)


def arc(x, y, width, height, start, end):
    """Points of an ellipse; angles in degrees, clockwise from the right."""
    steps = np.linspace(math.radians(start), math.radians(end), 16)
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in steps]


SEVEN = [[(75, 60), (205, 60), (120, 235)]]
DIGITS = {
    "0": [arc(140, 140, 55, 90, -90, 270)],
    "1": [[(150, 40), (138, 240)]],
    "2": [[*arc(140, 95, 60, 50, -170, 40), (75, 225), (215, 225)]],
    "3": [[*arc(130, 90, 55, 45, -150, 90), *arc(130, 185, 62, 50, -90, 150)]],
    "4": [[(95, 40), (75, 150), (210, 150)], [(175, 60), (165, 245)]],
    "7": SEVEN,
}


@pytest.fixture
def app(visit, server):
    return visit(server).open()


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_drawn_with_the_mouse_is_read(app, digit):
    app.expect_digit("–")

    app.draw(*DIGITS[digit])

    app.expect_digit(digit)
    expect(app.at("probabilities").get_by_text("%")).to_have_count(10)
    expect(app.at("model-input").locator("img")).to_be_visible()


def test_the_answer_follows_the_pen_before_the_stroke_ends(app):
    box = app.canvas()
    (points,) = SEVEN
    app.page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    app.page.mouse.down()
    for x, y in points[1:]:
        app.page.mouse.move(box["x"] + x, box["y"] + y, steps=6)

    app.expect_digit("7")  # the button of the mouse is still down
    assert not app.at("undo").get_by_role("button").is_enabled()
    app.page.mouse.up()

    expect(app.at("undo").get_by_role("button")).to_be_enabled()
    app.expect_digit("7")


def test_several_digits_are_numbered_and_read_from_left_to_right(app):
    four = [[(35, 90), (25, 140), (80, 140)], [(65, 100), (60, 190)]]
    seven = [[(190, 90), (250, 90), (215, 190)]]
    app.draw(*seven, *four, arc(135, 140, 28, 50, -90, 270))

    app.expect_digit("4 0 7")

    expect(
        app.at("model-input").get_by_alt_text("The digits, numbered")
    ).to_be_visible()
    app.press("Look at", "What the model receives")
    app.press("Which digit", "3")
    expect(app.page.get_by_text("With every step: 7")).to_be_visible()


def test_an_eraser_takes_ink_away(app):
    app.draw(*SEVEN)
    app.expect_digit("7")
    app.button("Stroke").click()
    app.press("Tool", "Eraser")
    app.page.keyboard.press("Escape")
    app.rest()

    app.draw([(60, 62), (185, 62)])  # the bar that makes it no 1

    app.expect_digit("1")


def test_a_cleared_drawing_comes_back_with_a_click(app):
    app.draw(*SEVEN)
    app.expect_digit("7")
    app.at("clear").get_by_role("button").click()
    app.expect_digit("–")

    app.button("Drawing 1, read as 7").click()

    app.expect_digit("7")


def test_a_step_of_the_preparation_can_be_switched_off(app):
    app.draw([(30, 200), (80, 200), (50, 255)])  # a small 7 in a corner
    app.expect_digit("7")
    app.press("Look at", "What the model receives")
    expect(app.page.get_by_text("With every step: 7")).to_be_visible()

    app.page.get_by_text("Crop", exact=True).click()

    expect(app.page.get_by_text("Like this:")).to_be_visible()
    app.expect_digit("7")  # the answer itself stays


def test_an_answer_is_compared_with_the_one_after_more_ink(app):
    app.draw([(75, 60), (205, 60), (120, 235)])
    app.expect_digit("7")
    app.press("Look at", "What would change it")
    app.at("keep-answer").get_by_role("button").click()
    expect(app.page.get_by_text("Still 7: 7 from")).to_be_visible()
    app.at("clear").get_by_role("button").click()
    app.expect_digit("–")

    app.draw(*DIGITS["0"])

    expect(app.page.get_by_text("7 → 0: 7 from")).to_be_visible()


def test_the_answer_is_told_to_a_screen_reader(app):
    app.draw(*SEVEN)

    expect(app.page.get_by_role("status")).to_contain_text("Read as 7. Sure:")


LIFT = """
() => {
  let paper;
  const take = (event) => paper = event.composedPath()[0];
  addEventListener("pointerdown", take, { capture: true, once: true });
  new PerformanceObserver((list, self) => {
    if (!list.getEntriesByName("live-ink").length) return;
    self.disconnect();
    for (const [type, buttons] of [["pointermove", 1], ["pointerup", 0]]) {
      const settings = { bubbles: true, composed: true, buttons };
      paper.dispatchEvent(new PointerEvent(type, settings));
    }
    window.upAt = performance.now();
  }).observe({ entryTypes: ["mark"] });
}
"""


def test_nothing_is_sent_live_after_the_pen_is_up(app):
    """It would be taken for what is drawn by then: nothing, after Clear."""
    box = app.canvas()
    app.page.evaluate(LIFT)  # as soon as something is sent, so before it is answered
    app.page.mouse.move(box["x"] + 60, box["y"] + 60)
    app.page.mouse.down()
    app.page.mouse.move(box["x"] + 200, box["y"] + 60, steps=20)

    app.page.wait_for_function("window.upAt")
    app.page.mouse.up()
    expect(app.digit).not_to_have_text("–")
    app.rest()
    app.page.wait_for_timeout(500)

    looks = "performance.getEntriesByName('live-ink').map((it) => it.startTime - upAt)"
    assert max(app.page.evaluate(looks)) < 0


def test_clear_and_undo(app):
    app.draw(*SEVEN)
    app.expect_digit("7")

    app.at("clear").get_by_role("button").click()
    app.expect_digit("–")
    app.at("undo").get_by_role("button").click()
    app.expect_digit("7")
    app.at("undo").get_by_role("button").click()
    app.expect_digit("–")

    expect(app.at("undo").get_by_role("button")).to_be_disabled()


def test_after_clear_another_digit_can_be_drawn(app):
    app.draw(*SEVEN)
    app.expect_digit("7")
    app.at("clear").get_by_role("button").click()
    app.expect_digit("–")

    app.draw(*DIGITS["0"])

    app.expect_digit("0")


def test_undo_takes_back_one_stroke(app):
    app.draw(*DIGITS["1"])
    app.expect_digit("1")
    app.draw([(60, 140), (225, 130)])
    expect(app.digit).not_to_have_text("1")
    app.draw([(60, 180), (225, 190)])
    app.rest()

    app.at("undo").get_by_role("button").click()
    app.rest()
    expect(app.digit).not_to_have_text("1")
    app.at("undo").get_by_role("button").click()

    app.expect_digit("1")


def test_the_delete_key_clears(app):
    app.draw(*SEVEN)
    app.expect_digit("7")

    app.page.keyboard.press("Delete")

    app.expect_digit("–")


def test_the_canvas_s_own_reset_can_be_undone(app):
    app.draw(*SEVEN)
    app.expect_digit("7")

    app.page.locator("canvas.upper-canvas").hover()
    app.button("Reset canvas & history").click()
    app.expect_digit("–")
    app.at("undo").get_by_role("button").click()

    app.expect_digit("7")


def test_the_canvas_s_own_toolbar_covers_none_of_the_page_s_buttons(app):
    app.draw(*SEVEN)
    own = app.page.get_by_role("button", name="Update the app with this drawing")
    expect(own).to_be_visible()
    toolbar = own.locator("xpath=..").bounding_box()

    above = app.page.get_by_text("Test digit", exact=True).bounding_box()

    assert above["y"] + above["height"] <= toolbar["y"]


def test_what_is_moved_with_the_canvas_s_own_tool_is_read_again(app):
    app.draw(*DIGITS["4"])
    app.expect_digit("4")
    seen = app.seen

    app.page.locator("canvas.upper-canvas").hover()
    app.button("Edit").click()
    app.draw([(170, 150), (60, 80)])

    app.expect_other(seen)


def test_the_drawing_is_there_after_another_page(app):
    app.draw(*SEVEN)
    app.expect_digit("7")

    app.go("Browse").go("Draw")

    app.expect_digit("7")
    seen = app.seen
    app.draw([(80, 140), (200, 140)])  # the first stroke is on the canvas, too
    app.expect_other(seen)
    app.rest()  # the whole stroke has come, not only what was seen of it on its way
    app.expect_digit("7")
    seen = app.seen
    app.at("undo").get_by_role("button").click()
    app.expect_other(seen)  # the answer to this Undo, not the one before
    app.expect_digit("7")
    app.at("undo").get_by_role("button").click()
    app.expect_digit("–")


def test_quick_undos_leave_a_canvas_to_draw_on(app):
    app.draw(*(arc(140, 140, 20 * size, 20 * size, 0, 180) for size in range(1, 6)))
    app.rest()

    while app.at("undo").get_by_role("button").is_enabled():
        app.page.keyboard.press("Control+z")
    app.expect_digit("–")
    app.rest()

    assert app.ink == 0
    app.draw(*SEVEN)
    app.expect_digit("7")
    app.rest()
    assert app.ink > 0


def test_the_stroke_width_does_not_lose_the_drawing(app):
    app.draw(*SEVEN)
    app.expect_digit("7")

    app.button("Stroke").click()
    slider = app.page.get_by_role("slider")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "21 px")
    app.page.keyboard.press("Escape")
    app.rest()
    app.expect_digit("7")
    seen = app.seen
    app.draw(*DIGITS["1"])
    app.expect_other(seen)
    app.at("undo").get_by_role("button").click()

    app.expect_digit("7")


def test_a_finger_draws_and_does_not_scroll(visit, server):
    phone = {"width": 390, "height": 600, "has_touch": True, "is_mobile": True}
    app = visit(server, **phone).open()
    box = app.canvas()
    before = app.scrolled

    app.touch((140, 40), (140, 120), (139, 180), (138, 240), x=box["x"], y=box["y"])

    app.expect_digit("1")
    assert app.scrolled == before
    app.touch((330, 500), (330, 400), (330, 250), (330, 150))  # beside it, one scrolls
    app.page.wait_for_function(
        "before => document.querySelector('[data-testid=stMain]').scrollTop > before",
        arg=before,
    )


def test_a_tap_on_the_invisible_toolbar_can_be_undone(visit, server):
    app = visit(server, width=390, height=844, has_touch=True, is_mobile=True).open()
    box = app.canvas()
    app.touch((140, 40), (140, 120), (139, 180), (138, 240), x=box["x"], y=box["y"])
    app.expect_digit("1")

    app.page.touchscreen.tap(box["x"] + 265, box["y"] + 15)
    app.expect_digit("–")  # it was the canvas's bin
    app.at("undo").get_by_role("button").click()

    app.expect_digit("1")


def test_the_choice_of_model_is_in_the_address_and_kept(app, second):
    app.choose("Model", f"Second · {ACCURACY}")

    app.expect_query(run=second.id)
    for title in ("Evaluate", "Browse", "Draw"):
        app.go(title)
        app.expect_query(run=second.id)
        expect(app.page.get_by_role("combobox", name="Model")).to_have_value(
            f"Second · {ACCURACY}"
        )


def picture_of(image):
    paper = np.full((280, 280), 255, np.uint8)
    paper[56:224, 56:224] -= np.kron(image, np.ones((6, 6), np.uint8))
    buffer = io.BytesIO()
    Image.fromarray(paper).save(buffer, "PNG")
    return buffer.getvalue()


def upload(app, name, content):
    file = {"name": name, "mimeType": "image/png", "buffer": content}
    app.page.locator("input[type=file]").set_input_files(file)


def test_an_uploaded_picture_is_read(app, mnist):
    app.press("Where the digit comes from", "Upload")
    app.expect_query(source="upload")

    upload(app, "digit.png", picture_of(mnist.test.images[18]))

    app.expect_digit("3")


def test_a_broken_upload_gets_a_sentence_and_a_whole_one_follows(app, mnist):
    app.press("Where the digit comes from", "Upload")

    upload(app, "digit.png", b"no picture")
    expect(app.alert).to_contain_text("The picture cannot be read.")
    upload(app, "digit.png", picture_of(mnist.test.images[0]))

    app.expect_digit("7")
    expect(app.alert).to_have_count(0)


def test_a_test_digit_and_another(app, mnist):
    app.press("Where the digit comes from", "Test digit")
    app.expect_query(source="test")
    app.expect_digit("7")

    app.button("Another").click()

    app.page.wait_for_url(lambda url: "i=" in url, wait_until="commit")
    index = int(app.query["i"])
    label = mnist.test.labels[index]
    caption = f"Test digit {index}, labelled {label}."
    expect(app.page.get_by_text(caption, exact=True)).to_be_visible()


def test_a_link_to_a_test_digit_shows_it(visit, server, second):
    app = visit(server).open(source="test", i=18, run=second.id)

    app.expect_digit("3")


def test_the_server_has_not_loaded_tensorflow(visit, fresh_server):
    maps = f"/proc/{fresh_server.pid}/maps"
    if not paths.Path(maps).exists():
        pytest.skip("only Linux tells which libraries a process has loaded")
    app = visit(fresh_server).open()
    app.draw(*SEVEN)
    app.expect_digit("7")
    app.press("Look at", "What each layer sees")
    expect(app.at("feature-maps").locator("img")).not_to_have_count(0)
    app.go("Train").go("Evaluate").go("Browse")

    loaded = paths.Path(maps).read_text()

    assert "ai_edge_litert" in loaded
    assert "/tensorflow/" not in loaded
