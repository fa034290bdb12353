"""The order in which trials of one rung are preferred, for one objective as for several."""

import math
from collections.abc import Mapping, Sequence

from acutance_platform.search.front import Direction, Point, front


def order(
    points: Sequence[Point], directions: Sequence[Direction], violations: Sequence[float] = ()
) -> list[int]:
    """Return the indices of the points, most preferred first.

    Points are sorted by non-dominated fronts. Within a front the best in the first objective
    comes first, then always the point that is farthest from those already taken (an epsilon-net),
    so that wherever the list is cut, what is kept is spread over the front. Equal points keep
    their order; points with NaN come last. What violates constraints comes behind all that meets
    them, the least violation first; among equal violations fronts decide as everywhere.

    Args:
        points: One value per objective, in the metrics' own units.
        directions: `max` or `min` per objective.
        violations: Of each point, how far it is from meeting the constraints; none = all do.

    Source:
        Schmucker et al., "Multi-objective Asynchronous Successive Halving", 2021, section 4
        (EpsNet). Differs: the first point of a front is an extreme, not a random one; distances
        are taken between objectives scaled to the ranges of all points. Constraint domination:
        Deb, "An efficient constraint handling method for genetic algorithms", Computer Methods
        in Applied Mechanics and Engineering 186 (2000), section 3.
    """
    if any(amount > 0 for amount in violations):
        return _constrained(points, directions, violations)
    known = [i for i, point in enumerate(points) if not any(map(math.isnan, point))]
    unknown = [i for i, point in enumerate(points) if any(map(math.isnan, point))]
    if len(directions) == 1:
        sign = -1.0 if directions[0] == "max" else 1.0
        return [*sorted(known, key=lambda i: sign * points[i][0]), *unknown]
    scaled = _scaled(points, known)
    chosen: list[int] = []
    rest = known
    while rest:
        layer = {rest[k] for k in front([points[i] for i in rest], directions)}
        members = [i for i in rest if i in layer]
        chosen += _spread(members, points, scaled, directions[0])
        rest = [i for i in rest if i not in layer]
    return [*chosen, *unknown]


def _constrained(
    points: Sequence[Point], directions: Sequence[Direction], violations: Sequence[float]
) -> list[int]:
    """Return the order of points of which some violate constraints: groups of equal violation."""
    known, unknown = list[int](), list[int]()
    for amount in sorted(set(violations)):
        group = [i for i, each in enumerate(violations) if each == amount]
        for i in (group[k] for k in order([points[i] for i in group], directions)):
            (unknown if any(map(math.isnan, points[i])) else known).append(i)
    return [*known, *unknown]


def _scaled(points: Sequence[Point], known: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """Return the points with every objective scaled to 0..1 over all of them."""
    if not known:
        return {}
    columns = list(zip(*(points[i] for i in known), strict=True))
    lows = [min(column) for column in columns]
    spans = [(max(column) - min(column)) or 1.0 for column in columns]
    return {
        i: tuple((x - low) / span for x, low, span in zip(points[i], lows, spans, strict=True))
        for i in known
    }


def _spread(
    members: list[int],
    points: Sequence[Point],
    scaled: dict[int, tuple[float, ...]],
    direction: Direction,
) -> list[int]:
    """Return a front's members as an epsilon-net: every next one the farthest from all before."""
    sign = -1.0 if direction == "max" else 1.0
    first = min(members, key=lambda i: sign * points[i][0])
    taken = [first]
    distance = {i: math.dist(scaled[i], scaled[first]) for i in members if i != first}
    while distance:
        farthest = max(distance, key=distance.__getitem__)
        del distance[farthest]
        taken.append(farthest)
        distance = {
            i: min(known, math.dist(scaled[i], scaled[farthest])) for i, known in distance.items()
        }
    return taken


def places(
    trials: Sequence[Mapping[int, Sequence[float]]],
    directions: Sequence[Direction],
    violations: Sequence[float] = (),
) -> list[dict[int, float]]:
    """Return, for each trial, rung -> its place among all that have reached that rung, from 0.

    Samplers look at the order of values alone, so places say as much as values where there is one
    objective, and say it for several as well, resting trials included. A trial that violates
    constraints has its place behind all that do not, by how far, and dominates none of them.

    Args:
        trials: Of each, rung -> objectives.
        directions: `max` or `min` per objective.
        violations: Of each, how far it is from meeting the constraints; none = all meet them.
    """
    violation = list(violations) or [0.0] * len(trials)
    found: list[dict[int, float]] = [{} for _ in trials]
    for rung in sorted({rung for values in trials for rung in values}):
        there = [i for i, values in enumerate(trials) if rung in values]
        points, missed = [trials[i][rung] for i in there], [violation[i] for i in there]
        for place, k in enumerate(order(points, directions, missed)):
            found[there[k]][rung] = float(place)
    return found
