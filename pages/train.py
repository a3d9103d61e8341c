"""Train a model with your own settings, and watch it happen."""

import streamlit as st

from mnist_core import estimates, jobs
from mnist_core.architectures import ARCHITECTURES, cost
from mnist_core.errors import DigitLabError
from mnist_core.estimates import duration
from mnist_core.recipes import RECIPES
from mnist_core.runs import Run
from ui import frame, picker, resources
from ui.run_list import run_list
from ui.settings_form import recipe_picker, settings_form
from ui.start_button import start_button
from ui.training_panel import training_panel

WATCHED = "watched"  # in the session: a run's id, and what the address asked for then
SHOWN = "shown-run"  # in the session: the id of the run that stood on top last


def watched_run(runs: list[Run]) -> Run | None:
    """The run that was watched last, or the one in the address, or the one that trains.

    To look at a training is not to choose it as the model: the address stays.
    """
    wanted = picker.wanted_run_id()
    ours = {run.id: run for run in runs if not run.is_shipped}
    since, watched = st.session_state.get(WATCHED, (None, None))
    if since == wanted and watched in ours:
        return ours[watched]
    if wanted in ours:
        return ours[wanted]
    training = [run.id for run in ours.values() if run.is_active]
    if not training:
        return None
    watch(training[-1])  # to be seen here also when it has ended
    return ours[training[-1]]


def watch(run_id: str) -> None:
    """Show a run on this page until the address asks for another one."""
    st.session_state[WATCHED] = picker.wanted_run_id(), run_id


frame.enter("Train")
store = resources.store()
with resources.plain_errors():
    resources.test_split()  # says what is missing, where MNIST is

runs = store.runs()
active = [run for run in runs if run.is_active]
watched = watched_run(runs)
with (
    st.container()
):  # in its place also when it is empty, so nothing below is made anew
    if watched:
        with st.container(border=True):
            training_panel(store, watched)
    for other in active:
        if other.state == "running" and watched and other.id != watched.id:
            st.button(
                f"Watch “{other.name}”, which is training",
                icon=":material/visibility:",
                key="watch-other",
                on_click=watch,
                args=(other.id,),
            )

st.header("New training")
recipe = recipe_picker()
with st.expander("Settings", icon=":material/tune:"):
    try:
        config = settings_form(recipe)
        store.check_needed(config)
        problem = ""
    except DigitLabError as error:
        config, problem = RECIPES[recipe].config, str(error)
if problem:
    st.error(problem, icon=":material/error:")
else:
    if not active:
        jobs.prepare(store, config)  # while a person chooses, a trainer gets ready
    seconds = estimates.seconds(config, runs)
    st.markdown(
        f"{ARCHITECTURES[config.architecture].title}, "
        f"**{cost(config).num_parameters:,}** parameters, "
        f"about **{duration(seconds)}** in all"
        + (f", after {len(active)} before it" if active else "")
        + "."
    )
start_button(store, is_possible=not problem)

st.header("Runs")
run_list(store)

shown = watched.id if watched else ""
if st.session_state.get(SHOWN, shown) != shown:
    frame.scroll_up(shown)  # from Start, or the list of runs, to what was asked for
st.session_state[SHOWN] = shown
