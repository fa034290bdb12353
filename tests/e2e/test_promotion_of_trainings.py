"""Promotion of what this store trained: lineage, unseen pictures, the stored figure, every rule."""

import json
from pathlib import Path

import pytest
from calling import CommandLine, photographs
from tiny_trainings import CHAOS_L1

from acutance_platform.registry.ledger import read_ledger
from acutance_platform.verbs import promotion
from acutance_platform.verbs.datasets import add_pictures
from acutance_platform.verbs.home import open_home
from acutance_platform.verbs.lineage import find_lineage, seen_pictures
from acutance_platform.verbs.looking import status
from acutance_platform.verbs.remeasuring import measure
from acutance_storage import get_blob, open_dataset

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
RULES = """\
lineage: required
validation: 1.0e-6
beats_bicubic: []
thresholds: {psnr_y: ">= 5"}
seam: {tile: 8, at_least: 50}
latency_ms: {at_most: 60000, machine: "*"}
peak_memory_mb: {at_most: 2000, machine: "*"}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A store with a training of four steps, and the SHA-256 of its weights."""
    from acutance_platform.verbs.running import train

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.chdir(folder)
        photographs(folder / "files", number=14, height=64, width=72)
        add_pictures("photos", folder / "files", licence="CC0", home=open_home())
        Path("recipe.yaml").write_text(json.dumps(RECIPE))
        train("recipe.yaml", name="tiny")
        Path("strict.yaml").write_text(RULES)
        # Measured here and not in a process of its own, which takes seconds; test_promotion does.
        patch.setattr(promotion, "remeasure", measure)
        yield status("tiny")["trials"][0]["weights"]


RECIPE = {
    "scale": 2,
    "data": {"dataset": "photos", "patch": 32, "batch": 2},
    "generator": {"kind": "srresnet", "channels": 4, "blocks": 1},
    "resources": {"cpu": 1, "gpu": 0},
    "stages": {"train": {"steps": 4, "loss": {"pixel": CHAOS_L1}}},
    "evaluation": {"every": 2},
    "checkpoint": {"every": 2},
    "plugins": ["chaos_losses"],
}


def test_lineage_says_what_a_model_saw(trained):
    store = open_home().store
    lineage = find_lineage(trained, open_home())
    dataset = open_dataset(store, "photos")
    assert (lineage.sweep, lineage.trial, lineage.step) == ("tiny", "t0000", 4)
    assert lineage.datasets == (f"photos@{dataset.version}",)
    assert lineage.stored["psnr_y"] > 0
    seen = seen_pictures(lineage, store)
    for picture in dataset.pictures:
        assert (picture.sha256 in seen) == (picture.split != "test")
    assert find_lineage("0" * 64, open_home()) is None


def test_the_default_gate_takes_the_test_split_and_no_picture_that_was_seen(trained, capsys):
    dataset = open_dataset(open_home().store, "photos")
    unseen = {p.name for p in dataset.pictures if p.split == "test"}
    words = ("promote", "tiny/best", "--model", "t", "--gate", "strict.yaml", "--json")
    found = CommandLine(capsys)(*words, "--data", "photos", "--dry-run")
    assert found.json["figures"]["pictures"] == len(unseen), found.err
    alone = CommandLine(capsys)("evaluate", "tiny/best", "photos", "--split", "test", "--json")
    assert found.json["figures"]["challenger"]["psnr_y"] == alone.json["mean"]["psnr_y"]


def test_every_rule_of_a_strict_gate_is_measured_and_the_papers_tell_it(trained, capsys):
    words = ("promote", "tiny/best", "--model", "t", "--gate", "strict.yaml", "--json")
    found = CommandLine(capsys)(*words)
    assert found.code == 0, found.err
    figures = found.json["figures"]
    assert figures["seam_db"] > 50
    assert figures["latency_ms"] > 0
    assert figures["peak_memory_mb"] >= 0
    pair = figures["validation"]["psnr_y"]
    assert pair["measured"] == pytest.approx(pair["stored"], abs=1e-6)
    store = open_home().store
    document = json.loads(get_blob(store, read_ledger(store)[-1]["document"]))
    assert document["lineage"]["recipe"]["plugins"] == ["chaos_losses"]
    card = CommandLine(capsys)("models", "card", "t@champion").out
    assert "trial t0000 of tiny, step 4" in card
    assert "licence: CC0" in card


def test_a_model_of_unknown_lineage_and_a_missed_ceiling_are_refused_all_at_once(trained, capsys):
    Path("hard.yaml").write_text(
        RULES.replace("60000", "0.0001").replace('"*"}', '"Cray*"}', 1).replace(">= 5", ">= 90")
    )
    words = ("promote", "shipped", "--model", "u", "--gate", "hard.yaml", "--data", "photos")
    found = CommandLine(capsys)(*words, "--json")
    assert found.code == 1
    told = [reason.partition(":")[0] for reason in found.json["reasons"]]
    assert told == ["psnr_y", "lineage", "latency_ms", "validation"]
    assert "cannot be checked here" in found.json["reasons"][2]
