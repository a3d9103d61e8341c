"""A visitor's own digits: counted, read, brought out and in, deleted."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from mnist_core import kept
from mnist_core.data import Split
from mnist_core.errors import KeptError
from mnist_core.evaluation import Evaluation, percent
from mnist_core.runs import Run
from ui import mine, notices, resources
from ui.download import download
from ui.teaching_panel import teaching_panel


def your_digits(run: Run) -> None:
    """Show what a visitor has kept, how a run reads it, and what to do with it."""
    st.subheader("Your digits")
    with st.container(key="your-digits"):
        try:
            drawings = mine.drawings()
        except KeptError as error:
            st.error(str(error), icon=":material/broken_image:")
            _delete_button()
            return
        if len(drawings):
            _show_scores(run, drawings)
            _show_actions(drawings)
        else:
            st.markdown(
                "Tell what your drawings are, and they become a test set of yours. "
                "Nothing is kept unless you say so."
            )
            _importer()
            if _num_stars() != 0:
                _delete_button()
        teaching_panel(run, drawings)


def show_score(run: Run) -> None:
    """Show how a run reads what a visitor has kept; nothing if there is nothing."""
    drawings = mine.readable_drawings()
    if len(drawings):
        _metric(run, resources.reading(run, drawings))


def remove_button(image: np.ndarray, then: Callable[[], None]) -> bool:
    """A button that keeps this drawing no more, and then does something.

    Returns:
        Whether it was pressed.
    """

    def remove() -> None:
        notices.attempt(mine.remove, image)
        then()

    return st.button(
        "Remove it from your digits",
        icon=":material/delete:",
        key="remove-kept",
        on_click=remove,
    )


def _show_scores(run: Run, drawings: Split) -> None:
    count, yours, mnist = st.columns(3)
    with count, st.container(key="kept-count"):
        st.metric("Kept", f"{len(drawings):,}")
        st.page_link(
            "pages/browse.py",
            label="Browse them",
            query_params={"run": run.id, "split": "mine"},
        )
    with yours, st.container(key="kept-score"):
        _metric(run, resources.reading(run, drawings))
    if run.result:
        mnist.metric("On MNIST", percent(run.result.test_accuracy, places=2))
    st.caption(
        "Their set has an address of its own, which is now this page’s: bookmark it to "
        "find them again. Whoever has the address can see, add and delete them. A set "
        f"that nobody has used for {kept.IDLE_DAYS} days may have to make room on a "
        "full server: export what you want to have for good."
    )


def _metric(run: Run, evaluation: Evaluation) -> None:
    """The accuracy; of few drawings it is a count, as a share would claim too much."""
    if evaluation.is_small:
        st.metric("On your digits", evaluation.count())
    else:
        st.metric("On your digits", percent(evaluation.accuracy))
    if run.config.num_kept:
        st.caption("It may have been taught with these very drawings.")
    elif not evaluation.is_small:
        low, high = (percent(end) for end in evaluation.interval)
        st.caption(f"{evaluation.count()}; 95 % interval: {low} to {high}")


def _show_actions(drawings: Split) -> None:
    with st.container(horizontal=True):
        download(
            "Export .npz",
            partial(kept.to_npz, drawings),
            "my-digits.npz",
            "application/octet-stream",
            key="export-npz",
        )
        download(
            "Export PNGs",
            partial(kept.to_pngs, drawings),
            "my-digits.zip",
            "application/zip",
            key="export-pngs",
            icon=":material/photo_library:",
        )
        _importer()
        _delete_button()


def _importer() -> None:
    with st.popover("Import", icon=":material/upload:"):
        st.file_uploader(
            "Digits that were exported: .npz, or a zip of PNGs",
            ["npz", "zip"],
            max_upload_size=kept.MAX_FILE // 2**20,
            key="import-kept",
            on_change=notices.attempt,
            args=(_import,),
        )


def _import() -> None:
    """Keep what was uploaded, once: the uploader holds it until it is replaced."""
    upload = st.session_state["import-kept"]
    if upload is not None:
        mine.keep(kept.from_file(upload.getvalue()))


def _num_stars() -> int | None:
    """How many digits are starred; None if that cannot be read."""
    try:
        return len(mine.stars())
    except KeptError as error:
        st.warning(str(error), icon=":material/broken_image:")
        return None


def _delete_button() -> None:
    st.button(
        "Delete all",
        icon=":material/delete:",
        key="delete-kept",
        on_click=_confirm_deletion,
    )


@st.dialog("Delete all that you keep?")
def _confirm_deletion() -> None:
    st.markdown(
        "Your drawings, and your stars with their notes, will be gone for good. A run "
        "that was taught with drawings keeps a copy until it is deleted, on the page "
        "Train."
    )
    yes, no = st.columns(2)
    if yes.button(
        "Delete them",
        type="primary",
        width="stretch",
        key="confirm-delete-kept",
        on_click=notices.attempt,
        args=(mine.delete_all,),
    ):
        st.rerun()  # which closes the dialog
    if no.button("Keep them", width="stretch"):
        st.rerun()
