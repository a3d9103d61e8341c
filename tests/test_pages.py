"""Every page in every state, without a browser.

What AppTest cannot do is done in `tests/e2e`: the canvas and the gallery are
JavaScript, fragments and dialogs only live in a browser.
"""

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import asdict, replace
from urllib.parse import parse_qsl

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Radio, Selectbox

from mnist_core import charts as mnist_charts
from mnist_core import data, estimates, jobs, paths, runs
from mnist_core.architectures import cost
from mnist_core.calibration import Calibration
from mnist_core.config import TrainConfig, bounds
from mnist_core.errors import DatasetError
from mnist_core.evaluation import Evaluation, percent
from mnist_core.files import append_json_line, read_json, write_json
from mnist_core.history import EpochMetrics
from mnist_core.neighbours import MAX_REFERENCE
from mnist_core.network import Network
from mnist_core.predictor import Predictor
from mnist_core.recipes import DEFAULT, RECIPES
from mnist_core.runs import EPOCHS_FILE, MAX_WAITING, RunStore
from mnist_core.selection import Selection
from mnist_core.timeline import Timeline
from ui import resources, settings_form, sketches, training_panel
from ui.settings_form import WORDS

APP = paths.REPOSITORY / "streamlit_app.py"
PAGES = ("draw", "train", "evaluate", "browse", "compare")
MAX_PAGE_LINES = 120
PAGE_SIZE = 100  # digits on a page of the gallery
CONFIG = TrainConfig(
    architecture="softmax", epochs=2, num_train=500, num_validation=500
)
NOT_IN_FORM = {"num_kept"}  # drawings are taught where they are kept
STROKE = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 240]]}
EPOCH = {
    "kind": "epoch",
    "epoch": 1,
    "loss": 0.5,
    "accuracy": 0.8,
    "val_loss": 0.4,
    "val_accuracy": 0.9125,
    "seconds": 1.0,
}
BATCHES = {
    "kind": "batches",
    "epoch": 2,
    "step": 6,
    "num_steps": 8,
    "loss": 0.432,
    "accuracy": 0.875,
    "images_per_second": 1234.0,
    "seconds_left": 3.0,
}
# Runs every page and says which modules were loaded by it. argv: the router, a PNG.
SHIPPED = json.loads((paths.shipped_run_dir() / "result.json").read_text())
ACCURACY = percent(SHIPPED["test_accuracy"], places=2)
FRESH = """\
import pkgutil, sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

import ui

for module in pkgutil.walk_packages(ui.__path__, "ui."):
    __import__(module.name)
png = Path(sys.argv[2]).read_bytes()
app = AppTest.from_file(sys.argv[1], default_timeout=120).run()
for page in sorted(Path(sys.argv[1]).parent.glob("pages/*.py")):
    app.switch_page(f"pages/{page.name}").run()
    assert not app.exception, page
    print(app.title[0].value)
app.query_params["source"] = "upload"
app.query_params["look"] = "layers"
app.switch_page("pages/draw.py").run()
app.file_uploader[0].set_value(("digit.png", png, "image/png")).run()
assert not app.exception
print(app.html[0].value)
print(sorted({"keras", "tensorflow"} & set(sys.modules)))
"""


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    """For what a page had a spare process get ready; it gets none."""
    asked = []
    monkeypatch.setattr(jobs, "prepare", lambda *what: asked.append(what))
    return asked


@pytest.fixture(autouse=True)
def no_keras_to_clear(monkeypatch):
    """Streamlit clears Keras after each script run, if another test has imported it.

    That takes longer than the page does, and the real server never has Keras.
    """
    monkeypatch.setattr(script_runner, "_clean_problem_modules", lambda: None)


@pytest.fixture
def store():
    """The runs that the pages see: an empty folder, and the shipped run."""
    return RunStore()


@pytest.fixture
def not_shipped(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "shipped_run_dir", lambda: tmp_path / "nothing")


@pytest.fixture(params=["named", "nowhere"])
def no_mnist(request, monkeypatch, tmp_path):
    """MNIST_DATASET names nothing, or is not set and both caches are empty."""
    monkeypatch.delenv("MNIST_DATASET", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "named":
        monkeypatch.setenv("MNIST_DATASET", str(tmp_path / "mnist.npz"))
    st.cache_resource.clear()
    yield request.param
    st.cache_resource.clear()


@pytest.fixture
def evaluation(mnist, store):
    shipped = store.get(paths.SHIPPED_RUN_ID)
    return Evaluation(mnist.test.labels, shipped.probabilities("test"))


@pytest.fixture
def held():
    """Locks that are held until the test ends, as living trainers hold them."""
    with ExitStack() as locks:
        yield lambda run: locks.enter_context(runs.trainer_lock(run))


def open_page(name, /, **query):
    """A page by its address, as if nothing had been visited before."""
    app = AppTest.from_file(APP, default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page(f"pages/{name}.py").run()


def finished(store, name):
    """A run as good as the shipped one, because it is a copy."""
    run = store.create(CONFIG, name)
    shutil.copytree(paths.shipped_run_dir(), run.folder, dirs_exist_ok=True)
    write_json(run.folder / "about.json", {"name": name, "note": f"Note of {name}"})
    return store.get(run.id)


def replace_predictions(run, probabilities):
    """Have a run say something else of the test split."""
    stored = {name: run.probabilities(name) for name in ("test", "validation")}
    file = run.folder / "predictions.npz"
    np.savez(file, **(stored | {"test": probabilities}))
    result = read_json(run.folder / "result.json")
    result["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(run.folder / "result.json", result)


def ended(store, state, reason=""):
    run = store.create(CONFIG, state.capitalize())
    runs.write_state(run, state, reason)
    return store.get(run.id)


def broken(store, name="20200101-000000-000"):
    folder = store.root / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    return folder


def texts(app):
    """All sentences on the page."""
    kinds = ("markdown", "caption", "text", "info", "warning", "error", "success")
    return [item.value for kind in kinds for item in getattr(app, kind)]


def assert_text(app, part):
    assert not app.exception
    assert any(part in text for text in texts(app)), texts(app)


def text_of(app, key):
    return app.get_by_key(key).markdown[0].value


def links(app):
    return {
        (link.proto.page or "draw", link.proto.query_string)
        for link in app.get("page_link")
    }


def charts(app):
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def table(app):
    """The table of runs, by name."""
    return app.dataframe[0].value.set_index("Name")


def pick_row(app, row):
    app.session_state[app.dataframe[0].key] = {
        "selection": {"rows": [row], "columns": [], "cells": []}
    }
    return app.run()


def drawing(picture):
    """What the canvas sends for one stroke and these bytes."""
    encoded = base64.b64encode(picture).decode()
    return sent(data=f"data:image/png;base64,{encoded}")


def sent(raw=None, data=None):
    raw = {"objects": [STROKE]} if raw is None else raw
    return {"drawing": {"raw": raw, "data": data}}


def draw(app, state):
    app.session_state["pad"] = state
    return app.run()


def digit_shown(app):
    html = app.get_by_key("predicted-digit").get("html")[0].value
    return html[html.index(">") + 1 : html.rindex("<")]


def encoded(picture, kind="PNG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def one():
    """A canvas with a 1 on it."""
    picture = Image.new("RGBA", (280, 280), "white")
    ImageDraw.Draw(picture).line([(150, 40), (135, 240)], "black", 20)
    return encoded(picture)


def picture_of(image):
    """A `(28, 28)` uint8 image on white paper, large, with some room around it."""
    paper = np.pad(255 - np.kron(image, np.ones((6, 6), np.uint8)), 30, "constant")
    paper[paper == 0] = 255 if paper[0, 0] else 0
    paper[:30] = paper[-30:] = paper[:, :30] = paper[:, -30:] = 255
    return encoded(Image.fromarray(paper))


# The frame


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_a_thin_script(page):
    lines = (paths.REPOSITORY / "pages" / f"{page}.py").read_text().splitlines()

    assert 20 < len(lines) <= MAX_PAGE_LINES


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux has it")
def test_a_page_outside_of_a_server_leaves_the_process_its_cores():
    cores = os.sched_getaffinity(0)

    open_page("draw")

    assert os.sched_getaffinity(0) == cores


def test_no_page_is_left_out_of_these_tests():
    assert {page.stem for page in APP.parent.glob("pages/*.py")} == set(PAGES)


def test_no_page_loads_tensorflow(mnist, tmp_path):
    picture = tmp_path / "digit.png"
    picture.write_bytes(picture_of(mnist.test.images[0]))

    finished = subprocess.run(
        [sys.executable, "-c", FRESH, str(APP), str(picture)],
        cwd=paths.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    *titles, digit, loaded = finished.stdout.splitlines()
    assert titles == ["Browse", "Compare", "Draw a digit", "Evaluate", "Train"]
    assert digit.endswith(">7</div>")  # so a model has been at work
    assert loaded == "[]"


# Every page in every state of the runs


@pytest.mark.parametrize("page", ["draw", "evaluate", "browse"])
def test_without_any_run_a_page_points_to_train(mnist, not_shipped, page):
    app = open_page(page)

    assert_text(app, "There is no trained model yet.")
    assert links(app) == {("train", "")}
    assert not app.selectbox


def test_without_any_run_one_can_train(mnist, not_shipped):
    app = open_page("train")

    assert not app.exception
    assert table(app).empty
    assert not app.button(key="start-training").disabled


@pytest.mark.parametrize("page", PAGES)
def test_with_the_shipped_run_a_page_shows_it(mnist, page):
    app = open_page(page)

    assert not (app.exception or app.error or app.warning)
    if page == "train":
        assert list(table(app).index) == ["Shipped"]
    else:
        assert app.selectbox(key="run-picker").options == [f"Shipped · {ACCURACY}"]


@pytest.mark.parametrize("page", ["draw", "evaluate", "browse"])
def test_with_many_runs_a_page_offers_those_with_a_model(mnist, store, page):
    first, second = finished(store, "First"), finished(store, "Second")
    ended(store, "failed")

    app = open_page(page)
    app.selectbox(key="run-picker").set_value(first.id).run()

    assert not (app.exception or app.error or app.warning)
    assert app.selectbox(key="run-picker").options == [
        f"Second · {ACCURACY}",
        f"First · {ACCURACY}",
        f"Shipped · {ACCURACY}",
    ]
    assert app.query_params["run"] == first.id != second.id
    assert app.selectbox(key="run-picker").value == first.id


def test_the_chosen_run_is_kept_on_every_page(mnist, store):
    run = finished(store, "Mine")
    app = open_page("draw")
    app.selectbox(key="run-picker").set_value(run.id).run()

    for page in ("evaluate", "browse", "draw"):
        app.query_params.clear()  # as the links of the navigation bar do
        app.switch_page(f"pages/{page}.py").run()

        assert app.selectbox(key="run-picker").value == run.id
        assert app.query_params["run"] == run.id


def test_the_table_lists_every_run_with_its_figures(mnist, store, held):
    finished(store, "Mine")
    for state in ("failed", "stopped", "interrupted"):
        ended(store, state)
    held(store.create(CONFIG, "Waiting"))

    rows = table(open_page("train"))

    assert rows["State"].to_dict() == {
        "Waiting": "queued",
        "Interrupted": "interrupted",
        "Stopped": "stopped",
        "Failed": "failed",
        "Mine": "done",
        "Shipped": "done",
    }
    assert rows.loc["Mine", "Test accuracy"] == SHIPPED["test_accuracy"]
    assert np.isnan(rows.loc["Failed", "Test accuracy"])
    assert rows.loc["Mine", "Note"] == "Note of Mine"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["20200101-000000-000", "run", "run]*`:red[x]"])
def test_an_unreadable_run_hides_nothing(mnist, store, page, name):
    finished(store, "Mine")
    broken(store, name)

    app = open_page(page)

    assert not app.exception
    if page == "train":
        assert list(table(app).index) == ["Mine", "Shipped"]
        assert_text(app, "A run cannot be read")
        assert any(text.value.startswith(f"{name}: ") for text in app.text)
        pick_row(app, 0)
        assert not app.exception
    else:
        assert len(app.selectbox(key="run-picker").options) == 2


@pytest.mark.parametrize("page", ["draw", "evaluate", "browse"])
@pytest.mark.parametrize("wanted", ["nothing", "../../etc/passwd", "%00", "x" * 5000])
def test_an_unknown_run_is_said_to_be_so_and_the_shipped_one_is_shown(
    mnist, page, wanted
):
    app = open_page(page, run=wanted)

    assert not (app.exception or app.error)
    assert app.warning[0].value.startswith("There is no such run")
    assert app.selectbox(key="run-picker").value == paths.SHIPPED_RUN_ID


@pytest.mark.parametrize("page", ["draw", "evaluate", "browse"])
def test_a_run_without_a_model_is_said_to_be_so_and_the_shipped_one_is_shown(
    mnist, store, page
):
    run = ended(store, "failed")

    app = open_page(page, run=run.id)

    assert not (app.exception or app.error)
    assert app.warning[0].value.startswith("“Failed” is failed.")
    assert app.selectbox(key="run-picker").value == paths.SHIPPED_RUN_ID


@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("draw", "twin.tflite"),
        ("draw", "novelty.npz"),
        ("evaluate", "predictions.npz"),
        ("browse", "predictions.npz"),
    ],
)
def test_a_damaged_run_is_said_to_be_so_and_another_can_be_chosen(
    mnist, store, page, file
):
    run = finished(store, "Mine")
    write_json(  # as nothing is cached for yet
        run.folder / "result.json",
        {**read_json(run.folder / "result.json"), "seconds": 12.5},
    )
    (run.folder / file).write_bytes(b"no longer what it was")

    app = open_page(page, run=run.id, source="draw")

    assert not app.exception
    assert app.error[0].value.startswith(f"{file} of “Mine” is damaged")
    app.selectbox(key="run-picker").set_value(paths.SHIPPED_RUN_ID).run()
    assert not (app.exception or app.error)


@pytest.mark.parametrize("page", PAGES)
def test_a_run_in_a_folder_that_is_a_file_hides_nothing(mnist, store, page):
    store.root.parent.mkdir(exist_ok=True)
    store.root.write_text("not a folder")

    app = open_page(page)

    assert not (app.exception or app.error)


# Without MNIST


def test_without_mnist_draw_still_reads_a_drawing(no_mnist):
    app = draw(open_page("draw"), drawing(one()))

    assert not (app.exception or app.error)
    assert digit_shown(app) == "1"


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("train", {}),
        ("evaluate", {}),
        ("browse", {"i": "3"}),
        ("draw", {"source": "test"}),
    ],
)
def test_without_mnist_the_other_pages_say_what_is_missing(no_mnist, page, query):
    app = open_page(page, **query)

    assert not (app.exception or app.error)
    sentence = app.info[0].value
    if no_mnist == "named":
        assert sentence.startswith("MNIST_DATASET cannot be used:")
        assert "mnist.npz does not exist." in sentence
    else:
        assert sentence.startswith("MNIST is not on this machine.")
        assert "python -m mnist_core data" in sentence
    assert not app.button(key="get-mnist").disabled


@pytest.mark.parametrize("no_mnist", ["named"], indirect=True)
def test_mnist_that_cannot_be_got_is_said_to_be_so(no_mnist):
    app = open_page("evaluate")

    app.button(key="get-mnist").click().run()

    assert not app.exception
    assert app.status[0].label == "MNIST could not be fetched"
    assert app.status[0].state == "error"
    assert "does not exist" in app.status[0].text[-1].value


@pytest.mark.parametrize("no_mnist", ["named"], indirect=True)
def test_mnist_can_be_got_from_the_page(mnist_file, no_mnist, tmp_path):
    app = open_page("evaluate")
    (tmp_path / "mnist.npz").symlink_to(mnist_file)

    app.button(key="get-mnist").click().run()

    assert not (app.exception or app.error or app.info)
    assert app.metric[0].value == ACCURACY


@pytest.fixture
def mnist_file(mnist):
    try:
        return data.find_mnist().path
    except DatasetError as error:
        pytest.skip(str(error))


# Draw


def test_before_anything_is_drawn_no_digit_is_shown():
    app = open_page("draw")

    assert digit_shown(app) == "–"
    assert_text(app, "Draw a digit: the answer follows your pen.")
    assert app.button(key="undo").disabled


def test_a_drawing_is_read():
    app = draw(open_page("draw"), drawing(one()))

    assert not (app.exception or app.error)
    assert digit_shown(app) == "1"
    bars = app.get_by_key("probabilities").get("html")[0].value
    assert bars.count("%</span>") == 10
    assert '<div class="best"><span>1</span>' in bars
    assert_text(app, "Sure: ")


def test_a_drawing_can_be_cleared_and_undone():
    app = draw(open_page("draw"), drawing(one()))

    app.button(key="clear").click().run()
    assert digit_shown(app) == "–"
    app.button(key="undo").click().run()
    assert digit_shown(app) == "1"
    app.button(key="undo").click().run()

    assert digit_shown(app) == "–"
    assert app.button(key="undo").disabled


def live_ink(app, picture, *, turn):
    """What the page's listener sends while a pen moves."""
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    app.session_state["live-ink"] = {"ink": {"png": address, "turn": turn, "number": 1}}
    return app.run()


def test_ink_that_the_canvas_has_not_sent_yet_is_read():
    app = live_ink(open_page("draw"), one(), turn=0)

    assert not (app.exception or app.error)
    assert digit_shown(app) == "1"


def test_ink_from_before_the_canvas_s_last_drawing_is_passed_over():
    app = draw(open_page("draw"), drawing(one()))
    app.button(key="clear").click().run()

    for turn in (0, 1):
        assert digit_shown(live_ink(app, one(), turn=turn)) == "–"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        7,
        "x",
        [],
        {},
        {"turn": 0},
        {"turn": 0, "png": 7, "number": []},
        {"turn": 0, "png": "x", "number": 1},
        {"turn": 0, "png": "data:image/png;base64,%%%", "number": 1},
        {"turn": 0, "png": "data:image/png;base64,é", "number": 1},
        {"turn": 0, "png": "data:image/png;base64," + "A" * 9_000_000, "number": 1},
        {"turn": [0], "png": {}, "number": {"a": 1}},
    ],
)
def test_live_ink_that_is_none_is_no_exception(sent):
    app = open_page("draw")
    app.session_state["live-ink"] = {"ink": sent}
    app.run()

    assert not (app.exception or app.error)
    assert digit_shown(app) == "–"


def test_live_ink_of_another_size_than_the_canvas_s_is_passed_over():
    large = encoded(Image.new("RGBA", (1000, 1000), "black"))

    app = live_ink(open_page("draw"), large, turn=0)

    assert not (app.exception or app.error)
    assert digit_shown(app) == "–"


def test_a_cleared_drawing_is_among_the_earlier_ones():
    app = draw(open_page("draw"), drawing(one()))
    assert not any("of this visit" in text for text in texts(app))

    app.button(key="clear").click().run()

    assert_text(app, "Your drawings of this visit; one click brings one back.")


def test_earlier_drawings_are_read_once_and_not_with_every_stroke(monkeypatch):
    app = draw(open_page("draw"), drawing(one()))
    app.button(key="clear").click().run()
    read = []
    predict = Predictor.predict
    monkeypatch.setattr(
        Predictor,
        "predict",
        lambda it, images: read.append(len(images)) or predict(it, images),
    )

    app.run()

    assert sum(read) == 0


def test_what_a_visit_keeps_of_its_drawings_has_an_end():
    app = open_page("draw")
    heavy = one() + b"\0" * 200_000  # as a hostile client sends it
    for number in range(20):
        stroke = {"path": [["M", number, 0], ["L", 140, 240]], "more": "x" * 400_000}
        state = drawing(heavy)
        state["drawing"]["raw"] = {"objects": [stroke]}
        app.session_state["pad"] = state
        app = app.button(key="clear").click().run()
    assert not app.exception

    states = app.session_state["sketches"]
    kept = [*states, *(item.sketch for item in app.session_state["earlier-sketches"])]
    assert sum(sketch.num_bytes for sketch in kept) <= sketches.MAX_BYTES
    assert digit_shown(app) == "–"


def test_a_blank_drawing_is_no_digit():
    blank = encoded(Image.new("RGBA", (280, 280), "white"))

    app = draw(open_page("draw"), drawing(blank))

    assert not (app.exception or app.error)
    assert digit_shown(app) == "–"


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 280 280\n%%EOF\n"
WRONG_PICTURES = {
    "text": b"no picture",
    "nothing": b"",
    "cut": one()[:200],
    "eps": EPS,
    "gif": encoded(Image.new("L", (280, 280)), "GIF"),
    "jpeg": encoded(Image.new("L", (280, 280)), "JPEG"),
    "large": encoded(Image.new("L", (5000, 5000), 255)),
    "tiny": encoded(Image.new("L", (1, 1))),
    "heavy": one() + b"\0" * 300_000,
}


@pytest.mark.parametrize("name", WRONG_PICTURES)
def test_a_drawing_that_is_no_picture_gets_a_sentence(name):
    app = draw(open_page("draw"), drawing(WRONG_PICTURES[name]))

    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("The drawing ")
    assert app.error[0].value.endswith(".")


def test_after_a_wrong_drawing_one_can_draw_on():
    app = draw(open_page("draw"), drawing(b"no picture"))

    app.button(key="clear").click().run()

    assert not (app.exception or app.error)
    assert digit_shown(app) == "–"


PNG_TEXT = base64.b64encode(one()).decode()
WRONG_STATES = {
    "data is a number": sent(data=7),
    "data is a list": sent(data=["x"]),
    "data is no address": sent(data="hello"),
    "data is not base64": sent(data="data:image/png;base64,%%%"),
    "data is not ASCII": sent(data="data:image/png;base64,é"),
    "objects is a number": sent(raw={"objects": 7}),
    "objects are numbers": sent(raw={"objects": [1, None, "x", [2]]}),
    "path is nonsense": sent(raw={"objects": [{"path": {"a": [1e308, "x"]}}]}),
    "raw is a list": sent(raw=[1]),
    "raw is text": sent(raw="x"),
    "no raw": {"drawing": {}},
    "a drawing of lists": {"drawing": [1]},
    "a drawing of text": {"drawing": "x"},
    "a fit of nothing": {"drawing": None, "backgroundFit": {}},
    "a fit of text": {"drawing": None, "backgroundFit": "x"},
    "nothing": {},
}


@pytest.mark.parametrize("name", WRONG_STATES)
def test_a_malformed_drawing_is_no_exception(name):
    app = draw(open_page("draw"), WRONG_STATES[name])

    assert not app.exception
    if not app.error:
        assert digit_shown(app) == "–"


def test_a_deep_or_long_drawing_is_no_exception():
    deep = current = []
    for _ in range(200):
        current.append([])
        current = current[0]
    many = [{"path": deep}] + [STROKE] * 20_000

    app = draw(open_page("draw"), sent(raw={"objects": many}))

    assert not app.exception


@pytest.mark.parametrize("index", range(10))
def test_an_uploaded_picture_is_read(mnist, index):
    app = open_page("draw", source="upload")
    assert_text(app, "Upload a picture of one or more digits.")

    picture = picture_of(mnist.test.images[index])
    app.file_uploader[0].set_value(("digit.png", picture, "image/png")).run()

    assert not (app.exception or app.error)
    assert digit_shown(app) == str(mnist.test.labels[index])


@pytest.mark.parametrize("name", ["text", "nothing", "cut", "eps", "gif", "large"])
def test_a_wrong_upload_gets_a_sentence(name):
    app = open_page("draw", source="upload")

    file = ("digit.png", WRONG_PICTURES[name], "image/png")
    app.file_uploader[0].set_value(file).run()

    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("The picture ")


def test_a_test_digit_is_read_and_another_one_after_it(mnist):
    app = open_page("draw", source="test", i="18")
    assert_text(app, "Test digit 18, labelled 3.")
    assert digit_shown(app) == "3"

    app.button[0].click().run()

    index = int(app.query_params["i"])
    label = mnist.test.labels[index]
    assert_text(app, f"Test digit {index}, labelled {label}.")


@pytest.mark.parametrize("index", ["-1", "10000", "x", "", "1e3", "9" * 5000, "٣"])
def test_a_wrong_test_digit_is_the_first_one(mnist, index):
    app = open_page("draw", source="test", i=index)

    assert_text(app, "Test digit 0, labelled 7.")


@pytest.mark.parametrize("source", ["", "nothing", "x" * 5000])
def test_an_unknown_source_is_the_canvas(source):
    app = open_page("draw", source=source)

    assert not app.exception
    assert app.get_by_key("pad")


def test_the_choice_of_source_is_in_the_address():
    app = open_page("draw")

    app.button_group(key="source").set_value("upload").run()

    assert app.query_params["source"] == "upload"
    assert app.file_uploader


# Draw: why this digit?


@pytest.fixture
def shipped(mnist, store):
    """The shipped run, when it has read its training digits."""
    run = store.get(paths.SHIPPED_RUN_ID)
    resources.reference(run).result()
    return run


def pictures(app, key):
    return [
        picture
        for image in app.get_by_key(key).get("image")
        for picture in image.proto.imgs
    ]


def choose(app, key, value):
    return app.button_group(key=key).set_value(value).run()


def test_the_nearest_training_digits_are_shown_with_their_labels(shipped):
    app = open_page("draw", source="test", i="18", look="nearest")

    captions = [picture.caption for picture in pictures(app, "nearest-digits")]
    assert len(captions) == 5
    assert all(re.fullmatch(r"\*\*3\*\* · \d+\.\d\d", caption) for caption in captions)
    assert_text(
        app, "5 of 5 are labelled 3. Of 5,000 digits that the model was trained"
    )


def test_while_the_training_digits_are_read_one_is_told_so(monkeypatch, mnist):
    future = Future()
    monkeypatch.setattr(resources, "reference", lambda run: future)

    app = open_page("draw", source="test", i="18", look="nearest")

    assert_text(app, "The model is reading them, once for all")
    assert not pictures(app, "nearest-digits")


def test_before_anything_is_drawn_nothing_is_explained():
    app = open_page("draw", look="ink")

    assert not app.exception
    assert app.query_params["look"] == "ink"
    assert_text(app, "There is nothing to look into yet.")


def test_maps_are_made_for_who_asks(shipped):
    app = open_page("draw", source="test", i="18")
    with pytest.raises(KeyError):
        app.get_by_key("saliency")

    choose(app, "look", "ink")

    assert app.query_params["look"] == "ink"
    assert len(pictures(app, "saliency")) == 1
    assert_text(app, "the logit of 3 falls by")


def test_any_digit_is_explained_by_either_method(shipped):
    app = open_page("draw", source="test", i="18", look="ink")
    [as_read] = pictures(app, "saliency")

    choose(app, "digit", "8")

    [occlusion] = pictures(app, "saliency")
    assert occlusion.url != as_read.url
    assert_text(app, "the logit of 8 falls by")
    choose(app, "by", "gradients")
    assert pictures(app, "saliency")[0].url != occlusion.url
    assert_text(app, ":orange-badge[Orange] ink speaks for 8")
    query = {"look": "ink", "digit": "8", "by": "gradients"}
    assert app.query_params == {"source": "test", "i": "18"} | query


@pytest.mark.parametrize("value", ["", "nothing", "10", "x" * 5000])
def test_what_cannot_be_explained_in_the_address_is_passed_over(shipped, value):
    app = open_page("draw", source="test", i="18", look="ink", digit=value, by=value)

    assert not (app.exception or app.error)
    assert_text(app, "the logit of 3 falls by")
    app = open_page("draw", source="test", i="18", look=value)
    assert not (app.exception or app.error)


def test_the_maps_of_each_layer_are_shown(shipped):
    app = open_page("draw", source="test", i="18", look="layers")

    assert [picture.caption for picture in pictures(app, "feature-maps")] == [
        "Layer 1: 32 maps of 12 × 12",
        "Layer 2: 64 maps of 10 × 10",
        "Layer 3: 64 maps of 4 × 4",
    ]


def test_a_network_without_convolutions_has_no_maps(monkeypatch, shipped):
    monkeypatch.setattr(resources, "network", lambda run: Network([]))

    app = open_page("draw", source="test", i="18", look="layers")

    assert_text(app, "This network has no convolutions, so no layer of it sees")


def test_a_damaged_model_file_leaves_what_needs_it_not(mnist, store):
    st.cache_resource.clear()  # it is a copy of a run that may be there
    run = finished(store, "Damaged")
    (run.folder / "model.keras").write_bytes(b"no model")
    resources.reference(run).result()

    app = open_page("draw", run=run.id, source="test", i="18", look="layers")

    assert not app.exception
    assert app.error[0].value.startswith("model.keras of “Damaged” is damaged")
    assert digit_shown(app) == "3"
    assert len(pictures(choose(app, "look", "nearest"), "nearest-digits")) == 5
    assert_text(choose(app, "look", "ink"), "the logit of 3 falls by")


def test_without_mnist_a_drawing_is_explained_by_its_ink(no_mnist, store):
    run = store.get(paths.SHIPPED_RUN_ID)
    app = open_page("draw", look="nearest")
    assert resources.reference(run).exception() is not None

    draw(app, drawing(one()))

    assert_text(app, "MNIST is not on this machine, so there are none to show.")
    assert_text(choose(app, "look", "ink"), "the logit of 1 falls by")
    assert not app.exception


@pytest.mark.parametrize("no_mnist", ["named"], indirect=True)
def test_when_mnist_has_come_the_training_digits_are_read(
    mnist_file, no_mnist, store, tmp_path
):
    run = store.get(paths.SHIPPED_RUN_ID)
    wait([resources.reference(run)])
    assert resources.reference(run).exception() is not None
    (tmp_path / "mnist.npz").symlink_to(mnist_file)

    assert len(resources.reference(run).result().split) == MAX_REFERENCE


def test_only_digits_that_the_run_was_trained_with_are_looked_among(mnist, store):
    st.cache_resource.clear()
    run = finished(store, "Small")
    config = replace(run.config, num_train=1000, num_validation=500)
    run = replace(run, config=config)

    split = resources.reference(run).result().split

    expected = data.load_mnist(num_train=1000, num_validation=500).train
    assert np.array_equal(split.images, expected.images)
    st.cache_resource.clear()


# Train: the form


def setting(app, name):
    return next(
        widget
        for kind in ("selectbox", "number_input", "toggle", "multiselect")
        for widget in app.get(kind)
        if widget.key == f"set-{app.button_group(key='recipe').value}-{name}"
    )


def settings(app):
    names = bounds().keys() - NOT_IN_FORM
    return TrainConfig(**{name: setting(app, name).value for name in names})


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_fills_the_form(mnist, name):
    app = open_page("train")

    app.button_group(key="recipe").set_value(name).run()

    assert settings(app) == RECIPES[name].config
    assert_text(app, RECIPES[name].summary)
    assert_text(app, f"**{cost(RECIPES[name].config).num_parameters:,}** parameters")


def test_the_usual_recipe_is_in_the_form_at_once(mnist):
    app = open_page("train")

    assert settings(app) == RECIPES[DEFAULT].config


def test_a_setting_changes_what_is_said_of_the_training(mnist):
    app = open_page("train")

    setting(app, "architecture").set_value("residual").run()

    assert_text(app, "Residual CNN, **309,930** parameters, about **")


def test_every_setting_has_its_help(mnist):
    app = open_page("train")

    for name, bound in bounds().items():
        if name in NOT_IN_FORM:
            continue
        words = setting(app, name).help
        assert words
        if "low" in bound and name != "seed":
            assert "Too low:" in words, name
            assert "Too high:" in words, name


def test_what_was_set_is_in_the_address_for_a_refresh_and_for_a_link(mnist):
    app = open_page("train")
    setting(app, "epochs").set_value(7)
    setting(app, "architecture").set_value("dense")
    setting(app, "batch_normalization").set_value(False).run()

    address = app.query_params["set"]
    other = open_page("train", set=address)

    assert sorted(address) == [
        "architecture=dense",
        "batch_normalization=false",
        "epochs=7",
    ]
    assert settings(other) == settings(app)
    assert settings(app).epochs == 7
    app.button_group(key="recipe").set_value("linear").run()
    assert "set" not in app.query_params


def test_runs_can_be_chosen_as_teachers_and_are_in_the_address(mnist, store):
    teacher = finished(store, "Wise")
    app = open_page("train")

    setting(app, "teachers").set_value([teacher.id]).run()

    assert settings(app).teachers == (teacher.id,)
    address = [f"teachers={teacher.id}"]
    assert app.query_params["set"] in (address, address[0])  # AppTest unwraps a single
    other = open_page("train", set=address)
    assert settings(other).teachers == (teacher.id,)


def test_a_teacher_that_was_deleted_is_chosen_no_more(mnist, store):
    teacher = finished(store, "Wise")
    app = open_page("train")
    setting(app, "teachers").set_value([teacher.id]).run()

    store.delete(teacher.id)
    app.run()

    assert not app.exception
    assert settings(app).teachers == ()


def test_a_teacher_in_the_address_that_is_not_here_is_said_to_be_so(mnist):
    app = open_page("train", set=["epochs=7", "teachers=20200101-000000-000"])

    assert not app.exception
    assert app.warning[0].value.startswith("There is no model '20200101-000000-000'")
    assert settings(app) == replace(RECIPES[DEFAULT].config, epochs=7)


def test_of_two_runs_with_one_name_the_chosen_one_teaches(mnist, store):
    first, second = (finished(store, "Twin") for _ in range(2))

    for run in (first, second):
        app = open_page("train")
        setting(app, "teachers").set_value([run.id]).run()
        assert settings(app).teachers == (run.id,)


def test_a_teacher_that_has_learned_the_validation_images_is_refused(mnist, store):
    teacher = finished(store, "Wise")
    app = open_page("train")
    setting(app, "teachers").set_value([teacher.id])
    setting(app, "num_validation").set_value(6_000)
    setting(app, "num_train").set_value(20_000).run()

    assert "has learned some of the 6,000 validation images" in app.error[0].value
    assert app.button(key="start-training").disabled


def test_settings_in_the_address_that_are_not_allowed_are_said_to_be_so(mnist):
    app = open_page("train", set=["epochs=0"])

    assert not app.exception
    assert app.warning[0].value.startswith("`epochs` must be a whole number")
    assert settings(app) == RECIPES[DEFAULT].config


def test_a_trainer_gets_ready_for_what_a_person_has_chosen(mnist, store, prepared):
    app = open_page("train")
    setting(app, "epochs").set_value(7).run()

    usual = RECIPES[DEFAULT].config
    assert [(asked.root, config) for asked, config in prepared] == [
        (store.root, usual),
        (store.root, replace(usual, epochs=7)),
    ]


def test_no_trainer_gets_ready_while_another_one_trains(mnist, store, held, prepared):
    running(store, held)

    open_page("train")

    assert not prepared


def test_to_look_at_a_training_is_not_to_choose_its_model(mnist, store, held):
    running(store, held)

    app = open_page("train", run="shipped")

    assert app.subheader[0].value == "Mine"
    assert app.query_params["run"] == "shipped"
    app.switch_page("pages/draw.py").run()
    assert app.selectbox(key="run-picker").value == "shipped"


def test_a_training_can_be_watched_though_another_run_is_chosen(mnist, store, held):
    done = finished(store, "Done")
    running(store, held)
    app = open_page("train", run=done.id)

    app.button(key="watch-other").click().run()

    assert app.subheader[0].value == "Mine"
    assert "stop-training" in [button.key for button in app.button]


def test_a_training_that_is_being_saved_says_so_and_not_how_long_it_lasts(
    mnist, store, held
):
    run = running(store, held, EPOCH, BATCHES)  # early stopping: not the last step
    runs.write_state(run, "running", "Saving the model.")

    app = open_page("train")

    assert text_of(app, "training-status") == "**running** · Saving the model."
    share = 100 * BATCHES["step"] // BATCHES["num_steps"]
    assert app.get_by_key("training-progress").get("progress")[0].value == share


def test_what_was_set_is_kept_on_another_page(mnist):
    app = open_page("train")
    setting(app, "epochs").set_value(7).run()

    app.switch_page("pages/draw.py").run()
    app.switch_page("pages/train.py").run()

    assert setting(app, "epochs").value == 7


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "softmax", "dropout": 0.5}, "Softmax regression has no"),
        ({"num_train": 100, "batch_size": 128}, "A batch of 128 needs at least"),
        ({"num_train": 59_000, "num_validation": 20_000}, "19,000 too many."),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_start(
    mnist, changes, sentence
):
    app = open_page("train")
    app.button_group(key="recipe").set_value("textbook").run()

    for name, value in changes.items():
        setting(app, name).set_value(value)
    app.run()

    assert not app.exception
    assert len(app.error) == 1
    assert sentence in app.error[0].value
    assert app.button(key="start-training").disabled
    app.button_group(key="recipe").set_value("linear").run()
    assert not app.error
    assert not app.button(key="start-training").disabled


def test_start_queues_what_the_form_says(mnist, store, monkeypatch):
    spawned = []
    monkeypatch.setattr(jobs, "_spawn", lambda store, run: spawned.append(run))
    app = open_page("train")
    app.button_group(key="recipe").set_value("linear").run()
    setting(app, "epochs").set_value(3).run()

    app.button(key="start-training").click().run()

    [run] = spawned
    assert not app.exception
    assert run.config == TrainConfig(architecture="softmax", epochs=3)
    assert app.query_params["run"] == run.id
    assert text_of(app, "training-status").startswith("**queued**")
    assert run.name in table(app).index


def test_a_double_click_on_start_is_one_start(mnist, store, monkeypatch):
    monkeypatch.setattr(jobs, "_spawn", lambda store, run: None)
    app = open_page("train")

    app.button(key="start-training").click().run()
    app.button(key="start-training").click().run()

    assert not app.error
    assert len(store.runs()) == 2  # the shipped one, too


def test_a_form_whose_filling_was_broken_off_is_filled_again(mnist, monkeypatch):
    def fill_one(recipe, config):
        st.session_state[f"set-{recipe}-architecture"] = config.architecture
        st.stop()

    with monkeypatch.context() as patch:
        patch.setattr(settings_form, "_fill", fill_one)
        app = open_page("train")

    app.run()

    assert not app.exception
    assert settings(app) == RECIPES["fast"].config


def test_a_recipe_as_it_is_gives_its_name(mnist, store, monkeypatch):
    monkeypatch.setattr(jobs, "_spawn", lambda store, run: None)
    app = open_page("train")

    app.button(key="start-training").click().run()

    assert table(app).index[0] == "Fast"


def test_a_full_queue_is_said_to_be_full(mnist, store, held, monkeypatch):
    monkeypatch.setattr(jobs, "_spawn", lambda store, run: None)
    for _ in range(MAX_WAITING + 1):
        held(store.create(CONFIG))
    app = open_page("train")
    assert_text(app, f"after {MAX_WAITING + 1} before it")

    app.button(key="start-training").click().run()

    assert not app.exception
    assert app.error[0].value.startswith(f"The queue is full: {MAX_WAITING} trainings")
    assert len(store.runs()) == MAX_WAITING + 2  # the shipped one, too


def test_a_start_that_was_refused_can_be_tried_again_at_once(
    mnist, store, held, monkeypatch
):
    monkeypatch.setattr(jobs, "_spawn", lambda store, run: None)
    waiting = [store.create(CONFIG) for _ in range(MAX_WAITING + 1)]
    for run in waiting:
        held(run)
    app = open_page("train")
    app.button(key="start-training").click().run()
    runs.write_state(waiting[0], "stopped")

    app.button(key="start-training").click().run()

    assert not app.error
    assert len(store.runs()) == MAX_WAITING + 3


def test_a_folder_that_cannot_be_written_gets_a_sentence(mnist, store):
    store.root.write_text("not a folder")
    app = open_page("train")

    app.button(key="start-training").click().run()

    assert not app.exception
    assert app.error[0].value.startswith("The runs cannot be changed on disk:")


# Train: what is going on


def running(store, held, *lines, config=CONFIG):
    run = store.create(config, "Mine")
    held(run)
    runs.write_state(run, "running")
    for line in lines:
        append_json_line(run.folder / "progress.jsonl", line)
    return run


def test_a_run_that_waits_is_watched(mnist, store, held):
    held(store.create(CONFIG, "First"))
    second = store.create(CONFIG, "Second")
    held(second)

    app = open_page("train", run=second.id)

    assert app.subheader[0].value == "Second"
    assert text_of(app, "training-status").startswith("**queued** · number 2 in")
    assert not app.button(key="stop-training").disabled
    assert_text(app, "after 2 before it")


def test_a_run_that_gets_ready_says_so(mnist, store, held):
    running(store, held)

    app = open_page("train")

    assert text_of(app, "training-status").startswith("**running** · getting ready")
    assert app.get_by_key("training-progress").get("progress")[0].value == 0


def test_a_run_that_draws_digits_first_says_how_many(mnist, store, held):
    config = replace(CONFIG, num_styled=2_000, num_thick=30_000)
    run = running(store, held, EPOCH, BATCHES, config=config)  # it goes on
    runs.write_state(run, "running", estimates.drawing_words(config))

    app = open_page("train")

    status = text_of(app, "training-status")
    assert "32,000 digits are drawn before the first batch" in status
    assert "about 77 s" in status
    assert "images/s" not in status


def test_a_run_that_has_no_other_before_it_starts_in_a_moment(mnist, store, held):
    run = store.create(CONFIG, "First")
    held(run)

    app = open_page("train", run=run.id)

    assert text_of(app, "training-status") == "**queued** · it starts in a moment"


def test_a_run_that_trains_says_how_far_it_is(mnist, store, held):
    running(store, held, EPOCH, BATCHES)

    app = open_page("train")

    status = text_of(app, "training-status")
    assert status.startswith(
        "**running** · epoch 2 of 2 · step 6 of 8 · loss 0.432 · accuracy 87.5 % · "
    )
    assert status.endswith(" · 3 s left")
    assert app.get_by_key("training-progress").get("progress")[0].value == 75
    assert len(charts(app)) == 2
    assert_text(app, "Best so far: epoch 1, validation accuracy 91.25 %.")


@pytest.fixture
def at_one_moment(monkeypatch):
    """However slow this machine is, nothing that is remembered gets old."""
    monkeypatch.setattr("streamlit.runtime.caching.cache_utils.TTLCACHE_TIMER", int)
    st.cache_data.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def test_a_class_that_watches_a_training_has_its_curves_drawn_once(
    mnist, store, held, monkeypatch, at_one_moment
):
    running(store, held, EPOCH, BATCHES)
    drawings = []
    history = mnist_charts.history
    monkeypatch.setattr(
        mnist_charts, "history", lambda epochs: drawings.append(1) or history(epochs)
    )

    first, second = open_page("train"), open_page("train")

    assert len(drawings) == 1
    assert len(charts(first)) == len(charts(second)) == 2
    assert_text(second, "Best so far: epoch 1, validation accuracy 91.25 %.")


def test_curves_are_shown_as_soon_as_there_are_some(mnist, store, held, at_one_moment):
    run = running(store, held)
    before = open_page("train")
    append_json_line(run.folder / "progress.jsonl", BATCHES)

    after = open_page("train")

    assert (len(charts(before)), len(charts(after))) == (0, 1)


@pytest.mark.parametrize(
    "lines, reason, every",
    [
        ([], "", training_panel.AWAITED),
        ([], "Digits are drawn.", training_panel.REFRESH),
        ([BATCHES], "", training_panel.REFRESH),
    ],
)
def test_a_training_is_looked_at_more_often_while_its_first_number_is_awaited(
    mnist, store, held, monkeypatch, lines, reason, every
):
    run = running(store, held, *lines)
    runs.write_state(run, "running", reason)
    looks = {}
    fragment = st.fragment
    monkeypatch.setattr(
        st,
        "fragment",
        lambda part, run_every=None: (
            looks.update({part.__name__: run_every})
            or fragment(part, run_every=run_every)
        ),
    )

    open_page("train")

    assert looks["_panel"] == every
    assert training_panel.AWAITED < training_panel.REFRESH < training_panel.REDRAW


def test_torn_progress_is_passed_over(mnist, store, held):
    run = running(store, held, EPOCH, BATCHES, {"kind": "epoch", "nonsense": 1})
    with (run.folder / "progress.jsonl").open("a") as file:
        file.write('{"kind": "bat')

    app = open_page("train")

    assert text_of(app, "training-status").startswith("**running** · epoch 2 of 2")


def test_the_run_that_trains_is_watched_unless_the_address_names_another(
    mnist, store, held
):
    done = finished(store, "Done")
    running(store, held)
    held(store.create(CONFIG, "Waiting"))

    assert open_page("train").subheader[0].value == "Mine"
    assert open_page("train", run=done.id).subheader[0].value == "Done"
    assert open_page("train", run="nothing").subheader[0].value == "Mine"


def test_stop_asks_the_trainer_once(mnist, store, held):
    run = running(store, held, EPOCH, BATCHES)
    app = open_page("train")

    app.button(key="stop-training").click().run()

    assert store.get(run.id).is_stopping
    assert text_of(app, "training-status").startswith("**running** · stopping")
    assert app.button(key="stop-training").disabled


def test_a_run_that_is_done_says_how_good_it_is_and_links_on(mnist, store):
    run = finished(store, "Mine")

    app = open_page("train", run=run.id)

    assert text_of(app, "training-status").startswith(
        f"**done** · it reads {ACCURACY} of"
    )
    assert app.get_by_key("training-progress").get("progress")[0].value == 100
    assert [metric.value for metric in app.metric[:2]] == [
        ACCURACY,
        percent(SHIPPED["validation_accuracy"], places=2),
    ]
    query = f"run={run.id}"
    assert {("evaluate", query), ("browse", query), ("draw", query)} <= links(app)
    assert "stop-training" not in [button.key for button in app.button]


@pytest.mark.parametrize("state", ["failed", "stopped", "interrupted"])
def test_a_run_that_ended_otherwise_says_why(mnist, store, state):
    run = ended(store, state, "The cat lay on the keyboard.")

    app = open_page("train", run=run.id)

    assert text_of(app, "training-status").startswith(f"**{state}**")
    assert "The cat lay on the keyboard." in text_of(app, "training-status")
    keys = [button.key for button in app.button]
    assert ("resume-training" in keys) == (state == "interrupted")
    assert "stop-training" not in keys


def test_an_interrupted_run_can_go_on(mnist, store, monkeypatch):
    run = ended(store, "interrupted")
    spawned = []
    monkeypatch.setattr(jobs, "_spawn", lambda store, run: spawned.append(run.id))
    app = open_page("train", run=run.id)

    app.button(key="resume-training").click().run()

    assert spawned == [run.id]
    assert text_of(app, "training-status").startswith("**queued**")


def test_an_action_that_fails_says_why(mnist, store, held):
    run = ended(store, "interrupted")
    app = open_page("train", run=run.id)
    for _ in range(MAX_WAITING + 1):
        held(store.create(CONFIG))

    app.button(key="resume-training").click().run()

    assert not app.exception
    assert app.error[0].value.startswith("The queue is full")


# Train: the table


def test_a_run_is_renamed_and_annotated(mnist, store):
    run = finished(store, "Before")
    app = pick_row(open_page("train"), 0)

    app.text_input[0].set_value("After")
    app.text_area[0].set_value("Two\nlines of <b>note</b>")
    save(app)

    assert not (app.exception or app.error)
    assert store.get(run.id).name == "After"
    assert store.get(run.id).note == "Two\nlines of <b>note</b>"
    assert table(app).index[0] == "After"


def test_a_wrong_name_gets_a_sentence_and_changes_nothing(mnist, store):
    run = finished(store, "Before")
    app = pick_row(open_page("train"), 0)

    app.text_input[0].set_value("../<b>")
    save(app)

    assert not app.exception
    assert "1 to 60 letters" in app.error[0].value
    assert store.get(run.id).name == "Before"


def save(app):
    next(button for button in app.button if button.label == "Save").click().run()


def test_delete_asks_first(mnist, store):
    run = finished(store, "Mine")
    app = pick_row(open_page("train"), 0)

    app.button(key="delete-run").click().run()

    assert not app.exception
    assert_text(app, "“Mine” and its model will be gone for good.")
    assert store.get(run.id)  # and a browser test goes on from here


def test_a_run_that_trains_cannot_be_deleted(mnist, store, held):
    running(store, held)

    app = pick_row(open_page("train"), 0)

    keys = [button.key for button in app.button]
    assert "watch-run" in keys
    assert "delete-run" not in keys


def test_the_shipped_run_can_be_neither_changed_nor_deleted(mnist):
    app = pick_row(open_page("train"), 0)

    assert_text(app, "it cannot be changed or deleted.")
    assert not app.text_input
    assert "delete-run" not in [button.key for button in app.button]


def test_a_picked_run_becomes_the_one_of_every_page(mnist, store):
    run = finished(store, "Mine")
    finished(store, "Later")
    app = pick_row(open_page("train"), 1)

    app.button(key="watch-run").click().run()

    assert app.query_params["run"] == run.id
    app.switch_page("pages/draw.py").run()
    assert app.selectbox(key="run-picker").value == run.id


@pytest.mark.parametrize("row", [5, -1])
def test_a_row_that_is_gone_is_no_exception(mnist, row):
    assert not pick_row(open_page("train"), row).exception


# Evaluate


def test_the_figures_are_those_of_the_evaluation(evaluation, store):
    app = open_page("evaluate")

    low, high = evaluation.interval
    assert [metric.value for metric in app.metric] == [
        percent(evaluation.accuracy, places=2),
        str(evaluation.num_mistakes),
        f"{evaluation.loss:.4f}",
        f"{store.get(paths.SHIPPED_RUN_ID).result.num_parameters:,}",
    ]
    interval = f"{percent(low, places=2)} to {percent(high, places=2)}"
    assert app.get_by_key("test-accuracy").caption[0].value.endswith(interval)
    scores = door_texts(app, "scores")
    assert scores[1:] == [
        [
            str(digit.digit),
            *(f"{value:.4f}" for value in (digit.precision, digit.recall, digit.f1)),
            f"{digit.support:,}",
        ]
        for digit in evaluation.digits
    ]


def door_texts(app, key):
    rows = json.loads(app.get_by_key(key).proto.json)["rows"]
    return [[cell["text"] for cell in row] for row in rows]


def test_the_top_confusions_link_to_their_digits(evaluation):
    app = open_page("evaluate")

    top = evaluation.top_confusions(6)
    labels = [link.proto.label for link in app.get("page_link")]
    assert labels[1:] == [confusion.sentence() for confusion in top]
    assert ("browse", "run=shipped&show=wrong&sort=loss") in links(app)
    first = top[0]
    query = f"run=shipped&true={first.true}&pred={first.predicted}&sort=loss"
    assert ("browse", query) in links(app)


def test_the_matrix_shows_its_counts(evaluation):
    heads, *rows = door_texts(open_page("evaluate"), "matrix")

    assert heads[1:] == [str(digit) for digit in range(10)]
    shown = [[int(text or 0) for text in row[1:]] for row in rows]
    assert np.array_equal(shown, evaluation.confusion_matrix)


def test_every_number_of_the_matrix_opens_what_it_counts(evaluation):
    rows = json.loads(open_page("evaluate").get_by_key("matrix").proto.json)["rows"]
    for row in rows[1:]:
        for door in row[1:]:
            query = dict(part.split("=") for part in door["value"].split("&"))
            selected = Selection.from_query(query).indices(evaluation)
            assert len(selected) == int(door["text"] or 0)


def test_the_digits_behind_a_number_are_shown_and_linked(evaluation):
    app = open_page("evaluate", true="4", pred="4")

    count = evaluation.confusion_matrix[4, 4]
    assert_text(app, f"{count} fours read right, in their order.")
    assert ("browse", "run=shipped&true=4&pred=4") in links(app)
    assert len(json.loads(app.get_by_key("behind").proto.json)["tiles"]) == 48


def test_the_curves_are_drawn(mnist):
    [curves] = charts(open_page("evaluate", look="training"))

    assert len(curves["vconcat"]) == 2


@pytest.fixture
def watched(store, evaluation):
    """A run that was looked at after three epochs, and what was said of digit 0.

    After the first epoch ten digits are read as 3 wrongly; after the second, none of
    those, but digit 0; the last is the best, and what the shipped run says.
    """
    run = finished(store, "Watched")
    (run.folder / "progress.jsonl").unlink()
    for epoch in (1, 2, 3):
        metrics = EpochMetrics(epoch, 0.1, 0.9, 0.1 / epoch, 0.9, epoch)
        append_json_line(
            run.folder / "progress.jsonl", {"kind": "epoch", **asdict(metrics)}
        )
    timeline = Timeline.empty(evaluation.labels)
    right = evaluation.probabilities.copy()
    wrong = np.flatnonzero((evaluation.labels != 3) & evaluation.is_correct)[:10]
    for epoch, changed in ((1, wrong), (2, wrong[:1]), (3, wrong[:0])):
        said = right.copy()
        said[changed] = np.eye(10)[3]
        timeline = timeline.including(epoch, said)
    file = run.folder / EPOCHS_FILE
    timeline.save(file)
    result = read_json(run.folder / "result.json")
    result["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(run.folder / "result.json", result)
    return store.get(run.id)


def test_the_slider_moves_matrix_sentence_and_digits(watched, evaluation):
    app = open_page("evaluate", run=watched.id, look="epochs", epoch="1")
    mistakes = evaluation.num_mistakes
    assert f"{mistakes + 10} of 10,000" in text_of(app, "epoch-sentence")
    assert app.button_group(key="which").options == [
        f"Wrong · {mistakes + 10}",
        "Newly right · 0",
        "Forgotten · 0",
    ]

    app.select_slider(key="epoch").set_value(2).run()

    assert f"{mistakes + 1} of 10,000" in text_of(app, "epoch-sentence")
    assert "Newly right · 9" in app.button_group(key="which").options
    assert app.query_params["epoch"] in ("2", ["2"])
    matrix = [
        [int(t or 0) for t in row[1:]] for row in door_texts(app, "matrix-of-epoch")[1:]
    ]
    assert np.sum(matrix) == mistakes + 1


def test_the_best_epoch_is_shown_first(watched):
    app = open_page("evaluate", run=watched.id, look="epochs")

    assert app.select_slider(key="epoch").value == 3


def test_a_digit_that_the_kept_epoch_reads_otherwise_than_the_last_says_so(evaluation):
    file = paths.shipped_run_dir() / EPOCHS_FILE
    timeline = Timeline.load(file, evaluation.labels)
    index = np.flatnonzero(timeline.is_correct[-1] & ~evaluation.is_correct)[0]

    app = open_page("browse", i=str(index), why="epochs")

    assert_text(app, "The model is that of an earlier epoch and reads it wrong.")


def test_a_run_that_nobody_looked_at_says_so(mnist, store):
    run = finished(store, "Mine")
    result = read_json(run.folder / "result.json")
    del result["sha256"][EPOCHS_FILE]
    write_json(run.folder / "result.json", result)

    app = open_page("evaluate", run=run.id, look="epochs")

    assert_text(app, "This run was not looked at while it learned")


def test_a_digit_tells_what_each_epoch_said(watched, evaluation):
    index = np.flatnonzero((evaluation.labels != 3) & evaluation.is_correct)[0]

    app = open_page("browse", run=watched.id, i=str(index), why="epochs")

    assert_text(app, "Learned at epoch 3")


def test_curves_that_go_on_from_another_run_say_so(mnist, store):
    first, second = finished(store, "First"), finished(store, "Second")
    settings = read_json(second.folder / "run.json")
    settings["config"]["start_from"] = first.id
    write_json(second.folder / "run.json", settings)

    app = open_page("evaluate", run=second.id, look="training")
    assert_text(
        app, "It went on from the weights of “First”, so its curves begin where"
    )
    store.delete(first.id)
    app = open_page("evaluate", run=second.id, look="training")
    assert_text(app, f"It went on from the weights of “{first.id}”")


def test_a_run_without_its_curves_says_so(mnist, store):
    run = finished(store, "Mine")
    (run.folder / "progress.jsonl").unlink()

    app = open_page("evaluate", run=run.id, look="training")

    assert_text(app, "The curves of this run are not on disk.")


def test_the_threshold_says_what_is_answered_and_links_to_the_rest(evaluation):
    app = open_page("evaluate", look="confidence", threshold="0.95")

    answered = Calibration(evaluation).answered(0.95)
    assert text_of(app, "answered") == answered.sentence()
    [refused] = [
        dict(parse_qsl(query)) for page, query in links(app) if "most=" in query
    ]
    found = Selection.from_query(refused).indices(evaluation)
    assert len(found) == answered.num_refused


def test_the_threshold_moves_into_the_address(mnist):
    app = open_page("evaluate", look="confidence")

    app.slider(key="threshold").set_value(99.0).run()

    assert app.query_params["threshold"] in ("0.990", ["0.990"])


@pytest.mark.parametrize(
    "query",
    [
        {"look": "confidence", "least": "abc", "sort": "unsure"},
        {"look": "confidence", "show": "right", "true": "7"},
        {"look": "matrix", "true": "99", "show": "wrong"},
        {"look": "matrix", "show": "right", "least": "0.95"},
        {"look": "epochs", "show": "right", "sort": "unsure"},
    ],
)
def test_what_another_look_left_in_the_address_opens_nothing(mnist, query):
    app = open_page("evaluate", **query)

    assert "Behind that number" not in [heading.value for heading in app.subheader]
    assert not [button for button in app.button if button.label == "Close"]


def test_the_calibration_is_that_of_the_evaluation(evaluation):
    app = open_page("evaluate", look="confidence")

    assert text_of(app, "calibration-error") == Calibration(evaluation).sentence()
    assert len(charts(app)) == 3


# Compare


def test_compare_says_what_to_do_while_there_is_one_model(mnist):
    app = open_page("compare")

    assert_text(app, "There is no second model yet.")


def test_compare_says_who_is_better_and_shows_the_digits(store, evaluation):
    worse = finished(store, "Worse")
    probabilities = evaluation.probabilities.copy()
    right = np.flatnonzero(evaluation.is_correct)[:20]
    probabilities[right] = np.eye(10)[(evaluation.labels[right] + 1) % 10]
    replace_predictions(worse, probabilities)

    app = open_page("compare", run="shipped", against=worse.id)

    assert "“Shipped” is right on 20 more of 10,000" in text_of(app, "verdict")
    assert "hardly luck" in text_of(app, "verdict")
    assert "Only the first is right · 20" in app.button_group(key="change").options
    shown = json.loads(app.get_by_key("compared").proto.json)["tiles"]
    assert {tile["index"] for tile in shown} == set(right.tolist())
    query = f"run=shipped&against={worse.id}&change=gained&sort=loss"
    assert ("browse", query) in links(app)
    assert_text(app, "Nothing: both have the same settings.")


def test_compare_says_in_words_what_was_set_differently(mnist, store):
    other = finished(store, "Other")
    path = other.folder / "run.json"
    written = read_json(path)
    written["config"]["learning_rate"] = 0.5
    write_json(path, written)

    app = open_page("compare", run="shipped", against=other.id)

    [settings] = app.table
    assert settings.value["Setting"].tolist() == ["Learning rate"]
    assert settings.value["Other "].tolist() == ["0.5"]


def test_every_setting_has_words():
    assert set(WORDS) == set(TrainConfig.__dataclass_fields__)


def test_a_cell_of_the_agreement_shows_its_digits(store, evaluation):
    other = finished(store, "Other")
    probabilities = evaluation.probabilities.copy()
    seven = np.flatnonzero(evaluation.predictions == 7)[3]
    probabilities[seven] = np.eye(10)[1]
    replace_predictions(other, probabilities)

    app = open_page("compare", run="shipped", against=other.id, pair="7-1")

    assert_text(app, "1 digit that the first reads as 7, the second as 1.")
    [tile] = json.loads(app.get_by_key("compared").proto.json)["tiles"]
    assert tile["index"] == seven


@pytest.mark.parametrize("pair", ["7", "7-7", "x-y", "10-1", "-", "7-1-2"])
def test_a_cell_that_there_is_not_is_passed_over(store, evaluation, pair):
    other = finished(store, "Other")

    app = open_page("compare", run="shipped", against=other.id, pair=pair)

    assert not (app.exception or app.error)
    assert app.button_group(key="change").value == "gained"


# Browse


def tiles(app):
    content = json.loads(app.get_by_key("digits").proto.json)
    return content["tiles"]


def count(app):
    return int(text_of(app, "gallery-count").split("*")[2].replace(",", ""))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"show": "wrong"},
        {"show": "right", "true": "3"},
        {"true": "9", "pred": "4", "sort": "loss"},
        {"pred": "8", "sort": "confidence"},
        {"show": "wrong", "pred": "0", "sort": "unsure"},
    ],
)
def test_the_address_says_which_digits_are_shown(evaluation, query):
    app = open_page("browse", **query)

    selection = Selection.from_query(query)
    expected = selection.indices(evaluation)
    assert count(app) == len(expected) > 0
    shown = expected[:PAGE_SIZE]
    assert [tile["index"] for tile in tiles(app)] == shown.tolist()
    for tile in tiles(app):
        index = tile["index"]
        true, read = evaluation.labels[index], evaluation.predictions[index]
        mark = "✓" if true == read else "✗"
        assert tile["caption"] == f"{mark} {true} → {read}"
    assert app.radio(key="outcome").value == selection.outcome.capitalize()
    assert app.selectbox(key="sort").value == selection.sort


@pytest.mark.parametrize(
    "query",
    [
        {"show": "<script>", "true": "10", "pred": "-1", "sort": "nothing"},
        {"true": "4.0", "pred": "x", "page": "x", "i": "x"},
        {"true": "٣", "pred": "", "page": "-5", "i": "-1"},
        {"show": "WRONG", "page": "0", "i": "10000"},
        {"true": "9" * 5000, "page": "9" * 5000, "i": "9" * 5000, "run": ""},
    ],
)
def test_a_hostile_address_shows_all_digits(mnist, query):
    app = open_page("browse", **query)

    assert not (app.exception or app.error)
    assert count(app) == 10_000
    assert [tile["index"] for tile in tiles(app)] == list(range(PAGE_SIZE))
    assert not app.get("dialog")


@pytest.mark.parametrize(
    ("page", "first"), [("1", 0), ("2", 100), ("100", 9900), ("101", 9900)]
)
def test_the_address_says_which_page_is_shown(mnist, page, first):
    app = open_page("browse", page=page)

    last = min(first + PAGE_SIZE, 10_000)
    assert [tile["index"] for tile in tiles(app)] == list(range(first, last))
    assert_text(app, f"{first + 1:,} to {last:,} of 10,000")


def test_the_page_turns(mnist):
    app = open_page("browse")

    app.get("pagination")[0].set_value(3).run()

    assert app.query_params["page"] == "3"
    assert tiles(app)[0]["index"] == 200


def test_a_filter_changes_the_address_and_begins_on_its_first_page(evaluation):
    app = open_page("browse", run="shipped", page="5")

    app.selectbox(key="true").set_value("4").run()

    assert app.query_params.get("page") in (None, "1")
    assert (app.query_params["true"], app.query_params["run"]) == ("4", "shipped")
    assert count(app) == int((evaluation.labels == 4).sum())
    assert tiles(app)[0]["index"] == 4


def test_a_filter_is_taken_back(mnist):
    app = open_page("browse", show="wrong", true="4", sort="loss")

    app.radio(key="outcome").set_value("All").run()
    app.selectbox(key="true").set_value("Any").run()
    app.selectbox(key="sort").set_value("index").run()

    assert count(app) == 10_000
    assert not {"show", "true", "sort"} & set(app.query_params)


def answer_with(monkeypatch, kind, key, answer):
    """Have a widget answer with a text that it showed a moment ago."""
    state = kind._widget_state.fget

    def stale(widget):
        said = state(widget)
        if widget.key == key:
            said.string_value = answer
        return said

    monkeypatch.setattr(kind, "_widget_state", property(stale))


@pytest.mark.parametrize(
    ("page", "key"),
    [("browse", "run-picker"), ("browse", "against"), ("compare", "against")],
)
def test_a_name_that_a_run_no_longer_has_changes_nothing(
    mnist, store, monkeypatch, page, key
):
    other = finished(store, "New name")
    query = {"run": "shipped", "against": other.id, "change": "lost"}
    app = open_page(page, **query)
    answer_with(monkeypatch, Selectbox, key, "Old name")

    app.run()

    assert not (app.exception or app.warning)
    assert {name: app.query_params.get(name) for name in ("run", "against")} == {
        name: query[name] for name in ("run", "against")
    }


def test_runs_that_are_called_alike_can_be_told_apart(mnist, store):
    twins = [finished(store, "Twin") for _ in range(2)]

    app = open_page("browse")

    shown = app.selectbox(key="run-picker").options
    assert [label.split(" · ")[:2] for label in shown][:2] == [
        ["Twin", twin.id] for twin in reversed(twins)
    ]
    app.selectbox(key="run-picker").set_value(twins[0].id).run()
    assert app.query_params["run"] == twins[0].id


@pytest.mark.parametrize(
    ("kind", "key", "answer", "expected"),
    [
        (Selectbox, "true", "9 · 77,777", {"true": 9}),
        (Selectbox, "predicted", "Any · 77,777", {"predicted": None}),
        (Radio, "outcome", "Right · 77,777", {"outcome": "right"}),
        (Radio, "outcome", "No such word", {}),
    ],
)
def test_an_answer_to_counts_that_have_changed_is_taken(
    evaluation, monkeypatch, kind, key, answer, expected
):
    before = Selection(outcome="wrong", true=4, predicted=9)
    app = open_page("browse", **before.to_query())
    answer_with(monkeypatch, kind, key, answer)

    app.run()

    assert not app.exception
    assert count(app) == len(replace(before, **expected).indices(evaluation))


def chips(app):
    return [button for button in app.button if (button.key or "").startswith("chip-")]


def test_a_filter_is_a_chip_with_its_count_that_takes_it_away(evaluation):
    app = open_page("browse", true="4", least="0.5")

    labelled, probable, _ = chips(app)
    assert labelled.label == f"Labelled 4 · {int((evaluation.labels == 4).sum()):,}"
    is_probable = evaluation.confidences >= np.float32(0.5)
    assert probable.label == f"At least 50.0 % probable · {int(is_probable.sum()):,}"

    labelled.click().run()

    assert app.query_params.get("true") is None
    assert app.query_params["least"] in ("0.5", ["0.5"])
    assert count(app) == int(is_probable.sum())


def test_all_filters_go_at_once_and_the_order_stays(mnist):
    app = open_page("browse", true="4", show="wrong", sort="loss")

    app.button(key="chip-all").click().run()

    assert count(app) == 10_000
    assert set(app.query_params) & {"true", "show", "sort"} == {"sort"}


def test_who_is_quicker_than_the_answer_loses_no_choice(mnist):
    app = open_page("browse")
    old = dict(app.query_params)

    app.button_group(key="tiles").set_value("large").run()
    app.query_params = dict(old)  # all that the browser has learned
    app.button_group(key="split").set_value("validation").run()

    assert (app.query_params["tiles"], app.query_params["split"]) == (
        "large",
        "validation",
    )


@pytest.mark.parametrize("page, key", [("evaluate", "cells"), ("browse", "tiles")])
def test_what_was_put_into_the_address_of_one_page_is_nothing_to_another(
    mnist, page, key
):
    app = open_page("browse", true="4")
    labelled, *_ = chips(app)
    labelled.click().run()
    app.switch_page("pages/evaluate.py").run()
    app.query_params["true"] = "4"
    app.switch_page(f"pages/{page}.py").run()

    app.button_group(key=key).set_value(app.button_group(key=key).options[-1]).run()

    assert app.query_params["true"] in ("4", ["4"])


@pytest.mark.parametrize("chip", ["chip-all", "chip-Labelled 4"])
def test_a_model_that_is_gone_goes_with_the_filters(mnist, chip):
    app = open_page("browse", true="4", pred="9", against="gone", change="lost")
    assert app.warning

    app.button(key=chip).click().run()

    assert not app.warning
    assert not {"against", "change", "true"} & set(app.query_params)


def test_who_goes_back_goes_on_from_there(mnist):
    app = open_page("browse", true="4")
    old = dict(app.query_params)

    app.button_group(key="tiles").set_value("large").run()
    app.query_params = dict(old)
    app.run()  # as the browser's Back does
    app.button_group(key="view").set_value("map").run()

    assert set(app.query_params) - set(old) == {"view"}


def test_an_option_says_how_many_it_would_find(evaluation):
    app = open_page("browse", pred="9")

    wrong = Selection(predicted=9, outcome="wrong").indices(evaluation)
    assert f"Wrong · {len(wrong)}" in app.radio(key="outcome").options
    fours = Selection(predicted=9, true=4).indices(evaluation)
    assert f"4 · {len(fours)}" in app.selectbox(key="true").options


def test_a_range_of_probabilities_is_a_filter(evaluation):
    app = open_page("browse")

    app.slider(key="range").set_range(20.0, 60.0).run()

    query = {"least": "0.2", "most": "0.6"}
    assert (
        query.items()
        <= {
            k: v[0] if isinstance(v, list) else v for k, v in app.query_params.items()
        }.items()
    )
    assert count(app) == len(Selection(least=0.2, most=0.6).indices(evaluation))


def test_the_loss_is_a_filter_with_counts(evaluation):
    app = open_page("browse")
    found = len(Selection(min_loss=2).indices(evaluation))

    box = app.selectbox(key="min_loss")
    assert f"2 nats and more · {found:,}" in box.options
    box.set_value("2 nats and more").run()

    assert count(app) == found
    [chip] = chips(app)
    assert chip.label == f"Loss 2 nats and more · {found:,}"


def test_a_loss_in_the_address_is_an_option_too(evaluation):
    app = open_page("browse", loss="0.75")

    assert count(app) == len(Selection(min_loss=0.75).indices(evaluation))
    assert app.selectbox(key="min_loss").value == "0.75 nats and more"


def test_disputed_labels_are_a_filter_and_are_marked(evaluation):
    app = open_page("browse", disputed="only")

    assert [tile["index"] for tile in tiles(app)] == list(data.DISPUTED_TEST)
    assert all(tile["is_disputed"] for tile in tiles(app))
    assert all("its label is disputed" in tile["label"] for tile in tiles(app))


def test_another_run_can_be_compared_with(mnist, store, evaluation):
    other = finished(store, "Another")
    wrong = np.flatnonzero(~evaluation.is_correct)
    probabilities = evaluation.probabilities.copy()
    probabilities[wrong[0]] = np.eye(10)[evaluation.labels[wrong[0]]]
    replace_predictions(other, probabilities)

    app = open_page("browse", against=other.id, change="lost")

    assert [tile["index"] for tile in tiles(app)] == [wrong[0]]
    [chip] = chips(app)
    assert chip.label == "Only the other model reads right · 1"


def test_a_run_to_compare_with_that_is_gone_is_said_to_be(mnist):
    app = open_page("browse", against="gone", change="lost")

    assert "may have been deleted" in app.warning[0].value
    assert count(app) == 10_000


def test_a_jump_shows_the_page_with_that_index(evaluation):
    nines = Selection(true=9).indices(evaluation)
    app = open_page("browse", true="9")

    app.number_input(key="at").set_value(int(nines[250])).run()

    shown = json.loads(app.get_by_key("digits").proto.json)
    assert [tile["index"] for tile in shown["tiles"]] == nines[200:300].tolist()
    assert shown["marked"] == nines[250]
    assert app.query_params["at"] in (str(nines[250]), [str(nines[250])])


def test_a_jump_to_what_is_not_selected_says_so(evaluation):
    not_nine = int(np.flatnonzero(evaluation.labels != 9)[0])

    app = open_page("browse", true="9", at=str(not_nine))

    assert_text(app, f"Digit {not_nine} is not among these.")


@pytest.mark.parametrize("split", ["validation", "train"])
def test_the_digits_of_the_training_can_be_browsed(mnist, split):
    app = open_page("browse", split=split)

    digits = getattr(mnist, split)
    assert count(app) == len(digits)
    truths = [int(tile["caption"].split()[1]) for tile in tiles(app)]
    assert truths == digits.labels[:PAGE_SIZE].tolist()


def test_an_empty_selection_says_so(mnist):
    app = open_page("browse", true="3", pred="4", show="right")

    assert count(app) == 0
    assert_text(app, "No digit is like that: widen the filters.")


def test_the_address_opens_a_digit(evaluation):
    app = open_page("browse", i="18", show="right", true="3")

    text = text_of(app, "opened-digit")
    assert text.startswith("**Index 18** · labelled **3**, read as **3**")
    assert not app.button(key="next-digit").disabled


def test_next_and_previous_go_through_the_selection(evaluation):
    wrong = Selection(outcome="wrong").indices(evaluation)
    app = open_page("browse", show="wrong", i=str(wrong[0]))
    assert app.button(key="previous-digit").disabled

    app.button(key="next-digit").click().run()
    assert app.query_params["i"] == str(wrong[1])
    app.button(key="previous-digit").click().run()
    assert app.query_params["i"] == str(wrong[0])

    app = open_page("browse", show="wrong", i=str(wrong[-1]))
    assert app.button(key="next-digit").disabled


def test_a_digit_beyond_the_selection_has_no_neighbours(mnist):
    app = open_page("browse", show="wrong", i="0")

    assert app.button(key="previous-digit").disabled
    assert app.button(key="next-digit").disabled


def test_next_mistake_skips_what_is_right(mnist, evaluation):
    wrong = Selection(outcome="wrong").indices(evaluation)
    app = open_page("browse", i=str(wrong[0] + 1))

    app.button(key="next-mistake").click().run()

    assert app.query_params["i"] == str(wrong[1])
    app = open_page("browse", i=str(wrong[-1]))
    assert app.button(key="next-mistake").disabled


def test_a_pinned_digit_stays_beside_the_others(mnist):
    app = open_page("browse", i="18")

    app.button(key="pin-digit").click().run()
    assert app.query_params["pin"] == "test-18"
    with pytest.raises(KeyError):
        app.get_by_key("pinned-digit")
    app.button(key="next-digit").click().run()

    assert text_of(app, "opened-digit").startswith("**Index 19**")
    assert text_of(app, "pinned-digit").startswith("**Index 18**")
    app.button(key="previous-digit").click().run()
    app.button(key="pin-digit").click().run()
    assert "pin" not in app.query_params


def test_a_pinned_digit_is_not_another_one_of_another_split(mnist):
    app = open_page("browse", split="validation", i="18", pin="test-5")

    assert not app.exception
    with pytest.raises(KeyError):
        app.get_by_key("pinned-digit")


@pytest.mark.parametrize("value", ["18", "-1", "test-", "test-10000", "x-1", "x", ""])
def test_a_pin_that_is_no_digit_is_ignored(mnist, value):
    app = open_page("browse", i="18", pin=value)

    assert not app.exception
    with pytest.raises(KeyError):
        app.get_by_key("pinned-digit")


@pytest.mark.parametrize(
    ("page", "query", "number"),
    [("evaluate", {"look": "training"}, 4), ("browse", {"show": "wrong"}, 2)],
)
def test_a_file_that_is_being_made_is_not_taken_back(mnist, page, query, number):
    """As it would be if a click on its button ran the page again."""
    buttons = open_page(page, **query).get("download_button")

    assert len(buttons) == number
    for button in buttons:
        assert button.proto.deferred_file_id
        assert button.proto.ignore_rerun


@pytest.mark.parametrize(
    ("query", "who"),
    [
        ({"i": "4999"}, "a high-school student"),
        ({"i": "5000"}, "Census staff"),
        ({"i": "4999", "split": "validation"}, None),
    ],
)
def test_an_opened_test_digit_says_who_wrote_it(mnist, query, who):
    app = open_page("browse", **query)

    (words,) = [it.value for it in app.caption if it.value.startswith("Loss ")]
    assert words.partition("written by ")[2].split(",")[0] == (who or "")


def test_an_opened_digit_is_looked_into_when_asked(mnist):
    app = open_page("browse", i="18")
    with pytest.raises(KeyError):
        app.get_by_key("saliency")

    choose(app, "why", "ink")
    assert app.query_params["why"] == "ink"
    [by_occlusion] = pictures(app, "saliency")
    choose(app, "by", "cam")
    [by_cam] = pictures(app, "saliency")

    assert by_cam.url != by_occlusion.url
    assert_text(app, "where the last convolutions see what speaks for 3")


def test_a_step_fools_the_model(mnist):
    app = open_page("browse", i="18", why="fooled")

    assert_text(app, "It becomes a 5 at ε = ")
    before, _, after = [picture.caption for picture in pictures(app, "attack")]
    assert before == "Before: 3"
    assert after.startswith("After: 5, ")
    found = float(app.slider(key="epsilon").value)
    assert 0 < found < 0.5
    app.slider(key="epsilon").set_value(0.0).run()
    assert app.query_params["epsilon"] == "0.000"
    assert pictures(app, "attack")[-1].caption.startswith("After: 3, ")


@pytest.mark.parametrize("value", ["-1", "2", "x", "nan", ""])
def test_an_epsilon_that_is_none_is_ignored(mnist, value):
    app = open_page("browse", i="18", why="fooled", epsilon=value)

    assert not app.exception
    assert 0 <= app.slider(key="epsilon").value <= 0.5


def test_a_starred_digit_is_found_again(mnist):
    app = open_page("browse", i="18")

    app.button(key="star-digit").click().run()
    [note] = app.text_input
    note.set_value("a 3, slanted").run()

    wanted = app.query_params["mine"]
    app = open_page("browse", mine=wanted)
    app.button(key="show-starred").click().run()
    assert [tile["index"] for tile in tiles(app)] == [18]
    assert count(app) == 1
    app = open_page("browse", mine=wanted, i="18")
    assert app.text_input[0].value == "a 3, slanted"
    app.button(key="star-digit").click().run()
    assert not app.text_input
    app.button(key="star-digit").click().run()
    assert app.text_input[0].value == "a 3, slanted"  # a slip of a finger costs nothing
    app.button(key="star-digit").click().run()
    with pytest.raises(KeyError):
        app.button(key="show-starred")


def test_stars_that_cannot_be_read_say_so(mnist):
    app = open_page("browse", i="18")
    app.button(key="star-digit").click().run()
    [file] = paths.kept_dir().glob("*.stars.json")
    file.write_bytes(b"{")

    app = open_page("browse", mine=app.query_params["mine"], i="18")

    assert not app.exception
    assert "their file on the server is damaged" in app.warning[0].value


def test_the_whole_address_decides(mnist, store, evaluation):
    run = finished(store, "Mine")
    query = {"run": run.id, "show": "wrong", "true": "9", "pred": "4", "sort": "loss"}
    expected = Selection.from_query(query).indices(evaluation)

    app = open_page("browse", **query, page="2", i=str(expected[0]))

    assert app.selectbox(key="run-picker").value == run.id
    assert [tile["index"] for tile in tiles(app)] == expected.tolist()
    assert text_of(app, "opened-digit").startswith(f"**Index {expected[0]}**")


def test_evaluate_says_where_labels_end(mnist):
    app = open_page("evaluate")

    assert_text(app, "People do not agree on 15 of the labels")
    assert_text(app, "labels end at about 99.85 %")
