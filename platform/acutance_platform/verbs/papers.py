"""The papers of a registered version: one JSON document, and the card that people read."""

import json
from typing import Any

from acutance_models import load_generator
from acutance_platform.registry.card import model_card
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.lineage import Lineage
from acutance_storage import get_blob, open_dataset, put_blob


def version_papers(
    weights: str,
    lineage: Lineage | None,
    gate: dict[str, Any],
    measured: dict[str, Any],
    figures: dict[str, Any],
    goal: tuple[str, str],
    home: Home,
) -> dict[str, str]:
    """Store document and card; return `document` and `card`, their hashes.

    Args:
        weights: By hash.
        lineage: What made them; None where that is unknown.
        gate: Name and rules.
        measured: Figures per picture.
        figures: Means and comparisons.
        goal: Registered model and alias.
        home: Where they are stored.
    """
    generator = load_generator(get_blob(home.store, weights))
    names = () if lineage is None else lineage.datasets
    document = {
        "schema": 1,
        "model": goal[0],
        "alias": goal[1],
        "weights": weights,
        "scale": generator.scale,
        "spec": generator.spec,
        "parameters": sum(each.numel() for each in generator.parameters()),
        "lineage": None if lineage is None else lineage.as_dict(),
        "licences": {name: open_dataset(home.store, name).licence for name in names},
        "gate": gate,
        "sets": measured["sets"],
        "figures": figures,
        "machine": measured["machine"],
    }
    text = json.dumps(document, sort_keys=True, indent=1)
    return {
        "document": put_blob(home.store, text.encode()),
        "card": put_blob(home.store, model_card(json.loads(text)).encode()),
    }
