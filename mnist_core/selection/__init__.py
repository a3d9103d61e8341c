"""Which digits to look at: a filter and an order, its pages, and its address."""

from mnist_core.selection.addresses import (
    MAX_AMONG,
    number_in_query,
    share_in_query,
)
from mnist_core.selection.paging import Page, page
from mnist_core.selection.selection import (
    CHANGE_WORDS,
    DISPUTED_WORDS,
    OUTCOMES,
    SORT_WORDS,
    SORTS,
    Change,
    Chip,
    Outcome,
    Selection,
    Sort,
    counts,
)

__all__ = [
    "CHANGE_WORDS",
    "DISPUTED_WORDS",
    "MAX_AMONG",
    "OUTCOMES",
    "SORTS",
    "SORT_WORDS",
    "Change",
    "Chip",
    "Outcome",
    "Page",
    "Selection",
    "Sort",
    "counts",
    "number_in_query",
    "page",
    "share_in_query",
]
