"""Train a model with your own settings, and watch it happen."""

import time

import streamlit as st

from mnist_core import estimates, jobs
from mnist_core.architectures import ARCHITECTURES, cost
from mnist_core.errors import ConfigError, DigitLabError
from mnist_core.recipes import RECIPES
from mnist_core.runs import Run
from ui import frame, picker, resources
from ui.run_list import run_list
from ui.settings_form import recipe_picker, settings_form
from ui.training_panel import duration, training_panel

DOUBLE_CLICK = 1.5  # seconds in which the same start again is not meant


def watched_run(runs: list[Run]) -> Run | None:
    """The run in the address, or else the one that trains."""
    wanted = picker.wanted_run_id()
    ours = [run for run in runs if not run.is_shipped]
    asked = [run for run in ours if run.id == wanted]
    training = [run for run in ours if run.is_active]
    if not asked and training:
        asked = training[-1:]
        picker.want_run(asked[0].id)  # to be seen here also when it has ended
    return next(iter(asked), None)


def start() -> None:
    """Queue what the form says, and watch it; a double click is one start."""
    before, when = st.session_state.get("last-start", (None, 0.0))
    now = time.monotonic()
    if config == before and now - when < DOUBLE_CLICK:
        return
    st.session_state["last-start"] = config, now
    chosen = RECIPES[st.session_state["recipe"]]
    name = chosen.title if config == chosen.config else ""
    picker.want_run(jobs.start(store, config, name).id)


frame.enter()
st.title("Train")
store = resources.store()
with resources.plain_errors():
    resources.test_split()  # says what is missing, where MNIST is

runs = store.runs()
active = [run for run in runs if run.is_active]
watched = watched_run(runs)
if watched:
    with st.container(border=True):
        training_panel(store, watched)

st.header("New training")
recipe = recipe_picker()
with st.expander("Settings", icon=":material/tune:"):
    try:
        config = settings_form(recipe)
        problem = ""
    except ConfigError as error:
        config, problem = RECIPES[recipe].config, str(error)
if problem:
    st.error(problem, icon=":material/error:")
else:
    seconds = estimates.seconds(config, runs)
    st.markdown(
        f"{ARCHITECTURES[config.architecture].title}, "
        f"**{cost(config).num_parameters:,}** parameters, "
        f"about **{duration(seconds)}** in all"
        + (f", after {len(active)} before it" if active else "")
        + "."
    )
if st.button(
    "Start training",
    type="primary",
    icon=":material/play_arrow:",
    key="start-training",
    disabled=bool(problem),
):
    try:
        start()
        st.rerun()
    except DigitLabError as error:
        st.error(str(error), icon=":material/error:")

st.header("Runs")
run_list(store)
