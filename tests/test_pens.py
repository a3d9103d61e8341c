import numpy as np
import pytest

from mnist_core import pens
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


def test_a_slash_is_ink_across_the_middle_of_a_zero(mnist):
    zeros = mnist.test.images[mnist.test.labels == 0][:100]

    middle = pens.slashed(zeros, 0)[:, 11:17, 11:17].mean()

    assert middle > zeros[:, 11:17, 11:17].mean() + 30
