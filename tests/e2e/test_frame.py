"""What all pages share: their addresses, the navigation, narrow and dark screens."""

import json

import pytest
from playwright.sync_api import expect

from benchmarks import _server
from mnist_core import paths
from mnist_core.evaluation import percent
from ui.settings_form import GROUPS, WORDS

SHIPPED = json.loads((paths.shipped_run_dir() / "result.json").read_text())
ACCURACY = percent(SHIPPED["test_accuracy"], places=2)

PAGES = {
    "": "Draw a digit",
    "train": "Train",
    "evaluate": "Evaluate",
    "browse": "Browse",
}
TITLES = ["Draw", "Train", "Evaluate", "Browse"]
MAIN = {  # what a page is for
    "": ".st-key-clear button",
    "train": ".st-key-start-training button",
    "evaluate": ".st-key-confusion-matrix",
    "browse": ".st-key-gallery button >> nth=0",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_the_first_that_a_fresh_server_shows(visit, fresh_server, path):
    app = visit(fresh_server).open(path)

    expect(app.page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(app.page.locator(MAIN[path])).to_be_visible()
    links = app.page.get_by_test_id("stTopNavLink")
    expect(links).to_contain_text(TITLES)
    current = app.page.locator('[data-testid="stTopNavLink"][aria-current="page"]')
    expect(current).to_contain_text(TITLES[list(PAGES).index(path)])
    assert app.page.url.removeprefix(fresh_server.url).strip("/") == path


def test_the_navigation_goes_everywhere(visit, server):
    app = visit(server).open()

    for title in ("Train", "Evaluate", "Browse", "Draw"):
        app.go(title)


def test_the_benchmarks_know_each_page_when_they_see_it(visit, server):
    app = visit(server).open()

    for title in ("Train", "Evaluate", "Browse", "Draw"):
        _server.go_to(app.page, title)
    assert set(_server.LANDMARKS) == set(TITLES)


def test_an_address_that_is_no_page_leads_to_one(visit, server):
    app = visit(server)
    app.page.goto(f"{server.url}/nothing")

    expect(app.page.get_by_role("heading", level=1)).to_have_text("Draw a digit")
    app.forgive("The page that you have requested does not seem to exist.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_on_a_phone(visit, server, path, scheme):
    app = visit(server, width=390, height=844, color_scheme=scheme, is_mobile=True)
    app.open(path)

    expect(app.page.locator(MAIN[path])).to_be_visible()
    app.page.locator(MAIN[path]).scroll_into_view_if_needed()
    assert_no_sideways(app)
    background = app.page.get_by_test_id("stApp").evaluate(
        "it => getComputedStyle(it).backgroundColor"
    )
    brightness = sum(int(part) for part in background[4:-1].split(",")) / 3
    assert (brightness < 60) if scheme == "dark" else (brightness > 200)


def assert_no_sideways(app):
    width, inner, main = app.page.evaluate(
        """() => {
            const main = document.querySelector('[data-testid="stMain"]');
            return [document.scrollingElement.scrollWidth, innerWidth,
                    main.scrollWidth - main.clientWidth];
        }"""
    )
    assert width <= inner == 390
    assert main <= 0


def test_an_open_digit_and_an_open_form_fit_on_a_phone(visit, server):
    app = visit(server, width=390, height=844, is_mobile=True).open("browse", i=18)
    expect(app.at("opened-digit")).to_be_visible()
    assert_no_sideways(app)

    app = visit(server, width=390, height=844, is_mobile=True).open("train")
    app.page.get_by_text("Settings", exact=True).click()
    epochs = app.page.get_by_role("spinbutton", name="Epochs", exact=True)
    expect(epochs).to_be_visible()
    assert_no_sideways(app)


def test_settings_stand_on_a_phone_in_the_order_of_a_wide_window(visit, server):
    app = visit(server, width=390, height=844, is_mobile=True).open("train")
    app.page.get_by_text("Settings", exact=True).click()

    tops = []
    for name in GROUPS["Data"]:
        field = app.page.get_by_role("spinbutton", name=WORDS[name].label, exact=True)
        expect(field).to_be_visible()
        tops.append(field.bounding_box()["y"])
    assert len(tops) > 3
    assert tops == sorted(set(tops))


def test_a_run_that_is_gone_is_said_to_be_so(visit, server):
    app = visit(server).open("evaluate", run="20200101-000000-000")

    expect(app.alert).to_contain_text("There is no such run")
    expect(app.at("test-accuracy")).to_contain_text(ACCURACY)
