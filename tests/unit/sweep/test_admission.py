import itertools
from functools import partial

import pytest
from rehearsal import Clock, MemoryLog
from sweeps import plan

from acutance_platform.search.fold import Sweep
from acutance_platform.sweep.admission import Admission, Allowance, Held, held_of, plain
from acutance_platform.sweep.broker import LAPSE, Book
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.gpus import Gpu
from acutance_platform.sweep.misplaced import keep_from
from acutance_platform.sweep.placing import Node, Place, Share
from acutance_platform.sweep.shares import packer, share_for, smallest

GIB = 2**30
NODES = [Node("a", 4.0, 2), Node("b", 4.0, 1), Node("c", 8.0, 0)]


def admission(share=Share(1, 1), **options):  # noqa: B008 (frozen)
    return Admission(share, nodes=lambda: NODES, **options)


class Neighbours:
    """What a broker would answer, and what it was told."""

    grows = False

    def __init__(self, *, cpus=99.0, gpus=99.0, others=()):
        self.answer, self.said = Allowance(cpus, gpus, tuple(others)), []

    def allowance(self):
        return self.answer

    def say(self, *told):
        self.said.append(told)


@pytest.mark.parametrize(
    ("share", "options", "slots"),
    [
        (Share(1, 0), {}, 16),
        (Share(1, 0), {"limit": 3}, 3),
        (Share(1, 0.5), {}, 6),
        (Share(1, 0.5), {"most_gpus": 1.5}, 3),
        (Share(1, 2), {}, 1),
        (Share(1, 0), {"most_gpus": 1.0}, 16),
    ],
)
def test_as_many_legs_start_as_fit(share, options, slots):
    asked, active = admission(share, **options), []
    while asked.any(active):
        active.append(f"t{len(active)}")
        asked.begin(active[-1], None)
    assert len(active) == slots == asked.slots()


def test_packed_legs_start_where_their_own_share_fits():
    asked, active = admission(packed=True), []
    for number, (gpu, fits) in enumerate(
        [(0.5, True), (1.0, True), (1.0, True), (1.0, False), (0.5, True), (0.125, False)]
    ):
        assert asked.open(active, gpu) is fits, number
        if fits:
            active.append(f"t{number}")
            asked.begin(active[-1], gpu)
    assert not asked.any(active)
    assert asked.any(active[1:]), "whose leg has ended takes nothing"


def test_legs_are_counted_where_they_say_that_they_run():
    asked, active = admission(packed=True), ["x", "y"]
    for name in active:
        asked.begin(name, 0.5)
    assert asked.open(active, 1.0)
    assert asked.open(active, 2.0) is False, "the two may lie on any GPU of the node with two"
    asked.at("x", "a", [0])
    asked.at("y", "b", [0])
    assert asked.open(active, 1.0)
    asked.at("y", "a", [1])
    asked.begin("z", 1.0)
    assert asked.open([*active, "z"], 1.0) is False, "a half is left of each of two"


def test_what_other_sweeps_hold_is_in_the_way():
    other = Held(Share(1, 0.5), Place("b", (0,)))
    two = Held(Share(1, 2.0), Place("a", (0, 1)))
    assert admission(neighbours=Neighbours(others=[other])).any([])
    assert admission(neighbours=Neighbours(others=[other, two])).any([]) is False
    half = admission(Share(1, 0.5), neighbours=Neighbours(others=[other, two]))
    assert half.any([])
    half.begin("x", None)
    assert half.any(["x"]) is False
    assert held_of(plain(two)) == two
    assert held_of(plain(Held(Share(1, 0)))) == Held(Share(1, 0))


def test_no_leg_starts_above_the_allowance():
    asked = admission(neighbours=Neighbours(cpus=5.0, gpus=2.0))
    for number, active in enumerate([[], ["x"]]):
        assert asked.any(active), number
        asked.begin("xy"[number], None)
    assert asked.any(["x", "y"]) is False
    alone = Neighbours()
    alone.answer = None  # nobody says
    assert admission(neighbours=alone).any(["x", "y"])


def test_a_sweep_says_what_it_holds_and_could_use_within_its_limits():
    neighbours = Neighbours()
    asked = admission(packed=True, most_gpus=2.0, neighbours=neighbours)
    asked.begin("x", 0.5)
    asked.tell(["x"], lambda: itertools.repeat(0.25))
    asked.tell(["x"], lambda: itertools.repeat(0.25))  # not again at once
    ((nodes, held, legs, more),) = neighbours.said
    assert nodes == NODES
    assert held == [Held(Share(1, 0.5))]
    assert legs == more == [Share(1, 0.5)] + [Share(1, 0.25)] * 6


def test_where_nodes_can_be_had_a_sweep_says_how_much_more_it_could_use():
    neighbours = Neighbours()
    neighbours.grows = True
    asked = admission(Share(1, 1, "fast"), neighbours=neighbours, limit=9)
    asked.begin("x", None)
    asked.tell(["x"], lambda: itertools.repeat(None))
    ((_, _, legs, more),) = neighbours.said
    assert legs == [Share(1, 1, "fast")], "no node here is called fast"
    assert more == [Share(1, 1, "fast")] * 9


def test_legs_keep_from_nodes_of_another_kind_while_there_are_others():
    asked = admission(Share(8, 0))
    assert asked.slots() == 1
    with pytest.raises(SweepError, match=r"it is another machine\. .*nodes: NAME"):
        keep_from(asked, "c", "Traceback\nMisplaced: it is another machine\n")
    assert asked.slots() == 0
    small = admission(Share(2, 0))
    keep_from(small, "c", "Misplaced: no")
    assert small.slots() == 4
    neighbours = Neighbours()
    neighbours.grows = True
    growing = admission(Share(8, 0), neighbours=neighbours)
    for node in ("c", "x", "y", "z"):
        keep_from(growing, node, "Misplaced: no")
    with pytest.raises(SweepError, match="Take such nodes out"):
        keep_from(growing, "one more", "Misplaced: no")


def test_the_smallest_share_that_holds_a_trial():
    gpu = Gpu(16 * GIB, context=GIB / 2)
    sizes = [share_for(gib * GIB, gpu) for gib in (0.5, 0.7, 1.7, 4.1, 4.3, 30.0)]
    assert sizes == [
        0.125,
        0.25,
        0.25,
        0.5,
        1.0,
        1.0,
    ]  # 4.1 take (4.1 * 1.25 + 0.5 + 0.25) / 0.75 = 7.8
    assert share_for(None, gpu) == 1.0


def test_the_smallest_gpu_that_may_be_met_decides():
    gpus = {"a": Gpu(24 * GIB, GIB), "b": Gpu(16 * GIB, GIB / 2)}
    assert smallest(NODES, gpus, 1) == Gpu(16 * GIB, GIB)
    assert smallest(NODES, {"a": gpus["a"]}, 1) is None, "one that is not known may be small"
    assert smallest(NODES[2:], {}, 1) is None
    small = [Node("a", 4.0, 1), Node("b", 1.0, 1)]
    assert smallest(small, gpus, 2) == Gpu(24 * GIB, GIB), "nothing runs on b"
    assert packer(lambda recipe: recipe["bytes"], Gpu(16 * GIB))({"bytes": GIB}) == 0.25
    assert packer(lambda recipe: 1.0, None)({}) == 1.0
    assert packer(lambda recipe: 1 / 0, Gpu(16 * GIB))({}) == 1.0


def test_a_book_forgets_who_is_silent():
    now = [0.0]
    book = Book(clock=lambda: now[0])

    def told(priority, held, following):
        legs = [{"cpu": 1.0, "gpu": 0.0, "place": None}] * held
        rest = [[1.0, 0.0]] * following
        capacity = {"capacity": [4.0, 0.0], "nodes": "", "more": []}
        return {"priority": priority, "held": legs, "next": rest, **capacity}

    assert book.tell("low", told(0, 0, 9))["cpus"] == 4.0
    assert book.tell("high", told(1, 0, 3))["cpus"] == 3.0
    answer = book.tell("low", told(0, 4, 5))
    assert answer["cpus"] == 1.0, "it holds four, and gives three back as they end"
    assert len(book.tell("high", told(1, 0, 3))["others"]) == 4
    now[0] += LAPSE + 1
    assert book.tell("low", told(0, 1, 5)) == {
        "cpus": 4.0,
        "gpus": 0.0,
        "others": [],
        "busy": False,
    }
    assert book.leave("low")


def drawing(fits, shares, **options):
    """A conductor whose trials have these shares, and the legs that it offers."""
    log = MemoryLog()
    conductor = Conductor(plan(**options), journal=log, clock=Clock())
    conductor.start("driver", "host")
    following = iter(shares)
    conductor.pack(lambda recipe: next(following))
    return conductor, log, partial(conductor.next_leg, 3, fits)


def test_shares_are_journalled_and_reach_the_leg():
    _, log, offered = drawing(lambda gpu: True, [0.25, 1.0])
    offers = [offered(), offered()]
    assert [offer.share for offer in offers] == [0.25, 1.0]
    assert [offer.recipe["resources"]["gpu"] for offer in offers] == [0.25, 1.0]
    asks = [record for record in log.records if record["do"] == "ask"]
    assert [ask["share"] for ask in asks] == [0.25, 1.0]
    assert [t.share for t in Sweep.of(log.records).trials.values()] == [0.25, 1.0]
    for ask in asks:
        del ask["share"]  # as an earlier version wrote it
    assert {t.share for t in Sweep.of(log.records).trials.values()} == {None}


def test_a_trial_that_waits_for_room_is_not_passed_by_new_ones():
    room = [0.5]
    conductor, log, offered = drawing(lambda gpu: gpu <= room[0], [0.5, 1.0, 0.25, 0.25], trials=4)
    first = offered()
    assert first.share == 0.5
    assert offered() is None, "the second was drawn and takes a whole GPU"
    assert offered() is None
    assert sum(record["do"] == "ask" for record in log.records) == 2
    assert list(conductor.startable()) == [1.0, 1.0, 1.0], "those not drawn may be as large"
    room[0] = 1.0
    assert offered().share == 1.0
    assert offered().share == 0.25


def test_what_fits_goes_before_what_waits_for_room():
    room = [0.0]
    conductor, _, offered = drawing(lambda gpu: gpu <= room[0], [1.0, 0.25], trials=2)
    assert offered() is None
    room[0] = 1.0
    large = offered()
    small = offered()
    for offer in (large, small):
        conductor.release(offer.trial)  # both are in flight and wait
    room[0] = 0.25
    assert offered().trial == small.trial
    assert not conductor.over()
