"""From the `search.space` table of a file to a `Space`, or to all of its problems at once."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.search.conditions import When, parse_when
from acutance_platform.search.contradictions import condition_problems
from acutance_platform.search.distributions import Choice, is_distribution, parse_distribution
from acutance_platform.search.forbidden import forbidden_problems, parse_forbidden
from acutance_platform.search.paths import MISSING, get_path, is_below, overlap
from acutance_platform.search.simplex import UNIT, Simplex, parse_simplex
from acutance_platform.search.space import Branch, Space, Variable
from acutance_platform.search.variants import parse_variants, unknown_fields

PLACE = "search.space"


def parse_space(
    table: Any,
    base: Mapping[str, Any] | None = None,
    forbidden: Sequence[Mapping[str, Any]] = (),
) -> Space:
    """Read the table of a search space.

    Args:
        table: Dotted recipe path, or name of variants -> distribution, as it stands in the file.
        base: The recipe around it; with it, paths are checked against what the recipe holds.
        forbidden: Combinations that are never tried, as `search.forbidden` lists them.

    Raises:
        RecipeErrors: With every problem that was found.
    """
    if not isinstance(table, dict) or not table:
        rule = "a search space maps at least one recipe path to a distribution"
        way_out = "Write for example optimizer.lr: {log_uniform: [1.0e-4, 1.0e-3]}."
        raise RecipeErrors([Problem(PLACE, str(table), rule, way_out)])
    problems: list[Problem] = []
    variables: list[Variable] = []
    for path, node in table.items():
        variables += _entry(str(path), node, problems)
    space = Space(tuple(variables))
    problems += _collisions(space)
    if base is not None and not problems:
        problems += _off_the_recipe(space, base)
    ordered = _ordered(variables, problems)
    rules = parse_forbidden(forbidden, problems)
    if problems:
        raise RecipeErrors(problems)
    space = Space(tuple(ordered), rules)
    if base is not None:
        problems += [*condition_problems(space, base), *forbidden_problems(space, base)]
    if problems:
        raise RecipeErrors(problems)
    return space


def _entry(path: str, node: Any, problems: list[Problem]) -> Iterator[Variable]:
    place = f"{PLACE}.{path}"
    if not all(path.split(".")):
        rule = "a path is names joined by single dots"
        problems.append(Problem(place, path, rule, "Write for example optimizer.lr."))
    elif not is_distribution(node):
        rule = "an entry is {choice|int|uniform|log_uniform|simplex|variants: ...}"
        way_out = "Set a fixed value in the recipe, outside search."
        problems.append(Problem(place, str(node), rule, way_out))
    else:
        yield from _variables(path, path, node, None, place, problems)


def _variables(
    name: str,
    path: str,
    node: dict[str, Any],
    branch: Branch | None,
    place: str,
    problems: list[Problem],
) -> Iterator[Variable]:
    """Yield the variable of one distribution, then those nested in its options."""
    when: When | None = None
    if "when" in node:
        parsed = parse_when(node["when"], f"{place}.when")
        if isinstance(parsed, Problem):
            problems.append(parsed)
        else:
            when = parsed
    if "simplex" in node:
        yield from _mix(path, node, branch, when, place, problems)
        return
    if "variants" in node:
        yield from _named(name, node, branch, when, place, problems)
        return
    distribution = parse_distribution(node, place, problems)
    if distribution is None:
        return
    if not isinstance(distribution, Choice):
        yield Variable(name, path, distribution, branch, when)
        return
    options, nested = [], []
    for index, option in enumerate(distribution.options):
        found: list[tuple[str, dict[str, Any]]] = []
        here = f"{place}.choice.{index}"
        options.append(_without_nested(option, "", found, here, problems))
        nested += [(index, below, inner) for below, inner in found]
    yield Variable(name, path, Choice(tuple(options)), branch, when)
    for index, below, inner in nested:
        yield from _variables(
            f"{name}[{index}]{below}",
            f"{path}{below}",
            inner,
            Branch(name, index),
            f"{place}.choice.{index}{below}",
            problems,
        )


def _mix(
    path: str,
    node: dict[str, Any],
    branch: Branch | None,
    when: When | None,
    place: str,
    problems: list[Problem],
) -> Iterator[Variable]:
    """Yield the variables of a simplex: the subset where it is sparse, then each term's."""
    if branch is not None:
        rule = "a simplex stands at the top of the table, not inside a choice"
        problems.append(Problem(place, str(node), rule, "Give it an entry of its own."))
        return
    mix = parse_simplex(path, node, place, problems)
    if mix is None:
        return
    if mix.sparse:
        yield Variable(mix.name(None), path, mix.subsets, None, when, mix)
    for term in mix.terms:
        yield Variable(mix.name(term), f"{path}.{term}.weight", UNIT, None, when, mix, term)


def _named(
    name: str,
    node: dict[str, Any],
    branch: Branch | None,
    when: When | None,
    place: str,
    problems: list[Problem],
) -> Iterator[Variable]:
    """Yield the variable of named variants."""
    if branch is not None:
        rule = "variants stand at the top of the table, not inside a choice"
        way_out = "Give them an entry of their own, with a when."
        problems.append(Problem(place, str(node), rule, way_out))
        return
    variants = parse_variants(name, node, place, problems)
    if variants is not None:
        yield Variable(name, name, variants.labels, None, when, variants=variants)


def _without_nested(
    node: Any,
    below: str,
    found: list[tuple[str, dict[str, Any]]],
    place: str,
    problems: list[Problem],
) -> Any:
    """Return an option without its distributions, which are added to `found`."""
    if is_distribution(node):
        found.append((below, node))
        return None
    if isinstance(node, dict):
        rest = {
            key: _without_nested(child, f"{below}.{key}", found, f"{place}.{key}", problems)
            for key, child in node.items()
        }
        return {key: child for key, child in rest.items() if not is_distribution(node[key])}
    if isinstance(node, list) and any(is_distribution(item) for item in node):
        rule = "a distribution stands in a map, not in a list"
        way_out = "List the whole lists to choose from, or search PATH.INDEX by itself."
        problems.append(Problem(place, str(node), rule, way_out))
    return node


def _collisions(space: Space) -> list[Problem]:
    """Return a problem for each pair of entries of which one would overwrite the other."""
    problems: dict[tuple[str, str], Problem] = {}
    written = list(space.written())
    for index, leaf in enumerate(written):
        for other in written[:index]:
            pair = leaf.owner.path, other.owner.path
            if pair[0] != pair[1] and overlap(leaf.path, other.path):
                there = other.place.removeprefix(f"{PLACE}.")
                rule = f"two entries may not set one path, but {there} sets it too"
                way_out = "Put both into one choice of maps or one variant, or remove one."
                problems.setdefault(pair, Problem(leaf.place, leaf.path, rule, way_out))
    return list(problems.values())


def _off_the_recipe(space: Space, base: Mapping[str, Any]) -> list[Problem]:
    """Return the entries and conditions whose paths lead nowhere in the recipe."""
    problems: list[Problem] = []
    written = [leaf.path for leaf in space.written()] + [each.name for each in space.named]
    for variable in space:
        if variable.variants is not None:
            problems += unknown_fields(variable.variants, base)
            for path, place in variable.variants.places():
                problems += _unreachable(path, place, base, written)
        elif variable.branch is None:
            place = f"{PLACE}.{variable.path}"
            problems += _unreachable(variable.path, place, base, written)
        if variable.simplex is not None and variable.term is not None:
            problems += _missing_terms(variable.simplex, variable.term, base)
        when = variable.when
        if when is None or get_path(base, when.path) is not MISSING:
            continue
        if not any(overlap(leaf, when.path) for leaf in written):
            rule = "a condition reads a path of the recipe or of the search space"
            way_out = "Check its spelling; defaults have to be written out to be read."
            problems.append(Problem(f"{PLACE}.{variable.path}.when", when.path, rule, way_out))
    return problems


def _missing_terms(mix: Simplex, term: str, base: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem if the recipe has no such term whose weight could be drawn."""
    terms = get_path(base, mix.path)
    if not isinstance(terms, Mapping) or term not in terms:
        known = ", ".join(terms) if isinstance(terms, Mapping) else "none"
        rule = f"a simplex draws the weights of terms that the recipe has at {mix.path}"
        yield Problem(f"{PLACE}.{mix.path}.simplex", term, rule, f"Its terms: {known}.")


def _unreachable(
    path: str, place: str, base: Mapping[str, Any], written: list[str]
) -> Iterator[Problem]:
    """Yield a problem if a value stands where `path` needs a map to pass through."""
    parts = path.split(".")
    for depth in range(1, len(parts)):
        above = ".".join(parts[:depth])
        node = get_path(base, above)
        if node is MISSING or any(is_below(above, leaf) for leaf in written):
            return
        if not isinstance(node, dict | list):
            rule = f"{above} is {node!r} in the recipe, nothing can be set below it"
            yield Problem(place, "", rule, f"Search {above} as a whole.")
            return


def _ordered(variables: list[Variable], problems: list[Problem]) -> list[Variable]:
    """Return the variables with everything after what it needs, else in the file's order."""
    by_name = {variable.name: variable for variable in variables}
    needs = {v.name: {w.name for w in variables if _needs(v, w)} for v in variables}
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = [by_name[name] for name in error.args[1]]
        conditions = [variable for variable in circle if variable.when is not None]
        if conditions:
            place = f"{PLACE}.{conditions[0].path}.when"
            rule, way_out = "conditions may not go round in a circle", "Remove one of these."
        else:
            place = f"{PLACE}.{circle[0].path}"
            rule = "of two entries one has to come first, but each sets a map above what others set"
            way_out = "Set one map's values one by one, or put all into one entry."
        problems.append(Problem(place, " -> ".join(error.args[1]), rule, way_out))
        return variables
    position = {variable.name: index for index, variable in enumerate(variables)}
    order: list[Variable] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=position.__getitem__)
        name = ready.pop(0)
        order.append(by_name[name])
        sorter.done(name)
    return order


def _needs(variable: Variable, other: Variable) -> bool:
    """Say whether `other` has to be drawn before `variable`."""
    if variable.branch is not None and variable.branch.variable == other.name:
        return True
    when = variable.when
    if when is not None and any(overlap(path, when.path) for path in other.writes):
        return True
    mix = other.simplex
    if mix is not None:
        if variable.simplex == mix:
            return other.term is None and variable.term is not None
        # Weights are set when all of a mix is drawn, and stand before what lies below it.
        below = any(is_below(path, mix.path) for path in variable.writes)
        return below or (when is not None and overlap(mix.path, when.path))
    # A map is replaced as a whole before anything below it is set.
    return (
        variable.branch is None
        and other.name != variable.name
        and any(p != q and is_below(p, q) for p in variable.writes for q in other.writes)
    )
