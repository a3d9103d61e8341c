"""How a run learned: what it said of the test digits after each of its epochs."""

import numpy as np
import streamlit as st

from mnist_core import charts_epochs, matrices
from mnist_core.data import Split
from mnist_core.evaluation import Confusion, Evaluation, percent
from mnist_core.history import best_epoch
from mnist_core.runs import Run
from mnist_core.selection import MAX_AMONG, Selection, number_in_query
from mnist_core.timeline import Timeline
from ui import address, digit_dialog, links, resources
from ui.doors import Door, doors
from ui.evaluate import behind
from ui.gallery import Tile, show_tiles
from ui.marks import show_marks

MAX_SHOWN = 32  # digits of an epoch; Browse has them all
MAX_LISTED = 16  # digits of each list below
_EPOCH = "epoch"  # in the address


def show(run: Run, split: Split, evaluation: Evaluation) -> None:
    """Show an epoch's matrix, bars and digits, and what was learned late or forgotten.

    Raises:
        DigitLabError: If what was said after each epoch cannot be read.
    """
    timeline = resources.timeline(run)
    if timeline is None:
        st.info(
            "This run was not looked at while it learned: it was trained before "
            "that was done. Any run that is trained now is.",
            icon=":material/history:",
        )
        st.page_link("pages/train.py", label="Train one")
        return
    epochs, _ = run.progress()
    best = best_epoch(epochs).epoch if epochs else int(timeline.epochs[-1])
    if len(timeline.epochs) == 1:
        st.info(
            f"This run was looked at after epoch {timeline.epochs[0]} only, so there "
            "is nothing to compare. Train one of several epochs to see it learn.",
            icon=":material/history:",
        )
        return
    opened = digit_dialog.opened_index(split)
    st.fragment(_epoch)(run, split, evaluation, timeline, best, opened)
    _lists(run, split, evaluation, timeline)
    digit_dialog.show_opened_digit(
        run,
        split,
        evaluation,
        np.arange(len(split)),
    )


def _epoch(
    run: Run,
    split: Split,
    evaluation: Evaluation,
    timeline: Timeline,
    best: int,
    opened: int | None,
) -> None:
    """What the slider moves; it runs without the rest of the page."""
    if digit_dialog.opened_index(split) != opened:
        st.rerun()  # a tile was clicked, and the rest of the page shows its digit
    epoch = _pick_epoch(timeline, best)
    show_marks(
        charts_epochs.mistakes(timeline, epoch=epoch),
        key="mistakes-by-epoch",
        on_open=lambda clicked: _open_epoch(clicked["epoch"]),
    )
    with st.container(key="epoch-sentence"):
        accuracy = percent(timeline.accuracy(epoch), places=2)
        st.markdown(f"**{accuracy}** right. {timeline.sentence(epoch)}")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _matrix(timeline, epoch)
    with right:
        st.markdown("**Read wrong, digit by digit**")
        show_marks(
            charts_epochs.mistakes_by_digit(timeline, epoch=epoch),
            key="digit-mistakes",
            on_open=lambda clicked: _open_mistakes_of(clicked["digit"]),
        )
    _digits(run, split, evaluation, timeline, epoch)


def _pick_epoch(timeline: Timeline, best: int) -> int:
    """The epoch that the address names, or the one whose weights the run has."""
    epochs: list[int] = timeline.epochs.tolist()
    asked = number_in_query(address.query(), _EPOCH, below=epochs[-1] + 1)
    known = [epoch for epoch in (asked, best, epochs[-1]) if epoch in epochs]
    st.session_state[_EPOCH] = epoch = known[0]
    st.select_slider(
        "Epoch",
        epochs,
        key=_EPOCH,
        help="The test digits were read after each epoch so that one can look back "
        "here. Nothing was chosen by it: the kept epoch is the best on the "
        "validation digits.",
        on_change=_put_epoch,
    )
    st.caption(
        f"The model has the weights of epoch {best}, the best on the validation digits."
        + (
            " Epochs that were over too soon to be looked at are missing."
            if len(epochs) < epochs[-1] - epochs[0] + 1
            else ""
        )
    )
    return epoch


def _put_epoch() -> None:
    _open_epoch(st.session_state[_EPOCH])


def _open_epoch(epoch: int) -> None:
    address.put({_EPOCH: str(epoch)})


def _matrix(timeline: Timeline, epoch: int) -> None:
    """The mistakes of an epoch; a click on a cell or a head shows its digits below."""
    rows = [
        [
            _mistakes_of(true=true),
            *(
                Door(
                    cell.text,
                    cell.sentence,
                    behind.value_of(Selection(true=true, predicted=predicted)),
                    cell.shade,
                )
                for predicted, cell in enumerate(cells)
            ),
        ]
        for true, cells in enumerate(
            matrices.cells(timeline.confusion_matrix(epoch), "mistakes only")
        )
    ]
    heads = [_mistakes_of(predicted=digit) for digit in range(len(rows))]
    st.markdown("**What was read as what**")
    with st.container(key="epoch-matrix"):
        doors(
            [
                [Door("↓ →", "Down: the label. Across: what it was read as."), *heads],
                *rows,
            ],
            key="matrix-of-epoch",
            on_open=behind.open_value,
            chosen=behind.value_of(_opened()),
            caption="Mistakes only. Down: the label. Across: what it was read as. "
            "Click a number or a head.",
        )


def _mistakes_of(true: int | None = None, predicted: int | None = None) -> Door:
    """The head of a row or of a column."""
    digit = predicted if true is None else true
    words = f"read as {digit}" if true is None else f"labelled {digit}"
    mistakes = Selection(true=true, predicted=predicted, outcome="wrong")
    return Door(str(digit), f"All mistakes {words}.", behind.value_of(mistakes))


def _opened() -> Selection:
    """The cell or the head that was clicked, or all digits if none was."""
    asked = behind.selected("true", "pred")
    one_digit = asked.true is None or asked.predicted is None
    return Selection(
        true=asked.true,
        predicted=asked.predicted,
        outcome="wrong" if one_digit and asked != Selection() else "all",
    )


def _open_mistakes_of(digit: int) -> None:
    behind.open_selection(Selection(true=digit, outcome="wrong"))


def _digits(
    run: Run, split: Split, evaluation: Evaluation, timeline: Timeline, epoch: int
) -> None:
    """The digits of what was clicked, or those wrong, newly right or forgotten."""
    opened = _opened()
    if opened != Selection():
        indices = timeline.cell(epoch, opened.true, opened.predicted)
        if opened.true is not None and opened.predicted is not None:
            share = len(indices) / max(int((timeline.labels == opened.true).sum()), 1)
            sentence = Confusion(
                opened.true, opened.predicted, len(indices), share
            ).sentence()
        else:
            sentence = opened.sentence(len(indices))
        st.markdown(f"After epoch {epoch}: {sentence}")
        st.button(
            "Close",
            icon=":material/close:",
            on_click=behind.open_selection,
            args=(Selection(),),
        )
    else:
        sets = {
            "wrong": ("Wrong", timeline.wrong(epoch)),
            "gained": ("Newly right", timeline.gained(epoch)),
            "lost": ("Forgotten", timeline.lost(epoch)),
        }
        names = {key: f"{name} · {len(which):,}" for key, (name, which) in sets.items()}
        indices = sets[address.choice("Digits", "which", names, default="wrong")][1]
    if not len(indices):
        st.caption("None after this epoch.")
    row = timeline.epochs.tolist().index(epoch)
    tiles = [
        _tile(
            evaluation,
            timeline,
            index,
            f"{timeline.labels[index]} → {timeline.digits[row, index]}",
            is_wrong=not timeline.is_correct[row, index],
        )
        for index in indices[:MAX_SHOWN].tolist()
    ]
    with st.container(key="epoch-digits"):
        _tiles(run, split, indices, tiles, key="digits-of-epoch")


def _lists(run: Run, split: Split, evaluation: Evaluation, timeline: Timeline) -> None:
    """What took long, and what was known and lost again and again."""
    late, often = timeline.learned_late, timeline.forgotten_often
    never = int((timeline.learned_at == 0).sum())
    st.subheader("What was hard to learn")
    st.markdown(
        f"Of {len(split):,} digits, {int(_at_once(timeline)):,} are right from epoch "
        f"{timeline.epochs[0]} on; {never:,} are wrong after the last."
    )
    st.markdown(
        f"**Learned late**: {len(late):,} stay right only from after epoch "
        f"{timeline.halfway}."
    )
    captions = [f"epoch {epoch}" for epoch in timeline.learned_at[late].tolist()]
    _list(run, split, evaluation, timeline, late, captions, key="learned-late")
    st.markdown(
        f"**Forgotten often**: {len(often):,} were right and then wrong again, twice "
        "or more."
    )
    captions = [f"{times} times" for times in timeline.num_forgotten[often].tolist()]
    _list(run, split, evaluation, timeline, often, captions, key="forgotten-often")


def _list(
    run: Run,
    split: Split,
    evaluation: Evaluation,
    timeline: Timeline,
    indices: np.ndarray,
    captions: list[str],
    *,
    key: str,
) -> None:
    """The first of some digits, each with its caption."""
    tiles = [
        _tile(
            evaluation,
            timeline,
            index,
            caption,
            is_wrong=not evaluation.is_correct[index],
        )
        for index, caption in zip(
            indices[:MAX_LISTED].tolist(), captions[:MAX_LISTED], strict=True
        )
    ]
    with st.container(key=key):
        _tiles(run, split, indices, tiles, key=f"{key}-tiles")


def _at_once(timeline: Timeline) -> int:
    return int((timeline.learned_at == timeline.epochs[0]).sum())


def _tile(
    evaluation: Evaluation,
    timeline: Timeline,
    index: int,
    caption: str,
    *,
    is_wrong: bool,
) -> Tile:
    story = timeline.story(index, is_right=bool(evaluation.is_correct[index]))
    return Tile(
        index,
        caption,
        f"Digit {index}, labelled {timeline.labels[index]}: {story}",
        is_wrong=is_wrong,
        is_disputed=index in evaluation.disputed,
    )


def _tiles(
    run: Run, split: Split, indices: np.ndarray, tiles: list[Tile], *, key: str
) -> None:
    """As many as there is room for, and a door to all of them."""
    show_tiles(
        split.images[[tile.index for tile in tiles]] if tiles else split.images[:0],
        tiles,
        key=key,
        on_open=digit_dialog.open_digit,
    )
    if 0 < len(indices) <= MAX_AMONG:
        among = Selection(among=tuple(sorted(indices.tolist())))
        links.to_browse(run, among, f"See all {len(indices):,} in Browse")
