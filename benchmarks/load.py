"""A class that draws at once: how long each waits, and what it costs the server.

The real server, and as many websocket clients as visitors, each of whom sends a
drawing a second and checks that the answer is about that drawing. With `--watching`,
others watch a training meanwhile.
"""

import argparse
import asyncio
import itertools
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import numpy as np
from websockets.exceptions import WebSocketException

from benchmarks import _server
from benchmarks._server import DIGITS, Server
from benchmarks._table import machine, table
from benchmarks._visitor import NoAnswerError, Visitor, drawing, visiting, watch
from mnist_core.runs import RunStore

NUM_VISITORS = (50, 100, 200)
MINUTES = 1.0
PACE = 1.0  # seconds from one drawing of a visitor to the next
UNEVENNESS = 0.2  # seconds that a drawing comes earlier or later than that
LOOK = 5.0  # seconds between two looks at the server's memory
# Seconds in which those who watch come, one after the other, so that they do not all
# look at the same moments.
SETTLING = 5.3
HEAD = ("visitors", "watching", "median", "95th percentile", "answers/s", "errors",
        "mixed up", "page opens", "server's CPU", "clients' CPU", "memory at start",
        "at end", "growth a minute")  # fmt: skip


@dataclass
class Outcome:
    """What some visitors saw, and what a server took for it.

    Attributes:
        openings: Seconds until each visitor's page was complete.
        waits: Seconds from each drawing to its answer.
        num_errors: Drawings without an answer.
        num_mixed_up: Drawings with the answer to another one.
        memory: Seconds since the start and megabytes of the server, in order.
        seconds: How long all that took after the pages were open.
        server_cpu: Seconds on one core, the server's in that time.
        own_cpu: The clients' in that time.
    """

    openings: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    num_errors: int = 0
    num_mixed_up: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)
    seconds: float = 0.0
    server_cpu: float = 0.0
    own_cpu: float = 0.0


def main() -> None:
    options = _options()
    print(f"{machine()}\n", flush=True)
    rows = []
    for num_visitors in options.visitors:
        with _server.serving() as server:
            if options.watching:
                _server.start_long_training(RunStore(server.runs))
            outcome = asyncio.run(
                measure(server, num_visitors, options.watching, 60 * options.minutes)
            )
            if options.watching and not RunStore(server.runs).runs()[0].is_active:
                sys.exit("The training ended before the others had drawn.")
        rows.append(_row(num_visitors, options.watching, outcome))
        _say(f"{num_visitors} visitors done")
    print(table(HEAD, rows))


async def measure(
    server: Server, num_visitors: int, num_watching: int, seconds: float
) -> Outcome:
    """Have visitors open the page all at once, then draw for so many seconds."""
    outcome = Outcome()
    await _first_visit(server)
    async with AsyncExitStack() as stack:
        watchers = []
        for _ in range(num_watching):
            watchers.append(asyncio.create_task(watch(server.url)))
            stack.callback(watchers[-1].cancel)
            await asyncio.sleep(SETTLING / num_watching)
        opened = [_open(stack, server.url, outcome) for _ in range(num_visitors)]
        visitors = await asyncio.gather(*opened)
        start, cpu, own = time.perf_counter(), *_cpu(server)
        looking = asyncio.create_task(_watch_memory(server, start, outcome))
        at_work = [
            _draw(visitor, number, start + seconds, outcome)
            for number, visitor in enumerate(visitors)
        ]
        await asyncio.gather(*at_work)
        looking.cancel()
        for task in watchers:
            if task.done():  # the others had it easy
                task.result()
        outcome.seconds = time.perf_counter() - start
        server_cpu, own_cpu = _cpu(server)
        outcome.server_cpu, outcome.own_cpu = server_cpu - cpu, own_cpu - own
    return outcome


async def _first_visit(server: Server) -> None:
    """Have the server load what it loads once; each drawing is read right alone."""
    async with visiting(server.url) as visitor:
        for digit in DIGITS:
            await visitor.draw(drawing(digit))
            if visitor.digit != str(digit):
                sys.exit(f"The drawing of a {digit} is read as {visitor.digit}.")


async def _open(stack: AsyncExitStack, url: str, outcome: Outcome) -> Visitor:
    began = time.perf_counter()
    visitor = await stack.enter_async_context(visiting(url))
    outcome.openings.append(time.perf_counter() - began)
    return visitor


async def _draw(visitor: Visitor, number: int, end: float, outcome: Outcome) -> None:
    """Draw one digit after the other; visitors next to each other draw different ones.

    A drawing that has to wait for the answer to the one before it is late, and its
    wait counts from when it was due: a slow server is not spared.
    """
    lot = random.Random(number)
    first = time.perf_counter() + lot.random() * PACE
    for step in itertools.count():
        due = first + step * PACE + lot.uniform(-UNEVENNESS, UNEVENNESS)
        now = time.perf_counter()
        if max(due, now) > end:
            return
        await asyncio.sleep(max(0, due - now))
        sent = time.perf_counter() if now < due else due
        digit = list(DIGITS)[(number + step) % len(DIGITS)]
        try:
            await visitor.draw(drawing(digit))
        except (NoAnswerError, WebSocketException) as error:
            outcome.num_errors += 1
            _say(f"visitor {number}: {error}")
            continue
        outcome.waits.append(visitor.answered - sent)
        outcome.num_mixed_up += visitor.digit != str(digit)


async def _watch_memory(server: Server, start: float, outcome: Outcome) -> None:
    while True:
        megabytes = _server.resident(server)
        outcome.memory.append((time.perf_counter() - start, megabytes))
        await asyncio.sleep(LOOK)


def _cpu(server: Server) -> tuple[float, float]:
    return _server.cpu_seconds(server), time.process_time()


def _row(num_visitors: int, num_watching: int, outcome: Outcome) -> list[str]:
    waits = 1000 * np.array(outcome.waits)
    moments, megabytes = np.array(outcome.memory).T
    return [
        str(num_visitors),
        str(num_watching),
        *(f"{np.percentile(waits, share):.0f} ms" for share in (50, 95)),
        f"{len(waits) / outcome.seconds:.0f}",
        str(outcome.num_errors),
        str(outcome.num_mixed_up),
        f"{np.median(outcome.openings):.2f} s",
        f"{outcome.server_cpu / outcome.seconds:.0%}",
        f"{outcome.own_cpu / outcome.seconds:.0%}",
        f"{megabytes[0]:.0f} MB",
        f"{megabytes[-1]:.0f} MB",
        f"{_growth(moments, megabytes):+.2f} MB",
    ]


def _growth(moments: np.ndarray, megabytes: np.ndarray) -> float:
    """Megabytes a minute: a straight line through the second half."""
    half = len(moments) // 2
    if len(moments) - half < 2:
        return float("nan")
    return 60 * float(np.polyfit(moments[half:], megabytes[half:], 1)[0])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description="Measure a class that draws."
    )
    parser.add_argument(
        "--visitors", type=int, nargs="+", default=NUM_VISITORS, metavar="N"
    )
    parser.add_argument("--watching", type=int, default=0, metavar="N")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="M")
    return parser.parse_args()


def _say(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
