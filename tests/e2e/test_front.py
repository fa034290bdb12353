"""A sweep of two objectives: its front, what lies between, its knee, and the page."""

import pytest
import yaml
from calling import RECIPE, CommandLine, photographs, refused

from acutance_models import read_header
from acutance_platform.tracking import local_server
from acutance_storage import get_blob, open_store

LINES = {"psnr_y": "max", "ssim_y": "min"}
"""Nobody would ask for this; it makes a front of every trial."""


def chained():
    """A sweep of two mixes on one pretrain."""
    sweep = yaml.safe_load(RECIPE)
    pixel = {"kind": "l1", "weight": 1.0}
    sweep["optimizer"]["lr"] = 1e-2
    sweep["stages"] = {
        "pretrain": {"steps": 4, "loss": {"pixel": pixel}},
        "finetune": {"after": "pretrain", "steps": 8, "loss": {"pixel": pixel}},
    }
    sweep["search"] = {
        "space": {"stages.finetune.loss.pixel.kind": {"choice": ["l1", "mse"]}},
        "objectives": LINES,
        "sampler": "grid",
        "scheduler": "none",
        "budget": {"trials": 2},
        "interpolate": "front",
        "alphas": [0.25, 0.5],
    }
    return yaml.safe_dump(sweep)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the finished sweep `mixes`."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
            patch.delenv(name, raising=False)
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.setenv("COLUMNS", "100")
        patch.chdir(folder)
        photographs(folder / "photos")
        (folder / "sweep.yaml").write_text(chained())
        with local_server(folder / "local"):
            done = CommandLine(None).apart("sweep", "sweep.yaml", "--name", "mixes")
            assert done.code == 0, done.err
            (folder / "shown.txt").write_text(done.out)
            yield folder


@pytest.fixture
def acutance(home, capsys, monkeypatch):
    monkeypatch.chdir(home)
    return CommandLine(capsys)


def between(document):
    return [point for point in document["points"] if "alpha" in point]


def test_points_between_trials_are_measured_models_that_cost_no_steps(acutance):
    document = acutance("front", "mixes", "--json").json
    assert document["objectives"] == LINES
    assert set(document["reference"]) == set(LINES)
    points, data = between(document), "folder-photos"
    assert points, "what lies between two trials is on the front of such objectives, as a rule"
    for point in points:
        assert sorted(point["parents"]) == ["t0000", "t0001"]
        header = read_header(get_blob(open_store(), point["weights"]))
        assert float(header["alpha"]) == point["alpha"]
        assert {"psnr_y", "ssim_y", "parameters", "macs_per_pixel"} <= set(point["metrics"])
        address = f"mixes/{point['trial']}"
        measured = acutance("evaluate", address, data, "--json").json
        assert measured["mean"]["psnr_y"] == pytest.approx(point["metrics"]["psnr_y"], abs=1e-9)
    assert acutance("status", "mixes", "--json").json["steps_executed"] == 4 + 8 + 8


def test_best_and_knee_are_addresses(acutance):
    points = acutance("front", "mixes", "--json").json["points"]
    status = acutance("status", "mixes", "--json").json
    best = next(trial for trial in status["trials"] if trial["trial"] == status["best"])

    def weights(name):
        return acutance("evaluate", f"mixes/{name}", "photos", "--json").json["weights"]

    assert weights("best") == best["weights"]
    assert weights("knee") in [point["weights"] for point in points]


def test_a_rule_picks_a_point(acutance):
    points = acutance("front", "mixes", "--json").json["points"]
    middle = points[1]["metrics"]["psnr_y"]
    words = ("front", "mixes", "--pick", f"psnr_y>={middle}", "--by", "ssim_y")
    assert [p["trial"] for p in acutance(*words, "--json").json["points"]] == [points[1]["trial"]]
    assert points[1]["trial"] in acutance(*words).out
    assert acutance("front", "mixes", "--pick", "psnr_y>=99").code == 1
    refused(acutance("front", "mixes", "--pick", "psnr_y=2"), "--pick")
    refused(acutance("front", "mixes", "--by", "lpips"), "no objective")


def journal(store):
    """Return the segments of the journal, without the copy of all records."""
    return [key for key in store.list("journals/sweeps/mixes/") if ".fold." not in key]


def test_a_driver_that_died_between_two_points_makes_the_rest_and_nothing_twice(acutance):
    before = acutance("front", "mixes", "--json").json
    store, done = open_store(), []
    for key in journal(store):
        done += [key] if b'"do":"point"' in store.read(key) else []
    assert len(done) == 2
    gone = [key for key in store.list("journals/sweeps/mixes/") if key >= done[1]]
    for key in gone:
        store.delete(key)
    assert acutance("sweep", "sweep.yaml", "--name", "mixes", "--resume", "auto").code == 0
    assert acutance("front", "mixes", "--json").json == before
    assert acutance("resume", "mixes").code == 0
    told = b"".join(store.read(key) for key in journal(store))
    assert told.count(b'"do":"point"') == 2


def test_table_and_page_show_the_front(home, acutance):
    shown = (home / "shown.txt").read_text()
    assert "t0000-t0001-" in shown or "t0001-t0000-" in shown
    table = acutance("front", "mixes").out
    assert "hypervolume" in table
    assert "*" in table
    assert acutance("report", "mixes", "-o", "page.html").code == 0
    page = (home / "page.html").read_text()
    for text in ("The front has", "Front</h2>", "knee", "alpha 0.5"):
        assert text in page
    assert (home / "local" / "reports" / "mixes" / "cost.png").exists()
