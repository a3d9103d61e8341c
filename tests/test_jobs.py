"""Trainings in real processes, killed and stopped as people and machines do it.

Most of these trainings wait for their data set for as long as the test likes, and
then find that it is not MNIST: they cost a fraction of a second. The few that train
are shared by the tests of what they leave behind.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from filelock import FileLock

from mnist_core import jobs, paths, runs
from mnist_core.config import TrainConfig
from mnist_core.errors import RunError
from mnist_core.files import read_json_lines
from mnist_core.history import best_epoch
from mnist_core.predictor import Predictor
from mnist_core.runs import RESULT_FILES, Run, RunStore

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

DEADLINE = 120  # seconds until a test gives up on a process
SMALL = TrainConfig(architecture="softmax", num_train=500, num_validation=500)
# Everything random is in it: weights, order, dropout, augmentation.
FULL = TrainConfig(
    architecture="dense",
    schedule="one-cycle",
    batch_size=64,
    epochs=10,
    dropout=0.3,
    shift=2.0,
    num_train=2000,
    num_validation=500,
    seed=7,
)
# A stand-in for the web server. argv: the folder of runs, a config, how many runs.
# It is ready, waits for a word, starts them, tells their processes and lives on.
SERVER = """\
import json, select, signal, subprocess, sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by background jobs

from mnist_core import jobs
from mnist_core.config import TrainConfig
from mnist_core.runs import RunStore

class Told(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, flush=True)

subprocess.Popen = Told
store = RunStore(Path(sys.argv[1]))
config = TrainConfig.from_json(json.loads(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    jobs.start(store, config)
print("started", flush=True)
while not select.select([sys.stdin], [], [], 0.1)[0]:
    pass  # and not one long wait: a signal may be given to another thread than this
"""
# A server that makes a spare process ready, names it and is gone. argv: its runs.
PREPARING = """\
import sys
from pathlib import Path

from mnist_core import jobs
from mnist_core.config import TrainConfig
from mnist_core.runs import RunStore

store = RunStore(Path(sys.argv[1]))
store.root.mkdir(parents=True)
jobs.prepare(store, TrainConfig())
print(jobs._SPARES[store.root].process.pid)
"""
# What Keras makes of the first 1,000 test images. argv: the folder of a run, an answer.
KERAS = """\
import sys
from pathlib import Path

import keras
import numpy as np

from mnist_core import data

folder = Path(sys.argv[1])
model = keras.saving.load_model(folder / "model.keras")
images = data.load_test().images[:1000]
np.save(sys.argv[2], model.predict(images, verbose=0))
"""


def wait_until(condition):
    """What `condition` returns as soon as that is true."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise TimeoutError(f"It has not happened in {DEADLINE} seconds.")


class Trainers:
    """The processes that `jobs` has started, by run."""

    def __init__(self):
        self._processes = []

    def add(self, run_id, process):
        self._processes.append((run_id, process))

    def kill(self, run, number=signal.SIGKILL):
        process = [process for run_id, process in self._processes if run_id == run.id][
            -1
        ]
        process.send_signal(number)
        assert process.wait(DEADLINE) == -number

    def kill_spare(self, spare):
        spare.kill()
        assert spare.wait(DEADLINE) == -signal.SIGKILL

    def end(self):
        for _, process in self._processes:
            process.kill()
            process.wait(DEADLINE)


@contextmanager
def watched_trainers():
    """Note what `jobs` starts; none of it outlives the block."""
    started = Trainers()

    class Noted(subprocess.Popen):
        def __init__(self, command, **options):
            super().__init__(command, **options)
            if "mnist_core.trainer" in command:
                started.add(command[-1], self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.subprocess, "Popen", Noted)
        try:
            yield started
        finally:
            started.end()


@contextmanager
def servers(store, config, *, count, num_runs):
    """Stand-ins for web servers that start trainings at the same moment."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("only Linux has a name for a process that no other can get")
    command = [sys.executable, "-c", SERVER, str(store.root)]
    command += [json.dumps(config.to_json()), str(num_runs)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [
        subprocess.Popen(command, cwd=paths.REPOSITORY, start_new_session=True, **pipes)
        for _ in range(count)
    ]
    trainers = []
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            while (line := process.stdout.readline()) != "started\n":
                trainers.append(os.pidfd_open(int(line)))
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        for trainer in trainers:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(trainer, signal.SIGKILL)
            os.close(trainer)


class SlowDataset:
    """A data set that makes every training wait, and then is not MNIST."""

    def __init__(self, path):
        self._path = path
        os.mkfifo(path)

    def arrive(self):
        """End the wait of the training that waits for it."""
        os.close(wait_until(self._opened))

    def _opened(self):
        with suppress(OSError):  # nobody is there yet
            return os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def trainers():
    with watched_trainers() as started:
        yield started


@pytest.fixture
def slow_dataset(tmp_path, monkeypatch):
    dataset = SlowDataset(tmp_path / "mnist.npz")
    monkeypatch.setenv("MNIST_DATASET", str(tmp_path / "mnist.npz"))
    return dataset


def state(store, run):
    return store.get(run.id).state


def has_state(store, run, expected):
    return lambda: state(store, run) == expected


def has_ended(store, run):
    return lambda: not store.get(run.id).is_active


def num_epochs(store, run):
    return len(store.get(run.id).progress()[0])


def weights(run):
    """Every weight of a run's Keras model, by its place."""
    arrays = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with zipfile.ZipFile(run.file("model.keras")) as members:
        content = io.BytesIO(members.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(note)
    return arrays


def assert_same_model(run, other):
    ours, theirs = weights(run), weights(other)
    assert len(ours) >= 4  # of two layers, kernel and bias
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    for split in ("test", "validation"):
        assert np.array_equal(run.probabilities(split), other.probabilities(split))


# The queue


def test_exactly_one_trains_and_the_others_follow_in_order(
    store, trainers, slow_dataset
):
    started = [jobs.start(store, SMALL) for _ in range(3)]

    for number, run in enumerate(started):
        wait_until(has_state(store, run, "running"))
        waiting = started[number + 1 :]
        assert [state(store, other) for other in started] == [
            *["failed"] * number,
            "running",
            *["queued"] * len(waiting),
        ]
        assert [other.id for other in jobs.queue(store)] == [run.id for run in waiting]
        slow_dataset.arrive()
    wait_until(has_ended(store, started[-1]))


def test_two_servers_that_start_trainings_at_once_share_one_queue(store, slow_dataset):
    with servers(store, SMALL, count=2, num_runs=3):
        started = store.runs()[-2::-1]  # the oldest first, the shipped run not at all

        for number, run in enumerate(started):
            wait_until(has_state(store, run, "running"))
            assert [state(store, other) for other in started] == [
                *["failed"] * number,
                "running",
                *["queued"] * (5 - number),
            ]
            slow_dataset.arrive()
        wait_until(has_ended(store, started[-1]))

    assert len(started) == 6


def test_a_signal_to_all_that_the_server_has_started_is_not_for_its_trainings(
    store, slow_dataset
):
    with servers(store, SMALL, count=1, num_runs=2) as [server]:
        second, first = store.runs()[:2]
        wait_until(has_state(store, first, "running"))

        os.killpg(server.pid, signal.SIGINT)  # as Ctrl-C in its terminal does
        server.wait(DEADLINE)

        slow_dataset.arrive()
        wait_until(has_state(store, second, "running"))
        assert state(store, first) == "failed"


def test_an_unreadable_run_does_not_hold_up_the_queue(store, trainers, slow_dataset):
    (store.root / "00000000-000000-000").mkdir(parents=True)

    run = jobs.start(store, SMALL)

    wait_until(has_state(store, run, "running"))


def test_a_training_that_is_refused_has_no_process_and_no_folder(store, monkeypatch):
    monkeypatch.setattr(jobs.subprocess, "Popen", None)

    with pytest.raises(RunError, match="A run's name"):
        jobs.start(store, SMALL, "<b>")

    assert store.runs()[:-1] == []


# Killed


def test_a_trainer_that_is_killed_leaves_its_run_interrupted_and_the_slot_free(
    store, trainers, slow_dataset
):
    first, second = jobs.start(store, SMALL), jobs.start(store, SMALL)
    wait_until(has_state(store, first, "running"))

    trainers.kill(first)

    assert store.get(first.id).can_resume
    wait_until(has_state(store, second, "running"))


def test_a_trainer_that_is_terminated_leaves_its_run_interrupted(
    store, trainers, slow_dataset
):
    run = jobs.start(store, SMALL)
    wait_until(has_state(store, run, "running"))

    trainers.kill(run, signal.SIGTERM)

    assert state(store, run) == "interrupted"


def test_a_trainer_that_is_killed_in_the_queue_lets_the_next_one_pass(
    store, trainers, slow_dataset
):
    first, second, third = (jobs.start(store, SMALL) for _ in range(3))
    wait_until(has_state(store, first, "running"))
    wait_until((second.folder / "lock").exists)

    trainers.kill(second)

    assert state(store, second) == "interrupted"
    assert [run.id for run in jobs.queue(store)] == [third.id]
    slow_dataset.arrive()
    wait_until(has_state(store, third, "running"))
    assert state(store, second) == "interrupted"


def test_a_killed_run_can_be_deleted(store, trainers, slow_dataset):
    run = jobs.start(store, SMALL)
    wait_until(has_state(store, run, "running"))
    with pytest.raises(RunError, match="Stop it first"):
        store.delete(run.id)

    trainers.kill(run)
    store.delete(run.id)

    assert store.runs()[:-1] == []


def test_a_resumed_run_goes_to_the_end_of_the_queue(store, trainers, slow_dataset):
    first, second, third = (jobs.start(store, SMALL) for _ in range(3))
    wait_until(has_state(store, first, "running"))
    trainers.kill(first)
    wait_until(has_state(store, second, "running"))

    jobs.resume(store, first.id)

    assert [run.id for run in jobs.queue(store)] == [third.id, first.id]


def test_a_run_is_resumed_once(store, trainers, slow_dataset):
    first, second = jobs.start(store, SMALL), jobs.start(store, SMALL)
    wait_until(has_state(store, first, "running"))
    trainers.kill(first)
    wait_until(has_state(store, second, "running"))

    jobs.resume(store, first.id)

    with pytest.raises(RunError, match="is queued: only an interrupted training"):
        jobs.resume(store, first.id)
    wait_until((first.folder / "lock").exists)
    with pytest.raises(RunError, match="is queued: only an interrupted training"):
        jobs.resume(store, first.id)


def test_a_stop_from_before_the_kill_does_not_stop_a_resumed_run(
    store, trainers, slow_dataset
):
    run = jobs.start(store, SMALL)
    wait_until(has_state(store, run, "running"))
    store.request_stop(run.id)
    trainers.kill(run)

    jobs.resume(store, run.id)

    wait_until(has_state(store, run, "running"))
    assert not store.get(run.id).is_stopping


# Stopped


def test_a_run_that_is_stopped_in_the_queue_ends_without_a_model(
    store, trainers, slow_dataset
):
    first, second, third = (jobs.start(store, SMALL) for _ in range(3))
    wait_until(has_state(store, first, "running"))

    store.request_stop(second.id)

    assert store.get(second.id).is_stopping or state(store, second) == "stopped"
    wait_until(has_state(store, second, "stopped"))
    stopped = store.get(second.id)
    assert (stopped.reason, stopped.has_model) == ("Stopped before it began.", False)
    assert (state(store, first), state(store, third)) == ("running", "queued")


@pytest.mark.slow
def test_a_run_that_is_stopped_in_the_middle_keeps_a_model_that_reads_digits(
    store, trainers, mnist
):
    run = jobs.start(store, replace(FULL, epochs=100))
    wait_until(lambda: num_epochs(store, run) >= 3)

    store.request_stop(run.id)

    assert store.get(run.id).is_stopping
    wait_until(has_ended(store, run))
    run = store.get(run.id)
    assert (run.state, run.is_stopping) == ("stopped", False)
    assert run.reason == "Stopped on request; the best epoch so far is kept."
    assert 3 <= run.result.num_epochs < 100
    test = mnist.test[:1000]
    read = Predictor(run).probabilities(test.images).argmax(axis=1)
    assert np.mean(read == test.labels) > 0.5


# Trained to the end


@dataclass
class Watched:
    """Trainings, the oldest first, and their states as they were seen over time."""

    runs: list[Run]
    seen: list[tuple[str, ...]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, mnist):
    """Two servers have started a training each at the same moment, and died."""
    store = RunStore(tmp_path_factory.mktemp("finished"))
    with servers(store, FULL, count=2, num_runs=1) as processes:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        started, seen = store.runs()[-2::-1], []

        def look():
            # The youngest first: when it is seen to train, the oldest has ended.
            states = [state(store, run) for run in reversed(started)][::-1]
            seen.append(tuple(states))
            return not set(states) & set(runs.ACTIVE)

        wait_until(look)
        for run in started:
            with FileLock(run.folder / "lock", timeout=10):
                pass  # its process has cleared up and is gone
    return Watched([store.get(run.id) for run in started], seen)


@dataclass
class Resumed:
    """A training that was killed and resumed; as it was seen after every kill."""

    run: Run
    killed: list[Run]


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, mnist):
    """Killed in the middle, and again while it wrote its result files."""
    store, killed = RunStore(tmp_path_factory.mktemp("resumed")), []
    with watched_trainers() as trainers:
        run = jobs.start(store, FULL)
        for is_time in (
            lambda: num_epochs(store, run) >= 3,
            (run.folder / "model.keras").exists,
        ):
            wait_until(is_time)
            trainers.kill(run)
            killed.append(store.get(run.id))
            jobs.resume(store, run.id)
        wait_until(has_ended(store, run))
    return Resumed(store.get(run.id), killed)


@pytest.mark.slow
def test_a_training_is_queued_and_then_runs_and_then_is_done(finished):
    for states in zip(*finished.seen, strict=True):
        changes = [
            after for before, after in pairwise(("", *states)) if before != after
        ]
        assert changes in (["queued", "running", "done"], ["running", "done"])


@pytest.mark.slow
def test_a_training_outlives_the_server_that_started_it(finished):
    assert not set(finished.seen[0]) - set(runs.ACTIVE)
    assert [run.state for run in finished.runs] == ["done", "done"]


@pytest.mark.slow
def test_two_never_train_at_once_and_the_first_started_is_the_first(finished):
    assert len(finished.runs) == 2
    assert ("running", "queued") in finished.seen
    assert set(finished.seen) <= {
        ("queued", "queued"),
        ("running", "queued"),
        ("done", "queued"),
        ("done", "running"),
        ("done", "done"),
    }


@pytest.mark.slow
def test_a_finished_run_is_whole_and_nothing_else_is_left(finished):
    for run in finished.runs:
        for name in RESULT_FILES:
            run.file(name)
        left = {path.name for path in run.folder.iterdir()} - set(RESULT_FILES)
        assert left <= {
            "run.json",
            "about.json",
            "state.json",
            "result.json",
            "progress.jsonl",
            "epochs.npz",
            "log.txt",
            "lock",
        }


@pytest.mark.slow
def test_the_figures_of_a_run_are_those_of_its_predictions(finished, mnist):
    run = finished.runs[0]
    epochs, batches = run.progress()

    read = run.probabilities("test").argmax(axis=1)

    assert run.result.test_accuracy == np.mean(read == mnist.test.labels)
    assert run.result.num_epochs == FULL.epochs == len(epochs)
    assert run.result.validation_accuracy == pytest.approx(
        best_epoch(epochs).val_accuracy, abs=1 / 500
    )
    assert batches[-1].step == batches[-1].num_steps == FULL.epochs * 32


@pytest.mark.slow
def test_the_twin_reads_as_the_model_does(finished, tmp_path):
    run, answer = finished.runs[0], tmp_path / "answer.npy"

    subprocess.run(
        [sys.executable, "-c", KERAS, str(run.folder), str(answer)],
        cwd=paths.REPOSITORY,
        check=True,
        timeout=DEADLINE,
        stderr=subprocess.DEVNULL,
    )

    by_model, by_twin = np.load(answer), run.probabilities("test")[:1000]
    assert np.array_equal(by_model.argmax(axis=1), by_twin.argmax(axis=1))
    assert np.abs(by_model - by_twin).max() < 1e-4


@pytest.mark.slow
def test_the_same_config_gives_the_same_weights(finished):
    assert_same_model(*finished.runs)


@pytest.mark.slow
def test_a_training_that_is_killed_is_interrupted_at_the_next_look(resumed):
    assert [run.state for run in resumed.killed] == ["interrupted"] * 2
    assert not any(run.is_active or run.has_model for run in resumed.killed)


@pytest.mark.slow
def test_a_resumed_training_ends_with_the_weights_of_one_that_was_never_killed(
    resumed, finished
):
    assert resumed.run.state == "done"
    assert_same_model(resumed.run, finished.runs[0])


@pytest.mark.slow
def test_the_curve_of_a_resumed_training_has_no_gap_and_no_double(resumed, finished):
    epochs, expected = resumed.run.progress()[0], finished.runs[0].progress()[0]

    assert [epoch.epoch for epoch in epochs] == list(range(1, FULL.epochs + 1))
    for epoch, other in zip(epochs, expected, strict=True):
        assert (epoch.val_loss, epoch.val_accuracy) == (
            other.val_loss,
            other.val_accuracy,
        )
        assert epoch.loss == pytest.approx(other.loss, rel=1e-5)
    assert all(one.seconds < next_.seconds for one, next_ in pairwise(epochs))


@pytest.mark.slow
def test_a_kill_costs_one_epoch_at_most(resumed):
    lines = read_json_lines(resumed.run.folder / "progress.jsonl")
    trained = [line["epoch"] for line in lines if line["kind"] == "epoch"]

    assert len(trained) <= FULL.epochs + len(resumed.killed)
    assert all(after - before in (0, 1) for before, after in pairwise(trained))


# The spare process


@pytest.fixture
def spare(store, trainers, mnist):
    """A trainer that is ready and has not been told for which run it is."""
    jobs.prepare(store, FULL)
    return jobs._SPARES[store.root].process


@pytest.mark.slow
def test_a_run_takes_the_spare_process_and_gets_the_same_weights(
    store, spare, finished
):
    run = jobs.start(store, FULL)
    wait_until(has_state(store, run, "running"))
    assert spare.poll() is None
    wait_until(has_ended(store, run))

    assert spare.wait(DEADLINE) == 0
    assert state(store, run) == "done"
    ours, theirs = weights(store.get(run.id)), weights(finished.runs[0])
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_a_spare_process_that_died_costs_nothing_but_time(store, spare):
    spare.kill()
    spare.wait(DEADLINE)

    run = jobs.start(store, SMALL)
    wait_until(has_ended(store, run))

    assert state(store, run) == "done"


@pytest.mark.slow
def test_a_training_dies_alone_in_the_spare_process(store, spare, trainers):
    run = jobs.start(store, replace(FULL, epochs=100))
    wait_until(has_state(store, run, "running"))

    trainers.kill_spare(spare)
    wait_until(has_state(store, run, "interrupted"))
    other = jobs.start(store, SMALL)
    wait_until(has_ended(store, other))

    assert state(store, other) == "done"


def test_only_one_spare_process_is_kept_and_a_run_that_waits_takes_none(
    store, trainers, slow_dataset
):
    first = jobs.start(store, SMALL)
    wait_until(has_state(store, first, "running"))
    jobs.prepare(store, SMALL)
    spare = jobs._SPARES[store.root]
    jobs.prepare(store, FULL)
    assert jobs._SPARES[store.root] is spare

    second = jobs.start(store, SMALL)
    wait_until((second.folder / "lock").exists)

    assert jobs._SPARES[store.root] is spare
    assert state(store, second) == "queued"


def test_a_spare_process_ends_with_its_server(store, slow_dataset):
    server = subprocess.run(
        [sys.executable, "-c", PREPARING, str(store.root)],
        cwd=paths.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    pid = int(server.stdout)

    wait_until(lambda: not Path(f"/proc/{pid}").exists())
