"""See how good a model is on the test split, and open the digits behind each number."""

import streamlit as st

from mnist_core.evaluation import percent
from mnist_core.selection import Selection
from ui import frame, kept_panel, resources
from ui.address import choice
from ui.evaluate import confidence, epochs, labels, matrix, robustness, training
from ui.picker import pick_run

LOOKS = {
    "matrix": "What it confuses",
    "confidence": "How sure it is",
    "robustness": "What it withstands",
    "epochs": "How it learned",
    "labels": "What its labels are worth",
    "training": "How it was trained",
}

frame.enter("Evaluate")
with resources.plain_errors():
    run = pick_run()
    split, evaluation = resources.test_split(), resources.evaluation(run)
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
        query_params={"run": run.id}
        | Selection(outcome="wrong", sort="loss").to_query(),
    )
loss.metric("Mean loss (nats)", f"{evaluation.loss:.4f}")
parameters.metric("Parameters", f"{run.result.num_parameters:,}" if run.result else "–")
with yours.container(key="kept-score"):
    kept_panel.show_score(run)
st.caption(evaluation.ceiling())

look = choice("Look at", "look", LOOKS, default="matrix")
with resources.plain_errors():
    match look:
        case "matrix":
            matrix.show(run, split, evaluation)
        case "confidence":
            confidence.show(run, split, evaluation)
        case "robustness":
            robustness.show(run, split, evaluation)
        case "epochs":
            epochs.show(run, split, evaluation)
        case "labels":
            labels.show(run, split, evaluation)
        case "training":
            training.show(run, split, evaluation)
