"""Which digits to look at, and in what order, as a value.

A selection can be applied to an evaluation, printed as a sentence, and put into an
address and read back; every view that shows digits shares it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation, count_of, kind_of

Outcome = Literal["all", "right", "wrong"]
Sort = Literal["index", "confidence", "unsure", "loss"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SORTS: tuple[Sort, ...] = get_args(Sort)
MAX_NUMERALS = 9  # of a number in an address
SORT_WORDS: dict[Sort, str] = {
    "index": "in their order",
    "confidence": "most confident first",
    "unsure": "least confident first",
    "loss": "highest loss first",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A filter and an order.

    Attributes:
        outcome: All digits, those read right, or those read wrong.
        true: Only images of this digit, if given.
        predicted: Only images read as this digit, if given.
        sort: By index; by the probability of the prediction, high ("confidence") or
            low ("unsure") first; or by loss, high first. Ties go by index.
    """

    outcome: Outcome = "all"
    true: int | None = None
    predicted: int | None = None
    sort: Sort = "index"

    def __post_init__(self) -> None:
        """Refuse what is no outcome, digit or sort.

        Raises:
            ConfigError: With one sentence that says what must hold and what came.
        """
        _check_choice("outcome", self.outcome, OUTCOMES)
        _check_choice("sort", self.sort, SORTS)
        _check_digit("true", self.true)
        _check_digit("predicted", self.predicted)

    def indices(self, evaluation: Evaluation) -> np.ndarray:
        """`(n,)` int, the images selected, in order."""
        keep = np.ones(evaluation.num_images, bool)
        if self.outcome != "all":
            keep &= evaluation.is_correct == (self.outcome == "right")
        if self.true is not None:
            keep &= evaluation.labels == self.true
        if self.predicted is not None:
            keep &= evaluation.predictions == self.predicted
        chosen = np.flatnonzero(keep)
        return chosen[np.argsort(self._key(evaluation)[chosen], kind="stable")]

    def sentence(self, count: int) -> str:
        """The selection in words: "12 fours read as nines, most confident first."."""
        if self.true is not None and self.predicted is not None:
            is_right = self.true == self.predicted
            if self.outcome == ("wrong" if is_right else "right"):
                pair = f"{kind_of(1, self.true)} read as {kind_of(1, self.predicted)}"
                return f"0 digits: {pair} is read {'right' if is_right else 'wrong'}."
        order = f", {SORT_WORDS[self.sort]}" if count > 1 else ""
        return f"{self._what(count)}{order}."

    def to_query(self) -> dict[str, str]:
        """What an address holds of it: `show`, `true`, `pred`, `sort`, if not default.

        `from_query` reads it back.
        """
        values = {
            "show": self.outcome if self.outcome != "all" else None,
            "true": self.true,
            "pred": self.predicted,
            "sort": self.sort if self.sort != "index" else None,
        }
        return {key: str(value) for key, value in values.items() if value is not None}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """The selection in an address; what is wrong there is passed over."""
        show, sort = query.get("show"), query.get("sort")
        return cls(
            outcome=next((known for known in OUTCOMES if known == show), "all"),
            true=number_in_query(query, "true", below=NUM_CLASSES),
            predicted=number_in_query(query, "pred", below=NUM_CLASSES),
            sort=next((known for known in SORTS if known == sort), "index"),
        )

    def _key(self, evaluation: Evaluation) -> np.ndarray:
        """`(N,)` numbers that rise in the order of the sort."""
        match self.sort:
            case "confidence":
                return -evaluation.confidences
            case "unsure":
                return evaluation.confidences
            case "loss":
                return -evaluation.losses
            case "index":
                return np.arange(evaluation.num_images)

    def _what(self, count: int) -> str:
        """So many of what: "12 fours read as nines"."""
        is_right = self.outcome == "right" or self.true == self.predicted is not None
        digit = self.predicted if is_right and self.true is None else self.true
        noun = _digits(count) if digit is None else count_of(count, digit)
        if is_right:
            return f"{noun} read right"
        if self.predicted is not None:
            wrongly = "wrongly " if self.outcome == "wrong" and digit is None else ""
            return f"{noun} {wrongly}read as {kind_of(count, self.predicted)}"
        return f"{noun} read wrong" if self.outcome == "wrong" else noun


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


def number_in_query(query: Mapping[str, str], key: str, *, below: int) -> int | None:
    """The whole number from 0 that an address holds; None if missing or wrong."""
    text = query.get(key, "")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_NUMERALS):
        return None
    number = int(text)
    return number if number < below else None


def _digits(count: int) -> str:
    return f"{count:,} {'digit' if count == 1 else 'digits'}"


def _check_choice(name: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise ConfigError(
            f"`{name}` must be one of {', '.join(options)}. Received: {value!r}."
        )


def _check_digit(name: str, value: int | None) -> None:
    if value is None:
        return
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not 0 <= value < NUM_CLASSES:
        raise ConfigError(f"`{name}` must be a digit from 0 to 9. Received: {value!r}.")
