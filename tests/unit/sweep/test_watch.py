from types import SimpleNamespace

import pytest

from acutance_platform.sweep import survey
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.placing import Share
from acutance_platform.sweep.survey import Answer, _agreed
from acutance_platform.sweep.watch import PATIENCE, NodeWatch
from acutance_platform.training.machine import Facts

CPU = Facts(torch="2.13", cpus=4, vendor="v", isa="avx2", cpu_bf16=False)
GPU = Facts(
    torch="2.13", cpus=8, vendor="v", isa="avx2", cpu_bf16=False, gpus=2, gpu="card", gpu_bf16=True
)


def test_legs_of_a_dead_node_are_given_up_after_a_while():
    living, now = {"a", "b"}, [0.0]
    watch = NodeWatch(lambda: living, lambda: now[0])
    legs = {"t0000": "a", "t0001": "b", "t0002": ""}
    assert watch.silent(legs) == []
    living.discard("b")
    now[0] = 10.0
    assert watch.silent(legs) == []
    assert watch.dead(["a", "b", ""]) == {"b"}
    now[0] = 10.0 + PATIENCE
    assert watch.silent(legs) == []
    now[0] += 6
    assert watch.silent(legs) == ["t0001"]


def test_a_node_that_comes_back_is_waited_for_anew():
    living, now = {"a"}, [0.0]
    watch = NodeWatch(lambda: living, lambda: now[0])
    living.clear()
    watch.silent({"t0000": "a"})
    living.add("a")
    now[0] = 20.0
    watch.silent({"t0000": "a"})
    living.clear()
    now[0] = PATIENCE + 6
    assert watch.silent({"t0000": "a"}) == []


def test_nodes_of_one_kind_tell_their_largest_counts():
    more = Facts(**{**vars(GPU), "gpus": 4, "cpus": 2})
    told = _agreed([Answer("one", GPU), Answer("two", more)], mixed=False)
    assert (told.cpus, told.gpus, told.gpu) == (8, 4, "card")


def test_kinds_are_mixed_only_where_that_is_asked_for():
    answers = [Answer("one", CPU), Answer("two", GPU), Answer("three", GPU)]
    with pytest.raises(SweepError, match=r"2 kinds[\s\S]*one: [\s\S]*share: any"):
        _agreed(answers, mixed=False)
    assert _agreed(answers, mixed=True).gpu == "card"


def test_every_node_that_cannot_train_is_named():
    answers = [Answer("one", CPU), Answer("two", None, "no store"), Answer("three", None, "no")]
    with pytest.raises(SweepError, match=r"two: no store\n  three: no\n"):
        _agreed(answers, mixed=False)
    with pytest.raises(SweepError, match="no node"):
        _agreed([], mixed=False)


class Cluster:
    """Ray as a survey meets it: nodes, of which some go while they are asked."""

    def __init__(self, *nodes, goes=()):
        self.all, self.goes, self.looks, self.asked = nodes, goes, 0, []

    def nodes(self):
        self.looks += 1
        return [
            {
                "NodeID": name,
                "NodeManagerAddress": name,
                "Alive": self.looks == 1 or name not in self.goes,
                "Resources": resources,
            }
            for name, resources in self.all
        ]

    def remote(self, **options):
        def options_of(scheduling_strategy):
            node = scheduling_strategy
            return SimpleNamespace(remote=lambda *asked: self.asked.append(node) or node)

        return lambda look: SimpleNamespace(options=options_of)

    def wait(self, tasks, **options):
        return tasks, []

    def get(self, node, timeout):
        if node in self.goes:
            raise ConnectionError("the node is gone")
        return {"host": "h", "facts": None, "fault": ""}


def test_those_are_asked_that_can_run_a_trial_and_one_that_goes_meanwhile_does_not_count(
    monkeypatch,
):
    small, large = {"CPU": 2.0}, {"CPU": 8.0, "GPU": 1.0}
    ray = Cluster(("a", small), ("b", large), ("c", large), ("d", {}), goes="c")
    monkeypatch.setattr(survey, "NodeAffinitySchedulingStrategy", lambda node, soft: node)
    monkeypatch.setattr(survey, "ray", ray)
    assert [answer.node for answer in survey._ask("s", "t", Share(4, 1))] == ["b (h)"]
    assert ray.asked == ["b", "c"]
    ray = Cluster(("a", small), ("b", large), ("d", {}))
    monkeypatch.setattr(survey, "ray", ray)
    assert len(survey._ask("s", "t", Share(99, 0))) == 2, "none can: all are told of"
