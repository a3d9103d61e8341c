import itertools

import numpy as np
import pytest

from mnist_core.errors import ConfigError
from mnist_core.evaluation import Evaluation
from mnist_core.selection import (
    CHANGE_WORDS,
    MAX_AMONG,
    OUTCOMES,
    SORTS,
    Selection,
    counts,
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


# What else there is to filter by

OTHER = evaluation(
    labels=[4, 9, 4, 4, 1, 9, 4],
    predictions=[4, 9, 4, 8, 7, 4, 4],
    confidences=[0.9] * 7,
)
MORE = [
    Selection(least=0.25),
    Selection(most=0.5, outcome="wrong"),
    Selection(least=0.6, most=0.9, sort="loss"),
    Selection(min_loss=0.5),
    Selection(min_loss=4.0, outcome="wrong"),
    Selection(disputed="only"),
    Selection(disputed="without", true=4),
    Selection(among=()),
    Selection(among=(0, 1, 5)),
    Selection(among=(3, 130, 131, 9_999, 54_999)),
    Selection(among=tuple(range(MAX_AMONG))),
    *(Selection(against="a-run", change=change) for change in CHANGE_WORDS),
]


@pytest.mark.parametrize("selection", MORE)
def test_an_address_brings_every_filter_back(selection):
    assert Selection.from_query(selection.to_query()) == selection


def test_filters_by_how_probable_the_prediction_is():
    assert picked(least=0.8) == [0, 1, 3, 6]
    assert picked(most=0.6) == [2, 5]
    assert picked(least=0.6, most=0.8) == [1, 2, 4]


def test_filters_by_the_loss_of_an_image():
    losses = FEW.losses
    loss = float(np.median(losses))

    assert picked(min_loss=loss) == np.flatnonzero(losses >= loss).tolist()
    assert picked(min_loss=16) == []


@pytest.mark.parametrize("text", ["", "-1", "17", "nan", "1e3", "many", "1.2.3"])
def test_a_loss_that_is_none_is_passed_over(text):
    assert Selection.from_query({"loss": text}) == Selection()


def test_least_and_most_together_are_the_whole_and_only_their_border_twice():
    below, above = picked(most=0.7), picked(least=0.7)

    assert sorted({*below, *above}) == picked()
    assert set(below) & set(above) == {4}


def test_filters_by_disputed_labels():
    disputed = Evaluation(FEW.labels, FEW.probabilities, disputed=(2, 5))

    assert Selection(disputed="only").indices(disputed).tolist() == [2, 5]
    assert Selection(disputed="without").indices(disputed).tolist() == [0, 1, 3, 4, 6]


def test_picks_images_one_by_one_and_ignores_what_there_is_not():
    assert picked(among=(1, 5, 6, 7, 5000)) == [1, 5, 6]
    assert picked(among=(1, 5, 6), outcome="wrong") == [5]


@pytest.mark.parametrize(
    "change, expected",
    [("gained", [4]), ("lost", [2]), ("both-wrong", [3, 5]), ("disagree", [2, 3, 4])],
)
def test_compares_with_another_run(change, expected):
    selection = Selection(against="a-run", change=change)

    assert selection.indices(FEW, other=OTHER).tolist() == expected


def test_a_change_against_nothing_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match="Choose a run that is there, or remove"):
        Selection(against="a-run", change="lost").indices(FEW)


@pytest.mark.parametrize("selection", MORE)
def test_a_chip_takes_its_filter_away_and_no_other(selection):
    chips = selection.chips()

    for chip in chips:
        left = [other.words for other in chip.removed_from(selection).chips()]
        assert left == [other.words for other in chips if other != chip]
        assert [only.words for only in chip.alone.chips()] == [chip.words]


@pytest.mark.parametrize(
    "filters, sentence",
    [
        ({"most": 0.5, "true": 4}, "2 fours, at most 50.0 % probable, in their order."),
        ({"least": 0.995}, "2 digits, at least 99.5 % probable, in their order."),
        (
            {"least": 0.25, "most": 0.9995},
            "2 digits, 25.0 % to 99.95 % probable, in their order.",
        ),
        ({"min_loss": 0.5}, "2 digits, loss 0.5 nats and more, in their order."),
        ({"disputed": "only"}, "2 digits, with a disputed label, in their order."),
        ({"among": (1, 2, 3)}, "2 digits, of 3 picked ones, in their order."),
        (
            {"against": "x", "change": "lost", "sort": "loss"},
            "2 digits, that only the other model reads right, highest loss first.",
        ),
    ],
)
def test_a_selection_says_its_other_filters(filters, sentence):
    assert Selection(**filters).sentence(2) == sentence


def test_counts_say_what_each_option_would_find():
    found = counts(Selection(true=4), "outcome", OUTCOMES, FEW)

    assert found == {"all": 4, "right": 2, "wrong": 2}


@pytest.mark.parametrize("text", ["", "!", "A", "AAA", "gIA", "Af8", "x" * 9_000, "é"])
def test_what_is_no_list_of_rising_indices_is_passed_over(text):
    among = Selection.from_query({"among": text}).among

    assert among is None or all(a < b for a, b in itertools.pairwise(among))


@pytest.mark.parametrize(
    "filters, message",
    [
        ({"least": 1.5}, "`least` must be from 0 to 1. Received: 1.5."),
        ({"most": -0.1}, "`most` must be from 0 to 1"),
        ({"min_loss": float("nan")}, "`min_loss` must be from 0 to 16"),
        ({"min_loss": 17}, "`min_loss` must be from 0 to 16. Received: 17."),
        ({"disputed": "maybe"}, "`disputed` must be one of only, without"),
        ({"change": "lost"}, "`change` and `against` go together"),
        ({"against": "x", "change": "better"}, "`change` must be one of gained"),
        ({"among": (2, 1)}, "`among` must be at most 2,000 indices from 0 that rise"),
        ({"among": tuple(range(MAX_AMONG + 1))}, "`among` must be at most 2,000"),
    ],
)
def test_what_is_no_filter_is_refused(filters, message):
    with pytest.raises(ConfigError, match=message):
        Selection(**filters)
