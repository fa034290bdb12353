"""What a training ran on: code, versions, machine. Names and numbers only: no secrets, no paths."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import psutil

PACKAGES: Final = (
    "acutance",
    "torch",
    "numpy",
    "scipy",
    "pillow",
    "pyarrow",
    "safetensors",
    "optuna",
    "ray",
    "mlflow",
)


def describe_environment(
    folder: Path | None = None, *, dataset: str | None = None
) -> dict[str, Any]:
    """Describe code and machine, ready for JSON.

    Args:
        folder: whose git commit is named; the working directory unless given.
        dataset: ``NAME@VERSION`` of the dataset trained on.

    Returns:
        ``git`` ({"commit", "dirty"} or None), ``packages``, ``python``, ``system``, ``machine``
        (processor, cores, memory in GiB, names of the GPUs), ``dataset``.
    """
    return {
        "git": git_state(folder or Path.cwd()),
        "packages": package_versions(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": {
            "processor": processor_name(),
            "cores": psutil.cpu_count(logical=True),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "gpus": gpu_names(),
        },
        "dataset": dataset,
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the repository that ``folder`` is in, and whether tracked files differ from it."""
    commit = run_git(folder, "rev-parse", "HEAD")
    changes = run_git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return None
    return {"commit": commit, "dirty": bool(changes)}


def package_versions() -> dict[str, str]:
    """Versions of what can change a result or its record; what is not installed is left out."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def processor_name() -> str:
    """The processor as its maker calls it, or the architecture where nobody says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def gpu_names() -> list[str]:
    """Names of the CUDA devices that this process may use."""
    # Only where torch is loaded: a driver that trains nothing should not wait for it.
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def run_git(folder: Path, *arguments: str) -> str | None:
    """Return what git says of the repository that ``folder`` is in; None where it fails."""
    # No lock: reading the state must not disturb a git command of the user.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
