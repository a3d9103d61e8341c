"""What a run withstands: test digits turned, moved, blurred …, and which it loses."""

import numpy as np
import streamlit as st

from mnist_core import charts_robustness
from mnist_core.corruptions import CORRUPTIONS, STEPS, Corruption, Step, corrupted
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation, percent
from mnist_core.robustness import Point, Robustness
from mnist_core.runs import Run
from mnist_core.selection import MAX_AMONG, Selection
from mnist_core.sweep import Sweep
from ui import address, digit_dialog, links, resources
from ui.doors import Door, doors
from ui.gallery import Tile, show_tiles
from ui.marks import show_marks

MAX_SHOWN = 24  # digits; Browse has them all
COLUMNS = 2  # charts side by side
REFRESH = 0.5  # seconds between two looks at a measuring
_KIND, _STRENGTH = "kind", "strength"  # in the address


def show(run: Run, split: Split, evaluation: Evaluation) -> None:
    """Show accuracy by kind and strength of change, and the digits that are lost.

    Raises:
        DigitLabError: If what the run reads cannot be told.
    """
    sweep = resources.sweep(run)
    robustness = sweep.robustness  # of now: it may be read on meanwhile
    if not robustness.is_whole:
        _measure(sweep, robustness)
    if not robustness.kinds:
        return
    st.caption(
        "Each number is the share that is read right, in %. It opens, as its point in "
        "the chart does, the digits that are right as they are and lost when they are "
        "changed. The dashed line is where nothing is changed; the band is the 95 % "
        "interval. Heights go with the logarithm of the mistakes, so that few and many "
        "of them can be seen."
    )
    opened = _opened(robustness)
    for place, kind in enumerate(robustness.kinds):
        if place % COLUMNS == 0:
            columns = st.columns(COLUMNS, gap="large")
        chosen = opened.strength if opened and opened.kind == kind else None
        with columns[place % COLUMNS]:
            _kind(robustness, CORRUPTIONS[kind], chosen)
            if chosen is not None:
                _lost(run, split, evaluation, robustness, Step(kind, chosen))
    digit_dialog.show_opened_digit(
        run,
        split,
        evaluation,
        robustness.newly_lost(*opened) if opened else np.arange(len(split)),
    )


def _measure(sweep: Sweep, robustness: Robustness) -> None:
    """A button to begin or go on with, or how far it is."""
    st.markdown(
        "How well does it read digits that are turned, scaled, out of the middle, thin "
        "or thick, noisy, out of focus or partly covered? The test digits are changed "
        f"and read {len(STEPS)} times. That takes some minutes, goes on when you leave "
        "the page, and is kept."
    )
    if sweep.error:
        st.error(sweep.error, icon=":material/error:")
    is_running = sweep.is_running
    if not is_running:
        st.button(
            "Measure the rest" if robustness.num_done else "Measure it",
            icon=":material/speed:",
            key="measure",
            type="primary",
            on_click=sweep.start,
        )
    if is_running or robustness.num_done:
        progress = st.fragment(_progress, run_every=REFRESH if is_running else None)
        progress(sweep, is_running, robustness.kinds)


def _progress(sweep: Sweep, was_running: bool, shown: tuple[str, ...]) -> None:
    """How far it is; it runs without the rest of the page until there is more."""
    is_running, robustness = sweep.is_running, sweep.robustness
    if was_running and (robustness.kinds != shown or not is_running):
        st.rerun()
    step = robustness.next_step
    words = f" · {CORRUPTIONS[step.kind].words(step.strength)}" if step else ""
    with st.container(key="measuring"):
        st.progress(
            robustness.num_done / len(STEPS),
            f"{robustness.num_done} of {len(STEPS)}{words}",
        )


def _kind(robustness: Robustness, corruption: Corruption, chosen: float | None) -> None:
    """A chart, and below it a door for each of its points."""
    kind = corruption.kind
    st.markdown(f"**{corruption.title}** · {robustness.withstood_words(kind)}")
    show_marks(
        charts_robustness.accuracy(robustness, kind, chosen=chosen),
        key=f"by-{kind}",
        on_open=lambda clicked: _open(_value(corruption, clicked["strength"])),
    )
    points = robustness.points(kind)
    numbers = [corruption.number(point.strength) for point in points]
    with st.container(key=f"of-{kind}"):
        doors(
            [
                [Door(corruption.unit.strip()), *map(Door, numbers)],
                [Door("right"), *(_door(robustness, corruption, p) for p in points)],
            ],
            key=f"doors-{kind}",
            on_open=_open,
            chosen="" if chosen is None else _value(corruption, chosen),
        )


def _door(robustness: Robustness, corruption: Corruption, point: Point) -> Door:
    is_door = point.strength != corruption.none
    return Door(
        percent(point.accuracy).removesuffix(" %"),
        robustness.sentence(corruption.kind, point.strength),
        _value(corruption, point.strength) if is_door else "",
        shade=1 - point.accuracy,
    )


def _value(corruption: Corruption, strength: float) -> str:
    return f"{corruption.kind} {strength:g}"


def _opened(robustness: Robustness) -> Step | None:
    """The kind and strength that the address names, if that is read."""
    kind, text = (address.query().get(name, "") for name in (_KIND, _STRENGTH))
    for step in STEPS:
        if (step.kind, f"{step.strength:g}") == (kind, text):
            return step if kind in robustness.kinds else None
    return None


def _open(value: str) -> None:
    kind, strength = value.split(" ")
    address.put({_KIND: kind, _STRENGTH: strength})


def _close() -> None:
    address.put({_KIND: None, _STRENGTH: None})


def _lost(
    run: Run,
    split: Split,
    evaluation: Evaluation,
    robustness: Robustness,
    step: Step,
) -> None:
    """The digits that are lost at a step, as the model saw them."""
    indices, said = robustness.newly_lost(*step), robustness.read_as(*step)
    with st.container(key="lost"):
        st.markdown(robustness.sentence(*step))
        shown = indices[:MAX_SHOWN]
        show_tiles(
            corrupted(split.images[shown], shown, *step),
            [_tile(evaluation, index, int(said[index])) for index in shown.tolist()],
            key="lost-tiles",
            on_open=digit_dialog.open_digit,
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            _link(run, indices)
            st.button(
                "Close", icon=":material/close:", key="close-lost", on_click=_close
            )


def _link(run: Run, indices: np.ndarray) -> None:
    """To all of them, as they are; an address can name so many."""
    if not len(indices):
        return
    which = (
        f"all {len(indices):,}"
        if len(indices) <= MAX_AMONG
        else (f"the first {MAX_AMONG:,}")
    )
    among = Selection(among=tuple(indices[:MAX_AMONG].tolist()))
    links.to_browse(run, among, f"See {which} unchanged in Browse")


def _tile(evaluation: Evaluation, index: int, digit: int) -> Tile:
    label = int(evaluation.labels[index])
    return Tile(
        index,
        f"{label} → {digit}",
        f"Digit {index}: {label} read as {digit} when it is changed, right as it is",
        is_wrong=True,
        is_disputed=index in evaluation.disputed,
    )
