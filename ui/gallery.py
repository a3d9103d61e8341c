"""The gallery: a grid of digits as one picture, each tile a button.

It is a component of our own because Streamlit's images cannot be clicked, and a
hundred of them take most of a second; the grid takes a tenth of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import thumbnails
from mnist_core.evaluation import Evaluation, percent
from ui.triggers import hears

SIDE = 56  # screen pixels

_HTML = """
<div class="grid"></div>
"""

_CSS = """
.grid { display: grid; gap: .375rem;
  grid-template-columns: repeat(auto-fill, calc(var(--side) + 16px)); }
button {
  position: relative; display: grid; justify-items: center; gap: .125rem;
  padding: .25rem; cursor: pointer;
  font: inherit; font-size: .8rem; color: var(--st-text-color);
  background: var(--st-secondary-background-color);
  border: 2px solid transparent; border-radius: var(--st-button-radius);
}
button.wrong { border: 2px dashed var(--st-red-color, #d33); }
button.marked { background: color-mix(in srgb, var(--st-primary-color) 35%,
  var(--st-secondary-background-color)); }
.mark { position: absolute; top: 0; padding: 0 .25rem; font-size: .7rem;
  font-weight: 700; color: #000; background: #f0c541; }
.disputed { right: 0; border-radius: 0 4px; }
.starred { left: 0; border-radius: 4px 0; }
button:hover, button:focus-visible {
  outline: 2px solid var(--st-primary-color); outline-offset: 1px;
}
.image {
  width: var(--side); height: var(--side); image-rendering: pixelated;
  border-radius: 4px;
  background-image: var(--sprite); background-size: var(--sprite-width) auto;
}
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  const side = data.side;
  grid.style.setProperty("--side", `${side}px`);
  grid.style.setProperty("--sprite", `url(${data.sprite})`);
  grid.style.setProperty("--sprite-width", `${data.columns * side}px`);
  grid.replaceChildren(...data.tiles.map((tile, place) => {
    const button = document.createElement("button");
    const image = document.createElement("span");
    const row = Math.floor(place / data.columns), column = place % data.columns;
    image.className = "image";
    image.style.backgroundPosition = `-${column * side}px -${row * side}px`;
    const caption = document.createElement("span");
    caption.textContent = tile.caption;
    button.className = tile.is_wrong ? "wrong" : "right";
    button.setAttribute("aria-label", tile.label);
    button.title = tile.label;
    button.classList.toggle("marked", tile.index === data.marked);
    button.append(image);
    if (side >= 56) button.append(caption);
    for (const [name, sign] of [["disputed", "?"], ["starred", "★"]]) {
      if (!tile[`is_${name}`]) continue;
      const mark = document.createElement("span");
      mark.className = `mark ${name}`;
      mark.textContent = sign;
      button.append(mark);
    }
    button.onclick = () => setTriggerValue("opened", tile.index);
    return button;
  }));
}
"""


@dataclass(frozen=True, slots=True)
class Tile:
    """A digit in a grid.

    Attributes:
        index: What a click on it gives.
        caption: Under the image.
        label: What a screen reader says, and the mouse over it.
        is_wrong: Whether it is marked as wrong.
        is_disputed: Whether it is marked as one whose label people dispute.
        is_starred: Whether it is marked as one that the visitor has starred.
    """

    index: int
    caption: str
    label: str
    is_wrong: bool = False
    is_disputed: bool = False
    is_starred: bool = False


def tile_of(index: int, evaluation: Evaluation, *, is_starred: bool = False) -> Tile:
    """The tile of an image: what it is, what it was read as, how surely."""
    true, predicted = int(evaluation.labels[index]), int(evaluation.predictions[index])
    is_right = true == predicted
    mark = "✓" if is_right else "✗"
    verdict = "right" if is_right else "wrong"
    is_disputed = index in evaluation.disputed
    return Tile(
        index,
        f"{mark} {true} → {predicted}",
        f"Digit {index}: {true} read as {predicted}, {verdict}, "
        f"{percent(float(evaluation.confidences[index]))} probable"
        + (", its label is disputed" if is_disputed else "")
        + (", starred" if is_starred else ""),
        is_wrong=not is_right,
        is_disputed=is_disputed,
        is_starred=is_starred,
    )


def show_tiles(
    images: np.ndarray,
    tiles: Sequence[Tile],
    *,
    key: str,
    on_open: Callable[[int], None],
    side: int = SIDE,
    marked: int | None = None,
) -> None:
    """Show digits as tiles; a click on one calls `on_open` with its index.

    Args:
        images: `(n, 28, 28)` uint8, the images to show.
        tiles: Of each image.
        key: Of the component.
        on_open: Called before the page runs again.
        side: Of an image, in screen pixels; under 56 there is no room for captions.
        marked: The index of an image to point out.
    """
    show_sheet(sheet(images, tiles, side=side, marked=marked), key=key, on_open=on_open)


def sheet(
    images: np.ndarray,
    tiles: Sequence[Tile],
    *,
    side: int = SIDE,
    marked: int | None = None,
) -> dict[str, Any]:
    """What the page shows of `(n, 28, 28)` uint8 images, each with its tile."""
    return {
        "sprite": thumbnails.sprite(images),
        "columns": thumbnails.SPRITE_COLUMNS,
        "side": side,
        "marked": marked,
        "tiles": [asdict(tile) for tile in tiles],
    }


def show_sheet(
    sheet: dict[str, Any], *, key: str, on_open: Callable[[int], None]
) -> None:
    """Show what `sheet` has made, perhaps once for many runs of a page."""
    component = st.components.v2.component(
        "digit_gallery", html=_HTML, css=_CSS, js=_JS
    )
    component(
        key=key,
        data=sheet,
        on_opened_change=hears(key, "opened", on_open),
    )
