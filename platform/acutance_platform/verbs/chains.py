"""What chains of stages share, what of them is paid for, and what each stage takes over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from acutance_models import build_generator, read_tensors
from acutance_platform.recipe import Recipe, chain
from acutance_platform.training import Inheritance, States, compare
from acutance_platform.verbs.home import Home
from acutance_storage import get_blob

Keys = Sequence[tuple[str, int]]
"""Key and absolute end of each stage of a chain."""


@dataclass(frozen=True)
class Payment:
    """The stages of some draws, each listed once."""

    stages: list[dict[str, Any]]
    """Key, name, steps, how many draws share it, whether its result exists already."""
    saved: int
    """Steps that the draws need not compute, because a stage is shared or finished."""
    fresh: list[int]
    """By draw: steps of stages before its last one that no earlier draw needs and nobody paid."""
    done: float
    """Share of the draws whose last stage is finished."""

    def prefix_steps(self, trials: int) -> float:
        """Return the steps before the last stages of so many trials, each distinct stage once.

        Beyond the draws that are known, new stages come as often as in their later half.
        """
        known = min(trials, len(self.fresh))
        later = self.fresh[known // 2 : known]
        rate = sum(later) / len(later) if later else 0.0
        return sum(self.fresh[:known]) + rate * (trials - known)


def payment(recipes: Sequence[Recipe], keys_of: Callable[[Recipe], Keys], home: Home) -> Payment:
    """Return what draws share and what is paid for."""
    known: dict[str, dict[str, Any]] = {}
    fresh, done = [], 0
    for recipe in recipes:
        new = 0
        links, keys = chain(recipe), keys_of(recipe)
        for link, (key, end) in zip(links, keys, strict=True):
            if key not in known:
                cached = _is_finished(key, end, home)
                told = {"name": link.name, "steps": link.stage.steps}
                known[key] = {"key": key, "shared_by": 0, "cached": cached, **told}
                new += 0 if cached or link is links[-1] else link.stage.steps
            known[key]["shared_by"] += 1
        fresh.append(new)
        done += known[keys[-1][0]]["cached"]
    stages = list(known.values())
    saved = sum(each["steps"] * (each["shared_by"] - (not each["cached"])) for each in stages)
    return Payment(stages, saved, fresh, done / len(recipes) if recipes else 0.0)


def inheritances(recipe: Recipe, home: Home) -> list[dict[str, Any]]:
    """Return by stage which tensors it takes over; of the first one without `init`, none."""
    found, parent = [], dict[str, Tensor]()
    init = chain(recipe)[0].stage.init
    if init is not None:
        parent = read_tensors(get_blob(home.store, init.removeprefix("blob:")))
    for link in chain(recipe):
        with torch.device("meta"):
            spec = link.recipe.generator
            own = build_generator(spec, scale=recipe.scale, seed=None).state_dict()
        told = {"name": link.name, "steps": link.stage.steps}
        found.append({**told, **_told(compare(own, parent))})
        parent = own
    return found


def _told(found: Inheritance) -> Mapping[str, Any]:
    return {
        "inherited": len(found.kept),
        "fresh": list(found.fresh),
        "dropped": list(found.dropped),
    }


def _is_finished(key: str, end: int, home: Home) -> bool:
    saved = States(home.store, key, local=home.local, keep=1).newest_step()
    return saved is not None and saved >= end
