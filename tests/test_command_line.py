"""The command line as a person types it: every command is a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image, ImageOps

from mnist_core import kept, paths, runs, styles
from mnist_core.config import TrainConfig
from mnist_core.evaluation import percent
from mnist_core.predictor import Predictor
from mnist_core.recipes import recipe
from mnist_core.runs import Run, RunStore

DEADLINE = 120  # seconds until a test gives up on a process
SETTINGS = [
    "architecture=dense",
    "epochs=3",
    "batch_size=64",
    "dropout=0.3",
    "shift=2",
    "num_train=1000",
    "num_validation=500",
    "seed=7",
]
SMALL = TrainConfig(architecture="softmax", num_train=500, num_validation=500)


@dataclass
class Answer:
    """What a command has left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def rows(self):
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def sentence(self):
        """The last line of standard error, where a progress bar may come before it."""
        return self.stderr.rstrip("\n").replace("\r", "\n").rpartition("\n")[2]


@contextmanager
def started(*arguments, store, **options):
    """A command under way; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_core", *map(str, arguments)],
        cwd=paths.REPOSITORY,
        env={
            **os.environ,
            "MNIST_SAVED_MODEL_DIR": str(store.root),
            "PYTHONUNBUFFERED": "",  # as in a terminal, whatever is set here
            **options.pop("environment", {}),
        },
        encoding="utf-8",
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def command(*arguments, store, **options):
    with started(*arguments, store=store, **options) as process:
        return answered(process)


def answered(process):
    stdout, stderr = process.communicate(timeout=DEADLINE)
    return Answer(process.returncode, stdout, stderr)


def assert_refused(answer, *words):
    """One sentence on standard error, nothing on standard output, exit status 2."""
    assert (answer.status, answer.stdout) == (2, "")
    assert "Traceback" not in answer.stderr
    assert answer.sentence.endswith(".")
    for word in words:
        assert word in answer.sentence


def wait_until(condition):
    """What `condition` returns as soon as that is true."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise TimeoutError(f"It has not happened in {DEADLINE} seconds.")


def own_runs(store):
    return store.runs()[:-1]


def flags(assignments):
    return [f"--set={assignment}" for assignment in assignments]


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


# data


def test_data_finds_mnist(store, mnist):
    answer = command("data", "--json", store=store)

    assert answer.status == 0
    assert answer.json.keys() == {"path", "source", "sha256"}
    assert answer.json["sha256"].keys() == {"x_train", "y_train", "x_test", "y_test"}
    assert answer.json["sha256"]["x_test"].startswith("6d87418db22cc802")


def test_data_says_in_words_where_mnist_is(store, mnist):
    answer = command("data", store=store)

    assert answer.status == 0
    assert answer.stdout.startswith("MNIST is complete: ")
    assert answer.stdout.count("\n") == 1


def test_data_says_what_is_wrong_with_the_file_that_is_named(store, tmp_path):
    named = tmp_path / "mnist.npz"
    named.write_bytes(b"PK\3\4 truncated")

    answer = command("data", store=store, environment={"MNIST_DATASET": str(named)})

    assert_refused(answer, "MNIST_DATASET cannot be used", str(named))
    assert answer.stderr.count("\n") == 1


# train


@dataclass
class Trained:
    """One config, trained by a command and by the process that `jobs` starts."""

    answer: Answer
    store: RunStore
    run: Run
    by_trainer: Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mnist):
    store = RunStore(tmp_path_factory.mktemp("command"))
    other = RunStore(tmp_path_factory.mktemp("trainer"))
    by_trainer = other.create(recipe("fast").config.with_settings(SETTINGS))
    trainer = subprocess.Popen(
        [sys.executable, "-m", "mnist_core.trainer", by_trainer.id],
        cwd=paths.REPOSITORY,
        env={**os.environ, "MNIST_SAVED_MODEL_DIR": str(other.root)},
        stderr=subprocess.DEVNULL,
    )
    try:
        answer = command("train", "--json", *flags(SETTINGS), store=store)
        assert trainer.wait(DEADLINE) == 0
    finally:
        trainer.kill()
        trainer.wait()
    return Trained(answer, store, own_runs(store)[0], other.get(by_trainer.id))


@pytest.mark.slow
def test_train_prints_its_figures_and_nothing_else(trained):
    result = trained.run.result

    assert trained.answer.status == 0
    assert trained.answer.json == {
        "run": trained.run.id,
        "epochs": 3,
        "seconds": result.seconds,
        "validation_accuracy": result.validation_accuracy,
        "test_accuracy": result.test_accuracy,
    }
    assert trained.answer.stdout.count("\n") == 1


@pytest.mark.slow
def test_train_shows_its_progress_and_nothing_of_tensorflow(trained):
    assert "Epoch 3: " in trained.answer.sentence
    assert "100%" in trained.answer.sentence
    for word in ("WARNING", "Traceback", "ensorFlow", "ensorflow", "0000 00:00"):
        assert word not in trained.answer.stderr


@pytest.mark.slow
def test_train_makes_a_run_like_any_other(trained):
    run = trained.run

    assert (run.state, run.reason, run.name) == ("done", "", "dense adam 0.012")
    assert run.config == trained.by_trainer.config
    for name in runs.RESULT_FILES:
        run.file(name)


@pytest.mark.slow
def test_a_command_and_a_trainer_make_the_same_model(trained):
    ours, theirs = trained.run, trained.by_trainer

    for split in ("test", "validation"):
        assert np.array_equal(ours.probabilities(split), theirs.probabilities(split))
    assert ours.result.num_parameters == theirs.result.num_parameters


@pytest.mark.slow
def test_train_without_json_says_in_words_what_came_out(store, mnist):
    chosen = ("--recipe", "linear", "--name", "My first")
    few = ("epochs=1", "num_train=500", "num_validation=500")

    answer = command("train", *chosen, *flags(few), store=store)

    [run] = own_runs(store)
    assert answer.status == 0
    assert answer.stdout.startswith(f"My first ({run.id}): test accuracy ")
    assert percent(run.result.test_accuracy, places=2) in answer.stdout
    assert answer.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--recipe", "nope"],
            "There is no recipe 'nope'. The recipes are blink, fast, ",
        ),
        (["--set", "epochs=0"], "`epochs` must be a whole number from 1 to 300."),
        (["--set", "epochs=many"], "Received: epochs='many'."),
        (["--set", "epochs"], "A setting is written KEY=VALUE, such as epochs=3."),
        (["--set", "colour=red"], "There is no setting 'colour'. The settings are "),
        (["--set", "learning_rate=NaN"], "`learning_rate` must be a number from "),
        (["--set", "learning_rate=1e999"], "`learning_rate` must be a number from "),
        (
            ["--set", "architecture=resnet"],
            "one of softmax, dense, tiny, cnn, deep, residual.",
        ),
        (["--set", "num_train=59500"], "Train and validation images share 60,000"),
        (["--set", "epochs=" + "9" * 5000], "`epochs` must be a whole number"),
        (["--set", "epochs=" + "[" * 100_000], "`epochs` must be a whole number"),
        (["--name", "<img src=x>"], "A run's name has 1 to 60 letters"),
        (["--name", "../../etc/x"], "A run's name has 1 to 60 letters"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_train_refuses_what_is_wrong_before_it_begins(store, mnist, arguments, words):
    answer = command("train", "--json", *arguments, store=store)

    assert_refused(answer, words)
    assert answer.stderr.count("\n") == 1
    assert own_runs(store) == []


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_what_needs_mnist_says_that_it_is_missing(store, tmp_path, name):
    missing = str(tmp_path / "nowhere.npz")

    answer = command(name, store=store, environment={"MNIST_DATASET": missing})

    assert_refused(answer, f"MNIST_DATASET cannot be used: {missing} does not exist.")
    assert own_runs(store) == []


def test_train_says_that_the_runs_cannot_be_written(store, mnist):
    store.root.write_text("Not a folder.")

    answer = command("train", "--recipe", "linear", store=store)

    assert_refused(answer, "cannot be")
    assert answer.stderr.count("\n") == 1


# Ctrl-C


@pytest.fixture
def interruptible():
    """What is started obeys Ctrl-C, even where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_the_first_interrupt_keeps_what_is_trained(store, mnist, interruptible):
    long = flags(["architecture=dense", "epochs=100", "num_train=2000"])
    few = flags(["num_validation=500"])

    with started("train", "--json", *long, *few, store=store) as process:
        [run] = wait_until(lambda: own_runs(store))
        wait_until(lambda: len(store.get(run.id).progress()[0]) >= 2)
        process.send_signal(signal.SIGINT)
        answer = answered(process)

    run = store.get(run.id)
    assert (answer.status, run.state) == (130, "stopped")
    assert answer.json["run"] == run.id
    assert 2 <= answer.json["epochs"] == run.result.num_epochs < 100
    assert Predictor(run).probabilities(mnist.test.images[:5]).shape == (5, 10)
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_an_interrupt_while_digits_are_drawn_ends_it(store, mnist, interruptible):
    many = flags(["num_thick=60000"])

    with started("train", *many, store=store) as process:
        [run] = wait_until(lambda: own_runs(store))
        wait_until(lambda: store.get(run.id).reason)
        process.send_signal(signal.SIGINT)
        answer = answered(process)

    assert (answer.status, store.get(run.id).state) == (130, "stopped")
    assert "60,000 digits are drawn before the first batch" in answer.stderr
    assert "Stopped before it began." in answer.stderr


@pytest.mark.slow
def test_the_second_interrupt_ends_it_at_once(store, mnist, interruptible):
    long = flags(["architecture=dense", "epochs=100", "num_train=2000"])
    few = flags(["num_validation=500"])

    with started("train", "--json", *long, *few, store=store) as process:
        [run] = wait_until(lambda: own_runs(store))
        wait_until(lambda: len(store.get(run.id).progress()[0]) >= 1)
        process.send_signal(signal.SIGINT)
        wait_until((run.folder / "model.keras").exists)  # it is about to finish
        process.send_signal(signal.SIGINT)
        answer = answered(process)

    run = store.get(run.id)
    assert (answer.status, answer.stdout) == (130, "")
    assert (run.state, run.has_model) == ("interrupted", False)
    assert "Traceback" not in answer.stderr


def test_an_interrupt_in_the_queue_ends_it_without_a_model(store, mnist, interruptible):
    store.root.mkdir()

    with (
        FileLock(store.root / ".training.lock"),  # another one trains
        started("train", "--json", "--recipe", "linear", store=store) as process,
    ):
        [run] = wait_until(lambda: own_runs(store))
        wait_until((run.folder / "lock").exists)
        process.send_signal(signal.SIGINT)
        answer = answered(process)

    run = store.get(run.id)
    assert (answer.status, answer.stdout) == (130, "")
    assert (run.state, run.has_model) == ("stopped", False)
    assert "Traceback" not in answer.stderr


# evaluate


def test_evaluate_reads_the_test_split_with_the_shipped_run(store, mnist):
    answer = command("evaluate", "--json", store=store)

    value = answer.json
    matrix = np.array(value["confusion_matrix"])
    assert answer.status == 0
    assert list(value) == [
        "run",
        "num_images",
        "accuracy",
        "interval",
        "confusion_matrix",
        "num_mistakes",
    ]
    assert (value["run"], value["num_images"]) == ("shipped", 10_000)
    assert np.array_equal(matrix.sum(axis=1), np.bincount(mnist.test.labels))
    assert value["num_mistakes"] == 10_000 - np.trace(matrix)
    assert value["accuracy"] == np.trace(matrix) / 10_000
    low, high = value["interval"]
    assert low < value["accuracy"] < high
    assert value["accuracy"] >= 0.995


@pytest.mark.slow
def test_evaluate_says_in_words_how_good_a_run_is(trained):
    answer = command("evaluate", trained.run.id, store=trained.store)

    assert answer.status == 0
    assert answer.stdout.startswith(f"{trained.run.name}: ")
    assert percent(trained.run.result.test_accuracy, places=2) in answer.stdout


# Drawings that were exported


@pytest.fixture
def my_digits(tmp_path):
    file = tmp_path / "my-digits.npz"
    file.write_bytes(kept.to_npz(styles.written(30, seed=7)))
    return file


def test_evaluate_reads_drawings_that_were_exported(store, my_digits):
    drawings = styles.written(30, seed=7)
    shipped = Predictor(store.get(paths.SHIPPED_RUN_ID))
    digits = shipped.probabilities(drawings.images).argmax(axis=1)

    answer = command("evaluate", "--on", my_digits, "--json", store=store)

    assert answer.status == 0
    assert answer.json["num_images"] == 30
    assert answer.json["num_mistakes"] == np.sum(digits != drawings.labels)


@pytest.mark.slow
def test_teach_makes_a_copy_that_reads_the_drawings_better(trained, my_digits):
    run, store = trained.run, trained.store
    before = command("evaluate", run.id, "--on", my_digits, "--json", store=store)

    answer = command("teach", my_digits, "--run", run.id, "--json", store=store)

    assert answer.status == 0
    copy = store.get(answer.json["run"])
    assert (copy.state, copy.config.start_from) == ("done", run.id)
    after = command("evaluate", copy.id, "--on", my_digits, "--json", store=store)
    assert after.json["num_mistakes"] < before.json["num_mistakes"]
    store.delete(copy.id)


@pytest.mark.parametrize("arguments", [["teach"], ["evaluate", "--on"]])
def test_a_file_that_holds_no_drawings_is_told(store, tmp_path, arguments):
    (tmp_path / "x.npz").write_bytes(b"hello")

    assert_refused(
        command(*arguments, tmp_path / "x.npz", store=store), "Expected an .npz with"
    )
    assert_refused(command(*arguments, tmp_path, store=store), "Cannot read ")


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "x" * 10_000])
@pytest.mark.parametrize("arguments", [["evaluate"], ["predict", "a.png", "--run"]])
def test_a_run_that_is_not_there_is_told(store, arguments, run_id):
    answer = command(*arguments, run_id, store=store)

    assert_refused(answer, "There is no run ")


@pytest.mark.parametrize("arguments", [["evaluate"], ["predict", "a.png", "--run"]])
def test_a_run_without_a_model_is_told(store, mnist, arguments):
    run = store.create(SMALL, "Mine")

    answer = command(*arguments, run.id, store=store)

    assert_refused(answer, "“Mine” is queued: it has no model to use.")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, file",
    [
        (["evaluate"], "twin.tflite"),
        (["predict", "a.png", "--run"], "twin.tflite"),
        (["predict", "a.png", "--run"], "novelty.npz"),
    ],
)
def test_a_damaged_model_is_told(trained, store, arguments, file):
    store.root.mkdir()
    folder = shutil.copytree(trained.run.folder, store.root / trained.run.id)
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)

    answer = command(*arguments, trained.run.id, store=store)

    assert_refused(answer, f"{file} of “dense adam 0.012” is damaged")


# predict


def white_on_black(ink, size=280):
    """A digit in the middle of a square, and paper of its own width around it."""
    digit = Image.fromarray(ink).resize((size, size), Image.Resampling.BICUBIC)
    picture = Image.new("L", (2 * size, 2 * size))
    picture.paste(digit, (size // 2, size // 2))
    return picture


def black_on_white(ink, size=280):
    return ImageOps.invert(white_on_black(ink, size))


def colours_of(ink, paper, pen):
    mask = white_on_black(ink)
    return Image.composite(
        Image.new("RGB", mask.size, pen), Image.new("RGB", mask.size, paper), mask
    )


def on_glass(ink):
    picture = Image.new("RGBA", (560, 560), "navy")
    picture.putalpha(white_on_black(ink))
    return picture


def in_a_corner(ink, width, height, side):
    picture = Image.new("L", (width, height), 255)
    digit = Image.fromarray(255 - ink).resize((side, side), Image.Resampling.BICUBIC)
    picture.paste(digit, (width - side, 0))
    return picture


PICTURES = {  # of the test image that is a 7
    "black on white.png": black_on_white,
    "white on black.png": white_on_black,
    "black on white.jpg": black_on_white,
    "white on black.jpeg": white_on_black,
    "black on white.bmp": black_on_white,
    "white on black.bmp": white_on_black,
    "black on white.webp": black_on_white,
    "white on black.WEBP": white_on_black,
    "yellow on blue.png": lambda ink: colours_of(ink, "midnightblue", "gold"),
    "blue on yellow.jpg": lambda ink: colours_of(ink, "khaki", "midnightblue"),
    "transparent.png": on_glass,
    "palette.png": lambda ink: black_on_white(ink).convert("P"),
    "one bit.png": lambda ink: black_on_white(ink).convert("1", dither=0),
    "MNIST itself.png": Image.fromarray,
    "small.png": lambda ink: black_on_white(ink, 28),
    "in a corner.png": lambda ink: in_a_corner(ink, 2000, 1500, 250),
    "wide.png": lambda ink: in_a_corner(ink, 900, 90, 84),
    "Ziffer äöü 7.png": black_on_white,
}
KEYS = ["file", "index", "digit", "probability", "probabilities", "is_digit"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, mnist):
    """Pictures and stacks of the first test images, a 7, a 2 and a 1; and others."""
    folder = tmp_path_factory.mktemp("pictures")
    images = mnist.test.images
    for name, draw in PICTURES.items():
        draw(images[0]).save(folder / name)
    Image.new("L", (50, 60), 255).save(folder / "empty.png")
    (folder / "text.png").write_text("This is no picture.")
    (folder / "nothing.png").write_bytes(b"")
    whole = (folder / "black on white.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    np.save(folder / "ink.npy", images[:3])
    np.save(folder / "one.npy", images[1])
    canvas = np.zeros((3, 140, 140, 4), np.uint8)
    canvas[[0, 2], ..., 3] = images[:2].repeat(5, axis=1).repeat(5, axis=2)
    np.save(folder / "rgba.npy", canvas)
    np.save(folder / "float.npy", images[:3] / 255)
    np.save(folder / "many.npy", images[:400])
    return folder


@pytest.fixture(scope="module")
def pictured(folder, tmp_path_factory):
    """What one command says of all good pictures and stacks."""
    store = RunStore(tmp_path_factory.mktemp("pictured"))
    names = [*PICTURES, "ink.npy", "one.npy", "rgba.npy"]
    files = [folder / name for name in names]
    return command("predict", "--json", *files, store=store)


def rows_of(answer, file):
    return [row for row in answer.rows if row["file"] == str(file)]


def test_predict_prints_a_line_of_json_an_image_and_nothing_else(pictured, folder):
    assert pictured.status == 0
    assert "Traceback" not in pictured.stderr
    assert len(pictured.rows) == len(PICTURES) + 3 + 1 + 3
    for row in pictured.rows:
        assert list(row) == KEYS


@pytest.mark.parametrize("name", PICTURES)
def test_predict_reads_a_picture_of_any_format_polarity_and_size(
    pictured, folder, name
):
    [row] = rows_of(pictured, folder / name)

    assert (row["index"], row["digit"], row["is_digit"]) == (0, 7, True)
    assert row["probability"] == max(row["probabilities"]) > 0.5
    assert len(row["probabilities"]) == 10
    assert sum(row["probabilities"]) == pytest.approx(1, abs=1e-5)


def test_predict_reads_a_stack_of_ink(pictured, folder):
    rows = rows_of(pictured, folder / "ink.npy")

    assert [(row["index"], row["digit"]) for row in rows] == [(0, 7), (1, 2), (2, 1)]


def test_predict_reads_one_drawing_as_a_stack_of_one(pictured, folder):
    [row] = rows_of(pictured, folder / "one.npy")

    assert (row["index"], row["digit"]) == (0, 2)


def test_predict_reads_a_stack_of_canvases_of_which_one_is_empty(pictured, folder):
    rows = rows_of(pictured, folder / "rgba.npy")

    assert [(row["index"], row["digit"]) for row in rows] == [(0, 7), (1, None), (2, 2)]


def test_in_an_empty_picture_there_is_no_digit(store, folder):
    file = str(folder / "empty.png")

    answer = command("predict", "--json", file, store=store)

    nothing = {"digit": None, "probability": None, "probabilities": None}
    assert answer.status == 0
    assert answer.rows == [{"file": file, "index": 0, **nothing, "is_digit": False}]


def test_predict_says_in_words_what_it_reads(store, folder):
    files = [folder / "black on white.png", folder / "rgba.npy"]

    answer = command("predict", *files, store=store)

    first, second, third, fourth = answer.stdout.splitlines()
    assert answer.status == 0
    assert first.startswith(f"{files[0]}[0]: 7 (Sure: 9")
    assert second.startswith(f"{files[1]}[0]: 7 (")
    assert third == f"{files[1]}[1]: – (nothing is drawn)"
    assert fourth.startswith(f"{files[1]}[2]: 2 (")


@pytest.mark.slow
def test_predict_reads_with_the_run_that_is_named(trained, folder):
    run, file = trained.run, folder / "ink.npy"

    answer = command("predict", "--json", file, "--run", run.id, store=trained.store)

    expected = run.probabilities("test")[:3]
    read = [row["probabilities"] for row in answer.rows]
    # As MNIST they come back unchanged, so they are read as the test split was.
    assert np.allclose(read, expected, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["missing.png", "text.png", "nothing.png", "half.png", "float.npy", "missing.npy"],
)
def test_a_file_that_cannot_be_read_is_named(store, folder, name):
    answer = command("predict", "--json", folder / name, store=store)

    assert_refused(answer, name)


def test_a_folder_is_no_picture(store, folder):
    assert_refused(command("predict", folder, store=store), str(folder))


def test_bad_files_are_named_and_good_ones_read_all_the_same(store, folder):
    names = ["small.png", "text.png", "wide.png", "missing.npy", "ink.npy"]

    answer = command(
        "predict", "--json", *(folder / name for name in names), store=store
    )

    assert answer.status == 2
    assert "Traceback" not in answer.stderr
    assert [row["digit"] for row in answer.rows] == [7, 7, 7, 2, 1]
    assert "text.png" in answer.stderr
    assert "missing.npy" in answer.stderr


def test_nothing_is_said_to_a_reader_that_has_seen_enough(store, folder):
    with started("predict", "--json", folder / "many.npy", store=store) as process:
        first = process.stdout.readline()
        process.stdout.close()
        stderr, status = process.stderr.read(), process.wait(DEADLINE)

    assert json.loads(first)["digit"] == 7
    assert status == 0
    assert "BrokenPipe" not in stderr


@pytest.mark.parametrize("arguments", [["runs"], ["predict", "--json", "small.png"]])
def test_nothing_is_said_to_a_reader_that_wants_nothing(store, folder, arguments):
    if "predict" in arguments:
        arguments = [*arguments[:-1], folder / arguments[-1]]
    reading, writing = os.pipe()
    os.close(reading)

    with started(*arguments, store=store, stdout=writing) as process:
        os.close(writing)
        stderr, status = process.stderr.read(), process.wait(DEADLINE)

    assert status == 0
    assert "BrokenPipe" not in stderr


# runs


def test_runs_lists_the_shipped_run_in_a_fresh_place(store):
    answer = command("runs", "--json", store=store)

    [row] = answer.json
    assert answer.status == 0
    assert answer.stdout.count("\n") == 1
    assert (row["id"], row["name"], row["state"]) == ("shipped", "Shipped", "done")
    assert row["architecture"] == "deep"
    assert row["test_accuracy"] >= 0.995
    assert not store.root.exists()


def test_runs_lists_every_state_and_what_cannot_be_read(store):
    done, failed = store.create(SMALL, "First"), store.create(SMALL, "Second")
    runs.write_state(done, "done")
    runs.write_state(failed, "failed", "The disk is full.")
    queued = store.create(SMALL, "Third")
    (store.root / "broken").mkdir()

    rows = command("runs", "--json", store=store).json
    lines = command("runs", store=store).stdout.splitlines()

    expected = [
        (queued.id, "Third", "queued", ""),
        (failed.id, "Second", "failed", "The disk is full."),
        (done.id, "First", "done", ""),
        ("shipped", "Shipped", "done", ""),
        ("broken", None, "unreadable", "run.json is missing."),
    ]
    names = ("id", "name", "state", "reason")
    assert [tuple(row[name] for name in names) for row in rows] == expected
    assert [line.split()[:2] for line in lines] == [
        [one[0], one[2]] for one in expected
    ]
    assert "run.json is missing." in lines[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 here")
def test_runs_lists_a_folder_whose_name_is_not_utf8(store):
    Path(os.fsdecode(os.fsencode(store.root) + b"/\xff\xfe")).mkdir(parents=True)

    answer = command("runs", store=store, environment={"PYTHONIOENCODING": "utf-8"})

    assert answer.status == 0
    assert "shipped" in answer.stdout
    assert "unreadable" in answer.stdout


# All commands


@pytest.mark.parametrize(
    "arguments", [[], ["nope"], ["runs", "--nope"], ["predict"], ["train", "--set"]]
)
def test_a_wrong_use_shows_the_right_one(store, arguments):
    answer = command(*arguments, store=store)

    assert (answer.status, answer.stdout) == (2, "")
    assert answer.stderr.startswith("usage: python -m mnist_core")
    assert "Traceback" not in answer.stderr


def test_help_names_every_command(store):
    answer = command("--help", store=store)

    assert answer.status == 0
    for name in ("data", "train", "teach", "evaluate", "predict", "runs"):
        assert f"    {name} " in answer.stdout
