"""Which digits to look at, and in what order, as a value.

A selection can be applied to an evaluation, printed as a sentence, and put into an
address and read back; every view that shows digits shares it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

import numpy as np

from mnist_core.config import NUM_CLASSES
from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation, count_of, kind_of, percent
from mnist_core.selection.addresses import (
    MAX_AMONG,
    amount_in_query,
    are_indices,
    number_in_query,
    packed,
    share_in_query,
    unpacked,
)

Outcome = Literal["all", "right", "wrong"]
Sort = Literal["index", "confidence", "unsure", "loss"]
Disputed = Literal["only", "without"]
Change = Literal["gained", "lost", "both-wrong", "disagree"]
MAX_LOSS = 16  # nats; of an image there is none that is larger
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SORTS: tuple[Sort, ...] = get_args(Sort)
SORT_WORDS: dict[Sort, str] = {
    "index": "in their order",
    "confidence": "most confident first",
    "unsure": "least confident first",
    "loss": "highest loss first",
}
DISPUTED_WORDS: dict[Disputed, str] = {
    "only": "with a disputed label",
    "without": "without a disputed label",
}
CHANGE_WORDS: dict[Change, str] = {
    "gained": "that only this model reads right",
    "lost": "that only the other model reads right",
    "both-wrong": "that both models read wrong",
    "disagree": "that the two models read differently",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A filter and an order.

    Attributes:
        outcome: All digits, those read right, or those read wrong.
        true: Only images of this digit, if given.
        predicted: Only images read as this digit, if given.
        least: Only predictions at least this probable, a fraction in [0, 1].
        most: Only predictions at most this probable.
        min_loss: Only images with at least this loss, in nats from 0 to 16.
        disputed: Only images whose label people dispute, or only the others.
        among: Only these images, for lists that no other filter says; rising indices.
        against: Id of a second run, which `change` compares with.
        change: Only what the run reads right and the second wrong ("gained"), the
            reverse ("lost"), what both read wrong, or what they read differently.
        sort: By index; by the probability of the prediction, high ("confidence") or
            low ("unsure") first; or by loss, high first. Ties go by index.
    """

    outcome: Outcome = "all"
    true: int | None = None
    predicted: int | None = None
    least: float | None = None
    most: float | None = None
    min_loss: float | None = None
    disputed: Disputed | None = None
    among: tuple[int, ...] | None = None
    against: str | None = None
    change: Change | None = None
    sort: Sort = "index"

    def __post_init__(self) -> None:
        """Refuse what selects nothing that there could be.

        Raises:
            ConfigError: With one sentence that says what must hold and what came.
        """
        _check_choice("outcome", self.outcome, OUTCOMES)
        _check_choice("sort", self.sort, SORTS)
        _check_digit("true", self.true)
        _check_digit("predicted", self.predicted)
        _check_number("least", self.least, up_to=1)
        _check_number("most", self.most, up_to=1)
        _check_number("min_loss", self.min_loss, up_to=MAX_LOSS)
        if self.disputed is not None:
            _check_choice("disputed", self.disputed, tuple(DISPUTED_WORDS))
        if self.change is not None:
            _check_choice("change", self.change, tuple(CHANGE_WORDS))
        if (self.change is None) != (self.against is None):
            raise ConfigError(
                "`change` and `against` go together: what changed, and against which "
                f"run. Received: change={self.change!r}, against={self.against!r}."
            )
        _check_among(self.among)

    def indices(
        self, evaluation: Evaluation, *, other: Evaluation | None = None
    ) -> np.ndarray:
        """`(n,)` int, the images selected, in order.

        Args:
            evaluation: What is selected from.
            other: The run `against` on the same images.

        Raises:
            ConfigError: If a change is asked for and the other run is missing.
        """
        keep = self._is_outcome(evaluation)
        if self.true is not None:
            keep &= evaluation.labels == self.true
        if self.predicted is not None:
            keep &= evaluation.predictions == self.predicted
        if self.least is not None:
            keep &= evaluation.confidences >= np.float32(self.least)
        if self.most is not None:
            keep &= evaluation.confidences <= np.float32(self.most)
        if self.min_loss is not None:
            keep &= evaluation.losses >= self.min_loss
        if self.disputed is not None:
            is_disputed = _marked(evaluation.disputed, evaluation.num_images)
            keep &= is_disputed == (self.disputed == "only")
        if self.among is not None:
            keep &= _marked(self.among, evaluation.num_images)
        if self.change is not None:
            keep &= self._has_changed(evaluation, other)
        chosen = np.flatnonzero(keep)
        return chosen[np.argsort(self._key(evaluation)[chosen], kind="stable")]

    def sentence(self, count: int) -> str:
        """The selection in words: "12 fours read as nines, most confident first."."""
        if self.true is not None and self.predicted is not None:
            is_right = self.true == self.predicted
            if self.outcome == ("wrong" if is_right else "right"):
                pair = f"{kind_of(1, self.true)} read as {kind_of(1, self.predicted)}"
                return f"0 digits: {pair} is read {'right' if is_right else 'wrong'}."
        order = [SORT_WORDS[self.sort]] if count > 1 else []
        return f"{', '.join([self._what(count), *self._conditions(), *order])}."

    def chips(self) -> list["Chip"]:
        """Each filter that holds, in a few words."""
        chips: list[Chip] = []

        def add(words: str, *names: str) -> None:
            values = {name: getattr(self, name) for name in names}
            chips.append(Chip(words, type(self)(**values)))

        if self.outcome != "all":
            add(f"Read {self.outcome}", "outcome")
        if self.true is not None:
            add(f"Labelled {self.true}", "true")
        if self.predicted is not None:
            add(f"Read as {self.predicted}", "predicted")
        if self._range():
            add(self._range().capitalize(), "least", "most")
        if self.min_loss is not None:
            add(self._loss().capitalize(), "min_loss")
        if self.disputed is not None:
            add(DISPUTED_WORDS[self.disputed].capitalize(), "disputed")
        if self.among is not None:
            add(f"Of {len(self.among):,} picked ones", "among")
        if self.change is not None:
            words = CHANGE_WORDS[self.change].removeprefix("that ")
            add(words.capitalize(), "against", "change")
        return chips

    def to_query(self) -> dict[str, str]:
        """What an address holds of it: what differs from the default, as short texts.

        `from_query` reads it back.
        """
        values = {
            "show": self.outcome if self.outcome != "all" else None,
            "true": self.true,
            "pred": self.predicted,
            "least": None if self.least is None else f"{self.least:g}",
            "most": None if self.most is None else f"{self.most:g}",
            "loss": None if self.min_loss is None else f"{self.min_loss:g}",
            "disputed": self.disputed,
            "among": None if self.among is None else packed(self.among),
            "against": self.against,
            "change": self.change,
            "sort": self.sort if self.sort != "index" else None,
        }
        return {key: str(value) for key, value in values.items() if value is not None}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """The selection in an address; what is wrong there is passed over."""
        change = _one_of(tuple(CHANGE_WORDS), query.get("change"))
        against = query.get("against")
        if change is None or not against:
            change = against = None
        return cls(
            outcome=_one_of(OUTCOMES, query.get("show")) or "all",
            true=number_in_query(query, "true", below=NUM_CLASSES),
            predicted=number_in_query(query, "pred", below=NUM_CLASSES),
            least=share_in_query(query, "least"),
            most=share_in_query(query, "most"),
            min_loss=amount_in_query(query, "loss", up_to=MAX_LOSS),
            disputed=_one_of(tuple(DISPUTED_WORDS), query.get("disputed")),
            among=unpacked(query.get("among")),
            against=against,
            change=change,
            sort=_one_of(SORTS, query.get("sort")) or "index",
        )

    def _is_outcome(self, evaluation: Evaluation) -> np.ndarray:
        if self.outcome == "all":
            return np.ones(evaluation.num_images, bool)
        return evaluation.is_correct == (self.outcome == "right")

    def _has_changed(
        self, evaluation: Evaluation, other: Evaluation | None
    ) -> np.ndarray:
        if other is None or other.num_images != evaluation.num_images:
            raise ConfigError(
                "What has changed can only be said against another run on the same "
                "images. Choose a run that is there, or remove this filter."
            )
        ours, theirs = evaluation.is_correct, other.is_correct
        match self.change:
            case "gained":
                return ours & ~theirs
            case "lost":
                return ~ours & theirs
            case "both-wrong":
                return ~ours & ~theirs
            case _:
                return evaluation.predictions != other.predictions

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

    def _conditions(self) -> list[str]:
        """What else holds of them, each in a few words."""
        words = [self._range(), self._loss()]
        if self.disputed is not None:
            words.append(DISPUTED_WORDS[self.disputed])
        if self.among is not None:
            words.append(f"of {len(self.among):,} picked ones")
        if self.change is not None:
            words.append(CHANGE_WORDS[self.change])
        return [word for word in words if word]

    def _range(self) -> str:
        """How probable the predictions are, in words; "" if that is not asked."""
        if self.least is not None and self.most is not None:
            return f"{_percent(self.least)} to {_percent(self.most)} probable"
        if self.least is not None:
            return f"at least {_percent(self.least)} probable"
        if self.most is not None:
            return f"at most {_percent(self.most)} probable"
        return ""

    def _loss(self) -> str:
        """How large the loss is, in words; "" if that is not asked."""
        return "" if self.min_loss is None else f"loss {self.min_loss:g} nats and more"


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Selection)}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter of a selection.

    Attributes:
        words: What it asks for.
        alone: The selection by this filter and no other.
    """

    words: str
    alone: Selection

    def removed_from(self, selection: Selection) -> Selection:
        """What is left of a selection without this filter."""
        defaults = {
            name: default
            for name, default in _DEFAULTS.items()
            if getattr(self.alone, name) != default
        }
        return replace(selection, **defaults)


def counts(
    selection: Selection,
    name: str,
    values: tuple[Any, ...],
    evaluation: Evaluation,
    other: Evaluation | None = None,
) -> dict[Any, int]:
    """How many images there would be with each value of a field of a selection."""
    return {
        value: len(replace(selection, **{name: value}).indices(evaluation, other=other))
        for value in values
    }


def _marked(indices: tuple[int, ...], num_images: int) -> np.ndarray:
    """`(N,)` bool, whether an image is one of those; what there is not is ignored."""
    is_marked = np.zeros(num_images, bool)
    rows = np.array(indices, int)
    is_marked[rows[rows < num_images]] = True
    return is_marked


def _one_of(options: tuple[Any, ...], text: str | None) -> Any:
    """The option that an address names; None if it names none."""
    return next((known for known in options if known == text), None)


def _digits(count: int) -> str:
    return f"{count:,} {'digit' if count == 1 else 'digits'}"


def _percent(share: float) -> str:
    return percent(share, places=1 if round(share * 1000) == share * 1000 else 2)


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


def _check_number(name: str, value: float | None, *, up_to: int) -> None:
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= up_to:
        raise ConfigError(f"`{name}` must be from 0 to {up_to}. Received: {value!r}.")


def _check_among(indices: tuple[int, ...] | None) -> None:
    if indices is not None and not are_indices(indices):
        raise ConfigError(
            f"`among` must be at most {MAX_AMONG:,} indices from 0 that rise. "
            f"Received: {len(indices):,} of them."
        )
