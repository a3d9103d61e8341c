"""See how good a model is on the test split, and what it confuses."""

from typing import get_args

import streamlit as st

from mnist_core import charts, thumbnails
from mnist_core.data import DISPUTED_TEST
from mnist_core.evaluation import percent
from mnist_core.selection import Selection
from ui import frame, kept_panel, resources
from ui.picker import pick_run

NUM_CONFUSIONS = 6
NUM_EXAMPLES = 5  # digits shown of each confusion
VIEWS = get_args(charts.Show)


def confusion_figure() -> bytes:
    """The confusion matrix to print, drawn when somebody asks for it."""
    from mnist_core import figures  # matplotlib: 25 MB that few visitors need

    return figures.confusion(evaluation.confusion_matrix, title=run.name, format="png")


frame.enter()
st.title("Evaluate")
with resources.plain_errors():
    run = pick_run()
    split, evaluation = resources.test_split(), resources.evaluation(run)
address = {"run": run.id}
accuracy, mistakes, loss, parameters, yours = st.columns(5)
with accuracy.container(key="test-accuracy"):
    st.metric("Test accuracy", percent(evaluation.accuracy, places=2))
    low, high = evaluation.interval
    st.caption(f"95 % interval: {percent(low, places=2)} to {percent(high, places=2)}")
with mistakes:
    st.metric("Mistakes", f"{evaluation.num_mistakes:,}")
    st.page_link(
        "pages/browse.py",
        label=f"See them among {evaluation.num_images:,}",
        query_params=address | Selection(outcome="wrong", sort="loss").to_query(),
    )
loss.metric("Mean loss (nats)", f"{evaluation.loss:.4f}")
parameters.metric("Parameters", f"{run.result.num_parameters:,}" if run.result else "–")
with yours.container(key="kept-score"):
    kept_panel.show_score(run)
st.caption(evaluation.ceiling(DISPUTED_TEST))

left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader("Confusion matrix")
    view = st.segmented_control(
        "Cells",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key="cells",
        bind="query-params",
    )
    with st.container(key="confusion-matrix"):
        st.altair_chart(charts.confusion(evaluation.confusion_matrix, show=view))
    st.caption(
        "A row holds the digits with that label; a column, what they were read as."
    )
    st.download_button(
        "Download as a figure",
        confusion_figure,
        file_name=f"confusion-{run.id}.png",
        mime="image/png",
        icon=":material/download:",
    )
with right:
    st.subheader("Digit by digit")
    st.dataframe(
        {
            "Digit": [digit.digit for digit in evaluation.digits],
            "Precision": [digit.precision for digit in evaluation.digits],
            "Recall": [digit.recall for digit in evaluation.digits],
            "F1": [digit.f1 for digit in evaluation.digits],
            "Images": [digit.support for digit in evaluation.digits],
        },
        hide_index=True,
        height="content",
        column_config={
            name: st.column_config.NumberColumn(format="%.4f")
            for name in ("Precision", "Recall", "F1")
        },
    )
    st.caption(
        "Precision: of the images read as this digit, how many are. Recall: of the "
        "images of this digit, how many are read as it. F1: both in one figure."
    )

st.subheader("What it confuses most")
if not evaluation.num_mistakes:
    st.success("It makes no mistake on the test split.", icon=":material/check:")
for confusion in evaluation.top_confusions(NUM_CONFUSIONS):
    pair = Selection(true=confusion.true, predicted=confusion.predicted, sort="loss")
    words, pictures = st.columns([2, 3], vertical_alignment="center")
    words.page_link(
        "pages/browse.py",
        label=confusion.sentence(),
        query_params=address | pair.to_query(),
    )
    pictures.image(
        [
            thumbnails.png(split.images[index], scale=2)
            for index in pair.indices(evaluation)[:NUM_EXAMPLES]
        ],
        width=56,
    )

st.subheader("How it was trained")
epochs, _ = run.progress()
if epochs:
    st.altair_chart(charts.history(epochs), width="stretch")
else:
    st.caption("The curves of this run are not on disk.")
