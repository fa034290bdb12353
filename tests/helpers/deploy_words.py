"""What the files of deploy/ name outside of themselves, and what there is to be named."""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
from deploy_compose import variables_file
from deploy_image import instructions, variables
from deploy_yaml import DEPLOY, read_all

from acutance_platform.cli import acutance

ROOT = DEPLOY.parent
PROGRAMS = ("acutance", "ray", "mlflow")
_RUNS_OTHERS = ("docker", "kubectl", "srun")
Call = tuple[str, list[str]]

# Named by programs that are not installed beside us.
DOCUMENTED = {
    "POSTGRES_USER": "https://hub.docker.com/_/postgres",
    "POSTGRES_DB": "https://hub.docker.com/_/postgres",
    "POSTGRES_PASSWORD": "https://hub.docker.com/_/postgres",
    "PGPASSWORD": "https://www.postgresql.org/docs/17/libpq-envars.html",
    "NVIDIA_DRIVER_CAPABILITIES": "https://docs.nvidia.com/datacenter/cloud-native",
    "PYTHONUNBUFFERED": "https://docs.python.org/3/using/cmdline.html",
    "PIP_CONSTRAINT": "https://pip.pypa.io/en/stable/topics/configuration",
    "SLURM_SUBMIT_DIR": "https://slurm.schedmd.com/sbatch.html",
    "SLURM_JOB_ID": "https://slurm.schedmd.com/sbatch.html",
    "SLURM_JOB_NUM_NODES": "https://slurm.schedmd.com/sbatch.html",
    "SLURM_CPUS_ON_NODE": "https://slurm.schedmd.com/sbatch.html",
}
PORTS_DOCUMENTED = {5432: "PostgreSQL", 8333: "SeaweedFS's S3"}

_VARIABLE = re.compile(r"(?<![A-Za-z0-9_])(?:[A-Z][A-Z0-9]*_\w*\w|PGPASSWORD)(?![A-Za-z0-9_])")
_PORT = re.compile(r"(?:[a-z0-9]:|(?:[Pp]ort|PORT)[:=] ?\"?)(\d{4,5})(?![\d.\w])")
_PATH = re.compile(r"(?<![\w./-])((?:\.\./)*(?:deploy|docs|experiments|tests)/[\w./-]*\w)")


def calls(text: str, suffix: str) -> Iterator[Call]:
    """Yield (program, words) of each call of acutance, ray and mlflow in a file."""
    for command in _commands(text, suffix):
        for part in re.split(r"[;|&<>()']|\s--\s|\s#\s", command.replace('"', "")):
            words = part.split()
            starts = [number for number, word in enumerate(words) if word in PROGRAMS]
            runs = starts and (starts[0] == 0 or words[0] in _RUNS_OTHERS)
            if runs and len(words) > starts[0] + 1:
                yield words[starts[0]], words[starts[0] + 1 :]


def _commands(text: str, suffix: str) -> Iterator[str]:
    """What may be a command: values of YAML, lines of scripts, code in prose and comments."""
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    if suffix == ".yaml":
        for document in read_all(text):
            yield from _said(document)
    if suffix == "":  # a Dockerfile
        arrays = [rest for _, rest in instructions(text) if rest.startswith("[")]
        yield from (" ".join(json.loads(array)) for array in arrays)
    if suffix == ".md":
        text = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M))
    for line in text.replace("\\\n", " ").splitlines():
        if line.lstrip().startswith("#   "):
            yield line.lstrip("# ")
        elif suffix != ".yaml" and not line.startswith("#"):
            yield line.removeprefix("$ ")


def _said(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _said(part)
    elif isinstance(value, list):
        if value and value[0] in PROGRAMS:
            yield " ".join(value)
        for part in value:
            yield from _said(part)
    elif isinstance(value, str):
        yield from value.splitlines()


def call_problems(call: Call, trees: dict[str, dict[str, list[str]]]) -> list[str]:
    """Say what of a call does not exist: its verb, or an option of it."""
    program, words = call
    tree, path = trees[program], ""
    while words and f"{path} {words[0].rstrip('.,:')}".strip() in tree:
        path = f"{path} {words.pop(0).rstrip('.,:')}".strip()
    if not path and words and not words[0].startswith("-"):
        return [f"there is no `{program} {words[0]}`"]
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    known = {*tree[path], "--help"}
    if (program, path) == ("ray", "symmetric-run"):  # hands the rest to `ray start`
        known |= set(tree["start"]) - {"--head", "--node-ip-address", "--port", "--block"}
    return [f"`{program} {path}` knows no {option}" for option in options if option not in known]


@functools.cache
def trees() -> dict[str, dict[str, list[str]]]:
    """Return the options of each verb of acutance, ray and mlflow, as their own code says."""
    program = (
        "import json, sys, ray.scripts.scripts as ray, mlflow.cli as mlflow; "
        "from deploy_words import tree; "
        "print(json.dumps({'ray': tree(ray.cli), 'mlflow': tree(mlflow.cli)}))"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    environment = {"cwd": Path(__file__).parent, "capture_output": True, "text": True}
    done = subprocess.run(command, check=True, timeout=120, **environment)
    return {**json.loads(done.stdout.splitlines()[-1]), "acutance": tree(acutance)}


def tree(command: click.Command, path: str = "") -> dict[str, list[str]]:
    """Return the options of a command and of all below it, by their path."""
    given = [name for p in command.params for name in (*p.opts, *p.secondary_opts)]
    found = {path: [name for name in given if name.startswith("-")]}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found |= tree(below, f"{path} {name}".strip())
    return found


def variables_in(text: str) -> set[str]:
    """Return what looks like an environment variable."""
    return set(_VARIABLE.findall(text))


@functools.cache
def known_variables() -> frozenset[str]:
    """Return the variables that acutance, MLflow, Amazon's SDK and our own files know."""
    ours = [
        file for room in ("storage", "models", "platform") for file in (ROOT / room).rglob("*.py")
    ]
    mlflow = [
        _package("mlflow") / "environment_variables.py",
        *(_package("mlflow") / "cli").glob("*.py"),
    ]
    amazon = [_package("botocore") / "credentials.py", _package("botocore") / "configprovider.py"]
    cli_args = _package("mlflow") / "utils" / "cli_args.py"
    quoted = re.compile(r"[\"']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)[\"']")
    found = {
        name
        for file in (*ours, *mlflow, *amazon, cli_args)
        for name in quoted.findall(file.read_text())
    }
    found |= set(variables((DEPLOY / "docker" / "Dockerfile").read_text())) & {
        "TORCH_INDEX",
        "PYTHON_IMAGE",
    }
    own = {"ACUTANCE_IMAGE", "UID_OF_IMAGE", "RAY_WORKER_CPUS"}  # of the compose file alone
    found |= own & set(variables_file((DEPLOY / "compose" / ".env.example").read_text()))
    return frozenset(found | set(DOCUMENTED))


def known_to_ray(name: str) -> bool:
    """Whether Ray reads a variable: in its Python, or compiled (RAY_ and the name of a setting)."""
    setting = name.removeprefix("RAY_")
    return _whole(name, _rays_text()) or _whole(setting, _rays_library())


def _whole(word: str, text: bytes) -> bool:
    """Whether a word stands there alone; a regular expression takes a second for 40 MB."""
    sought, start = word.encode(), -1
    while (start := text.find(sought, start + 1)) >= 0:
        around = text[start - 1 : start] + text[start + len(sought) : start + len(sought) + 1]
        if not re.search(rb"\w", around):
            return True
    return False


@functools.cache
def _rays_text() -> bytes:
    folders = ("_private", "_common", "autoscaler", "scripts")
    files = [file for folder in folders for file in (_package("ray") / folder).rglob("*.py")]
    return b"\n".join(file.read_bytes() for file in files)


@functools.cache
def _rays_library() -> bytes:
    return next(_package("ray").glob("_raylet.*")).read_bytes()


def _package(name: str) -> Path:
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def ports_in(text: str) -> set[int]:
    """Return what looks like a port."""
    return {int(port) for port in _PORT.findall(text) if int(port) < 65536}


def paths_in(text: str) -> set[str]:
    """Return what looks like a path in the repository."""
    return set(_PATH.findall(text))
