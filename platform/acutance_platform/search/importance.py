"""How much each searched path of the recipe matters for the results, by Optuna's PED-ANOVA."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.study import StudyDirection

from acutance_platform.search.distributions import Choice, Distribution
from acutance_platform.search.fold import Sweep
from acutance_platform.search.front import Direction
from acutance_platform.search.space import Space
from acutance_platform.search.table import parse_space

LEAST = 8
"""Complete trials below which nothing can be said."""


def importance(sweep: Sweep) -> dict[str, float]:
    """Return searched path -> its share of importance, the largest first; they add up to 1.

    Only complete trials count, with all objectives: what is asked is what tells the best trials,
    by non-dominated ranks, from all others. Of a loss mix each term's weight is a path of its own,
    0 where it is absent. Empty where fewer than `LEAST` trials say something, or none matters.

    Args:
        sweep: Any.

    Source:
        Watanabe et al., "PED-ANOVA", IJCAI 2023; its conditional form for branches not taken.
    """
    if sweep.search is None:
        return {}
    done = [trial for trial in sweep.trials.values() if trial.ended == "COMPLETE"]
    told = [(t.assignment, t.values[t.end]) for t in done if t.end in t.values]
    told = [(drawn, values) for drawn, values in told if not any(map(math.isnan, values))]
    if len(told) < LEAST:
        return {}
    space = parse_space(sweep.search.space)
    distributions, paths = _distributions(space)
    study = _study(sweep.search.directions)
    for drawn, values in told:
        params = _params(space, drawn)
        known = {name: distributions[name] for name in params}
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=known, values=list(values))
        )
    found = _evaluated(study)
    shares: dict[str, float] = {}
    for name, share in found.items():
        shares[paths[name]] = shares.get(paths[name], 0.0) + share
    whole = sum(shares.values())
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return {path: share / whole for path, share in ordered} if whole > 0 else {}


def _distributions(space: Space) -> tuple[dict[str, BaseDistribution], dict[str, str]]:
    """Return by parameter its distribution, and the recipe path that it stands for."""
    found: dict[str, BaseDistribution] = {}
    paths: dict[str, str] = {}
    for variable in space:
        mix = variable.simplex
        if mix is None:
            found[variable.name] = _distribution(variable.distribution)
            paths[variable.name] = variable.path
        elif variable.term is not None:
            found[variable.name] = FloatDistribution(0.0, mix.total)
            paths[variable.name] = f"{mix.path}.{variable.term}.weight"
    return found, paths


def _distribution(distribution: Distribution) -> BaseDistribution:
    """Return it for a value that was drawn already: steps do not matter any more."""
    if isinstance(distribution, Choice):
        return CategoricalDistribution(range(len(distribution.options)))
    return FloatDistribution(distribution.low, distribution.high, log=distribution.log)


def _params(space: Space, assignment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was drawn, with the weights of a mix in place of the numbers behind them."""
    params: dict[str, Any] = {}
    for variable in space:
        mix = variable.simplex
        if mix is None:
            if variable.name in assignment:
                params[variable.name] = assignment[variable.name]
        elif variable.term is not None and any(mix.name(t) in assignment for t in mix.terms):
            weight = mix.weights(assignment).get(variable.term, 0.0)
            params[variable.name] = min(weight, mix.total)
    return params


def _study(directions: Sequence[Direction]) -> optuna.Study:
    words = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return optuna.create_study(directions=[words[each] for each in directions])
    finally:
        optuna.logging.set_verbosity(verbosity)


def _evaluated(study: optuna.Study) -> dict[str, float]:
    with warnings.catch_warnings():
        # It is marked experimental in Optuna 5.0, and says so where groups are small.
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25)
        return {
            name: max(0.0, float(share))
            for name, share in evaluator.evaluate(study).items()
            if math.isfinite(share)
        }
