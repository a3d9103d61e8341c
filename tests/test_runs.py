import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest
from filelock import FileLock

from mnist_core import jobs, paths, runs
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError
from mnist_core.files import (
    append_json_line,
    read_json,
    read_json_lines,
    write_json,
)
from mnist_core.runs import MAX_NAME, MAX_WAITING, RESULT_FILES, STARTING, RunStore

CONFIG = TrainConfig(
    architecture="softmax", epochs=2, num_train=500, num_validation=500
)
FIGURES = {
    "num_parameters": 7850,
    "num_epochs": 2,
    "seconds": 1.5,
    "validation_accuracy": 0.5,
    "test_accuracy": 0.25,
}
EPOCH = {
    "kind": "epoch",
    "epoch": 1,
    "loss": 0.5,
    "accuracy": 0.8,
    "val_loss": 0.4,
    "val_accuracy": 0.9,
    "seconds": 1.0,
}
BATCHES = {
    "kind": "batches",
    "epoch": 1,
    "step": 1,
    "num_steps": 8,
    "loss": 2.3,
    "accuracy": 0.1,
    "images_per_second": 100.0,
    "seconds_left": 7.0,
}
HOLDING = """\
import sys
from filelock import FileLock

with FileLock(sys.argv[1]):
    print("ready", flush=True)
    sys.stdin.read()
"""
LOOKING = """\
import sys
from pathlib import Path

from mnist_core.runs import RunStore

store = RunStore(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    store.runs()
"""
WRONG_NAMES = [
    " ",
    "../../etc/x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "abc\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "<img src=x onerror=alert(1)>",
    "![](http://example.com/pixel.png)",
    "[click](http://example.com)",
    "=HYPERLINK(1)",
    "-rf",
    ".hidden",
    "\N{GRINNING FACE}",
    "model \N{GRINNING FACE}",
    "a" * 61,
    "a" * 1_000_000,
]


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The folder of a shipped run that no mistake of ours can take out of git."""
    repository = tmp_path / "repository"
    made = finished(RunStore(tmp_path / "made"), "Came along")
    monkeypatch.setattr(paths, "REPOSITORY", repository)
    return shutil.copytree(made.folder, paths.shipped_run_dir())


@pytest.fixture
def clock(monkeypatch):
    """The time of day, to be set by a test."""

    class Clock(datetime):
        time = datetime(2026, 10, 25, 2, 59, 59, 990_000)

        @classmethod
        def now(cls, tz=None):
            return cls.time

    for module in (runs.folder, runs.store):
        monkeypatch.setattr(module, "datetime", Clock)
    return Clock


@pytest.fixture
def read_only(store):
    """A store with an interrupted run, in a folder that cannot be written."""
    store.root.mkdir()
    is_root = os.geteuid() == 0
    if is_root and mount("-t", "tmpfs", "tmpfs", store.root):
        pytest.skip("for root, a folder is read-only only if it may be mounted so")
    try:
        ended(store, "interrupted")
        if is_root:
            mount("-o", "remount,ro", store.root, check=True)
        else:
            for folder in (store.root, *store.root.iterdir()):
                folder.chmod(0o555)
        yield store
    finally:
        if is_root:
            subprocess.run(["umount", store.root], check=True)
        else:
            for folder in (store.root, *store.root.iterdir()):
                folder.chmod(0o755)


def mount(*arguments, check=False):
    command = ["mount", *arguments]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=check).returncode


def ended(store, state="done", name=""):
    run = store.create(CONFIG, name)
    runs.write_state(run, state)
    return store.get(run.id)


def finished(store, name=""):
    """A run with result files, whole but for what a model would make of them."""
    run = ended(store, name=name)
    for file in RESULT_FILES:
        (run.folder / file).write_bytes(np.random.default_rng(1).bytes(1000))
    splits = {"test": np.eye(10, dtype=np.float32), "validation": np.zeros((5, 10))}
    np.savez(run.folder / "predictions.npz", allow_pickle=False, **splits)
    digests = {
        file: sha256((run.folder / file).read_bytes()).hexdigest()
        for file in RESULT_FILES
    }
    write_json(run.folder / "result.json", {**FIGURES, "sha256": digests})
    return store.get(run.id)


@contextmanager
def another_process(script, path):
    """A script is at work for as long as the block lasts."""
    command = [sys.executable, "-c", script, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=paths.REPOSITORY, **pipes) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


def set_key(path, key, value):
    write_json(path, {**read_json(path), key: value})


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_lines(run, *lines):
    text = "".join(
        line if isinstance(line, str) else json.dumps(line) for line in lines
    )
    (run.folder / "progress.jsonl").write_text(text)


# What a run is called


@pytest.mark.parametrize(
    "name",
    ["a", "CNN 2.1 final_v-3", "Ωμέγα", "модель 7", "模型", "3 epochs", "a" * 60],
)
def test_a_name_has_letters_of_any_script(store, name):
    assert store.create(CONFIG, name).name == name


def test_a_name_is_tidied(store):
    assert store.create(CONFIG, "  Cafe\N{COMBINING ACUTE ACCENT} ").name == "Café"


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_a_run_is_not_made_under_a_wrong_name(store, name):
    with pytest.raises(RunError, match="1 to 60 letters, digits, spaces"):
        store.create(CONFIG, name)

    assert [run.id for run in store.runs()] == [paths.SHIPPED_RUN_ID]


@pytest.mark.parametrize("name", ["", *WRONG_NAMES])
def test_a_run_is_not_given_a_wrong_name(store, name):
    run = store.create(CONFIG, "Before")

    with pytest.raises(RunError, match="begins with a letter or a digit"):
        store.describe(run.id, name=name, note="")

    assert store.get(run.id).name == "Before"


def test_a_run_without_a_name_is_called_by_its_config(store):
    assert store.create(CONFIG).name == "softmax adam 0.001"


def test_no_two_runs_are_called_alike(store):
    names = [store.create(CONFIG).name for _ in range(3)]
    assert names == [names[0], f"{names[0]} no. 2", f"{names[0]} no. 3"]

    long = "x" * MAX_NAME
    assert store.create(CONFIG, long).name == long
    second = store.create(CONFIG, long)
    assert second.name == "x" * (MAX_NAME - 6) + " no. 2"

    with pytest.raises(RunError, match=f"called “{long}” already"):
        store.describe(second.id, name=long, note="")
    store.describe(second.id, name=second.name, note="Its own name is no other's.")


def test_of_two_who_ask_for_a_name_at_once_one_gets_it(store):
    asking = [store.create(CONFIG, name) for name in ("a", "b", "c", "d", "e", "f")]
    together = threading.Barrier(len(asking))

    def ask(run):
        together.wait()
        try:
            RunStore(store.root).describe(run.id, name="wanted", note="")
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(len(asking)) as threads:
        assert sum(threads.map(ask, asking)) == 1

    names = [store.get(run.id).name for run in asking]
    assert names.count("wanted") == 1


@pytest.mark.parametrize(
    "note",
    ["", "two\nlines", "50 % <b>of</b> [it](x)", "a" * 1000, "\N{GRINNING FACE}"],
)
def test_a_note_is_any_plain_text(store, note):
    run = store.create(CONFIG)

    store.describe(run.id, name="Named", note=note)

    assert (store.get(run.id).name, store.get(run.id).note) == ("Named", note)


@pytest.mark.parametrize(
    "note", ["a" * 1001, "a\0b", "a\x1b[2Jb", "abc\N{RIGHT-TO-LEFT OVERRIDE}def"]
)
def test_a_note_is_neither_long_nor_holds_controls(store, note):
    run = store.create(CONFIG, "Before")

    with pytest.raises(RunError, match="at most 1,000 characters of plain text"):
        store.describe(run.id, name="After", note=note)

    assert (store.get(run.id).name, store.get(run.id).note) == ("Before", "")


# Ids


def test_ids_sort_by_age(store):
    made = [ended(store).id for _ in range(30)]

    assert made == sorted(set(made))
    assert [run.id for run in store.runs()[:-1]] == made[::-1]


@pytest.mark.parametrize("hours_back", [1, 24 * 365])
def test_ids_sort_by_age_though_the_clock_goes_back(store, clock, hours_back):
    made = [ended(store).id]
    clock.time -= timedelta(hours=hours_back)
    made += [ended(store).id for _ in range(30)]
    clock.time += timedelta(hours=hours_back, seconds=30)
    made += [ended(store).id for _ in range(3)]

    assert made == sorted(set(made))


def test_the_queue_keeps_its_order_though_the_clock_goes_back(store, clock):
    first = store.create(CONFIG)
    clock.time -= timedelta(seconds=5)  # less than a trainer may take to appear
    second = store.create(CONFIG)

    assert [run.id for run in jobs.queue(store)] == [first.id, second.id]


@pytest.mark.parametrize(
    "name", ["9", "99999999", "2999-backup", "20991231-235959-999"]
)
def test_a_foreign_folder_does_not_disturb_the_ids(store, name):
    (store.root / name).mkdir(parents=True)

    made = [ended(store).id for _ in range(3)]

    assert made == sorted(set(made))
    assert {run.id for run in store.runs()} == {*made, paths.SHIPPED_RUN_ID}


HOSTILE_IDS = [
    "",
    ".",
    "..",
    "../outside",
    "../../../../etc/passwd",
    "/etc/passwd",
    "runs/../../outside",
    ".hidden",
    "a\0b",
    "a\nb\x1b[2J",
    "*",
    "%2e%2e%2foutside",
    "C:\\outside",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("run_id", HOSTILE_IDS)
def test_a_hostile_id_is_no_run(store, tmp_path, run_id):
    outside = finished(RunStore(tmp_path))
    outside.folder.rename(tmp_path / "outside")
    shutil.copytree(tmp_path / "outside", store.root / ".hidden")

    for act in (
        store.get,
        store.delete,
        store.requeue,
        store.request_stop,
        lambda run_id: store.describe(run_id, name="Mine", note=""),
    ):
        with pytest.raises(RunError, match="There is no run") as caught:
            act(run_id)

        assert len(str(caught.value)) < 200
        assert str(caught.value).isprintable()
    assert read_json(tmp_path / "outside" / "about.json")["note"] == ""
    assert (store.root / ".hidden" / "run.json").exists()


# From the making of a run to its end


def test_a_new_run_waits_and_has_nothing_yet(store):
    run = store.create(CONFIG, "Mine")

    assert (run.state, run.reason, run.name, run.note) == ("queued", "", "Mine", "")
    assert run.config == CONFIG
    assert run.is_active
    assert not (run.has_model or run.is_shipped or run.is_stopping or run.can_resume)
    assert run.progress() == ((), ())


def test_a_run_is_read_back_as_it_was(store):
    made = finished(store, "Mine")

    assert RunStore(store.root).get(made.id) == made
    assert made.result.test_accuracy == 0.25


def test_nothing_is_left_over_when_a_run_cannot_be_written(store, monkeypatch):
    monkeypatch.setattr(runs.store, "write_new", fail)

    with pytest.raises(RunError, match=r"cannot be .*No space left on device"):
        store.create(CONFIG)

    assert [path.name for path in store.root.iterdir()] == [".store.lock"]


def fail(*arguments):
    raise OSError(28, "No space left on device")


def test_a_run_without_a_process_waits_a_moment_and_no_longer(store, clock):
    run = store.create(CONFIG)

    clock.time += timedelta(seconds=STARTING - 1)
    before = store.get(run.id).state
    clock.time += timedelta(seconds=2)

    assert (before, store.get(run.id).state) == ("queued", "interrupted")


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_is_active_only_while_its_trainer_lives(store, state):
    run = store.create(CONFIG)
    runs.write_state(run, state)

    with runs.trainer_lock(run):
        while_alive = store.get(run.id)
    afterwards = store.get(run.id)

    assert (while_alive.state, while_alive.can_resume) == (state, False)
    assert (afterwards.state, afterwards.can_resume) == ("interrupted", True)


def test_a_run_that_ends_while_somebody_looks_is_not_interrupted(store, monkeypatch):
    run = store.create(CONFIG)
    runs.write_state(run, "running")

    def end_and_look(folder):
        runs.write_state(run, "done")
        return False

    monkeypatch.setattr(runs.folder, "has_trainer", end_and_look)
    (run.folder / "lock").touch()

    assert store.get(run.id).state == "done"


def test_two_that_look_at_once_do_not_take_each_other_for_the_trainer(store):
    run = store.create(CONFIG)
    runs.write_state(run, "running")
    with runs.trainer_lock(run):
        pass  # and now it is dead

    with another_process(LOOKING, store.root):
        seen = {store.get(run.id).state for _ in range(1000)}

    assert seen == {"interrupted"}


def test_a_trainer_takes_its_lock_while_nobody_looks(store):
    """Else its file, there but not yet locked, looks like what a dead trainer left."""
    run = store.create(CONFIG)

    def train():
        with runs.trainer_lock(run):
            is_held.set()
            may_end.wait()

    is_held, may_end = threading.Event(), threading.Event()
    trainer = threading.Thread(target=train)
    with runs.folder.looking(store.root):
        trainer.start()
        assert not is_held.wait(timeout=0.2)
        assert not (run.folder / "lock").exists()
    assert is_held.wait(timeout=10)
    may_end.set()
    trainer.join()


def test_a_file_that_cannot_be_read_for_a_moment_is_read_again(store, monkeypatch):
    run = ended(store)
    runs.folder._parsed.cache_clear()

    with monkeypatch.context() as patched:
        patched.setattr(runs.folder, "read_json", fail)
        assert [broken.id for broken in store.unreadable()] == [run.id, "shipped"]

    assert store.get(run.id) == run


def test_an_unreadable_run_is_not_deleted_under_its_trainer(store):
    run = store.create(CONFIG)
    runs.write_state(run, "running")

    with runs.trainer_lock(run):
        (run.folder / "about.json").write_bytes(b"{")
        with pytest.raises(RunError, match="is being trained"):
            store.delete(run.id)
    store.delete(run.id)

    assert not run.folder.exists()


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_active_run_is_not_deleted(store, state):
    run = store.create(CONFIG, "Mine")
    runs.write_state(run, state)

    with (
        runs.trainer_lock(run),
        pytest.raises(RunError, match=f"“Mine” is {state}. Stop it first."),
    ):
        store.delete(run.id)

    assert (run.folder / "run.json").exists()


def test_a_run_that_teaches_one_in_training_is_not_deleted(store):
    teacher = finished(store, "Wise")
    pupil = store.create(dataclasses.replace(CONFIG, teachers=(teacher.id,)), "Young")

    for state in ("queued", "interrupted"):
        runs.write_state(pupil, state)
        with pytest.raises(RunError, match=f"“Wise” teaches “Young”, which is {state}"):
            store.delete(teacher.id)
    runs.write_state(pupil, "stopped")
    store.delete(teacher.id)

    assert [run.name for run in store.runs()] == ["Young", "Shipped"]


def test_a_run_is_not_deleted_while_another_process_may_begin_to_learn_from_it(
    store, monkeypatch
):
    monkeypatch.setattr("mnist_core.runs.store.LOCK_TIMEOUT", 0.1)
    run = finished(store, "Wise")

    with (
        FileLock(store.root / ".store.lock"),
        pytest.raises(RunError, match="Another process is changing the runs"),
    ):
        store.delete(run.id)

    assert run.folder.exists()


def test_only_a_finished_run_can_teach(store):
    waiting = store.create(CONFIG, "Waiting")

    with pytest.raises(RunError, match="“Waiting” has no model yet, so it cannot"):
        store.create(dataclasses.replace(CONFIG, teachers=(waiting.id,)))
    with pytest.raises(RunError, match="There is no run 'nobody'"):
        store.create(dataclasses.replace(CONFIG, teachers=("nobody",)))

    assert [run.name for run in store.runs()] == ["Waiting", "Shipped"]


def test_who_has_learned_the_validation_images_cannot_teach(store):
    teacher = finished(store, "Wise")
    larger = dataclasses.replace(CONFIG, num_validation=600, teachers=(teacher.id,))

    with pytest.raises(RunError, match="has learned some of the 600 validation"):
        store.create(larger)


@pytest.mark.parametrize("state", ["done", "stopped", "interrupted", "failed"])
def test_an_ended_run_is_deleted_for_good(store, state):
    kept, run = ended(store), ended(store, state)

    store.delete(run.id)

    assert [run.id for run in store.runs()] == [kept.id, paths.SHIPPED_RUN_ID]
    left = {path.name for path in store.root.iterdir()}
    assert left - {".store.lock", ".looking.lock"} == {kept.id}
    with pytest.raises(RunError, match="It may have been deleted"):
        store.get(run.id)


def test_an_active_run_is_asked_to_stop(store):
    run = store.create(CONFIG)

    store.request_stop(run.id)

    assert store.get(run.id).is_stopping


def test_an_ended_run_is_not_asked_to_stop(store):
    run = ended(store, "interrupted")

    store.request_stop(run.id)

    assert not (run.folder / "stop").exists()


def test_what_a_killed_trainer_was_writing_is_removed_when_it_goes_on(store):
    run = ended(store, "interrupted")
    (run.folder / ".tmp-1-2-checkpoint.npz").write_bytes(b"torn")

    store.requeue(run.id)

    assert not list(run.folder.glob(".tmp-*"))


def test_an_interrupted_run_waits_again_and_forgets_that_it_was_to_stop(store):
    run = ended(store, "interrupted")
    (run.folder / "stop").touch()

    run = store.requeue(run.id)

    assert (run.state, run.is_stopping) == ("queued", False)


@pytest.mark.parametrize("state", ["queued", "done", "stopped", "failed"])
def test_only_an_interrupted_run_goes_on(store, state):
    run = ended(store, state, "Mine")

    with pytest.raises(RunError, match=f"“Mine” is {state}: only an interrupted"):
        store.requeue(run.id)


def test_the_queue_has_an_end(store):
    interrupted = ended(store, "interrupted")
    active = [store.create(CONFIG) for _ in range(1 + MAX_WAITING)]
    full = "The queue is full: 8 trainings wait behind the one that runs"

    with pytest.raises(RunError, match=full):
        store.create(CONFIG)
    with pytest.raises(RunError, match=full):
        store.requeue(interrupted.id)
    runs.write_state(active[0], "done")
    store.create(CONFIG)

    assert len(jobs.queue(store)) == 1 + MAX_WAITING


# The shipped run


def test_the_shipped_run_is_in_every_store_and_last(store, shipped):
    own = ended(store)

    assert [run.name for run in store.runs()] == [own.name, "Came along"]
    assert store.get(paths.SHIPPED_RUN_ID).folder == shipped


def test_a_digest_is_that_of_its_file_once_there_is_one(store):
    run = finished(store)

    assert (
        run.digest("twin.tflite")
        == sha256(run.file("twin.tflite").read_bytes()).hexdigest()
    )
    with pytest.raises(RunError, match=r"has no nothing\.txt"):
        run.digest("nothing.txt")
    with pytest.raises(RunError, match=r"has no twin\.tflite"):
        ended(store).digest("twin.tflite")


def test_a_folder_of_its_name_is_not_the_shipped_run(store, shipped):
    own = ended(store, name="False")
    own.folder.rename(store.root / paths.SHIPPED_RUN_ID)

    assert [run.name for run in store.runs()] == ["Came along"]


@pytest.mark.parametrize("is_damaged", [False, True])
@pytest.mark.parametrize("is_beside", [False, True])
@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.describe(paths.SHIPPED_RUN_ID, name="Mine", note=""),
        lambda store: store.delete(paths.SHIPPED_RUN_ID),
        lambda store: store.requeue(paths.SHIPPED_RUN_ID),
        lambda store: store.request_stop(paths.SHIPPED_RUN_ID),
    ],
    ids=["describe", "delete", "requeue", "request_stop"],
)
def test_the_shipped_run_is_never_changed(store, shipped, act, is_beside, is_damaged):
    if is_beside:
        store = RunStore(shipped.parent)
    if is_damaged:
        (shipped / "state.json").write_bytes(b"")
    before = content(shipped)

    with pytest.raises(RunError, match=r"can be neither changed nor|cannot be read"):
        act(store)

    assert content(shipped) == before


def test_a_run_that_nobody_looked_at_has_no_timeline(store):
    assert finished(store).timeline(np.zeros(3, np.uint8)) is None


def test_the_shipped_run_in_git_is_whole():
    run = RunStore().get(paths.SHIPPED_RUN_ID)

    for file in RESULT_FILES:
        run.file(file)
    assert run.is_shipped
    assert run.state == "done"
    assert run.probabilities("test").shape == (10_000, 10)


# What cannot be read


def remove(name):
    return lambda folder: (folder / name).unlink()


def replace(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def change(file, **values):
    def damage(folder):
        for key, value in values.items():
            set_key(folder / file, key, value)

    return damage


def change_config(**values):
    def damage(folder):
        config = read_json(folder / "run.json")["config"]
        set_key(folder / "run.json", "config", {**config, **values})

    return damage


def truncate(name, fraction):
    def damage(folder):
        text = (folder / name).read_bytes()
        (folder / name).write_bytes(text[: int(len(text) * fraction)])

    return damage


def make_folder(name):
    def damage(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


DAMAGES = {
    **{f"no {name}": remove(name) for name in ("run.json", "about.json", "state.json")},
    **{
        f"{kind} {name}": replace(name, bad)
        for name in ("run.json", "about.json", "state.json", "result.json")
        for kind, bad in {
            "empty": b"",
            "zeros in": b"\0" * 500,
            "garbage in": b"\xff\xfe\x80garbage",
            "a list in": b"[]",
            "a number in": b"1e999",
            "deep": b"[" * 200_000,
        }.items()
    },
    **{
        f"{fraction:.0%} of {name}": truncate(name, fraction)
        for name in ("run.json", "about.json", "state.json", "result.json")
        for fraction in (0.1, 0.5, 0.9)
    },
    "a folder as run.json": make_folder("run.json"),
    "a newer form": change("run.json", version=2),
    "no form": change("run.json", version=None),
    "a newer config": change_config(version=2),
    "no config": change("run.json", config=None),
    "a config in words": change("run.json", config="softmax"),
    "an unknown setting": change_config(new_setting=1),
    "a setting of a wrong type": change_config(epochs="2"),
    "a setting out of bounds": change_config(epochs=0),
    "a list as a setting": change_config(architecture=["softmax"]),
    "an unknown state": change("state.json", state="paused"),
    "a list as a state": change("state.json", state=["done"]),
    "no time": change("state.json", state="queued", since=None),
    "a wrong time": change("state.json", state="running", since="yesterday"),
    "a wrong name": change("about.json", name="<b>x</b>"),
    "a number as a name": change("about.json", name=7),
    "a number as a note": change("about.json", note=7),
    "an extra figure": change("result.json", colour="red"),
    "a figure in words": change("result.json", test_accuracy="high"),
    "no figure": change("result.json", test_accuracy=None),
    "a figure in a list": change("result.json", num_epochs=[2]),
    "seconds in words": change("result.json", seconds="long"),
    "no digests": change("result.json", sha256=None),
    "digests in a list": change("result.json", sha256=["model.keras"]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_is_unreadable_and_hides_no_other(store, damage):
    others = [finished(store), finished(store)]
    run = finished(store)
    damage(run.folder)

    [unreadable] = store.unreadable()

    assert store.runs()[:-1] == others[::-1]
    assert unreadable.id == run.id
    assert 0 < len(unreadable.reason) <= 300
    assert unreadable.reason.isprintable()
    with pytest.raises(RunError, match=f"The run {run.id} cannot be read: ."):
        store.get(run.id)


@pytest.mark.parametrize("name", ["notes", "2026-backup", "ä ö", "<img src=x>"])
def test_an_empty_folder_is_an_unreadable_run(store, name):
    run = ended(store)
    (store.root / name).mkdir()

    assert [unreadable.id for unreadable in store.unreadable()] == [name]
    assert store.unreadable()[0].reason == "run.json is missing."
    assert store.runs()[:-1] == [run]


def test_an_unreadable_run_can_be_deleted(store):
    kept, run = ended(store), ended(store)
    (run.folder / "run.json").write_bytes(b"")

    store.delete(run.id)

    assert store.unreadable() == []
    assert store.runs()[:-1] == [kept]


def test_an_unreadable_run_can_be_neither_described_nor_stopped_nor_resumed(store):
    run = ended(store)
    (run.folder / "run.json").write_bytes(b"")

    for act in (store.request_stop, store.requeue):
        with pytest.raises(RunError, match="cannot be read"):
            act(run.id)
    with pytest.raises(RunError, match="cannot be read"):
        store.describe(run.id, name="Mine", note="")


def test_files_and_hidden_folders_are_no_runs(store):
    run = ended(store)
    (store.root / "README.txt").write_text("Not a run.")
    shutil.copytree(run.folder, store.root / ".new-20260101-000000-000")
    shutil.copytree(run.folder, store.root / ".deleted-20260101-000000-000")

    assert store.runs()[:-1] == [run]
    assert store.unreadable() == []


def test_of_hundreds_of_runs_each_is_listed_once(store):
    made = finished(store)
    ids = [made.id]
    for number in range(200):
        ids.append(f"20270101-000000-{number:03d}")
        shutil.copytree(made.folder, store.root / ids[-1])
    for run_id in ids[::50]:
        (store.root / run_id / "about.json").unlink()

    readable = [run.id for run in store.runs()]
    unreadable = [run.id for run in store.unreadable()]

    assert unreadable == sorted(ids[::50], reverse=True)
    assert [*readable[:-1], *unreadable] == [
        *sorted(set(ids) - set(unreadable), reverse=True),
        *unreadable,
    ]


# The files of a finished run


def test_an_intact_file_is_given(store):
    run = finished(store)

    assert [run.file(name) for name in RESULT_FILES] == [
        run.folder / name for name in RESULT_FILES
    ]
    assert np.array_equal(run.probabilities("test"), np.eye(10))
    assert run.probabilities("validation").shape == (5, 10)


@pytest.mark.parametrize("name", RESULT_FILES)
@pytest.mark.parametrize("place", [0, 0.3, 0.99])
def test_one_flipped_bit_is_noticed(store, name, place):
    run = finished(store)
    damaged = bytearray((run.folder / name).read_bytes())
    damaged[int(len(damaged) * place)] ^= 1
    (run.folder / name).write_bytes(damaged)

    with pytest.raises(RunError, match=f"{name} of “.*” is damaged: .* Delete the run"):
        run.file(name)


@pytest.mark.parametrize("name", RESULT_FILES)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_noticed(store, name, share):
    run = finished(store)
    whole = (run.folder / name).read_bytes()
    (run.folder / name).write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(RunError, match=f"{name} of “.*” is damaged"):
        run.file(name)


@pytest.mark.parametrize("name", RESULT_FILES)
def test_a_missing_file_is_noticed(store, name):
    run = finished(store)
    (run.folder / name).unlink()

    with pytest.raises(RunError, match=f"{name} of “.*” is missing"):
        run.file(name)


def test_damaged_predictions_are_not_used(store):
    run = finished(store)
    (run.folder / "predictions.npz").write_bytes(b"PK\3\4")

    with pytest.raises(RunError, match=r"predictions\.npz of .* is damaged"):
        run.probabilities("test")


def test_a_run_without_a_result_has_no_model(store):
    run = ended(store, "failed", "Mine")

    with pytest.raises(RunError, match="“Mine” is failed: it has no model to use"):
        run.file("twin.tflite")


# A folder of runs that is missing, or cannot be written


def test_without_a_folder_of_runs_there_is_the_shipped_run(store):
    assert [run.id for run in store.runs()] == [paths.SHIPPED_RUN_ID]
    assert store.unreadable() == []
    assert not store.root.exists()


def test_the_first_run_makes_the_folder_of_runs(tmp_path):
    store = RunStore(tmp_path / "not" / "yet" / "there")

    run = store.create(CONFIG)

    assert run.folder.parent == store.root


def test_a_file_in_the_place_of_the_folder_is_told(store):
    store.root.write_text("Not a folder.")

    with pytest.raises(RunError, match=r"cannot be .*: "):
        store.create(CONFIG)

    assert [run.id for run in store.runs()] == [paths.SHIPPED_RUN_ID]


def test_a_read_only_folder_is_listed(read_only):
    assert [run.state for run in read_only.runs()] == ["interrupted", "done"]
    assert read_only.unreadable() == []


@pytest.mark.parametrize(
    "act",
    [
        lambda store, run_id: store.create(CONFIG),
        lambda store, run_id: store.requeue(run_id),
        lambda store, run_id: store.describe(run_id, name="Mine", note=""),
        lambda store, run_id: store.delete(run_id),
    ],
    ids=["create", "requeue", "describe", "delete"],
)
def test_a_read_only_folder_is_told(read_only, act):
    run = read_only.runs()[0]

    with pytest.raises(RunError, match="cannot be"):
        act(read_only, run.id)

    assert read_only.runs()[0] == run


def test_a_stop_that_cannot_be_written_is_told(store):
    run = store.create(CONFIG)
    (run.folder / "stop").symlink_to(run.folder / "nowhere" / "stop")

    with pytest.raises(RunError, match="cannot be"):
        store.request_stop(run.id)


def test_another_process_that_does_not_let_go_of_the_store_is_told(store, monkeypatch):
    monkeypatch.setattr(runs.store, "LOCK_TIMEOUT", 0.1)
    store.root.mkdir()

    with (
        another_process(HOLDING, store.root / ".store.lock"),
        pytest.raises(RunError, match=r"[a-z]\.$"),
    ):
        store.create(CONFIG)


# How far it is


def test_progress_is_in_order_and_of_an_interrupted_epoch_the_last_counts(store):
    run = store.create(CONFIG)
    lines = [
        {**EPOCH, "epoch": 1, "loss": 0.5},
        {**EPOCH, "epoch": 2, "loss": 0.4},
        {**BATCHES, "step": 5, "loss": 0.45},
        {**BATCHES, "step": 5, "loss": 0.35},
        {**EPOCH, "epoch": 2, "loss": 0.3},
        {**EPOCH, "epoch": 3, "loss": 0.2},
    ]
    write_lines(run, *(json.dumps(line) + "\n" for line in lines))

    epochs, batches = run.progress()

    assert [(epoch.epoch, epoch.loss) for epoch in epochs] == [
        (1, 0.5),
        (2, 0.3),
        (3, 0.2),
    ]
    assert [(batch.step, batch.loss) for batch in batches] == [(5, 0.35)]


def test_what_a_training_has_said_is_read_again_when_it_has_said_more(
    store, monkeypatch
):
    run = store.create(CONFIG)
    write_lines(run, EPOCH, "\n")
    readings = []
    monkeypatch.setattr(
        "mnist_core.runs.run.read_json_lines",
        lambda file: readings.append(1) or read_json_lines(file),
    )

    said = [run.progress()[0] for _ in range(3)]
    append_json_line(run.folder / "progress.jsonl", {**EPOCH, "epoch": 2})
    more = [run.progress()[0] for _ in range(3)]

    assert len(readings) == 2
    assert [len(epochs) for epochs in said + more] == [1, 1, 1, 2, 2, 2]


def test_progress_that_could_not_be_read_once_is_read_at_the_next_look(
    store, monkeypatch
):
    def refuse(file):
        raise OSError("Too many open files")

    run = store.create(CONFIG)
    write_lines(run, EPOCH, "\n")
    with monkeypatch.context() as patch:
        patch.setattr(type(run.folder), "read_bytes", refuse)
        failed = run.progress()

    assert failed == ((), ())
    assert [epoch.epoch for epoch in run.progress()[0]] == [1]


def test_progress_goes_back_with_a_training_that_is_resumed(store):
    run = store.create(CONFIG)
    lines = [
        {**EPOCH, "epoch": 1},
        *({**BATCHES, "epoch": 2, "step": step} for step in (5, 6, 7)),
        *({**BATCHES, "epoch": 2, "step": step} for step in (5,)),
    ]
    write_lines(run, *(json.dumps(line) + "\n" for line in lines))

    assert [batch.step for batch in run.progress()[1]] == [5]


@pytest.mark.parametrize("length", [1, 20, 80, len(json.dumps(EPOCH))])
def test_a_torn_line_is_passed_over_and_does_not_spoil_the_next(store, length):
    run = store.create(CONFIG)
    second, third = {**EPOCH, "epoch": 2}, {**EPOCH, "epoch": 3}
    write_lines(run, EPOCH, "\n", json.dumps(second)[:length])

    torn = run.progress()[0]
    append_json_line(run.folder / "progress.jsonl", third)
    sealed = run.progress()[0]

    assert [epoch.epoch for epoch in torn] == [1]
    is_whole = length == len(json.dumps(second))
    assert [epoch.epoch for epoch in sealed] == ([1, 2, 3] if is_whole else [1, 3])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\0" * 500,
        "garbage",
        "[]",
        "7",
        "null",
        "{}",
        '{"kind": "epoch"}',
        '{"kind": "batches", "step": 1}',
        json.dumps({**EPOCH, "kind": "other"}),
        json.dumps({**EPOCH, "epoch": 2, "colour": "red"}),
        json.dumps({**EPOCH, "epoch": []}),
        json.dumps({**EPOCH, "epoch": "2"}),
        json.dumps({**EPOCH, "epoch": None}),
        json.dumps({**EPOCH, "epoch": 2, "val_accuracy": "high"}),
        json.dumps({**BATCHES, "step": "2"}),
        "[" * 200_000,
        "x" * 10_000_000,
    ],
    ids=lambda line: line[:60].replace("\0", "NUL"),
)
def test_a_line_that_is_not_ours_is_passed_over(store, line):
    run = store.create(CONFIG)
    third = {**EPOCH, "epoch": 3}
    write_lines(run, EPOCH, "\n", BATCHES, "\n", line, "\n", third, "\n")

    epochs, batches = run.progress()

    assert [epoch.epoch for epoch in epochs] == [1, 3]
    assert [batch.step for batch in batches] == [1]
