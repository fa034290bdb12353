"""What a node says of itself to the doctor. Runs on the node, with the node's own environment."""

import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

import acutance_models
import acutance_platform
import acutance_storage
from acutance_platform.sweep.places import node_folder
from acutance_platform.tracking.environment import package_versions
from acutance_platform.verbs.hiding import without_secrets
from acutance_storage import BlobStore, open_store

QUESTION = "acutance_platform.verbs.node_check:examine"
FOLDER = "doctor"
"""Where the store keeps what the doctor writes, for seconds."""

_MEGABYTES = 8
_ERROR_CHARACTERS = 400
_SECONDS_FOR_TORCH = 60.0
_TORCH = """
import json, torch
found = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
devices = [torch.cuda.get_device_properties(index) for index in found]
print(json.dumps({
    "gpus": [[device.name, device.total_memory] for device in devices],
    "kind": [str(torch.__version__), str(torch.version.cuda),
             torch.backends.cpu.get_cpu_capability()],
}))
"""


def examine(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sweep needs to know of the node that this runs on.

    Args:
        asked: `store`, an address; `mark`, a key that the driver has written there.
    """
    local = node_folder(None)
    memory = psutil.virtual_memory()
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "packages": package_versions(),
        "code": code_hash(),
        "cpus": psutil.cpu_count(logical=True),
        "memory": [memory.available, memory.total],
        "disk": [_free(local), str(local)],
        "torch": _torch(),
        "store": store_check(str(asked["store"]), str(asked["mark"]), local),
    }


def code_hash() -> str:
    """Return a SHA-256 over the sources of our three packages as this process imports them."""
    digest = hashlib.sha256()
    for package in (acutance_models, acutance_platform, acutance_storage):
        (folder,) = package.__path__
        for file in sorted(Path(folder).rglob("*.py")):
            name = f"{package.__name__}/{file.relative_to(folder).as_posix()}"
            digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def store_check(address: str, mark: str, local: Path) -> dict[str, Any]:
    """Use a store as a training does, and measure it.

    Returns:
        `fault`, empty where all is well; `up` and `down` in MB/s; `skew`, by how many seconds this
        machine's clock is ahead of the store's, None where the store does not tell times.
    """
    found: dict[str, Any] = {"fault": "", "up": 0.0, "down": 0.0, "skew": None}
    try:
        store = open_store(address, local=local)
        if mark:
            store.read(mark)
        _use(store, found)
    except Exception as error:  # whatever the store raises is the finding
        text = f"{type(error).__name__}: {error}"
        found["fault"] = without_secrets(text)[:_ERROR_CHARACTERS]
    return found


def _use(store: BlobStore, found: dict[str, Any]) -> None:
    key, content = f"{FOLDER}/{uuid.uuid4().hex}", os.urandom(_MEGABYTES * 1_000_000)
    began = time.time()
    store.write(key, content)
    written = time.time()
    try:
        # The server's clock ticked within the write; some round it down to a second, others up.
        stamp = store.stat(key).time
        ahead, behind = began - stamp - 1.0, written - stamp + 1.0
        found["skew"] = round(ahead if ahead > 0 else min(behind, 0.0), 1)
        before = time.time()
        same = store.read(key) == content
        found["down"] = round(_MEGABYTES / max(time.time() - before, 1e-3), 1)
        found["up"] = round(_MEGABYTES / max(written - began, 1e-3), 1)
        if not same:
            found["fault"] = "what was read is not what was written"
        elif key not in store.list(f"{FOLDER}/"):
            found["fault"] = "what was written is not in the list"
    finally:
        store.delete(key)
    if not found["fault"] and store.exists(key):
        found["fault"] = "what was deleted is still there"


def _free(folder: Path) -> int:
    """Return the free bytes of the disk that a folder lies on, or will."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _torch() -> dict[str, Any]:
    """Return what torch sees, asked of a process from which no GPU is hidden, as Ray does."""
    variables = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TORCH],
            env=variables,
            capture_output=True,
            text=True,
            timeout=_SECONDS_FOR_TORCH,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"fault": f"torch did not load within {_SECONDS_FOR_TORCH:.0f} s"}
    if done.returncode != 0:
        return {"fault": without_secrets(done.stderr.strip())[-_ERROR_CHARACTERS:]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
