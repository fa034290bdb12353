"""Machines for an autoscaler that are processes of this one."""

from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider


class Machines(FakeMultiNodeProvider):
    """Ray's own, whose nodes are told apart by the beginning of their ids, as real ones are."""

    def _next_hex_node_id(self):
        self._next_node_id += 1
        return f"{self._next_node_id:08d}".ljust(56, "e")
