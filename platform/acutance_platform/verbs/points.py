"""The points that `search.interpolate: front` adds when a sweep has ended."""

import json
import time
from collections.abc import Iterator

from acutance_models import build_metrics, load_generator, read_header
from acutance_platform.search.fold import Record
from acutance_platform.search.numbers import plain
from acutance_platform.search.points import Wanted, front_trials, wanted_between
from acutance_platform.search.schema import COSTS
from acutance_platform.training import Pairs, device_here, files_of_metrics, measure, placed
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Told, finished
from acutance_platform.verbs.mixing import mixed
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import get_blob, open_dataset, put_blob


def missing_points(told: Told, home: Home) -> list[Wanted]:
    """Return the interpolated models that a finished sweep still lacks.

    Raises:
        StorageError: If weights of the front are missing or damaged.
    """
    sweep = told.sweep
    if not finished(told) or sweep.search is None or sweep.search.interpolate is None:
        return []
    if sweep.spec.get("zero_shot") is not None:
        return []  # networks of one picture each have no pretrain in common
    networks = {
        name: json.dumps(read_header(_weights(told, name, home))["spec"], sort_keys=True)
        for name in front_trials(sweep)
    }
    return wanted_between(sweep, networks)


def points_between(told: Told, home: Home) -> Iterator[Record]:
    """Make, store and measure each missing model; yield its record, to be journalled at once.

    Raises:
        StorageError: If weights or pictures are missing or damaged.
    """
    for first, second, alpha in missing_points(told, home):
        recipe = trial_recipe(told, first)
        content = mixed(_weights(told, first, home), _weights(told, second, home), alpha)
        pairs = Pairs(open_dataset(home.store, recipe.data.dataset), recipe, local=home.local)
        device = device_here(recipe)
        asked = recipe.evaluation.metrics
        metrics = build_metrics(asked, files=files_of_metrics(asked, home.store), device=device)
        network = placed(load_generator(content).eval(), device)
        found = measure(network, pairs, recipe, metrics=metrics, device=device)
        trial = told.sweep.trials[first]
        last = trial.reports[trial.step]
        costs = {name: last[name] for name in COSTS if name in last}
        yield {
            "do": "point",
            "parents": [first, second],
            "alpha": alpha,
            "metrics": {name: plain(value) for name, value in {**costs, **found}.items()},
            "weights": put_blob(home.store, content),
            "time": time.time(),
        }


def _weights(told: Told, trial: str, home: Home) -> bytes:
    sha = told.sweep.trials[trial].weights
    assert sha is not None, "trials of the front have weights"
    return get_blob(home.store, sha)
