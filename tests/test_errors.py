import inspect

import pytest

from mnist_core import errors
from mnist_core.errors import ConfigError, DigitLabError

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value)]


@pytest.mark.parametrize("error", CLASSES)
def test_whatever_a_person_can_put_right_is_caught_as_one(error):
    assert issubclass(error, DigitLabError)


@pytest.mark.parametrize("error", CLASSES)
def test_the_tree_at_the_top_names_every_error(error):
    assert f"{error.__name__} " in errors.__doc__


def test_a_wrong_setting_is_also_a_wrong_value():
    assert issubclass(ConfigError, ValueError)
