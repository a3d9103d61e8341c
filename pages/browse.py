"""Look through the digits that a model reads right and wrong."""

import numpy as np
import streamlit as st

from mnist_core.selection import number_in_query, page
from ui import digit_dialog, frame, resources
from ui.address import choice
from ui.browse.digits import pick_digits
from ui.browse.filters import pick_selection
from ui.gallery import gallery
from ui.picker import pick_run, runs_with_model

PAGE_SIZE = 100  # digits
TILES = {"small": "Small", "medium": "Medium", "large": "Large"}
SIDES = {"small": 28, "medium": 56, "large": 112}  # screen pixels


def turn_page() -> None:
    """Put the page's number into the address."""
    st.query_params.pop("at", None)
    st.query_params["page"] = str(st.session_state[pager])


def jump() -> None:
    """Put the digit that is looked for into the address."""
    st.query_params.pop("page", None)
    if st.session_state["at"] is None:
        st.query_params.pop("at", None)
    else:
        st.query_params["at"] = str(st.session_state["at"])


frame.enter()
st.title("Browse")
with resources.plain_errors():
    run = pick_run()
    digits = pick_digits(run)
    evaluation = digits.read_by(run)
    others = {id_: other for id_, other in runs_with_model().items() if id_ != run.id}
    selection, other = pick_selection(evaluation, others, digits.read_by)
split = digits.split

indices = selection.indices(evaluation, other=other)
found, looked_for, tiles = st.columns([4, 2, 3], vertical_alignment="bottom")
with found:
    with st.container(key="gallery-count"):
        st.markdown(f"**{len(indices)}** found")
    st.caption(selection.sentence(len(indices)))
if not len(indices):
    st.info("No digit is like that: widen the filters.", icon=":material/search_off:")
    st.stop()

query = st.query_params.to_dict()
at = st.session_state["at"] = number_in_query(query, "at", below=len(split))
looked_for.number_input(
    "Jump to index", 0, len(split) - 1, key="at", placeholder="–", on_change=jump
)
with tiles:
    side = SIDES[choice("Tiles", "tiles", TILES, default="medium")]
place = np.flatnonzero(indices == (-1 if at is None else at))
if at is not None and not len(place):
    st.info(f"Digit {at} is not among these.", icon=":material/search_off:")
asked = number_in_query(query, "page", below=10**9) or 1
number = int(place[0]) // PAGE_SIZE + 1 if len(place) else asked
shown = page(indices, number, size=PAGE_SIZE)
pager = f"page {shown.number} of {digits.title} {selection.to_query()}"  # its address
if shown.num_pages > 1:
    st.pagination(shown.num_pages, default=shown.number, key=pager, on_change=turn_page)
    st.caption(shown.sentence())
with st.container(key="gallery"):
    gallery(
        split.images[shown.indices],
        shown.indices,
        evaluation,
        key="digits",
        side=side,
        marked=at,
        on_open=digit_dialog.open_digit,
    )
digit_dialog.show_opened_digit(
    split, evaluation, indices, title=digits.title, show_more=digits.show_more
)
