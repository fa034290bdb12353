"""Work on a Ray cluster that runs already: what its nodes have."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from acutance_platform.recipe import load_document
from acutance_platform.verbs.home import Home


def on_cluster(home: Home, address: str | None, recipe: Mapping[str, Any]) -> Home:
    """Return the home with what the nodes of a cluster have; unchanged where there is no cluster.

    Args:
        home: Store and local folder.
        address: Of the cluster; None takes RAY_ADDRESS.
        recipe: As its file says it; its plug-ins go to the nodes, its `resources` are heeded.

    Raises:
        SweepError: If the cluster does not answer, or trials would fail on its nodes.
    """
    address = address or home.address or os.environ.get("RAY_ADDRESS") or None
    if address is None or (home.address == address and home.facts is not None):
        return home
    # Ray takes seconds to import and is needed here alone.
    from acutance_platform.sweep.survey import survey

    resources, plugins = recipe.get("resources"), recipe.get("plugins")
    resources = resources if isinstance(resources, Mapping) else {}
    named = [name for name in plugins if isinstance(name, str)] if plugins else []
    facts = survey(address, home.store, plugins=named, resources=resources)
    return replace(home, facts=facts, address=address)


def raw_recipe(path: Path, sets: Iterable[str]) -> Mapping[str, Any]:
    """Return a recipe or sweep file as it is written, with what `--set` changes."""
    return dict(load_document(path, sets).raw)
