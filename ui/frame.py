"""The frame around every page: the navigation bar and the browser tab's title.

As the pages' folder is named pages/, Streamlit passes `streamlit_app.py` over when
the first request to a fresh server is for a page's own address, and puts up a bar
of file names. So every page enters the frame first, and does nothing if it is in.
"""

import os

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime import Runtime, exists, get_instance

from ui import notices

_IS_IN = "is-in-frame"


def frame() -> StreamlitPage:
    """Put up the frame; returns the page to run in it."""
    _keep_to_one_core()
    # A file of ours: the browser would fetch one of Streamlit's icons from elsewhere.
    st.set_page_config(page_title="Digit Lab", page_icon="ui/icon.png", layout="wide")
    st.session_state[_IS_IN] = True
    return st.navigation(
        [
            st.Page(
                "pages/draw.py", title="Draw", icon=":material/draw:", default=True
            ),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/evaluate.py", title="Evaluate", icon=":material/analytics:"),
            st.Page("pages/browse.py", title="Browse", icon=":material/grid_view:"),
        ],
        position="top",
    )


def enter() -> None:
    """Make sure that the page stands in the frame; say what went wrong before."""
    if not st.session_state.get(_IS_IN):
        frame()
        st.rerun()
    notices.show()


@st.cache_resource(show_spinner=False)
def _keep_to_one_core() -> None:
    """Have the server's threads share a core, where the system can (Linux).

    Only one of them runs Python at a time. On several cores they hand its lock from
    core to core, which kept fifty people waiting several times longer (`load` in
    benchmarks/README.md). The main thread starts the others, and they inherit it; so
    does a trainer, which frees itself.
    """
    is_server = exists() and type(get_instance()) is Runtime  # and no mock of it
    if is_server and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.environ["MNIST_CORES"] = " ".join(map(str, cores))  # for its trainers
        os.sched_setaffinity(os.getpid(), {cores[os.getpid() % len(cores)]})
