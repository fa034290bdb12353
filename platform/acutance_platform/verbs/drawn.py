"""The first draws of a sweep that did not start yet, and what its rules do to them."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

from acutance_platform.recipe import Recipe, build_recipe, refuse
from acutance_platform.search.forbidden import DRAWS, survey
from acutance_platform.search.history import told_refused
from acutance_platform.search.refused import Refused, given_up, stuck
from acutance_platform.search.samplers import SAMPLERS, Sampler, Told, propose
from acutance_platform.search.warm import warm_note, warm_told
from acutance_platform.sweep.plan import SweepPlan

LISTED = 24
"""Draws that are looked at for shared and finished stages; of a grid, all."""
_MOST = 10**6


def first_draws(running: SweepPlan) -> tuple[list[tuple[Recipe, dict[str, Any]]], list[Refused]]:
    """Return the draws that do not depend on results: all of a grid, else the first ones.

    Returns:
        The draws that would be trained, with their searched values, and those among them that
        structural constraints refuse.

    Raises:
        RecipeErrors: If the constraints refuse every draw.
    """
    space = running.search.build_space()
    sampler: Sampler = SAMPLERS.build(
        running.search.sampler,
        space=space,
        base=running.recipe,
        directions=running.search.directions,
    )
    grid = running.search.sampler["kind"] == "grid"
    limit = running.search.budget.trials or (_MOST if grid else LISTED)
    found: list[tuple[Recipe, dict[str, Any]]] = []
    refused = list[Refused]()
    history = [told for record in running.warm() for told in warm_told(record)]
    for ordinal in count():
        if len(found) >= limit or (not grid and len(found) >= LISTED):
            break
        if not grid and given_up(refused, len(found)):
            break
        initial, base = running.search.initial, running.recipe
        proposal = propose(sampler, ordinal, history, initial=initial, space=space, base=base)
        if proposal is None:
            break
        drawn = running.recipe_for(proposal.outcome.apply)
        if refusal := running.refusal(drawn):
            refused.append(Refused(len(found), proposal.outcome.assignment, **refusal))
            history.append(told_refused(refused[-1]))
            continue
        found.append((build_recipe(drawn), dict(proposal.outcome.shown)))
        history.append(Told(proposal.outcome.assignment, "running", attrs=proposal.attrs))
    if not found:
        rule = f"a sweep needs a recipe to train, but {stuck(refused, 0)}"
        raise refuse("search.constraints", None, rule, "Run `acutance plan` again then.")
    return found, refused


def draw_notes(running: SweepPlan, listed: int, refused: Sequence[Refused]) -> list[str]:
    """Return what forbidden combinations, constraints and earlier sweeps do to the draws.

    Args:
        running: The sweep.
        listed: Draws that were looked at and would be trained.
        refused: Those that were looked at beside them and would not.
    """
    space = running.search.build_space()
    counts = survey(space, running.recipe) if space.forbidden else {}
    forbidden = [
        f"forbidden combination {index} takes {counts.get(index, 0) / DRAWS:.1%} of random draws"
        for index in range(len(space.forbidden))
    ]
    warm = (warm_note(record) for record in running.warm())
    return [*forbidden, *_refused_notes(listed, refused), *warm]


def _refused_notes(listed: int, refused: Sequence[Refused]) -> list[str]:
    if not refused:
        return []
    rules = Counter(rule for each in refused for rule in each.rules)
    broken = ", ".join(f"{rule}: {count}" for rule, count in rules.most_common())
    return [
        f"constraints refuse {len(refused)} of the first {listed + len(refused)} draws before a"
        f" step is paid ({broken})"
    ]
