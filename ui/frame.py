"""The frame around every page: the navigation bar and the browser tab's title.

As the pages' folder is named pages/, Streamlit passes `streamlit_app.py` over when
the first request to a fresh server is for a page's own address, and puts up a bar
of file names. So every page enters the frame first, which is put up once.
"""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui import address, notices, server

_IS_IN = "is-in-frame"


def frame() -> StreamlitPage:
    """Put up the frame; returns the page to run in it."""
    server.set_up()
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
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
        ],
        position="top",
    )


def enter(title: str) -> None:
    """Begin a page in the frame: say what went wrong before, and what page it is."""
    if not st.session_state.get(_IS_IN):
        frame()
        st.rerun()
    address.follow(title)
    notices.show()
    st.title(title)


def scroll_up(to: str) -> None:
    """Have the browser show the top of the page, where something else now stands.

    Args:
        to: What it is: the browser follows once for each.
    """
    main = "document.querySelector('[data-testid=stMain]')"
    script = f"<script>{main}.scrollTo({{top: 0}}) // {to}</script>"
    st.html(script, unsafe_allow_javascript=True)
