import csv
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from mnist_core import kept, selected
from mnist_core.data import Split
from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation

SPLIT = Split(
    np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8),
    np.array([3, 1, 4, 1, 5], np.uint8),
)
SAID = np.full((5, 10), 0.05, np.float32)
SAID[range(5), [3, 1, 9, 1, 5]] = 0.55
EVALUATION = Evaluation(SPLIT.labels, SAID, (2,))
STARS = {kept.fingerprint(SPLIT.images[2]): "a 4, I say"}


def rows(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_table_has_a_row_for_each_digit_in_its_order():
    found = rows(selected.to_csv(SPLIT, EVALUATION, np.array([4, 2, 0]), STARS))

    assert [row["index"] for row in found] == ["4", "2", "0"]
    assert [row["label"] for row in found] == ["5", "4", "3"]
    assert [row["predicted"] for row in found] == ["5", "9", "3"]
    assert [row["is_correct"] for row in found] == ["1", "0", "1"]
    assert [row["is_disputed"] for row in found] == ["0", "1", "0"]
    assert [row["is_starred"] for row in found] == ["0", "1", "0"]
    assert [row["note"] for row in found] == ["", "a 4, I say", ""]


def test_the_table_holds_what_was_said():
    [row] = rows(selected.to_csv(SPLIT, EVALUATION, np.array([2]), {}))

    said = [float(row[f"p{digit}"]) for digit in range(10)]
    assert said == pytest.approx(SAID[2].tolist(), abs=1e-6)
    assert float(row["confidence"]) == pytest.approx(0.55, abs=1e-6)
    assert float(row["loss"]) == pytest.approx(-np.log(0.05), abs=1e-4)


@pytest.mark.parametrize("note", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_note_is_a_formula(note):
    stars = {kept.fingerprint(SPLIT.images[0]): note}

    [row] = rows(selected.to_csv(SPLIT, EVALUATION, np.array([0]), stars))

    assert row["note"] == f"'{note}"


def test_a_note_of_several_lines_and_letters_stays_one():
    note = 'two\nlines, "quoted", größer'
    stars = {kept.fingerprint(SPLIT.images[0]): note}

    [row] = rows(selected.to_csv(SPLIT, EVALUATION, np.array([0]), stars))

    assert row["note"] == note


def test_the_archive_holds_each_image_and_the_table():
    indices = np.array([2, 0])

    data = selected.to_zip(SPLIT, EVALUATION, indices, STARS)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert names == [
            "digits.csv",
            "00002-label-4-read-9.png",
            "00000-label-3-read-3.png",
        ]
        table = archive.read("digits.csv")
        assert table == selected.to_csv(SPLIT, EVALUATION, indices, STARS)
        image = np.array(Image.open(io.BytesIO(archive.read(names[1]))).convert("L"))
    assert np.array_equal(image, SPLIT.images[2])


def test_too_many_images_are_refused(monkeypatch):
    monkeypatch.setattr(selected, "MAX_IMAGES", 2)

    with pytest.raises(ConfigError, match="3 images are too many for one file: 2 at"):
        selected.to_zip(SPLIT, EVALUATION, np.arange(3), {})
