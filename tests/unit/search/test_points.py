"""The front with what lies between its trials, its knee, and picking from it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.fold import Sweep
from acutance_platform.search.points import Wanted, knee, pick, wanted_between
from acutance_platform.search.schema import parse_search
from acutance_platform.search.status import front_summary

BOTH = {"psnr_y": "max", "niqe": "min"}


def search(**section):
    return {
        "space": {"optimizer.lr": {"uniform": [0.1, 1.0]}},
        "objectives": BOTH,
        "budget": {"trials": 4},
        "sampler": {"kind": "random"},
        **section,
    }


def sweep(points, *, stages=None, weights="0123456", between=(), **section):
    """A finished sweep whose trials ended with these (psnr_y, niqe)."""
    spec = {"search": parse_search(search(**section)).model_dump(mode="json")}
    records = [{"do": "sweep", "name": "s", "spec": spec}]
    for index, (psnr, niqe) in enumerate(points):
        trial, key = f"t{index:04d}", (stages or ["pre"] * len(points))[index]
        chain = [[key, 5], [f"end{index}", 10]]
        metrics = {"psnr_y": psnr, "niqe": niqe, "ssim_y": psnr / 40}
        cost = {"executed": 5, "cpu_seconds": 0, "gpu_seconds": 0}
        records += [
            {"do": "ask", "trial": trial, "rungs": [10], "stages": chain},
            {"do": "report", "trial": trial, "step": 10, "metrics": metrics, **cost},
            {"do": "value", "trial": trial, "rung": 10, "values": {"psnr_y": psnr, "niqe": niqe}},
            {"do": "result", "trial": trial, "step": 10, "weights": weights[index] * 64},
            {"do": "end", "trial": trial, "state": "COMPLETE"},
        ]
    return Sweep.of([*records, *between, {"do": "finish", "state": "COMPLETE", "time": 0.0}])


def point(first, second, alpha, psnr, niqe):
    metrics = {"psnr_y": psnr, "niqe": niqe}
    told = {"parents": [first, second], "alpha": alpha, "weights": "f" * 64}
    return {"do": "point", **told, "metrics": metrics}


def entry(name, psnr, niqe):
    return {"trial": name, "metrics": {"psnr_y": psnr, "niqe": niqe}, "weights": None}


LINE = [(30.0, 8.0), (28.0, 4.0), (26.0, 3.0), (25.0, 5.0)]


def test_interpolated_points_stand_on_the_front_with_alpha_and_parents():
    between = [
        point("t0000", "t0001", 0.5, 29.5, 5.0),  # on the front
        point("t0001", "t0002", 0.5, 26.0, 3.9),  # beaten by t0002
    ]
    document = front_summary(sweep(LINE, between=between), {"psnr_y": 24.0, "niqe": 9.0})
    names = [entry["trial"] for entry in document["points"]]
    assert names == ["t0000", "t0000-t0001-0.5", "t0001", "t0002"]
    middle = document["points"][1]
    assert (middle["alpha"], middle["parents"]) == (0.5, ["t0000", "t0001"])
    assert "alpha" not in document["points"][0]
    assert document["reference"] == {"psnr_y": 24.0, "niqe": 9.0}
    areas = [(30 - 29.5) * (9 - 8), (29.5 - 28) * (9 - 5), (28 - 26) * (9 - 4), (26 - 24) * 6]
    assert document["hypervolume"] == pytest.approx(sum(areas))


def test_a_given_reference_stands_above_bicubics():
    document = front_summary(sweep(LINE, reference={"niqe": 5.0}), {"psnr_y": 24.0, "niqe": 9.0})
    assert document["reference"] == {"psnr_y": 24.0, "niqe": 5.0}
    assert document["hypervolume"] == pytest.approx((28 - 26) * 1 + (26 - 24) * 2)
    assert front_summary(sweep(LINE), {"psnr_y": 24.0})["hypervolume"] is None


def test_the_knee_is_farthest_from_the_line_between_the_ends():
    entries = [entry("a", 30.0, 10.0), entry("b", 29.0, 4.0), entry("c", 24.0, 2.0)]
    assert knee(entries, BOTH)["trial"] == "b"
    assert knee(entries[:2], BOTH)["trial"] == "a", "of two ends the better first objective"
    assert knee(entries[:1], BOTH)["trial"] == "a"
    assert knee([], BOTH) is None
    assert knee(entries, {}) is None, "a single training has no objectives"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=7, unique=True),
    st.sampled_from([1.0, 7.0, 0.01]),
)
def test_units_do_not_move_the_knee(points, unit):
    entries = [entry(str(i), float(x), float(y)) for i, (x, y) in enumerate(points)]
    scaled = [entry(str(i), x * unit + 3, y / unit) for i, (x, y) in enumerate(points)]
    assert knee(entries, BOTH)["trial"] == knee(scaled, BOTH)["trial"]


def test_rules_pick_the_best_point_in_an_objective():
    entries = [entry("a", 30.0, 8.0), entry("b", 28.0, 4.0), entry("c", 26.0, math.nan)]
    assert pick(entries, ["psnr_y>=28"], "niqe", BOTH)["trial"] == "b"
    assert pick(entries, ["psnr_y > 28"], "niqe", BOTH)["trial"] == "a"
    assert pick(entries, ["niqe<5", "psnr_y<=30"], "psnr_y", BOTH)["trial"] == "b"
    assert pick(entries, ["psnr_y>=31"], "niqe", BOTH) is None
    for rules, by in ((["psnr_y=28"], "niqe"), (["psnr_y>=x"], "niqe"), ([], "ssim_y")):
        with pytest.raises(ValueError, match=r"ssim_y|psnr_y"):
            pick(entries, rules, by, BOTH)
    with pytest.raises(ValueError, match=r"no point has psrn_y; they have psnr_y, niqe"):
        pick(entries, ["psrn_y>=28"], "niqe", BOTH)
    with pytest.raises(ValueError, match="nothing compares"):
        pick(entries, ["psnr_y>=nan"], "niqe", BOTH)


def test_neighbours_that_share_a_pretrain_and_a_network_are_interpolated_once():
    front = [(30.0, 8.0), (29.0, 6.0), (28.0, 4.0), (27.0, 3.0), (26.0, 9.0)]
    stages = ["x", "y", "x", "x", "x"]
    made = [point("t0000", "t0002", 0.5, 29.0, 5.0)]
    how = {"stages": stages, "interpolate": "front", "alphas": [0.25, 0.5]}
    networks = dict.fromkeys(("t0000", "t0001", "t0002", "t0003"), "one")
    wanted = wanted_between(sweep(front, between=made, **how), networks)
    assert wanted == [
        Wanted("t0000", "t0002", 0.25),
        Wanted("t0002", "t0003", 0.25),
        Wanted("t0002", "t0003", 0.5),
    ]
    other = {**networks, "t0002": "two"}
    assert {pair[:2] for pair in wanted_between(sweep(front, **how), other)} == {("t0000", "t0003")}
    assert wanted_between(sweep(front, stages=stages), networks) == []


def test_nothing_lies_between_equal_weights():
    front = [(30.0, 8.0), (30.0, 8.0), (28.0, 4.0)]
    twice = sweep(front, weights="aab", interpolate="front", alphas=[0.5])
    networks = dict.fromkeys(twice.trials, "one")
    assert wanted_between(twice, networks) == [Wanted("t0000", "t0002", 0.5)]


def test_what_is_interpolated_moves_no_trial_of_the_front_and_no_sampler():
    plain, richer = sweep(LINE), sweep(LINE, between=[point("t0000", "t0001", 0.5, 31.0, 1.0)])
    assert richer.best == plain.best == "t0000"
    networks = dict.fromkeys(plain.trials, "one")
    again = sweep(LINE, interpolate="front", between=[point("t0000", "t0001", 0.5, 31.0, 1.0)])
    pairs = {pair[:2] for pair in wanted_between(again, networks)}
    assert pairs == {("t0000", "t0001"), ("t0001", "t0002")}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"reference": {"ssim_y": 1.0}}, "reference.ssim_y"),
        ({"objectives": {"psnr_y": "max"}, "interpolate": "front"}, "interpolate"),
        ({"objectives": {"psnr_y": "max", "parameters": "min"}}, "reference: {parameters:"),
        ({"interpolate": "front", "alphas": [0.5, 1.0]}, "alphas"),
        ({"interpolate": "front", "alphas": []}, "alphas"),
    ],
)
def test_a_front_that_cannot_be_drawn_is_refused(section, said):
    with pytest.raises(RecipeErrors) as error:
        parse_search(search(**section))
    assert said in str(error.value)
    parse_search({**search(), "reference": {"niqe": 7.0}, "interpolate": "front"})
