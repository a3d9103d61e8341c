"""What the page Compare shows of two runs."""

from dataclasses import asdict

import numpy as np
import streamlit as st

from mnist_core.comparison import agreement
from mnist_core.config import NUM_CLASSES
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from mnist_core.selection import MAX_AMONG, Change, Selection
from ui import address, digit_dialog, links, picker, settings_form
from ui.doors import Door, doors
from ui.gallery import Tile, show_tiles

MAX_SHOWN = 48  # digits; Browse has them all
_AGAINST, _PAIR = "against", "pair"  # in the address
DIGITS = range(NUM_CLASSES)
NAMES: dict[Change, str] = {
    "gained": "Only the first is right",
    "lost": "Only the second is right",
    "both-wrong": "Both are wrong",
    "disagree": "They disagree",
}


def pick_other(others: dict[str, Run]) -> Run:
    """Let a person choose the second run; the address holds it and decides."""
    asked = address.query().get(_AGAINST)
    chosen = st.session_state[_AGAINST] = (
        asked if asked in others else next(iter(others))
    )
    if asked is not None and asked not in others:
        st.warning(
            "The model to compare with is not there, or is the same; here is another.",
            icon=":material/info:",
        )
    names = picker.names(others.values())
    st.selectbox(
        "Compared with",
        list(names),
        format_func=names.__getitem__,
        key=_AGAINST,
        on_change=_put_other,
        args=(others,),
    )
    return others[chosen]


def _put_other(others: dict[str, Run]) -> None:
    if st.session_state[_AGAINST] in others:  # else it is the name of a moment ago
        address.put({_AGAINST: st.session_state[_AGAINST]})


def show_digits(
    run: Run, other: Run, split: Split, first: Evaluation, second: Evaluation
) -> None:
    """The digits on which they differ: of a cell that is open, or in four galleries."""
    pair = _pair()
    if pair is None:
        selection = _pick_change(other, first, second)
    else:
        both = (first.predictions == pair[0]) & (second.predictions == pair[1])
        selection = Selection(among=tuple(np.flatnonzero(both).tolist()[:MAX_AMONG]))
    which = selection.indices(first, other=second)
    if pair is not None:
        st.markdown(_sentence(*pair, len(which)))
        st.button("Close the cell", icon=":material/close:", on_click=_put_pair)
    if not len(which):
        st.caption("There is none.")
        return
    links.to_browse(run, selection, "See them in Browse")
    shown = which[:MAX_SHOWN]
    with st.container(key="compared-digits"):
        show_tiles(
            split.images[shown],
            [_tile(int(index), first, second) for index in shown],
            key="compared",
            on_open=digit_dialog.open_digit,
        )
    digit_dialog.show_opened_digit(run, split, first, which)


def _pick_change(other: Run, first: Evaluation, second: Evaluation) -> Selection:
    found: dict[str, Selection] = {
        change: Selection(against=other.id, change=change, sort="loss")
        for change in NAMES
    }
    names = {
        change: f"{words} · {len(found[change].indices(first, other=second)):,}"
        for change, words in NAMES.items()
    }
    return found[
        address.choice("Digits", "change", dict(names.items()), default="gained")
    ]


def _tile(index: int, first: Evaluation, second: Evaluation) -> Tile:
    true = first.labels[index]
    ours, theirs = first.predictions[index], second.predictions[index]
    return Tile(
        index,
        f"{true} → {ours} | {theirs}",
        f"Digit {index}: {true}, read as {ours} by the first and as {theirs} by the "
        "second",
        is_wrong=not first.is_correct[index],
        is_disputed=index in first.disputed,
    )


def show_agreement(run: Run, other: Run, first: Evaluation, second: Evaluation) -> None:
    """What the first reads by what the second reads; each cell opens its digits."""
    matrix = agreement(first, second)
    largest = max(int((matrix - np.diag(np.diag(matrix))).max()), 1)
    heads = [Door(str(digit)) for digit in range(len(matrix))]
    rows = [
        [
            heads[ours],
            *(_cell(ours, theirs, int(row[theirs]), largest) for theirs in DIGITS),
        ]
        for ours, row in enumerate(matrix)
    ]
    with st.container(key="agreement"):
        doors(
            [[Door("↓ →", "Down: the first. Across: the second."), *heads], *rows],
            key="agreement-matrix",
            on_open=_put_pair,
            chosen=address.query().get(_PAIR, ""),
            caption=f"Down: what “{run.name}” reads. Across: what “{other.name}” "
            "reads. Click where they differ.",
        )


def _cell(ours: int, theirs: int, count: int, largest: int) -> Door:
    if ours == theirs:
        return Door(f"{count:,}", _sentence(ours, theirs, count))
    return Door(
        str(count or ""),
        _sentence(ours, theirs, count),
        f"{ours}-{theirs}",
        count / largest,
    )


def _sentence(ours: int, theirs: int, count: int) -> str:
    noun = "digit" if count == 1 else "digits"
    if ours == theirs:
        return f"{count:,} {noun} that both read as {ours}."
    return f"{count:,} {noun} that the first reads as {ours}, the second as {theirs}."


def _pair() -> tuple[int, int] | None:
    """The cell that the address names."""
    ours, dash, theirs = address.query().get(_PAIR, "").partition("-")
    known = [str(digit) for digit in DIGITS]
    if not dash or ours not in known or theirs not in known or ours == theirs:
        return None
    return int(ours), int(theirs)


def _put_pair(value: str = "") -> None:
    address.put({_PAIR: value or None})


def show_settings(run: Run, other: Run) -> None:
    """In which settings they differ."""
    st.subheader("What was set differently")
    ours, theirs = asdict(run.config), asdict(other.config)
    different = [name for name in ours if ours[name] != theirs[name]]
    if not different:
        st.caption("Nothing: both have the same settings.")
        return
    st.table(
        {
            "Setting": [settings_form.WORDS[name].label for name in different],
            run.name: [str(ours[name]) for name in different],
            f"{other.name} ": [str(theirs[name]) for name in different],
        }
    )
