"""`stages.NAME.init`: the model that a training starts from, brought into the store."""

import torch

from acutance_models import WeightsError, build_generator, read_header, read_tensors
from acutance_platform.recipe import Document, Problem, Recipe, RecipeErrors, chain
from acutance_platform.training import compare
from acutance_platform.verbs.addresses import weights_bytes
from acutance_platform.verbs.home import Home
from acutance_storage import StorageError, put_blob


def pin_init(recipe: Recipe, document: Document, home: Home) -> Recipe:
    """Return the recipe with its first stage's `init` as `blob:SHA256`, stored here.

    A file's path is relative to the recipe's own.

    Raises:
        RecipeErrors: If MODEL names nothing, or no tensor of it fits the generator.
    """
    first = chain(recipe)[0]
    wanted = first.stage.init
    if wanted is None:
        return recipe
    place = document.place(f"stages.{first.name}.init")
    data = _weights(wanted, place, document, home)
    with torch.device("meta"):
        own = build_generator(first.recipe.generator, scale=recipe.scale, seed=None).state_dict()
    if not compare(own, read_tensors(data)).kept:
        kind = first.recipe.generator["kind"]
        rule = f"no tensor of this model has a name and shape of {kind} as the recipe builds it"
        way_out = f"It is a {read_header(data)['spec'].get('kind')}; name another model."
        raise RecipeErrors([Problem(place, repr(wanted), rule, way_out)])
    stage = first.stage.model_copy(update={"init": f"blob:{put_blob(home.store, data)}"})
    return recipe.model_copy(update={"stages": {**recipe.stages, first.name: stage}})


def _weights(wanted: str, place: str, document: Document, home: Home) -> bytes:
    beside = document.path.parent / wanted
    try:
        data = weights_bytes(beside if beside.is_file() else wanted, home)
        read_header(data)
        return data
    except RecipeErrors as error:
        found = error.problems[0]
        raise RecipeErrors([Problem(place, found.value, found.rule, found.way_out)]) from None
    except (StorageError, WeightsError) as error:
        rule = str(error).rstrip(".")
        raise RecipeErrors([Problem(place, repr(wanted), rule, "Name another model.")]) from None
