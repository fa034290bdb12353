"""What Optuna is told of a long history: enough of it, made once, and placed anew."""

import pytest
from optuna.samplers._tpe.sampler import default_gamma

from acutance_platform.search.optuna_samplers import Tpe
from acutance_platform.search.optuna_trials import BEST, MOST, OptunaTrials, telling
from acutance_platform.search.ranks import places
from acutance_platform.search.table import parse_space
from acutance_platform.search.told import Told


@pytest.fixture
def space():
    return parse_space({"optimizer.lr": {"uniform": [0.0, 1.0]}}, {"optimizer": {"lr": 0.1}})


def known(x, state="complete", violation=0.0):
    values = {} if state == "running" else {100: (x,)}
    return Told({"optimizer.lr": x}, state, values, violation=violation)


def at(history):
    return places([t.values for t in history], ["max"], [t.violation for t in history])


def test_few_are_told_whole():
    history = [known(n / MOST) for n in range(MOST)]
    assert telling(history, at(history)) == list(range(MOST))


def test_of_many_the_best_the_running_and_the_newest_are_told():
    count = 1000
    # Good ones are old; one runs since the beginning.
    history = [known(1 - n / count) for n in range(count)]
    history[500] = known(0.5, "running")
    kept = telling(history, at(history))
    assert len(kept) == MOST
    assert kept == sorted(kept)
    assert set(range(BEST)) <= set(kept)
    assert 500 in kept
    newest = [position for position in kept if position >= BEST and position != 500]
    assert newest == list(range(count - len(newest), count))


def test_what_violates_or_rests_is_not_among_the_best():
    history = [known(1.0, violation=1.0)] + [known(1.0, "resting")] + [known(0.5)] * 1000
    kept = telling(history, at(history))
    assert 0 not in kept
    assert 1 not in kept


def test_the_model_takes_the_same_ones_as_good(space):
    """Optuna's own split of all, and of those that are told."""
    history = [known(n * 7919 % 1000 / 1000) for n in range(1000)]
    tpe = Tpe(space=space, base={"seed": 1}, directions=["max"])
    told, everything = tpe.trials(history), at(history)
    make = OptunaTrials(space, 1, {})
    whole = [make(t, p, [p[100]]) for t, p in zip(history, everything, strict=True)]
    assert len(told) == MOST

    def good(trials):
        count = default_gamma(len(trials))
        first = sorted(trials, key=lambda trial: trial.value)[:count]
        return [trial.params["optimizer.lr"] for trial in first]

    assert good(whole)[: len(good(told))] == good(told)
    assert len(good(told)) >= 20


def test_a_trial_is_made_once_and_its_place_is_todays(space):
    tpe = Tpe(space=space, base={"seed": 1}, directions=["max"])
    first = known(0.3)
    assert [trial.value for trial in tpe.trials([first])] == [0.0]
    assert [trial.value for trial in tpe.trials([first, known(0.9)])] == [1.0, 0.0]
    assert [trial.value for trial in tpe.trials([first])] == [0.0]
