"""What a run's labels are worth: those people dispute, and those it doubts itself."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from mnist_core import data, label_noise
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs import Run
from mnist_core.selection import MAX_AMONG, Selection
from mnist_core.suspects import Disputed, Search, Suspects
from ui import digit_dialog, links, resources, settings_form
from ui.address import choice
from ui.gallery import Tile, show_tiles
from ui.resources import SplitName

MAX_SHOWN = 32  # digits; Browse has more
_SPLIT = "labels"  # in the address
_NAMES = {
    "test": "Test digits",
    "validation": "Validation digits",
    "train": "Training digits",
}
_HELD_OUT = "It has never learned from these labels."
_HONESTY: dict[SplitName, str] = {
    "test": _HELD_OUT,
    "validation": _HELD_OUT + " Its best epoch was chosen by them.",
    "train": "It has learned from these very labels; a model that had not seen them "
    "would doubt more.",
}


def show(run: Run, split: Split, evaluation: Evaluation) -> None:
    """Show the disputed test labels, and the labels of a split that the run doubts.

    Raises:
        DigitLabError: If the digits cannot be read.
    """
    asked = choice("Labels of the", _SPLIT, _NAMES, default="test")
    if asked == "test":
        _disputed(run, split, evaluation)
        suspects = _suspects(run, split, "test")
        _writers(run, evaluation)
        disputed = np.array(evaluation.disputed, int)
        others = suspects.indices[~np.isin(suspects.indices, disputed)]
        among = np.concatenate([disputed, others])  # as they stand on the page
        digit_dialog.show_opened_digit(run, split, evaluation, among)
    elif asked == "validation":
        split = resources.split(run, "validation")
        suspects = _suspects(run, split, "validation")
        digit_dialog.show_opened_digit(
            run, split, suspects.evaluation, suspects.indices, split_name="validation"
        )
    elif run.config.label_noise:
        _experiment(run)
    else:
        split = resources.split(run, "train")
        suspects = _suspects(run, split, "train")
        _invitation()
        digit_dialog.show_opened_digit(
            run, split, suspects.evaluation, suspects.indices, split_name="train"
        )


def _disputed(run: Run, split: Split, evaluation: Evaluation) -> None:
    """The test labels that people do not agree on."""
    st.subheader("Labels that people dispute")
    disputed = Disputed(evaluation, data.PEOPLE_READ)
    with st.container(key="disputed"):
        st.markdown(disputed.sentences())
        _tiles(
            split,
            np.array(evaluation.disputed),
            lambda index: _disputed_tile(disputed, index),
            key="disputed-tiles",
        )
    st.caption(
        "Below each: its label · what most people read (– if they do not agree) · what "
        "this model reads. Five people each were asked about a hundred test digits; "
        "fewer than three confirmed these (Northcutt, Athalye and Mueller, 2021)."
    )
    links.to_browse(run, Selection(disputed="only"), "See them in Browse")


def _disputed_tile(disputed: Disputed, index: int) -> Tile:
    label = int(disputed.evaluation.labels[index])
    read = int(disputed.evaluation.predictions[index])
    people = disputed.people.get(index)
    most = (
        "most people do not agree" if people is None else f"most people read {people}"
    )
    return Tile(
        index,
        f"{label} · {'–' if people is None else people} · {read}",
        f"Digit {index}, labelled {label}: {most}, this model reads {read}",
        is_wrong=read != label,
    )


def _suspects(run: Run, split: Split, name: SplitName) -> Suspects:
    """The labels that the run doubts, and how it comes to that."""
    st.subheader("Labels that this model doubts")
    suspects = resources.suspects(run, name)
    count = len(suspects.indices)
    with st.container(key="suspects"):
        also = len(np.intersect1d(suspects.indices, suspects.evaluation.disputed))
        st.markdown(
            f"It doubts **{count or 'none'}** of {len(split):,} labels"
            + (f"; people dispute {also} of these." if also else ".")
        )
        _doubtful(run, split, suspects, suspects.indices, name)
    _explain(name)
    return suspects


def _explain(name: SplitName) -> None:
    """How suspects are found, and what they are worth."""
    st.caption(
        "Below each: its label → what the model takes it for, or what MNIST says where "
        "a label was made wrong. It doubts a label where it takes the digit for "
        "another one, and is at least as sure of that as it is, on average, of the "
        "digits that are labelled so (confident learning: Northcutt, Jiang and Chuang, "
        f"2021). {_HONESTY[name]} A doubt is no proof: look."
    )


def _doubtful(
    run: Run,
    split: Split,
    suspects: Suspects,
    indices: np.ndarray,
    name: SplitName,
    true: np.ndarray | None = None,
) -> None:
    """Some digits with what the run would call them, and a door to all of them.

    Args:
        run: Who doubts.
        split: Where the images are.
        suspects: What it doubts.
        indices: Which of the images to show.
        name: Of the split.
        true: `(N,)` uint8, MNIST's own labels, if some were made wrong.
    """

    def tile(index: int) -> Tile:
        label = int(suspects.evaluation.labels[index])
        digit = int(suspects.suggested[index])
        caption, words = f"{label}", f"Digit {index}, labelled {label}"
        if digit not in (-1, label):
            caption = f"{label} → {digit}?"
            words += f", which this model takes for {digit}"
        elif true is not None:
            caption = f"{label}, truly {true[index]}"
        if true is not None and true[index] != label:
            words += f"; MNIST says {true[index]}"
        is_disputed = index in suspects.evaluation.disputed
        return Tile(index, caption, words, is_disputed=is_disputed)

    _tiles(split, indices, tile, key="doubted-tiles")
    if not len(indices):
        return
    first = indices[:MAX_AMONG]
    label = (
        ("See it in Browse" if len(first) == 1 else f"See all {len(first):,} in Browse")
        if len(first) == len(indices)
        else f"See the {len(first):,} most doubtful of {len(indices):,} in Browse"
    )
    among = Selection(among=tuple(sorted(first.tolist())), sort="loss")
    links.to_browse(run, among, label, split_name=name)


def _experiment(run: Run) -> None:
    """How many of the labels that were made wrong on purpose are doubted."""
    split, true = resources.split(run, "train"), resources.true_train_split(run)
    suspects = resources.suspects(run, "train")
    is_flipped = label_noise.flipped(true.labels, run.config).is_flipped
    search = Search(suspects, is_flipped)

    st.subheader("Does it find the wrong labels?")
    with st.container(key="search"):
        st.markdown(search.sentence())
    sets = {
        "found": ("Wrong and doubted", search.found),
        "missed": ("Wrong, not doubted", search.missed),
        "false": ("Doubted, not made wrong", search.false),
    }
    names = {key: f"{words} · {len(which):,}" for key, (words, which) in sets.items()}
    indices = sets[choice("Digits", "which", names, default="found")][1]
    with st.container(key="suspects"):
        _doubtful(run, split, suspects, indices, "train", true.labels)
    _explain("train")
    st.caption(
        "Here and in Browse these digits have the labels that the model learned from; "
        "an opened digit says what MNIST’s own is. "
        "Validation and test labels were left as they are."
    )
    digit_dialog.show_opened_digit(
        run,
        split,
        suspects.evaluation,
        indices,
        split_name="train",
        true=true.labels,
    )


def _invitation() -> None:
    """How to learn what such a list is worth."""
    st.subheader("How good is such a list?")
    st.markdown(
        "Nobody knows which of these labels are wrong, so nobody can say. But train a "
        "model with some labels made wrong on purpose, and this page counts how many "
        "of them it finds."
    )
    if st.button(
        "Train one with a tenth of its labels wrong",
        icon=":material/science:",
        key="experiment",
    ):
        settings_form.open_with("label_noise=0.1")


def _writers(run: Run, evaluation: Evaluation) -> None:
    """The two groups of people who wrote the test digits."""
    st.subheader("Who wrote the test digits")
    number = data.NUM_BY_STUDENTS
    groups = {
        "High-school students": slice(0, number),
        "Staff of the Census Bureau": slice(number, evaluation.num_images),
    }
    columns = st.columns(2, gap="large")
    for column, (who, rows) in zip(columns, groups.items(), strict=True):
        part = Evaluation(evaluation.labels[rows], evaluation.probabilities[rows])
        with column:
            st.markdown(f"**{who}**: {part.sentence()}")
            wrong = rows.start + np.flatnonzero(~part.is_correct)
            if 0 < len(wrong) <= MAX_AMONG:
                among = Selection(among=tuple(wrong.tolist()), sort="loss")
                links.to_browse(run, among, _mistakes(len(wrong)))
    st.caption(
        f"The first {number:,} test digits are by students and the others, but for "
        "one, by staff, as QMNIST found out (Yadav and Bottou, 2019). MNIST does not "
        "say who wrote which digit, so the intervals take each for another person's "
        "and are somewhat too narrow."
    )


def _mistakes(count: int) -> str:
    return "See the mistake" if count == 1 else f"See the {count:,} mistakes"


def _tiles(
    split: Split, indices: np.ndarray, tile: Callable[[int], Tile], *, key: str
) -> None:
    """As many as there is room for."""
    shown = indices[:MAX_SHOWN]
    if len(shown):
        show_tiles(
            split.images[shown],
            [tile(index) for index in shown.tolist()],
            key=key,
            on_open=digit_dialog.open_digit,
        )
