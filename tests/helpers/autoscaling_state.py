"""What a cluster's autoscaler is asked for, and what lives there, told line by line.

Run as `python autoscaling_state.py ADDRESS` it answers each line of its input with one of JSON. A
process of its own, so that a test's own stays unconnected; it runs nothing on the nodes, which
would keep them from being idle.
"""

import json
import logging
import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def watched(address):
    """Give what returns the present state of a cluster."""
    with subprocess.Popen(
        [sys.executable, __file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def state():
            process.stdin.write("?\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        try:
            yield state
        finally:
            process.kill()


def main():
    import ray
    from ray._private import state as cluster
    from ray.core.generated import autoscaler_pb2
    from ray.experimental.internal_kv import internal_kv_get_gcs_client

    ray.init(address=sys.argv[1], log_to_driver=False, logging_level=logging.ERROR)
    for _ in sys.stdin:
        reply = autoscaler_pb2.GetClusterStatusReply()
        reply.ParseFromString(internal_kv_get_gcs_client().get_cluster_status(timeout_s=30))
        constraints = reply.cluster_resource_state.cluster_resource_constraints
        asked = [each for constraint in constraints for each in constraint.resource_requests]
        nodes = [node for node in ray.nodes() if node["Alive"]]
        actors = cluster.actors().values()
        found = {
            "requested": [[dict(each.request.resources_bundle), each.count] for each in asked],
            "workers": sum(node["Resources"].get("CPU", 0) > 0 for node in nodes),
            "actors": sum(actor["State"] == "ALIVE" for actor in actors),
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
