"""The filters of Browse: widgets that write a selection into the address."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from mnist_core.config import NUM_CLASSES
from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from mnist_core.selection import (
    CHANGE_WORDS,
    DISPUTED_WORDS,
    MAX_AMONG,
    OUTCOMES,
    SORT_WORDS,
    SORTS,
    Chip,
    Selection,
    counts,
)
from ui import address, picker
from ui.browse.digits import STAYING

ANY = "any"  # None would read as an empty field
OUTCOME_WORDS = {outcome.capitalize(): outcome for outcome in OUTCOMES}
DIGIT_WORDS = {"Any": None} | {str(digit): digit for digit in range(NUM_CLASSES)}
LOSSES = (0.1, 0.5, 1.0, 2.0, 4.0)  # nats
_COUNTED = " · "  # between an option and its count
WHOLE = (0.0, 100.0)  # percent: no filter


def pick_selection(
    evaluation: Evaluation, others: dict[str, Run], read_by: Callable[[Run], Evaluation]
) -> tuple[Selection, Evaluation | None]:
    """Let a person choose which digits are shown, and in what order.

    Args:
        evaluation: What is selected from.
        others: The runs that it can be compared with, by their ids.
        read_by: What one of them makes of the same digits.

    Returns:
        The selection, and the other run's evaluation if it compares with one.

    Raises:
        DigitLabError: If what the other run reads cannot be told.
    """
    selection = Selection.from_query(address.query())
    if selection.against is not None and selection.against not in others:
        st.warning(
            "The model to compare with is not there; it may have been deleted.",
            icon=":material/info:",
        )
        selection = replace(selection, against=None, change=None)
    against = selection.against
    other = read_by(others[against]) if against is not None else None
    _main_filters(selection, evaluation, other)
    with st.popover("More filters", icon=":material/filter_list:"):
        _more_filters(selection, evaluation, others, other)
    _chips(selection, evaluation, others, other)
    return selection, other


def _main_filters(
    selection: Selection, evaluation: Evaluation, other: Evaluation | None
) -> None:
    outcome, true, predicted, sort = st.columns(
        [5, 2, 2, 3], vertical_alignment="bottom"
    )
    of = selection, evaluation, other
    radio = partial(outcome.radio, horizontal=True)
    _facet(radio, "Show", "outcome", OUTCOME_WORDS, *of)
    _facet(true.selectbox, "Labelled", "true", DIGIT_WORDS, *of)
    _facet(predicted.selectbox, "Read as", "predicted", DIGIT_WORDS, *of)
    st.session_state["sort"] = selection.sort
    sort.selectbox(
        "Order",
        SORTS,
        format_func=lambda name: SORT_WORDS[name].capitalize(),
        key="sort",
        on_change=lambda: _apply("sort", st.session_state["sort"]),
    )


def _facet(
    widget: Callable[..., Any],
    label: str,
    name: str,
    words: dict[str, Any],
    selection: Selection,
    evaluation: Evaluation,
    other: Evaluation | None,
) -> None:
    """One filter, each option with how many digits there would be.

    Args:
        widget: A select box or radio buttons.
        label: What a person reads above.
        name: The field of a selection, and the widget's key.
        words: What the field can be, by what a person reads; in the order shown.
        selection: What is filtered by now.
        evaluation: What is selected from.
        other: The run that is compared with.
    """
    found = counts(selection, name, tuple(words.values()), evaluation, other)
    now = getattr(selection, name)
    st.session_state[name] = next(word for word in words if words[word] == now)

    def apply() -> None:
        # An answer to the counts of a moment ago comes as its text, "Any · 12".
        word, *_ = st.session_state[name].split(_COUNTED)
        if word in words:
            _apply(name, words[word])

    widget(
        label,
        list(words),
        format_func=lambda word: f"{word}{_COUNTED}{found[words[word]]:,}",
        key=name,
        on_change=apply,
    )


def _more_filters(
    selection: Selection,
    evaluation: Evaluation,
    others: dict[str, Run],
    other: Evaluation | None,
) -> None:
    low, high = selection.least, selection.most
    st.session_state["range"] = (
        WHOLE[0] if low is None else 100 * low,
        WHOLE[1] if high is None else 100 * high,
    )
    st.slider(
        "Probability of the prediction",
        *WHOLE,
        step=0.1,
        format="%.1f %%",
        key="range",
        on_change=_apply_range,
    )
    of = selection, evaluation, other
    losses = sorted(
        {*LOSSES, *([selection.min_loss] if selection.min_loss is not None else [])}
    )
    nats = {"Any": None} | {f"{loss:g} nats and more": loss for loss in losses}
    _facet(st.selectbox, "Loss", "min_loss", nats, *of)
    if evaluation.disputed:
        words = {"All": None} | {
            text.capitalize(): value for value, text in DISPUTED_WORDS.items()
        }
        label = "Labels that people dispute"
        _facet(st.radio, label, "disputed", words, *of)
    if others:
        _comparison(selection, others)


def _comparison(selection: Selection, others: dict[str, Run]) -> None:
    """Which model to compare with, and what of the difference to show."""
    st.session_state["against"] = selection.against or ANY
    st.session_state["change"] = selection.change or "disagree"
    names = {ANY: "No other model", **picker.names(others.values())}
    st.selectbox(
        "Compare with",
        list(names),
        format_func=names.__getitem__,
        key="against",
        on_change=_apply_comparison,
        args=(others,),
    )
    st.selectbox(
        "Show what",
        list(CHANGE_WORDS),
        format_func=lambda change: CHANGE_WORDS[change].removeprefix("that "),
        key="change",
        disabled=selection.against is None,
        on_change=_apply_comparison,
        args=(others,),
    )


def _chips(
    selection: Selection,
    evaluation: Evaluation,
    others: dict[str, Run],
    other: Evaluation | None,
) -> None:
    """The filters that hold, each with how many it alone finds; a click removes it."""
    chips = selection.chips()
    if not chips:
        return
    with st.container(horizontal=True, gap="xsmall", key="chips"):
        for chip in chips:
            count = len(chip.alone.indices(evaluation, other=other))
            st.button(
                f"{chip.words} · {count:,}",
                icon=":material/close:",
                key=f"chip-{chip.words}",
                help="Remove this filter",
                on_click=_remove,
                args=(chip, others),
            )
        if len(chips) > 1:
            st.button(
                "Remove all",
                key="chip-all",
                type="tertiary",
                on_click=lambda: _put(Selection(sort=_selected().sort)),
            )


def _or_none(option: Any) -> Any:
    return None if option == ANY else option


def _apply(name: str, value: Any) -> None:
    """Change one filter of the selection in the address."""
    _put(replace(_selected(), **{name: value}))


def pick_among(indices: tuple[int, ...]) -> None:
    """Have those alone be shown that a person picked on the map.

    Raises:
        ConfigError: If they are more than an address holds.
    """
    if len(indices) > MAX_AMONG:
        raise ConfigError(
            f"{len(indices):,} digits are more than an address holds: draw around "
            f"{MAX_AMONG:,} at most."
        )
    _apply("among", indices)


def _apply_range() -> None:
    low, high = (round(end / 100, 3) for end in st.session_state["range"])
    _put(replace(_selected(), least=low or None, most=high if high < 1 else None))


def _apply_comparison(others: dict[str, Run]) -> None:
    against = _or_none(st.session_state["against"])
    if against not in (None, *others):
        return  # the name of a moment ago
    change = None if against is None else st.session_state["change"]
    _put(replace(_selected(), against=against, change=change))


def _remove(chip: Chip, others: dict[str, Run]) -> None:
    selection = chip.removed_from(_selected())
    if selection.against not in others:  # that it is not there was said
        selection = replace(selection, against=None, change=None)
    _put(selection)


def _selected() -> Selection:
    return Selection.from_query(address.query())


def _put(selection: Selection) -> None:
    """Put a selection into the address, which is what the page reads."""
    left = dict.fromkeys(address.query().keys() - set(STAYING))
    address.put(left | selection.to_query())
