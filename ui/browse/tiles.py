"""The digits that are selected as tiles, page by page."""

import numpy as np
import streamlit as st

from mnist_core import kept
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.selection import number_in_query, page
from ui import address, digit_dialog
from ui.gallery import show_tiles, tile_of

PAGE_SIZE = 100  # digits
SIZES = {"small": "Small", "medium": "Medium", "large": "Large"}
SIDES = {"small": 28, "medium": 56, "large": 112}  # screen pixels
_AT, _PAGE = "at", "page"  # in the address: an index to jump to; else the page


def show_page(
    split: Split, evaluation: Evaluation, indices: np.ndarray, stars: kept.Stars
) -> None:
    """Show the page that the address asks for, of images in this order.

    Args:
        split: The images.
        evaluation: What is read of them.
        indices: `(n,)` int, those that are selected; at least one.
        stars: The visitor's.
    """
    query = address.query()
    at = st.session_state[_AT] = number_in_query(query, _AT, below=len(split))
    jump, size, _ = st.columns([2, 3, 4], vertical_alignment="bottom")
    jump.number_input(
        "Jump to index", 0, len(split) - 1, key=_AT, placeholder="–", on_change=_jump
    )
    with size:
        side = SIDES[address.choice("Tiles", "tiles", SIZES, default="medium")]
    place = np.flatnonzero(indices == (-1 if at is None else at))
    if at is not None and not len(place):
        st.info(f"Digit {at} is not among these.", icon=":material/search_off:")
    asked = number_in_query(query, _PAGE, below=10**9) or 1
    number = int(place[0]) // PAGE_SIZE + 1 if len(place) else asked
    shown = page(indices, number, size=PAGE_SIZE)
    if shown.num_pages > 1:
        pager = f"page {shown.number} of {shown.num_pages}"  # another one's is another
        st.pagination(
            shown.num_pages,
            default=shown.number,
            key=pager,
            on_change=_turn_page,
            args=(pager,),
        )
        st.caption(shown.sentence())
    images = split.images[shown.indices]
    starred = shown.indices[kept.starred(images, stars)]
    tiles = [
        tile_of(int(index), evaluation, is_starred=index in starred)
        for index in shown.indices
    ]
    with st.container(key="gallery"):
        show_tiles(
            images,
            tiles,
            key="digits",
            side=side,
            marked=at,
            on_open=digit_dialog.open_digit,
        )


def _turn_page(pager: str) -> None:
    """Put the page's number into the address."""
    address.put({_AT: None, _PAGE: str(st.session_state[pager])})


def _jump() -> None:
    """Put the index that is looked for into the address."""
    index = st.session_state[_AT]
    address.put({_PAGE: None, _AT: None if index is None else str(index)})
