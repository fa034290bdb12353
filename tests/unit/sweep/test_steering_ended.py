"""What people are told who ask something of a sweep that has ended."""

import pytest
from sweeps import plan

from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Log
from acutance_platform.verbs.steering import enqueue, stop
from acutance_storage import open_store

POINT = ("fake.quality=3.0",)


@pytest.fixture
def ended(tmp_path):
    """Return what writes an ended sweep, and gives the home in which it lies."""
    home = Home(open_store(tmp_path / "store"), tmp_path / "local")

    def write(state="COMPLETE", **search):
        spec = plan(**search).spec
        Log(home.store, "demo").append(
            {"do": "sweep", "name": "demo", "spec": spec, "time": 1.0},
            {"do": "start", "driver": "d", "host": "h", "time": 1.0},
            {"do": "finish", "state": state, "reason": "", "time": 2.0},
        )
        return home

    return write


def refused(verb, *arguments, **options):
    with pytest.raises(RecipeErrors) as caught:
        verb(*arguments, **options)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("state", ["COMPLETE", "STOPPED", "FAILED"])
def test_a_point_for_an_ended_sweep_is_refused_with_its_state_and_what_to_do(ended, state):
    problem = refused(enqueue, "demo", sets=POINT, home=ended(state))
    assert problem.rule == f"it is {state}, and what has ended cannot take a point"
    assert "acutance resume demo --budget trials=+1" in problem.way_out
    assert "search.initial" in problem.way_out


def test_the_limit_to_raise_is_one_that_the_sweep_has(ended):
    home = ended(budget={"wall_hours": 2.0})
    assert "--budget wall_hours=+1" in refused(enqueue, "demo", sets=POINT, home=home).way_out


def test_a_whole_grid_has_no_limit_to_raise(ended):
    space = {"fake.quality": {"choice": [1.0, 2.0]}}
    home = ended(budget={}, sampler={"kind": "grid"}, space=space)
    way_out = refused(enqueue, "demo", sets=POINT, home=home).way_out
    assert "--budget" not in way_out
    assert way_out.startswith("Begin a sweep of another --name")


def test_an_ended_sweep_cannot_be_stopped_but_looked_at(ended):
    problem = refused(stop, "demo", home=ended())
    assert problem.rule == "it is COMPLETE, and what has ended cannot be stopped"
    assert problem.way_out == "Look at it with: acutance status demo"
