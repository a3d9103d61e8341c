"""The process of the server, set up once: a core, sending at once, whole callbacks."""

import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import streamlit as st
from streamlit.runtime import Runtime, exists, get_instance
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState

_OPEN_FILES = Path("/dev/fd")  # their numbers; of this process; not on Windows


@st.cache_resource(show_spinner=False)
def set_up() -> None:
    """Make the process answer many visitors quickly; outside a server do nothing."""
    if exists() and type(get_instance()) is Runtime:  # and no mock of it
        _keep_to_one_core()
        _send_at_once()
        _finish_callbacks()


def _keep_to_one_core() -> None:
    """Have the server's threads share a core, where the system can (Linux).

    Only one of them runs Python at a time. On several cores they hand its lock from
    core to core, which kept fifty people waiting several times longer (`load` in
    benchmarks/README.md). The main thread starts the others, and they inherit it; so
    does a trainer, which frees itself.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.environ["MNIST_CORES"] = " ".join(map(str, cores))  # for its trainers
        os.sched_setaffinity(os.getpid(), {cores[os.getpid() % len(cores)]})


def _send_at_once() -> None:
    """Have no small message wait until the one before it is acknowledged.

    A page comes as many small messages, and a browser acknowledges the first of them
    40 ms later (RFC 896 meets RFC 1122, 4.2.3.2). Python's asyncio turns that off for
    sockets that name their protocol, which Streamlit's does not. Who connects later
    inherits it from the socket that listens.
    """
    for file in list(_OPEN_FILES.glob("*")):
        with contextlib.suppress(OSError):  # no socket, or closed meanwhile
            found = socket.socket(fileno=int(file.name))
            try:
                if found.family in (socket.AF_INET, socket.AF_INET6):
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            finally:
                found.detach()  # it goes on being the server's


class _Turn:
    """Of a session: one click's callbacks at a time, and none after a newer one's."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.num_runners = 0  # that were begun, one for each click
        self.latest = 0  # of those whose click was heard


def _finish_callbacks() -> None:
    """Have what a click does be done to its end, though the next click has come.

    Then Streamlit stops the runner of the first, which ends a callback wherever it
    touches the session; what was left to do is forgotten: a training is queued and
    nobody sees it, a form is filled by half. There is no setting against it (its issue
    10578). Here the next click's runner waits until the callbacks of the one before
    have ended. A page's run is still broken off, and a click is lost whose runner has
    not begun when the next one comes.
    """
    begin, apply = SafeSessionState.__init__, SafeSessionState.on_script_will_rerun
    turns = WeakValueDictionary[int, _Turn]()  # by session, while it has a runner

    def begin_in_turn(
        state: SafeSessionState, session: SessionState, *values: Any, **how: Any
    ) -> None:
        begin(state, session, *values, **how)
        turn = turns.setdefault(id(session), _Turn())  # always in the server's thread
        turn.num_runners += 1
        vars(state)["turn"] = turn, turn.num_runners

    def apply_whole(state: SafeSessionState, *values: Any, **how: Any) -> None:
        turn, number = vars(state).get("turn", (_Turn(), 1))  # or begun before this was
        runner: Any = state._yield_callback.__self__  # type: ignore[attr-defined]
        with turn.lock:
            if number >= turn.latest:  # else it looks for a next click, and is stopped
                turn.latest = number
                runner._execing = False
            try:
                apply(state, *values, **how)
            finally:
                runner._execing = True

    of_session: Any = SafeSessionState
    of_session.__init__ = begin_in_turn
    of_session.on_script_will_rerun = apply_whole
