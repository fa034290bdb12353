import pytest

from acutance_platform.search.initial import initial_problems, pinned_values
from acutance_platform.search.samplers import propose
from acutance_platform.search.table import parse_space

LOSS = "stages.adversarial.loss"
TERMS = ["pixel", "perceptual", "adversarial"]


def base(terms):
    return {"seed": 1, "stages": {"adversarial": {"loss": {t: {"weight": 7.0} for t in terms}}}}


def first(node, point, terms):
    """Return the weights of a sweep's first trial."""
    space = parse_space({LOSS: node}, base(terms))
    assert initial_problems(space, [point]) == []
    found = propose(None, 0, [], initial=[point], space=space, base=base(terms)).outcome
    return {term: spec["weight"] for term, spec in found.apply[LOSS].items()}


def only_problem(space, point):
    (problem,) = initial_problems(space, [point])
    return problem


def test_published_weights_are_scaled_to_the_total():
    weights = first({"simplex": TERMS, "total": 2.03}, {LOSS: {"preset": "esrgan"}}, TERMS)
    assert weights == pytest.approx({"pixel": 0.02, "perceptual": 2.0, "adversarial": 0.01})


def test_terms_that_the_preset_lacks_are_left_out_of_a_sparse_mix():
    terms = [*TERMS, "texture"]
    weights = first({"simplex": terms, "sparse": True}, {LOSS: {"preset": "sftgan"}}, terms)
    assert weights == pytest.approx({"perceptual": 1 / 1.005, "adversarial": 0.005 / 1.005})


def test_a_mix_that_takes_every_term_refuses_a_preset_without_one():
    space = parse_space({LOSS: {"simplex": [*TERMS, "texture"]}}, base([*TERMS, "texture"]))
    problem = only_problem(space, {LOSS: {"preset": "esrgan"}})
    assert problem.place == f"search.initial.0.{LOSS}"
    assert "all of pixel, perceptual, adversarial, texture" in problem.rule
    assert "sparse: true" in problem.way_out


@pytest.mark.parametrize("value", [{"preset": "esrgam"}, {"preset": 3}, {"preset": ["esrgan"]}])
def test_an_unknown_preset_is_refused_with_those_that_are_known(value):
    space = parse_space({LOSS: {"simplex": TERMS}}, base(TERMS))
    assert "enhancenet, esrgan, sftgan, srfeat" in only_problem(space, {LOSS: value}).way_out


def test_weights_beside_a_preset_are_refused():
    space = parse_space({LOSS: {"simplex": TERMS}}, base(TERMS))
    problem = only_problem(space, {LOSS: {"preset": "esrgan", "pixel": 1.0}})
    assert "nothing beside it" in problem.rule


def test_a_preset_with_no_term_of_the_mix_is_refused_with_its_terms():
    terms = ["l1", "texture"]
    space = parse_space({LOSS: {"simplex": terms, "sparse": True}}, base(terms))
    problem = only_problem(space, {LOSS: {"preset": "srfeat"}})
    assert "perceptual, image, feature, none of which" in problem.rule
    assert "l1, texture" in problem.way_out


def test_a_term_may_be_called_preset():
    mix = {"simplex": ["preset", "pixel"], "total": 4.0}
    weights = first(mix, {LOSS: {"preset": 1.0, "pixel": 3.0}}, ["preset", "pixel"])
    assert weights == pytest.approx({"preset": 1.0, "pixel": 3.0})


def test_weights_that_are_searched_one_by_one_are_taken_as_published():
    table = {
        f"{LOSS}.adversarial.weight": {"log_uniform": [1e-4, 1.0]},
        f"{LOSS}.pixel.weight": {"uniform": [0.0, 1.0]},
        "seed": {"int": [0, 3]},
    }
    space = parse_space(table, base(TERMS))
    point = {LOSS: {"preset": "esrgan"}, "seed": 2}
    assert pinned_values(space, point) == {
        f"{LOSS}.adversarial.weight": 0.005,
        f"{LOSS}.pixel.weight": 0.01,
        "seed": 2,
    }
    wrong = only_problem(space, {LOSS: {"pixel": 1.0}})
    assert wrong.place == f"search.initial.0.{LOSS}"
    assert "by preset" in wrong.rule


def test_a_published_weight_outside_its_range_is_refused():
    space = parse_space({f"{LOSS}.adversarial.weight": {"uniform": [0.1, 1.0]}}, base(TERMS))
    problem = only_problem(space, {LOSS: {"preset": "esrgan"}})
    assert problem.place == f"search.initial.0.{LOSS}.adversarial.weight"
    assert problem.value == "0.005"
    assert "[0.1, 1.0]" in problem.rule
