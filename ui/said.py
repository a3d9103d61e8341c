"""What a run said of one test digit after each of its epochs."""

import streamlit as st

from mnist_core import charts_epochs
from mnist_core.runs import Run
from mnist_core.timeline import Said
from ui import resources


def said_by_epoch(run: Run, index: int) -> list[Said]:
    """What the run said of a test digit, epoch by epoch; nothing if nobody looked.

    Raises:
        RunError: If the run has no model, or its files are missing or damaged.
        DatasetError: If MNIST is not on this machine.
    """
    timeline = resources.timeline(run)
    return timeline.said(index) if timeline else []


def show_said(run: Run, index: int) -> None:
    """Show it as a chart with a sentence, or say why there is none.

    Raises:
        DigitLabError: As `said_by_epoch`.
    """
    timeline = resources.timeline(run)
    if timeline is None:
        st.caption("What each epoch said was not kept when this run was trained.")
    elif len(timeline.epochs) == 1:
        st.caption("This run was looked at after one epoch only.")
    else:
        is_right = bool(resources.evaluation(run).is_correct[index])
        st.caption(timeline.story(index, is_right=is_right))
        st.altair_chart(charts_epochs.said(timeline, index), key="said-by-epoch")
