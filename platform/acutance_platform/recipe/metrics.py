"""Lists of metrics, as `evaluation.metrics` and `evaluate --metrics` have them."""

from collections.abc import Sequence

from acutance_models import METRICS, Entry, RegistryError, metric_name, resolve_metric
from acutance_platform.recipe.errors import Problem
from acutance_platform.recipe.translate import registry_problems, unknown


def resolve_metrics(entries: Sequence[object], place: str) -> tuple[list[Entry], list[Problem]]:
    """Return the metrics with every default filled in, and what is wrong with the others.

    Args:
        entries: Each a row of `METRICS`, or `{kind: NAME, name: OWN_NAME, ...}`.
        place: Where the list stands, for messages.
    """
    resolved: list[Entry] = []
    problems: list[Problem] = []
    for index, entry in enumerate(entries):
        here = f"{place}.{index}"
        if entry in ("peak_memory", "latency_ms"):
            rule = "this is a cost of the network, not a metric of its pictures"
            way_out = f"Write evaluation: {{costs: [{entry}]}}."
            problems.append(Problem(here, str(entry), rule, way_out))
            continue
        if isinstance(entry, str) and entry not in METRICS:
            problems.append(unknown(here, "metric", entry, METRICS.names()))
            continue
        try:
            found = resolve_metric(entry)
        except RegistryError as error:
            problems += registry_problems(error.problems, here)
            continue
        name = metric_name(found)
        if name in map(metric_name, resolved):
            rule = f"there is a metric of the name {name} already"
            problems.append(Problem(here, name, rule, "Give one of them another `name`."))
        resolved.append(found)
    return resolved, problems
