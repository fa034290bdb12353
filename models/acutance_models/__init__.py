"""Tensors: generators, losses, degradations, metrics; what a picture goes through, and no places.

Pictures come and go as arrays, weights as bytes. Nothing here opens a file, asks a clock or reads
global random state.

What most names need, torch above all, takes a second to import; errors, registries and protocols
need none of it. So the names come at the first use of one of them.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acutance_models.everything import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module("acutance_models.everything"), name)
