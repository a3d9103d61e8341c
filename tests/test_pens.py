import numpy as np
import pytest
from scipy import ndimage

from mnist_core import pens
from mnist_core.data import Split
from mnist_core.predictor import Predictor
from mnist_core.runs import RunStore

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("write", [pens.rewritten, pens.slashed])
def test_the_same_images_and_seed_give_the_same(mnist, write):
    zeros = mnist.test.images[mnist.test.labels == 0][:20]

    first, again, other = write(zeros, 1), write(zeros, 1), write(zeros, 2)

    assert first.shape == (20, 28, 28)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("write", [pens.rewritten, pens.slashed])
def test_of_no_images_there_are_none(write):
    assert write(np.zeros((0, 28, 28), np.uint8), 0).shape == (0, 28, 28)


def test_faint_images_do_not_vanish():
    faint = np.zeros((5, 28, 28), np.uint8)
    faint[:, 4:24, 14] = 40

    assert pens.rewritten(faint, 0).any(axis=(1, 2)).all()


def test_a_digit_stays_what_it_is(mnist):
    test = mnist.test[:500]
    shipped = Predictor(RunStore().get("shipped"))

    read = shipped.probabilities(pens.rewritten(test.images, 0)).argmax(axis=1)

    assert np.mean(read == test.labels) > 0.96


def test_a_thick_pen_draws_each_digit_before_one_again(mnist):
    digits = mnist.test[:30]

    thick = pens.thickened(digits, 70, 1)

    assert (thick.images.shape, thick.images.dtype) == ((70, 28, 28), np.uint8)
    for first in (0, 30):
        drawn = thick.labels[first : first + 30]
        assert np.array_equal(np.sort(drawn), np.sort(digits.labels))
    assert len(np.unique(thick.images, axis=0)) == 70


def test_the_same_seed_gives_the_same_thick_digits(mnist):
    digits = mnist.test[:20]

    first, again = (pens.thickened(digits, 20, 1) for _ in range(2))

    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.images, pens.thickened(digits, 20, 2).images)


@pytest.mark.parametrize("num_digits", [0, 5])
def test_of_no_thick_digits_there_are_none(mnist, num_digits):
    assert pens.thickened(mnist.test[:num_digits], 0, 0).images.shape == (0, 28, 28)


def test_a_thicker_pen_changes_loops_but_not_the_width_of_strokes(mnist, monkeypatch):
    eights = mnist.test[mnist.test.labels == 8][:200]
    drawn = []
    for growth in pens.THICKER:
        monkeypatch.setattr(pens, "THICKER", (growth, growth))
        drawn.append(pens.thickened(eights, 200, 0))
    thin, thick = drawn

    assert np.array_equal(thin.labels, thick.labels)
    assert thick.images.mean() == pytest.approx(thin.images.mean(), rel=0.15)
    changed = np.abs(holes(thick.images) - holes(thin.images)) > 3
    assert changed.mean() > 0.5


def test_a_digit_of_a_thick_pen_stays_what_it_is(mnist):
    thick = pens.thickened(mnist.test[:500], 500, 0)
    shipped = Predictor(RunStore().get("shipped"))

    read = shipped.probabilities(thick.images).argmax(axis=1)

    assert np.mean(read == thick.labels) > 0.96


def test_a_faint_digit_is_drawn_as_it_is():
    faint = np.zeros((1, 28, 28), np.uint8)
    faint[:, 4:24, 14] = 40

    assert pens.thickened(Split(faint, np.ones(1, np.uint8)), 1, 0).images.any()


def holes(images):
    """Of each image, the pixels of paper within loops."""
    is_ink = images >= 128
    return np.array(
        [np.count_nonzero(ndimage.binary_fill_holes(ink) & ~ink) for ink in is_ink]
    )


def test_a_slash_is_ink_across_the_middle_of_a_zero(mnist):
    zeros = mnist.test.images[mnist.test.labels == 0][:100]

    middle = pens.slashed(zeros, 0)[:, 11:17, 11:17].mean()

    assert middle > zeros[:, 11:17, 11:17].mean() + 30
