"""What a run confuses: the matrix and the digits behind each of its numbers."""

import streamlit as st

from mnist_core import matrices, thumbnails
from mnist_core.data import Split
from mnist_core.evaluation import DigitScores, Evaluation
from mnist_core.matrices import VIEWS
from mnist_core.runs import Run
from mnist_core.selection import Selection
from ui import digit_dialog
from ui.address import choice
from ui.doors import Door, doors
from ui.evaluate import behind

NUM_CONFUSIONS = 6
NUM_EXAMPLES = 5  # digits shown of each confusion
_HOW_TO_READ = """
1. A **row** holds the digits with that label, a **column** what they were read as.
2. So the **diagonal** is what was read right; every other cell is a kind of mistake.
3. A **row's head** opens all digits with that label, a **column's head** all that were
   read as that digit.
4. **Row percent** says how often a digit is missed, **column percent** how far a
   reading can be trusted.
5. **Mistakes only** hides the diagonal, so that the largest mistake is the darkest.
"""


def show(run: Run, split: Split, evaluation: Evaluation) -> None:
    """Show the matrix, the scores of each digit and what is confused most."""
    opened = behind.selected("true", "pred")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _matrix(evaluation, opened)
        behind.show_digits(run, split, evaluation, opened)
    with right:
        _scores(evaluation)
    _top_confusions(run, split, evaluation)
    digit_dialog.show_opened_digit(run, split, evaluation, opened.indices(evaluation))


def _matrix(evaluation: Evaluation, opened: Selection) -> None:
    names: dict[str, str] = {view: view.capitalize() for view in VIEWS}
    asked = choice("Cells", "cells", names, default="counts")
    view = next(known for known in VIEWS if known == asked)
    heads = [
        _row_door(digit, str(digit.digit), matrices.row_sentence(digit))
        for digit in evaluation.digits
    ]
    rows = [
        [
            head,
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
        for true, (head, cells) in enumerate(
            zip(heads, matrices.cells(evaluation.confusion_matrix, view), strict=True)
        )
    ]
    top = [
        _column_door(digit, str(digit.digit), matrices.column_sentence(digit))
        for digit in evaluation.digits
    ]
    with st.container(key="confusion-matrix"):
        doors(
            [
                [Door("↓ →", "Down: the label. Across: what it was read as."), *top],
                *rows,
            ],
            key="matrix",
            on_open=behind.open_value,
            chosen=behind.value_of(opened),
            caption="Down: the label. Across: what it was read as. Click any number.",
        )
    with st.popover("How to read this", icon=":material/help:"):
        st.markdown(_HOW_TO_READ)


def _scores(evaluation: Evaluation) -> None:
    """Each digit's scores, each a door to the digits that it is about."""
    heads = (
        Door("Digit"),
        Door("Precision", "Of the images read as this digit, the share that it is."),
        Door("Recall", "Of the images of this digit, the share read as it."),
        Door("F1", "The harmonic mean of precision and recall."),
        Door("Images", "How many have this label."),
    )
    rows = []
    for digit in evaluation.digits:
        wrong = Selection(true=digit.digit, outcome="wrong")
        name = f"Digit {digit.digit}"
        rows.append(
            [
                Door(str(digit.digit)),
                _column_door(
                    digit, f"{digit.precision:.4f}", matrices.column_sentence(digit)
                ),
                _row_door(digit, f"{digit.recall:.4f}", matrices.row_sentence(digit)),
                Door(
                    f"{digit.f1:.4f}",
                    f"{name}: F1 {digit.f1:.4f}. Opens those that were missed.",
                    behind.value_of(wrong),
                ),
                _row_door(
                    digit, f"{digit.support:,}", f"{name}: {digit.support:,} images."
                ),
            ]
        )
    st.markdown("**Digit by digit**")
    with st.container(key="digit-scores"):
        doors(
            [heads, *rows],
            key="scores",
            on_open=behind.open_value,
            head_width="2.75rem",
            caption="Precision: of what was read as it, how many are. Recall: of its "
            "images, how many are read as it. F1: both in one figure.",
        )


def _top_confusions(run: Run, split: Split, evaluation: Evaluation) -> None:
    st.subheader("What it confuses most")
    if not evaluation.num_mistakes:
        st.success("It makes no mistake on the test split.", icon=":material/check:")
    for confusion in evaluation.top_confusions(NUM_CONFUSIONS):
        pair = Selection(
            true=confusion.true, predicted=confusion.predicted, sort="loss"
        )
        words, pictures = st.columns([2, 3], vertical_alignment="center")
        words.page_link(
            "pages/browse.py",
            label=confusion.sentence(),
            query_params={"run": run.id} | pair.to_query(),
        )
        pictures.image(
            [
                thumbnails.png(split.images[index], scale=2)
                for index in pair.indices(evaluation)[:NUM_EXAMPLES]
            ],
            width=56,
        )


def _row_door(digit: DigitScores, text: str, sentence: str) -> Door:
    return Door(text, sentence, behind.value_of(Selection(true=digit.digit)))


def _column_door(digit: DigitScores, text: str, sentence: str) -> Door:
    return Door(text, sentence, behind.value_of(Selection(predicted=digit.digit)))
