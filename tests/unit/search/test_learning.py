"""What samplers that learn make of constraints, states and several objectives."""

import json
import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.search.samplers import SAMPLERS, Told
from acutance_platform.search.table import parse_space

BASE = {
    "seed": 7,
    "generator": {"kind": "a"},
    "stages": {"train": {"loss": {t: {"kind": t, "weight": 1.0} for t in ("l1", "gram", "gan")}}},
}
TABLE = {
    "optimizer.lr": {"log_uniform": [1e-5, 1e-1]},
    "generator": {"choice": [{"kind": "a"}, {"kind": "b", "width": {"int": [8, 64], "step": 8}}]},
    "stages.train.loss": {"simplex": ["l1", "gram", "gan"], "sparse": True},
}
LEARNING = {"tpe": {"startup_trials": 6}, "nsga2": {"population": 6}}


def sampler(kind, directions=("max",), table=TABLE, **arguments):
    space = parse_space(table, BASE)
    spec = {"kind": kind, **(LEARNING.get(kind, {}) | arguments)}
    return SAMPLERS.build(spec, space=space, base=BASE, directions=directions)


def depth(outcome):
    return math.log10(outcome.apply["optimizer.lr"])


def run(the_sampler, count, told):
    """Return the points of a sweep of which `told` says what became of each."""
    history = []
    for ordinal in range(count):
        proposal = the_sampler.propose(ordinal, history)
        history.append(told(proposal))
    return history


def beyond(outcome):
    """How far lr is above 1e-3, which is forbidden, in decades."""
    return max(0.0, depth(outcome) + 3)


def late_share_within(history, limit=1e-3):
    late = history[len(history) // 2 :]
    return sum(told.assignment["optimizer.lr"] <= limit for told in late) / len(late)


def tempting(outcome):
    """Best at lr = 1e-4 where it is allowed, and better still at 10^-1.5 where it is not."""
    return max(1 - abs(depth(outcome) + 4), 3 - 2 * abs(depth(outcome) + 1.5))


@pytest.mark.parametrize(
    ("kind", "state"),
    [("nsga2", "complete"), ("tpe", "complete"), ("tpe", "resting"), ("tpe", "failed")],
)
def test_constraints_steer_although_what_violates_them_scores_better(kind, state):
    """`state` is what becomes of a point above 1e-3; one that fails was refused untrained."""

    def told(proposal, aware):
        over = beyond(proposal.outcome)
        refused = state == "failed" and over > 0
        values = {} if refused else {10: (tempting(proposal.outcome),)}
        became, violation = (state, over) if over else ("complete", 0.0)
        known = proposal.outcome.assignment, became, values, proposal.attrs
        return Told(*known, violation if aware else 0.0)

    steered = run(sampler(kind), 60, lambda proposal: told(proposal, True))
    assert late_share_within(steered) >= 0.7
    if state != "resting":  # whose values rank behind complete ones anyway
        blind = run(sampler(kind), 60, lambda proposal: told(proposal, False))
        assert late_share_within(blind) <= 0.25


@pytest.mark.parametrize("kind", LEARNING)
def test_a_good_point_that_is_infeasible_does_not_attract(kind):
    the_sampler = sampler(kind)
    feasible = run(
        the_sampler,
        30,
        lambda p: Told(
            p.outcome.assignment, "complete", {10: (-abs(depth(p.outcome) + 4),)}, p.attrs
        ),
    )
    best = {**feasible[0].assignment, "optimizer.lr": 0.05}
    marvel = Told(best, "complete", {10: (1000.0,)}, feasible[-1].attrs, violation=2.0)
    history = [*feasible, *[marvel] * 5]
    points = [the_sampler.propose(35 + k, history).outcome for k in range(12)]
    assert sum(abs(depth(point) + 4) < abs(depth(point) + 1.3) for point in points) >= 9


def study_of(the_sampler, history, objectives):
    study = optuna.create_study(directions=["minimize"] * objectives)
    study.add_trials(the_sampler.trials(history))
    return study.get_trials()


@pytest.mark.parametrize("kind", LEARNING)
def test_optuna_hears_of_stopped_trials_as_pruned_and_of_failures_as_fail(kind):
    point = sampler("random").propose(0, []).outcome.assignment
    history = [
        Told(point, "complete", {5: (1.0, 2.0), 10: (3.0, 4.0)}),
        Told(point, "resting", {5: (9.0, 9.0)}),
        Told(point, "running", {5: (1.0, 1.0)}),
        Told(point, "running"),
        Told(point, "failed", {5: (1.0, 1.0)}),
        Told(point, "failed"),
        Told(point, "failed", violation=3.0),
    ]
    states = ["COMPLETE", "PRUNED", "RUNNING", "RUNNING", "FAIL", "FAIL", "PRUNED"]
    trials = study_of(sampler(kind, ("max", "max")), history, 1 if kind == "tpe" else 2)
    assert [trial.state.name for trial in trials] == states
    rungs = [trial.user_attrs["rungs"] for trial in trials]
    assert rungs[0] == {5: [1.0, 2.0], 10: [3.0, 4.0]}
    assert rungs[1] == {5: [9.0, 9.0]}
    assert all(trial.values is None for trial in trials[1:])
    assert [trial.constraints["violation"] for trial in trials] == [0.0] * 6 + [3.0]
    assert [bool(trial.intermediate_values) for trial in trials[:2]] == [kind == "tpe"] * 2


def test_only_complete_trials_become_parents():
    """Resting trials with marvellous values leave what is drawn as it is."""
    directions = ("max", "min")

    def told(proposal):
        x = depth(proposal.outcome)
        return Told(proposal.outcome.assignment, "complete", {9: (x, -x)}, proposal.attrs)

    the_sampler = sampler("nsga2", directions)
    complete = run(the_sampler, 14, told)
    resting = [
        Told(told.assignment, "resting", {3: (1e9, -1e9)}, told.attrs) for told in complete[:5]
    ]
    alone = the_sampler.propose(30, complete)
    assert alone.attrs == {"NSGAIISampler:generation": 2}
    assert the_sampler.propose(30, [*complete, *resting]) == alone


@pytest.mark.parametrize("kind", ["tpe", "nsga2", "quasi_random", "random"])
@given(
    seed=st.integers(0, 2**31),
    fates=st.lists(
        st.tuples(
            st.sampled_from(["running", "resting", "complete", "failed"]),
            st.integers(-3, 3),
            st.integers(-3, 3),
            st.sampled_from([0.0, 0.0, 0.5]),
        ),
        min_size=1,
        max_size=14,
    ),
)
@settings(max_examples=12, deadline=None)
def test_a_journal_is_all_that_a_proposal_needs(kind, seed, fates):
    """Another process with the same journal proposes the same, whatever the trials' fates."""
    history = []
    first = sampler(kind, ("max", "min"), seed=seed)
    for ordinal, (state, one, other, violation) in enumerate(fates):
        proposal = first.propose(ordinal, history)
        journalled = json.loads(json.dumps([proposal.outcome.assignment, proposal.attrs]))
        told = {} if state == "failed" else {4: (float(one), float(other))}
        history.append(Told(journalled[0], state, told, journalled[1], violation))
        again = sampler(kind, ("max", "min"), seed=seed)
        assert again.propose(ordinal, history[:-1]) == proposal


def test_nsga2_comes_nearer_to_the_front_of_two_objectives_than_random_does():
    """The front is where lr = 1e-3; the share of l1 trades one objective for the other."""
    directions = ("max", "max")

    def told(proposal):
        away = abs(depth(proposal.outcome) + 3)
        share = proposal.outcome.shown.get("stages.train.loss.l1.weight", 0.0)
        values = {10: (share - away, -share - away)}
        return Told(proposal.outcome.assignment, "complete", values, proposal.attrs)

    def late_distance(kind, **arguments):
        history = run(sampler(kind, directions, **arguments), 80, told)
        return sum(-sum(told.values[10]) / 2 for told in history[40:]) / 40

    assert late_distance("nsga2", population=10) < 0.6 * late_distance("random")


def test_nsga2_inherits_what_only_one_branch_has():
    """A width matters in one branch alone; it is inherited there all the same."""

    def told(proposal):
        width = proposal.outcome.shown.get("generator.width")
        score = -10.0 if width is None else -abs(width - 24) / 8
        return Told(proposal.outcome.assignment, "complete", {10: (score,)}, proposal.attrs)

    table = {path: TABLE[path] for path in ("optimizer.lr", "generator")}
    history = run(sampler("nsga2", table=table, population=8), 80, told)
    late = [told.assignment.get("generator[1].width") for told in history[50:]]
    assert sum(width == 24 for width in late) >= 8, "1 in 16 at random"


def test_tpe_ranks_fronts_of_feasible_trials_alone():
    """A point that dominates all others but may not be taken moves no other one."""
    table = {"optimizer.lr": TABLE["optimizer.lr"]}
    the_sampler = sampler("tpe", ("max", "max"), table)

    def place(values, violation=0.0):
        return Told({"optimizer.lr": 1e-3}, "complete", {10: values}, {}, violation)

    feasible = [place((0.0, 3.0)), place((3.0, 0.0)), place((1.0, 1.0)), place((0.5, 0.5))]
    alone = [trial.value for trial in the_sampler.trials(feasible)]
    ideal = [place((9.0, 9.0), 1.0), place((8.0, 2.0), 0.5)]
    together = [trial.value for trial in the_sampler.trials([*ideal, *feasible])]
    assert together == [5.0, 4.0, *alone]
