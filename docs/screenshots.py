"""Make the README's pictures of the pages: `python -m docs.screenshots`.

They show the real app, driven by a mouse: the runs are in a temporary folder, so
nobody's own are in the pictures, and the training in one of them has just ended.
"""

import io
import re
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from benchmarks import _server
from mnist_core import data
from mnist_core.errors import DatasetError
from mnist_core.selection import Selection

FOLDER = Path(__file__).parent
MAX_BYTES = 200_000  # of one picture
MAX_COLORS = 256  # of one picture; flat pages look the same with so few
STILL = 0.5  # seconds without a change: nothing more is to come
TRAINING = 600.0  # seconds that a short training may take on a busy machine
RECIPE = "Dense network"  # whose training is shown: short, with several epochs


def main() -> None:
    """Make all the pictures."""
    try:
        data.load_test()
    except DatasetError as error:
        sys.exit(str(error))
    shots = {"draw": draw, "train": train, "evaluate": evaluate, "browse": browse}
    with _server.chromium() as browser, _server.serving() as server:
        for name, show in shots.items():
            with _server.visit(browser) as page:
                show(page, server.url)
                picture = _compressed(_still_picture(page))
            path = FOLDER / f"{name}.png"
            path.write_bytes(picture)
            print(f"{path}: {len(picture) / 1000:.0f} kB")


def draw(page: Page, url: str) -> None:
    """Draw a digit and have it read."""
    _server.open_draw(page, url)
    _server.draw(page, 3)
    _server.await_prediction(page)


def train(page: Page, url: str) -> None:
    """Start a training from the page and wait for its end."""
    page.goto(f"{url}/train")
    page.locator(".st-key-recipe").get_by_text(RECIPE).click()
    _server.await_rest(page)
    page.locator(".st-key-start-training button").click()
    status = page.locator(".st-key-training-status")
    ended = status.filter(has_text=re.compile("^(done|failed|interrupted)"))
    ended.wait_for(timeout=TRAINING * 1000)
    if not (words := ended.inner_text()).startswith("done"):
        sys.exit(f"The training did not come to its end: {words}")
    page.locator('[data-testid="stVegaLiteChart"] :is(canvas, svg)').nth(1).wait_for()
    _scroll(page, ".st-key-training-status", below=135)


def evaluate(page: Page, url: str) -> None:
    """Show the shipped run's confusion matrix."""
    page.goto(f"{url}/evaluate?run=shipped")
    _server.landmark(page, "Evaluate").wait_for()
    _server.await_rest(page)
    _scroll(page, ".st-key-test-accuracy", below=75)


def browse(page: Page, url: str) -> None:
    """Show the digits that the shipped run reads wrong, the worst first."""
    wrong = Selection(outcome="wrong", sort="loss").to_query()
    query = "&".join(f"{key}={value}" for key, value in wrong.items())
    page.goto(f"{url}/browse?run=shipped&{query}")
    _server.landmark(page, "Browse").wait_for()
    _scroll(page, ".st-key-outcome", below=75)


def _scroll(page: Page, selector: str, *, below: int) -> None:
    """Scroll until a part of the page is so many pixels below the window's top."""
    page.locator(selector).evaluate(
        "(it, below) => { it.style.scrollMarginTop = `${below}px`;"
        " it.scrollIntoView({ block: 'start' }); }",
        below,
    )


def _still_picture(page: Page) -> bytes:
    """The page, once all is loaded and nothing moves any more."""
    _server.await_rest(page)
    page.mouse.move(0, 0)  # off everything that reacts to it
    page.wait_for_function(
        "document.fonts.status === 'loaded'"
        " && [...document.images].every(image => image.complete)"
        " && !document.querySelector('[data-testid=stSkeleton]')"
    )
    deadline = time.monotonic() + _server.PATIENCE
    before, now = b"", page.screenshot(animations="disabled")
    while before != now:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{page.url} keeps changing.")
        page.wait_for_timeout(STILL * 1000)
        before, now = now, page.screenshot(animations="disabled")
    return now


def _compressed(picture: bytes) -> bytes:
    """The same picture with few colours.

    Raises:
        ValueError: If it is still too large for the repository.
    """
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    file = io.BytesIO()
    image.quantize(MAX_COLORS, dither=Image.Dither.NONE).save(
        file, "png", optimize=True
    )
    if len(file.getvalue()) > MAX_BYTES:
        raise ValueError(
            f"A picture must have at most {MAX_BYTES:,} bytes. "
            f"Received: {len(file.getvalue()):,}."
        )
    return file.getvalue()


if __name__ == "__main__":
    main()
