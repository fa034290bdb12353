"""What an autoscaler is asked for: sums, withdrawals, and as much as it can give."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest

from acutance_platform.sweep import autoscaler
from acutance_platform.sweep.autoscaler import Said
from acutance_platform.sweep.broker import LAPSE, Book
from acutance_platform.sweep.demand import HOLDS, Demand
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.placing import Node, Share

LEG, LARGE = {"CPU": 1.0}, {"CPU": 4.0, "GPU": 1.0}


class Cloud:
    """An autoscaler that can give so many bundles, and gives nothing of a larger request."""

    def __init__(self, most):
        self.most, self.asked, self.now, self.version = most, [[]], 0.0, 0
        self.seen = self.too_much = 0
        self.demand = Demand(self.ask, self.listen, clock=lambda: self.now)

    def ask(self, *, bundles):
        self.asked.append(bundles)

    def listen(self):
        if self.most is None:
            return None
        self.version += 1
        return Said(seen=self.seen, now=self.version, too_much=bool(self.too_much))

    def looks(self):
        """Let it see the present request."""
        self.version += 1
        self.seen, self.too_much = self.version, len(self.asked[-1]) > self.most

    def settles(self, wanted, rounds=12):
        for _ in range(rounds):
            self.demand.look(wanted)
            self.looks()
        return len(self.asked[-1])


@pytest.mark.parametrize("most", [1, 3, 15, 16, 17, 63, 64, 100])
def test_as_much_is_asked_as_can_be_given(most):
    cloud = Cloud(most)
    assert cloud.settles([LEG] * 64) == min(most, 64)
    settled = len(cloud.asked)
    assert cloud.settles([LEG] * 64) == min(most, 64)
    assert len(cloud.asked) == settled, "nothing is asked twice"


def test_what_is_less_is_asked_at_once_and_what_is_nothing_is_taken_back():
    cloud = Cloud(4)
    cloud.settles([LEG] * 9)
    cloud.demand.look([LEG] * 2)
    assert cloud.asked[-1] == [LEG] * 2
    cloud.demand.look([])
    assert cloud.asked[-1] == []


def test_words_about_an_earlier_request_say_nothing_about_this_one():
    cloud = Cloud(40)
    cloud.demand.look([LEG] * 64)
    cloud.looks()
    for _ in range(5):  # it has not looked at the second request, and repeats what it said
        cloud.demand.look([LEG] * 64)
    assert [len(each) for each in cloud.asked] == [0, 64, 32]


def test_limits_that_are_raised_are_found_later_and_lowered_ones_at_once():
    cloud = Cloud(4)
    cloud.settles([LEG] * 9)
    cloud.most = 9
    assert cloud.settles([LEG] * 9) == 4
    cloud.now += HOLDS + 1
    assert cloud.settles([LEG] * 9) == 9
    cloud.most = 2
    assert cloud.settles([LEG] * 9) == 2


def test_another_kind_of_leg_is_asked_for_whatever_was_refused():
    cloud = Cloud(0)
    assert cloud.settles([LARGE] * 3) == 0
    cloud.most = 2
    assert cloud.settles([LEG, LEG, LARGE]) == 2


def test_nothing_is_asked_where_no_autoscaler_runs():
    cloud = Cloud(None)
    cloud.demand.look([LEG] * 3)
    assert cloud.asked == [[]]
    assert not cloud.demand.heard


def told(more, held=0, priority=0, **other):
    legs = [{"cpu": 1.0, "gpu": 0.0, "place": None}] * held
    return {
        **{"priority": priority, "nodes": "", "capacity": [4.0, 0.0], "held": legs, "next": []},
        **{"more": more, **other},
    }


def test_sweeps_are_summed_what_runs_first_then_by_priority_in_turns():
    now = [0.0]
    book = Book(clock=lambda: now[0])
    a, b, c = ({"CPU": float(number)} for number in (1, 2, 3))
    book.tell("a", told([a] * 3, held=1))
    now[0] += 1
    book.tell("b", told([b] * 3, held=1))
    now[0] += 1
    book.tell("c", told([c] * 2, priority=1))
    assert book.wanted() == [a, b, c, c, a, b, a, b]
    assert not book.leave("c")
    assert Counter(map(json.dumps, book.wanted())) == {json.dumps(a): 3, json.dumps(b): 3}
    now[0] += LAPSE + 1
    book.tell("b", told([b]))
    assert book.wanted() == [b], "who is silent is forgotten"
    assert book.leave("b")
    assert book.wanted() == []


def test_sweeps_on_nodes_of_different_names_do_not_divide_each_others_cpus():
    book = Book(clock=lambda: 0.0)
    mine = {"nodes": "fast", "next": [[1.0, 0.0]] * 4}
    book.tell("other", told([], nodes="slow", next=[[1.0, 0.0]] * 4))
    assert book.tell("mine", told([], **mine))["cpus"] == 4.0
    book.tell("any", told([], next=[[1.0, 0.0]] * 4))
    assert book.tell("mine", told([], **mine))["cpus"] == 2.0


@pytest.fixture
def head(monkeypatch):
    """A cluster whose nodes and autoscaler this test imitates, second by second."""
    world = SimpleNamespace(nodes=[], said=None, comes=[], time=0.0, groups=Counter())
    group = SimpleNamespace(id=SimpleNamespace(hex=lambda: "mine"))

    def sleep(seconds):
        world.time += seconds
        world.nodes += world.comes[:1] if world.time > 30 else []

    def made(bundles):
        world.groups["made"] += 1
        return group

    monkeypatch.setattr(autoscaler, "cluster_nodes", lambda: list(world.nodes))
    monkeypatch.setattr(autoscaler, "_listen", lambda: world.said and world.said(world.time))
    monkeypatch.setattr(autoscaler, "placement_group", made)
    removed = lambda group: world.groups.update(removed=1)  # noqa: E731
    monkeypatch.setattr(autoscaler, "remove_placement_group", removed)
    clock = SimpleNamespace(monotonic=lambda: world.time, sleep=sleep)
    monkeypatch.setattr(autoscaler, "time", clock)
    return world


CANNOT, FEASIBLE = frozenset({"mine"}), frozenset()


def says(cannot, **more):
    return lambda now: Said(seen=now // 5, now=now, cannot=cannot, **more)


def test_a_node_that_will_come_is_waited_for(head, caplog):
    head.said, head.comes = says(FEASIBLE), [Node("a", 8.0, 1)]
    assert autoscaler.share_wanted({"cpu": 4}) == Share(4, 1)
    assert "waiting for a node that the autoscaler starts (CPU 4, GPU 1)" in caplog.text
    assert head.groups["made"] == head.groups["removed"] == 1
    assert 30 < head.time < 40


def test_one_that_does_not_come_in_time_is_an_error_and_asked_for_no_more(head):
    head.said = says(FEASIBLE)
    with pytest.raises(SweepError, match="in 1200 s, although"):
        autoscaler.share_wanted({"cpu": 4, "gpu": 1})
    assert head.groups["removed"] == 1
    assert 1200 < head.time < 1210


def test_one_that_can_never_come_is_refused_soon(head):
    head.said = says(CANNOT)
    with pytest.raises(SweepError, match=r"CPU 4, GPU 8\).* can start none"):
        autoscaler.share_wanted({"cpu": 4, "gpu": 8})
    assert head.time < 60
    assert autoscaler.REFUSALS > 1, "the first may be about a moment before"


def test_without_an_autoscaler_nothing_is_waited_for(head):
    head.said = says(FEASIBLE, starts=False)
    assert autoscaler.share_wanted({"cpu": 4, "gpu": 8}) == Share(4, 8)
    assert head.time == 0, "whoever asks next refuses it"
    head.said = None
    autoscaler.share_wanted({"cpu": 4, "gpu": 8})
    assert 15 < head.time < 30, "one that has just begun may not have spoken yet"
    assert not head.groups


def test_auto_is_a_gpu_where_one_is_or_can_be_had(head):
    head.nodes = [Node("a", 8.0, 0), Node("b", 8.0, 1)]
    assert autoscaler.share_wanted({}) == Share(1, 1)
    head.nodes = [Node("a", 8.0, 0)]
    assert autoscaler.share_wanted({}) == Share(1, 0)
    head.said = says(CANNOT)
    assert autoscaler.share_wanted({}) == Share(1, 0), "it has none to give"
    head.nodes, head.said = [], lambda now: Said(seen=float("inf"))
    with pytest.raises(SweepError, match="gpu: 1"):
        autoscaler.share_wanted({})


def test_resources_that_nobody_checked_yet_are_survived(head):
    head.nodes = [Node("a", 8.0, 0)]
    asked = {"cpu": "many", "gpu": [], "ranks": -1, "nodes": None}
    assert autoscaler.share_wanted(asked) == Share(1, 0)


def test_the_older_autoscaler_is_known_by_the_nodes_that_it_starts():
    def status(**types):
        return json.dumps({"autoscaler_report": {"node_type_mapping": types}}).encode()

    assert autoscaler._heard_of_older(None) is None
    assert autoscaler._heard_of_older(b'{"autoscaler_report": null}') is None
    assert autoscaler._heard_of_older(status(a="node_12ab")).starts is False
    found = autoscaler._heard_of_older(status(a="ray.head.default"))
    assert found.starts
    assert not found.answers
