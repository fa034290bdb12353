"""A loss mix as a point of a simplex: shares of terms that add up to a total."""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from acutance_platform.recipe.errors import Problem
from acutance_platform.search.distributions import Choice, Real

UNIT = Real(0.001, 0.999)
"""What is drawn for each term; the ends are cut off, so that no share is exactly 0 or 1."""
_LEAST = math.log(UNIT.high) / math.log(UNIT.low)
"""The smallest share that is drawn beside the largest, as a part of it."""
MOST_TERMS = 8
"""Terms of a sparse simplex: 255 subsets."""
_SUBSET = "subset"
_KEYS = {"simplex", "total", "sparse", "when"}


@dataclass(frozen=True)
class Simplex:
    """Weights of loss terms, uniform over all shares that add up to `total`.

    Attributes:
        path: Dotted recipe path of the map of terms.
        terms: Their names.
        total: What the weights add up to.
        sparse: Whether a non-empty subset of the terms is drawn first; the others are absent.

    Source:
        Shares -ln(u) divided by their sum, u uniform, are uniform on the simplex (Devroye 1986,
        chapter V, theorem 2.2).
    """

    path: str
    terms: tuple[str, ...]
    total: float = 1.0
    sparse: bool = False

    @property
    def subsets(self) -> Choice:
        """Every non-empty subset of the terms, the single ones first."""
        sizes = range(1, len(self.terms) + 1)
        return Choice(tuple(s for size in sizes for s in combinations(self.terms, size)))

    def name(self, term: str | None) -> str:
        """Return the name of a term's variable, or of the subset's."""
        return f"{self.path}[{term}]" if term is not None else f"{self.path}[{_SUBSET}]"

    def taken(self, assignment: Mapping[str, int | float]) -> tuple[str, ...]:
        """Return the terms of the subset that was drawn; all where it is not sparse."""
        if not self.sparse:
            return self.terms
        return tuple(self.subsets.options[int(assignment[self.name(None)])])

    def weights(self, assignment: Mapping[str, int | float]) -> dict[str, float]:
        """Return the weight of each term that was taken."""
        taken = self.taken(assignment)
        drawn = {term: -math.log(assignment[self.name(term)]) for term in taken}
        whole = sum(drawn.values())
        return {term: float(f"{self.total * x / whole:.12g}") for term, x in drawn.items()}

    def assignment(self, weights: Mapping[str, float]) -> dict[str, int | float]:
        """Return what would have to be drawn for these weights; absent terms are left out.

        Raises:
            ValueError: If the weights are not those of some terms of this simplex.
        """
        if not isinstance(weights, Mapping) or not all(map(_is_number, weights.values())):
            raise ValueError("a loss mix is a map of TERM: WEIGHT")
        unknown = [term for term in weights if term not in self.terms]
        if unknown or not weights or min(weights.values()) <= 0:
            raise ValueError(f"weights above 0 of some of {', '.join(self.terms)} are needed")
        if len(weights) < len(self.terms) and not self.sparse:
            raise ValueError(
                f"all of {', '.join(self.terms)} are needed: the simplex is not sparse"
            )
        whole = sum(weights.values())
        # Any multiple of the shares would do: this one keeps the largest u in the middle.
        shares = {term: weight / whole for term, weight in weights.items()}
        least = min(shares.values())
        if least / max(shares.values()) < _LEAST:
            raise ValueError(f"no weight may be below {_LEAST:.2g} of the largest: none is drawn")
        factor = min(1.0, -math.log(UNIT.low) / max(shares.values()))
        factor = max(factor, -math.log(UNIT.high) / least)
        found: dict[str, int | float] = {
            self.name(term): min(max(math.exp(-factor * share), UNIT.low), UNIT.high)
            for term, share in shares.items()
        }
        if self.sparse:
            subset = tuple(term for term in self.terms if term in weights)
            found[self.name(None)] = self.subsets.options.index(subset)
        return found

    def apply(self, terms: Mapping[str, Any], assignment: Mapping[str, int | float]) -> Any:
        """Return the recipe's map of terms with the drawn weights, absent terms taken out."""
        weights = self.weights(assignment)
        return {
            name: {**copy.deepcopy(term), "weight": weights[name]} if name in weights else term
            for name, term in terms.items()
            if name in weights or name not in self.terms
        }


def parse_simplex(
    path: str, node: dict[str, Any], place: str, problems: list[Problem]
) -> Simplex | None:
    """Read `{simplex: [TERM, ...], total: T, sparse: false}`; problems are added, then None."""
    found = list(_problems(node, place))
    problems += found
    if found:
        return None
    total, sparse = float(node.get("total", 1.0)), bool(node.get("sparse", False))
    return Simplex(path, tuple(node["simplex"]), total, sparse)


def _problems(node: dict[str, Any], place: str) -> Iterator[Problem]:
    terms, total, sparse = node["simplex"], node.get("total", 1.0), node.get("sparse", False)
    for extra in sorted(set(node) - _KEYS, key=str):
        rule = "simplex knows only sparse, total and when beside it"
        yield Problem(f"{place}.{extra}", str(node[extra]), rule, "Remove it.")
    named = isinstance(terms, list) and all(isinstance(term, str) for term in terms)
    if not named or len(set(terms)) != len(terms) or len(terms) < 2:
        rule = "a simplex lists two or more names of loss terms, each once"
        way_out = "Write for example simplex: [pixel, texture]."
        yield Problem(f"{place}.simplex", str(terms), rule, way_out)
    elif sparse is True and _SUBSET in terms:
        rule = f"of a sparse simplex no term is called {_SUBSET}: the drawn subset is"
        yield Problem(f"{place}.simplex", str(terms), rule, "Give the term another name.")
    elif sparse is True and len(terms) > MOST_TERMS:
        rule = f"a sparse simplex has at most {MOST_TERMS} terms"
        yield Problem(f"{place}.simplex", str(len(terms)), rule, "Leave some out.")
    if not _is_number(total) or total <= 0:
        yield Problem(f"{place}.total", str(total), "a total is above 0", "Write total: 1.0.")
    if not isinstance(sparse, bool):
        yield Problem(f"{place}.sparse", str(sparse), "sparse is true or false", "Write true.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
