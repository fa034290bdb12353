"""`doctor` for a cluster: can its nodes run the trials of a sweep, and if not, what to do.

Every wait has an end: a node that is dead or hangs is a finding.
"""

import json
import os
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from acutance_platform.sweep.knocking import NO_TOKEN, TOKEN
from acutance_platform.tracking.client import connect
from acutance_platform.tracking.environment import package_versions
from acutance_platform.verbs.findings import Aside, Finding
from acutance_platform.verbs.hiding import without_secrets
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.node_check import FOLDER, QUESTION, code_hash

if TYPE_CHECKING:
    from acutance_platform.sweep.inquiry import NodeAnswer

PATIENCE = 90.0
"""Seconds for all nodes together: on a busy one, importing torch takes long."""

_DISK_FLOOR = 2 * 1024**3
_MEMORY_PER_TRIAL = 1024**3
_SKEW_WARNING, _SKEW_FAILURE = 5.0, 30.0
"""Seconds. A lease lapses when its owner is silent for 60; S3 refuses clocks 900 off."""
_SLOW = 5.0
"""MB/s; a checkpoint of a full-size network has about 100 MB."""
_SECONDS_FOR_TRACKING = 30.0
_SECONDS_FOR_STORE = 30.0
_WORDS = 400


def examine_cluster(home: Home, address: str, *, patience: float = PATIENCE) -> list[Finding]:
    """Look at everything that a sweep on a cluster needs, from each of its nodes.

    Args:
        home: Store and local folder of the driver.
        address: Of the Ray cluster.
        patience: Seconds for the answers of all nodes together.
    """
    # Ray takes seconds to import and is needed here alone.
    from acutance_platform.sweep.errors import SweepError
    from acutance_platform.sweep.inquiry import inquire

    tracking = Aside(_tracking)
    with _mark(home) as mark:
        asked = {"store": home.store.address, "mark": mark}
        try:
            answers = inquire(address, QUESTION, asked, limit=patience)
        except SweepError as error:
            return [_no_cluster(address, str(error)), _tracked(tracking)]
    said = {_called(answer): answer.said for answer in answers if answer.said is not None}
    findings = [*_nodes(address, answers), *_versions(said)]
    for answer in answers:
        if answer.said is not None:
            findings += _node(_called(answer), answer.said, answer.resources)
    return [*findings, _tracked(tracking)]


@contextmanager
def _mark(home: Home) -> Iterator[str]:
    """Write something into the store that nodes have to see; "" where this machine cannot."""
    key = f"{FOLDER}/{uuid.uuid4().hex}"
    try:
        Aside(lambda: home.store.write(key, b"acutance")).result(_SECONDS_FOR_STORE)
        seen = key
    except Exception:  # `doctor` tells that of this machine, without a cluster
        seen = ""
    try:
        yield seen
    finally:
        with suppress(Exception):  # what is left there harms nobody
            Aside(lambda: home.store.delete(key)).result(_SECONDS_FOR_STORE)


def _called(answer: "NodeAnswer") -> str:
    return f"{answer.host} ({answer.node[:8]})"


def _no_cluster(address: str, error: str) -> Finding:
    """Say why a cluster cannot be asked, as far as Ray's words tell."""
    words, advice = without_secrets(error), "Start it, mend the address, or open the port."
    words = words.splitlines()[-1] if words else "no answer"
    if "InvalidAuthToken" in error or NO_TOKEN in error:
        words = f"{address} does not take this process's token, or it has none"
        advice = TOKEN
    elif "ersion mismatch" in error:
        advice = "Use the Ray and Python of the cluster here, or those of constraints.txt there."
    return Finding("cluster", "failure", words[-_WORDS:], advice)


def _nodes(address: str, answers: "Sequence[NodeAnswer]") -> Iterator[Finding]:
    """Say which nodes there are, and of each one that gave no answer why."""
    living = [answer for answer in answers if answer.alive]
    offered = [answer for answer in living if answer.resources.get("CPU", 0) > 0]
    told = ", ".join(
        f"{answer.host}: {answer.resources.get('CPU', 0):g} CPUs, "
        f"{answer.resources.get('GPU', 0):g} GPUs"
        for answer in living
    )
    if offered:
        yield Finding("cluster", "ok", f"{address}: {told}")
    elif any(answer.grows for answer in living):
        words = f"{address} has no node with CPUs; its autoscaler starts them for a sweep"
        advice = "Ask again while a sweep runs, to have its nodes looked at."
        yield Finding("cluster", "warning", words, advice)
    else:
        advice = f"Start a node: ray start --address {address} with --num-cpus above 0."
        yield Finding("cluster", "failure", f"{address} has no node with CPUs: {told}", advice)
    hosts = {answer.host for answer in living}
    # Where an autoscaler starts nodes they also go, when they are idle.
    gone = {answer.host for answer in answers if not (answer.alive or answer.grows)}
    for host in sorted(gone - hosts):
        advice = "Start its node again, if it is to take part."
        yield Finding(f"node {host}", "warning", "it left the cluster", advice)
    for answer in living:
        if answer.said is None:
            advice = "Restart it; `ray start` there needs the packages of constraints.txt."
            words = without_secrets(answer.fault)[-_WORDS:]
            yield Finding(f"node {_called(answer)}", "failure", words, advice)


def _versions(said: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare what may change results, on all nodes and here."""
    if not said:
        return
    here = {"python": platform.python_version(), **package_versions(), "our code": code_hash()[:12]}
    every = {"this machine": here} | {
        node: {"python": told["python"], **told["packages"], "our code": told["code"][:12]}
        for node, told in said.items()
    }
    here.pop("acutance", None)  # what is installed does not count: our code travels
    differing = []
    for name in here:
        found: dict[str, list[str]] = {}
        for node, known in every.items():
            found.setdefault(known.get(name, "missing"), []).append(node)
        if len(found) > 1:
            told = "; ".join(f"{version} on {', '.join(nodes)}" for version, nodes in found.items())
            differing.append(f"{name}: {told}")
    if differing:
        advice = "Install the same constraints.txt everywhere, or use one image for all nodes."
        yield Finding("versions", "failure", "\n".join(differing), advice)
    else:
        told = ", ".join(f"{name} {here[name]}" for name in here)
        yield Finding("versions", "ok", f"equal here and on {len(said)} nodes: {told}")
    kinds = {json.dumps(known["torch"].get("kind")) for known in said.values()}
    if len(kinds) > 1:
        words = f"nodes are of {len(kinds)} kinds: {'; '.join(sorted(kinds))}"
        advice = (
            "Use nodes of one kind, name the kinds and write resources: {nodes: NAME}, or write "
            "resources: {share: any} and expect other bits."
        )
        yield Finding("machine kinds", "warning", words, advice)


def _node(node: str, told: Mapping[str, Any], offered: Mapping[str, float]) -> Iterator[Finding]:
    """Judge what one node said of itself."""
    yield _store(node, told["store"])
    yield _clock(node, told["store"]["skew"])
    free, folder = told["disk"]
    room = Finding(f"disk of {node}", "ok", f"{free / 1024**3:.1f} GiB free at {folder}")
    if free < _DISK_FLOOR:
        advice = "Free some space, or set ACUTANCE_LOCAL there to a larger disk."
        room = Finding(room.subject, "warning", room.said, advice)
    yield room
    available, total = told["memory"]
    words = f"{available / 1024**3:.1f} of {total / 1024**3:.1f} GiB of memory free"
    if available < _MEMORY_PER_TRIAL * max(1.0, offered.get("CPU", 0)):
        advice = "Offer fewer CPUs there (ray start --num-cpus), or raise resources.cpu."
        yield Finding(f"memory of {node}", "warning", words, advice)
    else:
        yield Finding(f"memory of {node}", "ok", words)
    yield _gpus(node, told["torch"], int(offered.get("GPU", 0)))


def _store(node: str, told: Mapping[str, Any]) -> Finding:
    subject = f"store from {node}"
    if told["fault"]:
        advice = (
            "Give that node the store's variables before `ray start`: credentials, "
            "AWS_ENDPOINT_URL_S3; a folder has to be on a disk that all nodes share."
        )
        return Finding(subject, "failure", told["fault"], advice)
    words = f"write, read, list and delete work; {told['up']:g} MB/s up, {told['down']:g} down"
    if min(told["up"], told["down"]) < _SLOW:
        return Finding(subject, "warning", words, "Checkpoints will wait; look at the network.")
    return Finding(subject, "ok", words)


def _clock(node: str, skew: float | None) -> Finding:
    subject, advice = f"clock of {node}", "Let it follow a time server (chrony, systemd-timesyncd)."
    if skew is None:
        return Finding(subject, "warning", "unknown, as the store could not be used", advice)
    words = f"{abs(skew):g} s {'ahead of' if skew > 0 else 'behind'} the store's"
    if abs(skew) > _SKEW_FAILURE:
        return Finding(subject, "failure", words, advice)
    if abs(skew) > _SKEW_WARNING:
        return Finding(subject, "warning", words, advice)
    return Finding(subject, "ok", words if skew else "agrees with the store's")


def _gpus(node: str, told: Mapping[str, Any], offered: int) -> Finding:
    subject = f"gpus of {node}"
    if told.get("fault"):
        advice = "Install torch there as constraints.txt says."
        return Finding(subject, "failure", f"torch does not work: {told['fault']}", advice)
    found = [f"{name}, {total / 1024**3:.0f} GiB" for name, total in told["gpus"]]
    if len(found) < offered:
        words = f"Ray offers {offered}, torch sees {len(found)}"
        advice = "Install a driver and a torch for CUDA, or start the node with fewer --num-gpus."
        return Finding(subject, "failure", words, advice)
    if len(found) > offered:
        words = f"torch sees {len(found)}, Ray offers {offered}"
        advice = "Start the node with --num-gpus, if trials are to use them."
        return Finding(subject, "warning", words, advice)
    return Finding(subject, "ok", "; ".join(found) or "none; trials run on the CPU")


def _tracking() -> str:
    """Return what MLflow says of itself."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not address:
        return "own MLflow server of the machine that runs the sweep"
    connect(address).search_experiments(max_results=1)
    return f"{without_secrets(address)} answers"


def _tracked(asked: "Aside[str]") -> Finding:
    try:
        return Finding("mlflow", "ok", asked.result(_SECONDS_FOR_TRACKING))
    except Exception as error:  # whatever it is, it is the finding
        advice = "Start its server, or mend MLFLOW_TRACKING_URI and its credentials."
        words = without_secrets(f"{type(error).__name__}: {error}")[:_WORDS]
        return Finding("mlflow", "failure", words, advice)
