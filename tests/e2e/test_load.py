"""Several people draw at once, by the clients of the benchmark."""

import asyncio
import os

import pytest

from benchmarks._visitor import drawing, visiting

DIGITS = (0, 1, 3, 7)


async def read(url, digits):
    """What one visitor is told of one drawing after the other."""
    answers = []
    async with visiting(url) as visitor:
        assert visitor.digit == "–"
        for digit in digits:
            await visitor.draw(drawing(digit))
            answers.append(visitor.digit)
    return answers


def test_everybody_gets_the_answers_to_their_own_drawings(server):
    plans = [[*DIGITS[first:], *DIGITS[:first]] * 2 for first in range(3)]

    async def all_at_once():
        return await asyncio.gather(*(read(server.url, plan) for plan in plans))

    answers = asyncio.run(all_at_once())

    assert answers == [[str(digit) for digit in plan] for plan in plans]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux has it")
def test_a_server_with_visitors_keeps_to_one_core(server):
    asyncio.run(read(server.url, [3]))

    assert len(os.sched_getaffinity(server.pid)) == 1
