"""Distributions that are logarithmic and have steps."""

import math
from collections import Counter

import pytest

from acutance_platform.search.grid import grid_points, grid_problems
from acutance_platform.search.samplers import SAMPLERS, Told
from acutance_platform.search.table import parse_space

BASE = {"seed": 1, "a": {"n": 0, "x": 0.0, "seed": 0}}
TABLE = {
    "a.n": {"int": [16, 128], "step": 16, "log": True},
    "a.x": {"log_uniform": [0.1, 0.9], "step": 0.2},
    "a.seed": {"int": [0, 10**6]},
}
WHOLE = list(range(16, 129, 16))
REAL = [0.1, 0.3, 0.5, 0.7, 0.9]


def draws(kind, count):
    """Return what a sampler draws, told of each that larger is better in both."""
    space = parse_space(TABLE, BASE)
    sampler = SAMPLERS.build({"kind": kind}, space=space, base=BASE, directions=("max",))
    told, found = [], []
    for ordinal in range(count):
        outcome = sampler.propose(ordinal, told).outcome
        assert space.replay(outcome.assignment, BASE) == outcome
        found.append(outcome.apply)
        value = outcome.apply["a.n"] / 128 + outcome.apply["a.x"]
        told.append(
            Told(
                assignment=outcome.assignment, state="complete", values={1: (value,)}, violation=0.0
            )
        )
    return found


@pytest.mark.parametrize("kind", ["random", "quasi_random", "tpe", "nsga2"])
def test_every_draw_is_a_member(kind):
    for drawn in draws(kind, 40):
        assert drawn["a.n"] in WHOLE
        assert drawn["a.x"] in REAL


@pytest.mark.parametrize(("kind", "count"), [("random", 1024), ("quasi_random", 256)])
def test_members_are_as_likely_as_their_share_of_the_logarithm(kind, count):
    found = draws(kind, count)
    assert_shares(Counter(d["a.n"] for d in found), WHOLE, 16)
    assert_shares(Counter(d["a.x"] for d in found), REAL, 0.2)


def assert_shares(counts, members, step):
    ends = [max(m - step / 2, members[0] / 2) for m in members] + [members[-1] + step / 2]
    logs = [math.log(end) for end in ends]
    for member, low, high in zip(members, logs, logs[1:], strict=False):
        share = (high - low) / (logs[-1] - logs[0])
        assert counts[member] / counts.total() == pytest.approx(share, abs=0.05)


def test_a_model_finds_the_better_end():
    """At random a third of the draws of n are above 64; told what is good, TPE goes there."""
    late = [drawn["a.n"] for drawn in draws("tpe", 40)[20:]]
    assert sum(late) / len(late) > 64


def test_a_grid_goes_through_them():
    space = parse_space({k: TABLE[k] for k in ("a.n", "a.x")}, BASE)
    assert grid_problems(space) == []
    points = [(p.apply["a.n"], p.apply["a.x"]) for p in grid_points(space, BASE)]
    assert points == [(n, x) for n in WHOLE for x in REAL]


def test_a_continuous_logarithm_has_no_last_point():
    (problem,) = grid_problems(parse_space({"a.x": {"log_uniform": [0.1, 1.0]}}, BASE))
    assert problem.value == "log_uniform without step"
