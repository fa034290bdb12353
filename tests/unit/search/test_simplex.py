import pytest
from hypothesis import given
from hypothesis import strategies as st

from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.initial import initial_problems
from acutance_platform.search.samplers import SAMPLERS, propose
from acutance_platform.search.schema import parse_search
from acutance_platform.search.simplex import Simplex
from acutance_platform.search.table import parse_space

LOSS = "stages.train.loss"
TERMS = ("pixel", "texture", "adversarial")
BASE = {
    "seed": 4,
    "generator": {"kind": "rcan", "groups": 2},
    "stages": {
        "train": {
            "steps": 9,
            "loss": {
                **{term: {"kind": term, "weight": 9.0} for term in TERMS},
                "fixed": {"kind": "l1", "weight": 0.5},
            },
        }
    },
    "evaluation": {"metrics": ["psnr_y"]},
}
MIX = {"simplex": list(TERMS), "total": 3.0}
GENERATORS = {"choice": [{"kind": "idn"}, {"kind": "rcan", "groups": {"int": [2, 10]}}]}


def drawn(table, ordinal, initial=(), kind="random"):
    space = parse_space(table, BASE)
    sampler = SAMPLERS.build({"kind": kind}, space=space, base=BASE, directions=("max",))
    proposal = propose(sampler, ordinal, [], initial=initial, space=space, base=BASE)
    return proposal.outcome, space


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_weights_of_a_mix_add_up_to_its_total_and_other_terms_stay(kind):
    seen = set()
    for ordinal in range(20):
        outcome, space = drawn({LOSS: MIX}, ordinal, kind=kind)
        terms = outcome.apply[LOSS]
        assert list(terms) == [*TERMS, "fixed"]
        assert sum(terms[term]["weight"] for term in TERMS) == pytest.approx(3.0)
        assert terms["fixed"] == {"kind": "l1", "weight": 0.5}
        assert outcome.shown == {f"{LOSS}.{term}.weight": terms[term]["weight"] for term in TERMS}
        assert space.replay(outcome.assignment, BASE) == outcome
        seen.add(tuple(outcome.shown.values()))
    assert len(seen) == 20


def test_shares_are_uniform_on_the_simplex():
    """Each share of three has the mean 1/3 and is above 1/2 in a quarter of the draws."""
    shares = [drawn({LOSS: MIX}, n)[0].shown[f"{LOSS}.pixel.weight"] / 3 for n in range(2000)]
    assert sum(shares) / len(shares) == pytest.approx(1 / 3, abs=0.02)
    assert sum(share > 0.5 for share in shares) / len(shares) == pytest.approx(0.25, abs=0.03)


def test_a_sparse_mix_leaves_terms_out_with_all_that_is_searched_below_them():
    table = {
        LOSS: {**MIX, "sparse": True},
        f"{LOSS}.adversarial.form": {
            "choice": ["standard", "relativistic"],
            "when": f"{LOSS}.adversarial.weight > 1.0",
        },
        f"{LOSS}.texture.patch": {"choice": [8, 16]},
    }
    subsets = set()
    for ordinal in range(60):
        outcome, space = drawn(table, ordinal)
        terms = outcome.apply[LOSS]
        taken = [term for term in TERMS if term in terms]
        subsets.add(tuple(taken))
        assert sum(terms[term]["weight"] for term in taken) == pytest.approx(3.0)
        heavy = "adversarial" in taken and terms["adversarial"]["weight"] > 1.0
        assert (f"{LOSS}.adversarial.form" in outcome.shown) == heavy
        assert (f"{LOSS}.texture.patch" in outcome.shown) == ("texture" in taken)
        assert space.replay(outcome.assignment, BASE) == outcome
    assert len(subsets) == 7


@given(st.lists(st.floats(0.02, 1.0), min_size=3, max_size=3))
def test_weights_come_back_from_what_would_have_been_drawn(weights):
    mix = Simplex(LOSS, TERMS, total=sum(weights), sparse=True)
    wanted = dict(zip(TERMS, weights, strict=True))
    assert mix.weights(mix.assignment(wanted)) == pytest.approx(wanted, rel=1e-6)


def test_initial_points_come_first_and_the_sampler_after_them():
    table = {LOSS: {**MIX, "sparse": True}, "generator": GENERATORS}
    initial = [
        {LOSS: {"pixel": 1.0}, "generator": {"kind": "idn"}},
        {LOSS: {"pixel": 1.0, "texture": 3.0}},
        {"generator": {"kind": "rcan", "groups": 7}},
    ]
    first, second, third = (drawn(table, n, initial)[0] for n in range(3))
    assert first.shown == {f"{LOSS}.pixel.weight": 3.0, "generator.kind": "idn"}
    assert second.apply[LOSS]["texture"]["weight"] == pytest.approx(2.25)
    assert third.apply["generator"] == {"kind": "rcan", "groups": 7}
    assert drawn(table, 3, initial)[0] == drawn(table, 3)[0]


def test_mistakes_in_initial_points_are_all_named():
    table = {LOSS: MIX, "generator": GENERATORS, "seed": {"int": [1, 3]}}
    space = parse_space({**table, "scale": {"int": [2, 8], "step": 3}}, BASE)
    points = [
        {LOSS: {"pixel": 1.0}},
        {LOSS: {"colour": 1.0}},
        {"generator": {"kind": "rcan", "groups": 99}},
        {"generator": {"kind": "edsr"}},
        {"seed": "x", "optimizer.lr": 1},
        {LOSS: {"pixel": 1.0, "texture": 1e-4, "adversarial": 1.0}},
        {"scale": 6},
        {"seed": 1.5},
    ]
    found = {problem.place: problem.rule for problem in initial_problems(space, points)}
    assert set(found) == {
        f"search.initial.0.{LOSS}",
        f"search.initial.1.{LOSS}",
        "search.initial.2.generator.groups",
        "search.initial.3.generator",
        "search.initial.4.seed",
        "search.initial.4.optimizer.lr",
        f"search.initial.5.{LOSS}",
        "search.initial.6.scale",
        "search.initial.7.seed",
    }
    assert "nearest of the distribution's steps is 5" in found["search.initial.6.scale"]
    assert "no weight may be below 0.00014" in found[f"search.initial.5.{LOSS}"]
    assert "not sparse" in found[f"search.initial.0.{LOSS}"]


@pytest.mark.parametrize(
    ("node", "place", "rule"),
    [
        ({"simplex": ["pixel"]}, ".simplex", "two or more"),
        ({"simplex": ["pixel", "pixel"]}, ".simplex", "each once"),
        ({"simplex": ["pixel", "colour"]}, ".simplex", "terms that the recipe has"),
        ({**MIX, "total": 0}, ".total", "above 0"),
        ({**MIX, "sparse": "yes"}, ".sparse", "true or false"),
        ({"simplex": ["pixel", "subset"], "sparse": True}, ".simplex", "is called subset"),
        ({**MIX, "totl": 1}, ".totl", "only sparse, total"),
    ],
)
def test_each_mistake_is_named(node, place, rule):
    with pytest.raises(RecipeErrors) as raised:
        parse_space({LOSS: node}, BASE)
    found = {problem.place: problem.rule for problem in raised.value.problems}
    assert rule in found[f"search.space.{LOSS}{place}"]


def test_a_grid_takes_no_initial_points():
    section = {
        "space": {"seed": {"int": [1, 3]}},
        "objectives": {"psnr_y": "max"},
        "sampler": "grid",
        "initial": [{"seed": 1}],
        "budget": {"trials": 2},
    }
    with pytest.raises(RecipeErrors, match="goes through every point"):
        parse_search(section, BASE)
