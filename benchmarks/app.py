"""What a visitor of the app waits for, and what the app costs its machine.

Every figure comes from the real server and a real Chromium on this machine.
"""

import argparse
import re
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks import _server
from benchmarks._server import Server
from benchmarks._table import MEGABYTE, machine, spread, table
from mnist_core import data, paths
from mnist_core.errors import DatasetError
from mnist_core.recipes import DEFAULT
from mnist_core.runs import RunStore

NUM_STARTS = 7  # cold starts
NUM_MEMORY = 3  # servers whose memory is looked at
NUM_STROKES = 50  # that are timed
NUM_MEMORY_STROKES = 10
NUM_TRAININGS = 5  # of the usual recipe
READING = 10.0  # seconds that a person looks at the Train page before the click
NUM_VISITORS = 10
MOVING = 0.02  # seconds between two points of a slow stroke
HEAD = ("", "median", "95th percentile", "min", "n")
SECONDS, MILLISECONDS, MEGABYTES = "{:.2f} s", "{:.0f} ms", "{:.0f} MB"

# In the page: when the mouse button came up, and when the whole drawing's answer was
# there after that, which the page also tells screen readers; and while the pen moves,
# when ink was looked at and when the answer to it was seen.
STOPWATCH = """
window.stopwatch = { up: NaN, shown: NaN, waits: [], first: NaN };
addEventListener("pointerup", () => {
  stopwatch.up = performance.now();
  stopwatch.shown = NaN;
}, true);
new MutationObserver(() => {
  const now = performance.now();
  const said = document.querySelector("[role=status]")?.textContent ?? "";
  if (!isNaN(stopwatch.up) && isNaN(stopwatch.shown) && said.startsWith("Read as"))
    stopwatch.shown = now;
  const seen = document.querySelector(".st-key-model-input img")?.src;
  if (seen === stopwatch.seen) return;
  stopwatch.seen = seen;
  const looks = performance.getEntriesByName("live-ink");
  if (looks.length) stopwatch.waits.push([looks.at(-1).startTime, now]);
  performance.clearMarks("live-ink");
}).observe(document, { subtree: true, childList: true, characterData: true,
                       attributes: true });
"""

Rows = list[list[str]]
Figures = dict[str, list[float]]


def main() -> None:
    options = _options()
    try:
        data.load_test()  # without it, Evaluate and Browse have nothing to show
    except DatasetError as error:
        sys.exit(str(error))
    with _server.chromium() as browser:
        print(f"{machine()}, Chromium {browser.version}\n", flush=True)
        rows = cold_starts(browser, options.starts)
        rows += strokes(browser, options.strokes)
        rows += strokes(browser, options.strokes, while_training=True)
        rows += moving_pen(browser, options.strokes // 5)
        rows += trainings(browser, options.trainings)
        rows += memory(browser, options.servers)
    print(table(HEAD, rows), end="\n\n")
    print(table(("on disk", "size"), sizes()))


def cold_starts(browser: Browser, num_starts: int) -> Rows:
    """Time from nothing to a Draw page that a person can draw on."""
    from_process, from_opening, first_strokes = [], [], []
    for number in range(1, num_starts + 1):
        with _server.visit(browser) as page:
            page.add_init_script(STOPWATCH)
            with _server.serving() as server:
                usable = _server.open_draw(page, server.url)
                from_process.append(usable - server.started)
                from_opening.append(usable - server.healthy)
                first_strokes.append(_time_stroke(page))
                page.close()
        _say(f"cold start {number} of {num_starts}: {from_process[-1]:.2f} s")
    seconds = {
        "cold start to usable Draw page": from_process,
        "of that, from opening the page": from_opening,
    }
    first = {"first stroke's end to visible digit": first_strokes}
    return _rows(seconds, SECONDS) + _rows(first, MILLISECONDS)


def strokes(
    browser: Browser, num_strokes: int, *, while_training: bool = False
) -> Rows:
    """Time from the end of a stroke to the digit in the page."""
    digits = list(_server.DIGITS)
    waits: list[float] = []
    with _server.visit(browser) as page, _server.serving() as server:
        page.add_init_script(STOPWATCH)
        _server.open_draw(page, server.url)
        if while_training:
            _server.start_long_training(RunStore(server.runs))
        for number in range(num_strokes):
            waits.append(_time_stroke(page, digits[number % len(digits)]))
            _server.clear(page)
        page.close()
    _say(f"{num_strokes} strokes done")
    while_it = ", while a training runs" if while_training else ""
    return _rows({f"stroke's end to visible digit{while_it}": waits}, MILLISECONDS)


def moving_pen(browser: Browser, num_strokes: int) -> Rows:
    """While a pen moves: from ink to the answer in the page, and how many a second."""
    digits = list(_server.DIGITS)
    waits: list[float] = []
    rates = []
    with _server.visit(browser) as page, _server.serving() as server:
        page.add_init_script(STOPWATCH)
        _server.open_draw(page, server.url)
        for number in range(num_strokes):
            page.evaluate("stopwatch.waits = []")
            began = time.monotonic()
            _server.draw(page, digits[number % len(digits)], pause=MOVING)
            seconds = time.monotonic() - began
            answers = page.evaluate("stopwatch.waits.filter(it => it[1])")
            waits += [seen - looked for looked, seen in answers]
            rates.append(len(answers) / seconds)
            page.wait_for_function("stopwatch.shown > stopwatch.up", polling=50)
            _server.clear(page)
        page.close()
    _say(f"{num_strokes} slow strokes done")
    ink = _rows({"ink to visible answer, while the pen moves": waits}, MILLISECONDS)
    return ink + _rows({"answers a second, while the pen moves": rates}, "{:.1f}")


def trainings(browser: Browser, num_trainings: int) -> Rows:
    """Time from the click on Start to the first number, and to the finished run."""
    to_number, to_end = [], []
    for number in range(1, num_trainings + 1):
        with _server.visit(browser) as page, _server.serving() as server:
            page.goto(f"{server.url}/train", wait_until="commit")
            start = page.locator(".st-key-start-training button")
            start.wait_for()
            page.wait_for_timeout(1000 * READING)
            status = page.locator(".st-key-training-status")
            began = time.monotonic()
            start.click()
            status.filter(has_text=re.compile(r"step \d")).wait_for()
            to_number.append(time.monotonic() - began)
            status.filter(has_text=re.compile(r"^\s*done")).wait_for()
            page.get_by_test_id("stMetricValue").first.wait_for()
            to_end.append(time.monotonic() - began)
            page.close()
        _say(f"training {number} of {num_trainings}: {to_end[-1]:.2f} s")
    figures = {
        "click on Start to the first number": to_number,
        f"click on Start to the finished run, recipe {DEFAULT}": to_end,
    }
    return _rows(figures, SECONDS)


def memory(browser: Browser, num_servers: int) -> Rows:
    """The server's memory with one visitor, and with ten."""
    if not Path("/proc/self/maps").exists():
        _say("memory is looked at on Linux only")
        return []
    figures: Figures = {}
    learners: set[str] = set()
    for number in range(1, num_servers + 1):
        with _server.visit(browser) as page, _server.serving() as server:
            for name, megabytes in _memory(page, server).items():
                figures.setdefault(name, []).append(megabytes)
            learners |= _learning_libraries(server)
            page.context.close()
        _say(f"memory {number} of {num_servers} done")
    if num_servers:
        print(f"Learning libraries in the server: {', '.join(learners) or 'none'}\n")
    return _rows(figures, MEGABYTES)


def sizes() -> Rows:
    """What the installed app takes on disk."""
    packages = _package_sizes(paths.REPOSITORY / "requirements.lock")
    largest = max(packages, key=lambda name: packages[name])
    rows = [
        (f"{len(packages)} packages of requirements.lock", sum(packages.values())),
        (f"of that, {largest}", packages[largest]),
        ("the repository's files", _repository_size()),
    ]
    return [[name, f"{size / MEGABYTE:,.1f} MB"] for name, size in rows if size]


def _memory(page: Page, server: Server) -> dict[str, float]:
    """Megabytes of one server, in the order in which they are measured."""
    seen = {"server before its first visitor": _server.resident(server)}
    _server.open_draw(page, server.url)
    for number in range(NUM_MEMORY_STROKES):
        _stroke(page, list(_server.DIGITS)[number % len(_server.DIGITS)])
    seen[f"server, one visitor, {NUM_MEMORY_STROKES} strokes"] = _server.resident(
        server
    )
    for title in ("Train", "Evaluate", "Browse", "Draw"):
        _server.go_to(page, title)
    seen["server, that visitor saw four pages"] = _server.resident(server)
    for _ in range(NUM_VISITORS - 1):
        other = page.context.new_page()
        _server.open_draw(other, server.url)
        _stroke(other, 3)
    seen[f"server, {NUM_VISITORS} visitors"] = _server.resident(server)
    return seen


def _learning_libraries(server: Server) -> set[str]:
    """The libraries for training in the server: there must never be one."""
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    return set(re.findall(r"site-packages/(tensorflow|keras|jaxlib|torch)/", maps))


def _time_stroke(page: Page, digit: int = 3) -> float:
    """Draw a digit on an empty canvas; milliseconds from the stroke's end to it."""
    _server.draw(page, digit)
    page.wait_for_function("stopwatch.shown > stopwatch.up", polling=50)
    wait: float = page.evaluate("stopwatch.shown - stopwatch.up")
    return wait


def _stroke(page: Page, digit: int) -> None:
    _server.draw(page, digit)
    _server.await_prediction(page)
    _server.clear(page)


def _rows(figures: Figures, form: str) -> Rows:
    return [spread(name, values, form) for name, values in figures.items() if values]


def _package_sizes(lock: Path) -> dict[str, int]:
    """Bytes on disk of each installed package that a lock file names."""
    names = set(re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE))
    sizes = {}
    for name in sorted(names):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:  # for another system or Python
            continue
        located = [Path(str(file.locate())) for file in files]
        sizes[name] = sum(path.stat().st_size for path in located if path.exists())
    return sizes


def _repository_size() -> int:
    """Bytes of the files that are in git, or would be; 0 where there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(
            command, cwd=paths.REPOSITORY, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    files = [paths.REPOSITORY / name for name in listing.stdout.split("\0") if name]
    return sum(file.stat().st_size for file in files if file.is_file())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.app", description="Measure the running app."
    )
    parser.add_argument("--starts", type=int, default=NUM_STARTS, metavar="N")
    parser.add_argument("--strokes", type=int, default=NUM_STROKES, metavar="N")
    parser.add_argument("--trainings", type=int, default=NUM_TRAININGS, metavar="N")
    parser.add_argument("--servers", type=int, default=NUM_MEMORY, metavar="N")
    return parser.parse_args()


def _say(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
