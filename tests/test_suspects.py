"""Labels that are doubted, against the paper's formula and against cleanlab."""

import numpy as np
import pytest
from cleanlab.count import compute_confident_joint, get_confident_thresholds
from cleanlab.rank import get_label_quality_scores

from mnist_core import data, paths
from mnist_core.data import DISPUTED_TEST, PEOPLE_READ
from mnist_core.evaluation import Evaluation
from mnist_core.runs import RunStore
from mnist_core.suspects import Disputed, Search, Suspects


def drawn(num_images=3_000, *, sharpness=8.0, noise=0.15, seed=1):
    """A reader that is mostly right and rarely sure, of labels of which some lie."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 10, num_images)
    concentration = np.full((num_images, 10), 0.3)
    concentration[np.arange(num_images), true] += sharpness * generator.random(
        num_images
    )
    probabilities = np.array([generator.dirichlet(row) for row in concentration])
    is_flipped = generator.random(num_images) < noise
    labels = np.where(
        is_flipped, (true + generator.integers(1, 10, num_images)) % 10, true
    )
    return Evaluation(labels, probabilities.astype(np.float32)), is_flipped


@pytest.fixture(scope="module")
def evaluation():
    return drawn()[0]


def by_the_paper(evaluation):
    """Thresholds, joint and suspects, as equations 1 and 2 of the paper say them."""
    labels, probabilities = evaluation.labels, evaluation.probabilities.astype(float)
    thresholds = [
        np.mean([row[j] for row, label in zip(probabilities, labels, strict=True)
                 if label == j])
        for j in range(10)
    ]  # fmt: skip
    joint, suspects = np.zeros((10, 10), int), []
    for index, (label, row) in enumerate(zip(labels, probabilities, strict=True)):
        confident = [j for j in range(10) if row[j] >= thresholds[j] - 1e-6]
        if confident:
            guess = max(confident, key=lambda j: row[j])
            joint[label, guess] += 1
            if guess != label:
                suspects.append(index)
    return thresholds, joint, suspects


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sharpness", [1.0, 8.0, 40.0])
def test_thresholds_joint_and_suspects_are_those_of_the_paper(sharpness, seed):
    evaluation, _ = drawn(800, sharpness=sharpness, seed=seed)
    suspects = Suspects(evaluation)

    thresholds, joint, indices = by_the_paper(evaluation)

    assert suspects.thresholds == pytest.approx(thresholds)
    assert np.array_equal(suspects.joint, joint)
    assert sorted(suspects.indices.tolist()) == indices


def test_cleanlab_finds_the_same(evaluation):
    """Where it follows the paper.

    It takes the most probable digit of all where several are confident, and the paper
    the most probable of the confident ones; that is another one of a few images.
    """
    suspects = Suspects(evaluation)
    reaches = evaluation.probabilities >= suspects.thresholds
    is_apart = (reaches.sum(axis=1) > 1) & (
        suspects.suggested != evaluation.predictions
    )
    labels, probabilities = evaluation.labels.astype(int), evaluation.probabilities

    _, indices = compute_confident_joint(
        labels, probabilities, calibrate=False, return_indices_of_off_diagonals=True
    )

    assert suspects.thresholds == pytest.approx(
        get_confident_thresholds(labels, probabilities), rel=1e-5
    )
    assert is_apart.mean() < 0.02
    ours = set(suspects.indices[~is_apart[suspects.indices]].tolist())
    theirs = set(indices[~is_apart[indices]].tolist())
    assert ours == theirs
    assert len(ours) > 100


def test_the_order_is_cleanlab_s_by_normalised_margin(evaluation):
    suspects = Suspects(evaluation)

    scores = get_label_quality_scores(
        evaluation.labels.astype(int),
        evaluation.probabilities,
        method="normalized_margin",  # as (margin + 1) / 2
    )

    assert suspects.margins == pytest.approx(2 * scores - 1, abs=1e-6)
    assert np.all(np.diff(suspects.margins[suspects.indices]) >= 0)


def test_the_shipped_run_s_test_digits_give_cleanlab_s_joint(mnist):
    run = RunStore(paths.saved_model_dir()).get(paths.SHIPPED_RUN_ID)
    read = Evaluation(mnist.test.labels, run.probabilities("test"))

    joint = compute_confident_joint(
        read.labels.astype(int), read.probabilities, calibrate=False
    )

    assert np.array_equal(Suspects(read).joint, joint)


def test_a_digit_that_is_no_label_is_never_suggested():
    labels = np.tile(np.arange(9), 20)
    probabilities = np.full((180, 10), 0.01, np.float32)
    probabilities[:, 9] = 0.91

    suspects = Suspects(Evaluation(labels, probabilities))

    assert suspects.thresholds[9] == np.inf
    assert 9 not in suspects.suggested


def test_a_reader_that_is_sure_of_every_label_doubts_none():
    labels = np.arange(100) % 10
    sure = np.eye(10, dtype=np.float32)[labels] * 0.91 + 0.009

    suspects = Suspects(Evaluation(labels, sure))

    assert suspects.indices.size == 0
    assert suspects.joint.trace() == 100  # rounding leaves nobody below the mean


def test_of_no_digits_none_is_doubted():
    empty = Evaluation(np.zeros(0, int), np.zeros((0, 10), np.float32))

    suspects = Suspects(empty)

    assert suspects.indices.size == suspects.joint.sum() == 0


def test_what_is_found_missed_and_falsely_doubted_is_all_there_is():
    evaluation, is_flipped = drawn()
    search = Search(Suspects(evaluation), is_flipped)

    found, missed, false = (
        set(which.tolist()) for which in (search.found, search.missed, search.false)
    )

    assert found | missed == set(np.flatnonzero(is_flipped).tolist())
    assert found | false == set(search.suspects.indices.tolist())
    assert not found & missed
    assert not found & false
    assert search.recall == len(found) / is_flipped.sum()
    assert search.precision == len(found) / len(search.suspects.indices)
    assert search.recall > 0.5
    assert search.precision > 0.5  # of labels by lot, 0.15 are wrong


def test_a_search_is_told_in_words():
    labels = np.arange(20) % 10
    sure = np.eye(10, dtype=np.float32)[labels] * 0.91 + 0.009
    labels[[0, 3]] = 7, 8  # what the reader takes for 0 and 3
    is_flipped = np.zeros(20, bool)
    is_flipped[[0, 11]] = True

    search = Search(Suspects(Evaluation(labels, sure)), is_flipped)

    assert search.sentence() == (
        "2 of 20 labels were made wrong on purpose. The model doubts 2, and 1 of "
        "these rightly. So it finds 50.0 % of the wrong labels, and 50.0 % of what it "
        "doubts was made wrong."
    )
    nothing = Search(Suspects(Evaluation(sure.argmax(axis=1), sure)), is_flipped)
    assert nothing.sentence().endswith("The model doubts none.")
    assert nothing.precision == nothing.recall == 0.0


# What people dispute


def test_what_people_read_is_of_disputed_images_and_not_the_label(mnist):
    assert set(PEOPLE_READ) < set(DISPUTED_TEST)
    labels = mnist.test.labels
    assert all(labels[index] != digit for index, digit in PEOPLE_READ.items())


def test_the_disputed_are_counted(mnist):
    labels = data.load_test().labels
    read = labels.copy()
    read[947], read[1621], read[2130] = 9, 3, 9  # people read 9 and 6; of 2130, neither
    read[np.flatnonzero(labels == 5)[0]] = 6  # nobody disputes that one

    disputed = Disputed(
        Evaluation(labels, np.eye(10, dtype=np.float32)[read], DISPUTED_TEST),
        PEOPLE_READ,
    )

    assert disputed.others.num_images == 9_985
    assert disputed.others.num_mistakes == 1
    assert disputed.sentences().startswith("It reads 99.96 % of all test digits")
    assert disputed.sentences().endswith(
        "Of the 15 disputed ones it reads 12 as labelled; of the 10 where most people "
        "read the same other digit, it reads 1 as people do."
    )
