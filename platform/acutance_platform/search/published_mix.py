"""`{preset: esrgan}` in an initial point: a loss mix as it was published."""

from collections.abc import Collection, Mapping
from typing import Any

from acutance_models.published import LOSS_WEIGHTS
from acutance_platform.recipe.errors import Problem

_KEY = "preset"


def names_preset(value: Any, terms: Collection[str]) -> bool:
    """Say whether a value names a preset; where a term is called `preset`, none is named."""
    return isinstance(value, Mapping) and _KEY in value and _KEY not in terms


def published_mix(
    value: Mapping[str, Any], terms: Collection[str], place: str, problems: list[Problem]
) -> dict[str, float]:
    """Return the published weights of those of the terms that the preset has.

    Args:
        value: `{preset: NAME}`.
        terms: Names of the terms whose weights are searched.
        place: Where the value stands, for messages.
        problems: Receives what is wrong; the weights are empty then.
    """
    name = value[_KEY]
    if len(value) > 1 or not isinstance(name, str) or name not in LOSS_WEIGHTS:
        rule = "a preset with published loss weights, and nothing beside it, is named"
        way_out = f"Presets: {', '.join(LOSS_WEIGHTS)}. Or write the weights out."
        problems.append(Problem(place, str(value), rule, way_out))
        return {}
    published = LOSS_WEIGHTS[name].weights
    found = {term: weight for term, weight in published.items() if term in terms}
    if not found:
        rule = f"{name} was published with the terms {', '.join(published)}, none of which is here"
        way_out = f"Name another preset, or write the weights of {', '.join(terms)} out."
        problems.append(Problem(place, str(value), rule, way_out))
    return found
