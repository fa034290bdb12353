"""Asks every node of a cluster the same question, and waits no longer than it was told.

A process of its own asks: a connection to Ray may hang, end its process, or print where one JSON
document is expected (Ray 2.60). It is ended when its time is over, whatever it waits for.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from acutance_platform.sweep.autoscaler import autoscaler
from acutance_platform.sweep.cluster import connected
from acutance_platform.sweep.errors import SweepError

_SECONDS_TO_START = 15.0
"""What importing Ray and ending take beside the asking."""
_LAST_WORDS = 2000


@dataclass(frozen=True)
class NodeAnswer:
    """What one node said."""

    node: str
    """First digits of its id."""
    host: str
    """Its address."""
    resources: Mapping[str, float]
    """What Ray offers of it: CPU, GPU, memory and the like."""
    alive: bool
    """Whether the cluster takes it for alive; one that is not was not asked."""
    said: Any
    """Its answer, plain data; None where there is none."""
    fault: str = ""
    """Why there is none."""
    grows: bool = False
    """Whether an autoscaler starts more nodes of its cluster when they are asked for."""


def inquire(
    address: str, question: str, argument: Mapping[str, Any], *, limit: float
) -> list[NodeAnswer]:
    """Ask every living node of a cluster, all at once.

    Args:
        address: Of the Ray cluster.
        question: `module:function`, which takes the argument and returns plain data; it runs on
            the node, with our code as it is here.
        argument: Plain data.
        limit: Seconds for all answers together. A node that is slower has none.

    Raises:
        SweepError: If the cluster does not answer in time, with what Ray said.
    """
    with tempfile.TemporaryDirectory(prefix="acutance-inquiry-") as folder:
        place = Path(folder)
        asked = {"address": address, "question": question, "argument": dict(argument)}
        (place / "asked.json").write_text(json.dumps({**asked, "limit": limit}))
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with (place / "said.txt").open("w") as said:
            asker = subprocess.Popen(
                [sys.executable, "-m", "acutance_platform.sweep.inquiry", folder],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                asker.wait(timeout=limit + _SECONDS_TO_START)
            except subprocess.TimeoutExpired:
                pass
            finally:
                asker.kill()
                asker.wait()
        words = (place / "said.txt").read_text(errors="replace").strip()[-_LAST_WORDS:]
        if not (place / "told.json").exists():
            raise SweepError(f"{words}\n{address} did not answer within {limit:.0f} s".strip())
        told = json.loads((place / "told.json").read_text())
    if "refused" in told:  # Ray's own words say why
        raise SweepError(f"{words}\n{told['refused']}".strip())
    return [NodeAnswer(**answer) for answer in told["answers"]]


def _main(folder: Path) -> None:
    """Run as the process that asks."""
    began, asked = time.monotonic(), json.loads((folder / "asked.json").read_text())
    try:
        with connected(asked["address"]):
            left = asked["limit"] - (time.monotonic() - began)
            answers = _ask(asked["question"], asked["argument"], left)
            _tell(folder, {"answers": answers})
    except SweepError as error:
        _tell(folder, {"refused": str(error)})


def _tell(folder: Path, told: Mapping[str, Any]) -> None:
    fresh = folder / "told.new"
    fresh.write_text(json.dumps(told))
    fresh.rename(folder / "told.json")


def _ask(question: str, argument: Mapping[str, Any], limit: float) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    # Short retries would make a node that is lost now be waited for.
    task = ray.remote(num_cpus=0, max_retries=0)(_answer)
    tasks: dict[Any, int] = {}
    for index, node in enumerate(known):
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            sent = task.options(scheduling_strategy=here).remote(question, dict(argument))
            tasks[sent] = index
    ready: list[Any] = []
    if tasks:
        ready, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=max(1.0, limit))
    grows = _grows()
    answers = [{**_about(node, limit), "grows": grows} for node in known]
    for sent in ready:
        answers[tasks[sent]] |= _result(sent)
    return answers


def _grows() -> bool:
    try:
        return autoscaler() is not None
    except Exception:  # it is asked about nodes, and goes on without this
        return False


def _about(node: Mapping[str, Any], limit: float) -> dict[str, Any]:
    late = f"it did not answer within {limit:.0f} s" if node["Alive"] else "it left the cluster"
    return {
        "node": node["NodeID"][:12],
        "host": node["NodeManagerAddress"],
        "resources": dict(node["Resources"]),
        "alive": bool(node["Alive"]),
        "said": None,
        "fault": late,
    }


def _result(sent: Any) -> dict[str, Any]:
    try:
        return {"said": ray.get(sent, timeout=5), "fault": ""}
    except Exception as error:  # whatever it is, it is the finding
        return {"said": None, "fault": str(error)[-_LAST_WORDS:]}


def _answer(question: str, argument: dict[str, Any]) -> Any:
    """Run on a node."""
    module, _, name = question.partition(":")
    return getattr(importlib.import_module(module), name)(argument)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        _main(Path(sys.argv[1]))
        # Ray's threads may wait for a node that is gone.
        os._exit(0)
