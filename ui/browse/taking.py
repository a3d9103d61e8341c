"""What is done with all selected digits at once: show the starred, take them away."""

from functools import partial

import numpy as np
import streamlit as st

from mnist_core import kept, selected
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from ui import notices
from ui.browse import filters
from ui.browse.digits import Digits
from ui.download import download


def show(
    run: Run,
    digits: Digits,
    evaluation: Evaluation,
    indices: np.ndarray,
    stars: kept.Stars,
) -> None:
    """Show how many are selected, and what to do with them.

    Args:
        run: Whose split it is, if it is one of a training.
        digits: What they are selected from.
        evaluation: What is read of them.
        indices: `(n,)` int, those that are selected.
        stars: The visitor's.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="gallery-count", width="content"):
            st.markdown(f"**{len(indices):,}** found")
        if stars:
            _starred_button(run, digits, stars)
        if not len(indices):
            return
        with st.popover("Take away", icon=":material/download:", type="tertiary"):
            _downloads(digits, evaluation, indices, stars)


def _starred_button(run: Run, digits: Digits, stars: kept.Stars) -> None:
    # 55,000 images have a name instead of a digest, which takes a tenth of a second.
    name = kept.digest(digits.split) if digits.name == "mine" else digits.name
    which = _starred(digits.split, f"{run.id} {run.created} {name}", tuple(stars))
    st.button(
        f"Starred · {len(which)}",
        icon=":material/star:",
        key="show-starred",
        type="tertiary",
        disabled=not len(which),
        on_click=notices.attempt,
        args=(filters.pick_among, tuple(which.tolist())),
    )


@st.cache_data(max_entries=20, show_spinner=False)
def _starred(_split: Split, name: str, stars: tuple[bytes, ...]) -> np.ndarray:
    return kept.starred(_split.images, dict.fromkeys(stars, ""))


def _downloads(
    digits: Digits, evaluation: Evaluation, indices: np.ndarray, stars: kept.Stars
) -> None:
    st.caption(
        f"{len(indices):,} digits, in this order, with labels, readings, probabilities "
        "and your notes."
    )
    taken = digits.split, evaluation, indices, stars
    download(
        "Table (CSV)",
        partial(selected.to_csv, *taken),
        f"digits-{digits.name}.csv",
        "text/csv",
        key="take-csv",
        icon=":material/table:",
    )
    if len(indices) > selected.MAX_IMAGES:
        st.caption(
            f"Images are taken away {selected.MAX_IMAGES:,} at most: narrow the "
            "filters."
        )
        return
    download(
        "Images and table (ZIP)",
        partial(selected.to_zip, *taken),
        f"digits-{digits.name}.zip",
        "application/zip",
        key="take-zip",
        icon=":material/folder_zip:",
    )
