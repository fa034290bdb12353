"""Legs that came to a node of another kind than the sweep began on: offered again, elsewhere."""

from typing import Final

from acutance_platform.sweep.admission import Admission
from acutance_platform.sweep.errors import SweepError

MOST: Final = 4
"""Nodes of another kind that may turn up; an autoscaler might bring more without end."""


def keep_from(admission: Admission, node: str, error: str) -> None:
    """Offer legs elsewhere after one came to a node of another kind and did no step there.

    Raises:
        SweepError: If there is no other node, or one of another kind comes again and again.
    """
    if admission.bar(node) and len(admission.barred) <= MOST:
        return
    said = error.strip().splitlines()[-1]
    raise SweepError(
        f"{said}. Take such nodes out of the cluster, or give those that the sweep began on a name "
        "(docs/how-to/cluster.md) and write `resources: {nodes: NAME}` in a sweep of another name; "
        "this one goes on with `acutance resume`."
    )
