"""The frame around every page: `streamlit run streamlit_app.py`."""

import streamlit as st

st.set_page_config(page_title="Digit Lab", page_icon=":material/draw:", layout="wide")

# Every page also runs without this frame: as its folder is named pages/, Streamlit
# passes the frame over when a fresh server's first request is for a page's address.
page = st.navigation(
    [
        st.Page("pages/draw.py", title="Draw", icon=":material/draw:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/analytics:"),
        st.Page("pages/browse.py", title="Browse", icon=":material/grid_view:"),
    ],
    position="top",
)
page.run()
