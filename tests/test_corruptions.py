"""The seven kinds of change: by hand, against SciPy, and what chance may do."""

import numpy as np
import pytest
from scipy import ndimage

from mnist_core.corruptions import CORRUPTIONS, STEPS, Step, corrupted

PLUS = ndimage.generate_binary_structure(2, 1)  # a pixel and its four neighbours


def blots(num_images=6, seed=0):
    """Smooth spots of ink that leave the edges of the paper free."""
    rng = np.random.default_rng(seed)
    images = np.zeros((num_images, 28, 28))
    images[:, 9:19, 9:19] = rng.random((num_images, 10, 10)) < 0.4
    soft = ndimage.gaussian_filter(images, (0, 1.2, 1.2))
    return np.rint(255 * soft / soft.max(axis=(1, 2), keepdims=True)).astype(np.uint8)


IMAGES = blots()
INDICES = np.arange(len(IMAGES))


def changed(kind, strength, images=IMAGES, indices=INDICES):
    return corrupted(images, indices, kind, strength)


def one_pixel(row=14, column=14):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, row, column] = 255
    return image


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_strength_none_changes_nothing(kind):
    noise = np.random.default_rng(1).integers(0, 256, (6, 28, 28), dtype=np.uint8)

    for images in (IMAGES, noise):
        same = changed(kind, CORRUPTIONS[kind].none, images)

        assert np.array_equal(same, images)
        assert same is not images


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_strengths_rise_and_none_is_one_of_them(kind):
    corruption = CORRUPTIONS[kind]

    assert list(corruption.strengths) == sorted(set(corruption.strengths))
    assert corruption.none in corruption.strengths
    assert 5 <= len(corruption.strengths) <= 9
    assert corruption.kind == kind


def test_the_steps_are_all_strengths_but_none():
    count = sum(len(corruption.strengths) - 1 for corruption in CORRUPTIONS.values())

    assert len(STEPS) == len(set(STEPS)) == count
    assert Step("rotation", 30) in STEPS
    assert not any(CORRUPTIONS[kind].none == strength for kind, strength in STEPS)


@pytest.mark.parametrize(("kind", "strength"), STEPS)
def test_every_step_gives_other_images_of_the_same_form(kind, strength):
    before = IMAGES.copy()

    images = changed(kind, strength)

    assert images.shape == IMAGES.shape and images.dtype == np.uint8
    assert not np.array_equal(images, IMAGES)
    assert np.array_equal(IMAGES, before)


@pytest.mark.parametrize(("kind", "strength"), STEPS)
def test_an_image_is_changed_alone_as_among_others(kind, strength):
    among, alone = (
        changed(kind, strength),
        changed(kind, strength, IMAGES[3:4], INDICES[3:4]),
    )

    assert np.array_equal(among[3:4], alone)


@pytest.mark.parametrize(("kind", "strength"), STEPS)
def test_no_images_stay_none(kind, strength):
    assert changed(kind, strength, IMAGES[:0], INDICES[:0]).shape == (0, 28, 28)


@pytest.mark.parametrize(("kind", "strength"), STEPS)
def test_paper_and_solid_ink_can_be_changed(kind, strength):
    images = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])

    assert changed(kind, strength, images, INDICES[:2]).shape == images.shape


def test_a_strength_that_is_not_offered_is_refused():
    with pytest.raises(ValueError, match=r"`strength` of rotation .* Received: 31"):
        changed("rotation", 31)


@pytest.mark.parametrize("degrees", [-45, -20, 10, 30])
def test_turning_is_that_of_scipy(degrees):
    # SciPy turns anticlockwise, and fits splines where Pillow convolves.
    expected = ndimage.rotate(
        IMAGES.astype(float), -degrees, axes=(2, 1), reshape=False, order=3
    )
    opposite = ndimage.rotate(
        IMAGES.astype(float), degrees, axes=(2, 1), reshape=False, order=3
    )
    turned = changed("rotation", degrees)

    assert np.abs(turned - expected.clip(0, 255)).mean() < 1
    assert np.abs(turned - opposite.clip(0, 255)).mean() > 5


def test_clockwise_is_more():
    turned = changed("rotation", 45, one_pixel(row=6), INDICES[:1])
    row, column = np.unravel_index(turned[0].argmax(), (28, 28))

    assert row < 14 < column


def test_moving_keeps_the_ink_and_moves_it_by_whole_pixels():
    images = np.repeat(one_pixel(), 200, axis=0)

    moved = changed("shift", 3, images, np.arange(200))

    rows, columns = np.nonzero(moved)[1:]
    ways = {(row - 14, column - 14) for row, column in zip(rows, columns, strict=True)}
    assert ways == {(-3, 0), (3, 0), (0, -3), (0, 3)}
    assert (moved.sum(axis=(1, 2)) == 255).all()


def test_what_leaves_the_image_is_lost():
    edges = np.concatenate([one_pixel(row=row) for row in (0, 27)] * 20)

    moved = changed("shift", 2, edges, np.arange(40))

    assert set(moved.max(axis=(1, 2)).tolist()) == {0, 255}
    assert moved[:, [0, 27]].sum() == 255 * np.count_nonzero(
        moved[:, [0, 27]]
    )  # nothing came in at the other side


@pytest.mark.parametrize("factor", [0.6, 0.8, 1.2, 1.4])
def test_scaling_changes_the_ink_by_the_square_and_keeps_its_middle(factor):
    scaled = changed("scale", factor)

    ratio = scaled.sum(axis=(1, 2)) / IMAGES.sum(axis=(1, 2))
    assert ratio == pytest.approx(factor**2, rel=0.05)
    for before, after in zip(IMAGES, scaled, strict=True):
        away = np.array(ndimage.center_of_mass(before)) - 13.5
        assert np.array(ndimage.center_of_mass(after)) - 13.5 == pytest.approx(
            factor * away, abs=0.1
        )


def test_noise_has_the_standard_deviation_it_says():
    grey = np.full((50, 28, 28), 128, np.uint8)

    noise = changed("noise", 10, grey, np.arange(50)).astype(float) - 128

    assert noise.std() == pytest.approx(25.5, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.5)


def test_a_stronger_noise_is_the_weaker_one_grown():
    grey = np.full((3, 28, 28), 128, np.uint8)

    weak, strong = (
        changed("noise", percent, grey, np.arange(3)).astype(float) - 128
        for percent in (10, 20)
    )

    is_whole = np.abs(strong) < 127
    assert np.abs(strong - 2 * weak)[is_whole].max() <= 1.5


def test_images_get_noise_of_their_own():
    grey = np.full((2, 28, 28), 128, np.uint8)

    first, second = changed("noise", 20, grey, np.arange(2))

    assert not np.array_equal(first, second)


@pytest.mark.parametrize("pixels", [0.4, 0.6, 1, 1.4])
def test_blurring_is_that_of_scipy(pixels):
    expected = ndimage.gaussian_filter(
        IMAGES.astype(float), (0, pixels, pixels), mode="constant", truncate=9
    )

    assert np.abs(changed("blur", pixels) - expected).max() <= 0.51


@pytest.mark.parametrize(
    ("pixels", "filtered", "times"),
    [
        (1, ndimage.grey_dilation, 1),
        (2, ndimage.grey_dilation, 2),
        (-1, ndimage.grey_erosion, 1),
    ],
)
def test_thick_and_thin_are_those_of_scipy(pixels, filtered, times):
    noise = np.random.default_rng(1).integers(0, 256, (6, 28, 28), dtype=np.uint8)
    expected = noise
    for _ in range(times):
        expected = filtered(expected, footprint=PLUS[None], mode="constant", cval=0)

    assert np.array_equal(changed("thickness", pixels, noise), expected)


@pytest.mark.parametrize(
    ("pixels", "whole", "part"),
    [(-0.25, 0, 0.25), (-0.75, 0, 0.75), (0.5, 0, 0.5), (1.5, 1, 0.5)],
)
def test_part_of_a_pixel_is_part_of_the_way(pixels, whole, part):
    before = changed("thickness", np.sign(pixels) * whole).astype(float)
    after = changed("thickness", np.sign(pixels) * (whole + 1)).astype(float)
    expected = (1 - part) * before + part * after

    assert np.abs(changed("thickness", pixels) - expected).max() <= 0.51


@pytest.mark.parametrize("side", [2, 4, 8, 12])
def test_a_square_lies_on_the_ink_and_all_else_is_as_it_was(side):
    images = np.full((6, 28, 28), 255, np.uint8)
    images[:, :10] = images[:, 18:] = images[:, :, :10] = images[:, :, 18:] = 0

    covered = changed("occlusion", side, images)

    for before, after in zip(images, covered, strict=True):
        rows, columns = np.nonzero(before != after)
        assert 0 < len(rows) <= side**2
        assert np.ptp(rows) < side and np.ptp(columns) < side
        assert (after[before != after] == 0).all()


def test_a_larger_square_covers_what_the_smaller_one_did():
    for smaller, larger in ((2, 4), (4, 8), (8, 12)):
        is_covered = changed("occlusion", smaller) != IMAGES

        assert (changed("occlusion", larger)[is_covered] == 0).all()


@pytest.mark.parametrize(
    ("kind", "strength", "words", "number"),
    [
        ("rotation", 30, "Turned by 30° clockwise", "+30"),
        ("rotation", -10, "Turned by 10° anticlockwise", "-10"),
        ("scale", 0.6, "At 0.6 times the size", "0.6"),
        ("shift", 1, "Moved by 1 pixel up, down, left or right", "1"),
        ("shift", 3, "Moved by 3 pixels up, down, left or right", "3"),
        ("thickness", -0.5, "With strokes 0.5 pixels thinner at each edge", "-0.5"),
        ("thickness", 1, "With strokes 1 pixel thicker at each edge", "+1"),
        ("noise", 20, "With noise of 20 % of full ink", "20"),
        ("blur", 1.4, "Blurred by 1.4 pixels", "1.4"),
        ("occlusion", 8, "With a square of 8 × 8 pixels covered", "8"),
    ],
)
def test_what_was_done_is_said(kind, strength, words, number):
    assert CORRUPTIONS[kind].words(strength) == words
    assert CORRUPTIONS[kind].number(strength) == number


def test_nothing_has_no_sign():
    assert CORRUPTIONS["rotation"].number(0) == "0"
