"""Dotted paths into a recipe: read, write, and list the leaves below one."""

from collections.abc import Iterator
from typing import Any

MISSING = object()


def get_path(tree: Any, path: str) -> Any:
    """Return what stands at `path`, or `MISSING`.

    A segment that is a number steps into a list: `data.degradation.0.quality`.
    """
    node = tree
    for segment in path.split("."):
        if isinstance(node, dict) and segment in node:
            node = node[segment]
        elif isinstance(node, list) and segment.isdecimal() and int(segment) < len(node):
            node = node[int(segment)]
        else:
            return MISSING
    return node


def set_path(tree: dict[str, Any], path: str, value: Any) -> None:
    """Write `value` at `path`, making the maps on the way that do not exist.

    Raises:
        ValueError: If something on the way is neither a map nor an item of a list.
    """
    *way, last = path.split(".")
    node: Any = tree
    for depth, segment in enumerate(way):
        if isinstance(node, dict):
            node = node.setdefault(segment, {})
        elif isinstance(node, list) and segment.isdecimal() and int(segment) < len(node):
            node = node[int(segment)]
        else:
            raise ValueError(f"{'.'.join(way[:depth])} is {node!r}, nothing can be set below it")
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list) and last.isdecimal() and int(last) < len(node):
        node[int(last)] = value
    else:
        raise ValueError(f"{'.'.join(way)} is {node!r}, nothing can be set below it")


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, value) of everything below `path` that is not a filled map."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from leaves(child, f"{path}.{key}")
    else:
        yield path, value


def is_below(path: str, ancestor: str) -> bool:
    """Say whether `path` is `ancestor` or lies below it."""
    return path == ancestor or path.startswith(ancestor + ".")


def overlap(first: str, second: str) -> bool:
    """Say whether writing one of the paths changes the other."""
    return is_below(first, second) or is_below(second, first)
