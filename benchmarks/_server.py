"""The running app, for the scripts that measure and picture it.

A server of its own on a free port with an empty folder of runs, a Chromium to visit
it with, and a hand that draws. Whatever starts here ends with its `with` block.
"""

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks._table import MEGABYTE
from benchmarks._temporary import temporary_folder
from mnist_core import jobs, paths
from mnist_core.recipes import RECIPES
from mnist_core.runs import RunStore

NOTHING_READ = "–"  # what the Draw page shows in place of a digit
PATIENCE = 90.0  # seconds to wait for anything, on a busy machine
POLL = 0.01  # seconds between two looks at a server that starts
LOOK = 20  # milliseconds between two looks at a page that opens
PAUSE = 0.5  # seconds: twice what the canvas takes to answer, so that it is at rest
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
WINDOW = (1280, 800)  # pixels, width and height
KNOT_STEPS = 8  # movements of the mouse from one knot of a digit to the next

# Digits that can be drawn in one stroke: points from the canvas's top left to its
# bottom right corner, (0, 0) to (1, 1). A point given twice is a corner.
DIGITS = {
    0: [(0.50, 0.17), (0.33, 0.30), (0.29, 0.52), (0.36, 0.74), (0.51, 0.83),
        (0.66, 0.72), (0.71, 0.49), (0.65, 0.28), (0.50, 0.17)],
    1: [(0.55, 0.15), (0.53, 0.38), (0.50, 0.62), (0.48, 0.86)],
    3: [(0.31, 0.27), (0.42, 0.17), (0.57, 0.16), (0.67, 0.27), (0.61, 0.41),
        (0.45, 0.47), (0.45, 0.47), (0.62, 0.51), (0.71, 0.65), (0.64, 0.79),
        (0.47, 0.85), (0.30, 0.76)],
    7: [(0.28, 0.20), (0.49, 0.20), (0.70, 0.19), (0.70, 0.19), (0.58, 0.41),
        (0.49, 0.62), (0.43, 0.86)],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        url: Of the first page, without a slash at the end.
        process: What was started.
        runs: The folder of its runs.
        started: When the process was started, on the monotonic clock.
        healthy: When it first said that it is well.
    """

    url: str
    process: subprocess.Popen[bytes]
    runs: Path
    started: float
    healthy: float


@contextmanager
def serving() -> Iterator[Server]:
    """Start the app as `make run` does, with a temporary folder of runs."""
    with temporary_folder() as folder:
        runs, log = folder / "runs", folder / "server.log"
        port = _free_port()
        started = time.monotonic()
        process = _start(port, runs, log)
        try:
            healthy = _when_healthy(process, port, log)
            url = f"http://localhost:{port}"
            yield Server(url, process, runs, started, healthy)
        finally:
            _end(process)
            _end_trainings(RunStore(runs))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium of this machine, without a window."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        sys.exit("No Chromium is on this machine. Install one: apt install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=CHROMIUM_OPTIONS
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser) -> Iterator[Page]:
    """A visitor's empty tab, in a browser that has never been here before."""
    width, height = WINDOW
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light"
    )
    context.set_default_timeout(PATIENCE * 1000)
    try:
        yield context.new_page()
    finally:
        context.close()


def open_draw(page: Page, url: str) -> float:
    """Open the Draw page; returns the time from which a person can draw."""
    page.goto(url, wait_until="commit")
    # A locator's own wait looks twice a second only, after the first few looks.
    parts = page.locator("canvas.upper-canvas"), predicted_digit(page, NOTHING_READ)
    deadline = time.monotonic() + PATIENCE
    while not all(part.is_visible() for part in parts):
        if time.monotonic() > deadline:
            raise RuntimeError("The Draw page did not come.")
        page.wait_for_timeout(LOOK)
    return time.monotonic()


def predicted_digit(page: Page, text: str | re.Pattern[str] = "") -> Locator:
    """What the Draw page has read, if it is this text."""
    return (
        page.locator(".st-key-predicted-digit")
        .get_by_test_id("stHtml")
        .filter(has_text=text)
    )


def draw(page: Page, digit: int, *, pause: float = 0.0) -> None:
    """Draw a digit with the mouse in one stroke; returns when the button is up.

    Args:
        page: A Draw page.
        digit: What is drawn.
        pause: Seconds between two points.
    """
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    left, top, width, height = canvas.evaluate(
        "it => { const box = it.getBoundingClientRect();"
        " return [box.left, box.top, box.width, box.height]; }"
    )
    first, *others = curve(digit) * (width, height) + (left, top)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point)
        time.sleep(pause)
    page.mouse.up()


def curve(digit: int) -> np.ndarray:
    """`(n, 2)` points of a digit on a canvas of 1 by 1: a Catmull-Rom spline."""
    knots = DIGITS[digit]
    padded = np.array([knots[0], *knots, knots[-1]])
    at = np.linspace(0, 1, KNOT_STEPS, endpoint=False)[:, None]
    pieces = [
        b
        + at * (c - a) / 2
        + at**2 * (a - 2.5 * b + 2 * c - d / 2)
        + at**3 * (1.5 * (b - c) + (d - a) / 2)
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    return np.vstack([*pieces, padded[-1]])


def await_prediction(page: Page) -> int:
    """Wait for the Draw page to read a digit, and say which."""
    return int(predicted_digit(page, re.compile(r"^\d$")).inner_text())


def clear(page: Page) -> None:
    """Press Clear, and wait until a new stroke can begin."""
    page.locator(".st-key-clear button").click()
    predicted_digit(page, NOTHING_READ).wait_for()
    # The canvas tells the server that it is empty, and shows nothing of it.
    page.wait_for_timeout(PAUSE * 1000)


def go_to(page: Page, title: str) -> None:
    """Click a page in the navigation bar and wait until it is complete."""
    page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
    landmark(page, title).wait_for()
    await_rest(page)


def landmark(page: Page, title: str) -> Locator:
    """What shows that a page has all that it is for."""
    selector, text = LANDMARKS[title]
    return page.locator(selector).filter(has_text=text).first


def await_rest(page: Page) -> None:
    """Wait until the server has run the page to its end."""
    page.locator(
        '[data-testid="stApp"][data-test-script-state="notRunning"]'
    ).wait_for()


LANDMARKS = {  # of each page: a selector, and what its text must hold
    "Draw": ("canvas.upper-canvas", ""),
    "Train": (".st-key-start-training button", ""),
    "Evaluate": (".st-key-confusion-matrix td button", ""),
    "Browse": (".st-key-gallery button", ""),
}


def start_long_training(store: RunStore) -> None:
    """Start the largest recipe, and wait until it trains."""
    run = jobs.start(store, RECIPES["best"].config)
    while not run.progress()[1]:
        time.sleep(0.1)
        run = store.get(run.id)
        if not run.is_active:
            sys.exit(f"A training is {run.state}. {run.reason}")


def resident(server: Server) -> float:
    """Megabytes of memory that the server's process holds; Linux tells."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 / MEGABYTE if found else float("nan")


def cpu_seconds(server: Server) -> float:
    """What the server's process has used so far; Linux tells."""
    stat = Path(f"/proc/{server.process.pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _start(port: int, runs: Path, log: Path) -> subprocess.Popen[bytes]:
    options = ["--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, *["-m", "streamlit", "run", "streamlit_app.py"], *options],
            cwd=paths.REPOSITORY,
            env={**os.environ, "MNIST_SAVED_MODEL_DIR": str(runs)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


def _when_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> float:
    """Wait for the server's first answer; returns the time of it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if _is_healthy(port):
            return time.monotonic()
        time.sleep(POLL)
    raise RuntimeError(f"The server did not start. It said:\n{log.read_text()}")


def _is_healthy(port: int) -> bool:
    # Not urllib: it would ask a proxy.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().read() == b"ok"
    except OSError:
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:  # a browser still holds a connection
        process.kill()
        process.wait()


def _end_trainings(store: RunStore) -> None:
    """Stop what was left training: a trainer outlives its server."""
    for run in store.runs():
        if run.is_active:
            store.request_stop(run.id)
            lock = FileLock(run.folder / "lock", timeout=PATIENCE)
            with contextlib.suppress(OSError), lock:
                pass  # its process has let go of it


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
