"""`doctor`: can this machine run sweeps, and if not, what to do."""

import importlib.metadata
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from acutance_platform.verbs.cluster_doctor import examine_cluster
from acutance_platform.verbs.findings import Finding
from acutance_platform.verbs.hiding import without_secrets
from acutance_platform.verbs.home import Home

_PACKAGES = ("torch", "ray", "optuna", "mlflow", "pyarrow", "boto3", "pydantic", "safetensors")
_DISK_FLOOR = 2 * 1024**3
_MEMORY_PER_TRIAL = 1024**3


def doctor(home: Home, *, address: str | None = None) -> list[Finding]:
    """Look at everything that a sweep needs, on this machine or on a cluster.

    Args:
        home: Store and local folder.
        address: Of a Ray cluster, whose nodes are asked as well; None for this machine alone.
    """
    checks: tuple[Callable[[Home], Iterator[Finding]], ...] = (
        _python,
        _store,
        _disk,
        _memory,
        _devices,
        _tracking,
    )
    findings = [finding for check in checks for finding in check(home)]
    return [*findings, *examine_cluster(home, address)] if address else findings


def _python(home: Home) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", version)
    versions, missing = [], []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        yield Finding("packages", "failure", f"missing: {', '.join(missing)}", "Run make install.")
    else:
        yield Finding("packages", "ok", ", ".join(versions))


def _store(home: Home) -> Iterator[Finding]:
    key = f"doctor/{uuid.uuid4().hex}"
    try:
        home.store.write(key, b"acutance")
        same = home.store.read(key) == b"acutance"
        home.store.delete(key)
    except Exception as error:  # whatever the store raises is the finding
        advice = "Set ACUTANCE_STORE to a folder or bucket that you may write to."
        yield Finding("store", "failure", f"{home.store.address}: {error}", advice)
        return
    if same:
        yield Finding("store", "ok", f"{home.store.address}: write, read and delete work")
    else:
        advice = "Do not keep results on this disk."
        yield Finding("store", "failure", "what was read is not what was written", advice)


def _disk(home: Home) -> Iterator[Finding]:
    for subject, folder in (
        ("disk of store", Path(home.store.address)),
        ("local disk", home.local),
    ):
        if not folder.exists():
            continue
        free = shutil.disk_usage(folder).free
        said = f"{free / 1024**3:.1f} GiB free at {folder}"
        if free < _DISK_FLOOR:
            yield Finding(subject, "warning", said, "Free some space: checkpoints need it.")
        else:
            yield Finding(subject, "ok", said)


def _memory(home: Home) -> Iterator[Finding]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = psutil.virtual_memory().available
    said = f"{cpus} CPUs, {free / 1024**3:.1f} GiB of memory free"
    if free < _MEMORY_PER_TRIAL * (cpus + 1):
        advice = "Raise resources.cpu in the recipe, so that fewer trials run at once."
        yield Finding("processors", "warning", said, advice)
    else:
        yield Finding("processors", "ok", said)


def _devices(home: Home) -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        yield Finding("gpu", "ok", "none; trials run on the CPU")
        return
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        said = f"{properties.name}, {properties.total_memory / 1024**3:.0f} GiB"
        yield Finding(f"gpu {index}", "ok", said)


def _tracking(home: Home) -> Iterator[Finding]:
    address = os.environ.get("MLFLOW_TRACKING_URI")
    if address:
        yield Finding("tracking", "ok", f"MLFLOW_TRACKING_URI={without_secrets(address)}")
        return
    yield Finding("tracking", "ok", f"own MLflow server on SQLite in {home.local}")
