import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from mnist_core.files import (
    append_json_line,
    read_json,
    read_json_lines,
    whole_file,
    write_json,
)

OLD, NEW = "old" * 30_000, "new" * 40_000
# argv: the file, and where the process kills itself.
KILLED = """\
import os, signal, sys
from pathlib import Path

from mnist_core import files

path, moment = Path(sys.argv[1]), sys.argv[2]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dying(function, *, first):
    def wrapper(*arguments):
        result = None if first else function(*arguments)
        die()
        return result
    return wrapper

if moment == "before the flush":
    os.fsync = dying(os.fsync, first=True)
if moment == "after the flush":
    os.fsync = dying(os.fsync, first=False)
if moment == "before the rename":
    Path.replace = dying(Path.replace, first=True)
if moment == "after the rename":
    Path.replace = dying(Path.replace, first=False)
with files.whole_file(path) as temporary:
    if moment == "before writing":
        die()
    with temporary.open("w") as file:
        for i in range(4):
            file.write("new" * 10_000)
            file.flush()
            if moment == f"after {i + 1} quarters":
                die()
    if moment == "after writing":
        die()
"""
BEFORE_RENAME = [
    "before writing",
    *[f"after {i} quarters" for i in (1, 2, 3, 4)],
    "after writing",
    "before the flush",
    "after the flush",
    "before the rename",
]


def kill_while_writing(path, moment):
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), moment], check=False
    )
    assert process.returncode == -signal.SIGKILL  # it got that far and no further


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_with_what_the_block_wrote(tmp_path):
    path = tmp_path / "a.txt"

    with whole_file(path) as temporary:
        temporary.write_text(NEW)

    assert path.read_text() == NEW
    assert names(tmp_path) == ["a.txt"]


def test_the_old_file_is_there_until_the_block_ends(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(OLD)

    with whole_file(path) as temporary:
        temporary.write_text(NEW)
        during = path.read_text()

    assert during == OLD
    assert path.read_text() == NEW


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("content", [None, OLD], ids=["absent", "present"])
def test_a_block_that_raises_leaves_things_as_they_were(tmp_path, content, error):
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_text(content)
    before = names(tmp_path)

    with pytest.raises(error), whole_file(path) as temporary:
        temporary.write_text(NEW)
        raise error

    assert names(tmp_path) == before
    assert content is None or path.read_text() == content


def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path):
    path = tmp_path / "a.txt"
    path.mkdir()  # no file can take its place

    with pytest.raises(OSError), whole_file(path) as temporary:
        temporary.write_text(NEW)

    assert names(tmp_path) == ["a.txt"]


def test_the_temporary_name_keeps_the_suffix_and_is_hidden(tmp_path):
    with whole_file(tmp_path / "model.keras") as temporary:
        temporary.touch()

        assert temporary.suffix == ".keras"
        assert temporary.name.startswith(".")
        assert temporary.parent == tmp_path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("moment", BEFORE_RENAME)
def test_a_kill_before_the_rename_leaves_the_old_file(tmp_path, moment):
    path = tmp_path / "a.txt"
    path.write_text(OLD)

    kill_while_writing(path, moment)

    assert path.read_text() == OLD


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("moment", BEFORE_RENAME)
def test_a_kill_before_the_rename_leaves_no_part_of_a_new_file(tmp_path, moment):
    path = tmp_path / "a.txt"

    kill_while_writing(path, moment)

    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_after_the_rename_leaves_the_new_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(OLD)

    kill_while_writing(path, "after the rename")

    assert path.read_text() == NEW


def test_bytes_are_flushed_before_the_rename_and_the_folder_after_it(
    tmp_path, monkeypatch
):
    path, events = tmp_path / "a.txt", []
    fsync = os.fsync

    def recorded(descriptor):
        events.append(path.exists())  # false before the rename
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    with whole_file(path) as temporary:
        temporary.write_text(NEW)

    assert events == ([False] if os.name == "nt" else [False, True])


def test_two_threads_may_write_the_same_file_at_once(tmp_path):
    path = tmp_path / "a.json"
    other = threading.Thread(target=write_json, args=(path, {"writer": "other"}))

    with whole_file(path) as temporary:
        temporary.write_text('{"writer": "one"}')
        other.start()
        other.join(timeout=1)  # it may also wait until this one has finished
    other.join()

    assert read_json(path)["writer"] in ("one", "other")
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    "value", [{}, {"a": [1, 2.5, None, True], "b": {"ü": "“x”\n"}}]
)
def test_a_json_object_survives_the_disk(tmp_path, value):
    write_json(tmp_path / "a.json", value)

    assert read_json(tmp_path / "a.json") == value


def test_a_value_that_is_not_json_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    with pytest.raises(TypeError):
        write_json(path, {"a": {1, 2}})

    assert read_json(path) == {"a": 1}
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null", "true", "[{}]"])
def test_json_that_is_no_object_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(ValueError, match=r"a\.json does not hold a JSON object\."):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": 1', b"{'a': 1}", b"\x00" * 20, b"\xff\xfe{}", b'{"a": "\xe4"}'],
)
def test_a_damaged_json_file_is_a_value_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)

    with pytest.raises(ValueError):
        read_json(tmp_path / "a.json")


def test_endless_brackets_are_a_value_error(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)

    with pytest.raises(ValueError):
        read_json(tmp_path / "a.json")


def test_a_missing_json_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "a.json")


def test_lines_come_back_in_order(tmp_path):
    path, values = tmp_path / "a.jsonl", [{"i": i, "text": "ü\n"} for i in range(20)]

    for value in values:
        append_json_line(path, value)

    assert read_json_lines(path) == values
    assert path.read_bytes().count(b"\n") == 20


@pytest.mark.parametrize("num_bytes", range(1, 10))
def test_a_torn_last_line_is_passed_over_and_closed_off(tmp_path, num_bytes):
    path = tmp_path / "a.jsonl"
    append_json_line(path, {"i": 0})
    torn = json.dumps({"i": 1}).encode()[:num_bytes]
    path.write_bytes(path.read_bytes() + torn)
    before = read_json_lines(path)

    append_json_line(path, {"i": 2})

    after = read_json_lines(path)
    assert before == [{"i": 0}]
    assert after[0] == {"i": 0}
    assert after[-1] == {"i": 2}
    assert len(after) == (3 if torn == b'{"i": 1}' else 2)


@pytest.mark.parametrize(
    "line",
    [b"", b"not json", b"[1]", b"7", b"null", b'{"i": ', b"\xff\x00\x80", b"{}}"],
)
def test_a_damaged_line_hides_no_other(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"i": 0}\n' + line + b'\n{"i": 2}\n')

    assert read_json_lines(path) == [{"i": 0}, {"i": 2}]


def test_a_line_of_endless_brackets_hides_no_other(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"i": 0}\n' + b"[" * 100_000 + b'\n{"i": 2}\n')

    assert read_json_lines(path) == [{"i": 0}, {"i": 2}]
