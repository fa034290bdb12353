"""The manifests of Kubernetes: strict schemas, and what only follows from several of them."""

import json
import shlex
import shutil
import subprocess

import pytest
from attacking import routes_of
from deploy_schemas import core_problems, ray_problems, read_crd
from deploy_yaml import DEPLOY, read, read_all, resolve
from ray.autoscaler._private.kuberay.autoscaling_config import (
    _derive_autoscaling_config_from_ray_cr as derived,
)
from shared_data import shared

from acutance_platform.dashboard import create_app
from acutance_platform.dashboard.access import _VARIABLES
from acutance_platform.dashboard.serving import PORT
from acutance_platform.sweep.placing import MARK
from acutance_platform.verbs.home import Home
from acutance_storage import open_store

KUBERAY = DEPLOY / "kuberay"
CLUSTER, SWEEP = resolve(KUBERAY / "cluster"), resolve(KUBERAY / "sweep")


def kinds(documents):
    return [document["kind"] for document in documents]


def one(documents, kind, name=None):
    (found,) = [d for d in documents if d["kind"] == kind and name in (None, d["metadata"]["name"])]
    return found


def pods(documents):
    """Every pod template, and the strategy's own submitter."""
    for document in documents:
        spec = document.get("spec", {})
        cluster = spec.get("rayClusterSpec", spec)
        groups = [cluster.get("headGroupSpec"), *cluster.get("workerGroupSpecs", ())]
        for holder in (spec, *filter(None, groups)):
            if "template" in holder:
                yield holder["template"]["spec"]
        if "submitterPodTemplate" in spec:
            yield spec["submitterPodTemplate"]["spec"]


@pytest.fixture(scope="module")
def crds():
    folder = shared("kuberay-crds")
    files = {"RayCluster": "rayclusters", "RayJob": "rayjobs"}
    return {kind: read_crd(folder / f"ray.io_{name}.yaml") for kind, name in files.items()}


@pytest.mark.parametrize("document", CLUSTER, ids=lambda d: f"{d['kind']}-{d['metadata']['name']}")
def test_core_resources_follow_kubernetes_own_schemas(document):
    if not document["apiVersion"].startswith("ray.io/"):
        assert core_problems(document) == []


def test_rays_resources_follow_their_definitions(crds):
    assert ray_problems(one(CLUSTER, "RayCluster"), crds) == []
    assert ray_problems(one(SWEEP, "RayJob"), crds) == []


def test_the_sweeps_cluster_is_the_standing_one_and_only_the_job_has_it():
    assert "RayCluster" in kinds(CLUSTER)
    assert "RayCluster" not in kinds(SWEEP)
    job = one(SWEEP, "RayJob")["spec"]
    assert job["rayClusterSpec"] == one(CLUSTER, "RayCluster")["spec"]
    assert "--resume auto" in job["entrypoint"]
    assert job["backoffLimit"] > 0


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on this machine")
@pytest.mark.parametrize(("folder", "ours"), [("cluster", CLUSTER), ("sweep", SWEEP)])
def test_kustomize_prints_what_we_resolve(folder, ours):
    command = ["kubectl", "kustomize", str(KUBERAY / folder)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def plain(documents):
        return sorted(json.dumps(document, sort_keys=True) for document in documents)

    assert plain(read_all(printed)) == plain(ours)


@pytest.mark.parametrize("documents", [CLUSTER, SWEEP], ids=["cluster", "sweep"])
def test_no_pod_is_root_and_each_says_what_it_takes(documents):
    found = list(pods(documents))
    assert len(found) >= 6  # MLflow, dashboard, head, three groups of workers
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["enableServiceLinks"] is False  # or MLFLOW_PORT would be tcp://…
        for container in pod["containers"]:
            assert container["image"] == "registry.example.com/acutance:0.1.0"
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= set(container["resources"])


def test_volumes_mounts_and_settings_belong_together():
    settings = {d["metadata"]["name"] for d in CLUSTER if d["kind"] == "ConfigMap"}
    for pod in pods(CLUSTER):
        volumes = {volume["name"] for volume in pod.get("volumes", ())}
        for container in pod["containers"]:
            assert {m["name"] for m in container.get("volumeMounts", ())} == volumes
            told = [source["configMapRef"]["name"] for source in container["envFrom"][:1]]
            assert set(told) <= settings


def test_secrets_are_referred_to_and_never_written():
    assert "Secret" not in kinds(SWEEP)
    cluster = one(CLUSTER, "RayCluster")["spec"]
    assert cluster["authOptions"] == {"mode": "token", "secretName": "acutance-ray"}
    for pod in pods(CLUSTER):
        for container in pod["containers"]:
            for variable in container.get("env", ()):
                name = variable["name"]
                secret = "secretKeyRef" in variable.get("valueFrom", {})
                assert secret == name.endswith(("_URI", "_TOKEN")), name


def test_the_dashboard_writes_to_its_volumes_alone_and_asks_for_tokens(tmp_path):
    (container,) = one(CLUSTER, "Deployment", "dashboard")["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    settings = next(d for d in CLUSTER if d["metadata"]["name"] == "acutance" and "data" in d)
    told = {**settings["data"], **{each["name"]: "x" * 32 for each in container["env"]}}
    assert set(_VARIABLES.values()) <= set(told), "without tokens no reader knows how to log in"
    routes = {route.path for route in routes_of(create_app(Home(open_store(tmp_path), tmp_path)))}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in routes
    (port,) = container["ports"]
    service = one(CLUSTER, "Service", "dashboard")["spec"]
    assert service["ports"][0]["port"] == port["containerPort"] == PORT
    pod = one(CLUSTER, "Deployment", "dashboard")["spec"]["template"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()


def test_workers_declare_the_name_that_sweeps_call_them_by_and_none_runs_before_one_does():
    """As Ray's own autoscaler reads the definition of the cluster."""
    read = derived(one(CLUSTER, "RayCluster") | {"status": {}})
    kinds = {
        name: node for name, node in read["available_node_types"].items() if "head" not in name
    }
    assert set(kinds) == {"cpu", "gpu", "spot"}
    for name, node in kinds.items():
        assert node["resources"][f"{MARK}{name}"] == 1
        assert node["min_workers"] == 0 < node["max_workers"]
    entry = shlex.split(one(SWEEP, "RayJob")["spec"]["entrypoint"])
    named = next(word for word in entry if word.startswith("resources.nodes="))
    assert named.partition("=")[2] in kinds


def test_workers_at_amazon_declare_their_names():
    types = read(DEPLOY / "ray" / "aws.yaml")["available_node_types"]
    for name in ("gpu", "cpu"):
        assert types[name]["resources"][f"{MARK}{name}"] == 1
        assert types[name]["min_workers"] == 0


def test_workers_have_time_to_save_before_they_go_and_spot_workers_no_more_than_aws_gives():
    groups = one(CLUSTER, "RayCluster")["spec"]["workerGroupSpecs"]
    for group in groups:
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        command = container["lifecycle"]["preStop"]["exec"]["command"]
        assert command[:3] == ["acutance", "drain", "--within"]
        assert int(command[3]) + 10 <= pod["terminationGracePeriodSeconds"]
        assert group["minReplicas"] == group["replicas"] <= group["maxReplicas"]
    (spot,) = [group for group in groups if group["groupName"] == "spot"]
    assert spot["template"]["spec"]["terminationGracePeriodSeconds"] < 120
