"""A term of a loss mix: a loss, how much it counts, and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, final

from pydantic import Field

from acutance_models.discriminators import DISCRIMINATORS
from acutance_models.errors import LossError, Problem, RegistryError
from acutance_models.features import resolve_features
from acutance_models.losses.adversarial import Adversarial
from acutance_models.losses.interface import FeatureLoss, Source
from acutance_models.losses.table import LOSSES
from acutance_models.registry import Registry


@final
@dataclass(frozen=True, kw_only=True)
class TermHead:
    """What every term has beside its loss's own arguments.

    Args:
        weight: Factor of this term in the loss mix.
        from_step: The first step, counted from the stage's start, at which it counts.
        until_step: The first step at which it counts no more; null = to the stage's end.
        ramp: Steps over which the weight rises evenly from `from_step` on; 0 = it is there at once.
        normalize: `initial` divides by the term's value for bicubic enlargement on the stage's
            first batch, which makes weights comparable between terms and feature networks.

    Raises:
        LossError: If it would never count.
    """

    weight: Annotated[float, Field(gt=0)]
    from_step: Annotated[int, Field(ge=0)] = 0
    until_step: Annotated[int, Field(ge=1)] | None = None
    ramp: Annotated[int, Field(ge=0)] = 0
    normalize: Literal["initial"] | None = None

    def __post_init__(self) -> None:
        if self.until_step is not None and self.until_step <= self.from_step:
            raise LossError(
                f"A term with until_step={self.until_step} and from_step={self.from_step} never "
                "counts. Let until_step be the larger one, or remove the term."
            )

    def active(self, step: int) -> bool:
        """Return whether the term counts at a step."""
        return self.from_step <= step and (self.until_step is None or step < self.until_step)

    def weight_at(self, step: int) -> float:
        """Return the weight at a step at which the term is active.

        With `ramp: 4` the first four steps have a quarter, a half, three quarters and all of it.
        """
        done = step - self.from_step + 1
        return self.weight * done / self.ramp if done < self.ramp else self.weight


TERM_HEADS: Registry[TermHead] = Registry("loss term", term=TermHead)
"""One row, so that a head is checked and shown like a component."""

_HEAD = tuple(field.name for field in fields(TermHead))


def resolve_term(spec: object) -> dict[str, Any]:
    """Return a term with every default filled in, its feature network's and discriminator's too.

    Args:
        spec: `{kind: NAME, weight: W, ...}`.

    Raises:
        RegistryError: With everything wrong with the term on its own.
    """
    if not isinstance(spec, Mapping):
        rule = f"a term is written {{kind: NAME, weight: W, ...}}, got {spec!r}."
        raise RegistryError([Problem("", spec, rule)])
    head = {"kind": "term", **{name: spec[name] for name in _HEAD if name in spec}}
    rest = {name: value for name, value in spec.items() if name not in _HEAD}
    problems = [*TERM_HEADS.validate(head), *LOSSES.validate(rest)]
    resolved: dict[str, Any] = {}
    if not LOSSES.validate(rest):
        resolved, found = _resolve_parts(LOSSES.resolve(rest))
        problems += found
    if not problems:
        problems = [*_refusals(TERM_HEADS, head), *_refusals(LOSSES, resolved)]
    if problems:
        raise RegistryError(problems)
    head = {name: value for name, value in TERM_HEADS.resolve(head).items() if name != "kind"}
    return {**resolved, **head}


def split_term(resolved: Mapping[str, Any]) -> tuple[TermHead, dict[str, Any]]:
    """Return the head of a resolved term, and the spec of its loss."""
    head = TermHead(**{name: resolved[name] for name in _HEAD})
    return head, {name: value for name, value in resolved.items() if name not in _HEAD}


def source_key(source: Source) -> str:
    """Return one text for all specs of one feature network."""
    return json.dumps(resolve_features(source), sort_keys=True)


def _resolve_parts(resolved: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Fill in the specs inside a loss's spec."""
    constructor: Any = LOSSES[resolved["kind"]]
    known = isinstance(constructor, type) and issubclass(constructor, FeatureLoss | Adversarial)
    problems: list[Problem] = []
    for name, resolve in (
        ("features", resolve_features),
        ("discriminator", DISCRIMINATORS.resolve),
    ):
        if known and resolved.get(name) is not None:
            try:
                resolved[name] = resolve(resolved[name])
            except RegistryError as error:
                problems += [below(name, problem) for problem in error.problems]
    return resolved, problems


def below(place: str, problem: Problem) -> Problem:
    """Return a problem of a part as one of the whole."""
    return replace(problem, path=f"{place}.{problem.path}" if problem.path else place)


def _refusals(table: Registry[Any], spec: Mapping[str, Any]) -> list[Problem]:
    """Return what a constructor refuses though its schema fits."""
    try:
        table.build(spec)
    except RegistryError as error:
        return list(error.problems)
    return []
