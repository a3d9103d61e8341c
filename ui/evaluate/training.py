"""How a run was trained: its curves, and the matrix as a figure to take away."""

import streamlit as st

from mnist_core import charts
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run


def show(run: Run, evaluation: Evaluation) -> None:
    """Show the curves over the epochs."""
    epochs, _ = run.progress()
    if epochs:
        st.altair_chart(charts.history(epochs), width="stretch")
    else:
        st.caption("The curves of this run are not on disk.")
    st.download_button(
        "Download the matrix as a figure",
        lambda: _figure(run, evaluation),
        file_name=f"confusion-{run.id}.png",
        mime="image/png",
        icon=":material/download:",
    )


def _figure(run: Run, evaluation: Evaluation) -> bytes:
    """The confusion matrix to print, drawn when somebody asks for it."""
    from mnist_core import figures  # matplotlib: 25 MB that few visitors need

    return figures.confusion(evaluation.confusion_matrix, title=run.name, format="png")
