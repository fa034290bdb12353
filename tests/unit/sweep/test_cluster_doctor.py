"""What the doctor makes of the answers of nodes; the nodes that answer wrongly are made up."""

import pytest

from acutance_platform.sweep import inquiry
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.inquiry import NodeAnswer
from acutance_platform.verbs.cluster_doctor import examine_cluster
from acutance_platform.verbs.findings import Aside
from acutance_platform.verbs.hiding import without_secrets
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.node_check import code_hash, examine, store_check
from acutance_storage import open_store

ADDRESS = "10.0.0.5:6379"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return Home(open_store(tmp_path / "store"), tmp_path / "local")


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    """What this machine says of itself, as a node."""
    folder = tmp_path_factory.mktemp("well")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        return examine({"store": str(folder / "store"), "mark": ""})


def node(said, host="10.0.0.6", **changes):
    known = {"resources": {"CPU": 4.0}, "alive": True, "fault": "", **changes}
    return NodeAnswer(node="0123456789ab", host=host, said=said, **known)


def findings(home, monkeypatch, *answers):
    """The findings by subject, for nodes that answer so."""
    monkeypatch.setattr(inquiry, "inquire", lambda *args, **kwargs: list(answers))
    return {found.subject: found for found in examine_cluster(home, ADDRESS)}


def test_a_sound_node_gives_no_failure(home, monkeypatch, well):
    found = findings(home, monkeypatch, node(well))
    assert {each.verdict for each in found.values()} <= {"ok", "warning"}  # memory may be short
    assert found["versions"].said.startswith("equal here and on 1 nodes: python")
    assert f"our code {code_hash()[:12]}" in found["versions"].said
    assert "write, read, list and delete work" in found["store from 10.0.0.6 (01234567)"].said
    assert found["clock of 10.0.0.6 (01234567)"].verdict == "ok"
    assert not home.store.list("doctor/"), "the doctor leaves nothing in the store"


@pytest.mark.parametrize(
    ("changes", "subject", "verdict", "said"),
    [
        ({"python": "3.12.1"}, "versions", "failure", "python: "),
        ({"code": "f" * 64}, "versions", "failure", "our code: "),
        ({"packages": {"ray": "2.60.0"}}, "versions", "failure", "missing on 10.0.0.6"),
        ({"disk": [10**9, "/x"]}, "disk of", "warning", "0.9 GiB free at /x"),
        ({"memory": [2 * 1024**3, 8 * 1024**3]}, "memory of", "warning", "2.0 of 8.0 GiB"),
        ({"torch": {"fault": "no module"}}, "gpus of", "failure", "torch does not work"),
        (
            {"store": {"fault": "KeyMissing: doctor/1", "up": 0.0, "down": 0.0, "skew": None}},
            "store from",
            "failure",
            "KeyMissing",
        ),
        (
            {"store": {"fault": "", "up": 2.0, "down": 90.0, "skew": 0.0}},
            "store from",
            "warning",
            "2 MB/s up",
        ),
        (
            {"store": {"fault": "", "up": 90.0, "down": 90.0, "skew": 9.0}},
            "clock of",
            "warning",
            "9 s ahead of the store's",
        ),
        (
            {"store": {"fault": "", "up": 90.0, "down": 90.0, "skew": -400.0}},
            "clock of",
            "failure",
            "400 s behind the store's",
        ),
    ],
)
def test_what_is_wrong_with_a_node_is_said_with_a_way_out(
    home, monkeypatch, well, changes, subject, verdict, said
):
    found = findings(home, monkeypatch, node({**well, **changes}))
    (one,) = [each for name, each in found.items() if name.startswith(subject)]
    assert one.verdict == verdict
    assert said in one.said
    assert one.advice


def test_gpus_that_ray_offers_and_torch_does_not_see(home, monkeypatch, well):
    found = findings(home, monkeypatch, node(well, resources={"CPU": 4.0, "GPU": 2.0}))
    assert found["gpus of 10.0.0.6 (01234567)"].verdict == "failure"
    card = {**well["torch"], "gpus": [["Some Card", 16 * 1024**3]]}
    found = findings(home, monkeypatch, node({**well, "torch": card}))
    assert found["gpus of 10.0.0.6 (01234567)"].verdict == "warning"


def test_nodes_of_two_kinds_are_a_warning(home, monkeypatch, well):
    other = {**well["torch"], "kind": ["2.13.0+cpu", "None", "AVX2 of another"]}
    answers = (node(well), node({**well, "torch": other}, host="10.0.0.7"))
    found = findings(home, monkeypatch, *answers)
    assert found["machine kinds"].verdict == "warning"
    assert "share: any" in found["machine kinds"].advice


def test_nodes_that_hang_or_left_are_findings(home, monkeypatch, well):
    hangs = node(None, host="10.0.0.7", fault="it did not answer within 90 s")
    left = node(None, host="10.0.0.8", alive=False, fault="it left the cluster")
    back = node(None, host="10.0.0.6", alive=False, fault="it left the cluster")
    found = findings(home, monkeypatch, node(well), hangs, left, back)
    assert found["node 10.0.0.7 (01234567)"].verdict == "failure"
    assert found["node 10.0.0.8"].verdict == "warning"
    assert "node 10.0.0.6" not in found, "its successor lives"


def test_a_cluster_without_processors_cannot_run_trials(home, monkeypatch, well):
    found = findings(home, monkeypatch, node(well, resources={}))
    assert found["cluster"].verdict == "failure"
    assert "--num-cpus" in found["cluster"].advice


def test_a_cluster_whose_nodes_start_on_demand_may_have_none(home, monkeypatch, well):
    idle = node(None, host="10.0.0.8", alive=False, fault="it left the cluster", grows=True)
    found = findings(home, monkeypatch, node(well, resources={}, grows=True), idle)
    assert found["cluster"].verdict == "warning"
    assert "its autoscaler starts them for a sweep" in found["cluster"].said
    assert "node 10.0.0.8" not in found, "it was idle, and is wanted by nobody"


@pytest.mark.parametrize(
    ("error", "said", "advice"),
    [
        ("W gcs: InvalidAuthToken\nno answer", "does not take this process's token", "token"),
        ("Version mismatch: Ray 2.59", "Version mismatch", "constraints.txt"),
        ("nobody listens", "nobody listens", "Start it"),
    ],
)
def test_a_cluster_that_does_not_answer_is_one_finding(home, monkeypatch, error, said, advice):
    def refuse(*arguments, **options):
        raise SweepError(error)

    monkeypatch.setattr(inquiry, "inquire", refuse)
    found = {each.subject: each for each in examine_cluster(home, ADDRESS)}
    assert set(found) == {"cluster", "mlflow"}
    assert found["cluster"].verdict == "failure"
    assert said in found["cluster"].said
    assert advice in found["cluster"].advice


def test_a_store_that_the_driver_did_not_write_to_is_found(tmp_path):
    found = store_check(str(tmp_path / "another"), "doctor/mark-of-the-driver", tmp_path)
    assert "KeyMissing" in found["fault"]


def test_nobody_waits_for_what_never_answers():
    import threading

    never = threading.Event()
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        Aside(never.wait).result(0.05)
    never.set()
    with pytest.raises(ZeroDivisionError):
        Aside(lambda: 1 / 0).result(5)


def test_secrets_are_taken_out_of_what_is_shown(monkeypatch, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very/secret")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter22")
    text = "0123456789abcdef very/secret hunter22 http://ada:pass@host:1/x s3://bucket"
    assert without_secrets(text) == "*** *** *** http://***@host:1/x s3://bucket"
