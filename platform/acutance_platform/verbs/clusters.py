"""Work on a Ray cluster that runs already: what its nodes have, and how one is taken away."""

import os
import time
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


def drain(folder: Path, *, within: float) -> tuple[float, int]:
    """Ask all trials on this node to save their state and stop, and wait until they have.

    Ray may go on to place work here for as long as the node lives: what begins within a minute
    after it stops again at once.

    Args:
        folder: The node's own, ACUTANCE_LOCAL.
        within: Seconds until whatever still runs is left to itself.

    Returns:
        The seconds that it took, and how many trials still run.
    """
    from acutance_platform.sweep.places import ask_to_drain, legs_on

    began = time.monotonic()
    ask_to_drain(folder, within=within)
    while (left := legs_on(folder)) and time.monotonic() - began < within:
        time.sleep(0.2)
    return time.monotonic() - began, left
