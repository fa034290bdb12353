"""EnhanceNet's six loss mixes, each from one pretrain: the experiment's own files.

The campaign trains them over three seeds and three feature sources; here they are made tiny.
"""

import time

import numpy as np
import pytest
from enhancenet_losses import (
    FREE,
    MIXES,
    PHOTOGRAPHS,
    SCALE,
    SOURCES,
    WITH_FILES,
    Finding,
    findings,
    measure,
    recipes,
    table,
    train,
)
from enhancenet_losses_figure import DETAILS, Panel, figure
from enhancenet_losses_page import PAGE, page, read_evidence
from shared_data import shared
from tiny_trainings import write_pictures

from acutance_models import bicubic_upscale
from acutance_platform.training import FEATURES
from acutance_platform.verbs.fetching import fetch
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.published import PUBLISHED
from acutance_storage import add_dataset, open_store, put_blob, set_ref

SEEDS = (0, 1, 2)
FILES = {
    "vgg19-normalised": "weights/vgg19_normalised_to_conv3_1.pth",
    "vgg19-distilled": "weights/vgg19_distilled_16x_to_conv5_1.pth",
    "niqe": "weights/niqe_pris_params.npz",
}
ON_SET5 = (*FREE, "distilled_distance")  # too small for niqe


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of its own, in which nothing is paid for."""
    folder = tmp_path_factory.mktemp("losses")
    return Home(open_store(folder / "store"), folder / "local")


@pytest.fixture(scope="module")
def known():
    """What was measured: model and set -> metrics. Sources share E, EA and bicubic."""
    return {}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A home with tiny pictures, and something under the name of each published file."""
    folder = tmp_path_factory.mktemp("tiny")
    home = Home(open_store(folder / "store"), folder / "local")
    add_dataset(home.store, "pictures", write_pictures(folder / "pictures"))
    for name in PUBLISHED:
        set_ref(home.store, FEATURES, name, {"blob": put_blob(home.store, b"a stand-in")})
    return home


@pytest.mark.long
@pytest.mark.parametrize("source", SOURCES)
def test_enhancenet_losses(source, home, known, record_property):
    for name, file in FILES.items():
        fetch(name, file=shared(file), home=home)
    set5 = shared("data/Set5")
    made = {seed: recipes(SOURCES[source], home, f"seed={seed}") for seed in SEEDS}
    began = time.process_time()
    trained = {seed: {mix: train(made[seed][mix], home) for mix in MIXES} for seed in SEEDS}
    seconds = time.process_time() - began
    requested = sum(recipe.steps for mixes in made.values() for recipe in mixes.values())
    executed = sum(each.executed for mixes in trained.values() for each in mixes.values())
    stages = made[0]["E"].stages
    once = len(SEEDS) * (stages["pretrain"].steps + len(MIXES) * stages["finetune"].steps)

    sets = {"photographs": (None, (*FREE, *WITH_FILES)), "set5": (set5, ON_SET5)}
    for place, (folder, names) in sets.items():

        def measured(model, folder=folder, names=names):
            if (model, folder) not in known:
                known[model, folder] = measure(model, home, *names, set5=folder)
            return known[model, folder]

        rows = {
            mix: [measured(f"blob:{trained[seed][mix].weights}") for seed in SEEDS] for mix in MIXES
        }
        found = findings(rows)
        record_property(f"{place}_bicubic", measured("bicubic"))
        record_property(place, rows)
        record_property(
            f"{place}_findings",
            [{"claim": f.claim, "verdict": f.verdict, "gaps": f.gaps} for f in found],
        )
    told = {
        "source": source,
        "features": made[0]["P"].stages["finetune"].loss["perceptual"]["features"],
        "seeds": SEEDS,
        "precision": made[0]["E"].precision,
        "cpu_seconds": round(seconds, 1),
        "steps_requested": requested,
        "steps_executed": executed,
        "weights": {mix: [trained[seed][mix].weights for seed in SEEDS] for mix in MIXES},
    }
    for name, value in told.items():
        record_property(name, value)
    assert executed <= once, "a pretrain is paid once"
    assert findings(rows)[0].verdict == "holds", "what is trained for PSNR has the most of it"


def test_six_mixes_stand_on_one_pretrain(tiny):
    settings = [
        "data={dataset: pictures, patch: 64, batch: 1}",
        "generator={kind: enhancenet, channels: 4, blocks: 1}",
        "stages.pretrain.steps=3",
        "stages.finetune.steps=1",
        "evaluation={every: 9, metrics: [psnr_y, feature_distance]}",
    ]
    made = recipes(SOURCES["random"], tiny, *settings)
    trained = [train(recipe, tiny) for recipe in made.values()]
    assert sum(recipe.steps for recipe in made.values()) == 6 * (3 + 1)
    assert [each.executed for each in trained] == [3 + 1, 1, 1, 1, 1, 1]
    assert len({each.weights for each in trained}) == len(MIXES)


def test_all_sources_have_the_same_mixes_without_features_and_declare_what_stands_in(tiny):
    pictures = "data.dataset=pictures"
    made = {source: recipes(file, tiny, pictures) for source, file in SOURCES.items()}
    for mix in ("E", "EA"):
        assert made["normalised"][mix] == made["distilled"][mix]
        free, seen = (made[each][mix].stages["finetune"] for each in ("random", "normalised"))
        assert free.loss == seen.loss
    for source, substitutes in {
        "normalised": {"pool5": "relu3_1"},
        "distilled": {"pool2": "relu3_1", "pool5": "relu5_1"},
    }.items():
        loss = made[source]["PAT"].stages["finetune"].loss
        for term in ("perceptual", "texture"):
            assert loss[term]["features"]["kind"] == f"vgg19-{source}"
            assert loss[term]["features"]["substitute"] == substitutes
        assert loss["texture"]["layers"] == {"relu1_1": 3e-7, "relu2_1": 1e-6, "relu3_1": 1e-6}
        assert loss["perceptual"]["layers"] == {"pool2": 0.2, "pool5": 0.02}
    whole = recipes("full.yaml", tiny, pictures, "data.patch=64")["PAT"].stages["finetune"].loss
    assert {name: term["weight"] for name, term in whole.items()} == {
        "perceptual": 1.0,
        "perceptual_deep": 1.0,
        "adversarial": 2.0,
        "texture": 1.0,
    }


def test_an_ordering_holds_only_where_all_seeds_agree():
    row = {"psnr_y": 28.0, "gram_distance": 0.5, "edge_acutance": 1.3}
    rows = {mix: [dict(row), dict(row)] for mix in MIXES}
    for seed in (0, 1):
        rows["E"][seed] |= {"psnr_y": 30.0}
        rows["PAT"][seed] |= {"gram_distance": 0.4, "edge_acutance": 0.9}
    rows["PAT"][0]["psnr_y"], rows["PAT"][1]["psnr_y"] = 28.5, 27.5
    rows["EAT"][0]["psnr_y"], rows["EAT"][1]["psnr_y"] = 27.5, 27.0
    found = {each.claim: each for each in findings(rows)}
    assert found["E has the highest PSNR-Y"].gaps == [1.5, 2.0]
    assert found["PAT is above PA in PSNR-Y"].verdict == "open"
    assert found["EAT is above EA in PSNR-Y"].verdict == "does not hold"
    assert found["PAT is best in gram_distance"].gaps == pytest.approx([0.1, 0.1])
    assert found["EAT or PAT is best in edge_acutance"].gaps == pytest.approx([0.2, 0.2])
    assert not [claim for claim in found if "niqe" in claim], "it was not measured"
    assert Finding("a tie", [0.1, 0.0]).verdict == "open"
    assert "| PAT | 28.00 (1.000) | 0.900 (0.000) |" in table(
        rows, row, ["psnr_y", "edge_acutance"]
    )


def test_the_figure_shows_the_same_detail_of_each_network_between_lr_and_hr():
    row = {"psnr_y": 28.0, "feature_distance": 0.2}
    grey = Panel("grey", lambda lr: np.full_like(bicubic_upscale(lr, SCALE), 128), row)
    drawn = figure(
        [Panel("bicubic", lambda lr: bicubic_upscale(lr, SCALE), row), grey] * 2, PHOTOGRAPHS, SCALE
    )
    pixels = np.asarray(drawn).astype(int)
    side, line = 72 * 3, 20 + 100
    columns = [pixels[line, 8 + place * (side + 8) :][:side] for place in range(6)]
    assert len(DETAILS) == 2
    np.testing.assert_array_equal(columns[1], columns[3])
    np.testing.assert_array_equal(columns[2], np.full((side, 3), 128))
    away = [np.abs(column - columns[-1]).mean() for column in columns[:2]]
    assert 0 < away[1] < away[0], "bicubic is nearer to HR than the squares of LR"


def test_the_page_says_what_the_evidence_says():
    assert PAGE.read_text() == page(read_evidence())
