"""Look through the digits that a model reads right and wrong."""

import streamlit as st

from ui import digit_dialog, frame, resources, star
from ui.address import choice
from ui.browse import digit_map, filters, taking
from ui.browse.digits import pick_digits
from ui.browse.tiles import show_page
from ui.picker import pick_run, runs_with_model

VIEWS = {"tiles": "Tiles", "map": "Map"}

frame.enter("Browse")
with resources.plain_errors():
    run = pick_run()
    digits = pick_digits(run)
    evaluation = digits.read_by(run)
    others = {id_: other for id_, other in runs_with_model().items() if id_ != run.id}
    selection, other = filters.pick_selection(evaluation, others, digits.read_by)
split = digits.split

indices = selection.indices(evaluation, other=other)
stars = star.given()
taking.show(run, digits, evaluation, indices, stars)
st.caption(selection.sentence(len(indices)))
if not len(indices):
    st.info("No digit is like that: widen the filters.", icon=":material/search_off:")
    st.stop()

view = choice("View", "view", VIEWS, default="tiles", is_labelled=False)
if view == "map" and len(split) > digit_map.MAX_DIGITS:
    st.info(
        f"A map holds {digit_map.MAX_DIGITS:,} digits at most: choose the test or the "
        "validation digits.",
        icon=":material/info:",
    )
elif view == "map":
    with resources.plain_errors():
        places = resources.places(run, split)
    digit_map.show_map(split, evaluation, places, indices, on_pick=filters.pick_among)
if view == "tiles" or selection.among is not None:
    show_page(split, evaluation, indices, stars)
digit_dialog.show_opened_digit(
    run,
    split,
    evaluation,
    indices,
    split_name=digits.name,
    show_more=digits.show_more,
    true=digits.true,
)
