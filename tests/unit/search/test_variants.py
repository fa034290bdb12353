"""Named variants: several recipe paths under one label."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.search.grid import grid_points
from acutance_platform.search.initial import initial_problems
from acutance_platform.search.samplers import SAMPLERS, Told, propose
from acutance_platform.search.schema import parse_search
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.search.warm import read_point

LOSS = "stages.train.loss"
BASE = {
    "seed": 5,
    "ema": None,
    "generator": {"kind": "rcan", "attention": "none", "channels": 16},
    "optimizer": {"lr": 1e-4},
    "stages": {
        "train": {"steps": 9, "loss": {t: {"kind": t, "weight": 1.0} for t in ("l1", "gan")}}
    },
    "evaluation": {"metrics": ["psnr_y"]},
}
ATTENTION = {
    "variants": {
        "with attention": {"generator.attention": "channel", "generator.channels": 24},
        "wide": {"generator.channels": 25},
        "as it is": {},
    }
}
TABLE = {"variant": ATTENTION, "optimizer.lr": {"choice": [1e-4, 1e-3]}}


def refused(table, base=BASE):
    with pytest.raises(RecipeErrors) as raised:
        parse_space(table, base)
    return {problem.place: problem.rule for problem in raised.value.problems}


def points(table, base=BASE, forbidden=()):
    return list(grid_points(parse_space(table, base, forbidden), base))


def section(**changes):
    return {
        "space": TABLE,
        "objectives": {"psnr_y": "max"},
        "scheduler": "none",
        "budget": {"trials": 4},
        **changes,
    }


def test_a_label_sets_its_paths_and_alone_is_shown():
    found = points({"variant": ATTENTION})
    assert [point.shown for point in found] == [
        {"variant": "with attention"},
        {"variant": "wide"},
        {"variant": "as it is"},
    ]
    made = [apply_to(BASE, point.apply) for point in found]
    assert made[0]["generator"] == {"kind": "rcan", "attention": "channel", "channels": 24}
    assert made[1]["generator"] == {"kind": "rcan", "attention": "none", "channels": 25}
    assert made[2] == BASE


def test_several_names_make_a_factorial_design():
    second = {"variants": {"few": {f"{LOSS}.gan.weight": 0.1}, "many": {f"{LOSS}.gan.weight": 9}}}
    found = points({**TABLE, "adversary": second})
    assert len(found) == 3 * 2 * 2
    assert found[1].shown == {
        "variant": "with attention",
        "adversary": "many",
        "optimizer.lr": 1e-4,
    }


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "random"},
        {"kind": "quasi_random"},
        {"kind": "tpe", "startup_trials": 3},
        {"kind": "nsga2", "population": 3},
    ],
)
def test_every_sampler_draws_labels_and_passes_over_what_is_forbidden(spec):
    forbidden = [{"variant": "with attention", "optimizer.lr": 1e-3}, {"generator.channels": 25}]
    space = parse_space(TABLE, BASE, forbidden)
    sampler = SAMPLERS.build(spec, space=space, base=BASE, directions=("max",))
    history, seen = [], set()
    for ordinal in range(12):
        outcome = sampler.propose(ordinal, history).outcome
        assert space.replay(outcome.assignment, BASE) == outcome
        seen.add((outcome.shown["variant"], outcome.shown["optimizer.lr"]))
        values = {9: (float(outcome.shown["variant"] == "as it is"),)}
        history.append(Told(outcome.assignment, "complete", values))
    assert seen == {("with attention", 1e-4), ("as it is", 1e-4), ("as it is", 1e-3)}


def test_conditions_read_labels_and_what_labels_set_wherever_they_stand():
    table = {
        "seed": {"int": [1, 2], "when": "variant == wide"},
        "ema": {"choice": [0.5], "when": "generator.channels > 20"},
        "variant": {**ATTENTION, "when": "optimizer.lr == 0.001"},
        "optimizer.lr": {"choice": [1e-4, 1e-3]},
    }
    told = {}
    for point in points(table):
        label = point.shown.get("variant")
        told.setdefault(label, set()).update(set(point.shown) & {"seed", "ema"})
    assert told == {
        None: set(),
        "with attention": {"ema"},
        "wide": {"seed", "ema"},
        "as it is": set(),
    }


def test_a_condition_that_no_label_can_meet_is_refused():
    never = {"choice": [1, 2], "when": "variant == wider"}
    (rule,) = refused({**TABLE, "seed": never}).values()
    assert "variant is with attention or wide or as it is" in rule
    never = {"choice": [1, 2], "when": "generator.channels == 99"}
    (rule,) = refused({**TABLE, "seed": never}).values()
    assert "generator.channels is 24 or 25 or 16" in rule


def test_maps_come_before_what_is_set_below_them():
    below = {"variants": {"a": {"generator.channels": 1}, "b": {"generator.attention": "b"}}}
    whole = {"choice": [{"kind": "idn"}, {"kind": "rdn"}]}
    found = points({"variant": below, "generator": whole})
    assert found[0].shown == {"variant": "a", "generator.kind": "idn"}
    assert found[0].apply["generator"] == {"kind": "idn", "channels": 1}
    whole = {"variants": {"a": {"generator": {"kind": "idn"}}, "b": {}}}
    found = points({"generator.channels": {"choice": [3]}, "variant": whole})
    assert found[0].shown == {"variant": "a", "generator.channels": 3}
    assert apply_to(BASE, found[0].apply)["generator"] == {"kind": "idn", "channels": 3}
    whole["variants"]["b"] = {"generator.attention": "b"}
    assert len(points({"variant": whole})) == 2, "labels do not wait for each other"


def test_a_label_says_nothing_of_a_term_that_a_mix_left_out():
    table = {
        LOSS: {"simplex": ["l1", "gan"], "sparse": True},
        "variant": {"variants": {"a": {f"{LOSS}.gan.form": "a"}, "b": {f"{LOSS}.gan.form": "b"}}},
    }
    space = parse_space(table, BASE)
    sampler = SAMPLERS.build({"kind": "random"}, space=space, base=BASE, directions=("max",))
    for ordinal in range(12):
        outcome = sampler.propose(ordinal, []).outcome
        terms = apply_to(BASE, outcome.apply)["stages"]["train"]["loss"]
        assert all(term["weight"] > 0 for term in terms.values())
        assert terms.get("gan", {"form": outcome.shown["variant"]})["form"] in ("a", "b")
        assert set(outcome.shown) == {"variant", *(f"{LOSS}.{term}.weight" for term in terms)}
        assert read_point(space, BASE, apply_to(BASE, outcome.apply)) is not None


def labelled(**settings):
    return {"v": {"variants": {"a": {}, **settings}}}


@pytest.mark.parametrize(
    ("table", "place", "rule"),
    [
        ({"v": {"variants": {}}}, "v.variants", "two or more labels"),
        ({"v": {"variants": ["a", "b"]}}, "v.variants", "two or more labels"),
        ({"v": {"variants": {"a": {}}}}, "v.variants", "two or more labels"),
        ({"v": {"variants": {"a": {}, False: {"seed": 1}}}}, "v.variants.False", "label is text"),
        (labelled(b=None), "v.variants.b", "maps recipe paths"),
        (labelled(b={"generator..x": 1}), "v.variants.b.generator..x", "single dots"),
        (labelled(b={"seed": {"int": [1, 2]}}), "v.variants.b.seed", "it draws none"),
        (labelled(b={"generator": {"n": {"int": [1, 2]}}}), "v.variants.b.generator", "draws none"),
        (
            labelled(b={"generator": {}, "generator.kind": "a"}),
            "v.variants.b.generator.kind",
            "generator sets it too",
        ),
        (labelled(b={}), "v.variants.b", "a sets the same"),
        (labelled(b={"modell.kind": "a"}), "v.variants.b.modell.kind", "sets paths of the recipe"),
        (labelled(b={"seed.x": 1}), "v.variants.b.seed.x", "seed is 5 in the recipe"),
        ({"v": {**ATTENTION, "step": 1}}, "v.step", "only when"),
        ({"a.b": ATTENTION}, "a.b", "without dots"),
        ({"generator.attention": ATTENTION}, "generator.attention", "without dots"),
        ({"a=b": ATTENTION}, "a=b", "without dots"),
        ({"generator": ATTENTION}, "generator", "a field of the recipe"),
        ({"schedule": ATTENTION}, "schedule", "a field of the recipe"),
        (
            {"generator": {"choice": [{"kind": "a", "n": ATTENTION}]}},
            "generator.choice.0.n",
            "at the top of the table",
        ),
        (
            {"generator.channels": {"choice": [1, 2]}, "v": ATTENTION},
            "v.variants.with attention.generator.channels",
            "generator.channels sets it too",
        ),
        (
            {"v": ATTENTION, "generator.channels": {"choice": [1, 2]}},
            "generator.channels",
            "v.variants.with attention.generator.channels sets it too",
        ),
        (
            {
                **labelled(b={"generator": {"kind": "b"}, "optimizer.lr": 1}),
                "w": {"variants": {"c": {"optimizer": {"eps": 2}}, "d": {"generator.channels": 3}}},
            },
            "v",
            "one has to come first",
        ),
        (
            {LOSS: {"simplex": ["l1", "gan"]}, **labelled(b={f"{LOSS}.gan": {"kind": "b"}})},
            "v",
            "one has to come first",
        ),
    ],
)
def test_each_mistake_is_named_with_the_labels_place(table, place, rule):
    ((found, told),) = refused(table).items()
    assert found == f"search.space.{place}"
    assert rule in told


def test_steps_may_differ_between_variants_where_no_rungs_compare_them():
    space = {"v": {"variants": {"short": {}, "long": {"stages.train.steps": 99}}}}
    assert parse_search(section(space=space), BASE)
    with pytest.raises(RecipeErrors, match=r"v\.variants\.long\.stages\.train\.steps"):
        parse_search(section(space=space, scheduler="asha"), BASE)


def test_initial_points_name_labels():
    space = parse_space(TABLE, BASE)
    sampler = SAMPLERS.build({"kind": "tpe"}, space=space, base=BASE, directions=("max",))
    initial = [{"variant": "wide"}]
    first = propose(sampler, 0, [], initial=initial, space=space, base=BASE).outcome
    assert first.shown["variant"] == "wide"
    wrong = [{"variant": "wider"}, {"generator.channels": 24}]
    told = {problem.place: problem for problem in initial_problems(space, wrong)}
    rule = told["search.initial.0.variant"].rule
    assert "variants' labels: with attention; wide; as it is" in rule
    assert "variant" in told["search.initial.1.generator.channels"].way_out


SETTINGS = st.dictionaries(
    st.sampled_from(
        ["generator.channels", "generator.attention", "optimizer.lr", f"{LOSS}.l1.kind"]
    ),
    st.sampled_from([1, 2, "x", None]),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(SETTINGS, min_size=2, max_size=4, unique_by=lambda each: repr(sorted(each.items())))
)
def test_every_label_is_one_point_that_comes_back_from_its_recipe(several):
    table = {"v": {"variants": {f"label {i}": each for i, each in enumerate(several)}}}
    before = copy.deepcopy(BASE)
    space = parse_space(table, BASE)
    found = list(grid_points(space, BASE))
    assert [point.shown for point in found] == [{"v": label} for label in table["v"]["variants"]]
    for point, wanted in zip(found, several, strict=True):
        assert point.apply == wanted
        assert space.replay(point.assignment, BASE) == point
        made = apply_to(BASE, point.apply)
        back = read_point(space, BASE, made)
        assert back is not None
        assert apply_to(BASE, space.replay(back, BASE).apply) == made
    assert before == BASE
