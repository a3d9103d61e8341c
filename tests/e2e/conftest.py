"""A real server, a real Chromium, and a visitor who knows the way around.

A server is in a process group of its own, with a folder of runs in a temporary
place. Whatever it starts, its trainers included, is gone when its fixture ends.
"""

import hashlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from mnist_core import data, paths
from mnist_core.config import TrainConfig
from mnist_core.files import read_json, write_json
from mnist_core.recipes import RECIPES
from mnist_core.runs import EPOCHS_FILE, RunStore
from mnist_core.timeline import Timeline

HERE = Path(__file__).parent
CHROMIUMS = (
    "chromium-headless-shell",  # no window to draw: a page costs half as much
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CALM = 500  # milliseconds in which nothing changes any more
PATIENCE = 60.0  # seconds to wait for what takes one on a quiet machine
STARTING = 60.0  # seconds until a server must answer
# The canvas listens to the mouse only when Fabric.js has set it up, and shows nothing
# of that: a stroke in the first quarter of a second is lost.
CANVAS_SETUP = 300  # milliseconds
BENIGN = (
    # A page's own address asks for these below itself.
    r"404 .*/\w+/_stcore/(health|host-config)$",
    # A tab without network.
    r"net::ERR_NAME_NOT_RESOLVED .*",
    r"net::ERR_INTERNET_DISCONNECTED .*",
    # Two Undos at once: Streamlit replaces the canvas while it still loads the first
    # drawing, and the canvas clears itself when it is gone. The new one is right.
    r"(?s)reading 'clearRect'.*streamlit_drawable_canvas",
)
NO_CHROMIUM = (
    "No Chromium is on this machine: `apt install chromium-headless-shell` (or "
    "`chromium`), or install Google Chrome, for the browser tests."
)

expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


class Server:
    """The app, running on a port of its own."""

    def __init__(self, folder, port=None):
        self.store = RunStore(folder / "runs")
        self._kept = folder / "kept"
        self._log = folder / "server.log"
        self._process = None
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        options = ["--server.headless", "true", "--server.port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "streamlit",
                    "run",
                    "streamlit_app.py",
                    *options,
                ],
                cwd=paths.REPOSITORY,
                env={
                    **os.environ,
                    "MNIST_SAVED_MODEL_DIR": str(self.store.root),
                    "MNIST_KEPT_DIR": str(self._kept),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + STARTING
        while not self._is_healthy():
            if time.monotonic() > deadline or self._process.poll() is not None:
                pytest.fail(f"The server did not start:\n{self.log()}")
            time.sleep(0.05)
        return self

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        """What `kill -9` does; its trainers live on."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def kill_trainers(self):
        """End every training that was started from it; returns how many there were."""
        pids = list(self._trainers())
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def log(self):
        return self._log.read_text(errors="replace")

    def end(self):
        self.kill()
        self.kill_trainers()

    def _is_healthy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_stcore/health")
            return connection.getresponse().read() == b"ok"
        except OSError:
            return False
        finally:
            connection.close()

    def _trainers(self):
        """The processes whose folder of runs is this server's; from Linux's list."""
        ours = f"MNIST_SAVED_MODEL_DIR={self.store.root.resolve()}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                is_trainer = b"mnist_core.trainer" in (folder / "cmdline").read_bytes()
                variables = (folder / "environ").read_bytes().split(b"\0")
                if is_trainer and ours in variables:
                    yield int(folder.name)


class Visitor:
    """A tab, and what a person does in it."""

    def __init__(self, page, server):
        self.page = page
        self.server = server
        self.errors = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self._note(error.stack or str(error)))

    def _listen(self, message):
        if message.type == "error":
            self._note(f"{message.text} {message.location.get('url', '')}")

    def _note(self, error):
        if not any(re.search(benign, error) for benign in BENIGN):
            self.errors.append(error)

    def forgive(self, pattern):
        """Pass over what the console has said of something done on purpose."""
        self.errors = [text for text in self.errors if not re.search(pattern, text)]

    # Finding the way

    def open(self, path="", **query):
        """A page by its address."""
        address = f"{self.server.url}/{path}"
        self.page.goto(f"{address}?{urlencode(query)}" if query else address)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        self.rest()
        return self

    def go(self, title):
        """A page by the navigation bar."""
        self.page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
        heading = self.page.get_by_role("heading", level=1, name=title)
        expect(heading).to_be_visible()
        self.rest()
        return self

    def rest(self):
        """Wait until the server has run the page to its end."""
        idle = '[data-testid="stApp"][data-test-script-state="notRunning"]'
        expect(self.page.locator(idle)).to_be_visible()

    def download(self, button):
        """Take a file away.

        A file that is asked for while the page still runs is taken back by Streamlit.
        """
        self.rest()
        with self.page.expect_download() as download:
            button.click()
        return download.value

    @property
    def query(self):
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def expect_query(self, **expected):
        """Wait until the address says so; None: it says nothing of it."""

        def holds(url):
            query = dict(parse_qsl(urlsplit(url).query))
            return all(query.get(key) == value for key, value in expected.items())

        self.page.wait_for_url(holds, timeout=PATIENCE * 1000, wait_until="commit")

    # A slow line

    def hold_up(self):
        """Stand between the server and the page that is opened next."""
        self._held = None

        def connect(page):
            server = page.connect_to_server()
            self._send = page.send
            server.on_message(
                lambda answer: (
                    page.send(answer)
                    if self._held is None
                    else self._held.append(answer)
                )
            )

        self.page.route_web_socket(re.compile("/_stcore/stream"), connect)
        return self

    @contextmanager
    def unanswered(self):
        """Hold up what the server says, until the end; yields how to wait for it."""
        self._held = []

        def wait_for(words):
            deadline = time.monotonic() + PATIENCE
            while not any(words.encode() in answer for answer in self._held):
                assert time.monotonic() < deadline, f"The server never said {words!r}."
                self.page.wait_for_timeout(50)

        yield wait_for
        held, self._held = self._held, None
        for answer in held:
            self._send(answer)

    # What is on the page

    def at(self, key):
        return self.page.locator(f".st-key-{key}")

    def button(self, name):
        return self.page.get_by_role("button", name=name)

    @property
    def alert(self):
        return self.page.get_by_test_id("stAlert")

    @property
    def scrolled(self):
        return self.page.get_by_test_id("stMain").evaluate("it => it.scrollTop")

    def click_mark(self, chart, said, *, tag="path", times=1, last=False):
        """Click the bar, point or number of a chart that a screen reader says so of.

        A chart is drawn anew when it learns its width; until then a click is lost.
        """
        svg = self.page.locator(".vega-embed svg.marks").nth(chart)
        drawn = None
        while drawn is None or not drawn.evaluate("it => it.isConnected"):
            drawn = svg.element_handle()
            self.page.wait_for_timeout(CALM)
        marks = svg.locator(f"{tag}[aria-label*='{said}']")
        (marks.last if last else marks.first).click(click_count=times)

    def choose(self, label, option):
        """Pick an option of a select box; a count may stand behind its name."""
        box = self.page.get_by_role("combobox", name=label)
        box.click()
        name = re.compile(rf"^{re.escape(option)}( · [\d,]+)?$")
        self.page.get_by_role("option", name=name).click()
        self.rest()

    def press(self, group, option):
        """Press one of a few buttons that stand for a choice; counts may follow."""
        choices = self.page.get_by_role("radiogroup", name=group)
        name = re.compile(rf"^{option}( · [\d,]+)?$", re.I)
        choices.get_by_text(name).click()
        expect(choices.get_by_role("radio", name=name)).to_be_checked()
        self.rest()

    def fill(self, label, value):
        """Type a number into the form."""
        field = self.page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(str(value))
        field.press("Enter")
        self.rest()

    # Drawing

    @property
    def digit(self):
        return self.at("predicted-digit")

    def expect_digit(self, digit):
        """The text is the digit alone."""
        expect(self.digit).to_have_text(re.compile(rf"^\s*{re.escape(digit)}\s*$"))

    @property
    def seen(self):
        """Which image the model sees: its name in the server's memory."""
        return self.at("model-input").locator("img").get_attribute("src")

    def expect_other(self, seen):
        """Wait until the model sees another image."""
        image = self.at("model-input").locator("img")
        expect(image).not_to_have_attribute("src", seen)

    def canvas(self):
        """Where the canvas is in the window, when it can be drawn on."""
        canvas = self.page.locator("canvas.upper-canvas")
        expect(canvas).to_be_visible()
        canvas.scroll_into_view_if_needed()
        self.page.wait_for_timeout(CANVAS_SETUP)
        return canvas.bounding_box()

    @property
    def ink(self):
        """How many pixels of the canvas are black."""
        return self.page.locator("canvas.dc-canvas.lower-canvas").evaluate(
            """canvas => {
                const context = canvas.getContext("2d");
                const image = context.getImageData(0, 0, canvas.width, canvas.height);
                return image.data.filter((value, at) => at % 4 == 0 && !value).length;
            }"""
        )

    def draw(self, *strokes):
        """Draw with the mouse; strokes are points of a canvas of 280 by 280."""
        box = self.canvas()
        for stroke in strokes:
            points = [(box["x"] + x, box["y"] + y) for x, y in stroke]
            self.page.mouse.move(*points[0])
            self.page.mouse.down()
            for point in points[1:]:
                self.page.mouse.move(*point, steps=6)
            self.page.mouse.up()

    def touch(self, *points, x=0.0, y=0.0):
        """Move a finger; points are relative to (x, y)."""
        session = self.page.context.new_cdp_session(self.page)
        for number, (right, down) in enumerate(points):
            session.send(
                "Input.dispatchTouchEvent",
                {
                    "type": "touchMove" if number else "touchStart",
                    "touchPoints": [{"x": x + right, "y": y + down}],
                },
            )
        session.send(
            "Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}
        )

    # Training

    @property
    def status(self):
        return self.at("training-status")

    def expect_state(self, *states, timeout=PATIENCE):
        pattern = re.compile(rf"^\s*({'|'.join(states)})\b")
        expect(self.status).to_have_text(pattern, timeout=timeout * 1000)

    def start_training(self, recipe="Softmax regression", **settings):
        """Fill in the form and press Start."""
        self.press("Recipe", recipe)
        summary = next(r.summary for r in RECIPES.values() if r.title == recipe)
        expect(self.page.get_by_text(summary)).to_be_visible()
        self.rest()  # so the form is filled
        if settings:
            self.page.get_by_text("Settings", exact=True).click()
            for label, value in settings.items():
                self.fill(label.replace("_", " "), value)
            # The page may move until it has answered, and a click beside Start is lost.
            self.page.wait_for_url(
                lambda url: url.count("set=") == len(settings), wait_until="commit"
            )
            self.rest()
        self.at("start-training").get_by_role("button").click()
        self.page.wait_for_url(lambda url: "run=" in url, wait_until="commit")
        self.expect_state("queued", "running", "done")
        return self.query["run"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copied_run(store, name):
    """A run as good as the shipped one, because it is a copy."""
    run = store.create(TrainConfig(architecture="softmax"), name)
    shutil.copytree(paths.shipped_run_dir(), run.folder, dirs_exist_ok=True)
    write_json(run.folder / "about.json", {"name": name, "note": ""})
    return store.get(run.id)


@pytest.fixture(scope="session")
def chromium():
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(NO_CHROMIUM)
    if found is None:
        pytest.skip(NO_CHROMIUM)
    return found


@pytest.fixture(scope="module")  # not longer: its event loop would stay in the thread
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


def watched_run(store, name):
    """Such a copy that was looked at after two epochs; after the first, 7s were 1s."""
    run = copied_run(store, name)
    labels = data.load_test().labels
    said = run.probabilities("test")
    before = np.where((labels == 7)[:, None], np.eye(10)[1], said)
    timeline = Timeline.empty(labels).including(1, before).including(2, said)
    file = run.folder / EPOCHS_FILE
    timeline.save(file)
    result = read_json(run.folder / "result.json")
    result["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(run.folder / "result.json", result)
    return store.get(run.id)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory, chromium):
    server = Server(tmp_path_factory.mktemp("shared"))
    run = watched_run(server.store, "Second")
    yield SimpleNamespace(server=server.start(), second=run)
    server.end()


@pytest.fixture
def server(mnist, shared_server):
    """A server for those who only look; beside the shipped run it has one more."""
    return shared_server.server


@pytest.fixture
def add_run():
    return copied_run


@pytest.fixture
def second(shared_server):
    """The run of the shared server."""
    return shared_server.second


@pytest.fixture
def fresh_server(mnist, chromium, tmp_path):
    """A server that nobody has visited yet."""
    server = Server(tmp_path)
    yield server.start()
    server.end()


@pytest.fixture
def visit(browser):
    """Opens tabs, each in a browser that has never been here; checks their console."""
    visitors = []

    def visit(server, *, width=1280, height=900, **settings):
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, **settings)
        context.set_default_timeout(PATIENCE * 1000)
        visitors.append(Visitor(context.new_page(), server))
        return visitors[-1]

    yield visit
    errors = [error for visitor in visitors for error in visitor.errors]
    for visitor in visitors:
        visitor.page.context.close()
    assert errors == []
