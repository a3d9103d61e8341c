"""One training, live: where it is, its curves, and what to do with it."""

import streamlit as st

from mnist_core import jobs
from mnist_core.errors import DigitLabError
from mnist_core.estimates import duration
from mnist_core.evaluation import percent
from mnist_core.history import BatchMetrics, best_epoch
from mnist_core.runs import Result, Run, RunStore
from ui import notices

CHART_HEIGHT = 430  # pixels, as high as the two charts beside it
AWAITED = 0.5  # seconds between two looks at a training whose first number is to come
REFRESH = 1.0  # seconds between two looks at any other: a whole class may watch
REDRAW = 2.0  # seconds between two drawings of its curves, which cost the browser more
SHARED = 1.0  # seconds in which a class that watches one training shares its curves


def training_panel(store: RunStore, run: Run) -> None:
    """Show a run with its curves, and keep it up to date while it waits or trains."""
    training_status(store, run)
    if run.result:
        _show_result(run.id, run.result)
    curves = st.fragment(_curves, run_every=REDRAW if run.is_active else None)
    curves(store, run.id)


def training_status(store: RunStore, run: Run) -> None:
    """Show where a run is, and keep it up to date while it waits or trains."""
    is_awaited = _is_awaited(run)
    every = AWAITED if is_awaited else REFRESH
    panel = st.fragment(_panel, run_every=every if run.is_active else None)
    panel(store, run.id, was_active=run.is_active, was_awaited=is_awaited)


def _panel(
    store: RunStore, run_id: str, *, was_active: bool, was_awaited: bool
) -> None:
    try:
        run = store.get(run_id)
    except DigitLabError as error:  # deleted meanwhile
        st.info(str(error))
        return
    if (was_active, was_awaited) != (run.is_active, _is_awaited(run)):
        st.rerun()  # the whole page: its state is shown, and how often to look is set
    notices.show()
    _, batches = run.progress()
    last = batches[-1] if batches else None
    st.subheader(run.name)
    with st.container(key="training-status"):
        st.markdown(_status(store, run, last))
    with st.container(key="training-progress"):
        st.progress(_share(run, last))
    _buttons(store, run)


def _is_awaited(run: Run) -> bool:
    """Whether its first number may come at any moment."""
    return run.is_active and not run.reason and not run.progress()[1]


def _curves(store: RunStore, run_id: str) -> None:
    try:
        run = store.get(run_id)
    except DigitLabError:  # deleted meanwhile, which the panel says
        return
    if any(run.progress()):  # that there was nothing is not to be remembered
        _draw_curves(run, str(run.folder), is_active=run.is_active)


@st.cache_data(max_entries=8, ttl=SHARED, show_spinner=False)
def _draw_curves(_run: Run, folder: str, *, is_active: bool) -> None:
    """Draw a run's curves, or what was drawn of them just now."""
    epochs, batches = _run.progress()
    if batches:
        # Half a second and 60 MB, which the first page of a visit does without.
        from mnist_core import charts

        left, right = st.columns(2)
        left.vega_lite_chart(
            charts.batches(batches), width="stretch", height=CHART_HEIGHT
        )
        if epochs:
            right.vega_lite_chart(charts.history(epochs), width="stretch")
    if epochs and is_active:
        best = best_epoch(epochs)
        accuracy = percent(best.val_accuracy, places=2)
        st.caption(f"Best so far: epoch {best.epoch}, validation accuracy {accuracy}.")


def _status(store: RunStore, run: Run, last: BatchMetrics | None) -> str:
    """Begins with the run's state."""
    words = [f"**{run.state}**"]
    if run.is_stopping:
        words.append("stopping: what it has learned is kept")
    elif run.state == "queued":
        words.append(_queue_words(store, run))
    elif run.state == "running" and not run.reason:
        words.append(_live_words(run, last))
    elif run.result:
        right = percent(run.result.test_accuracy, places=2)
        words.append(f"it reads {right} of the test digits right")
    return " · ".join(words + ([run.reason] if run.reason else []))


def _queue_words(store: RunStore, run: Run) -> str:
    waiting = [other.id for other in jobs.queue(store)]
    num_ahead = waiting.index(run.id) if run.id in waiting else 0
    if num_ahead:
        return f"number {num_ahead + 1} in the queue; it starts by itself"
    if any(other.state == "running" for other in store.runs()):
        return "it starts by itself when the present training has ended"
    return "it starts in a moment"


def _live_words(run: Run, last: BatchMetrics | None) -> str:
    if last is None:
        return "getting ready: the first batch comes in some seconds"
    words = (
        _epoch_words(run, last),
        f"step {last.step:,} of {last.num_steps:,}",
        f"loss {last.loss:.3f}",
        f"accuracy {percent(last.accuracy)}",
        f"{last.images_per_second:,.0f} images/s",
        f"{duration(last.seconds_left)} left",
    )
    return " · ".join(words)


def _epoch_words(run: Run, last: BatchMetrics) -> str:
    if run.config.time_limit:  # who knows how many there will be
        return f"epoch {last.epoch}"
    return f"epoch {last.epoch} of {run.config.epochs}"


def _share(run: Run, last: BatchMetrics | None) -> float:
    if run.state == "done":  # perhaps earlier than after all steps
        return 1.0
    return min(last.step / last.num_steps, 1.0) if last else 0.0


def _buttons(store: RunStore, run: Run) -> None:
    if run.is_active:
        st.button(
            "Stop and keep the best",
            icon=":material/stop_circle:",
            key="stop-training",
            disabled=run.is_stopping,
            on_click=notices.attempt,
            args=(store.request_stop, run.id),
        )
    if run.can_resume:
        st.button(
            "Go on after the last whole epoch",
            icon=":material/resume:",
            key="resume-training",
            on_click=notices.attempt,
            args=(jobs.resume, store, run.id),
        )


def _show_result(run_id: str, result: Result) -> None:
    test, validation, time, where = st.columns(4, vertical_alignment="center")
    test.metric("Test accuracy", percent(result.test_accuracy, places=2))
    validation.metric(
        "Validation accuracy", percent(result.validation_accuracy, places=2)
    )
    time.metric("Trained for", duration(result.seconds))
    with where:
        for page, label in (
            ("evaluate", "Evaluate it"),
            ("browse", "Browse its digits"),
            ("draw", "Draw with it"),
        ):
            st.page_link(f"pages/{page}.py", label=label, query_params={"run": run_id})
