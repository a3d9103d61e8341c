"""How a run was trained: its curves; and a report and figures to take away."""

from functools import partial
from typing import Literal

import streamlit as st

from mnist_core import charts
from mnist_core.data import Split
from mnist_core.errors import RunError
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from ui import resources
from ui.address import choice
from ui.download import download

Figure = Literal["confusion", "curves", "reliability"]
Format = Literal["png", "svg", "pdf"]  # as `figures.Format`, which loads matplotlib
FIGURES: dict[Figure, str] = {
    "confusion": "Confusion matrix",
    "curves": "Curves",
    "reliability": "Reliability",
}
FORMATS: dict[Format, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}


def show(run: Run, split: Split, evaluation: Evaluation) -> None:
    """Show the curves over the epochs, and offer what there is to take away."""
    epochs, _ = run.progress()
    if epochs:
        st.vega_lite_chart(charts.history(epochs), width="stretch")
        if run.config.start_from:
            origin = _name_of(run.config.start_from)
            st.caption(
                f"It went on from the weights of “{origin}”, so its curves begin where "
                "that one’s ended."
            )
    else:
        st.caption("The curves of this run are not on disk.")
    st.subheader("To take away")
    download(
        "Download the report",
        partial(_report, run, split, evaluation),
        f"report-{run.id}.html",
        "text/html",
        key="take-report",
        icon=":material/description:",
    )
    st.caption(
        "One file that holds it all: accuracy, curves, matrix, scores, worst mistakes, "
        "settings and versions."
    )
    _offer_figures(run, evaluation, has_curves=bool(epochs))


def _name_of(run_id: str) -> str:
    """What a run is called, or its id if it is gone."""
    try:
        return resources.store().get(run_id).name
    except RunError:
        return run_id


def _offer_figures(run: Run, evaluation: Evaluation, *, has_curves: bool) -> None:
    names: dict[str, str] = {
        name: title for name, title in FIGURES.items() if has_curves or name != "curves"
    }
    asked = choice("A figure to print", "figure", names, default="confusion")
    figure = next(known for known in FIGURES if known == asked)
    with st.container(horizontal=True):
        for format, mime in FORMATS.items():
            download(
                format.upper(),
                partial(_figure, run, evaluation, figure, format),
                f"{figure}-{run.id}.{format}",
                mime,
                key=f"{figure}-{format}",
            )


# Both are made when somebody asks for them, and matplotlib loaded: 25 MB that few need.


def _report(run: Run, split: Split, evaluation: Evaluation) -> str:
    from mnist_core import report

    return report.html(run, split, evaluation, resources.calibration(run))


def _figure(run: Run, evaluation: Evaluation, figure: Figure, format: Format) -> bytes:
    from mnist_core import figures

    match figure:
        case "confusion":
            return figures.confusion(
                evaluation.confusion_matrix, title=run.name, format=format
            )
        case "curves":
            return figures.history(run.progress()[0], title=run.name, format=format)
        case "reliability":
            return figures.reliability(
                resources.calibration(run), title=run.name, format=format
            )
