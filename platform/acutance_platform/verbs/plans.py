"""A sweep's resolved file as a plan that a driver can run."""

from collections.abc import Mapping
from typing import Any

from acutance_platform.recipe import Problem, Recipe, RecipeErrors, build_recipe, chain
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.journals import open_sweep as journal_of
from acutance_platform.search.schema import Search, parse_search
from acutance_platform.search.seeds import seeded
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.search.warm import warm_record
from acutance_platform.sweep.plan import Stages, SweepPlan
from acutance_platform.training import feature_files, machine_kind, stage_keys, structural_costs
from acutance_platform.training.costs import memory_of_trial
from acutance_platform.verbs.files import File
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Told, is_name
from acutance_storage import ImageDataset, open_dataset


def spec_of(file: File) -> dict[str, Any]:
    """Return a file as the journal's first record keeps it: plain data, complete."""
    spec = file.recipe.model_dump(mode="json")
    if file.search is not None:
        spec["search"] = file.search.model_dump(mode="json")
    return spec


def base_recipe(spec: dict[str, Any]) -> Recipe:
    """Return the recipe of a spec, without its search section.

    Raises:
        RecipeErrors: If it cannot be built any more, for example without its plug-in.
    """
    return build_recipe({key: value for key, value in spec.items() if key != "search"})


def sweep_plan(name: str, spec: dict[str, Any], home: Home) -> SweepPlan:
    """Return the plan of a sweep, its machine kind resolved for this machine."""
    recipe = base_recipe(spec)
    machine = machine_kind(recipe, home.facts)
    dataset = open_dataset(home.store, recipe.data.dataset)

    def stages_of(drawn: dict[str, Any]) -> Stages:
        complete = build_recipe(drawn)
        keys = stage_keys(
            complete,
            dataset_version=dataset.version,
            machine=machine.for_recipe(complete),
            rungs=plan.rungs_of(drawn),
            files=feature_files(complete, home.store),
        )
        return tuple(zip(keys, (link.end for link in chain(complete)), strict=True))

    def memory_of(drawn: dict[str, Any]) -> float | None:
        complete = build_recipe(drawn)
        if complete.zero_shot is not None:
            return None
        return memory_of_trial(complete, *_largest_picture(complete, dataset))

    search, around = parse_search(spec["search"]), recipe.model_dump(mode="json")
    plan = SweepPlan(
        name=name,
        recipe=around,
        search=search,
        check=build_recipe,
        stages=stages_of,
        costs=lambda drawn: structural_costs(build_recipe(drawn)),
        memory=memory_of,
        machine=machine,
        warm=lambda: warm_records(search, around, home),
    )
    return plan


def _largest_picture(recipe: Recipe, dataset: ImageDataset) -> tuple[int, int]:
    """Return height and width of the largest picture that trials are measured on."""
    measured = [dataset.pictures[i] for i in dataset.indices(recipe.evaluation.split)]
    sizes = [(picture.height, picture.width) for picture in measured]
    return max(sizes, key=lambda size: size[0] * size[1])


def warm_records(search: Search, recipe: Mapping[str, Any], home: Home) -> list[Record]:
    """Return what the earlier sweeps that a search names tell it.

    Raises:
        RecipeErrors: If one is not there, or its values do not compare with those of this sweep.
    """
    records: list[Record] = []
    problems: list[Problem] = []
    for name in search.from_sweeps:
        earlier = journal_of(home.store, name) if is_name(name) else Sweep()
        record, found = warm_record(name, earlier, search, recipe)
        records.append(record)
        problems += found
    if problems:
        raise RecipeErrors(problems)
    return records


def trial_recipe(told: Told, trial: str) -> Recipe:
    """Return the complete recipe of a trial.

    Raises:
        RecipeErrors: If it cannot be built any more, for example without its plug-in.
    """
    spec = dict(told.sweep.spec)
    search, known = spec.pop("search", None), told.sweep.trials[trial]
    if search is None:
        return build_recipe(apply_to(spec, known.overrides))
    space = parse_space(search["space"])
    outcome = space.replay(known.assignment, spec)
    return build_recipe(seeded(apply_to(spec, {**outcome.apply, **known.overrides}), known))
