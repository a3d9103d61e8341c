"""Links from a number to the digits that it counts, in Browse."""

import streamlit as st

from mnist_core.runs import Run
from mnist_core.selection import Selection


def to_browse(
    run: Run, selection: Selection, label: str, *, split_name: str = "test"
) -> None:
    """A link to Browse, with the same digits selected there.

    Args:
        run: Who reads them.
        selection: Which of them.
        label: What a person reads.
        split_name: Of what they are, as the page's address says it.
    """
    where = {} if split_name == "test" else {"split": split_name}
    st.page_link(
        "pages/browse.py",
        label=label,
        icon=":material/grid_view:",
        query_params={"run": run.id} | where | selection.to_query(),
    )
