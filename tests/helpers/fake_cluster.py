"""Clusters of several nodes on this machine, with GPUs that are only counted.

Run as `python fake_cluster.py FOLDER NODES` it prints an address and stays until its input ends.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager


@contextmanager
def fake_cluster(*nodes):
    """Give the address of a cluster with a head that runs no trial and these nodes.

    Each node is what `Cluster.add_node` takes: num_cpus, num_gpus, resources. A process of its own
    holds them, so that a test's process keeps its environment.
    """
    with (
        tempfile.TemporaryDirectory(prefix="acu", dir="/tmp") as folder,  # sockets want short paths
        subprocess.Popen(
            [sys.executable, __file__, folder, json.dumps(nodes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as holder,
    ):
        try:
            address = holder.stdout.readline().strip()
            assert address, "the cluster did not start"
            yield address
        finally:
            holder.stdin.close()
            holder.wait(60)


def main():
    from ray.cluster_utils import Cluster

    folder, nodes = sys.argv[1], json.loads(sys.argv[2])
    head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": folder}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for node in nodes:
        cluster.add_node(**node)
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
