"""A question to nodes that one of them never answers."""

import time

import psutil


def answer(asked):
    """Hang on the node whose address is given, say where it runs on others."""
    import ray

    host = ray.util.get_node_ip_address()
    if host == asked["hangs"]:
        time.sleep(600)
    return {"host": host, "pid": psutil.Process().pid}
