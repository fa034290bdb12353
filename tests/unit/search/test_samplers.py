import logging
import warnings

import pytest

from acutance_models import RegistryError
from acutance_platform.search.samplers import SAMPLERS, Told
from acutance_platform.search.table import parse_space

BASE = {"seed": 7, "generator": {"kind": "a"}, "optimizer": {"lr": 1e-4}, "data": {"batch": 1}}
TABLE = {
    "optimizer.lr": {"log_uniform": [1e-5, 1e-1]},
    "data.batch": {"int": [1, 32], "log": True},
    "generator": {"choice": [{"kind": "a"}, {"kind": "b", "width": {"int": [8, 64], "step": 8}}]},
    "data.noise": {"uniform": [0.0, 1.0], "step": 0.25},
}


def sampler(kind="tpe", table=TABLE, directions=("max",), **arguments):
    space = parse_space(table, BASE)
    spec = {"kind": kind, **arguments}
    return SAMPLERS.build(spec, space=space, base=BASE, directions=directions)


def run(the_sampler, count, score, told_as="complete"):
    history = []
    for ordinal in range(count):
        proposal = the_sampler.propose(ordinal, history)
        value = score(proposal.outcome)
        history.append(Told(proposal.outcome.assignment, told_as, {10: (value,)}, proposal.attrs))
    return history


def lr_score(outcome):
    """Best at lr = 1e-3."""
    import math

    return -abs(math.log10(outcome.apply["optimizer.lr"]) + 3)


def test_proposals_depend_on_seed_ordinal_and_history_alone():
    history = run(sampler(startup_trials=3), 6, lr_score)
    first = sampler(startup_trials=3).propose(6, history)
    again = sampler(startup_trials=3).propose(6, list(history))
    assert first == again
    assert sampler(startup_trials=3, seed=8).propose(6, history) != first


def test_start_up_draws_depend_on_the_ordinal_alone():
    history = run(sampler(), 4, lr_score)
    assert sampler().propose(4, history) == sampler().propose(4, [])
    assert sampler().propose(4, []) == sampler("random").propose(4, [])


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_draws_are_members_of_their_distributions(kind):
    history = run(sampler(kind, startup_trials=2) if kind == "tpe" else sampler(kind), 25, lr_score)
    for told in history:
        values = told.assignment
        assert 1e-5 <= values["optimizer.lr"] <= 1e-1
        assert values["data.batch"] in range(1, 33)
        assert values["data.noise"] in (0.0, 0.25, 0.5, 0.75, 1.0)
        assert ("generator[1].width" in values) == (values["generator"] == 1)
        assert values.get("generator[1].width", 8) in range(8, 65, 8)


def test_random_reaches_every_option():
    history = run(sampler("random"), 60, lr_score)
    assert {told.assignment["generator"] for told in history} == {0, 1}
    assert {told.assignment["data.noise"] for told in history} == {0.0, 0.25, 0.5, 0.75, 1.0}


@pytest.mark.parametrize("direction", ["max", "min"])
def test_tpe_comes_nearer_to_the_best_than_random_does(direction):
    sign = 1 if direction == "max" else -1

    def mean_distance(the_sampler):
        history = run(the_sampler, 40, lambda outcome: sign * lr_score(outcome))
        return sum(abs(told.values[10][0]) for told in history[20:]) / 20

    learned = mean_distance(sampler(directions=(direction,)))
    assert learned < 0.7 * mean_distance(sampler("random"))


def test_tpe_learns_from_resting_trials_when_none_is_complete():
    history = run(sampler(startup_trials=15), 35, lr_score, told_as="resting")
    late = [abs(told.values[10][0]) for told in history[20:]]
    early = [abs(told.values[10][0]) for told in history[:15]]
    assert sum(late) / len(late) < 0.7 * sum(early) / len(early)


def test_tpe_does_not_propose_what_it_knows_while_there_is_something_new():
    table = {"generator": {"choice": [{"kind": kind} for kind in "abcdef"]}}
    the_sampler = sampler(table=table, startup_trials=1)
    first = the_sampler.propose(0, []).outcome
    history = [Told(first.assignment, "complete", {10: (1.0,)})]
    kinds = {first.shown["generator.kind"]}
    for ordinal in range(1, 4):
        proposal = the_sampler.propose(ordinal, history)
        kinds.add(proposal.outcome.shown["generator.kind"])
        history.append(Told(proposal.outcome.assignment, "complete", {10: (0.0,)}, proposal.attrs))
    assert len(kinds) == 4
    known = [Told({"generator": index}, "complete", {10: (0.0,)}) for index in range(6)]
    assert the_sampler.propose(6, known) is not None, "a space that is used up still gives a point"


def test_tpe_comes_nearer_to_the_front_of_two_objectives_than_random_does():
    """The front is where lr = 1e-3; along it, `batch` trades one objective for the other."""

    def both(outcome):
        away, batch = -lr_score(outcome), outcome.apply["data.batch"] / 32
        return batch - away, batch + away

    def mean_distance(the_sampler):
        history = []
        for ordinal in range(60):
            proposal = the_sampler.propose(ordinal, history)
            values = {10: both(proposal.outcome)}
            history.append(Told(proposal.outcome.assignment, "complete", values, proposal.attrs))
        return sum((told.values[10][1] - told.values[10][0]) / 2 for told in history[20:]) / 40

    directions = ("max", "min")
    learned = mean_distance(sampler(directions=directions))
    assert learned < 0.7 * mean_distance(sampler("random", directions=directions))


def test_tpe_proposes_whatever_states_its_history_has():
    one = sampler("random").propose(0, []).outcome.assignment
    states = [
        Told(one, "running"),
        Told(one, "running", {5: (1.0,)}),
        Told(one, "resting", {5: (1.0,)}),
        Told(one, "failed"),
        Told(one, "complete", {5: (1.0,), 10: (2.0,)}),
    ]
    for count in range(len(states) + 1):
        assert sampler(startup_trials=1).propose(count + 1, states[:count]) is not None


def test_running_trials_keep_parallel_proposals_apart():
    history = run(sampler(startup_trials=5), 12, lr_score)
    first = sampler(startup_trials=5).propose(12, history)
    running = Told(first.outcome.assignment, "running", {}, first.attrs)
    second = sampler(startup_trials=5).propose(13, [*history, running])
    assert first.outcome.assignment != second.outcome.assignment


def test_a_grid_proposes_each_point_once_and_ends():
    grid = sampler("grid", {"seed": {"int": [1, 3]}, "data.batch": {"choice": [1, 2]}})
    points = [grid.propose(ordinal, []).outcome.shown for ordinal in range(6)]
    assert len({tuple(point.items()) for point in points}) == 6
    assert grid.propose(6, []) is None
    fresh = sampler("grid", {"seed": {"int": [1, 3]}, "data.batch": {"choice": [1, 2]}})
    assert fresh.propose(4, []).outcome.shown == points[4]


def test_optuna_says_nothing(capfd, caplog):
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        run(sampler(startup_trials=1), 4, lr_score)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_an_unknown_sampler_names_the_known_ones():
    with pytest.raises(RegistryError, match="grid, nsga2, quasi_random, random, tpe"):
        sampler("tpee")
