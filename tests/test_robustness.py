"""A reader that looks at the ink alone, and digits by hand for every step."""

import numpy as np
import pytest

from mnist_core import robustness as module
from mnist_core.corruptions import CORRUPTIONS, STEPS, Step, corrupted
from mnist_core.evaluation import wilson_interval
from mnist_core.robustness import BATCH, Robustness

MODEL = "a" * 64
LABELS = np.arange(200, dtype=np.uint8) % 10
UNCHANGED = LABELS.copy()
UNCHANGED[:4] = 9  # of 0, 1, 2 and 3


def row(lost=(), found=()):
    """What is said after a step: as if unchanged, but for some."""
    digits = UNCHANGED.copy()
    digits[list(lost)] = (LABELS[list(lost)] + 1) % 10
    digits[list(found)] = LABELS[list(found)]
    return digits


def by_hand(**steps):
    """Every step is as if unchanged, but for those that are named by their places."""
    digits = np.stack(
        [steps.get(f"step_{place}", row()) for place in range(len(STEPS))]
    )
    return Robustness(LABELS, UNCHANGED, digits)


def place(kind, strength):
    return f"step_{STEPS.index(Step(kind, strength))}"


TURNED = by_hand(
    **{
        place("rotation", 30): row(lost=[10, 50, 51], found=[2]),
        place("rotation", 45): row(lost=range(100, 160)),
        place("rotation", -10): row(lost=[10, 11]),
        place("rotation", -20): row(lost=[10, 11, 12]),
        place("rotation", -30): row(),
    }
)


def ink_reader(images):
    """As many tenths of the darkest image as there is ink."""
    ink = images.reshape(len(images), -1).mean(axis=1)
    return np.eye(10, dtype=np.float32)[np.minimum(ink // 26, 9).astype(int)]


def test_unchanged_images_are_read_as_they_were():
    for kind, corruption in CORRUPTIONS.items():
        assert np.array_equal(TURNED.read_as(kind, corruption.none), UNCHANGED)


def test_newly_lost_is_right_as_it_is_and_wrong_when_changed():
    assert TURNED.newly_lost("rotation", 30).tolist() == [10, 50, 51]
    assert TURNED.newly_right("rotation", 30).tolist() == [2]
    assert TURNED.newly_lost("rotation", 0).tolist() == []
    assert TURNED.newly_lost("blur", 1).tolist() == []


def test_an_accuracy_is_what_was_right_less_the_lost_and_more_the_found():
    points = {point.strength: point for point in TURNED.points("rotation")}

    assert list(points) == list(CORRUPTIONS["rotation"].strengths)
    assert points[0].accuracy == 196 / 200
    assert points[30].accuracy == (196 - 3 + 1) / 200
    assert points[30].interval == wilson_interval(194, 200)
    assert points[30].num_lost == 3
    assert TURNED.span == (
        wilson_interval(136, 200).low,
        wilson_interval(196, 200).high,
    )


def test_a_change_is_withstood_as_far_as_it_costs_one_point_at_most():
    # -10 costs 2 of 200, one point; -20 costs 3; what comes after does not count.
    assert TURNED.withstood("rotation") == (-10, 30)
    assert TURNED.withstood("noise") == (0, 30)


def test_what_is_withstood_is_said():
    fragile = by_hand(**{place("noise", 5): row(lost=range(20, 80))})

    assert TURNED.withstood_words("rotation") == (
        "It loses at most one point from -10 to +30°."
    )
    assert TURNED.withstood_words("noise") == "It loses at most one point up to 30 %."
    assert fragile.withstood_words("noise") == (
        "Even the weakest costs more than one point."
    )


def test_what_a_change_costs_is_said():
    low, high = (f"{100 * end:.2f} %" for end in wilson_interval(194, 200))

    assert TURNED.sentence("rotation", 30) == (
        f"Turned by 30° clockwise, 97.00 % are read right ({low} to {high}): 3 that "
        "were right are lost, and 1 that was wrong is right."
    )
    assert TURNED.sentence("rotation", 0).startswith("As they are, 98.00 % are read")


def test_the_steps_are_read_one_by_one_and_batch_by_batch():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH + 30, 28, 28), dtype=np.uint8)
    images //= rng.integers(1, 9, (len(images), 1, 1), dtype=np.uint8)
    labels = ink_reader(images).argmax(axis=1).astype(np.uint8)
    sizes = []

    def read(some):
        sizes.append(len(some))
        return ink_reader(some)

    read_so_far = Robustness.empty(labels, labels)
    assert read_so_far.next_step == STEPS[0]
    for number in range(3):
        read_so_far = read_so_far.including_next(images, read)
        assert read_so_far.num_done == number + 1
    assert not read_so_far.is_whole
    assert sizes == [BATCH, 30] * 3
    changed = corrupted(images, np.arange(len(images)), *STEPS[2])
    assert np.array_equal(
        read_so_far.read_as(*STEPS[2]), ink_reader(changed).argmax(axis=1)
    )


def test_after_the_last_step_it_is_whole():
    almost = Robustness(LABELS, UNCHANGED, TURNED.digits[:-1])

    assert almost.next_step == STEPS[-1]
    assert TURNED.is_whole and TURNED.next_step is None


def test_a_kind_can_be_shown_when_each_of_its_steps_is_read():
    first, second = list(CORRUPTIONS)[:2]
    num_first = len(CORRUPTIONS[first].strengths) - 1
    num_both = num_first + len(CORRUPTIONS[second].strengths) - 1

    for num_steps, kinds in (
        (0, ()),
        (num_first - 1, ()),
        (num_first, (first,)),
        (num_both - 1, (first,)),
        (num_both, (first, second)),
        (len(STEPS), tuple(CORRUPTIONS)),
    ):
        part = Robustness(LABELS, UNCHANGED, TURNED.digits[:num_steps])
        assert part.kinds == kinds
        assert all(part.points(kind) == TURNED.points(kind) for kind in kinds)


@pytest.mark.parametrize("num_steps", [0, 7, len(STEPS)])
def test_it_survives_the_disk(tmp_path, num_steps):
    path = tmp_path / "robustness.npz"
    part = Robustness(LABELS, UNCHANGED, TURNED.digits[:num_steps])
    part.save(path, model=MODEL)

    loaded = Robustness.load(path, LABELS, UNCHANGED, model=MODEL)

    assert np.array_equal(loaded.digits, part.digits)
    assert [path.name for path in tmp_path.iterdir()] == ["robustness.npz"]


def test_the_file_is_small(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 10_000).astype(np.uint8)
    digits = np.repeat(labels[None], len(STEPS), axis=0)
    is_other = rng.random(digits.shape) < 0.2
    digits[is_other] = rng.integers(0, 10, is_other.sum())
    path = tmp_path / "robustness.npz"

    Robustness(labels, labels, digits).save(path, model=MODEL)

    assert path.stat().st_size < 8_000 * len(STEPS)


def nothing_of(path, labels=LABELS, unchanged=UNCHANGED, model=MODEL):
    return Robustness.load(path, labels, unchanged, model=model).num_done == 0


def test_a_missing_file_is_nothing_read_yet(tmp_path, caplog):
    assert nothing_of(tmp_path / "robustness.npz")
    assert not caplog.records


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_as_if_missing(tmp_path, share, caplog):
    path = tmp_path / "robustness.npz"
    TURNED.save(path, model=MODEL)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    assert nothing_of(path)
    assert "is read again" in caplog.text


def test_a_file_of_another_model_is_as_if_missing(tmp_path):
    path = tmp_path / "robustness.npz"
    TURNED.save(path, model=MODEL)

    assert nothing_of(path, model="b" * 64)


def test_a_file_of_other_changes_is_as_if_missing(tmp_path, monkeypatch):
    path = tmp_path / "robustness.npz"
    TURNED.save(path, model=MODEL)
    monkeypatch.setattr(module, "STEPS", (Step("rotation", 7), *STEPS[1:]))

    assert nothing_of(path)


def test_a_file_of_other_images_is_as_if_missing(tmp_path):
    path = tmp_path / "robustness.npz"
    TURNED.save(path, model=MODEL)

    assert nothing_of(path, LABELS[:50], UNCHANGED[:50])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"unchanged": UNCHANGED[:5]}, "of the same images. Received: 200 and 5."),
        ({"digits": TURNED.digits[:, :5]}, "must be `(S, 200)` and S at most"),
        ({"digits": TURNED.digits[0]}, "Received: (200,)."),
        ({"digits": np.vstack([TURNED.digits] * 2)}, f"S at most {len(STEPS)}"),
        ({"digits": TURNED.digits.astype(int)}, "must be uint8 from 0 to 9"),
        ({"digits": TURNED.digits + 5}, "up to 14."),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changed, sentence):
    arrays = {"labels": LABELS, "unchanged": UNCHANGED, "digits": TURNED.digits}

    with pytest.raises(ValueError) as caught:
        Robustness(**{**arrays, **changed})

    assert sentence in str(caught.value)
