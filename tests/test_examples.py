import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pytest

from mnist_core import drawing, examples, impostors, inking, paths, pens, styles
from mnist_core.__main__ import main
from mnist_core.data import Mnist, Split
from mnist_core.data.sources import Located


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    folder = tmp_path / "cache" / "examples"
    monkeypatch.setattr(paths, "examples_dir", lambda: folder)
    monkeypatch.setattr(examples, "NUM_IMPOSTORS", 50)
    monkeypatch.setattr(examples, "NUM_STYLED", 20)
    return folder


@pytest.fixture
def drawn(monkeypatch):
    """How often they have been drawn."""
    times = []
    draw = examples._drawn
    monkeypatch.setattr(
        examples, "_drawn", lambda mnist: times.append(mnist) or draw(mnist)
    )
    return times


def of(mnist):
    """As another process would ask for them."""
    examples.of.cache_clear()
    return examples.of(mnist)


def files(folder):
    return sorted(folder.glob("*"))


def same(first, second):
    names = ("digits", "impostors", "held_out")
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in names
    )


def test_what_is_drawn_begins_with_the_digits_themselves(small_mnist):
    found = of(small_mnist)

    assert np.array_equal(found.digits[:300], small_mnist.train.images)
    assert len(found.impostors) == examples.NUM_IMPOSTORS
    expected = pens.rewritten(small_mnist.validation.images, seed=2)
    assert np.array_equal(found.held_out, expected)


def test_the_next_process_reads_what_one_has_drawn(small_mnist, drawn, folder):
    first = of(small_mnist)
    second = of(small_mnist)

    assert len(drawn) == 1
    assert same(first, second)
    assert len(files(folder)) == 1  # no temporary file is left


def test_the_command_that_draws_them_says_so_before_and_only_then(
    small_mnist, monkeypatch, capsys
):
    said = []
    draw = examples._drawn

    def drawn(mnist):
        said.append(capsys.readouterr().err)
        return draw(mnist)

    located = Located(Path("mnist.npz"), "cache")
    monkeypatch.setattr("mnist_core.data.fetch_mnist", lambda report: located)
    monkeypatch.setattr("mnist_core.data.load_mnist", lambda: small_mnist)
    monkeypatch.setattr(examples, "_drawn", drawn)
    for _ in range(2):
        examples.of.cache_clear()
        assert main(["data"]) == 0

    assert said == ["Drawing examples of what is no digit: some seconds.\n"]
    assert capsys.readouterr().err == ""


def relabelled(split):
    return Split(split.images, (split.labels + 1) % 10)


@pytest.mark.parametrize("name", ["train", "validation"])
@pytest.mark.parametrize("change", [lambda split: split[:-1], relabelled])
def test_other_digits_have_examples_of_their_own(
    small_mnist, drawn, folder, name, change
):
    other = replace(small_mnist, **{name: change(getattr(small_mnist, name))})

    of(small_mnist)
    of(other)

    assert len(drawn) == len(files(folder)) == 2


def test_other_code_draws_anew(small_mnist, drawn, monkeypatch):
    of(small_mnist)
    monkeypatch.setattr(examples, "_CODE", examples._CODE + b" ")
    of(small_mnist)

    assert len(drawn) == 2


def test_all_that_draws_is_part_of_the_code():
    for module in (drawing, examples, impostors, inking, pens, styles):
        assert inspect.getsource(module).encode() in examples._CODE
    assert f"{np.__version__}{PIL.__version__}".encode() in examples._CODE


@pytest.mark.parametrize("damage", [b"", b"PK\3\4", None])
def test_a_damaged_file_is_drawn_and_written_again(small_mnist, drawn, folder, damage):
    first = of(small_mnist)
    (file,) = files(folder)
    whole = file.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    file.write_bytes(flipped if damage is None else damage)

    assert same(of(small_mnist), first)
    assert len(drawn) == 2
    assert file.read_bytes() == whole


def test_a_file_of_another_kind_is_drawn_again(small_mnist, folder):
    first = of(small_mnist)
    (file,) = files(folder)
    with file.open("wb") as other:
        np.save(other, first.digits)

    assert same(of(small_mnist), first)


def test_a_file_without_all_arrays_is_drawn_again(small_mnist, folder):
    first = of(small_mnist)
    (file,) = files(folder)
    np.savez(file, digits=first.digits, other=first.digits)

    assert same(of(small_mnist), first)


def test_they_are_drawn_where_nothing_can_be_kept(small_mnist, folder):
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.write_text("A file is in the way.")

    assert len(of(small_mnist).impostors) == examples.NUM_IMPOSTORS


def test_they_are_read_where_nothing_can_be_written(small_mnist, drawn, monkeypatch):
    first = of(small_mnist)

    def refuse(path):
        raise PermissionError(f"{path} is read-only.")

    monkeypatch.setattr(Path, "touch", refuse)

    assert same(of(small_mnist), first)
    assert len(drawn) == 1


def test_they_are_drawn_for_a_user_without_a_home(small_mnist, monkeypatch):
    def refuse():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(paths, "examples_dir", refuse)

    assert len(of(small_mnist).impostors) == examples.NUM_IMPOSTORS


def test_only_those_used_last_are_kept(small_mnist, folder, monkeypatch):
    monkeypatch.setattr(examples, "MAX_KEPT", 2)
    splits = [
        Mnist(small_mnist.train[:number], small_mnist.validation, small_mnist.test)
        for number in (100, 101, 102)
    ]
    for split in (splits[0], splits[1], splits[0], splits[2]):
        of(split)

    digests = [examples._digest(split) for split in (splits[0], splits[2])]
    assert {file.stem for file in files(folder)} == set(digests)
