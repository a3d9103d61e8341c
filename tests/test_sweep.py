"""Reading in the background, with a reader that waits until it is told."""

import threading
import time

import numpy as np
import pytest

from mnist_core.corruptions import STEPS
from mnist_core.errors import RunError
from mnist_core.robustness import Robustness
from mnist_core.sweep import Sweep

PATIENCE = 60.0  # seconds
LABELS = np.zeros(4, np.uint8)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)


def read(images):
    return np.eye(10, dtype=np.float32)[np.zeros(len(images), int)]


def sweep_of(open_reader=lambda: read, save=lambda robustness: None, start=None):
    robustness = start or Robustness.empty(LABELS, LABELS)
    return Sweep(robustness, IMAGES, open_reader, save)


def finished(sweep):
    sweep.start()
    sweep.wait(PATIENCE)
    assert not sweep.is_running
    return sweep


def test_nothing_is_read_before_somebody_asks():
    sweep = sweep_of(open_reader=lambda: pytest.fail("It was opened."))

    assert not sweep.is_running
    assert sweep.robustness.num_done == 0
    sweep.wait(0)


def test_everything_is_read_and_kept_after_each_step():
    kept = []

    sweep = finished(sweep_of(save=kept.append))

    assert sweep.robustness.is_whole
    assert [part.num_done for part in kept] == list(range(1, len(STEPS) + 1))
    assert sweep.error == ""


def test_what_was_read_before_is_not_read_again():
    whole = finished(sweep_of()).robustness
    kept = []

    part = Robustness(LABELS, LABELS, whole.digits[:-2])
    sweep = finished(sweep_of(save=kept.append, start=part))

    assert sweep.robustness.is_whole
    assert len(kept) == 2


def test_what_is_whole_is_left_alone():
    whole = finished(sweep_of()).robustness
    opened = []

    finished(sweep_of(open_reader=lambda: opened.append(1), start=whole))

    assert opened == []


def test_however_many_ask_one_thread_reads():
    opened, go_on = [], threading.Event()

    def open_reader():
        opened.append(threading.current_thread())
        go_on.wait(PATIENCE)
        return read

    sweep = sweep_of(open_reader)
    askers = [threading.Thread(target=sweep.start) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sweep.is_running
    go_on.set()
    sweep.wait(PATIENCE)

    assert len(opened) == 1
    assert opened[0].daemon  # it never keeps a server from ending
    assert sweep.robustness.is_whole


def test_a_run_that_cannot_be_read_says_so():
    def open_reader():
        raise RunError("The model file is missing. Put it back.")

    assert finished(sweep_of(open_reader)).error == (
        "The model file is missing. Put it back."
    )


def test_what_breaks_off_says_so_and_goes_on_where_it_was(caplog):
    left = [3]

    def failing(images):
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError
        return read(images)

    sweep = finished(sweep_of(lambda: failing))
    assert "broke off" in sweep.error and "broke off" in caplog.text
    assert sweep.robustness.num_done == 3

    left[0] = len(STEPS)
    finished(sweep)

    assert sweep.error == ""
    assert sweep.robustness.is_whole
    assert left[0] == 3


def test_what_cannot_be_saved_stays_in_memory(caplog):
    def save(robustness):
        raise PermissionError("It is read-only.")

    sweep = finished(sweep_of(save=save))

    assert sweep.robustness.is_whole
    assert sweep.error == ""
    assert "cannot be saved" in caplog.text


def test_several_runs_take_turns_and_all_get_there():
    reading, together = threading.Semaphore(1), []

    def alone(images):
        is_alone = reading.acquire(blocking=False)
        time.sleep(0.001)  # another one has the time to come in
        if is_alone:
            reading.release()
        else:
            together.append(1)
        return read(images)

    sweeps = [sweep_of(lambda: alone) for _ in range(3)]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.wait(PATIENCE)

    assert all(sweep.robustness.is_whole for sweep in sweeps)
    assert not together


def test_a_run_that_is_deleted_meanwhile_is_read_no_more(caplog):
    kept = []

    def save(robustness):
        kept.append(robustness)
        raise FileNotFoundError("There is no such folder.")

    sweep = finished(sweep_of(save=save))

    assert len(kept) == 1
    assert sweep.error == "The run was deleted."
    assert caplog.text == ""


def test_what_another_process_has_read_is_taken_if_it_is_more():
    whole = finished(sweep_of()).robustness
    few, more = (Robustness(LABELS, LABELS, whole.digits[:num]) for num in (2, 5))
    sweep = sweep_of(start=few)

    sweep.take(more)
    assert sweep.robustness is more
    sweep.take(few)
    assert sweep.robustness is more
