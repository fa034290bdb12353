"""What a gate measures: the sets, the pictures that do not count, and the stored figures."""

from pathlib import Path
from typing import Any

import yaml

from acutance_models import METRICS
from acutance_platform.registry.gates import Gate
from acutance_platform.registry.suites import Suite, load_suite, present_suites
from acutance_platform.verbs.home import Home, StrPath
from acutance_platform.verbs.lineage import Lineage, find_lineage, seen_pictures
from acutance_platform.verbs.remeasuring import Job
from acutance_storage import open_dataset


def gate_job(
    gate: Gate,
    challenger: str,
    champion: str | None,
    lineage: Lineage | None,
    data: StrPath | None,
    home: Home,
) -> tuple[Job, list[str]]:
    """Return what the clean process has to measure, and notes on what does not count.

    Args:
        gate: Its rules.
        challenger: Weights by hash.
        champion: Weights by hash; None where there is none.
        lineage: Of the challenger.
        data: Further pictures.
        home: Store and local folder.

    Raises:
        RecipeErrors: If a suite or the data cannot be used.
        StorageError: If a dataset is missing.
    """
    before = find_lineage(champion, home) if champion is not None else None
    suites, notes = _suites(gate, home)
    sets = [
        {"data": name, "split": split, "protocol": suite.protocol}
        for suite in suites
        for name, split in suite.sets
    ]
    if gate.test_split and lineage is not None:
        sets = [*_test_split(lineage, home), *sets]
    if data is not None:
        sets.append(_given(data, lineage, home))
    plugins = [
        name
        for each in (lineage, before)
        if each is not None
        for name in each.recipe.get("plugins", [])
    ]
    job: Job = {
        "challenger": challenger,
        "champion": champion,
        "plugins": list(dict.fromkeys(plugins)),
        "gate": gate.model_dump(mode="json"),
        "known": lineage is not None,
        "exclude": sorted(seen_pictures(lineage, home.store) | seen_pictures(before, home.store)),
        "sets": sets,
        "validation": None if lineage is None else _validation(lineage),
    }
    return job, notes


def _suites(gate: Gate, home: Home) -> tuple[list[Suite], list[str]]:
    if gate.suites == "present":
        return present_suites(home.store)
    return [load_suite(name, home.store) for name in gate.suites], []


def _how(lineage: Lineage) -> dict[str, Any]:
    """Return the protocol and degradation by which a recipe measures."""
    recipe = lineage.recipe
    how = {"protocol": recipe["evaluation"]["protocol"]}
    if recipe["data"].get("lr_from") != "stored":
        how["degradation"] = yaml.safe_dump(recipe["data"]["degradation"])
    return how


def _test_split(lineage: Lineage, home: Home) -> list[dict[str, Any]]:
    found = []
    for name in lineage.datasets[:1]:
        if open_dataset(home.store, name).indices("test"):
            found.append({"data": name, "split": "test", **_how(lineage)})
    return found


def _given(data: StrPath, lineage: Lineage | None, home: Home) -> dict[str, Any]:
    """Return the set of `--data`: its pictures are measured as the recipe measures."""
    how = _how(lineage) if lineage is not None else {"protocol": "rcan"}
    if Path(data).is_dir():
        return {"data": str(Path(data).resolve()), "split": "test", **how}
    dataset = open_dataset(home.store, str(data))
    return {"data": f"{dataset.name}@{dataset.version}", "split": "all", **how}


def _validation(lineage: Lineage) -> dict[str, Any]:
    stored = {name: value for name, value in lineage.stored.items() if name in METRICS}
    split = lineage.recipe["evaluation"]["split"]
    return {"data": lineage.datasets[0], "split": split, "stored": stored, **_how(lineage)}
