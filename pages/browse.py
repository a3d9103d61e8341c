"""Look through the digits that a model reads right and wrong."""

import streamlit as st

from mnist_core.selection import (
    OUTCOMES,
    SORT_WORDS,
    SORTS,
    Selection,
    number_in_query,
    page,
)
from ui import digit_dialog, frame, resources
from ui.gallery import gallery
from ui.picker import pick_run
from ui.split_picker import STAYING, pick_split

PAGE_SIZE = 60  # digits
ANY = "Any"  # digit; None would read as an empty field
DIGITS = (ANY, *range(10))


def apply_filters() -> None:
    """Put what was chosen into the address, which is what the page reads."""
    state = st.session_state
    chosen = Selection(
        outcome=state["show"],
        true=digit_or_none(state["true"]),
        predicted=digit_or_none(state["pred"]),
        sort=state["sort"],
    )
    kept = {name: st.query_params[name] for name in STAYING if name in st.query_params}
    st.query_params.from_dict({**kept, **chosen.to_query()})


def turn_page() -> None:
    """Put the page's number into the address."""
    st.query_params["page"] = str(st.session_state[pager])


def digit_or_none(option: int | str) -> int | None:
    """The digit that a filter asks for, if it asks for one."""
    return None if option == ANY else int(option)


frame.enter()
st.title("Browse")
with resources.plain_errors():
    run = pick_run()
    digits = pick_split(run)
split, evaluation = digits.split, digits.evaluation

selection = Selection.from_query(st.query_params.to_dict())
st.session_state.update(
    show=selection.outcome,
    true=ANY if selection.true is None else selection.true,
    pred=ANY if selection.predicted is None else selection.predicted,
    sort=selection.sort,
)
outcome, true, predicted, sort = st.columns([2, 1, 1, 2], vertical_alignment="bottom")
outcome.segmented_control(
    "Show",
    OUTCOMES,
    format_func=str.capitalize,
    required=True,
    key="show",
    on_change=apply_filters,
)
true.selectbox("Labelled", DIGITS, key="true", on_change=apply_filters)
predicted.selectbox("Read as", DIGITS, key="pred", on_change=apply_filters)
sort.selectbox(
    "Order",
    SORTS,
    format_func=lambda name: SORT_WORDS[name].capitalize(),
    key="sort",
    on_change=apply_filters,
)

indices = selection.indices(evaluation)
with st.container(key="gallery-count"):
    st.markdown(f"**{len(indices)}** found")
st.caption(selection.sentence(len(indices)))
if not len(indices):
    st.info("No digit is like that: widen the filters.", icon=":material/search_off:")
    st.stop()

number = number_in_query(st.query_params.to_dict(), "page", below=10**9) or 1
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
        on_open=digit_dialog.open_digit,
    )
digit_dialog.show_opened_digit(
    split, evaluation, indices, title=digits.title, show_more=digits.show_more
)
