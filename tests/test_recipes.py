import json
from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.recipes import RECIPES, for_drawings, recipe
from mnist_core.runs import RunStore


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_found_by_its_name(name):
    assert recipe(name) is RECIPES[name]
    assert recipe(name).name == name


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_a_config_that_survives_json(name):
    config = recipe(name).config

    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_judged_on_the_usual_validation_split(name):
    assert recipe(name).config.num_validation == 5_000


def test_no_two_recipes_share_a_title_or_a_config():
    assert len({recipe.title for recipe in RECIPES.values()}) == len(RECIPES)
    assert len({recipe.config for recipe in RECIPES.values()}) == len(RECIPES)


def test_an_unknown_recipe_is_refused_with_the_list_of_recipes():
    with pytest.raises(ConfigError) as caught:
        recipe("fastest")

    assert str(caught.value) == (
        f"There is no recipe 'fastest'. The recipes are {', '.join(RECIPES)}."
    )


def test_the_shipped_run_went_on_from_a_run_of_the_best_recipe():
    shipped = RunStore().get("shipped").config

    best = replace(recipe("best").config, seed=shipped.seed)
    assert shipped == for_drawings(best, shipped.start_from)
