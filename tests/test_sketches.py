"""What the canvas sends late, or twice, is no news."""

import pytest
import streamlit as st

from ui import sketches
from ui.sketches import NOTHING, Sketch

SEVEN = Sketch.of('[{"path": "seven"}]', "seven", b"png")


@pytest.fixture(autouse=True)
def visit(monkeypatch):
    """A visit's own state, and a clock that the test moves."""
    monkeypatch.setattr(st, "session_state", {})
    now = [100.0]
    monkeypatch.setattr(sketches.time, "monotonic", lambda: now[0])
    return now


def test_what_is_drawn_can_be_undone():
    sketches.receive(SEVEN)
    assert sketches.present() == SEVEN

    sketches.undo()

    assert sketches.present() == NOTHING
    assert not sketches.can_undo()


def test_states_that_the_canvas_was_in_before_two_undos_are_no_news():
    sketches.receive(SEVEN)
    sketches.clear()
    sketches.undo()
    sketches.undo()

    # Its echoes, in the order in which it was told: only the last one is in force.
    for echo in (NOTHING, SEVEN, NOTHING):
        sketches.receive(echo)

    assert sketches.present() == NOTHING
    assert not sketches.can_undo()


def test_the_same_drawing_much_later_is_news(visit):
    sketches.receive(SEVEN)
    sketches.undo()
    visit[0] += sketches.ECHO

    sketches.receive(SEVEN)

    assert sketches.present() == SEVEN
