"""Files that a recipe names, brought into the store: `init`, `file` of networks and metrics."""

from pathlib import Path
from typing import Any

import torch

from acutance_models import (
    Entry,
    RegistryError,
    WeightsError,
    build_generator,
    build_metrics,
    read_header,
    read_tensors,
)
from acutance_platform.recipe import Document, Problem, Recipe, RecipeErrors, chain
from acutance_platform.training import compare
from acutance_platform.verbs.addresses import weights_bytes
from acutance_platform.verbs.fetching import fits
from acutance_platform.verbs.home import Home
from acutance_storage import StorageError, put_blob, put_blob_file


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


def pin_features(recipe: Recipe, document: Document, home: Home) -> Recipe:
    """Return the recipe with every file of a network or metric as `blob:SHA256`, stored here.

    A file's path is relative to the recipe's own; a name is left for `feature_problems`.

    Raises:
        RecipeErrors: If a file holds another network's weights, or no parameters of the metric.
    """
    problems: list[Problem] = []
    stages = dict(recipe.stages)
    for name, stage in recipe.stages.items():
        loss = dict(stage.loss)
        for term, spec in stage.loss.items():
            place = document.place(f"stages.{name}.loss.{term}.features.file")
            features = _pinned(spec.get("features"), place, document.path.parent, home, problems)
            if features is not None:
                loss[term] = {**spec, "features": features}
        stages[name] = stage.model_copy(update={"loss": loss})
    here = document.path.parent
    metrics = [
        pin_metric(entry, document.place(f"evaluation.metrics.{index}"), here, home, problems)
        for index, entry in enumerate(recipe.evaluation.metrics)
    ]
    if problems:
        raise RecipeErrors(problems)
    evaluation = recipe.evaluation.model_copy(update={"metrics": metrics})
    return recipe.model_copy(update={"stages": stages, "evaluation": evaluation})


def pin_metric(
    entry: Entry, place: str, folder: Path, home: Home, problems: list[Problem]
) -> Entry:
    """Return a metric with its own file and its feature network's as `blob:SHA256`, stored here.

    Args:
        entry: A row of the table of metrics, or `{kind: NAME, ...}`.
        place: Where it stands, for messages.
        folder: What a file's path is relative to; a name is left as it is.
        home: Its store takes the file.
        problems: Receives what is wrong.
    """
    if not isinstance(entry, dict):
        return entry
    features = _pinned(entry.get("features"), f"{place}.features.file", folder, home, problems)
    if features is not None:
        return {**entry, "features": features}
    wanted = entry.get("file")
    path = folder / wanted if isinstance(wanted, str) else None
    if path is None or not path.is_file():
        return entry
    try:
        build_metrics([entry], files={str(wanted): path.read_bytes()})
    except RegistryError as error:
        rule = str(error).rstrip(".")
        problems.append(Problem(f"{place}.file", repr(wanted), rule, "Name another file."))
    return {**entry, "file": f"blob:{put_blob_file(home.store, path)}"}


def _pinned(
    spec: Any, place: str, folder: Path, home: Home, problems: list[Problem]
) -> dict[str, Any] | None:
    """Return the spec with its file in the store; None where it names none."""
    wanted = spec.get("file") if isinstance(spec, dict) else None
    path = folder / wanted if wanted else None
    if path is None or not path.is_file():
        return None
    if not fits(spec, path.read_bytes()):
        rule = f"this file is no {spec['kind']}"
        way_out = "Name a file of that network, or the kind that the file holds."
        problems.append(Problem(place, repr(wanted), rule, way_out))
        return None
    return {**spec, "file": f"blob:{put_blob_file(home.store, path)}"}


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
