import numpy as np
import pytest

from mnist_core.checkpoints import Snapshot, load_snapshot, save_snapshot
from mnist_core.errors import RunError
from mnist_core.history import EpochMetrics


def snapshot_of(num_epochs=2):
    generator = np.random.default_rng(num_epochs)
    return Snapshot(
        history=[
            EpochMetrics(epoch, 0.1 + 0.2, 0.9, 1 / 3, 0.99, 12.5 * epoch)
            for epoch in range(1, num_epochs + 1)
        ],
        variables=[
            *[generator.normal(size=(i, 3)).astype(np.float32) for i in range(12)],
            np.array(1234567890123, np.int64),  # a step counter has no shape
            np.array([0, 2**32 - 1], np.uint32),  # a seed
        ],
        best_weights=[generator.normal(size=5).astype(np.float32) for _ in range(11)],
    )


def assert_same_arrays(one, other):
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left.dtype == right.dtype
        assert np.array_equal(left, right)


def test_a_snapshot_survives_the_disk_bit_for_bit_and_in_order(tmp_path):
    snapshot = snapshot_of()

    save_snapshot(tmp_path / "checkpoint.npz", snapshot)

    loaded = load_snapshot(tmp_path / "checkpoint.npz")
    assert loaded.history == snapshot.history
    assert_same_arrays(loaded.variables, snapshot.variables)
    assert_same_arrays(loaded.best_weights, snapshot.best_weights)


def test_a_later_snapshot_takes_the_place_of_the_earlier_one(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_snapshot(path, snapshot_of(3))

    save_snapshot(path, snapshot_of(1))

    assert load_snapshot(path).history == snapshot_of(1).history
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_where_there_is_no_checkpoint_there_is_no_snapshot(tmp_path):
    assert load_snapshot(tmp_path / "checkpoint.npz") is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_that_is_cut_short_is_refused_with_what_to_do(tmp_path, share):
    path = tmp_path / "checkpoint.npz"
    save_snapshot(path, snapshot_of())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(RunError) as caught:
        load_snapshot(path)

    assert str(caught.value) == (
        "The checkpoint checkpoint.npz is damaged, so the training cannot go on from "
        "it. Delete the run and start it again."
    )


def test_a_changed_byte_among_the_weights_is_noticed(tmp_path):
    path, snapshot = tmp_path / "checkpoint.npz", snapshot_of()
    save_snapshot(path, snapshot)
    content = path.read_bytes()
    weights = snapshot.variables[11].tobytes()
    assert content.count(weights) == 1

    path.write_bytes(content.replace(weights, bytes([weights[0] ^ 1]) + weights[1:]))

    with pytest.raises(RunError, match="is damaged"):
        load_snapshot(path)


@pytest.mark.parametrize("history", ['[{"epoch": 1}]', "[1]", "not json", "{}{}"])
def test_a_foreign_history_is_damage(tmp_path, history):
    np.savez(tmp_path / "checkpoint.npz", history=np.array(history))

    with pytest.raises(RunError, match="is damaged"):
        load_snapshot(tmp_path / "checkpoint.npz")
