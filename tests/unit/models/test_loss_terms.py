import math

import pytest

from acutance_models import (
    DISCRIMINATORS,
    RegistryError,
    check_terms,
    discriminator_health,
    discriminator_rests,
    resolve_term,
)

PIXEL = {"kind": "l1", "weight": 1.0}
GRAM = {"kind": "gram", "weight": 1.0, "features": "random", "layers": {"relu1_1": 1.0}}
CRITIC = {"kind": "adversarial", "weight": 1.0, "discriminator": {"kind": "vgg"}}


def check(patch=96, **terms):
    steps = terms.pop("steps", None)
    found = check_terms(terms, patch=patch, steps=steps)
    return {problem.path: f"{problem.rule} {problem.way_out}" for problem in found}


def test_a_term_is_resolved_with_every_default_of_its_parts():
    term = resolve_term({**GRAM, "features": "vgg19-distilled", "ramp": 5})
    assert term == {
        "kind": "gram",
        "features": {"kind": "vgg19-distilled", "substitute": {}},
        "layers": {"relu1_1": 1.0},
        "patch": 16,
        "patch_domain": "feature",
        "mean_one": "none",
        "reduction": "mean",
        "weight": 1.0,
        "from_step": 0,
        "until_step": None,
        "ramp": 5,
        "normalize": None,
    }
    assert resolve_term(term) == term
    critic = resolve_term(CRITIC)
    assert critic["discriminator"] == DISCRIMINATORS.resolve({"kind": "vgg"})
    assert critic["features"] is None


def test_every_problem_of_a_term_is_found_at_once():
    with pytest.raises(RegistryError) as caught:
        resolve_term(
            {
                "kind": "adversarial",
                "weight": 0,
                "ramp": -1,
                "from": 3,
                "discriminator": {"kind": "vgg"},
            }
        )
    assert {problem.path for problem in caught.value.problems} == {"weight", "ramp", "from"}
    with pytest.raises(RegistryError) as caught:
        resolve_term({**CRITIC, "features": "vgg", "discriminator": {"kind": "vgg", "head": "x"}})
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"features.kind", "discriminator.head"}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("l1", "is written {kind: NAME, weight: W"),
        ({"kind": "l1"}, "Add weight"),
        ({"weight": 1.0}, "is written {kind: NAME"),
        ({**PIXEL, "from_step": 5, "until_step": 5}, "never counts"),
        ({**PIXEL, "normalize": "first"}, "'initial'"),
        ({**CRITIC, "layer": "relu5_4"}, "both `features` and `layer`"),
    ],
)
def test_terms_that_do_not_fit_are_refused(spec, words):
    with pytest.raises(RegistryError, match=words):
        resolve_term(spec)


def test_a_mix_as_published_has_no_problems():
    perceptual = {"kind": "perceptual", "weight": 1.0, "layers": {"conv5_4": 1.0}}
    critic = {**CRITIC, "form": "relativistic", "weight": 5e-3}
    esrgan = {"pixel": PIXEL, "far": {**perceptual, "features": "vgg19"}, "critic": critic}
    assert check(patch=128, **esrgan) == {}
    srfeat = {
        "kind": "adversarial",
        "weight": 1e-3,
        "features": {"kind": "vgg19", "preprocessing": "caffe", "pooling": "ceil", "clip": True},
        "layer": "relu5_4",
        "scale": 1 / 12.75,
        "discriminator": {"kind": "srfeat_feature"},
        "discriminator_factor": 1e-3,
    }
    assert check(patch=296, feature=srfeat) == {}
    sftgan = {"critic": {**CRITIC, "discriminator": {"kind": "sftgan"}}} | {
        "classes": {"kind": "classification", "weight": 5e-3, "of": "critic"}
    }
    assert check(patch=96, **sftgan) == {}


def test_layers_and_sources_are_checked_before_any_file_is_there():
    deep = {**GRAM, "features": "vgg19-normalised", "layers": {"relu5_1": 1.0}}
    found = check(a=deep, b={**GRAM, "features": "vgg18"}, c={**CRITIC, "weight": "1"})
    assert "it has: conv1_1, relu1_1" in found["a.layers.relu5_1"]
    assert "Unknown feature network 'vgg18'" in found["b.features.kind"]
    assert "valid number" in found["c.weight"]


def test_what_the_patch_is_too_small_for_is_found():
    deep = {"kind": "perceptual", "weight": 1.0, "features": "random", "layers": {"pool5": 1.0}}
    assert "holds no patch of 16 x 16" in check(patch=12, a=GRAM)["a.layers"]
    assert "a side of 24 are too small for the layer pool5" in check(patch=24, a=deep)["a.layers"]
    small = {**CRITIC, "discriminator": {"kind": "sftgan"}}
    assert "at least 16 pixels" in check(patch=12, a=small)["a.discriminator"]
    feature = {**CRITIC, "features": "random", "layer": "pool5"}
    feature["discriminator"] = {"kind": "srfeat_feature"}
    assert "too small for the layer pool5" in check(patch=24, a=feature)["a.layer"]
    assert "no layer 'pool6'" in check(a={**feature, "layer": "pool6"})["a.layer.pool6"]


def test_a_discriminator_sees_what_it_was_made_for():
    feature = {**CRITIC, "features": "random", "layer": "relu2_1"}
    found = check(a=feature, b={**CRITIC, "discriminator": {"kind": "srfeat_feature"}})
    assert "such as srfeat_feature" in found["a.discriminator.kind"]
    assert "Give `features` and `layer`" in found["b.discriminator.kind"]


def test_a_classification_term_needs_a_discriminator_with_classes():
    classes = {"kind": "classification", "weight": 1.0, "of": "critic"}
    assert "there are: none" in check(pixel=PIXEL, classes=classes)["classes.of"]
    assert "names no classes" in check(critic=CRITIC, classes=classes)["classes.of"]
    assert "there are: critic" in check(critic=CRITIC, c={**classes, "of": "crtic"})["c.of"]


def test_a_hinge_term_is_no_divisor():
    hinge = {**CRITIC, "form": "hinge", "normalize": "initial"}
    assert "starts near 0" in check(a=hinge)["a.normalize"]


def test_a_step_without_any_term_is_found():
    late, early = {**PIXEL, "from_step": 3}, {**PIXEL, "until_step": 5}
    assert "at step 0 of the stage no term counts" in check(a=late)[""]
    assert "at step 5" in check(a=early, b={**late, "from_step": 6})[""]
    assert check(a=early, b=late) == {}
    assert check(a=early, steps=5) == {}
    assert "no term counts" in check()[""]


def test_a_term_that_begins_after_its_stage_is_found():
    late = {**PIXEL, "from_step": 5}
    assert "ends after 5 steps" in check(a=PIXEL, b=late, steps=5)["b.from_step"]
    assert check(a=PIXEL, b=late, steps=6) == check(a=PIXEL, b=late) == {}


def test_a_discriminator_rests_only_where_it_is_good_at_both():
    good = {"accuracy_real": 0.95, "accuracy_fake": 0.92}
    assert discriminator_rests(good, threshold=0.9)
    assert not discriminator_rests({**good, "accuracy_fake": 0.9}, threshold=0.9)
    assert not discriminator_rests({**good, "accuracy_real": 0.1}, threshold=0.9)
    assert not discriminator_rests({"accuracy_real": 1.0, "accuracy_fake": 1.0}, threshold=1.0)
    assert not discriminator_rests(None, threshold=0.0)


def statistics(real, fake, gap):
    return {"accuracy_real": real, "accuracy_fake": fake, "logit_gap": gap}


def test_the_health_of_a_discriminator_is_told_from_its_last_reports():
    sound, won = statistics(0.8, 0.7, 1.5), statistics(1.0, 0.995, 25.0)
    blind = statistics(1.0, 0.0, 0.002)
    for last, health in ((won, "overpowered"), (blind, "blind"), (sound, "sound")):
        assert discriminator_health([sound, *[last] * 5]) == health
        assert discriminator_health([last] * 4) == "sound"  # patience
        assert discriminator_health([last, sound, last, last], patience=2) == health
    assert discriminator_health([*[won] * 4, {**won, "logit_gap": 3.0}]) == "sound"
    assert discriminator_health([*[blind] * 4, statistics(0.6, 0.6, 0.002)]) == "sound"
    assert discriminator_health([{**sound, "logit_gap": math.nan}]) == "diverged"
    assert discriminator_health([]) == "sound"
