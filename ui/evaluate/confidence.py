"""How sure a run is, whether rightly so, and what it gives when it may refuse."""

from typing import Any

import numpy as np
import streamlit as st

from mnist_core import charts_confidence
from mnist_core.calibration import Calibration
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation, percent
from mnist_core.runs import Run
from mnist_core.selection import Selection, share_in_query
from ui import address, digit_dialog, links, resources
from ui.evaluate import behind
from ui.gallery import show_tiles, tile_of
from ui.marks import show_marks

MAX_SHOWN = 24  # digits; Browse has them all
_THRESHOLD = "threshold"  # in the address: a fraction
_START = 0.9


def show(run: Run, split: Split, evaluation: Evaluation) -> None:
    """Show calibration, the very sure mistakes, and a threshold to play with.

    Raises:
        DigitLabError: If what the run reads cannot be told.
    """
    calibration = resources.calibration(run)
    opened = behind.selected("least", "most")
    with st.container(key="calibration-error"):
        st.markdown(calibration.sentence())
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Is it as right as it is sure?**")
        show_marks(
            charts_confidence.reliability(calibration),
            key="reliability",
            on_open=_open,
        )
        st.caption(
            "A calibrated model lies on the dashed line. Grey is where luck may put "
            "it; few digits, a long band."
        )
    with right:
        st.markdown("**How sure it is, when it is right and when not**")
        show_marks(
            charts_confidence.histogram(calibration),
            key="histogram",
            on_open=_open,
        )
        st.caption(
            "Heights go with the root, so that single digits can be seen. Click a bar, "
            "or a point of the other chart, to see its digits."
        )
    behind.show_digits(run, split, evaluation, opened)
    st.fragment(_threshold)(run, calibration)
    sure = _sure_and_wrong(run, split, evaluation, calibration)
    shown = np.array([], int) if opened == Selection() else opened.indices(evaluation)
    among = shown if digit_dialog.opened_index(split) in shown else sure
    digit_dialog.show_opened_digit(run, split, evaluation, among)


def _open(clicked: dict[str, Any]) -> None:
    """Open the digits of a bar, or of a point: right and wrong ones."""
    behind.open_selection(
        Selection(
            outcome=clicked.get("verdict", "all"),
            least=clicked["from"],
            most=clicked["to"],
            sort="unsure",
        )
    )


def _threshold(run: Run, calibration: Calibration) -> None:
    """What the slider moves; it runs without the rest of the page."""
    st.subheader("If it may refuse")
    asked = share_in_query(address.query(), _THRESHOLD)
    threshold = _START if asked is None else asked
    st.session_state[_THRESHOLD] = 100 * threshold
    words, curve = st.columns([3, 2], gap="large", vertical_alignment="center")
    with words:
        st.slider(
            "It answers only when it is at least so sure",
            0.0,
            100.0,
            step=0.1,
            format="%.1f %%",
            key=_THRESHOLD,
            on_change=_put_threshold,
        )
        answered = calibration.answered(threshold)
        with st.container(key="answered"):
            st.markdown(answered.sentence())
        # What is as sure as the threshold is answered; the border is one step below.
        below = max(round(threshold - 1e-6, 6), 0.0)
        refused = Selection(most=below, sort="unsure")
        links.to_browse(
            run, refused, f"See the {answered.num_refused:,} that it refuses"
        )
    with curve:
        show_marks(
            charts_confidence.risk(calibration, threshold=threshold),
            key="risk",
            # Half a step lower, so that rounding leaves the point's digit answered.
            on_open=lambda clicked: _open_threshold(clicked["threshold"] - 5e-4),
        )


def _put_threshold() -> None:
    _open_threshold(st.session_state[_THRESHOLD] / 100)


def _open_threshold(share: float) -> None:
    address.put({_THRESHOLD: f"{share:.3f}"})


def _sure_and_wrong(
    run: Run, split: Split, evaluation: Evaluation, calibration: Calibration
) -> np.ndarray:
    """The mistakes that it is as sure of as of most of what it reads right."""
    sure = Selection(
        outcome="wrong", least=float(f"{calibration.sure:.4f}"), sort="confidence"
    )
    indices = sure.indices(evaluation)
    st.subheader("Very sure and wrong")
    with st.container(key="sure-and-wrong"):
        st.markdown(
            f"**{len(indices)}** of {evaluation.num_mistakes:,} mistakes are as sure "
            "as nineteen in twenty right readings: "
            f"{percent(calibration.sure)} and more."
        )
        if not len(indices):
            return indices
        links.to_browse(run, sure, "See them in Browse")
        shown = indices[:MAX_SHOWN]
        show_tiles(
            split.images[shown],
            [tile_of(int(index), evaluation) for index in shown],
            key="sure-tiles",
            on_open=digit_dialog.open_digit,
        )
    return indices
