"""What deploy/ and its pages name exists: variables, commands with their options, paths, ports."""

import re

import pytest
from deploy_image import variables
from deploy_words import (
    PORTS_DOCUMENTED,
    ROOT,
    call_problems,
    calls,
    known_to_ray,
    known_variables,
    paths_in,
    ports_in,
    trees,
    variables_in,
)
from deploy_yaml import DEPLOY, read, read_all, resolve
from ray._private import ray_constants

from acutance_platform.dashboard.serving import PORT as DASHBOARD

FILES = sorted(
    file
    for folder in ("docker", "compose", "kuberay", "ray", "slurm")
    for file in (DEPLOY / folder).rglob("*")
    if file.is_file() and file.name != ".env" and "secrets" not in file.parts
)
FILES += [DEPLOY / "README.md", *sorted((ROOT / "docs" / "how-to").glob("deploy-*.md"))]

# Options of Slurm's sbatch that we use: https://slurm.schedmd.com/sbatch.html
SBATCH = {"job-name", "output", "open-mode", "nodes", "ntasks-per-node", "exclusive"}
SBATCH |= {"gpus-per-node", "time", "requeue", "signal"}


def named(file):
    return file.relative_to(ROOT).as_posix()


def ports():
    """Ports that Ray's, MLflow's and the documented programs listen at unless told otherwise."""
    ours = {
        ray_constants.DEFAULT_PORT,
        ray_constants.DEFAULT_DASHBOARD_PORT,
        ray_constants.DEFAULT_DASHBOARD_AGENT_LISTEN_PORT,
    }
    return ours | {5000, DASHBOARD} | set(PORTS_DOCUMENTED)


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_variable_is_one_that_somebody_reads(file):
    unknown = variables_in(file.read_text()) - known_variables()
    assert {name for name in unknown if not known_to_ray(name)} == set()


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_command_exists_with_its_options(file):
    found = list(calls(file.read_text(), file.suffix))
    assert [problem for call in found for problem in call_problems(call, trees())] == []


def test_commands_are_found_where_there_are_some():
    said = {named(file): [c for c, _ in calls(file.read_text(), file.suffix)] for file in FILES}
    assert {"ray", "mlflow", "acutance"} <= set(said["deploy/compose/compose.yaml"])
    for name in ("deploy/ray/aws.yaml", "deploy/ray/lab.yaml", "deploy/slurm/sweep.sbatch"):
        assert {"ray", "acutance"} <= set(said[name])
    assert said["deploy/kuberay/cluster/mlflow.yaml"] == ["mlflow"]
    assert "acutance" in said["deploy/kuberay/sweep/rayjob.yaml"]
    assert said["deploy/kuberay/cluster/dashboard.yaml"][-1] == "acutance"


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_path_leads_somewhere(file):
    starts = {True: file.parent, False: ROOT}
    named_there = paths_in(file.read_text())
    missing = [p for p in named_there if not (starts[p.startswith("..")] / p).exists()]
    assert missing == []


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_port_is_one_at_which_somebody_listens(file):
    assert ports_in(file.read_text()) <= ports()


def test_folders_of_the_image_are_named_alike_everywhere():
    image = variables((DEPLOY / "docker" / "Dockerfile").read_text())
    local = image["ACUTANCE_LOCAL"]
    services = read(DEPLOY / "compose" / "compose.yaml")["services"]
    assert services["ray-head"]["volumes"] == [f"head:{local}"]
    assert services["ray-worker"]["volumes"] == [local]
    assert services["dashboard"]["volumes"] == [f"dashboard:{local}"]
    for file in (DEPLOY / "ray").glob("*.yaml"):
        config = read(file)
        assert any(option.endswith(f":{local}") for option in config["docker"]["run_options"])
        assert list(config["file_mounts"]) == ["/home/acutance/.ray/auth_token"]
    (cluster,) = [d for d in resolve(DEPLOY / "kuberay" / "cluster") if d["kind"] == "RayCluster"]
    for group in [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]:
        (container,) = group["template"]["spec"]["containers"]
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == [local]
    dashboard = read_all((DEPLOY / "kuberay" / "cluster" / "dashboard.yaml").read_text())[0]
    (container,) = dashboard["spec"]["template"]["spec"]["containers"]
    assert container["volumeMounts"][0]["mountPath"] == local


def test_parameters_of_kuberays_nodes_are_options_of_ray_start():
    (cluster,) = [d for d in resolve(DEPLOY / "kuberay" / "cluster") if d["kind"] == "RayCluster"]
    for group in [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]:
        assert {f"--{name}" for name in group["rayStartParams"]} <= set(trees()["ray"]["start"])


def test_slurm_is_asked_in_its_own_words():
    lines = (DEPLOY / "slurm" / "sweep.sbatch").read_text().splitlines()
    asked = [line.split("--")[1].partition("=")[0] for line in lines if line.startswith("#SBATCH")]
    assert len(asked) > 5
    assert set(asked) <= SBATCH


def test_every_image_that_we_build_has_one_tag():
    tags = {
        tag
        for file in FILES
        for tag in re.findall(r"(?<![\w.])acutance:([\w.]+)", file.read_text())
    }
    assert tags == {"0.1.0"}


@pytest.mark.parametrize(
    ("file", "word", "wrong"),
    [
        ("compose/compose.yaml", "acutance sweep", "acutance sweeps"),
        ("compose/compose.yaml", "--resume auto", "--resumes auto"),
        ("compose/compose.yaml", "--dashboard-host=0.0.0.0", "--dashbord-host=0.0.0.0"),
        ("compose/compose.yaml", "[mlflow, server, --workers", "[mlflow, server, --worker"),
        ("kuberay/sweep/rayjob.yaml", "entrypoint: acutance sweep", "entrypoint: acutance swep"),
        ("kuberay/cluster/mlflow.yaml", "[mlflow, server", "[mlflow, serve"),
        ("kuberay/cluster/dashboard.yaml", "--no-open]", "--no-opne]"),
        ("ray/aws.yaml", "ray start --head --port", "ray start --haed --port"),
        ("ray/aws.yaml", "ray job submit --no-wait", "ray job submit --nowait"),
        ("ray/lab.yaml", "ray get-auth-token --generate", "ray get-auth-token --generated"),
        ("slurm/sweep.sbatch", "--min-nodes", "--min-node"),
        ("slurm/sweep.sbatch", "acutance stop", "acutance halt"),
        ("slurm/sweep.sbatch", "--temp-dir", "--port"),
    ],
)
def test_a_misspelt_command_is_found(file, word, wrong):
    path = DEPLOY / file
    assert word in path.read_text()
    changed = path.read_text().replace(word, wrong, 1)
    problems = [p for call in calls(changed, path.suffix) for p in call_problems(call, trees())]
    assert len(problems) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "ACUTANCE_STROE",
        "MLFLOW_TRACKING_URL",
        "MLFLOW_BACKEND_STORE",
        "RAY_AUTH_TOKEN_PAT",
        "RAY_health_check_period",
        "AWS_ACCESS_KEY",
        "POSTGRES_PASS",
    ],
)
def test_a_misspelt_variable_is_found(wrong):
    assert variables_in(f"env: {wrong}=1") == {wrong}
    assert wrong not in known_variables()
    assert not known_to_ray(wrong)
