import pytest

from acutance_platform.search.samplers import SAMPLERS, Told
from acutance_platform.search.table import parse_space

LOSS = "stages.train.loss"
BASE = {
    "seed": 3,
    "generator": {"kind": "a"},
    "stages": {"train": {"loss": {t: {"kind": t, "weight": 1.0} for t in ("l1", "gram", "gan")}}},
}


def points(table, count, **arguments):
    sampler = SAMPLERS.build(
        {"kind": "quasi_random", **arguments},
        space=parse_space(table, BASE),
        base=BASE,
        directions=("max",),
    )
    history = []
    for ordinal in range(count):
        outcome = sampler.propose(ordinal, history).outcome
        history.append(Told(outcome.assignment, "running"))
        yield outcome


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sixteen_points_hit_each_sixteenth_of_every_variable_once(seed):
    table = {"a.x": {"uniform": [0, 16]}, "a.y": {"log_uniform": [1, 2**16]}}
    drawn = list(points(table, 16, seed=seed))
    assert sorted(int(point.shown["a.x"]) for point in drawn) == list(range(16))
    halvings = sorted(int(point.shown["a.y"]).bit_length() - 1 for point in drawn)
    assert halvings == list(range(16))


def test_members_of_every_distribution_and_every_branch_are_reached():
    table = {
        "generator": {
            "choice": [{"kind": "a"}, {"kind": "b", "width": {"int": [8, 32], "step": 8}}]
        },
        "data.batch": {"int": [1, 8], "log": True},
        "data.noise": {"uniform": [0.0, 1.0], "step": 0.25},
        LOSS: {"simplex": ["l1", "gram", "gan"], "total": 2.0, "sparse": True},
    }
    drawn = list(points(table, 128))
    assert {point.shown["data.batch"] for point in drawn} == set(range(1, 9))
    assert {point.shown["data.noise"] for point in drawn} == {0.0, 0.25, 0.5, 0.75, 1.0}
    found = {point.shown.get("generator.width") for point in drawn}
    assert found == {None, 8, 16, 24, 32}
    subsets = {frozenset(point.apply[LOSS]) for point in drawn}
    assert len(subsets) == 7
    for point in drawn:
        assert sum(term["weight"] for term in point.apply[LOSS].values()) == pytest.approx(2.0)


def test_each_point_of_a_small_space_comes_once_and_then_they_come_again():
    table = {"generator.kind": {"choice": list("abcdef")}, "data.batch": {"int": [1, 2]}}
    drawn = [tuple(point.shown.values()) for point in points(table, 13)]
    assert len(set(drawn[:12])) == 12
    assert drawn[12] in drawn[:12]


def test_seed_and_ordinal_say_which_point_it_is():
    table = {"a.x": {"uniform": [0, 1]}}
    first = [point.shown["a.x"] for point in points(table, 5)]
    assert first == [point.shown["a.x"] for point in points(table, 5)]
    assert first != [point.shown["a.x"] for point in points(table, 5, seed=4)]
