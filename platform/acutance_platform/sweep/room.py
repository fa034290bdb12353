"""What a recipe asks of the cluster, and whether any of its nodes can ever give that."""

from collections.abc import Mapping, Sequence
from typing import Any

from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.sweep.nodes import cluster_nodes
from acutance_platform.sweep.placing import MARK, Node, Room, Share

__all__ = ["Share", "require_room", "share_of"]


def share_of(recipe: Mapping[str, Any], nodes: Sequence[Node] | None = None) -> Share:
    """Return what a recipe asks for; `gpu: auto` is one a rank where there are any, else none."""
    resources = recipe.get("resources") or {}
    cpu, gpu = float(resources.get("cpu", 1)), resources.get("gpu", "auto")
    named = str(resources.get("nodes") or "")
    if gpu == "auto":
        nodes = cluster_nodes() if nodes is None else nodes
        any_gpu = any(node.gpus and node.takes(Share(cpu, 0.0, named)) for node in nodes)
        gpu = float(resources.get("ranks") or 1) if any_gpu else 0.0
    return Share(cpu, float(gpu), named)


def require_room(share: Share, nodes: Sequence[Node] | None = None) -> None:
    """Refuse a request that no node can ever meet.

    Raises:
        RecipeErrors: With what the largest nodes have.
    """
    nodes = cluster_nodes() if nodes is None else nodes
    if Room(nodes).place_for(share) is not None:
        return
    able = [node for node in nodes if node.takes(share)]
    if nodes and not able:
        raise RecipeErrors([_nobody_called(share.nodes, nodes)])
    has = "; ".join(sorted({str(node) for node in _largest(able)}))
    raise RecipeErrors(
        [
            Problem(
                "resources",
                f"cpu: {share.cpu:g}, gpu: {share.gpu:g}",
                f"no node of the cluster can ever meet this (the largest have {has})",
                "Ask for less, or add a node.",
            )
        ]
    )


def _nobody_called(name: str, nodes: Sequence[Node]) -> Problem:
    known = sorted({mark for node in nodes for mark in node.marks})
    rule = f"no node of the cluster is called so (there are: {', '.join(known) or 'no names'})"
    way_out = (
        f"Start nodes with `ray start … --resources '{{\"{MARK}{name}\": 1}}'`, or mend the name."
    )
    return Problem("resources.nodes", name, rule, way_out)


def _largest(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes than which no other one has more of everything."""
    return [
        node
        for node in nodes
        if not any(
            (other.cpus, other.gpus) != (node.cpus, node.gpus)
            and other.cpus >= node.cpus
            and other.gpus >= node.gpus
            for other in nodes
        )
    ]
