"""What an experiment measures beside its sweeps: its trials' last weights on further pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from acutance_models import Degradation, find_protocol, metric_name
from acutance_platform.recipe import Problem, Recipe, RecipeErrors, resolve_metrics
from acutance_platform.search.numbers import plain
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.inits import pin_metric
from acutance_platform.verbs.journals import Told
from acutance_platform.verbs.measured import Beside, opened
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import open_dataset

Options = Mapping[str, Any]
"""Arguments of `evaluate`, as `measure` in `experiment.yaml` has them."""

_OF_NETWORKS = ("back_projections", "self_ensemble", "tile")
_OF_ZERO_SHOT = {"data", "split", "degradation", "protocol", "metrics"}


def pinned(options: Options, place: str, folder: Path, home: Home) -> dict[str, Any]:
    """Return the options with metrics' files that lie beside the experiment as blobs, stored here.

    Raises:
        RecipeErrors: If a metric or its file does not fit.
    """
    asked = options.get("metrics")
    if not isinstance(asked, list):
        return dict(options)
    entries, problems = resolve_metrics(asked, f"{place}.metrics")
    found = list[Problem](problems)
    metrics = [
        pin_metric(entry, f"{place}.metrics.{index}", folder, home, found)
        for index, entry in enumerate(entries)
    ]
    if found:
        raise RecipeErrors(found)
    return {**options, "metrics": metrics}


def bicubic_values(scale: int, name: str, options: Options, home: Home) -> dict[str, Any]:
    """Return `NAME/METRIC` -> bicubic's value; nothing where options are of networks alone."""
    if any(options.get(key) for key in _OF_NETWORKS):
        return {}
    return _evaluated("bicubic", name, {"scale": scale, **options}, home)


def trial_values(told: Told, trial: str, name: str, options: Options, home: Home) -> dict[str, Any]:
    """Return `NAME/METRIC` -> value of a trial's last weights.

    A zero-shot trial has a network for each picture that it was measured on, as it was made small
    there. Where other pictures, or others' degradation, are asked for, it has no value.
    """
    recipe = trial_recipe(told, trial)
    if recipe.zero_shot is None:
        return _evaluated(f"{told.sweep.name}/{trial}", name, options, home)
    if not knows(recipe, options, home):
        return {}
    state = told.sweep.trials[trial]
    report = state.reports[state.step]
    asked = options.get("metrics") or list(report)
    named = [metric_name(entry) for entry in asked]
    return {f"{name}/{metric}": plain(report[metric]) for metric in named if metric in report}


def _evaluated(model: str, name: str, options: Options, home: Home) -> dict[str, Any]:
    chain = options.get("degradation")
    text = chain if chain is None or isinstance(chain, str) else yaml.safe_dump(chain)
    found = evaluate(model, **{**options, "degradation": text}, home=home)
    return {f"{name}/{metric}": plain(value) for metric, value in found.mean.items()}


def knows(recipe: Recipe, options: Options, home: Home) -> bool:
    """Say whether a zero-shot recipe's own measurement is what is asked for.

    Args:
        recipe: Complete, with a `zero_shot` section; its dataset is stored.
        options: Of the measurement.
        home: Store and local folder.
    """
    protocol = find_protocol(options.get("protocol", "rcan"))
    if set(options) - _OF_ZERO_SHOT or recipe.evaluation.protocol != protocol.name:
        return False
    chain = options.get("degradation") or [dict(step) for step in protocol.degradation]
    chain = yaml.safe_load(chain) if isinstance(chain, str) else chain
    chains = (chain, recipe.data.degradation)
    asked, own = (Degradation(each, recipe.scale).spec for each in chains)
    if asked != own:
        return False
    beside = Beside(scale=recipe.scale, lr=None, maps=None, classes=None, mapped=False)
    with opened(str(options["data"]), options.get("split", "validation"), beside, home) as (
        _,
        dataset,
        indices,
    ):
        wanted = sorted(dataset.pictures[index].sha256 for index in indices)
    known = open_dataset(home.store, recipe.data.dataset)
    mine = (known.pictures[index].sha256 for index in known.indices(recipe.evaluation.split))
    return wanted == sorted(mine)
