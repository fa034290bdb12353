"""`evaluate --suite`: measure a model on a suite, and keep what was measured per picture."""

import json
from dataclasses import dataclass
from typing import Any

from acutance_platform.recipe import refuse
from acutance_platform.registry.suites import Suite, load_suite
from acutance_platform.registry.verdict import means
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.evaluation import Evaluation, evaluate
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.model import Model
from acutance_storage import get_blob, get_ref, put_blob, set_ref

_KIND = "evaluations"


@dataclass(frozen=True)
class SuiteEvaluation:
    """A model on every dataset of a suite."""

    suite: Suite
    """Which, with its version."""
    sets: list[Evaluation]
    """One per dataset, in the suite's order."""
    mean: dict[str, float]
    """Each metric over all pictures of all datasets."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        first = self.sets[0]
        return {
            "model": first.model,
            "weights": first.weights,
            "suite": self.suite.label,
            "protocol": self.suite.protocol,
            "scale": first.scale,
            "sets": [each.as_dict() for each in self.sets],
            "mean": self.mean,
        }


def evaluate_suite(
    model: StrPath | Model,
    suite: str | Suite,
    *,
    scale: int | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    home: Home | None = None,
) -> SuiteEvaluation:
    """Measure a model on a suite under the suite's protocol; the store keeps the result.

    Args:
        model: MODEL, or what `load` returned for it.
        suite: Name of `experiments/suites/NAME.yaml`, a path that ends with .yaml, or a suite.
        scale: Needed for bicubic only.
        tile: Side of the LR tiles; None takes whole pictures.
        self_ensemble: Mean of each picture's eight orientations.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If model or suite cannot be used; nothing is kept then.
        StorageError: If the data cannot be read.
    """
    home = home or open_home()
    found = suite if isinstance(suite, Suite) else load_suite(suite, home.store)
    network = model if isinstance(model, Model) else load_model(model, home)
    how: dict[str, Any] = {"scale": scale, "tile": tile, "self_ensemble": self_ensemble}
    sets = [
        evaluate(network, data, split=split, protocol=found.protocol, home=home, **how)
        for data, split in found.sets
    ]
    scores = [_scores(image) for each in sets for image in each.images]
    result = SuiteEvaluation(found, sets, means(scores))
    name = network.weights or f"bicubic-x{sets[0].scale}"
    plain = "+" if self_ensemble else ""
    sha = put_blob(home.store, json.dumps(result.as_dict(), sort_keys=True).encode())
    set_ref(home.store, _KIND, f"{found.name}/{found.version}/{name}{plain}", {"blob": sha})
    return result


def stored_evaluation(
    model: StrPath | Model, suite: str | Suite, *, home: Home | None = None
) -> SuiteEvaluation:
    """Return what `evaluate_suite` kept of a model, without measuring; arguments are the same.

    Raises:
        RecipeErrors: If these weights were never measured on this version of the suite.
    """
    home = home or open_home()
    found = suite if isinstance(suite, Suite) else load_suite(suite, home.store)
    network = model if isinstance(model, Model) else load_model(model, home)
    ref = get_ref(home.store, _KIND, f"{found.name}/{found.version}/{network.weights}")
    if ref is None:
        rule = f"{network.address} was not measured on {found.label}"
        raise refuse("--stored", found.label, rule, "Leave --stored out to measure it.")
    content = json.loads(get_blob(home.store, ref["blob"]))
    sets = [Evaluation(**{"region": None, **each}) for each in content["sets"]]
    return SuiteEvaluation(found, sets, content["mean"])


def _scores(image: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in image.items() if name != "name"}
