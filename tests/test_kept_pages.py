"""A visitor's own digits on the pages, without a browser."""

import base64
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from mnist_core import jobs, kept, paths, styles, teaching
from mnist_core.evaluation import percent
from mnist_core.files import write_json
from mnist_core.kept import KeptStore
from mnist_core.kept import folder as kept_folder
from mnist_core.runs import RunStore, write_state
from ui import label_panel

APP = paths.REPOSITORY / "streamlit_app.py"


@pytest.fixture(autouse=True)
def only_pages(monkeypatch):
    """No spare trainer, and no Keras to clear, which the real server never has."""
    monkeypatch.setattr(jobs, "prepare", lambda *what: None)
    monkeypatch.setattr(script_runner, "_clean_problem_modules", lambda: None)


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """What the page asks, the last question last; its own part needs a browser.

    In its place stand buttons that say what it would.
    """
    questions = []

    def part(data, on_said):
        def say(digit):
            said = {"question": data["question"], "digit": digit}
            st.session_state["ask"] = {"said": said}
            on_said()

        questions.append(data)
        says = {"yes": data["digit"], "undo-kept": None}
        for key, digit in (
            says | {f"is-{digit}": digit for digit in range(10)}
        ).items():
            st.button(key, key=key, on_click=say, args=(digit,))

    monkeypatch.setattr(label_panel, "_part", part)
    return questions


@pytest.fixture
def thirty():
    """The id of a set of thirty drawings."""
    set_id = kept.new_id()
    KeptStore().add(set_id, styles.written(30, seed=7))
    return set_id


def num_held_out(set_id):
    return int(kept.held_out(KeptStore().get(set_id).images).sum())


def open_page(name="draw", /, **query):
    app = AppTest.from_file(APP, default_timeout=60).run()
    for key, value in ({"look": "yours"} | query).items():
        app.query_params[key] = value
    return app.switch_page(f"pages/{name}.py").run()


def a_drawing(x=140):
    picture = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(picture).line([(150, 40), (x, 240)], "black", 20)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return ("digit.png", buffer.getvalue(), "image/png")


def upload(app, picture):
    app.file_uploader[0].set_value(picture).run()
    assert not app.exception
    return app


@pytest.fixture
def drawn():
    """The page Draw with a digit to be judged; no canvas without a browser."""
    return upload(open_page(source="upload"), a_drawing())


def tap(app, key):
    app.button(key=key).click().run()
    assert not app.exception
    return app


def my_set(app):
    found = app.query_params["mine"]
    return found[0] if isinstance(found, list) else found


def mine(app):
    return KeptStore().get(my_set(app))


def texts(app):
    kinds = ("markdown", "caption", "info", "warning", "error")
    return "\n".join(item.value for kind in kinds for item in getattr(app, kind))


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


# To be asked, and to say it


def test_nothing_is_kept_unless_it_is_said(drawn):
    assert "mine" not in drawn.query_params
    assert not paths.kept_dir().exists()


def test_before_a_drawing_and_of_a_test_digit_nothing_is_asked(mnist):
    for query in ({}, {"source": "test"}):
        app = open_page(**query)
        assert not any(button.key == "is-0" for button in app.button)


@pytest.mark.parametrize("key, label", [("yes", 1), ("is-1", 1), ("is-7", 7)])
def test_one_tap_keeps_a_drawing_with_its_digit(drawn, asked, key, label):
    assert asked[-1]["label"] is None

    tap(drawn, key)

    assert mine(drawn).labels.tolist() == [label]
    assert asked[-1]["label"] == label
    assert metrics(drawn)["Kept"] == "1"


def test_another_tap_changes_the_digit_and_keeps_nothing_twice(drawn):
    for key in ("is-7", "is-7", "is-1"):
        tap(drawn, key)

    assert mine(drawn).labels.tolist() == [1]


def test_undo_goes_back_to_what_was_kept_before(drawn, asked):
    tap(drawn, "is-7")
    tap(drawn, "is-1")
    tap(drawn, "is-1")

    tap(drawn, "undo-kept")
    assert mine(drawn).labels.tolist() == [7]

    tap(drawn, "undo-kept")
    assert len(mine(drawn)) == 0
    assert asked[-1]["label"] is None


def drawn_on(app, *strokes):
    """What a browser has sent by the next click: a canvas with these strokes."""
    picture = Image.new("RGBA", (280, 280), "white")
    for x in strokes:
        ImageDraw.Draw(picture).line([(150, 40), (x, 240)], "black", 20)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    objects = [{"path": [["M", 150, 40], ["L", x, 240]]} for x in strokes]
    raw, data = {"objects": objects}, f"data:image/png;base64,{encoded}"
    app.session_state["pad"] = {"drawing": {"raw": raw, "data": data}}
    return app


def test_what_is_said_of_a_drawing_is_not_taken_for_a_newer_one(asked):
    app = drawn_on(open_page(), 140).run()
    before = asked[-1]["question"]

    tap(drawn_on(app, 140, 100), "is-7")

    assert "The drawing has changed since" in app.error[0].value
    assert "mine" not in app.query_params
    assert asked[-1]["question"] != before
    assert mine(tap(app, "is-7")).labels.tolist() == [7]


@pytest.mark.parametrize("said", ["x", {}, {"question": "0-0", "digit": 1}])
def test_what_was_not_asked_is_not_kept(drawn, monkeypatch, said):
    def hear(question, image, _, real=label_panel._hear):
        real(question, image, said)

    monkeypatch.setattr(label_panel, "_hear", hear)
    drawn.run()

    tap(drawn, "is-1")

    assert "The drawing has changed since" in drawn.error[0].value
    assert "mine" not in drawn.query_params


@pytest.mark.parametrize("digit", [10, -1, 1.0, True, "1", [1]])
def test_what_is_no_digit_is_not_kept(drawn, monkeypatch, digit):
    def hear(question, image, said, real=label_panel._hear):
        real(question, image, said | {"digit": digit})

    monkeypatch.setattr(label_panel, "_hear", hear)
    drawn.run()

    tap(drawn, "is-1")

    assert "mine" not in drawn.query_params


def test_a_set_is_read_when_it_changes_and_not_with_every_stroke(drawn, monkeypatch):
    tap(drawn, "is-1")
    read = []
    get = KeptStore.get
    monkeypatch.setattr(
        KeptStore, "get", lambda store, it: read.append(it) or get(store, it)
    )
    drawn.query_params["look"] = "answer"

    drawn.run()
    drawn.run()

    assert not read


def test_two_drawings_are_a_set_of_two(drawn):
    tap(drawn, "is-1")
    tap(upload(drawn, a_drawing(100)), "is-7")

    assert mine(drawn).labels.tolist() == [1, 7]


def test_a_set_is_carried_to_every_page_and_found_by_its_address(mnist, drawn):
    tap(drawn, "is-1")
    address = my_set(drawn)

    for page in ("evaluate", "browse", "draw"):
        drawn.query_params.clear()  # as a link does
        drawn.switch_page(f"pages/{page}.py").run()
        assert my_set(drawn) == address
    assert metrics(open_page(mine=address))["Kept"] == "1"


@pytest.mark.parametrize("address", ["../../x", "a", "a" * 10_000, "\0"])
def test_a_wrong_address_is_said_to_be_wrong_and_forgotten(address):
    app = open_page(mine=address)

    assert not app.exception
    assert "The address names no set of drawings" in texts(app)
    assert "mine" not in app.query_params


def test_a_full_server_says_so(drawn, monkeypatch):
    monkeypatch.setattr(kept_folder, "MAX_SETS", 0)

    tap(drawn, "is-1")

    assert "This server keeps as much as it may" in drawn.error[0].value
    assert "mine" not in drawn.query_params


# To see them


def test_few_drawings_are_counted_and_many_have_a_share_with_its_interval(thirty):
    three = kept.new_id()
    KeptStore().add(three, styles.written(3, seed=7))

    assert metrics(open_page(mine=three))["On your digits"].endswith(" of 3")
    app = open_page(mine=thirty)
    assert metrics(app)["On your digits"].endswith(" %")
    result = RunStore().get(paths.SHIPPED_RUN_ID).result
    assert metrics(app)["On MNIST"] == percent(result.test_accuracy, places=2)
    assert "of 30; 95 % interval: " in texts(app)
    assert "bookmark it" in texts(app)


def test_evaluate_shows_them_beside_the_test_split_if_there_are_some(mnist, thirty):
    assert "On your digits" not in metrics(open_page("evaluate"))

    assert "On your digits" in metrics(open_page("evaluate", mine=thirty))


def test_browse_shows_them_as_it_shows_a_split(mnist, thirty):
    app = open_page("browse", mine=thirty, split="mine", true="0")

    zeros = int((KeptStore().get(thirty).labels == 0).sum())
    assert app.get_by_key("gallery-count").markdown[0].value == f"**{zeros}** found"
    app.selectbox(key="sort").set_value("loss").run()
    assert app.query_params["split"] in ("mine", ["mine"])
    assert my_set(app) == thirty


def test_browse_changes_between_the_splits(mnist, thirty):
    app = open_page("browse", mine=thirty, true="0")

    app.button_group(key="split").set_value("mine").run()
    assert app.get_by_key("gallery-count").markdown[0].value == "**30** found"
    app.button_group(key="split").set_value("test").run()

    assert app.get_by_key("gallery-count").markdown[0].value == "**10,000** found"
    assert "split" not in app.query_params


def test_browse_without_drawings_says_how_to_keep_one(mnist):
    app = open_page("browse", split="mine")

    assert not app.exception
    assert "You have kept no digit yet" in app.info[0].value


def test_one_drawing_can_be_removed(mnist, thirty):
    first = KeptStore().get(thirty).images[0]
    app = open_page("browse", mine=thirty, split="mine", i="0")

    tap(app, "remove-kept")

    left = KeptStore().get(thirty)
    assert len(left) == 29
    assert kept.fingerprint(first) not in kept.labels(left)


# Out and in, and away


def test_a_file_comes_in_once(mnist):
    app = open_page()

    data = kept.to_npz(styles.written(12, seed=1))
    app.file_uploader(key="import-kept").set_value(("mine.npz", data, None)).run()

    assert len(mine(app)) == 12
    KeptStore().delete(my_set(app))  # the uploader still holds the file
    app.run()
    assert "Kept" not in metrics(app)


def test_a_wrong_file_gets_a_sentence_and_makes_no_set():
    app = open_page()

    app.file_uploader(key="import-kept").set_value(("x.npz", b"hello", None)).run()

    assert "damaged or of another format" in app.error[0].value
    assert "mine" not in app.query_params


@pytest.mark.parametrize("is_damaged", [False, True])
def test_who_has_only_stars_is_offered_to_delete_them(mnist, is_damaged):
    set_id = kept.new_id()
    kept.StarStore().put(set_id, mnist.test.images[0], "a note")
    if is_damaged:
        (paths.kept_dir() / f"{set_id}.stars.json").write_bytes(b"{")

    app = open_page(mine=set_id)
    assert bool(app.warning) == is_damaged
    tap(app, "delete-kept")

    assert "your stars with their notes" in texts(app)
    assert app.button(key="confirm-delete-kept").label == "Delete them"


def test_browse_marks_the_digits_that_have_a_star(mnist):
    set_id = kept.new_id()
    for index in (3, 150):
        kept.StarStore().put(set_id, mnist.test.images[index], "")

    app = open_page("browse", mine=set_id, page="2")

    tiles = json.loads(app.get_by_key("digits").proto.json)["tiles"]
    starred = {tile["index"] for tile in tiles if tile["is_starred"]}
    assert starred == {150}
    labels = [tile["label"] for tile in tiles if tile["label"].endswith(", starred")]
    assert [label.split(":")[0] for label in labels] == ["Digit 150"]


def test_delete_asks_first(thirty):
    app = open_page(mine=thirty)

    tap(app, "delete-kept")
    assert len(KeptStore().get(thirty)) == 30
    assert "A run that was taught with drawings keeps a copy" in texts(app)
    assert app.button(key="confirm-delete-kept").label == "Delete them"


@pytest.mark.parametrize("page", ["draw", "evaluate"])
def test_a_damaged_set_hides_nothing_else_and_can_be_deleted(mnist, thirty, page):
    (paths.kept_dir() / f"{thirty}.npz").write_bytes(b"")

    app = open_page(page, mine=thirty)

    assert not app.exception
    if page == "draw":
        assert "their file on the server is damaged" in app.error[0].value
        assert not app.button(key="delete-kept").disabled


# To teach


def test_too_few_drawings_say_how_many_are_missing(drawn):
    tap(drawn, "is-1")

    assert drawn.button(key="teach").disabled
    assert "at least 5 drawings: keep 4 more" in texts(drawn)


@pytest.fixture
def started(monkeypatch):
    """What was started, without a process for it."""
    calls = []

    def start(store, config, name, drawings):
        run = store.create(config, name, drawings)
        calls.append(SimpleNamespace(run=run, config=config, drawings=drawings))
        return run

    monkeypatch.setattr(jobs, "start", start)
    return calls


def test_teach_starts_a_copy_and_shows_where_it_is(mnist, thirty, started):
    app = open_page(mine=thirty)
    num_held = num_held_out(thirty)
    assert 0 < num_held < 10
    assert f"It is taught with {30 - num_held} of them; {num_held}" in texts(app)

    tap(app, "teach")

    (call,) = started
    assert call.config == teaching.lesson(
        RunStore().get(paths.SHIPPED_RUN_ID), KeptStore().get(thirty)
    )
    assert len(call.drawings) == 30
    status = app.get_by_key("training-status").markdown[0].value
    assert status.startswith("**queued**")
    assert not any(button.key == "teach" for button in app.button)


def test_a_taught_copy_shows_before_and_after_and_can_be_chosen(mnist, thirty, started):
    app = tap(open_page(mine=thirty), "teach")
    run = started[0].run
    for file in paths.shipped_run_dir().iterdir():  # it has learned nothing
        if file.name not in ("run.json", "about.json", "state.json"):
            (run.folder / file.name).write_bytes(file.read_bytes())
    write_state(run, "done")
    app.run()

    gains = app.get_by_key("gains").markdown[0].value.splitlines()
    assert gains[2].startswith("| The drawings held out from teaching | ")
    assert f" of {num_held_out(thirty)} | **" in gains[2]
    accuracy = RunStore().get(paths.SHIPPED_RUN_ID).result.test_accuracy
    share = percent(accuracy, places=2)
    on_mnist = f"{round(10_000 * accuracy):,} of 10,000 ({share})"
    assert gains[4] == (f"| MNIST’s test digits | {on_mnist} | **{on_mnist}** |")
    tap(app, "use-taught")
    assert app.query_params["run"] in (run.id, [run.id])
    KeptStore().delete(thirty)  # the run has its own copy
    assert open_page(run=run.id).get_by_key("gains").markdown[0].value.splitlines() == (
        gains
    )


def test_a_copy_whose_origin_is_gone_says_so(mnist, thirty, started):
    app = tap(open_page(mine=thirty), "teach")
    run = started[0].run
    for file in paths.shipped_run_dir().iterdir():
        if file.name not in ("run.json", "about.json", "state.json"):
            (run.folder / file.name).write_bytes(file.read_bytes())
    record = {"version": 1, "created": run.created, "config": run.config.to_json()}
    record["config"]["start_from"] = "20200101-000000-000"
    write_json(run.folder / "run.json", record)
    write_state(run, "done")

    app.run()

    assert "Before and after cannot be compared: There is no run" in texts(app)


def test_start_from_is_a_choice_of_the_form(mnist):
    app = open_page("train")

    app.selectbox(key="set-fast-start_from").set_value("shipped").run()

    assert "“Shipped” is another network" in app.error[0].value
    app.selectbox(key="set-fast-architecture").set_value("deep").run()
    assert not app.error
    assert np.size(app.query_params["set"])
