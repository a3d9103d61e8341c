"""What the server's process is set up to do, on sockets of our own."""

import socket
from pathlib import Path

import pytest
from streamlit.runtime.state.safe_session_state import SafeSessionState
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


def test_a_callback_ends_before_the_next_click_is_heard(monkeypatch):
    name = "on_script_will_rerun"
    monkeypatch.setattr(SafeSessionState, name, getattr(SafeSessionState, name))
    page = AppTest.from_function(clicked_twice).run()

    assert "begun" in page.button[0].click().run().session_state
    assert "ended" not in page.session_state  # if it is: Streamlit does it, drop ours
    server._finish_callbacks()

    assert "ended" in page.button[0].click().run().session_state
