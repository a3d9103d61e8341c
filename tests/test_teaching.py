"""Teaching a copy of a run with drawings, from the config to what came of it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mnist_core import kept, models, styles, teaching, trainer
from mnist_core.config import TrainConfig
from mnist_core.engine import Engine
from mnist_core.errors import KeptError, RunError
from mnist_core.evaluation import Evaluation
from mnist_core.kept import held_out
from mnist_core.predictor import Predictor
from mnist_core.runs import MAX_NAME, RunStore

pytestmark = pytest.mark.slow

CONFIG = TrainConfig(
    architecture="tiny", learning_rate=0.01, num_train=6_000, num_validation=1_000,
    epochs=2, batch_size=64,
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def origin(store, mnist):
    return trainer.train_run(store, store.create(CONFIG, "Plain"))


@pytest.fixture(scope="module")
def drawings():
    """Slashed zeros, ones with an upstroke, barred sevens: MNIST hardly has them."""
    return styles.written(30, seed=7)


@pytest.fixture(scope="module")
def taught(store, origin, drawings):
    config = teaching.lesson(origin, drawings)
    run = store.create(config, teaching.name_of_copy(origin), drawings)
    return trainer.train_run(store, run)


def read(run, split):
    return Evaluation(split.labels, Predictor(run).probabilities(split.images))


def test_thirty_drawings_teach_a_style_and_cost_less_than_a_point_of_mnist(
    origin, taught, drawings
):
    other_hands = styles.written(500, seed=99)

    assert taught.state == "done"
    assert read(taught, drawings).num_mistakes < read(origin, drawings).num_mistakes
    assert (
        read(taught, other_hands).accuracy > read(origin, other_hands).accuracy + 0.05
    )
    assert taught.result.test_accuracy > origin.result.test_accuracy - 0.01


def test_a_taught_copy_is_an_ordinary_run_that_keeps_its_drawings(
    store, origin, taught, drawings
):
    assert taught.name == "Plain - taught"
    assert taught.config.start_from == origin.id
    assert taught.id in {run.id for run in store.runs()}
    assert_array_equal(taught.kept().images, drawings.images)
    assert origin.kept() is None


def test_the_gain_is_shown_on_what_was_held_out_on_all_and_on_mnist(
    mnist, origin, taught, drawings
):
    both = tuple(read(run, drawings) for run in (origin, taught))
    tests = tuple(
        Evaluation(mnist.test.labels, run.probabilities("test"))
        for run in (origin, taught)
    )

    rows = teaching.gains(drawings.images, both, tests)

    held = held_out(drawings.images)
    assert [row.images for row in rows] == [
        "The drawings held out from teaching",
        "All the drawings",
        "MNIST’s test digits",
    ]
    assert rows[0].before.num_images == held.sum() > 0
    assert_array_equal(rows[0].after.predictions, both[1].predictions[held])
    assert [row.after.accuracy for row in rows[1:]] == [
        both[1].accuracy,
        taught.result.test_accuracy,
    ]


def test_a_network_starts_from_the_weights_of_its_origin(origin, mnist):
    config = replace(CONFIG, start_from=origin.id, seed=5)
    path = origin.file("model.keras")

    engine = Engine(config, mnist, origin=path)

    for ours, theirs in zip(
        engine.heads.model.get_weights(), models.load(path).get_weights(), strict=True
    ):
        assert_array_equal(ours, theirs)


def test_drawings_that_are_held_out_are_never_taught_with(store, mnist, monkeypatch):
    given = {}
    monkeypatch.setattr(
        "mnist_core.engine.Engine", lambda *args, **settings: given.update(settings)
    )
    whole = styles.written(30, seed=7)

    trainer._built(store, replace(CONFIG, num_kept=100), whole)

    held = whole.images[held_out(whole.images)]
    assert len(given["drawings"]) == 30 - len(held)
    assert not any(
        kept.fingerprint(image) in kept.labels(given["drawings"]) for image in held
    )


def test_drawings_are_so_many_images_of_an_epoch(small_mnist):
    config = TrainConfig(
        architecture="softmax", num_train=300, num_validation=500, num_kept=45,
        batch_size=30,
    )  # fmt: skip

    engine = Engine(config, small_mnist, drawings=small_mnist.test[:20])

    assert engine.steps_per_epoch == 12
    assert config.num_learned == 345
    assert engine.run(1, 0, np.zeros(12, np.float32))[2] == 345


def test_too_few_drawings_say_how_many_are_missing(origin, drawings):
    with pytest.raises(KeptError, match="at least 5 drawings: keep 3 more"):
        teaching.lesson(origin, drawings[:2])
    assert teaching.lesson(origin, drawings[:5]).num_kept > 0


def test_it_is_said_what_the_gain_is_measured_on():
    images = styles.written(30, seed=7).images
    held = held_out(images)
    taught, others = images[~held], images[held]

    assert "taught with 8 of them; 2 are held out" in teaching.honesty(
        np.concatenate([taught[:8], others[:2]])
    )
    assert "taught with 8 of them; 1 is held out" in teaching.honesty(
        np.concatenate([taught[:8], others[:1]])
    )
    assert "taught with all 9" in teaching.honesty(taught[:9])


def test_a_copy_of_a_copy_has_a_name_that_fits(origin):
    assert teaching.name_of_copy(replace(origin, name="Plain - taught")) == (
        "Plain - taught"
    )
    long = teaching.name_of_copy(replace(origin, name="x" * MAX_NAME))
    assert long == "x" * (MAX_NAME - 9) + " - taught"


# What the store refuses


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"start_from": "20200101-000000-000"}, "There is no run"),
        ({"architecture": "cnn"}, "is another network: tiny without batch norm"),
        ({"batch_normalization": True}, "is another network: tiny without batch norm"),
        ({"num_validation": 2_000}, "has learned some of the 2,000 validation images"),
    ],
)
def test_a_run_that_does_not_fit_is_no_origin(store, origin, settings, reason):
    config = replace(CONFIG, **{"start_from": origin.id, **settings})

    with pytest.raises(RunError, match=reason):
        store.create(config)


def test_a_run_without_a_model_is_no_origin(tmp_path):
    store = RunStore(tmp_path)
    waiting = store.create(CONFIG, "Waiting")

    with pytest.raises(RunError, match="“Waiting” has no model yet, so nothing can"):
        store.create(replace(CONFIG, start_from=waiting.id))


def test_a_run_is_not_deleted_while_another_is_to_start_from_it(store, origin):
    waiting = store.create(replace(CONFIG, start_from=origin.id), "Pupil")

    with pytest.raises(RunError, match="“Pupil” starts from “Plain” and is"):
        store.delete(origin.id)

    (store.root / waiting.id / "state.json").unlink()
    store.delete(waiting.id)


@pytest.mark.parametrize("drawings", [None, kept.NOTHING])
def test_a_config_and_its_drawings_come_together(store, drawings):
    config = replace(CONFIG, num_kept=100 if drawings is None else 0)

    with pytest.raises(RunError, match="needs drawings to be taught with"):
        store.create(config, "", drawings)


def test_damaged_drawings_of_a_run_are_told(store, origin, drawings):
    config = teaching.lesson(origin, drawings)
    run = store.create(config, "Damaged", drawings)
    (run.folder / "kept.npz").write_bytes(b"")

    assert "The drawings of “Damaged” cannot be read" in (
        trainer.train_run(store, run).reason
    )
    store.delete(run.id)
