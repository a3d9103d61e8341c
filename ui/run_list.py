"""All runs: a table, and what can be done with the one that is picked."""

import streamlit as st

from mnist_core import paths
from mnist_core.runs import MAX_NAME, MAX_NOTE, Run, RunStore
from ui import notices, picker


def run_list(store: RunStore) -> None:
    """Show every run on disk, the unreadable ones too."""
    runs = store.runs()
    event = st.dataframe(
        {
            "Name": [run.name for run in runs],
            "State": [run.state for run in runs],
            "Test accuracy": [
                run.result.test_accuracy if run.result else None for run in runs
            ],
            "Architecture": [run.config.architecture for run in runs],
            "Epochs": [run.result.num_epochs if run.result else None for run in runs],
            "Started": [run.created.replace("T", " ") for run in runs],
            "Note": [run.note for run in runs],
        },
        hide_index=True,
        column_config={
            "Test accuracy": st.column_config.NumberColumn(format="percent")
        },
        on_select="rerun",
        selection_mode="single-row",
        # The selection is a row's number: it ends when the rows are others.
        key=f"runs {hash(tuple(run.id for run in runs))}",
    )
    rows = event.selection.rows
    if rows and rows[0] < len(runs):
        _manage(store, runs[rows[0]])
    else:
        st.caption("Pick a row to watch, rename, annotate or delete a run.")
    for broken in store.unreadable():
        _show_unreadable(store, broken.id, broken.reason)


def _manage(store: RunStore, run: Run) -> None:
    with st.container(border=True):
        st.button(
            "Watch, and use it on every page",
            icon=":material/visibility:",
            key="watch-run",
            on_click=picker.want_run,
            args=(run.id,),
        )
        if run.is_shipped:
            st.caption("This run came with Digit Lab; it cannot be changed or deleted.")
            return
        _description(store, run)
        if not run.is_active:
            st.button(
                "Delete",
                icon=":material/delete:",
                key="delete-run",
                on_click=_confirm_deletion,
                args=(store, run.id, run.name),
            )


def _description(store: RunStore, run: Run) -> None:
    # Of what stands there now: who renames it elsewhere is not undone by a Save here.
    key = f"{run.id} {hash((run.name, run.note))}"

    def save() -> None:
        name, note = (st.session_state[f"{what} {key}"] for what in ("name", "note"))
        notices.attempt(store.describe, run.id, name=name, note=note)

    with st.form(f"describe-{run.id}", border=False):
        st.text_input("Name", run.name, max_chars=MAX_NAME, key=f"name {key}")
        st.text_area("Note", run.note, max_chars=MAX_NOTE, key=f"note {key}")
        st.form_submit_button("Save", icon=":material/save:", on_click=save)


def _show_unreadable(store: RunStore, run_id: str, reason: str) -> None:
    with st.container(border=True, key=f"unreadable-{run_id}"):
        st.markdown(":material/broken_image: **A run cannot be read**")
        st.text(f"{run_id}: {reason}")
        if run_id == paths.SHIPPED_RUN_ID:
            st.caption("It came with Digit Lab: put its folder back as it was.")
            return
        st.button(
            "Delete",
            icon=":material/delete:",
            key=f"delete-unreadable-{run_id}",
            on_click=_confirm_deletion,
            args=(store, run_id, run_id),
        )


@st.dialog("Delete this run?")
def _confirm_deletion(store: RunStore, run_id: str, name: str) -> None:
    st.text(f"“{name}” and its model will be gone for good.")
    yes, no = st.columns(2)
    if yes.button(
        "Delete it",
        type="primary",
        width="stretch",
        key="confirm-delete",
        on_click=_delete,
        args=(store, run_id),
    ):
        st.rerun()  # which closes the dialog
    if no.button("Keep it", width="stretch"):
        st.rerun()


def _delete(store: RunStore, run_id: str) -> None:
    """Delete a run; a double click does no more."""
    if (store.root / run_id).exists():
        notices.attempt(store.delete, run_id)
    picker.forget_run(run_id)
