"""A stretch of a selection: as much as is shown at once."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A stretch of a selection, as much as is shown at once.

    Attributes:
        indices: `(n,)` int, the images on this page, in order.
        number: Of this page, from 1 to `num_pages`.
        num_pages: At least 1, so that an empty selection has its empty page.
        first: Position in the selection of the first image here, counted from 0.
        num_selected: Images on all pages together.
    """

    indices: np.ndarray
    number: int
    num_pages: int
    first: int
    num_selected: int

    def sentence(self) -> str:
        """Where this is in words: "101 to 200 of 892"."""
        if self.num_selected == 0:
            return "0 of 0"
        last = self.first + len(self.indices)
        return f"{self.first + 1:,} to {last:,} of {self.num_selected:,}"


def page(indices: np.ndarray, number: int, *, size: int) -> Page:
    """The page of that number, or the nearest that there is; `size` images a page."""
    num_pages = max(1, math.ceil(len(indices) / size))
    number = min(max(number, 1), num_pages)
    first = (number - 1) * size
    return Page(
        indices=indices[first : first + size],
        number=number,
        num_pages=num_pages,
        first=first,
        num_selected=len(indices),
    )
