"""How long a click in Evaluate and Browse takes until the digits are on the screen.

The real server and a real Chromium on this machine; from the pointer's release to the
frame after the new digits came into the page.
"""

import argparse
import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page

from benchmarks import _server
from benchmarks._table import machine, spread, table

NUM_CLICKS = 30
HEAD = ("", "median", "95th percentile", "min", "n")
MILLISECONDS = "{:.0f} ms"

NUMBERS = [re.compile(rf"^(Page )?{number}$") for number in (2, 3)]

# What is on the screen is told by its tiles: when they have changed and a frame has
# been painted, the clock stops.
STOPWATCH = """
(keys) => {
  const seen = () => keys.map((key) =>
    [...document.querySelectorAll(`.st-key-${key} *`)].flatMap((node) => {
      const root = node.shadowRoot ?? node;
      return [...root.querySelectorAll("button[aria-label^='Digit ']")];
    }).map((tile) => tile.getAttribute("aria-label")).join()).join();
  window.stopwatch = { up: NaN, shown: NaN };
  const before = seen();
  addEventListener("pointerup", () => { stopwatch.up = performance.now(); },
    { capture: true, once: true });
  const look = () => {
    if (!isNaN(stopwatch.up) && seen() !== before)
      requestAnimationFrame(() => { stopwatch.shown = performance.now(); });
    else requestAnimationFrame(look);
  };
  look();
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.browse", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--clicks", type=int, default=NUM_CLICKS, metavar="N")
    number = parser.parse_args().clicks
    with _server.chromium() as browser, _server.serving() as server:
        print(f"{machine()}, Chromium {browser.version}\n", flush=True)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        rows = [
            _row(
                "Browse: another page of a hundred digits",
                _turns(page, server.url, number),
            ),
            _row("Browse: another filter", _filters(page, server.url, number)),
            _row(
                "Evaluate: another cell of the matrix", _cells(page, server.url, number)
            ),
        ]
    print(table(HEAD, rows))


def _turns(page: Page, url: str, number: int) -> list[float]:
    page.goto(f"{url}/browse")
    return _time(
        page,
        number,
        lambda step: page.get_by_role("button", name=NUMBERS[step % 2]).first,
    )


def _filters(page: Page, url: str, number: int) -> list[float]:
    page.goto(f"{url}/browse")
    names = ("Wrong", "Right")
    return _time(
        page,
        number,
        lambda step: page.get_by_role("radiogroup", name="Show").get_by_text(
            names[step % 2]
        ),
    )


def _cells(page: Page, url: str, number: int) -> list[float]:
    page.goto(f"{url}/evaluate?true=9&pred=9")
    cells = page.locator(".st-key-confusion-matrix td button")
    return _time(page, number, lambda step: cells.nth(11 * (step % 9)))


def _time(page: Page, number: int, target: Callable[[int], Locator]) -> list[float]:
    """Milliseconds from each click to the frame with the new digits."""
    waits = []
    page.locator("button[aria-label^='Digit ']").first.wait_for()
    for step in range(number + 1):
        page.wait_for_timeout(500)  # a person looks at them
        page.evaluate(STOPWATCH, ["gallery", "digits-behind"])
        target(step).click()
        page.wait_for_function("!isNaN(stopwatch.shown)")
        waits.append(page.evaluate("stopwatch.shown - stopwatch.up"))
    return waits[1:]  # the first one loads what the server keeps


def _row(what: str, waits: list[float]) -> list[str]:
    return spread(what, waits, MILLISECONDS)


if __name__ == "__main__":
    main()
