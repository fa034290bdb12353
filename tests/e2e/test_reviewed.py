"""What an outside reader found wrong once, and must stay right."""

import os
import shutil
import signal

import numpy as np
import pytest
from calling import photographs
from PIL import Image

from acutance_platform.verbs.files import read_file
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Log, seen_from, sole_driver, tell
from acutance_storage import open_store


@pytest.fixture
def home(place):
    (place / "local").mkdir(exist_ok=True)
    return Home(open_store(place / "store"), place / "local")


def halved(folder, target):
    """Write LR pictures that no degradation of ours would make: every second pixel."""
    target.mkdir()
    for file in folder.iterdir():
        Image.fromarray(np.asarray(Image.open(file))[::2, ::2]).save(target / file.name)


def test_real_lr_pictures_are_read_unless_the_file_says_otherwise(place, home, acutance):
    photographs(place / "hr", 4)
    halved(place / "hr", place / "lr")
    added = acutance("data", "add", "pairs", place / "hr", "--lr", place / "lr", "--scale", "2")
    assert added.code == 0, added.err
    sets = ["data.dataset=pairs"]
    assert read_file(place / "recipe.yaml", sets, home).recipe.data.lr_from == "stored"
    made = [*sets, "data.lr_from=picture"]
    assert read_file(place / "recipe.yaml", made, home).recipe.data.lr_from == "picture"
    refused = acutance(
        "validate", place / "recipe.yaml", "--set", "data.dataset=pairs", "--set", "scale=4"
    )
    assert refused.code == 2
    assert "has real LR pictures of scale 2" in refused.err


def test_a_folder_is_read_again_where_the_store_was_emptied(place, acutance):
    found = []
    for _ in range(2):
        found.append(acutance("validate", "recipe.yaml", "--json").json["dataset"])
        shutil.rmtree(place / "store")
    assert found[0] == found[1]


def test_equal_pictures_count_as_often_as_there_are_files(place, acutance):
    folder = place / "twice"
    photographs(folder, 2)
    first, second = sorted(folder.iterdir())
    apart = acutance("evaluate", "bicubic", folder, "--scale", "2", "--json").json
    (folder / f"again{first.suffix}").write_bytes(first.read_bytes())
    both = acutance("evaluate", "bicubic", folder, "--scale", "2", "--json").json
    assert len(both["images"]) == 3
    a, b = (image["psnr_y"] for image in apart["images"])
    assert both["mean"]["psnr_y"] == pytest.approx((2 * a + b) / 3)
    assert second.exists()


def test_a_dead_driver_is_not_called_running(place, home):
    log = Log(home.store, "gone")
    log.append(
        {"do": "sweep", "name": "gone", "spec": {}, "time": 1.0},
        {"do": "start", "driver": "d", "host": "h", "time": 2.0},
    )
    with sole_driver(home, "gone"):
        assert seen_from(home, tell(log.read())).sweep.state == "RUNNING"
    assert seen_from(home, tell(log.read())).sweep.state == "WAITING"


def test_a_killed_ingest_leaves_nothing_after_the_next_one(place, home, acutance):
    photographs(place / "many", 12)
    spool = home.local / "spool"
    process = acutance.begin("data", "add", "killed", place / "many")
    while process.poll() is None and not list(spool.glob("ingest-*")):
        pass
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert acutance("data", "add", "killed", place / "many").code == 0
    assert list(spool.iterdir()) == []


def test_the_forecast_times_every_kind_of_generator(place, acutance):
    search = """
search:
  space:
    generator:
      choice:
        - {kind: srresnet, channels: 4, blocks: {int: [1, 4]}}
        - {kind: carn, channels: 4, blocks: 1, units: 1}
  objectives: {psnr_y: max}
  sampler: {kind: random}
  budget: {trials: 24}
"""
    file = place / "kinds.yaml"
    file.write_text((place / "recipe.yaml").read_text() + search)
    done = acutance("plan", file, "--json")
    assert done.code == 0, done.err
    kinds = {sample["recipe"]["generator.kind"] for sample in done.json["samples"]}
    assert kinds == {"srresnet", "carn"}
