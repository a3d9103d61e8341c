import pytest

from mnist_core.history import EpochMetrics, best_epoch, has_stalled


def history_of(*accuracies, losses=None):
    losses = losses or [0.5] * len(accuracies)
    return [
        EpochMetrics(epoch, 0.5, 0.5, val_loss, val_accuracy, 1.0 * epoch)
        for epoch, (val_accuracy, val_loss) in enumerate(
            zip(accuracies, losses, strict=True), start=1
        )
    ]


def test_the_best_epoch_has_the_lowest_validation_loss_whatever_its_accuracy():
    history = history_of(0.9, 0.7, 0.8, losses=[0.9, 0.1, 0.2])

    assert best_epoch(history).epoch == 2


def test_of_epochs_with_equal_loss_the_more_accurate_one_is_better():
    history = history_of(0.8, 0.9, 0.7, losses=[0.3, 0.3, 0.3])

    assert best_epoch(history).epoch == 2


def test_of_equal_epochs_the_first_is_the_best():
    assert best_epoch(history_of(0.9, 0.9, 0.9)).epoch == 1


def test_no_history_has_no_best_epoch():
    with pytest.raises(ValueError):
        best_epoch([])


@pytest.mark.parametrize(
    "accuracies, patience, expected",
    [
        ((), 3, False),
        ((0.9,), 1, False),
        ((0.9, 0.8), 1, True),
        ((0.9, 0.8), 2, False),
        ((0.9, 0.8, 0.7), 2, True),
        ((0.9, 0.8, 0.95), 2, False),
        ((0.9, 0.9, 0.9), 2, True),  # as good is not better
        ((0.8, 0.9, 0.8, 0.8, 0.8), 3, True),
        ((0.9, 0.1, 0.1, 0.1, 0.1, 0.1), 0, False),  # 0 means never
    ],
)
def test_a_training_has_stalled_after_so_many_epochs_without_a_better_one(
    accuracies, patience, expected
):
    assert has_stalled(history_of(*accuracies), patience) is expected


def test_a_lower_loss_counts_as_better():
    history = history_of(0.9, 0.9, 0.9, losses=[0.3, 0.2, 0.1])

    assert not has_stalled(history, patience=1)
