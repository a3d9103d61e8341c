import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mnist_core import kept
from mnist_core.errors import KeptError
from mnist_core.kept import StarStore
from mnist_core.kept import folder as kept_folder
from mnist_core.kept import stars as kept_stars

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)


@pytest.fixture
def store(tmp_path):
    return StarStore(tmp_path / "kept")


@pytest.fixture
def set_id():
    return kept.new_id()


def file_of(tmp_path, set_id):
    return tmp_path / "kept" / f"{set_id}.stars.json"


def test_nobody_has_stars_at_first(store, set_id, tmp_path):
    assert store.get(set_id) == {}
    assert not (tmp_path / "kept").exists()


def test_a_star_and_its_note_are_there_for_another_process(store, set_id, tmp_path):
    store.put(set_id, IMAGES[2], "Looks like a 4 – größer")

    stars = StarStore(tmp_path / "kept").get(set_id)

    assert stars == {kept.fingerprint(IMAGES[2]): "Looks like a 4 – größer"}


def test_a_note_is_changed_in_its_place(store, set_id):
    for image in IMAGES[:3]:
        store.put(set_id, image, "")

    store.put(set_id, IMAGES[1], "new")

    assert list(store.get(set_id).values()) == ["", "new", ""]


def test_the_last_star_taken_off_leaves_no_file(store, set_id, tmp_path):
    store.put(set_id, IMAGES[0], "")
    store.put(set_id, IMAGES[1], "")

    store.remove(set_id, IMAGES[0])
    assert list(store.get(set_id)) == [kept.fingerprint(IMAGES[1])]
    store.remove(set_id, IMAGES[1])

    assert not file_of(tmp_path, set_id).exists()


def test_a_star_that_is_not_there_is_taken_off_in_silence(store, set_id):
    store.remove(set_id, IMAGES[0])

    assert store.get(set_id) == {}


def test_stars_are_found_by_what_an_image_shows(store, set_id):
    for index in (4, 1):
        store.put(set_id, IMAGES[index], "")

    found = kept.starred(IMAGES[::-1], store.get(set_id))

    assert found.tolist() == [1, 4]


def test_stars_and_drawings_of_one_id_are_apart(store, set_id, tmp_path):
    drawings = kept.KeptStore(tmp_path / "kept")
    drawings.add(set_id, kept.single(IMAGES[0], 3))
    store.put(set_id, IMAGES[1], "")

    drawings.delete(set_id)

    assert len(store.get(set_id)) == 1
    store.delete(set_id)
    assert store.get(set_id) == {}


def test_too_many_stars_are_refused_and_none_is_lost(store, set_id, monkeypatch):
    monkeypatch.setattr(kept_stars, "MAX_STARS", 2)
    store.put(set_id, IMAGES[0], "")
    store.put(set_id, IMAGES[1], "")

    with pytest.raises(KeptError, match="You can star 2 digits"):
        store.put(set_id, IMAGES[2], "")

    store.put(set_id, IMAGES[1], "a note to an old one is no new star")
    assert len(store.get(set_id)) == 2


def test_a_long_note_is_refused(store, set_id):
    with pytest.raises(KeptError, match="at most 200 characters"):
        store.put(set_id, IMAGES[0], "x" * 201)


def test_a_full_server_says_so(store, set_id, monkeypatch):
    monkeypatch.setattr(kept_folder, "MAX_SETS", 0)

    with pytest.raises(KeptError, match="keeps as much"):
        store.put(set_id, IMAGES[0], "")


@pytest.mark.parametrize("bad", ["", "x", "../../../../etc/passwd", "a" * 23])
def test_what_is_no_id_has_no_stars(store, bad):
    with pytest.raises(KeptError, match="no such set"):
        store.get(bad)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"zz": ""}', b'{"00": 1}', b"[" * 100_000]
)
def test_a_damaged_file_gets_a_sentence_and_can_be_deleted(
    store, set_id, tmp_path, data
):
    store.put(set_id, IMAGES[0], "")
    file_of(tmp_path, set_id).write_bytes(data)

    with pytest.raises(KeptError, match="damaged"):
        store.get(set_id)

    store.delete(set_id)
    assert store.get(set_id) == {}


def test_the_file_is_plain_json(store, set_id, tmp_path):
    store.put(set_id, IMAGES[0], "why")

    rows = json.loads(file_of(tmp_path, set_id).read_bytes())

    assert rows == {kept.fingerprint(IMAGES[0]).hex(): "why"}


def test_stars_given_at_the_same_moment_are_all_there(set_id, tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (40, 28, 28), dtype=np.uint8)

    def give(image):
        StarStore(tmp_path / "kept").put(set_id, image, "")  # as another tab

    with ThreadPoolExecutor(8) as tabs:
        list(tabs.map(give, images))

    stars = StarStore(tmp_path / "kept").get(set_id)
    assert set(stars) == {kept.fingerprint(image) for image in images}


def test_stars_that_are_looked_at_count_as_used(store, set_id, tmp_path):
    store.put(set_id, IMAGES[0], "")
    file = file_of(tmp_path, set_id)
    then = time.time() - 2 * kept.DAY
    os.utime(file, (then, then))

    store.get(set_id)

    assert time.time() - file.stat().st_mtime < kept.DAY
