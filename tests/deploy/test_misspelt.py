"""Each check is worth something: a misspelt word of each kind is planted, and it says so."""

import copy

import pytest
from deploy_compose import compose_problems, variables_file
from deploy_image import dockerfile_problems
from deploy_schemas import compose_schema, core_problems, ray_problems, ray_up_problems, read_crd
from deploy_yaml import DEPLOY, read, read_all, resolve
from shared_data import shared

ROOT = DEPLOY.parent
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
COMPOSE = (DEPLOY / "compose" / "compose.yaml").read_text()
VARIABLES = variables_file((DEPLOY / "compose" / ".env.example").read_text())


def planted(text, word, wrong):
    assert word in text
    return text.replace(word, wrong, 1)


@pytest.mark.parametrize(
    ("file", "word", "wrong"),
    [
        ("mlflow", "containerPort:", "containrPort:"),
        ("mlflow", "targetPort:", "tragetPort:"),
        ("mlflow", "kind: Deployment", "kind: Deploiment"),
        ("dashboard", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:"),
        ("dashboard", "startupProbe:", "startUpProbe:"),
        ("network", "policyTypes:", "policyType:"),
        ("settings", "data:", "date:"),
    ],
)
def test_in_a_core_resource(file, word, wrong):
    text = (DEPLOY / "kuberay" / "cluster" / f"{file}.yaml").read_text()
    assert all(core_problems(document) == [] for document in read_all(text))
    changed = read_all(planted(text, word, wrong))
    assert any(core_problems(document) for document in changed)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("idleTimeoutSeconds:", "idleTimeoutSecond:"),
        ("terminationGracePeriodSeconds:", "terminationGraceSeconds:"),
        ("secretName:", "secret:"),
        ("mode: token", "mode: tokens"),
        ("groupName: spot", "name: spot"),
        ("maxReplicas: 16", 'maxReplicas: "16"'),
        ("kind: RayCluster", "kind: RayClusters"),
    ],
)
def test_in_a_resource_of_ray(word, wrong):
    crd = read_crd(shared("kuberay-crds") / "ray.io_rayclusters.yaml")
    text = (DEPLOY / "kuberay" / "cluster" / "raycluster.yaml").read_text()
    (changed,) = read_all(planted(text, word, wrong))
    assert ray_problems(changed, {changed["kind"]: crd})


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("replacements:", "replacement:"),
        ("fieldPath: spec", "fieldPath: specs"),
        ("fieldPaths:", "fieldPth:"),
        ("- rayjob.yaml", "- rayjobs.yaml"),
        ("name: acutance", "name: akutance"),
        ("op: add", "op: ad"),
    ],
)
def test_in_a_kustomization(word, wrong, tmp_path):
    for file in (DEPLOY / "kuberay").rglob("*.yaml"):
        copied = tmp_path / file.relative_to(DEPLOY / "kuberay")
        copied.parent.mkdir(exist_ok=True)
        copied.write_text(file.read_text())
    assert resolve(tmp_path / "sweep")
    changed = tmp_path / "sweep" / "kustomization.yaml"
    changed.write_text(planted(changed.read_text(), word, wrong))
    with pytest.raises((ValueError, KeyError, OSError)):
        resolve(tmp_path / "sweep")


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("healthcheck:", "healtcheck:"),
        ("restart: unless-stopped", "restart: unless-stoped"),
        ("condition: service_healthy", "condition: service_healty"),
        ("postgres: {condition", "postgre: {condition"),
        ("secrets: [ray_token]", "secrets: [ray_tokens]"),
        ('"s3:/data"', '"s3data:/data"'),
        ("127.0.0.1:5000:5000", "5000:5000"),
        ("postgres:17.6-bookworm", "postgres:latest"),
        ("${POSTGRES_USER:?such as mlflow}", "${POSTGRES_USER:-mlflow}"),
        ("${POSTGRES_PASSWORD:?make one with openssl rand -hex 32}", "mlflow"),
        ("${AWS_DEFAULT_REGION:?", "${AWS_DEFAULT_REGON:?"),
    ],
)
def test_in_a_compose_file(word, wrong):
    (changed,) = read_all(planted(COMPOSE, word, wrong))
    assert compose_problems(changed, VARIABLES, compose_schema())


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="restart stands twice"):
        read_all(planted(COMPOSE, "  restart: unless-stopped", "  restart: a\n  restart: b"))


@pytest.mark.parametrize(
    ("file", "path", "wrong"),
    [
        ("aws", ["idle_timeout_minutes"], "idle_timeout_minute"),
        ("aws", ["provider", "region"], "regoin"),
        ("aws", ["docker", "pull_before_run"], "pull_before_runs"),
        ("aws", ["available_node_types", "gpu", "min_workers"], "minimal_workers"),
        ("aws", ["available_node_types", "gpu", "node_config", "InstanceType"], "InstanceTypes"),
        (
            "aws",
            ["available_node_types", "cpu", "node_config", "InstanceMarketOptions", "MarketType"],
            "MarketTypes",
        ),
        ("lab", ["auth", "ssh_user"], "ssh_usr"),
        ("lab", ["provider", "head_ip"], "head_ipp"),
        ("lab", ["initialization_commands"], "init_commands"),
    ],
)
def test_in_a_file_of_ray_up(file, path, wrong):
    changed = copy.deepcopy(read(DEPLOY / "ray" / f"{file}.yaml"))
    *above, last = path
    place = changed
    for part in above:
        place = place[part]
    place[wrong] = place.pop(last)
    assert ray_up_problems(changed)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("WORKDIR /src", "WORKDRI /src"),
        ("COPY storage", "COPY storrage"),
        ("--start-period=120s", "--start-perid=120s"),
        ("--mount=type=bind", "--mont=type=bind"),
        ("python:3.11.14-slim-bookworm", "python:latest"),
        ("USER ${UID}", "USER root"),
        ("HEALTHCHECK --", "LABEL --"),
        ("RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN=0123"),
        ("ARG UID=1000", "ARG AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_in_a_dockerfile(word, wrong):
    assert dockerfile_problems(planted(DOCKERFILE, word, wrong), ROOT)
