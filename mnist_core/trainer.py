"""The process of one training: `python -m mnist_core.trainer RUN_ID`, or `--spare`.

It is started by `jobs` and is the only writer of its run's state. TensorFlow is
imported when it is this run's turn: a run that waits costs 40 MB, not 700.

A spare imports it at once, and reads from standard input a JSON object a line:
`{"config": …}` is what will probably be trained, and it gets ready for that;
`{"run": …}` is the id of the run that it is for.
"""

import errno
import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from mnist_core import data, estimates, jobs, kept, paths
from mnist_core.checkpoints import Snapshot, load_snapshot, save_snapshot
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.errors import DigitLabError
from mnist_core.files import append_json_line
from mnist_core.history import BatchMetrics, EpochMetrics
from mnist_core.runs import (
    EPOCHS_FILE,
    Run,
    RunStore,
    State,
    trainer_lock,
    write_state,
)
from mnist_core.watching import Watch

if TYPE_CHECKING:
    from mnist_core.engine import Engine

MAX_THREADS = 4  # of TensorFlow; more give little on images of 28 x 28
MAX_DENSITY = 400  # reports kept of a training as long as the present one
TELLING = 1.0  # seconds between two words about what is drawn before the first batch
MAX_IDLE = 900.0  # seconds that a spare waits to be told more
MAX_DRAWING = 3.0  # seconds of drawing digits that a spare does before it is told more
CHECKPOINT = "checkpoint.npz"
NICENESS = 10  # whoever draws comes first, and on a busy server it still moves on

log = logging.getLogger(__name__)


def train_run(
    store: RunStore,
    run: Run,
    *,
    on_batches: Callable[[BatchMetrics], None] = lambda metrics: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    on_wait: Callable[[], None] = lambda: None,
) -> Run:
    """Wait for this run's turn, train it and finish it, in this process.

    Args:
        store: Where the run is.
        run: A queued run that no other process works on.
        on_batches: Called a few times a second, beside what goes into the folder.
        is_cancelled: Another way to ask for a stop, beside the folder's.
        on_wait: Called a few times a second while another training holds the slot.

    Returns:
        The run in its last state: whatever went wrong is in there, too.
    """
    with trainer_lock(run):
        return _train_in_turn(store, run, None, on_batches, is_cancelled, on_wait)


class _StoppedError(Exception):
    """A stop was asked for before the first batch."""


def _train_in_turn(
    store: RunStore,
    run: Run,
    engine: "Engine | None",
    on_batches: Callable[[BatchMetrics], None] = lambda metrics: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    on_wait: Callable[[], None] = lambda: None,
) -> Run:
    """The same for whoever has the run's lock, and perhaps a new engine for it."""
    has_learned = (run.folder / CHECKPOINT).exists()  # it goes on, and a stop keeps it

    def should_stop() -> bool:
        return is_cancelled() or (run.folder / "stop").exists()

    tell_drawn = _teller(run)

    def record_drawn(num_drawn: int) -> None:
        if should_stop() and not has_learned:
            raise _StoppedError
        tell_drawn(num_drawn)

    try:
        with jobs.turn(store, run, should_stop, on_wait) as has_turn:
            if not has_turn:
                raise _StoppedError
            if engine is None:
                words = estimates.drawing_words(run.config, store.runs())
                write_state(run, "running", words)
                engine = _built(store, run.config, run.kept(), record_drawn)
            write_state(run, "running")
            _train(run, engine, on_batches, should_stop)
    except _StoppedError:
        if has_learned:
            write_state(run, "interrupted", "Stopped before it went on.")
        else:
            write_state(run, "stopped", "Stopped before it began.")
    except Exception as error:  # the edge of the process: it must be told
        log.exception("The training of %s failed", run.id)
        write_state(run, "failed", _sentence(error))
    return store.get(run.id)


def _teller(run: Run) -> Callable[[int], None]:
    """Tells once a second, in the run's state, how many thick digits are drawn."""
    began = told = 0.0

    def tell(num_drawn: int) -> None:
        nonlocal began, told
        now = time.monotonic()
        began = began or now
        told = told or now
        if now - told >= TELLING:
            told = now
            words = estimates.drawn_words(run.config, num_drawn, now - began)
            with suppress(OSError):  # the training goes on without these words
                write_state(run, "running", words)

    return tell


def _built(
    store: RunStore,
    config: TrainConfig,
    drawings: Split | None = None,
    on_drawn: Callable[[int], None] = lambda num_drawn: None,
) -> "Engine":
    """A new engine for a config, with its data and the runs that it needs.

    Of the drawings, those that are held out are not taught with.
    """
    origin = store.origin(config)
    teachers = [run.file("model.keras") for run in store.teachers(config)]
    mnist = data.load_mnist(
        num_train=config.num_train, num_validation=config.num_validation
    )
    from mnist_core.engine import Engine  # TensorFlow: only when it is needed

    return Engine(
        config,
        mnist,
        teachers,
        origin=origin.file("model.keras") if origin else None,
        drawings=drawings[~kept.held_out(drawings.images)]
        if drawings
        else kept.NOTHING,
        on_drawn=on_drawn,
    )


def _train(
    run: Run,
    engine: "Engine",
    on_batches: Callable[[BatchMetrics], None],
    should_stop: Callable[[], bool],
) -> None:
    from mnist_core import finishing, training  # TensorFlow: only when it is needed

    checkpoint = run.folder / CHECKPOINT
    progress = run.folder / "progress.jsonl"
    snapshot = load_snapshot(checkpoint)
    # The one use of the test split before the training is over: to be looked at later.
    watch = Watch(
        run.folder / EPOCHS_FILE,
        engine.mnist.test,
        engine.read,
        run.config,
        len(snapshot.history) if snapshot else 0,
    )
    began = recorded = time.monotonic()

    def record_batches(metrics: BatchMetrics) -> None:
        nonlocal recorded
        on_batches(metrics)
        now = time.monotonic()
        is_last = metrics.step == metrics.num_steps
        if is_last or now - recorded >= (now - began) / MAX_DENSITY:
            recorded = now
            append_json_line(progress, {"kind": "batches", **asdict(metrics)})

    def record_epoch(metrics: EpochMetrics) -> None:
        append_json_line(progress, {"kind": "epoch", **asdict(metrics)})

    def record_snapshot(snapshot: Snapshot) -> None:
        watch.look(snapshot.history)  # first: an epoch that is kept was looked at
        save_snapshot(checkpoint, snapshot)

    trained = training.train(
        engine,
        snapshot=snapshot,
        on_batches=record_batches,
        on_epoch=record_epoch,
        on_snapshot=record_snapshot,
        should_stop=should_stop,
    )
    write_state(run, "running", "Saving the model and reading the test split.")
    finishing.finish(run, trained, engine.mnist)
    write_state(run, *_ENDINGS[trained.ending])
    checkpoint.unlink(missing_ok=True)


_ENDINGS: dict[str, tuple[State, str]] = {
    "done": ("done", ""),
    "stopped": ("stopped", "Stopped on request; the best epoch so far is kept."),
    "diverged": (
        "stopped",
        "The loss became infinite or not a number, so the training ended; the best "
        "epoch before is kept. Lower the learning rate.",
    ),
}


def _sentence(error: Exception) -> str:
    """Why a training failed, for a person."""
    if isinstance(error, DigitLabError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Delete runs that you no longer need, and start again."
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "ResourceExhaustedError"
    ):
        return "The memory ran out. Choose a smaller batch or a smaller architecture."
    return (
        f"An unexpected {type(error).__name__} ended it; log.txt in its folder tells."
    )


def _be_considerate() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    # Linux may weigh sessions, not processes (sched(7)): that of this process, unless
    # it is a person's shell that has started it.
    if hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(NICENESS))
        if hasattr(os, "sched_setaffinity"):  # the server keeps to one core
            os.sched_setaffinity(0, paths.server_cores())


def limit_threads() -> None:
    """Bound TensorFlow's threads and quieten it; to be called before its import."""
    threads = min(MAX_THREADS, os.cpu_count() or 1)
    # Kernels run beside each other, for the engine parts a batch in two. One
    # that several threads shared would round in another way, and learn other weights.
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(threads))
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(argument: str) -> int:
    """Train one run; the exit status is 0 if it has a model at the end.

    Args:
        argument: The run's id, or `jobs.SPARE`: get ready, and read it from standard
            input. A spare that is told nothing ends with status 0.
    """
    limit_threads()
    store = RunStore()
    engine = None
    if argument == jobs.SPARE:
        _be_considerate()
        run, lock, engine = _wait_for_run(store)
        # Keras's export collects garbage: a quarter of a second among all that is here.
        gc.freeze()
    else:
        run = store.get(argument)
        lock = _locked(run)
        _be_considerate()  # now: on a busy machine it might be taken for dead before
    with lock:
        run = _train_in_turn(store, run, engine)
    return 0 if run.has_model else 1


def _locked(run: Run) -> ExitStack:
    """A run's lock, held; whoever leaves the stack, in any thread, lets it go."""
    lock = ExitStack()
    lock.enter_context(trainer_lock(run))
    return lock


def _wait_for_run(store: RunStore) -> "tuple[Run, ExitStack, Engine | None]":
    """The run that this spare is for, its lock, and its engine if that is ready."""
    messages = _messages(store)
    # Seconds, so the pipe is read first.
    from mnist_core import examples, finishing, models

    engine, has_rehearsed = None, False
    while "run" not in (message := _newest(messages)):
        engine = None  # the memory of the last one is free before the next is built
        models.forget_names()
        try:
            config = TrainConfig.from_json(message["config"])
            if estimates.drawing(config, store.runs()) > MAX_DRAWING:
                continue  # who starts something else must not wait until this ends
            engine = _built(store, config)
            if messages.empty() and not has_rehearsed:
                finishing.rehearse(engine.heads)
                has_rehearsed = True
            if messages.empty():
                examples.of(engine.mnist)
        except Exception:  # who starts it will be told
            log.exception("Nothing was got ready")
    run, lock = message["run"], message["lock"]
    _write_to(run.folder / "log.txt")
    if engine is not None and engine.config == run.config:
        return run, lock, engine
    models.forget_names()
    return run, lock, None


def _messages(store: RunStore) -> "Queue[dict[str, Any]]":
    """What the server sends, a run in place of its id, with its lock.

    The process ends when the server leaves without such an id. The lock is taken at
    once, whatever this process is busy with: a run that has a process for long without
    its lock counts as interrupted.
    """
    messages: Queue[dict[str, Any]] = Queue()
    # Without a buffer: a thread that waits in one would hold up the process's end.
    pipe = os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)

    def read() -> None:
        message: dict[str, Any] = {}
        try:
            for line in pipe:
                message = json.loads(line)
                if "run" in message:
                    run = store.get(message["run"])
                    message = {"run": run, "lock": _locked(run)}
                messages.put(message)
        finally:
            if "lock" not in message:
                os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return messages


def _newest(messages: "Queue[dict[str, Any]]") -> dict[str, Any]:
    """The last of those that wait; the process ends if none comes for long."""
    try:
        message = messages.get(timeout=MAX_IDLE)
    except Empty:
        os._exit(0)  # at once: nothing that is told now may be lost
    with suppress(Empty):
        while True:
            message = messages.get_nowait()
    return message


def _write_to(log: Path) -> None:
    """Send from now on to this file what the process and its libraries say."""
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
