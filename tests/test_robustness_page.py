"""Evaluate's look at what a run withstands, without a browser."""

import json
import threading
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from mnist_core import jobs, paths
from mnist_core.corruptions import CORRUPTIONS, STEPS, Step
from mnist_core.errors import RunError
from mnist_core.evaluation import Evaluation
from mnist_core.robustness import Robustness
from mnist_core.runs import RunStore
from mnist_core.selection import MAX_AMONG, Selection
from mnist_core.sweep import Sweep
from tests.test_pages import finished
from ui import resources

APP = paths.REPOSITORY / "streamlit_app.py"
TURNED, COVERED = Step("rotation", 30), Step("occlusion", 12)
NUM_LOST = 40
PATIENCE = 60.0  # seconds


@pytest.fixture(autouse=True)
def only_pages(monkeypatch):
    """No spare trainer, and no Keras to clear, which the real server never has."""
    monkeypatch.setattr(jobs, "prepare", lambda *what: None)
    monkeypatch.setattr(script_runner, "_clean_problem_modules", lambda: None)


@pytest.fixture
def run(mnist):
    run = finished(RunStore(), "Mine")
    run.robustness_file.unlink(missing_ok=True)  # of the run that it is a copy of
    return run


@pytest.fixture
def evaluation(mnist, run):
    return Evaluation(mnist.test.labels, run.probabilities("test"))


def measured(run, evaluation, *, num_steps=None):
    """As if unchanged, but turned it loses some, and covered all that it had right."""
    said, right = evaluation.predictions, np.flatnonzero(evaluation.is_correct)
    digits = np.repeat(said[None], len(STEPS), axis=0)
    for step, lost in ((TURNED, right[:NUM_LOST]), (COVERED, right)):
        digits[STEPS.index(step), lost] = (said[lost] + 1) % 10
    robustness = Robustness(evaluation.labels, said, digits[:num_steps])
    robustness.save(run.robustness_file, model=run.digest("twin.tflite"))
    return robustness


def open_look(run, **query):
    app = AppTest.from_file(APP, default_timeout=60).run()
    for key, value in ({"run": run.id, "look": "robustness"} | query).items():
        app.query_params[key] = value
    app = app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    return app


def keys(app):
    return {button.key for button in app.button}


def data_of(app, key):
    return json.loads(app.get_by_key(key).proto.json)


def browse_link(app, words):
    [link] = [
        link
        for link in app.get("page_link")
        if link.proto.page == "browse" and words in link.proto.label
    ]
    return link.proto.label, dict(parse_qsl(link.proto.query_string))


def test_nothing_is_measured_before_somebody_asks(run):
    app = open_look(run)

    assert "measure" in keys(app)
    assert not app.get("vega_lite_chart")
    assert not run.robustness_file.exists()


def test_who_asks_sees_how_far_it_is_and_what_went_wrong(run, evaluation, monkeypatch):
    go_on = threading.Event()

    def open_reader():
        go_on.wait(PATIENCE)
        raise RunError("The model file is missing. Put it back.")

    before = Robustness.empty(evaluation.labels, evaluation.predictions)
    sweep = Sweep(before, np.zeros((10_000, 28, 28), np.uint8), open_reader, print)
    monkeypatch.setattr(resources, "sweep", lambda run: sweep)

    app = open_look(run)
    app.button(key="measure").click().run()

    assert not app.exception
    assert "measure" not in keys(app)
    assert f"0 of {len(STEPS)} · Turned by 45°" in app.get("progress")[0].proto.text
    go_on.set()
    sweep.wait(PATIENCE)
    app.run()
    assert app.error[0].value == "The model file is missing. Put it back."
    assert "measure" in keys(app)


def test_what_broke_off_is_offered_to_go_on(run, evaluation):
    measured(run, evaluation, num_steps=7)

    app = open_look(run)

    assert app.button(key="measure").label == "Measure the rest"
    assert f"7 of {len(STEPS)}" in app.get("progress")[0].proto.text


def test_what_is_read_is_shown_before_the_rest_is(run, evaluation):
    measured(run, evaluation, num_steps=10)

    app = open_look(run, kind="rotation", strength="30")

    assert len(app.get("vega_lite_chart")) == 1
    assert {"measure", "close-lost"} <= keys(app)
    assert "close-lost" not in keys(open_look(run, kind="blur", strength="1"))


def test_a_file_of_another_model_is_not_shown(run, evaluation):
    robustness = measured(run, evaluation)
    robustness.save(run.robustness_file, model="0" * 64)

    assert "measure" in keys(open_look(run))


def test_every_kind_has_a_chart_and_every_strength_its_number(run, evaluation):
    robustness = measured(run, evaluation)

    app = open_look(run)

    assert len(app.get("vega_lite_chart")) == len(CORRUPTIONS)
    for kind, corruption in CORRUPTIONS.items():
        heads, numbers = data_of(app, f"doors-{kind}")["rows"]
        assert [head["text"] for head in heads[1:]] == [
            corruption.number(strength) for strength in corruption.strengths
        ]
        for cell, point in zip(numbers[1:], robustness.points(kind), strict=True):
            is_door = point.strength != corruption.none
            assert cell["sentence"] == robustness.sentence(kind, point.strength)
            assert cell["value"] == (f"{kind} {point.strength:g}" if is_door else "")
    assert "close-lost" not in keys(app)


def test_an_address_opens_what_is_lost_there(run, evaluation):
    robustness = measured(run, evaluation)

    app = open_look(run, kind="rotation", strength="30")

    lost = robustness.newly_lost(*TURNED)
    assert app.get_by_key("lost").markdown[0].value == robustness.sentence(*TURNED)
    shown = data_of(app, "lost-tiles")["tiles"]
    assert [tile["index"] for tile in shown] == lost[:24].tolist()
    assert data_of(app, "doors-rotation")["chosen"] == "rotation 30"
    assert data_of(app, "doors-blur")["chosen"] == ""
    label, query = browse_link(app, "unchanged")
    assert f"all {NUM_LOST}" in label
    assert np.array_equal(Selection.from_query(query).indices(evaluation), lost)


def test_more_than_an_address_can_name_are_the_first_of_them(run, evaluation):
    measured(run, evaluation)

    app = open_look(run, kind="occlusion", strength="12")

    label, query = browse_link(app, "unchanged")
    assert f"the first {MAX_AMONG:,}" in label
    assert len(Selection.from_query(query).indices(evaluation)) == MAX_AMONG


def test_where_nothing_is_lost_nothing_is_linked(run, evaluation):
    measured(run, evaluation)

    app = open_look(run, kind="blur", strength="1")

    assert "0 that were right are lost" in app.get_by_key("lost").markdown[0].value
    assert not any("unchanged" in link.proto.label for link in app.get("page_link"))


@pytest.mark.parametrize(
    ("kind", "strength"),
    [("rotation", "31"), ("rotation", "0"), ("rotation", ""), ("<b>", "30"), ("", "")],
)
def test_an_address_that_names_no_change_opens_none(run, evaluation, kind, strength):
    measured(run, evaluation)

    assert "close-lost" not in keys(open_look(run, kind=kind, strength=strength))


def test_what_is_open_can_be_closed(run, evaluation):
    measured(run, evaluation)
    app = open_look(run, kind="rotation", strength="30")

    app.button(key="close-lost").click().run()

    assert not app.exception
    assert "kind" not in app.query_params and "strength" not in app.query_params
    assert "close-lost" not in keys(app)
