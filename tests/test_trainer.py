"""The trainer, in this process where one fault is set, and in its own at the end."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import Timeout

from mnist_core import data, paths, pens, runs, trainer, watching
from mnist_core.checkpoints import Snapshot, save_snapshot
from mnist_core.config import TrainConfig
from mnist_core.errors import DatasetError
from mnist_core.files import read_json, whole_file
from mnist_core.predictor import Predictor
from mnist_core.runs import RESULT_FILES, RunStore
from mnist_core.timeline import Timeline

DEADLINE = 120  # seconds until a test gives up on a process
# Of its files, predictions.npz alone is large: 0.6 MB.
CONFIG = TrainConfig(
    architecture="softmax", epochs=2, batch_size=50, num_train=500, num_validation=500
)
NUM_STEPS = 20
# A spare that says when an engine is built, then how many were, and what its run gets.
SPARE = """\
from mnist_core import trainer
from mnist_core.runs import RunStore

build, built = trainer._built, []

def told(store, config):
    built.append(build(store, config))
    print("built", flush=True)
    return built[-1]

trainer._built = told
store = RunStore()
run, _, engine = trainer._wait_for_run(store)
heads = (engine or trainer._built(store, run.config)).heads
print(len(built), [layer.name for layer in heads.model.layers])
"""
# A spare that never ends to get ready, and hardly lets its other threads.
BUSY = """\
from mnist_core import trainer
from mnist_core.runs import RunStore

def build(store, config):
    print("building", flush=True)
    while True:
        pass

trainer._built = build
trainer._wait_for_run(RunStore())
"""
# The names of layers in a process that builds nothing else.
NAMES = """\
from mnist_core import models
from mnist_core.config import TrainConfig

print([layer.name for layer in models.build(TrainConfig()).model.layers])
"""
FULL = Path("/dev/full")  # a disk without a free byte
DISK_FULL = "The disk is full. Delete runs that you no longer need, and start again."


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def small_disk(store):
    """The store on a disk of 0.4 MB: room for a model, not for all its files."""
    store.root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", store.root]
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("a small disk needs the right to mount one")
    try:
        yield store
    finally:
        subprocess.run(["umount", store.root], check=True)


def run_trainer(store, run_id, **environment):
    """The process of a training, with its log where `jobs` puts it; its exit status."""
    with (store.root / run_id / "log.txt").open("ab") as log:
        return subprocess.run(
            [sys.executable, "-m", "mnist_core.trainer", run_id],
            cwd=paths.REPOSITORY,
            env={
                **os.environ,
                "MNIST_SAVED_MODEL_DIR": str(store.root),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=DEADLINE,
            check=False,
        ).returncode


class StopWhen(threading.Thread):
    """Asks for a stop as soon as a run has a certain file."""

    def __init__(self, store, run, name):
        super().__init__(daemon=True)
        self._store, self._run_id, self._file = store, run.id, run.folder / name
        self.over = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.over = True
        self.join()

    def run(self):
        while not self.over:
            if self._file.exists():
                self._store.request_stop(self._run_id)
                return
            time.sleep(0.001)


# Asked to stop


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "state", "num_epochs"),
    [
        (1, "stopped", 1),
        (NUM_STEPS // 2, "stopped", 1),  # the last batch of the first epoch
        (NUM_STEPS, "done", 2),  # nothing is left to stop
    ],
)
def test_a_stop_keeps_what_is_trained(store, mnist, step, state, num_epochs):
    run = store.create(CONFIG)

    def stop_at(metrics):
        if metrics.step >= step:
            store.request_stop(run.id)

    run = trainer.train_run(store, run, on_batches=stop_at)

    assert (run.state, run.result.num_epochs) == (state, num_epochs)
    assert not run.is_stopping
    assert Predictor(run).probabilities(mnist.test.images[:10]).shape == (10, 10)


@pytest.mark.slow
def test_a_stop_is_heard_while_digits_are_drawn(store, mnist, monkeypatch):
    run = store.create(replace(CONFIG, num_thick=60_000))
    reasons = []

    def stop_at_the_third(image, generator):
        reasons.append(store.get(run.id).reason)
        if len(reasons) == 3:
            store.request_stop(run.id)
        return image

    monkeypatch.setattr(pens, "_thickened", stop_at_the_third)
    monkeypatch.setattr(trainer, "TELLING", 0.0)
    ended = trainer.train_run(store, run)

    assert (ended.state, ended.reason) == ("stopped", "Stopped before it began.")
    assert len(reasons) == 3
    assert reasons[0].startswith("60,000 digits are drawn before the first batch")
    assert reasons[2].startswith("2 of 60,000 digits are drawn ")


@pytest.mark.slow
def test_a_run_is_trained_although_its_drawn_digits_cannot_be_told(
    store, mnist, monkeypatch
):
    write = trainer.write_state
    refused = []

    def refuse_the_count(run, state, reason=""):
        if "of 20 digits are drawn" in reason:
            refused.append(reason)
            raise OSError("The disk is full.")
        write(run, state, reason)

    monkeypatch.setattr(trainer, "write_state", refuse_the_count)
    monkeypatch.setattr(trainer, "TELLING", 0.0)
    run = trainer.train_run(store, store.create(replace(CONFIG, num_thick=20)))

    assert len(refused) == 20
    assert run.state == "done"


def broken_off(store, config):
    """A run that died in its second epoch, and waits to go on."""

    def die_in_the_second_epoch(metrics):
        if metrics.epoch == 2:
            raise KeyboardInterrupt

    run = store.create(config)
    with suppress(KeyboardInterrupt):
        trainer.train_run(store, run, on_batches=die_in_the_second_epoch)
    return store.requeue(run.id)


@pytest.mark.slow
def test_a_stop_while_digits_are_drawn_again_keeps_what_is_trained(
    store, mnist, monkeypatch
):
    run = broken_off(store, replace(CONFIG, num_thick=20))
    draw = pens._thickened

    def stop_and_draw(image, generator):
        store.request_stop(run.id)
        return draw(image, generator)

    monkeypatch.setattr(pens, "_thickened", stop_and_draw)
    ended = trainer.train_run(store, run)

    assert ended.state == "stopped"
    assert Predictor(ended).probabilities(mnist.test.images[:1]).shape == (1, 10)


@pytest.mark.slow
def test_a_run_that_is_stopped_before_it_goes_on_can_go_on_later(store, mnist):
    run = broken_off(store, CONFIG)
    store.request_stop(run.id)

    ended = trainer.train_run(store, run)

    assert (ended.state, ended.reason) == ("interrupted", "Stopped before it went on.")
    ended = trainer.train_run(store, store.requeue(run.id))
    assert (ended.state, ended.result.num_epochs) == ("done", 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.keras", "predictions.npz", "result.json"])
def test_a_stop_that_comes_too_late_changes_nothing(store, mnist, name):
    run = store.create(CONFIG)

    with StopWhen(store, run, name):
        run = trainer.train_run(store, run)

    assert run.state == "done"
    assert not (run.is_active or run.is_stopping)
    for file in RESULT_FILES:
        run.file(file)


def test_a_stop_before_the_beginning_makes_no_model(store):
    run = store.create(CONFIG)

    run = trainer.train_run(store, run, is_cancelled=lambda: True)

    assert (run.state, run.reason) == ("stopped", "Stopped before it began.")
    assert not run.has_model


# Gone wrong


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatasetError("There is no MNIST."), "There is no MNIST."),
        (OSError(28, "No space left on device"), DISK_FULL),
        (
            MemoryError(),
            "The memory ran out. Choose a smaller batch or a smaller architecture.",
        ),
        (
            type("ResourceExhaustedError", (Exception,), {})("OOM when allocating"),
            "The memory ran out. Choose a smaller batch or a smaller architecture.",
        ),
        (
            ZeroDivisionError("division by zero"),
            "An unexpected ZeroDivisionError ended it; log.txt in its folder tells.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_goes_wrong_is_told_in_one_sentence(store, monkeypatch, error, reason):
    def fail(**sizes):
        raise error

    monkeypatch.setattr(data, "load_mnist", fail)
    run = store.create(CONFIG)

    run = trainer.train_run(store, run)

    assert (run.state, run.reason, run.has_model) == ("failed", reason, False)


@pytest.mark.slow
def test_a_training_that_explodes_says_what_to_do(store, mnist):
    explosive = replace(
        CONFIG, optimizer="sgd", learning_rate=10.0, weight_decay=1.0, batch_size=8
    )

    run = trainer.train_run(store, store.create(explosive))

    assert (run.state, run.has_model) == ("failed", False)
    assert "infinite or not a number" in run.reason
    assert "Lower the learning rate" in run.reason


@pytest.mark.slow
def test_a_training_that_nearly_explodes_is_finished_as_any_other(store, mnist):
    wild = TrainConfig(
        architecture="dense",
        optimizer="sgd",
        learning_rate=10.0,
        epochs=1,
        num_train=500,
        num_validation=500,
        seed=1,
    )

    run = trainer.train_run(store, store.create(wild))

    assert (run.state, run.reason, run.has_model) == ("done", "", True)


def damaged(whole, kind):
    match kind:
        case "no bytes":
            return b""
        case "a web page":
            return b"<!DOCTYPE html><title>404 Not Found</title>"
        case "a flipped bit":
            middle = len(whole) // 2
            return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    return whole[: int(len(whole) * float(kind))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["no bytes", "a web page", "a flipped bit", "0.001", "0.5", "0.999"]
)
def test_nothing_is_trained_on_a_damaged_data_set(store, mnist, tmp_path, kind):
    located = data.find_mnist()
    named = tmp_path / "mnist.npz"
    named.write_bytes(damaged(located.path.read_bytes(), kind))
    run = store.create(CONFIG)

    status = run_trainer(store, run.id, MNIST_DATASET=str(named))

    run = store.get(run.id)
    assert (status, run.state, run.has_model) == (1, "failed", False)
    assert run.reason.startswith("MNIST_DATASET cannot be used: ")
    assert str(named) in run.reason
    assert "Traceback (most recent call last)" in (run.folder / "log.txt").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="Linux alone has a full disk in /dev")
@pytest.mark.parametrize(
    "name",
    ["progress.jsonl", "epochs.npz", "checkpoint.npz", *RESULT_FILES, "result.json"],
)
def test_a_disk_that_is_full_at_any_file_is_told(store, mnist, name):
    run = store.create(CONFIG)
    path = run.folder / name
    with suppress(FileNotFoundError), whole_file(path) as temporary:
        pass  # only to learn what it is called before it is whole
    written = path if name == "progress.jsonl" else temporary
    written.symlink_to(FULL)

    run = trainer.train_run(store, run)

    assert (run.state, run.reason, run.has_model) == ("failed", DISK_FULL, False)
    assert name == "progress.jsonl" or not path.exists()


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_file_and_harms_no_other_run(small_disk, mnist):
    other = small_disk.create(CONFIG, "Other")
    runs.write_state(other, "done")
    run = small_disk.create(CONFIG)

    status = run_trainer(small_disk, run.id)

    run = small_disk.get(run.id)
    assert (status, run.state, run.reason) == (1, "failed", DISK_FULL)
    assert not list(run.folder.glob(".tmp-*"))
    assert small_disk.unreadable() == []
    assert small_disk.get(other.id).name == "Other"
    small_disk.delete(run.id)
    assert small_disk.create(CONFIG).state == "queued"


def test_a_disk_without_a_byte_leaves_a_run_that_can_go_on_later(small_disk):
    run = small_disk.create(CONFIG)
    with suppress(OSError), (small_disk.root / "ballast").open("wb") as ballast:
        while True:
            ballast.write(bytes(1000))

    status = run_trainer(small_disk, run.id)

    assert status != 0
    assert small_disk.get(run.id).can_resume
    (small_disk.root / "ballast").unlink()
    assert small_disk.requeue(run.id).state == "queued"


# Taken up again


@pytest.mark.slow
def test_what_every_epoch_says_is_kept_over_an_interruption(store, mnist, monkeypatch):
    """Killed between the second epoch's reading and its checkpoint."""

    def killed_at_the_second(path, snapshot):
        if len(snapshot.history) == 2:
            raise KeyboardInterrupt
        save_snapshot(path, snapshot)

    monkeypatch.setattr(watching, "GRACE", 1000.0)  # however slow the machine is
    config = replace(CONFIG, epochs=4)
    whole = trainer.train_run(store, store.create(config))
    run = store.create(config)
    with monkeypatch.context() as patches, pytest.raises(KeyboardInterrupt):
        patches.setattr(trainer, "save_snapshot", killed_at_the_second)
        trainer.train_run(store, run)
    labels = mnist.test.labels
    left = Timeline.load(run.folder / "epochs.npz", labels)

    runs.write_state(run, "queued")
    resumed = trainer.train_run(store, run).timeline(labels)

    expected = whole.timeline(labels)
    assert left.epochs.tolist() == [1, 2]
    assert resumed.epochs.tolist() == expected.epochs.tolist() == [1, 2, 3, 4]
    assert np.array_equal(resumed.digits, expected.digits)
    assert np.array_equal(left.digits, expected.digits[:2])
    assert resumed.num_mistakes[-1] < resumed.num_mistakes[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["no bytes", "a flipped bit", "0.01", "0.5", "0.99"])
def test_a_damaged_checkpoint_is_told(store, mnist, kind):
    run = store.create(CONFIG)
    checkpoint = run.folder / "checkpoint.npz"
    weights = np.zeros((784, 10), np.float32)
    save_snapshot(checkpoint, Snapshot([], [weights], [np.zeros(10)]))
    checkpoint.write_bytes(damaged(checkpoint.read_bytes(), kind))

    run = trainer.train_run(store, run)

    assert (run.state, run.has_model) == ("failed", False)
    assert run.reason.startswith("The checkpoint checkpoint.npz is damaged")
    assert "Delete the run and start it again." in run.reason


def test_a_second_trainer_leaves_a_run_to_the_first(store):
    run = store.create(CONFIG)
    runs.write_state(run, "running")
    before = read_json(run.folder / "state.json")

    with runs.trainer_lock(run), pytest.raises(Timeout):
        trainer.train_run(store, run)

    assert read_json(run.folder / "state.json") == before


def test_a_run_that_cannot_be_read_is_not_trained(store):
    run = store.create(CONFIG)
    (run.folder / "run.json").write_bytes(b"{")

    status = run_trainer(store, run.id)

    assert status == 1
    assert read_json(run.folder / "state.json")["state"] == "queued"
    assert [unreadable.id for unreadable in store.unreadable()] == [run.id]


def test_a_trainer_that_waits_has_not_imported_tensorflow():
    script = "import sys, mnist_core.trainer; print('tensorflow' in sys.modules)"

    printed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=paths.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    ).stdout

    assert printed == "False\n"


def test_a_training_in_a_session_that_is_not_its_own_leaves_that_its_weight(
    store, mnist
):
    def weight():
        """What Linux gives this test's session, if it weighs sessions."""
        with suppress(OSError):
            return Path("/proc/self/autogroup").read_text()
        return ""

    before = weight()

    run_trainer(store, store.create(CONFIG).id)

    assert weight() == before


@contextmanager
def a_spare(script, store):
    """A process that waits for messages; it does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=paths.REPOSITORY,
        env={**os.environ, "MNIST_SAVED_MODEL_DIR": str(store.root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as spare:
        try:
            yield spare
        finally:
            spare.kill()


def tell(spare, **message):
    spare.stdin.write(json.dumps(message) + "\n")
    spare.stdin.flush()


@pytest.mark.parametrize(
    ("prepared", "num_built"),
    [
        pytest.param(TrainConfig(num_train=500), 1, id="as foreseen"),
        pytest.param(TrainConfig(num_train=500, epochs=2), 2, id="changed since"),
    ],
)
def test_a_spare_trains_what_it_built_if_that_is_what_is_asked_for(
    store, mnist, prepared, num_built
):
    run = store.create(TrainConfig(num_train=500))
    with a_spare(SPARE, store) as spare:
        tell(spare, config=prepared.to_json())
        assert spare.stdout.readline() == "built\n"
        tell(spare, run=run.id)
        spare.communicate(timeout=DEADLINE)
    fresh = subprocess.run(
        [sys.executable, "-c", NAMES],
        cwd=paths.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )

    assert spare.returncode == 0
    told = (run.folder / "log.txt").read_text().splitlines()[-1]
    assert told == f"{num_built} {fresh.stdout.strip()}"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux has it")
def test_a_trainer_does_not_keep_to_the_core_of_the_server_that_started_it():
    script = (
        "import os; from mnist_core import trainer;"
        "cores = os.sched_getaffinity(0); os.sched_setaffinity(0, {min(cores)});"
        "trainer._be_considerate(); print(os.sched_getaffinity(0) == cores)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, start_new_session=True
    )

    assert answer.stdout.strip() == b"True"


@pytest.mark.slow
def test_a_spare_has_the_lock_of_its_run_however_busy_it_is(store):
    run = store.create(CONFIG)
    with a_spare(BUSY, store) as spare:
        tell(spare, config=CONFIG.to_json())
        assert spare.stdout.readline() == "building\n"
        tell(spare, run=run.id)
        deadline = time.monotonic() + DEADLINE
        while not has_trainer(run) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert has_trainer(run)


def has_trainer(run):
    with runs.folder.looking(run.folder.parent):
        return runs.folder.has_trainer(run.folder)


@pytest.mark.parametrize(
    ("num_thick", "is_built"), [(100, True), (60_000, False)], ids=["few", "many"]
)
def test_a_spare_does_not_begin_what_a_run_would_wait_long_for(
    store, monkeypatch, num_thick, is_built
):
    config = TrainConfig(num_thick=num_thick)
    run = store.create(config)
    told = {"run": run, "lock": ExitStack()}
    messages = iter([{"config": config.to_json()}, told])
    built = []

    def build(store, config):
        built.append(config)
        raise DatasetError("It is only watched.")

    monkeypatch.setattr(trainer, "_newest", lambda queue: next(messages))
    monkeypatch.setattr(trainer, "_messages", lambda store: None)
    monkeypatch.setattr(trainer, "_write_to", lambda log: None)
    monkeypatch.setattr(trainer, "_built", build)

    assert trainer._wait_for_run(store) == (run, told["lock"], None)
    assert built == [config] * is_built
