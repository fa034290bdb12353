"""Image, `ray up` files and shell scripts, each by the checker of its own kind."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import ray
from deploy_image import dockerfile_problems, instructions, variables
from deploy_schemas import ray_up_problems
from deploy_yaml import DEPLOY, read, read_all

ROOT = DEPLOY.parent
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
RAY_UP = sorted((DEPLOY / "ray").glob("*.yaml"))


def scripts():
    """Every shell script of the repository, known by its first line."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    files = [ROOT / name for name in listed.stdout.splitlines()]
    if listed.returncode:  # not a checkout
        files = [*(ROOT / ".ci").iterdir(), *DEPLOY.rglob("*")]
    for file in sorted(file for file in files if file.is_file()):
        with file.open("rb") as content:
            if re.match(rb"#!.*\b(ba)?sh\b", content.readline()):
                yield file


def test_the_image_is_pinned_rootless_and_keeps_no_secret():
    assert dockerfile_problems(DOCKERFILE, ROOT) == []


def test_the_images_context_holds_all_that_it_copies_and_nothing_else():
    lines = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = [rest.split()[:-1] for word, rest in instructions(DOCKERFILE) if word == "COPY"]
    assert "*" in lines
    assert {name for names in copied for name in names} == kept


def test_the_images_python_is_one_that_the_packages_take():
    base = variables(DOCKERFILE)["PYTHON_IMAGE"]
    assert re.fullmatch(r"python:3\.1[1-9]\.\d+-slim-bookworm", base)


@pytest.mark.parametrize("file", RAY_UP, ids=lambda file: file.stem)
def test_ray_takes_the_files_of_ray_up(file):
    assert ray_up_problems(read(file)) == []


def test_no_access_key_is_in_a_file_of_ray_up():
    for file in RAY_UP:
        assert not re.search(r"AKIA|aws_access_key|AWS_(ACCESS|SECRET)", file.read_text())
    nodes = read(DEPLOY / "ray" / "aws.yaml")["available_node_types"].values()
    assert all(node["node_config"]["IamInstanceProfile"] for node in nodes)


def test_ray_has_one_version_everywhere():
    (cluster,) = read_all((DEPLOY / "kuberay" / "cluster" / "raycluster.yaml").read_text())
    pinned = f"ray=={ray.__version__}" in (ROOT / "constraints.txt").read_text().splitlines()
    assert pinned
    assert cluster["spec"]["rayVersion"] == ray.__version__


def test_shellcheck_finds_nothing():
    beside = Path(sys.executable).with_name("shellcheck")
    program = beside if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck has no wheel for this processor")
    found = list(scripts())
    assert DEPLOY / "slurm" / "sweep.sbatch" in found
    done = subprocess.run([program, *found], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
