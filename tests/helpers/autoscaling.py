"""A Ray cluster on this machine that begins with a head alone; its autoscaler starts nodes."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

HEAD = "f" * 51 + "00000"
"""How Ray's imitated provider of machines calls the head."""
PROVIDER = "imitated_machines.Machines"
MEMORY = 80 * 1024**2
EMPTY = {
    name: []
    for name in (
        "cluster_synced_files",
        "rsync_exclude",
        "rsync_filter",
        "initialization_commands",
        "setup_commands",
        "head_setup_commands",
        "worker_setup_commands",
        "head_start_ray_commands",
        "worker_start_ray_commands",
    )
}


@contextmanager
def autoscaling_cluster(monkeypatch, *, idle_seconds=6.0, **types):
    """Give the address of a cluster.

    Args:
        monkeypatch: Sets the cluster's token for this process and its children.
        idle_seconds: After which a node goes that nobody uses or asks for.
        types: Name -> resources of a type of nodes, with `max_workers` of it among them.
    """
    with tempfile.TemporaryDirectory(prefix="acu", dir="/tmp") as name:  # sockets want short paths
        folder = Path(name)
        address = f"127.0.0.1:{_free_port()}"
        (folder / "token").touch(mode=0o600)
        (folder / "token").write_text(secrets.token_hex(32))
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(folder / "token"))
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        (folder / "cluster.json").write_text(json.dumps(_config(address, idle_seconds, types)))
        with (folder / "head.log").open("w") as log:
            head = subprocess.Popen(
                _command(folder, address), env=_variables(), stdout=log, stderr=log
            )
        try:
            _until_it_stands(folder / "head.log", head)
            yield address
        finally:
            _end(head, folder)


def _command(folder, address):
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        *("--node-ip-address", "127.0.0.1", "--port", address.rpartition(":")[2]),
        *("--num-cpus", "0", "--include-dashboard", "false", "--object-store-memory", str(MEMORY)),
        *("--temp-dir", str(folder), "--autoscaling-config", str(folder / "cluster.json")),
    ]


def _config(address, idle_seconds, types):
    known = {
        name: {
            "max_workers": resources.pop("max_workers"),
            "resources": {"object_store_memory": MEMORY, **resources},
            "min_workers": 0,
            "node_config": {},
        }
        for name, resources in types.items()
    }
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    return EMPTY | {
        "cluster_name": "imitated",
        "max_workers": sum(each["max_workers"] for each in known.values()),
        "idle_timeout_minutes": idle_seconds / 60,
        "upscaling_speed": 10.0,
        # Named as somebody's own: the defaults of Ray's name for it are not in its wheel.
        "provider": {
            "type": "external",
            "module": PROVIDER,
            "gcs_address": address,
            "head_node_id": HEAD,
            "launch_multiple": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        "available_node_types": {"ray.head.default": head, **known},
        "head_node_type": "ray.head.default",
    }


def _variables():
    return {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"} | {
        "PYTHONPATH": str(Path(__file__).parent),
        "RAY_FAKE_CLUSTER": "1",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
    }


def _until_it_stands(log, head):
    """Wait until all of the head's processes run, and not only the one that listens first."""
    deadline = time.monotonic() + 240
    while "will now block" not in log.read_text():
        assert head.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def _end(head, folder):
    """End the head, and what it started: all of that names the cluster's folder."""
    head.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        head.wait(15)
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                process.kill()
                left.append(process)
    psutil.wait_procs(left, timeout=10)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
