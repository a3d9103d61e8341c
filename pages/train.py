"""Train a model with your own settings, and watch it happen."""

import streamlit as st

from mnist_core import estimates, jobs
from mnist_core.architectures import ARCHITECTURES, cost
from mnist_core.errors import ConfigError, DigitLabError
from mnist_core.recipes import RECIPES
from ui import picker, resources
from ui.run_list import run_list
from ui.settings_form import recipe_picker, settings_form
from ui.training_panel import duration, training_panel

store = resources.store()


def start() -> None:
    """Queue what the form says, and watch it."""
    recipe = RECIPES[st.session_state["recipe"]]
    name = recipe.title if config == recipe.config else ""
    try:
        picker.want_run(jobs.start(store, config, name).id)
    except DigitLabError as error:
        st.session_state["start-error"] = str(error)


st.title("Train")
with resources.plain_errors():
    resources.test_split()  # says what is missing, where MNIST is

watched = {run.id: run for run in store.runs()}.get(picker.wanted_run_id() or "")
active = [run for run in store.runs() if run.is_active]
if watched is None and active:
    watched = active[-1]
if watched is not None and not watched.is_shipped:
    with st.container(border=True):
        training_panel(store, watched.id)

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
    seconds = estimates.seconds(config, store.runs())
    st.markdown(
        f"{ARCHITECTURES[config.architecture].title}, "
        f"**{cost(config).num_parameters:,}** parameters, "
        f"about **{duration(seconds)}** in all"
        + (f", after {len(active)} other trainings" if active else "")
        + "."
    )
st.button(
    "Start training",
    type="primary",
    icon=":material/play_arrow:",
    key="start-training",
    disabled=bool(problem),
    on_click=start,
)
if message := st.session_state.pop("start-error", ""):
    st.error(message, icon=":material/error:")

st.header("Runs")
run_list(store)
