"""What constraints say of a sweep file's own points, before anything runs."""

from collections.abc import Iterator

from acutance_platform.recipe import Problem, Recipe, RecipeErrors, build_recipe
from acutance_platform.search.constraints import violations
from acutance_platform.search.initial import PLACE
from acutance_platform.search.samplers import SAMPLERS, propose
from acutance_platform.search.schema import Search
from acutance_platform.search.space import Space, apply_to
from acutance_platform.training import structural_costs


def initial_cost_problems(search: Search, space: Space, recipe: Recipe) -> Iterator[Problem]:
    """Yield each constraint that the structure of an initial point breaks.

    What a point leaves out is drawn by its place in the list and the recipe's seed alone: what is
    looked at here is what the sweep will propose.

    Args:
        search: With the points.
        space: The section's space.
        recipe: Around it, complete.
    """
    if not search.rules or not search.initial:
        return
    base = recipe.model_dump(mode="json")
    sampler = SAMPLERS.build(search.sampler, space=space, base=base, directions=search.directions)
    for index, _ in enumerate(search.initial):
        proposal = propose(sampler, index, [], initial=search.initial, space=space, base=base)
        if proposal is None:
            continue
        try:
            costs = structural_costs(build_recipe(apply_to(base, proposal.outcome.apply)))
        except RecipeErrors:
            continue  # a recipe that cannot be built is told elsewhere
        missed = violations(search.rules, costs)
        for rule in search.rules:
            if rule.metric in missed and not rule.holds(costs[rule.metric]):
                value = f"{rule.metric} {costs[rule.metric]:g}"
                way_out = "Change the point or the constraint; what a point leaves out is drawn."
                words = f"a point that is to run meets the constraints, and {rule} is one"
                yield Problem(f"{PLACE}.{index}", value, words, way_out)
