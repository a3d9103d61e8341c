"""What its labels are worth: the look on Evaluate, and what leads there and away."""

import json
import shutil
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from mnist_core import data, jobs, label_noise, paths
from mnist_core.config import TrainConfig
from mnist_core.data import DISPUTED_TEST, NUM_BY_STUDENTS, PEOPLE_READ
from mnist_core.evaluation import Evaluation
from mnist_core.files import read_json, write_json
from mnist_core.reader import Reader
from mnist_core.recipes import DEFAULT, RECIPES
from mnist_core.runs import RunStore
from mnist_core.selection import Selection
from mnist_core.suspects import Disputed, Search, Suspects
from ui import resources

APP = paths.REPOSITORY / "streamlit_app.py"
NUM_TRAIN = 1_000  # a second to read


@pytest.fixture(autouse=True)
def no_spare_trainer(monkeypatch):
    monkeypatch.setattr(jobs, "prepare", lambda *what: None)


@pytest.fixture(autouse=True)
def no_keras_to_clear(monkeypatch):
    """See `test_pages`."""
    monkeypatch.setattr(script_runner, "_clean_problem_modules", lambda: None)


@pytest.fixture
def evaluation(mnist):
    shipped = RunStore().get(paths.SHIPPED_RUN_ID)
    return Evaluation(mnist.test.labels, shipped.probabilities("test"), DISPUTED_TEST)


@pytest.fixture
def copied(mnist):
    """Makes runs that read as the shipped one does, of few train digits."""

    def copy(**settings):
        store = RunStore()
        run = store.create(TrainConfig(), "Copy")
        shutil.copytree(paths.shipped_run_dir(), run.folder, dirs_exist_ok=True)
        file = run.folder / "run.json"
        content = read_json(file)
        content["config"] |= {"num_train": NUM_TRAIN, **settings}
        write_json(file, content)
        return store.get(run.id)

    return copy


def search(run):
    """What the run makes of the labels that it was given, beside those made wrong."""
    train = data.load_mnist(num_train=run.config.num_train).train
    noisy, is_flipped = label_noise.flipped(train.labels, run.config)
    read = Reader(run.file("twin.tflite")).read(train.images)
    return Search(Suspects(Evaluation(noisy, read.probabilities)), is_flipped)


def open_page(name, /, **query):
    app = AppTest.from_file(APP, default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def labels(**query):
    return open_page("evaluate", look="labels", **query)


def text_of(app, key):
    return app.get_by_key(key).markdown[0].value


def texts(app):
    return [
        item.value for kind in ("markdown", "caption") for item in getattr(app, kind)
    ]


def tiles(app, key):
    return json.loads(app.get_by_key(key).proto.json)["tiles"]


def doors(app):
    """The links to Browse: by their words, what the address says."""
    return {
        link.proto.label: dict(parse_qsl(link.proto.query_string))
        for link in app.get("page_link")
        if link.proto.page == "browse"
    }


def test_disputed_labels_are_counted_shown_and_lead_to_browse(evaluation):
    app = labels()

    assert text_of(app, "disputed") == Disputed(evaluation, PEOPLE_READ).sentences()
    shown = tiles(app, "disputed-tiles")
    assert [tile["index"] for tile in shown] == list(DISPUTED_TEST)
    read = evaluation.predictions
    assert shown[0]["caption"] == f"8 · 9 · {read[947]}"
    assert shown[3]["caption"] == f"4 · – · {read[2130]}"
    assert doors(app)["See them in Browse"] == {"run": "shipped", "disputed": "only"}


def test_both_groups_of_writers_have_their_accuracy_and_mistakes(evaluation):
    app = labels()

    for who, rows in (
        ("High-school students", slice(0, NUM_BY_STUDENTS)),
        ("Staff of the Census Bureau", slice(NUM_BY_STUDENTS, None)),
    ):
        part = Evaluation(evaluation.labels[rows], evaluation.probabilities[rows])
        assert f"**{who}**: {part.sentence()}" in texts(app)
        query = doors(app)[f"See the {part.num_mistakes} mistakes"]
        found = Selection.from_query(query).indices(evaluation)
        assert len(found) == part.num_mistakes
        assert not evaluation.is_correct[found].any()


def test_validation_digits_were_held_out_and_are_searched_too(mnist, copied):
    run = copied()
    read = Evaluation(mnist.validation.labels, run.probabilities("validation"))
    count = len(Suspects(read).indices)

    app = labels(run=run.id, labels="validation")

    assert f"It doubts **{count or 'none'}** of 5,000 labels." in texts(app)
    assert any("It has never learned from these labels." in text for text in texts(app))


def test_without_wrong_labels_the_training_digits_invite_to_the_experiment(copied):
    run = copied()

    app = labels(run=run.id, labels="train")

    assert text_of(app, "suspects").endswith(f"of {NUM_TRAIN:,} labels.")
    assert any("It has learned from these very labels" in text for text in texts(app))
    app.button(key="experiment").click().run()
    assert app.title[0].value == "Train"
    assert app.number_input(key="set-fast-label_noise").value == 0.1


def test_the_training_digits_are_read_only_when_they_are_asked_for(monkeypatch, copied):
    run = copied(seed=77)
    read = []
    monkeypatch.setattr(Reader, "read", lambda self, images: read.append(images))

    labels(run=run.id)
    labels(run=run.id, labels="validation")

    assert read == []


def test_of_wrong_labels_it_is_said_how_many_are_found(copied):
    run = copied(label_noise=0.2)
    expected = search(run)
    assert len(expected.found) > 150

    app = labels(run=run.id, labels="train")

    assert text_of(app, "search") == expected.sentence()
    assert app.button_group(key="which").options == [
        f"Wrong and doubted · {len(expected.found)}",
        f"Wrong, not doubted · {len(expected.missed)}",
        f"Doubted, not made wrong · {len(expected.false)}",
    ]
    indices = [tile["index"] for tile in tiles(app, "doubted-tiles")]
    assert indices == expected.found[:32].tolist()
    query = doors(app)[f"See all {len(expected.found)} in Browse"]
    assert query["split"] == "train"
    among = Selection.from_query(query).among
    assert among == tuple(sorted(expected.found.tolist()))


def test_more_than_an_address_holds_are_the_most_doubtful(copied, monkeypatch):
    monkeypatch.setattr("ui.evaluate.labels.MAX_AMONG", 50)
    run = copied(label_noise=0.2)
    expected = search(run)

    app = labels(run=run.id, labels="train")

    count = len(expected.found)
    query = doors(app)[f"See the 50 most doubtful of {count} in Browse"]
    among = Selection.from_query(query).among
    assert among == tuple(sorted(expected.found[:50].tolist()))


def test_an_opened_digit_says_what_its_label_was(copied):
    run = copied(label_noise=0.2)
    expected = search(run)
    true = data.load_mnist(num_train=NUM_TRAIN).train.labels
    wrong = expected.found[0]

    app = labels(run=run.id, labels="train", i=str(wrong))

    given = expected.suspects.evaluation.labels[wrong]
    assert any(
        text.startswith(f"**Index {wrong}** · labelled **{given}**")
        for text in texts(app)
    )
    sentence = f"Its label was made wrong on purpose: MNIST says {true[wrong]}."
    assert any(text.endswith(sentence) for text in texts(app))
    browsed = open_page("browse", run=run.id, split="train", i=str(wrong))
    assert any(text.endswith(sentence) for text in texts(browsed))
    right = np.flatnonzero(~expected.is_flipped)[0]
    other = labels(run=run.id, labels="train", i=str(right))
    assert not any("made wrong on purpose: MNIST" in text for text in texts(other))


def test_browse_shows_the_labels_that_the_run_learned_from(copied):
    run = copied(label_noise=0.2)
    expected = search(run).suspects.evaluation

    app = open_page("browse", run=run.id, split="train", show="wrong")

    assert text_of(app, "gallery-count") == f"**{expected.num_mistakes}** found"
    assert any("were made wrong on purpose for this run" in text for text in texts(app))


def test_what_is_remembered_of_one_run_s_labels_is_not_shown_of_another_s(copied):
    for settings in ({}, {"label_noise": 0.2}, {"label_noise": 0.2, "seed": 5}):
        run = copied(**settings)
        read = search(run).suspects.evaluation
        count = int((read.labels == 3).sum())

        app = open_page("browse", run=run.id, split="train", true="3")

        assert text_of(app, "gallery-count") == f"**{count}** found"


def test_the_nearest_training_digits_have_the_labels_that_were_learned(copied):
    resources._reference.clear()  # by what the run gave, and all copies give the same
    run = copied(label_noise=0.2)

    reference = resources.reference(run).result()

    assert np.array_equal(
        reference.split.labels, search(run).suspects.evaluation.labels
    )
    resources._reference.clear()


def test_a_link_to_the_experiment_fills_the_form(mnist):
    app = open_page("train", set="label_noise=0.1")

    assert app.number_input(key="set-fast-label_noise").value == 0.1
    assert app.query_params["set"] in ("label_noise=0.1", ["label_noise=0.1"])


def test_the_experiment_fills_the_form_also_for_who_has_been_there(copied):
    run = copied()
    app = open_page("train")
    app.number_input(key="set-fast-epochs").set_value(7).run()
    app.switch_page("pages/evaluate.py").run()
    for key, value in {"run": run.id, "look": "labels", "labels": "train"}.items():
        app.query_params[key] = value
    app.run()

    app.button(key="experiment").click().run()

    usual = RECIPES[DEFAULT].config
    assert app.number_input(key="set-fast-label_noise").value == 0.1
    assert app.number_input(key="set-fast-epochs").value == usual.epochs
    app.switch_page("pages/train.py").run()
    app.number_input(key="set-fast-label_noise").set_value(0.3).run()
    assert app.number_input(key="set-fast-label_noise").value == 0.3
