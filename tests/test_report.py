"""The report of the shipped run, and of one that people named as they liked."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from mnist_core import data, paths, report
from mnist_core.calibration import Calibration
from mnist_core.config import TrainConfig
from mnist_core.evaluation import Evaluation, percent
from mnist_core.runs import RunStore
from mnist_core.selection import Selection

VOID = {"meta", "img", "br", "link"}


@pytest.fixture(scope="module")
def run():
    return RunStore(paths.saved_model_dir()).get(paths.SHIPPED_RUN_ID)


@pytest.fixture(scope="module")
def split(mnist):
    return mnist.test


@pytest.fixture(scope="module")
def evaluation(run, split):
    return Evaluation(split.labels, run.probabilities("test"), data.DISPUTED_TEST)


@pytest.fixture(scope="module")
def text(run, split, evaluation):
    return report.html(run, split, evaluation, Calibration(evaluation))


class Balance(HTMLParser):
    """Raises if a tag is not closed in its order."""

    def __init__(self):
        super().__init__()
        self.opened = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag


def test_its_tags_are_balanced(text):
    parser = Balance()

    parser.feed(text)

    assert parser.opened == []


def test_it_needs_nothing_from_elsewhere(text):
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)

    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "<script" not in text
    assert "@import" not in text


def test_it_says_the_accuracy_its_interval_and_where_labels_end(text, evaluation):
    assert evaluation.sentence() in text
    assert evaluation.ceiling() in text


def test_it_holds_every_count_of_the_matrix_in_its_place(text, evaluation):
    table = text[text.index('class="matrix"') :]
    cells = re.findall(r"<td [^>]*>(\d*)</td>", table[: table.index("</table>")])

    counts = [int(cell or 0) for cell in cells]
    assert counts == evaluation.confusion_matrix.ravel().tolist()


def test_it_holds_the_scores_of_every_digit(text, evaluation):
    for digit in evaluation.digits:
        scores = digit.precision, digit.recall, digit.f1
        row = "".join(f"<td>{score:.4f}</td>" for score in scores)
        assert f'<th scope="row">{digit.digit}</th>{row}' in text


def test_it_shows_the_worst_mistakes_with_a_picture_each(text, evaluation):
    worst = Selection(outcome="wrong", sort="loss").indices(evaluation)[:25]

    shown = re.findall(r"<figcaption>(\d+): (\d) read as (\d), ([^<,]+)", text)

    assert [int(index) for index, *_ in shown] == worst.tolist()
    assert text.count('src="data:image/png;base64,') == len(worst)
    for index, true, predicted, confidence in shown:
        assert int(true) == evaluation.labels[int(index)]
        assert int(predicted) == evaluation.predictions[int(index)]
        assert confidence == percent(float(evaluation.confidences[int(index)]))


def test_it_holds_every_setting_and_marks_those_that_were_changed(text, run):
    for name in TrainConfig.__dataclass_fields__:
        assert f"<td>{name}</td>" in text
    assert f"<strong>{run.config.epochs}</strong>" in text
    assert f"<td>seed</td><td><strong>{run.config.seed}</strong>" in text


def test_it_names_the_model_and_the_versions(text, run):
    assert run.result.sha256["model.keras"] in text
    assert re.search(r"Python 3\.\d+\.\d+, tensorflow 2\.", text)


def test_a_name_and_a_note_are_text_whatever_they_say(run, split, evaluation):
    nasty = "<script>alert(1)</script> & {{ 7 * 7 }} $x^2$"
    named = replace(run, name=nasty, note=nasty)

    text = report.html(named, split, evaluation, Calibration(evaluation))

    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ 7 * 7 }}") == 3


def test_a_run_without_curves_or_mistakes_has_a_report(run, split, tmp_path):
    perfect = Evaluation(split.labels, np.eye(10, dtype=np.float32)[split.labels])
    bare = replace(run, folder=tmp_path, note="")

    text = report.html(bare, split, perfect, Calibration(perfect))

    assert "The curves of this run are not on disk." in text
    assert text.count("It makes no mistake.") == 2
