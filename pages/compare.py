"""Compare two runs: which digits only one of them reads right, and is it luck?"""

import streamlit as st

from mnist_core.comparison import compare
from mnist_core.evaluation import percent
from ui import comparison, frame, resources
from ui.picker import pick_run, runs_with_model

frame.enter("Compare")
with resources.plain_errors():
    run = pick_run()
    others = {id_: other for id_, other in runs_with_model().items() if id_ != run.id}
    if not others:
        st.info("There is no second model yet.", icon=":material/model_training:")
        st.page_link("pages/train.py", label="Train one", icon=":material/add:")
        st.stop()
    other = comparison.pick_other(others)
    split = resources.test_split()
    first, second = resources.evaluation(run), resources.evaluation(other)

found = compare(first, second)
with st.container(key="verdict"):
    st.markdown(f"**{found.sentence(run.name, other.name)}**")
columns = st.columns(5)
columns[0].metric(run.name, percent(first.accuracy, places=2))
columns[1].metric(other.name, percent(second.accuracy, places=2))
with columns[2]:
    st.metric("Difference, points", f"{100 * found.difference:+.2f}")
    low, high = found.interval
    st.caption(f"95 % interval: {100 * low:+.2f} to {100 * high:+.2f}")
columns[3].metric("By luck alone", percent(found.p_value, places=1))
columns[4].metric("Read differently", f"{found.num_disagree:,}")
left, right = st.columns([2, 3], gap="large")
with left:
    comparison.show_agreement(run, other, first, second)
with right:
    comparison.show_digits(run, other, split, first, second)
comparison.show_settings(run, other)
