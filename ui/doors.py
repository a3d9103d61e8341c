"""A table whose cells are doors: a click on a number leads to what it counts.

It is a component of our own because a chart's cells cannot be reached with a keyboard
or a screen reader, and its axes cannot be clicked at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from ui.triggers import hears

_HTML = """
<table></table>
"""

_CSS = """
table { border-collapse: separate; border-spacing: 2px; width: 100%;
  table-layout: fixed; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; padding-top: .25rem; font-size: .8rem; opacity: .75; }
th, td { padding: 0; text-align: center; font-weight: 400; }
th:first-child { width: var(--head); }
button, span { display: block; box-sizing: border-box; width: 100%; min-height: 2.25rem;
  padding: .25rem 0; font: inherit; font-size: clamp(.65rem, 2.4vw, .85rem);
  color: var(--st-text-color); border: 2px solid transparent; border-radius: 4px;
  background: transparent; }
span { display: grid; place-items: center; }
th button, th span { font-weight: 600; }
button { cursor: pointer; }
td button { background: color-mix(in srgb, #3a6ecf var(--shade),
  var(--st-secondary-background-color)); }
td button.dark { color: #fff; }
button:hover, button:focus-visible {
  outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button[aria-pressed="true"] { border-color: var(--st-text-color); }
"""

# A shade is mixed into the theme's own colour; from the middle on white can be read.
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const table = parentElement.querySelector("table");
  table.style.setProperty("--head", data.head_width);
  const rows = data.rows.map((cells, number) => {
    const row = document.createElement("tr");
    row.append(...cells.map((cell, column) => {
      const isHead = number === 0 || column === 0;
      const holder = document.createElement(isHead ? "th" : "td");
      if (isHead) holder.scope = number === 0 ? "col" : "row";
      const inner = document.createElement(cell.value ? "button" : "span");
      inner.textContent = cell.text;
      inner.title = cell.sentence;
      if (cell.value) {
        inner.setAttribute("aria-label", cell.sentence);
        inner.setAttribute("aria-pressed", cell.value === data.chosen);
        inner.style.setProperty("--shade", `${Math.round(92 * cell.shade)}%`);
        inner.classList.toggle("dark", cell.shade > 0.55);
        inner.onclick = () => setTriggerValue("opened", cell.value);
      }
      holder.append(inner);
      return holder;
    }));
    return row;
  });
  const caption = document.createElement("caption");
  caption.textContent = data.caption;
  table.replaceChildren(caption, ...rows);
}
"""


@dataclass(frozen=True, slots=True)
class Door:
    """A cell of a table.

    Attributes:
        text: In it.
        sentence: What it means: what the mouse over it and a screen reader say.
        value: What a click on it gives; "" if it is no door.
        shade: How dark it is, from 0 to 1.
    """

    text: str
    sentence: str = ""
    value: str = ""
    shade: float = 0.0


def doors(
    rows: Sequence[Sequence[Door]],
    *,
    key: str,
    on_open: Callable[[str], None],
    chosen: str = "",
    caption: str = "",
    head_width: str = "2rem",
) -> None:
    """Show a table; a click on a door calls `on_open` with its value.

    Args:
        rows: The first row and the first cell of each row are heads.
        key: Of the component.
        on_open: Called before the page runs again.
        chosen: The value of the door that is open.
        caption: Below the table.
        head_width: Of the first column, in CSS.
    """
    component = st.components.v2.component("doors", html=_HTML, css=_CSS, js=_JS)
    component(
        key=key,
        data={
            "rows": [[asdict(cell) for cell in row] for row in rows],
            "chosen": chosen,
            "caption": caption,
            "head_width": head_width,
        },
        on_opened_change=hears(key, "opened", on_open),
    )
