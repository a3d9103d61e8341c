"""A chart whose marks are doors: a click on a bar or a point leads to what it counts.

The mouse and the finger reach them; a keyboard has the tables and Browse's filters.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_core.charts import OPENED, Layers
from ui.triggers import hears


def show_marks(
    chart: Layers, *, key: str, on_open: Callable[[dict[str, Any]], None]
) -> None:
    """Show a chart with `charts.opening` in it.

    Args:
        chart: With the marks.
        key: Of the chart.
        on_open: Called with the fields of what was clicked, before the page runs again.
    """
    # What is clicked stays clicked, and a second click on it is none; so what a click
    # leaves behind is a new chart.
    counter = f"clicks-{key}"
    number = st.session_state.setdefault(counter, 0)
    name = f"{key}-{number}"

    def hear(selection: dict[str, Any]) -> None:
        for clicked in selection.get(OPENED, [])[:1]:
            st.session_state[counter] = number + 1
            on_open(clicked)

    st.altair_chart(chart, key=name, on_select=hears(name, "selection", hear))
