import numpy as np
import pytest
import tensorflow as tf

from mnist_core.augmentation import augment
from mnist_core.config import CHANGES, TrainConfig, bounds

LARGEST = {name: bounds()[name]["high"] for name in CHANGES}
ROWS, COLUMNS = np.indices((28, 28)) - 13.5  # pixels from the middle


def augmented(images, seed=(1, 2), **amounts):
    images = tf.constant(np.asarray(images, np.float32))
    return augment(images, TrainConfig(**amounts), tf.constant(seed)).numpy()


def noise(num_images, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (num_images, 28, 28))


def blobs(num_images, *, height=2.0, width=2.0):
    """Copies of a soft spot of so many pixels in the middle."""
    spot = 255 * np.exp(-((ROWS / height) ** 2 + (COLUMNS / width) ** 2) / 2)
    return np.tile(spot, (num_images, 1, 1))


def centres(images):
    """`(N, 2)` centres of mass, in pixels down and right of the middle."""
    mass = images.sum(axis=(1, 2))
    down, right = ((images * axis).sum(axis=(1, 2)) / mass for axis in (ROWS, COLUMNS))
    return np.stack([down, right], axis=1)


def spreads(images):
    """`(N, 2, 2)` covariances of the ink, in square pixels."""
    offsets = np.stack([ROWS, COLUMNS], axis=-1) - centres(images)[:, None, None]
    weights = images / images.sum(axis=(1, 2), keepdims=True)
    return np.einsum("nhw,nhwi,nhwj->nij", weights, offsets, offsets)


def angles(images):
    """`(N,)` degrees between the long axis of the ink and the horizontal."""
    spread = spreads(images)
    twice = np.arctan2(2 * spread[:, 0, 1], spread[:, 1, 1] - spread[:, 0, 0])
    return np.degrees(twice) / 2


def test_without_amounts_every_image_stays_as_it_is():
    images = noise(20)

    assert np.array_equal(augmented(images), images)


@pytest.mark.parametrize("name", CHANGES)
def test_each_amount_changes_every_image(name):
    images = noise(20)

    changed = augmented(images, **{name: LARGEST[name]})

    assert (np.abs(changed - images).max(axis=(1, 2)) > 1).all()


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_seed_gives_the_same_change_and_another_seed_another(name):
    images, amount = blobs(5, height=5.0), {name: LARGEST[name]}

    one, same, other = (
        augmented(images, seed, **amount) for seed in ((1, 2), (1, 2), (1, 3))
    )

    assert np.array_equal(one, same)
    assert not np.allclose(one, other, atol=1)


@pytest.mark.parametrize("name", CHANGES)
def test_the_images_of_a_batch_change_each_in_its_own_way(name):
    changed = augmented(blobs(6, height=5.0), **{name: LARGEST[name]})

    for index, image in enumerate(changed):
        others = np.delete(changed, index, axis=0)
        assert np.abs(others - image).max(axis=(1, 2)).min() > 0.1


def test_a_graph_changes_images_as_plain_calls_do():
    images = tf.constant(noise(4), tf.float32)
    config, seed = TrainConfig(**LARGEST), tf.constant([3, 4])

    in_graph = tf.function(lambda: augment(images, config, seed))().numpy()

    assert in_graph == pytest.approx(augment(images, config, seed).numpy(), abs=0.01)


def test_ink_stays_between_paper_and_full_ink():
    changed = augmented(noise(300), **LARGEST)

    assert changed.min() >= 0
    assert changed.max() <= 255 + 1e-3
    assert np.isfinite(changed).all()


def test_what_comes_in_from_outside_is_paper():
    full = np.full((300, 28, 28), 255)

    changed = augmented(full, shift=6.0)

    corners = changed[:, [0, 0, -1, -1], [0, -1, 0, -1]].min(axis=1)
    assert (corners < 0.3).mean() > 0.9  # of 255
    assert changed[:, 7:21, 7:21].min() == pytest.approx(255)


@pytest.mark.parametrize("shift", [0.5, 2.0, 6.0])
def test_a_shift_moves_by_at_most_so_many_pixels_each_way(shift):
    moved = centres(augmented(blobs(500), shift=shift))

    assert np.abs(moved).max() <= shift + 0.02
    assert (moved.max(axis=0) > 0.9 * shift).all()
    assert (moved.min(axis=0) < -0.9 * shift).all()
    assert np.abs(moved.mean(axis=0)).max() < 0.1 * shift


def test_a_shift_by_a_whole_pixel_keeps_every_pixel():
    """Found among many small shifts: the one nearest to a pixel down."""
    images = blobs(2_000)

    changed = augmented(images, shift=1.0)

    nearest = np.abs(centres(changed) - (1, 0)).sum(axis=1).argmin()
    assert changed[nearest, 1:] == pytest.approx(images[0, :-1], abs=4)


@pytest.mark.parametrize("name", ["rotation", "scale", "shear"])
def test_what_is_in_the_middle_stays_there(name):
    moved = centres(augmented(blobs(200), **{name: LARGEST[name]}))

    assert np.abs(moved).max() < 0.02


def test_a_rotation_leaves_a_round_spot_alone():
    spot = blobs(50, height=4.0, width=4.0)

    assert augmented(spot, rotation=45.0) == pytest.approx(spot, abs=4)


@pytest.mark.parametrize("rotation", [10.0, 45.0])
def test_a_rotation_turns_by_at_most_so_many_degrees_either_way(rotation):
    turned = angles(augmented(blobs(500, height=1.5, width=4.0), rotation=rotation))

    assert np.abs(turned).max() <= rotation + 0.5
    assert turned.max() > 0.9 * rotation
    assert turned.min() < -0.9 * rotation


def test_a_rotation_keeps_sizes():
    bars = blobs(100, height=1.5, width=4.0)

    before, after = (
        np.linalg.eigvalsh(spreads(x)) for x in (bars, augmented(bars, rotation=45))
    )

    # Interpolation blurs by a fraction of a square pixel.
    assert np.abs(after - before).max() < 0.4


@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_a_change_of_size_is_as_large_as_asked_in_each_direction(scale):
    spread = spreads(augmented(blobs(500, height=2.5, width=2.5), scale=scale))

    factors = np.sqrt(np.diagonal(spread, axis1=1, axis2=2)) / 2.5

    assert factors.max() == pytest.approx(np.exp(scale), rel=0.04)
    assert factors.min() == pytest.approx(np.exp(-scale), rel=0.04)


def test_a_shear_slants_either_upright_or_level_strokes_by_at_most_so_much():
    upright = spreads(augmented(blobs(500, height=4.0, width=1.5), shear=0.3))
    level = spreads(augmented(blobs(500, height=1.5, width=4.0), shear=0.3))

    slants = upright[:, 0, 1] / upright[:, 0, 0], level[:, 0, 1] / level[:, 1, 1]

    kept, slanted = sorted(slants, key=lambda slant: slant.max())
    assert np.abs(kept).max() < 0.05
    assert -0.3 < slanted.min() < -0.25
    assert 0.25 < slanted.max() < 0.3


def test_a_shear_slants_upright_strokes_as_handwriting_does():
    spread = spreads(augmented(blobs(500, height=4.0, width=1.5), shear=0.3))

    slants = spread[:, 0, 1] / spread[:, 0, 0]

    assert 0.25 < slants.max() < 0.3


@pytest.mark.parametrize("elastic", [0.5, 1.0])
def test_a_warp_moves_pixels_about_as_far_as_asked_and_neighbours_alike(elastic):
    slope = 5.0  # grey levels a pixel: a ramp shows where each pixel came from
    ramp = np.tile(slope * np.arange(1, 29), (200, 28, 1))

    moved = (augmented(ramp, elastic=elastic) - ramp)[:, 6:-6, 6:-6] / slope

    far = np.sqrt(np.mean(moved**2))
    apart = np.sqrt(np.mean(np.diff(moved, axis=2) ** 2))
    assert 0.6 * elastic < far < 1.1 * elastic
    assert apart < 0.5 * far


def strokes(num_images, width=3):
    """Copies of a level stroke of full ink, so many pixels wide."""
    return np.tile(255.0 * (np.abs(ROWS - 0.5) < width / 2), (num_images, 1, 1))


def test_a_change_of_thickness_makes_strokes_wider_and_narrower_on_both_sides():
    changed = augmented(strokes(500), thickness=1.0)

    widths = changed[:, :, 14].sum(axis=1) / 255
    assert 1.0 <= widths.min() < 1.5
    assert 4.5 < widths.max() <= 5.0
    assert np.allclose(centres(changed)[:, 0], 0.5, atol=1e-3)


def test_a_change_of_thickness_closes_gaps_and_keeps_the_rest():
    two = np.maximum(np.roll(strokes(500, 3), -2, 1), np.roll(strokes(500, 3), 2, 1))
    assert two[0, 14, 14] == 0

    changed = augmented(two, thickness=1.0)

    gaps, around = changed[:, 14, 14], changed[:, :10, 14].sum(axis=1)
    is_closed = gaps > 150
    assert is_closed.any()
    assert (around[is_closed] < 30).any()


def test_a_blur_softens_and_sharpens_and_takes_no_ink_away():
    spots = blobs(500) / 2  # so far from full ink that none is cut off

    changed = augmented(spots, blur=1.0)

    highest = changed.max(axis=(1, 2)) / spots.max()
    assert 0.8 < highest.min() < 0.95
    assert 1.05 < highest.max() < 1.2
    assert np.allclose(changed.sum(axis=(1, 2)), spots.sum(axis=(1, 2)), rtol=0.02)


def test_sharpened_images_stay_images():
    changed = augmented(noise(100), blur=1.0)

    assert changed.min() >= 0
    assert changed.max() <= 255
