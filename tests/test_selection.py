import itertools

import numpy as np
import pytest

from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation
from mnist_core.selection import (
    OUTCOMES,
    SORTS,
    Selection,
    number_in_query,
    page,
)


def evaluation(labels, predictions, confidences):
    """Each image has the confidence; what is left of 1 goes to the other digits."""
    confidences = np.array(confidences)[:, None]
    rows = np.eye(10)[predictions]
    return Evaluation(
        np.array(labels), rows * confidences + (1 - rows) * (1 - confidences) / 9
    )


#                    0    1    2    3    4    5    6
FEW = evaluation(
    labels=[4, 9, 4, 4, 1, 9, 4],
    predictions=[4, 9, 9, 9, 1, 4, 4],
    confidences=[0.9, 0.8, 0.6, 0.9, 0.7, 0.5, 0.9],
)

ALL_SELECTIONS = [
    Selection(outcome=outcome, true=true, predicted=predicted, sort=sort)
    for outcome, true, predicted, sort in itertools.product(
        OUTCOMES, (None, 4, 9), (None, 4, 9), SORTS
    )
]


def picked(**filters):
    return Selection(**filters).indices(FEW).tolist()


def test_no_filter_selects_all_in_their_order():
    assert picked() == [0, 1, 2, 3, 4, 5, 6]


def test_filters_by_outcome():
    assert picked(outcome="right") == [0, 1, 4, 6]
    assert picked(outcome="wrong") == [2, 3, 5]


def test_filters_by_true_and_by_predicted_digit():
    assert picked(true=4) == [0, 2, 3, 6]
    assert picked(predicted=4) == [0, 5, 6]
    assert picked(true=4, predicted=9) == [2, 3]


def test_a_pair_of_digits_selects_what_its_cell_counts():
    for true, predicted in itertools.product(range(10), repeat=2):
        indices = picked(true=true, predicted=predicted)

        assert len(indices) == FEW.confusion_matrix[true, predicted]


def test_sorts_by_confidence_either_way():
    assert picked(sort="confidence") == [0, 3, 6, 1, 4, 2, 5]
    assert picked(sort="unsure") == [5, 2, 4, 1, 0, 3, 6]


def test_sorts_by_loss_the_highest_first():
    losses = FEW.losses[picked(sort="loss")]

    assert losses.tolist() == sorted(FEW.losses, reverse=True)
    assert picked(sort="loss")[0] == 3


@pytest.mark.parametrize("selection", ALL_SELECTIONS)
def test_a_sort_neither_adds_nor_loses_images(selection):
    unsorted = Selection(
        outcome=selection.outcome, true=selection.true, predicted=selection.predicted
    )

    assert sorted(selection.indices(FEW)) == unsorted.indices(FEW).tolist()


def test_filters_that_contradict_each_other_select_nothing_and_say_why():
    right = Selection(outcome="right", true=4, predicted=9)
    wrong = Selection(outcome="wrong", true=8, predicted=8)

    assert right.indices(FEW).size == 0
    assert right.sentence(0) == "0 digits: a four read as a nine is read wrong."
    assert wrong.indices(FEW).size == 0
    assert wrong.sentence(0) == "0 digits: an eight read as an eight is read right."


def test_no_images_are_no_failure():
    nothing = Evaluation(np.zeros(0, int), np.zeros((0, 10)))

    for selection in ALL_SELECTIONS:
        assert selection.indices(nothing).size == 0


@pytest.mark.parametrize(
    "filters, count, sentence",
    [
        ({}, 10_000, "10,000 digits, in their order."),
        ({"outcome": "right"}, 2, "2 digits read right, in their order."),
        ({"outcome": "wrong"}, 1, "1 digit read wrong."),
        ({"true": 4}, 12, "12 fours, in their order."),
        ({"true": 4, "outcome": "wrong"}, 1, "1 four read wrong."),
        ({"predicted": 9}, 1, "1 digit read as a nine."),
        ({"predicted": 9, "outcome": "right"}, 1, "1 nine read right."),
        ({"predicted": 9, "outcome": "wrong"}, 0, "0 digits wrongly read as nines."),
        ({"true": 4, "predicted": 4}, 1, "1 four read right."),
        (
            {"true": 4, "predicted": 9, "sort": "confidence"},
            12,
            "12 fours read as nines, most confident first.",
        ),
        (
            {"true": 4, "predicted": 9, "outcome": "wrong", "sort": "unsure"},
            2,
            "2 fours read as nines, least confident first.",
        ),
        ({"true": 6, "sort": "loss"}, 3, "3 sixes, highest loss first."),
    ],
)
def test_a_selection_says_what_it_selects(filters, count, sentence):
    assert Selection(**filters).sentence(count) == sentence


@pytest.mark.parametrize("selection", ALL_SELECTIONS)
def test_a_sentence_begins_with_the_count(selection):
    count = len(selection.indices(FEW))

    assert selection.sentence(count).split()[0] == str(count)


@pytest.mark.parametrize("selection", ALL_SELECTIONS)
def test_an_address_brings_a_selection_back(selection):
    assert Selection.from_query(selection.to_query()) == selection


def test_an_address_is_short():
    assert Selection().to_query() == {}
    assert Selection(true=4, predicted=0).to_query() == {"true": "4", "pred": "0"}
    assert Selection(outcome="wrong", sort="loss").to_query() == {
        "show": "wrong",
        "sort": "loss",
    }


@pytest.mark.parametrize(
    "text", ["10", "-1", "four", "", "4.0", " 4", "٤", "9" * 5000, "None", "4;--"]
)
def test_what_is_wrong_in_an_address_is_passed_over(text):
    query = {"show": text, "true": text, "pred": text, "sort": text, "other": text}

    assert Selection.from_query(query) == Selection()


def test_the_rest_of_a_wrong_address_counts():
    query = {"show": "wrong", "true": "x", "pred": "9", "run": "shipped"}

    assert Selection.from_query(query) == Selection(outcome="wrong", predicted=9)


def test_a_number_in_an_address_is_below_its_bound():
    assert number_in_query({"i": "9999"}, "i", below=10_000) == 9999
    assert number_in_query({"i": "10000"}, "i", below=10_000) is None
    assert number_in_query({}, "i", below=10_000) is None


@pytest.mark.parametrize(
    "filters, message",
    [
        ({"outcome": "maybe"}, "`outcome` must be one of all, right, wrong"),
        ({"sort": "size"}, "`sort` must be one of index, confidence, unsure, loss"),
        ({"true": 10}, "`true` must be a digit from 0 to 9. Received: 10."),
        ({"predicted": "4"}, "`predicted` must be a digit .* Received: '4'."),
        ({"true": True}, "`true` must be a digit .* Received: True."),
    ],
)
def test_what_is_no_selection_is_refused(filters, message):
    with pytest.raises(ConfigError, match=message):
        Selection(**filters)


@pytest.mark.parametrize("num_images", [0, 1, 99, 100, 101, 892])
def test_all_pages_together_are_the_selection(num_images):
    indices = np.arange(num_images)[::-1]

    pages = [
        page(indices, number, size=100)
        for number in range(1, page(indices, 1, size=100).num_pages + 1)
    ]

    assert np.array_equal(np.concatenate([p.indices for p in pages]), indices)
    assert [p.number for p in pages] == list(range(1, len(pages) + 1))
    assert all(p.num_selected == num_images for p in pages)


def test_a_page_that_there_is_not_is_the_nearest():
    indices = np.arange(250)

    assert page(indices, 99, size=100).number == 3
    assert page(indices, 0, size=100).number == 1
    assert page(indices[:0], 2, size=100).number == 1


def test_a_page_says_where_it_is():
    indices = np.arange(1892)

    assert page(indices, 1, size=100).sentence() == "1 to 100 of 1,892"
    assert page(indices, 19, size=100).sentence() == "1,801 to 1,892 of 1,892"
    assert page(indices[:0], 1, size=100).sentence() == "0 of 0"
