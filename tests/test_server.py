"""What the server's process is set up to do: on sockets, and sessions, of our own."""

import socket
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import StopException
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest

from ui import server


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="this system has no /dev/fd")
def test_who_connects_is_sent_small_messages_at_once():
    # As Streamlit's: without a protocol by name, which asyncio passes over.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        server._send_at_once()

        with (
            socket.create_connection(listener.getsockname()) as client,
            listener.accept()[0] as accepted,
        ):
            option = socket.IPPROTO_TCP, socket.TCP_NODELAY
            assert accepted.getsockopt(*option)
            client.sendall(b"x")  # and both are as usable as they were
            assert accepted.recv(1) == b"x"


def clicked_twice():
    """A page with a button; the next click comes before its callback has ended."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    def act():
        st.session_state["begun"] = True
        get_script_run_ctx().script_requests.request_rerun(RerunData())
        st.session_state["ended"] = True

    st.button("Act", on_click=act)


@pytest.fixture
def finished_callbacks(monkeypatch):
    """Streamlit as the server sets it up; calling it does so."""
    for name in ("__init__", "on_script_will_rerun"):
        monkeypatch.setattr(SafeSessionState, name, getattr(SafeSessionState, name))
    return server._finish_callbacks


def test_a_callback_ends_before_the_next_click_is_heard(finished_callbacks):
    page = AppTest.from_function(clicked_twice).run()

    assert "begun" in page.button[0].click().run().session_state
    assert "ended" not in page.session_state  # if it is: Streamlit does it, drop ours
    finished_callbacks()

    assert "ended" in page.button[0].click().run().session_state


class Runner:
    """Of a click: Streamlit's looks for a next one wherever it touches the session."""

    def __init__(self, session):
        self._execing, self.is_stopped = True, False
        self.state = SafeSessionState(session, yield_callback=self.look)

    def look(self):
        if self._execing and self.is_stopped:
            raise StopException

    def hear(self, name):
        with suppress(StopException):
            self.state.on_script_will_rerun(name)


class Session(SessionState):
    """Notes whose callbacks begin and end; those of "slow" wait to be let go."""

    def __init__(self):
        super().__init__()
        self.heard, self.has_begun, self.may_end = [], Event(), Event()

    def on_script_will_rerun(self, name, **how):
        self.heard.append(f"{name} begins")
        if name == "slow":
            self.has_begun.set()
            assert self.may_end.wait(10)
        self.heard.append(f"{name} ends")


def test_a_click_waits_for_the_callbacks_of_the_one_before(finished_callbacks):
    finished_callbacks()
    session = Session()
    first, second = Runner(session), Runner(session)
    slow = Thread(target=first.hear, args=["slow"])
    quick = Thread(target=second.hear, args=["quick"])

    slow.start()
    assert session.has_begun.wait(10)
    first.is_stopped = True
    quick.start()
    quick.join(0.2)
    assert session.heard == ["slow begins"]
    session.may_end.set()
    slow.join()
    quick.join()

    assert session.heard == ["slow begins", "slow ends", "quick begins", "quick ends"]
    assert first._execing  # as a page's run is to be broken off
    assert second._execing


def test_a_click_is_not_heard_after_a_newer_one(finished_callbacks):
    finished_callbacks()
    session = Session()
    older, newer = Runner(session), Runner(session)
    older.is_stopped = True

    newer.hear("newer")
    older.hear("older")

    assert session.heard == ["newer begins", "newer ends"]


def test_sessions_do_not_wait_for_each_other(finished_callbacks):
    finished_callbacks()
    busy, other = Session(), Session()
    slow = Thread(target=Runner(busy).hear, args=["slow"])
    slow.start()
    assert busy.has_begun.wait(10)

    Runner(other).hear("quick")

    assert other.heard == ["quick begins", "quick ends"]
    busy.may_end.set()
    slow.join()
