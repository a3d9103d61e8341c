"""Why this digit: what speaks for a drawing, below the answer."""

from playwright.sync_api import expect

SEVEN = [[(75, 60), (200, 60), (120, 240)]]
ONE = [[(140, 40), (140, 120), (139, 180), (138, 240)]]


def picture(app, key="saliency"):
    return app.at(key).locator("img")


def test_a_drawing_is_explained_and_the_explanation_follows_it(visit, server):
    app = visit(server).open(look="nearest")
    app.draw(*SEVEN)
    app.expect_digit("7")

    tiles = app.at("nearest-digits")
    expect(picture(app, "nearest-digits")).to_have_count(5)
    expect(tiles).to_contain_text("of 5 are labelled 7")
    expect(picture(app)).to_have_count(0)  # nobody has asked

    app.press("Look at", "Which ink counts")
    as_read = picture(app).get_attribute("src")
    app.press("Why, or why not …", "1")
    expect(picture(app)).not_to_have_attribute("src", as_read)
    occluded = picture(app).get_attribute("src")
    app.press("Method", "Integrated gradients")
    expect(picture(app)).not_to_have_attribute("src", occluded)
    expect(app.at("explanation")).to_contain_text("ink speaks for 1, and")
    app.expect_query(look="ink", digit="1", by="gradients")

    attributed = picture(app).get_attribute("src")
    app.at("clear").get_by_role("button").click()
    app.expect_digit("–")
    expect(app.at("explanation")).to_have_count(0)
    app.draw(*ONE)
    app.expect_digit("1")
    expect(picture(app)).not_to_have_attribute("src", attributed)


def test_training_digits_stand_side_by_side_on_a_phone(visit, server):
    app = visit(server, width=390, height=844).open(source="test", i=18, look="nearest")

    expect(picture(app, "nearest-digits")).to_have_count(5)
    boxes = [image.bounding_box() for image in picture(app, "nearest-digits").all()]
    assert len({box["y"] for box in boxes}) == 1


def test_a_link_shows_what_each_layer_of_a_test_digit_sees(visit, server):
    app = visit(server, width=390, height=844).open(source="test", i=18, look="layers")

    expect(picture(app, "feature-maps")).to_have_count(3)
    for image in picture(app, "feature-maps").all():
        box = image.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
