"""Which run a page is about: chosen once, kept in the address on every page."""

from collections import Counter
from collections.abc import Iterable

import streamlit as st

from mnist_core import paths
from mnist_core.evaluation import percent
from mnist_core.runs import Run
from ui import address, resources

_RUN = "run"  # in the address, and in the session for when a link drops the address
_PICKER = "run-picker"


def pick_run() -> Run:
    """Let a person choose among the runs that have a model; ends the page without.

    A run that is asked for and cannot be used is said to be so, and the page goes
    on with the shipped one.
    """
    runs = runs_with_model()
    if not runs:
        st.info("There is no trained model yet.", icon=":material/model_training:")
        st.page_link(
            "pages/train.py", label="Train one", icon=":material/arrow_forward:"
        )
        st.stop()
    wanted = wanted_run_id()
    fallback = (
        paths.SHIPPED_RUN_ID if paths.SHIPPED_RUN_ID in runs else next(iter(runs))
    )
    if wanted is not None and wanted not in runs:
        _say_unusable(wanted)
    chosen = wanted if wanted in runs else fallback
    st.session_state[_PICKER] = chosen
    labels = {
        run_id: f"{name} · {_accuracy(runs[run_id])}"
        for run_id, name in names(runs.values()).items()
    }
    st.selectbox(
        "Model",
        list(labels),
        format_func=labels.__getitem__,
        key=_PICKER,
        on_change=_remember_choice,
    )
    return runs[chosen]


def runs_with_model() -> dict[str, Run]:
    """The runs that can read digits, by their ids."""
    return {run.id: run for run in resources.store().runs() if run.has_model}


def names(runs: Iterable[Run]) -> dict[str, str]:
    """What a person reads of each run, by its id.

    Runs are called alike only where they were copied from elsewhere; then the id tells
    them apart, as a widget goes by what it shows.
    """
    listed = list(runs)
    times = Counter(run.name for run in listed)
    return {
        run.id: run.name if times[run.name] == 1 else f"{run.name} · {run.id}"
        for run in listed
    }


def wanted_run_id() -> str | None:
    """The id that the address or the session asks for, whether it exists or not."""
    wanted: str | None = address.query().get(_RUN, st.session_state.get(_RUN))
    st.session_state[_RUN] = wanted
    if wanted is not None and _RUN not in address.query():
        address.put({_RUN: wanted})
    return wanted


def want_run(run_id: str) -> None:
    """Make a run the one that every page is about."""
    st.session_state[_RUN] = run_id
    address.put({_RUN: run_id})


def _remember_choice() -> None:
    chosen = st.session_state[_PICKER]
    if chosen in runs_with_model():  # else its label was one of a moment ago
        want_run(chosen)


def _accuracy(run: Run) -> str:
    return percent(run.result.test_accuracy, places=2) if run.result else "–"


def forget_run(run_id: str) -> None:
    """Have no page ask for a run any more."""
    if wanted_run_id() == run_id:
        st.session_state[_RUN] = None
        address.put({_RUN: None})


def _say_unusable(run_id: str) -> None:
    runs = {run.id: run for run in resources.store().runs()}
    if run_id in runs:
        what = f"“{runs[run_id].name}” is {runs[run_id].state}"
    else:
        what = "There is no such run; it may have been deleted"
    st.warning(f"{what}. Here is another model meanwhile.", icon=":material/info:")
    if run_id not in runs or runs[run_id].state == "failed":
        forget_run(run_id)  # it will never have a model
