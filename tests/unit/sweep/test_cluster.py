import importlib.util
import os
import sys
from pathlib import Path

import chaos_losses
import pytest

from acutance_platform.recipe.plugins import _source_hash
from acutance_platform.sweep import cluster
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.room import Share


def test_workers_find_the_packages_and_keep_to_their_threads(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    variables = cluster._thread_variables(Share(2, 0))
    assert variables == {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    roots = cluster._python_path().split(os.pathsep)
    assert roots[-1] == "/somewhere"
    assert {os.path.basename(root) for root in roots[:-1]} >= {"platform", "models", "storage"}


def test_a_cluster_is_sent_our_packages_and_plugins_of_one_file_or_many(tmp_path):
    sent = [Path(path) for path in cluster.shipped(tmp_path, ["chaos_losses", "click", "gone"])]
    names = [path.name for path in sent]
    assert names[:3] == ["acutance_platform", "acutance_models", "acutance_storage"]
    assert names[3:] == ["chaos_losses", "click"]
    assert sent[3] == tmp_path / "chaos_losses"
    assert (sent[3] / "__init__.py").read_text() == Path(chaos_losses.__file__).read_text()


def test_a_plugin_that_was_sent_has_the_key_that_it_has_here(tmp_path, monkeypatch):
    here = _source_hash("chaos_losses")
    sent = cluster.shipped(tmp_path, ["chaos_losses"])[-1]
    monkeypatch.syspath_prepend(str(Path(sent).parent))
    monkeypatch.delitem(sys.modules, "chaos_losses")
    assert Path(importlib.util.find_spec("chaos_losses").origin).parent == Path(sent)
    assert _source_hash("chaos_losses") == here


def test_the_scratch_folder_leaves_room_for_a_socket_path(monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/a/very" + "/long" * 20)
    assert len(str(cluster._scratch("acutance-0123456789"))) < 40


def test_variables_are_taken_away_again(monkeypatch):
    monkeypatch.setenv("ALREADY", "mine")
    with cluster._environment({"ALREADY": "theirs", "ADDED": "1"}):
        assert os.environ["ADDED"] == "1"
        assert os.environ["ALREADY"] == "mine"
    assert "ADDED" not in os.environ


def test_from_a_machine_that_is_no_node_of_the_cluster_the_way_in_is_named(monkeypatch):
    def refuse(**options):
        raise RuntimeError("No node info found")

    monkeypatch.setattr(cluster.ray, "init", refuse)
    words = r"auto: .*No node info.* on one of its nodes"
    with pytest.raises(SweepError, match=words), cluster.connected("auto"):
        raise AssertionError("not connected")
