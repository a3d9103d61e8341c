"""Teaching a copy of a run with a visitor's digits: start, follow, before and after."""

import streamlit as st

from mnist_core import estimates, jobs, teaching
from mnist_core.data import Split
from mnist_core.errors import DigitLabError, KeptError
from mnist_core.estimates import duration
from mnist_core.runs import Run
from ui import notices, picker, resources
from ui.training_panel import training_status

_TAUGHT = "taught"  # in the session: the id of the copy that was started last


def teaching_panel(run: Run, drawings: Split) -> None:
    """Offer to teach a copy of a run, and show the copy that is or was taught."""
    copy = _shown_copy(run)
    if copy:
        with st.container(border=True, key="taught-run"):
            training_status(resources.store(), copy)
            if copy.has_model:
                _show_gains(copy)
            if copy.has_model and copy.id != run.id:
                _use_button(copy)
    if len(drawings) and not (copy and copy.is_active):
        _offer(run, drawings)


def _use_button(copy: Run) -> None:
    if st.button(
        "Use it on every page",
        type="primary",
        icon=":material/check:",
        key="use-taught",
        on_click=picker.want_run,
        args=(copy.id,),
    ):
        st.rerun()  # the whole page: the choice of the model stands above this part


def _shown_copy(run: Run) -> Run | None:
    """The copy that is being taught, or the chosen run if it is one, or the last."""
    runs = {other.id: other for other in resources.store().runs()}
    last = runs.get(st.session_state.get(_TAUGHT, ""))
    if run.config.num_kept and not (last and last.is_active):
        return run
    return last


def _offer(run: Run, drawings: Split) -> None:
    try:
        config = teaching.lesson(run, drawings)
        seconds = estimates.seconds(config, resources.store().runs())
        words = (
            f"A copy of “{run.name}” learns from them, mixed with MNIST’s: about "
            f"**{duration(seconds)}**. {teaching.honesty(drawings.images)} The copy is "
            "a run that everybody on this server sees; it holds the drawings until it "
            "is deleted."
        )
    except KeptError as error:
        config, words = None, str(error)
    st.button(
        "Teach it",
        icon=":material/school:",
        key="teach",
        disabled=config is None,
        on_click=notices.attempt,
        args=(_start, run, drawings),
    )
    st.caption(words)


def _start(run: Run, drawings: Split) -> None:
    """Start the copy's training; a double click is one start."""
    store = resources.store()
    last = {other.id: other for other in store.runs()}.get(
        st.session_state.get(_TAUGHT, "")
    )
    if last and last.is_active:
        return
    config = teaching.lesson(run, drawings)
    copy = jobs.start(store, config, teaching.name_of_copy(run), drawings)
    st.session_state[_TAUGHT] = copy.id


def _show_gains(copy: Run) -> None:
    """Show before and after, on the drawings that the copy was taught with and held to.

    They are those of its folder, whatever was kept or deleted since.
    """
    try:
        before = resources.store().get(copy.config.start_from)
        drawings = copy.kept()
        if drawings is None:
            return
        rows = teaching.gains(
            drawings.images,
            (resources.reading(before, drawings), resources.reading(copy, drawings)),
            (resources.evaluation(before), resources.evaluation(copy)),
        )
    except DigitLabError as error:
        st.caption(f"Before and after cannot be compared: {error}")
        return
    with st.container(key="gains"):
        st.markdown(
            "| Read right | Before | After |\n|---|---|---|\n"
            + "\n".join(
                f"| {row.images} | {row.before.score()} | **{row.after.score()}** |"
                for row in rows
            )
        )
        st.caption(
            f"Before: “{before.name}”. After: “{copy.name}”. "
            f"{teaching.honesty(drawings.images)}"
        )
