"""What came of a rehearsal, asked of those who know: journal, MLflow, S3, Ray."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nodes
import servers
from course import Course, moves
from place import BUCKETS, Place, say
from rich.console import Console
from rich.table import Table

from acutance_platform.search.fold import Sweep
from acutance_platform.tracking.client import connect, experiment_id, list_runs
from acutance_storage import has_blob, open_store

SECONDS_TO_RUN_AGAIN = 90.0
"""In which the trials of a lost node run again after Ray has noticed."""


@dataclass(frozen=True)
class Check:
    """One thing that has to hold."""

    holds: bool
    line: str


def checks(place: Place, records: list[dict[str, Any]], death: dict[str, Any]) -> list[Check]:
    """Return everything that has to hold after the sweep, in the order in which it is told."""
    sweep = Sweep.of(records)
    moved = _moved(place, records, death)
    return [*_ended(sweep), *_node(place, death), *moved, *_kept(place, sweep)]


def called(place: Place) -> dict[str, str]:
    """Return what each node is called: the name that it keeps, and the id of this life of it."""
    names = nodes.host_names(place)
    known = nodes.known(place)
    return {node: f"{names.get(host, host)} ({node})" for node, (host, _) in known.items()}


def _ended(sweep: Sweep) -> Iterator[Check]:
    budget = sweep.search.budget.trials if sweep.search is not None else None
    states = Counter(trial.ended or "left open" for trial in sweep.trials.values())
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    fine = set(states) <= {"COMPLETE", "STOPPED"} and sweep.drawn == (budget or sweep.drawn)
    yield Check(
        fine and sweep.state in ("COMPLETE", "STOPPED"),
        f"the sweep is {sweep.state}: {sweep.drawn} of {budget} trials, {told}",
    )


def _node(place: Place, death: dict[str, Any]) -> Iterator[Check]:
    if not death:
        yield Check(False, "no node was killed: no trial was well under way on one")
        return
    noticed = death["noticed"]
    if noticed is None:
        yield Check(False, f"Ray did not notice that {death['name']} was killed")
    else:
        after = noticed - death["when"]
        yield Check(True, f"{death['name']} was killed; Ray noticed after {after:.1f} s")
    after = f" after {death['back'] - death['when']:.1f} s" if death["back"] else ""
    yield Check(
        death["name"] in nodes.living(place), f"{death['name']} was started again{after}, and lives"
    )


def _moved(place: Place, records: list[dict[str, Any]], death: dict[str, Any]) -> Iterator[Check]:
    if not death:
        return
    names = called(place)
    found = moves(records, death["node"], death["when"])
    if not found:
        yield Check(False, "no trial ran on the node that was killed")
    since = death["noticed"] or death["when"]
    for move in found:
        if not move.target:
            yield Check(False, f"{move.trial} ran on {death['name']} and never again")
            continue
        source, target = (names.get(node, node) for node in (move.source, move.target))
        seconds = move.begun - since
        yield Check(
            seconds <= SECONDS_TO_RUN_AGAIN,
            f"{move.trial} moved at step {move.step} from {source} to {target}, and ran again "
            f"{seconds:.1f} s after its node's death was noticed",
        )


def _kept(place: Place, sweep: Sweep) -> Iterator[Check]:
    client = connect(place.tracking)
    runs = list_runs(client, experiment_id(client, sweep.name), "")
    of_trials = [run for run in runs if run.data.tags.get("acutance.trial") in sweep.trials]
    counts = Counter(run.data.tags["acutance.trial"] for run in of_trials)
    odd = sorted(t for t in sweep.trials if counts[t] != 1)
    yield Check(
        not odd,
        f"MLflow has one run for each of {len(sweep.trials)} trials"
        + (f", but not for {', '.join(odd)}" if odd else ""),
    )
    left = [str(run.info.run_id) for run in runs if run.info.status == "RUNNING"]
    yield Check(not left, f"{len(left)} of {len(runs)} runs are RUNNING")
    yield from _objects(place, sweep, {str(run.info.run_id) for run in of_trials})


def _objects(place: Place, sweep: Sweep, runs: set[str]) -> Iterator[Check]:
    keys = list(artifacts(place))
    parts = [set(key.split("/")) for key in keys]
    without = sorted(run for run in runs if not any(run in part for part in parts))
    example = f", such as {keys[0]}" if keys else ""
    yield Check(
        bool(keys) and not without,
        f"{len(keys)} artifacts are in s3://{BUCKETS[1]}{example}; {len(without)} runs have none",
    )
    store = open_store(local=place.local("driver"))
    weights = {trial.weights for trial in sweep.trials.values() if trial.weights is not None}
    lost = [digest for digest in weights if not has_blob(store, digest)]
    yield Check(
        bool(weights) and not lost,
        f"{len(weights) - len(lost)} of {len(weights)} trials' weights are in s3://{BUCKETS[0]}",
    )


def artifacts(place: Place) -> Iterator[str]:
    """Yield the keys of all artifacts of MLflow, as S3 lists them."""
    pages = servers.s3(place).get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=BUCKETS[1]):
        yield from (entry["Key"] for entry in page.get("Contents", ()))


def show(place: Place, records: list[dict[str, Any]], found: list[Check]) -> bool:
    """Print the trials with their nodes, then what holds and what does not; return if all does."""
    sweep, course = Sweep.of(records), Course()
    for record in records:
        course.feed(record)
    names, known = nodes.host_names(place), nodes.known(place)
    table = Table(
        "trial", "state", "step", "nodes", "weights", title=f"{sweep.name} on the cluster"
    )
    for trial in sweep.trials.values():
        passed = [
            f"{names[known[n][0]]} ({n})" if n in known else n
            for n in course.nodes.get(trial.name, ())
        ]
        digest = (trial.weights or "")[:12]
        table.add_row(trial.name, trial.ended or "", str(trial.step), " > ".join(passed), digest)
    Console().print(table)
    for check in found:
        say(f"{'holds' if check.holds else 'FAILS'}  {check.line}")
    return all(check.holds for check in found)
