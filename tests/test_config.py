import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from mnist_core.config import CHANGES, CONFIG_VERSION, TrainConfig, bounds
from mnist_core.errors import ConfigError

NUMBERS = [name for name, bound in bounds().items() if "low" in bound]
CHOICES = [name for name, bound in bounds().items() if "options" in bound]
WHOLE = [name for name in NUMBERS if isinstance(getattr(TrainConfig(), name), int)]
# What must come along for a bound to be reached.
COMPANIONS = {
    ("num_train", 100): {"batch_size": 100},
    ("num_train", 59_500): {"num_validation": 500},
    ("num_validation", 20_000): {"num_train": 40_000},
}
OTHERS = {
    "architecture": "residual",
    "optimizer": "adamw",
    "learning_rate": 0.02,
    "schedule": "one-cycle",
    "batch_size": 64,
    "epochs": 7,
    "time_limit": 60,
    "momentum": 0.8,
    "beta_2": 0.95,
    "patience": 2,
    "dropout": 0.25,
    "weight_decay": 1e-4,
    "label_smoothing": 0.1,
    "batch_normalization": True,
    "start_from": "20260101-000000-000",
    "teachers": ("20260101-000000-000", "shipped"),
    "rotation": 10.0,
    "shift": 2.0,
    "scale": 0.1,
    "shear": 0.05,
    "elastic": 0.5,
    "thickness": 0.5,
    "blur": 0.5,
    "num_styled": 300,
    "num_thick": 400,
    "num_kept": 200,
    "label_noise": 0.2,
    "seed": 42,
    "num_train": 1000,
    "num_validation": 600,
}


def just_outside(name):
    low, high = bounds()[name]["low"], bounds()[name]["high"]
    if name in WHOLE:
        return low - 1, high + 1
    return float(np.nextafter(low, -np.inf)), float(np.nextafter(high, np.inf))


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_bound_itself_is_allowed(name, end):
    value = bounds()[name][end]

    config = TrainConfig(**{name: value}, **COMPANIONS.get((name, value), {}))

    assert getattr(config, name) == value


@pytest.mark.parametrize("side", [0, 1], ids=["below", "above"])
@pytest.mark.parametrize("name", NUMBERS)
def test_what_lies_just_outside_a_bound_is_refused(name, side):
    value = just_outside(name)[side]

    with pytest.raises(ConfigError, match=f"`{name}` must be .* from .* to ") as caught:
        TrainConfig(**{name: value})

    assert str(caught.value).endswith(f"Received: {name}={value!r}.")


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        1e400,
        10**400,
        -(10**400),
        True,
        False,
        None,
        "1",
        "one",
        [1],
        {},
        1j,
    ],
    ids=lambda value: repr(value)[:12],
)
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_ordinary_number_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"`{name}` must be "):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("name", WHOLE)
def test_half_a_thing_is_refused(name):
    middle = getattr(TrainConfig(), name) + 0.5

    with pytest.raises(ConfigError, match=f"`{name}` must be a whole number"):
        TrainConfig(**{name: middle})


@pytest.mark.parametrize("value", ["resnet", "", "CNN", "cnn ", None, 3, True, ["cnn"]])
@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_outside_its_list_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"`{name}` must be one of "):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("value", [0, 1, 0.0, "true", "", None, []])
def test_a_switch_is_true_or_false_and_nothing_else(value):
    with pytest.raises(
        ConfigError, match="`batch_normalization` must be true or false"
    ):
        TrainConfig(batch_normalization=value)


@pytest.mark.parametrize(
    "value",
    [None, 3, True, {"a"}, [1], ["a", "a"], ["a", " a "], "a,a", list("abcdefghi")],
)
def test_teachers_are_a_list_of_a_few_different_runs(value):
    with pytest.raises(ConfigError, match="`teachers` must be a list of at most 8 ids"):
        TrainConfig(teachers=value)


@pytest.mark.parametrize("value", [None, 3, ["a"], "x" * 201])
def test_a_training_starts_from_one_run(value):
    with pytest.raises(ConfigError, match="`start_from` must be the id of a run"):
        TrainConfig(start_from=value)


def test_a_training_starts_from_the_run_that_is_named():
    assert TrainConfig().with_settings(["start_from= a "]).start_from == "a"
    assert TrainConfig(start_from="").start_from == ""


def test_what_is_learned_is_the_train_split_and_what_is_drawn():
    config = TrainConfig(num_train=1_000, num_styled=200, num_thick=4, num_kept=30)

    assert config.num_learned == 1_234


@pytest.mark.parametrize("value", ["a, b", ["a", "b"], ("a", "b"), " a,b,"])
def test_teachers_are_given_as_a_list_or_with_commas(value):
    assert TrainConfig(teachers=value).teachers == ("a", "b")
    assert TrainConfig().with_settings(["teachers=a,b"]).teachers == ("a", "b")
    assert TrainConfig(teachers="").teachers == ()


@pytest.mark.parametrize(
    "settings, sentence",
    [
        (
            {"epochs": 0},
            "`epochs` must be a whole number from 1 to 300. Received: epochs=0.",
        ),
        (
            {"dropout": 0.95},
            "`dropout` must be a number from 0.0 to 0.9. Received: dropout=0.95.",
        ),
        (
            {"optimizer": "sdg"},
            "`optimizer` must be one of sgd, adam, adamw, rmsprop. "
            "Received: optimizer='sdg'.",
        ),
        (
            {"batch_normalization": 1},
            "`batch_normalization` must be true or false. "
            "Received: batch_normalization=1.",
        ),
        (
            {"num_train": 59_000, "num_validation": 2_000},
            "Train and validation images share 60,000; 59,000 + 2,000 = 61,000 is "
            "1,000 too many.",
        ),
        (
            {"num_train": 1_000, "batch_size": 1_024},
            "A batch of 1,024 needs at least as many training images; there are 1,000. "
            "Choose a smaller batch.",
        ),
        (
            {"architecture": "softmax", "dropout": 0.1},
            "Softmax regression has no hidden layer, so it cannot use dropout. "
            "Switch it off or choose another architecture.",
        ),
        (
            {"architecture": "softmax", "batch_normalization": True},
            "Softmax regression has no hidden layer, so it cannot use batch "
            "normalization. Switch it off or choose another architecture.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_refusal_says_what_must_hold_and_what_came(settings, sentence):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)

    assert str(caught.value) == sentence


def test_a_refusal_stays_short_however_long_the_value():
    with pytest.raises(ConfigError) as caught:
        TrainConfig(architecture="x" * 10_000)

    assert len(str(caught.value)) < 160


def test_a_number_of_five_thousand_digits_is_refused():
    with pytest.raises(ConfigError, match="`epochs` must be "):
        TrainConfig(epochs=10**5_000)


def test_a_batch_may_hold_the_whole_train_split():
    assert TrainConfig(num_train=100, batch_size=100).batch_size == 100


def test_train_and_validation_may_use_up_all_images():
    assert TrainConfig(num_train=40_000, num_validation=20_000).num_train == 40_000


def test_equal_numbers_of_another_type_give_an_equal_config():
    config = TrainConfig(epochs=5.0, learning_rate=1, rotation=10)

    assert config == TrainConfig(epochs=5, learning_rate=1.0, rotation=10.0)
    assert type(config.epochs) is int
    assert type(config.learning_rate) is float
    assert type(config.rotation) is float


def test_a_config_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        TrainConfig().epochs = 1000


@pytest.mark.parametrize("name", CHANGES)
def test_each_amount_of_change_alone_makes_a_config_augmented(name):
    assert TrainConfig(**{name: 0.1}).is_augmented
    assert not TrainConfig().is_augmented


@pytest.mark.parametrize("settings", [{}, OTHERS], ids=["defaults", "all others"])
def test_a_config_survives_json(settings):
    config = TrainConfig(**settings)

    text = json.dumps(config.to_json())

    assert TrainConfig.from_json(json.loads(text)) == config


def test_every_setting_is_in_the_json():
    assert set(OTHERS) == set(bounds()) == set(TrainConfig().to_json()) - {"version"}


def test_a_setting_that_an_older_json_lacks_has_its_default():
    assert TrainConfig.from_json({"version": 1, "epochs": 3}) == TrainConfig(epochs=3)


def test_a_config_from_before_label_noise_has_none():
    value = TrainConfig().to_json()
    del value["label_noise"]

    assert TrainConfig.from_json(value).label_noise == 0.0


@pytest.mark.parametrize("version", [None, 0, CONFIG_VERSION + 1, "1", "one"])
def test_a_config_of_another_version_is_refused(version):
    value = {**TrainConfig().to_json(), "version": version}

    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json(value)

    assert str(caught.value) == (
        f"This config has version {version!r}; this Digit Lab reads version 1. "
        "Open it with the Digit Lab that wrote it."
    )


def test_a_config_without_a_version_is_refused():
    with pytest.raises(ConfigError, match="version None"):
        TrainConfig.from_json({"epochs": 3})


def test_an_unknown_key_in_the_json_is_refused_with_the_list_of_settings():
    value = {**TrainConfig().to_json(), "learning_rat": 0.1}

    with pytest.raises(ConfigError, match=r"no setting 'learning_rat'\.") as caught:
        TrainConfig.from_json(value)

    assert all(name in str(caught.value) for name in bounds())


def test_a_wrong_value_in_the_json_is_refused():
    with pytest.raises(ConfigError, match="`epochs` must be"):
        TrainConfig.from_json({**TrainConfig().to_json(), "epochs": 1e400})


def test_reading_json_leaves_it_as_it_was():
    value = TrainConfig().to_json()

    TrainConfig.from_json(value)

    assert value == TrainConfig().to_json()


@pytest.mark.parametrize(
    "assignment, name, value",
    [
        ("epochs=3", "epochs", 3),
        (" epochs = 3 ", "epochs", 3),
        ("epochs=3.0", "epochs", 3),
        ("learning_rate=1e-2", "learning_rate", 0.01),
        ("learning_rate=1", "learning_rate", 1.0),
        ("batch_normalization=true", "batch_normalization", True),
        ("optimizer=sgd", "optimizer", "sgd"),
        ('optimizer="sgd"', "optimizer", "sgd"),
        ("schedule=one-cycle", "schedule", "one-cycle"),
    ],
)
def test_a_setting_is_written_as_key_and_value(assignment, name, value):
    config = TrainConfig().with_settings([assignment])

    assert getattr(config, name) == value


def test_settings_change_only_what_they_name_and_the_last_one_counts():
    config = TrainConfig(**OTHERS).with_settings(["epochs=3", "seed=9", "epochs=4"])

    assert config == TrainConfig(**{**OTHERS, "epochs": 4, "seed": 9})


def test_settings_are_judged_together_not_one_after_another():
    settings = ["num_train=59000", "num_validation=1000"]

    assert TrainConfig().with_settings(settings).num_train == 59_000


@pytest.mark.parametrize("assignment", ["epochs", "", "epochs:3"])
def test_a_setting_without_an_equals_sign_is_refused(assignment):
    with pytest.raises(ConfigError) as caught:
        TrainConfig().with_settings([assignment])

    assert str(caught.value) == (
        f"A setting is written KEY=VALUE, such as epochs=3. Received: {assignment!r}."
    )


@pytest.mark.parametrize(
    "assignment, problem",
    [
        ("=3", "no setting ''"),
        ("epoch=3", "no setting 'epoch'"),
        ("Epochs=3", "no setting 'Epochs'"),
        ("version=1", "no setting 'version'"),
        ("epochs=", "`epochs` must be"),
        ("epochs=three", "`epochs` must be"),
        ("epochs=3=4", "`epochs` must be"),
        ("epochs=NaN", "`epochs` must be"),
        ("epochs=Infinity", "`epochs` must be"),
        ("learning_rate=1e400", "`learning_rate` must be"),
        ("seed=" + "9" * 400, "`seed` must be"),
        ("seed=" + "9" * 5_000, "`seed` must be"),
        ("epochs=[3]", "`epochs` must be"),
        ("epochs=null", "`epochs` must be"),
        ("epochs=true", "`epochs` must be"),
        ("batch_normalization=True", "`batch_normalization` must be"),
        ("optimizer=5", "`optimizer` must be one of"),
    ],
    ids=lambda value: value[:24],
)
def test_a_setting_that_means_nothing_is_refused(assignment, problem):
    with pytest.raises(ConfigError, match=problem):
        TrainConfig().with_settings([assignment])


def test_a_setting_of_endless_brackets_is_refused():
    with pytest.raises(ConfigError, match="`epochs` must be"):
        TrainConfig().with_settings(["epochs=" + "[" * 100_000])
