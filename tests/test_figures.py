import io
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mnist_core import figures
from mnist_core.calibration import Calibration
from mnist_core.evaluation import Evaluation
from mnist_core.history import EpochMetrics

MATRIX = np.diag([980, 1135, 1032, 1010, 970, 892, 958, 1028, 974, 1009])
MATRIX[4, 9] = 12


def test_a_png_is_fit_for_print():
    data = figures.confusion(MATRIX, title="Shipped run", format="png")

    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    image = Image.open(io.BytesIO(data))
    assert image.size == (round(figures.WIDTH * 300), 2070)
    assert round(image.info["dpi"][0]) == 300


def test_an_svg_is_lines_not_pixels_and_has_its_title():
    data = figures.confusion(MATRIX, title="Run <1> & 2", format="svg")

    text = data.decode()
    assert ElementTree.fromstring(data).tag.endswith("svg")
    assert "<image" not in text
    assert "Run &lt;1&gt; &amp; 2" in text


def test_an_svg_holds_each_count_that_is_not_0():
    text = figures.confusion(MATRIX, title="Run", format="svg").decode()

    assert "<!-- 1135 -->" in text
    assert "<!-- 12 -->" in text
    assert "<!-- 9,988 of 10,000 read right, 99.88 % -->" in text


def test_a_pdf_is_a_pdf():
    assert figures.confusion(MATRIX, title="Run", format="pdf").startswith(b"%PDF-")


@pytest.mark.parametrize("title", ["", "costs $5, or $x^2$", "$\\frac{", "long " * 40])
def test_any_title_is_written_as_it_is(title):
    text = figures.confusion(MATRIX, title=title, format="svg").decode()

    assert title in text


@pytest.mark.parametrize("matrix", [np.zeros((10, 10), int), np.eye(10, dtype=int)])
def test_a_matrix_without_images_or_mistakes_is_a_figure(matrix):
    assert figures.confusion(matrix, title="Run", format="png")


def test_threads_draw_the_same_figure():
    expected = figures.confusion(MATRIX, title="Run", format="png")

    with ThreadPoolExecutor(4) as threads:
        drawn = list(
            threads.map(
                lambda _: figures.confusion(MATRIX, title="Run", format="png"), range(8)
            )
        )

    assert all(data == expected for data in drawn)


def epochs(num):
    return [
        EpochMetrics(number, 1 / number, 0.9, 0.5 / number, 0.95, float(number))
        for number in range(1, num + 1)
    ]


@pytest.mark.parametrize("num", [1, 3, 40])
def test_a_history_names_both_splits_and_both_measures(num):
    text = figures.history(epochs(num), title="Run", format="svg").decode()

    for words in ("validation", "train", "Loss, nats", "Accuracy"):
        assert f"<!-- {words} -->" in text


def test_a_history_marks_its_best_epoch():
    epochs_ = [*epochs(2), EpochMetrics(3, 0.2, 0.9, 0.4, 0.9, 3.0)]

    rising = figures.history(epochs_, title="Run", format="png")
    falling = figures.history([*epochs_[:2], epochs(3)[2]], title="Run", format="png")

    assert rising != falling


@pytest.mark.parametrize("confidence", [0.2, 0.55, 1.0])
def test_reliability_is_drawn_however_sure_a_model_is(confidence):
    rest = (1 - confidence) / 9
    probabilities = np.full((30, 10), rest, np.float32)
    probabilities[:, 3] = confidence
    calibration = Calibration(Evaluation(np.arange(30) % 4, probabilities))

    text = figures.reliability(calibration, title="Run", format="svg").decode()

    assert "<!-- of this one -->" in text
