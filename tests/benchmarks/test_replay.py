import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).with_name("replay")), str(Path(__file__).parent)]
from replay import WRONG, below_moasha, replay
from replay_contenders import nsga2, ours, random, ray
from replay_curves import Curves, Served
from replay_measure import at_budgets, interval, share, steps_to_front

SYNE_TUNE = "syne-tune==0.16.0"


@pytest.fixture(scope="module")
def few():
    return Curves.read(only=range(24))


def test_at_least_48_trials_were_recorded_and_each_lies_nearest_to_itself():
    curves = Curves.read()
    assert len(curves) >= 48
    for index, assignment in enumerate(curves.assignments):
        assert Served(curves).take(assignment) == index
    first, second = curves.assignments[5:7]
    assert curves.distance(first, second) == curves.distance(second, first) > 0


@pytest.mark.parametrize("contender", [ours, random, nsga2, ray])
def test_every_contender_takes_each_trial_once_and_pays_for_its_steps(few, contender):
    served = contender(few, 1)
    assert served.take(few.assignments[0]) is None
    done = [index for _, index in served.completed]
    assert len(done) == len(set(done))
    least = len(done) * few.steps
    assert least <= served.steps <= len(few) * few.steps
    volume, missed = at_budgets(served)
    assert volume == pytest.approx(sorted(volume))
    assert missed == sorted(missed, reverse=True)
    if contender in (random, nsga2):
        assert len(done) == len(few)
        assert served.steps == len(few) * few.steps
        assert volume[-1] == pytest.approx(1.0)
        assert missed[-1] == pytest.approx(0.0)
    else:
        assert served.steps < 0.8 * len(few) * few.steps


def test_an_order_is_a_function_of_its_seed(few):
    assert ours(few, 3).completed == ours(few, 3).completed
    assert ours(few, 3).completed != ours(few, 4).completed


def test_halving_gets_more_for_its_steps_than_random_trials(few):
    orders = range(6)
    mine = [at_budgets(ours(few, seed))[0] for seed in orders]
    plain = [at_budgets(random(few, seed))[0] for seed in orders]
    at = slice(3, 7)  # 20 to 40 % of the steps
    assert sum(sum(row[at]) for row in mine) > sum(sum(row[at]) for row in plain)


def test_initial_points_come_first():
    asked = []

    class Watched(Curves):
        def distance(self, first, second):
            if first not in asked:
                asked.append(first)
            return super().distance(first, second)

    curves = Watched.read(only=range(8))
    ours(curves, 0, initial=WRONG)
    (mix,) = {v.simplex for v in curves.space if v.simplex is not None}
    assert mix.weights(asked[0]) == {"adversarial": pytest.approx(1.0)}
    assert mix.weights(asked[1]) == {"texture": pytest.approx(1.0)}


def test_an_interval_holds_the_mean_and_narrows_with_more_orders():
    values = [0.0, 1.0] * 8
    wide, narrow = interval(values), interval(values * 16)
    assert wide["low"] < wide["mean"] == 0.5 < wide["high"]
    assert narrow["high"] - narrow["low"] < wide["high"] - wide["low"]


def test_a_front_is_there_once_hypervolume_and_regret_are(few):
    served = Served(few)
    for index in range(len(few)):
        served.take(few.assignments[index])
        served.to_the_end(index)
    assert 0 < steps_to_front(served) <= 1
    assert share(few, range(len(few))) == pytest.approx(1.0)
    empty = Served(few)
    assert steps_to_front(empty) == float("inf")


@pytest.fixture(scope="module")
def syne_tune(tmp_path_factory):
    """An environment with Syne Tune; where no registry can be reached, there is no MOASHA."""
    if given := os.environ.get("ACUTANCE_SYNE_TUNE"):
        return given
    folder = tmp_path_factory.mktemp("syne-tune")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", SYNE_TUNE]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{SYNE_TUNE} cannot be installed here: {done.stderr[-400:]}")
    return str(python)


@pytest.mark.long
def test_replayed_searches_are_not_below_moasha(syne_tune, record_property):
    result = replay(Curves.read(), 100, syne_tune)
    for key, value in result.items():
        record_property(key, value)
    assert below_moasha(result) == []
