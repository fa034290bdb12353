import os

from acutance_platform.sweep import cluster
from acutance_platform.sweep.room import Share


def test_workers_find_the_packages_and_keep_to_their_threads(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    variables = cluster._worker_variables(Share(2, 0))
    assert variables["OMP_NUM_THREADS"] == "2"
    assert variables["OMP_WAIT_POLICY"] == "PASSIVE"
    roots = variables["PYTHONPATH"].split(os.pathsep)
    assert roots[-1] == "/somewhere"
    assert {os.path.basename(root) for root in roots[:-1]} >= {"platform", "models", "storage"}


def test_the_scratch_folder_leaves_room_for_a_socket_path(monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/a/very" + "/long" * 20)
    assert len(str(cluster._scratch("acutance-0123456789"))) < 40


def test_variables_are_taken_away_again(monkeypatch):
    monkeypatch.setenv("ALREADY", "mine")
    with cluster._environment({"ALREADY": "theirs", "ADDED": "1"}):
        assert os.environ["ADDED"] == "1"
        assert os.environ["ALREADY"] == "mine"
    assert "ADDED" not in os.environ
