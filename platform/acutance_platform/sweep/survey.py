"""What the nodes of a cluster have, asked of each before a sweep starts.

The driver needs not be like its nodes: `auto` fields and the machine kind, and with it every stage
key, follow from what the nodes say.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from acutance_platform.sweep.autoscaler import autoscaler, share_wanted
from acutance_platform.sweep.cluster import connected
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.places import node_folder
from acutance_platform.sweep.placing import Room, Share, node_of
from acutance_platform.training.machine import Facts
from acutance_storage import BlobStore, open_store

PATIENCE = 120.0
"""Seconds for all nodes together: on a busy one, importing torch takes long."""
_TRIES = 3
"""How often nodes are asked that all went before they answered."""


@dataclass(frozen=True)
class Answer:
    """What one node said."""

    node: str
    """Its address."""
    facts: Facts | None
    """What it has; None where its packages do not work."""
    fault: str = ""
    """Why it cannot train; empty where it can."""


def survey(
    address: str, store: BlobStore, *, plugins: Collection[str], resources: Mapping[str, Any]
) -> Facts:
    """Return what the nodes of a cluster have; the largest counts of processors and GPUs.

    Those are asked that can run a trial, or all if none can. Where none can and an autoscaler
    runs, one is waited for.

    Args:
        address: Of the Ray cluster.
        store: Every node has to read what this process writes there.
        plugins: Modules that the nodes are sent beside our own.
        resources: Of the recipe, as its file says them. With `share: any` nodes of several kinds
            may take part; the most frequent kind is told.

    Raises:
        SweepError: If no node answers, one cannot reach the store, kinds are mixed, or the
            autoscaler can start no node that can run a trial.
    """
    token = f"doctor/{secrets.token_hex(8)}"
    store.write(token, b"acutance")
    try:
        with connected(address, plugins=plugins):
            for _ in range(_TRIES):
                answers = _ask(store.address, token, share_wanted(resources))
                if answers or autoscaler() is None:
                    break
    finally:
        with suppress(Exception):  # what is left there harms nobody
            store.delete(token)
    return _agreed(answers, mixed=resources.get("share") == "any")


def _ask(store: str, token: str, share: Share) -> list[Answer]:
    """Return what each node says in time that can run a leg; each that can train, if none can."""
    known: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    nodes = [node for node in known if node["Alive"] and node["Resources"].get("CPU", 0) > 0]
    able = [node for node in nodes if Room([node_of(node)]).place_for(share) is not None]
    nodes = able or nodes
    look = ray.remote(num_cpus=0, max_retries=0)(_look)
    asked = {
        look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(store, token): node
        for node in nodes
    }
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE) if asked else ([], 0)
    answers = {asked[task]["NodeID"]: _answer(asked[task], task) for task in ready}
    # An autoscaler may have ended an idle one meanwhile, which is no fault of it.
    there = {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]  # ray 2.60
    return [answer for node, answer in answers.items() if node in there]


def _answer(known: Mapping[str, Any], task: Any) -> Answer:
    node = known["NodeManagerAddress"]
    try:
        told = ray.get(task, timeout=10)
    except Exception as error:  # a node that fails here would fail every trial
        return Answer(node, None, f"it cannot run our code: {error}"[-2000:])
    facts = Facts(**told["facts"]) if told["facts"] else None
    return Answer(f"{node} ({told['host']})", facts, told["fault"])


def _look(store: str, token: str) -> dict[str, Any]:
    """Run on a node: what it has, and whether it sees the store that the driver sees."""
    found: dict[str, Any] = {"host": socket.gethostname(), "facts": None, "fault": ""}
    try:
        open_store(store, local=node_folder(None)).read(token)
    except Exception as error:
        found["fault"] = f"it does not see what the driver wrote to {store}: {error}"
        return found
    # In a process of its own: this worker hides the GPUs that nobody gave to it, and is kept.
    code = (
        "import json, dataclasses; from acutance_platform.training.machine import facts_here;"
        "print(json.dumps(dataclasses.asdict(facts_here())))"
    )
    variables = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        found["facts"] = json.loads(done.stdout.splitlines()[-1])
    else:
        found["fault"] = f"its packages do not work: {done.stderr.strip()[-500:]}"
    return found


def _agreed(answers: list[Answer], *, mixed: bool) -> Facts:
    """Return what the nodes have in common; refuse a cluster on which trials would fail."""
    if not answers:
        raise SweepError(
            f"no node of the cluster that has CPUs answered within {PATIENCE:.0f} s. Start one "
            "with `ray start --address`; where there are some, `acutance doctor` says how they "
            "are, and busy ones may answer at the next try."
        )
    faults = [f"{answer.node}: {answer.fault}" for answer in answers if answer.fault]
    if faults:
        raise SweepError(
            "these nodes cannot train:\n  "
            + "\n  ".join(faults)
            + "\nGive all nodes one store (ACUTANCE_STORE=s3://…) with its credentials and the "
            "packages of constraints.txt, or take the node out; `acutance doctor` looks closer."
        )
    facts = [answer.facts for answer in answers if answer.facts is not None]
    kinds = Counter(_kind(each) for each in facts)
    if len(kinds) > 1 and not mixed:
        told = "\n  ".join(f"{answer.node}: {_words(answer.facts)}" for answer in answers)
        raise SweepError(
            f"the nodes are of {len(kinds)} kinds, on which the same training gives other bits:"
            f"\n  {told}\nUse nodes of one kind, give each kind a name and write `resources: "
            "{nodes: NAME}` (docs/how-to/cluster.md), or write `resources: {share: any}`: then "
            "trials run anywhere, and equal bits are not promised."
        )
    (kind, _), *_ = kinds.most_common()
    return replace(
        kind, cpus=max(each.cpus for each in facts), gpus=max(each.gpus for each in facts)
    )


def _kind(facts: Facts) -> Facts:
    """Return facts without counts: a node with more GPUs is of the same kind."""
    return replace(facts, cpus=0, gpus=min(1, facts.gpus))


def _words(facts: Facts | None) -> str:
    told: Mapping[str, Any] = asdict(facts) if facts else {}
    return ", ".join(f"{name} {value}" for name, value in told.items() if value)
