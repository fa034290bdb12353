"""Each verb on good input, and the documents that people script against."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from calling import RECIPE, SEARCH, CommandLine, photographs, refused

from acutance_platform.tracking import local_server

HEX = re.compile("[0-9a-f]{64}")
SMALL = ("search.budget.trials=2", "stages.train.steps=12", "evaluation.every=6")
VERBS = (
    "init", "data", "data add", "data list", "data show", "data verify", "validate", "plan",
    "train", "sweep", "resume", "status", "front", "report", "evaluate", "upscale", "mlflow",
    "doctor", "fetch", "gc", "interpolate", "store", "store verify",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a finished sweep `mini`, whose MLflow server runs for all tests here."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
            patch.delenv(name, raising=False)
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.setenv("COLUMNS", "100")
        patch.chdir(folder)
        photographs(folder / "photos")
        (folder / "recipe.yaml").write_text(RECIPE)
        (folder / "sweep.yaml").write_text(RECIPE + SEARCH)
        with local_server(folder / "local"):
            done = CommandLine(None).apart("sweep", "sweep.yaml", "--name", "mini", "--json")
            assert done.code == 0, done.err
            (folder / "sweep.json").write_text(done.out)
            yield folder


@pytest.fixture
def acutance(home, capsys, monkeypatch):
    """The command line, called where the sweep `mini` is."""
    monkeypatch.chdir(home)
    return CommandLine(capsys)


def keys(document):
    return list(document)


def test_a_sweep_prints_one_document_which_status_repeats(home, acutance):
    found = acutance("status", "mini", "--json")
    assert found.err == ""
    document = found.json
    assert (home / "sweep.json").read_text() == found.out
    promised = {
        "sweep", "state", "objectives", "baseline", "best", "steps_requested", "steps_executed",
        "gpu_hours", "cpu_hours", "trials",
    }  # fmt: skip
    assert promised <= set(document)
    assert document["sweep"] == "mini"
    assert document["state"] == "COMPLETE"
    assert document["objectives"] == {"psnr_y": "max"}
    assert set(document["baseline"]) == {"psnr_y", "ssim_y"}
    assert document["steps_requested"] == 8
    assert document["steps_executed"] in (6, 8)
    assert len(document["trials"]) == 2
    for trial in document["trials"]:
        assert {
            "trial", "state", "recipe", "metrics", "steps", "run_id", "weights", "failures"
        } <= set(trial)  # fmt: skip
        assert trial["state"] in ("COMPLETE", "STOPPED")
        assert keys(trial["recipe"]) == ["optimizer.lr"]
        assert {"psnr_y", "ssim_y", "parameters", "macs_per_pixel"} <= set(trial["metrics"])
        assert HEX.fullmatch(trial["weights"])
        assert re.fullmatch("[0-9a-f]{32}", trial["run_id"])
    best = [t for t in document["trials"] if t["trial"] == document["best"]]
    assert best[0]["state"] == "COMPLETE"


def test_front_is_the_best_trial_of_one_objective(acutance):
    status = acutance("status", "mini", "--json").json
    document = acutance("front", "mini", "--json").json
    assert keys(document)[:4] == ["objectives", "reference", "hypervolume", "points"]
    assert (document["constraints"], document["nearest"]) == ({}, None)
    assert document["reference"] == {"psnr_y": status["baseline"]["psnr_y"]}
    (point,) = document["points"]
    assert {"trial", "metrics", "weights"} <= set(point)
    assert point["trial"] == status["best"]
    assert point["trial"] in acutance("front", "mini").out


def test_status_and_resume_of_a_finished_sweep_show_its_table(acutance):
    table = acutance("status", "mini").out
    assert all(text in table for text in ("t0000", "t0001", "COMPLETE", "bicubic: psnr_y"))
    again = acutance("resume", "mini")
    assert again.code == 0
    for text in ("winner", "figure", "report.html", "acutance mlflow", "upscaled", "front.png"):
        assert text in again.out
    command = again.out.split("by: acutance ")[1].strip().split()
    assert acutance(*command).code == 0, "the command that was shown works as it stands"


def test_a_finished_name_is_refused_or_reported(acutance):
    refused(acutance("sweep", "sweep.yaml", "--name", "mini"), "acutance resume mini")
    refused(acutance("train", "recipe.yaml", "--name", "mini"), "--name", "exists")
    words = ("sweep", "sweep.yaml", "--name", "mini", "--resume", "auto", "--json")
    again = acutance(*words)
    assert again.code == 0
    assert again.err == ""
    assert again.json == acutance("status", "mini", "--json").json
    changed = acutance(*words, "--set", "optimizer.lr=5e-4")
    assert changed.code == 0
    assert "began with other values" in changed.err
    wrong = acutance("train", "recipe.yaml", "--name", "mini", "--resume", "auto")
    refused(wrong, "belongs to a sweep", "describes a training")


def test_every_word_for_a_model_of_the_sweep_names_the_same_weights(home, acutance):
    status = acutance("status", "mini", "--json").json
    best = next(t for t in status["trials"] if t["trial"] == status["best"])
    words = [
        "mini/best", "mini/knee", f"mini/{best['trial']}", f"run:{best['run_id']}",
        f"blob:{best['weights']}",
    ]  # fmt: skip
    for model in words:
        document = acutance("evaluate", model, "photos", "--json").json
        assert document["weights"] == best["weights"], model
        assert document["model"] == model
    refused(acutance("evaluate", "mini/t0099", "photos"), "no trial 't0099'", "t0000, t0001")
    done = acutance("upscale", "photos/p0.png", "-o", home / "x.png", "--model", "mini/best")
    assert done.code == 0, done.err


def test_report_is_one_page_where_it_is_told(home, acutance):
    done = acutance("report", "mini", "-o", "pages/mini.html")
    assert done.code == 0, done.err
    files = [Path(line) for line in done.out.splitlines()]
    assert files[0] == Path("pages/mini.html")
    assert all(file.is_file() for file in files)
    assert "<img" in files[0].read_text()
    refused(acutance("report", "mini", "-o", "pages"), "this is a folder")
    assert os.listdir("pages") == ["mini.html"]


def test_a_damaged_journal_is_refused_by_all_who_read_it(home, tmp_path, acutance, monkeypatch):
    shutil.copytree(home / "store", tmp_path / "store")
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    journal = tmp_path / "store" / "journals" / "sweeps" / "mini"
    for copy in journal.glob("*.fold.jsonl"):  # a slow machine reports often enough for one
        copy.unlink()
    segment = sorted(journal.iterdir())[1]
    content = segment.read_bytes()
    segment.chmod(0o644)
    segment.write_bytes(content[:30] + b"XX" + content[32:])
    for words in (["status"], ["front"], ["report"], ["resume"]):
        refused(acutance(*words, "mini"), segment.name, "Restore this file")
    refused(acutance("evaluate", "mini/best", "photos"), segment.name)
    segment.unlink()
    refused(acutance("status", "mini"), segment.name, "it is missing")


def test_train_prints_its_document(home, acutance):
    done = acutance("train", "recipe.yaml", "--name", "one", "--json")
    assert done.code == 0, done.err
    document = done.json
    assert keys(document) == ["run_id", "weights", "steps", "metrics", "notes"]
    assert document["steps"] == 4
    assert HEX.fullmatch(document["weights"])
    assert "psnr_y" in document["metrics"]
    assert "one" in acutance("status", "one").out
    assert (
        acutance("evaluate", "one/best", "photos", "--json").json["weights"] == document["weights"]
    )


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo terminals")
def test_on_a_terminal_a_live_view_stands_until_the_table_does(home, acutance):
    reader, writer = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "acutance", "train", "recipe.yaml", "--name", "seen"],
        stdout=writer,
        stderr=writer,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(writer)
    shown = b""
    with suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(reader, 1 << 16):
            shown += part
    os.close(reader)
    assert process.wait(timeout=60) == 0, shown.decode()
    text = shown.decode()
    assert "Traceback" not in text
    assert "starting ..." in text, "the live view came first"
    assert "bicubic" in text
    assert "seen is COMPLETE." in text


def test_validate_and_plan_print_their_documents(acutance):
    found = acutance("validate", "sweep.yaml", "--json").json
    assert found["kind"] == "sweep"
    assert found["steps"] == 4
    assert found["dataset"].startswith("folder-photos@")
    assert acutance("validate", "recipe.yaml", "--json").json["kind"] == "recipe"
    plan = acutance("plan", "sweep.yaml", "--json")
    assert plan.code == 0, plan.err
    document = plan.json
    assert {"trials", "steps", "stages", "hours"} <= set(document)
    assert document["trials"] == 2
    assert document["steps"] == 8
    promised = ["key", "shared_by", "cached", "name", "steps"]
    assert all(keys(stage) == promised for stage in document["stages"])
    assert keys(document["hours"]) == ["low", "expected", "high"]
    assert 0 < document["hours"]["low"] <= document["hours"]["expected"]
    assert document["hours"]["expected"] <= document["hours"]["high"]
    assert "expected" in acutance("plan", "recipe.yaml").out


def test_datasets_are_added_listed_shown_and_verified(acutance):
    added = acutance("data", "add", "mine", "photos", "--licence", "CC0", "--source", "synthetic")
    assert added.code == 0, added.err
    assert added.err == "", "no progress bar where nobody sees it"
    assert re.search(r"mine@[0-9a-f]{12}: 5 pictures", added.out)
    rows = acutance("data", "list", "--json").json
    (row,) = [row for row in rows if row["name"] == "mine"]
    assert {"name", "version", "pictures", "splits", "lr_scale", "licence"} <= set(row)
    assert row["pictures"] == 5
    assert sum(row["splits"].values()) == 5
    shown = acutance("data", "show", f"mine@{row['version'][:12]}", "--json").json
    assert shown["source"] == "synthetic"
    assert len(shown["pictures"]) == 5
    assert "CC0" in acutance("data", "show", "mine").out
    assert acutance("data", "verify", "mine").out == "mine is sound\n"
    assert "mine" in acutance("data", "list").out


def begun(acutance, folder):
    """Call `init` on other photographs, in two forms and sizes."""
    photographs(folder / "holiday", 5, 150, 200)
    done = acutance("init", folder / "holiday", "-o", folder / "trip")
    assert done.code == 0, done.err
    file = folder / "trip" / "sweep.yaml"
    assert f"acutance sweep {file}" in done.out
    return file


def test_init_writes_a_file_that_validates_plans_and_runs(tmp_path, acutance):
    file = begun(acutance, tmp_path)
    text = file.read_text()
    assert text.startswith("# Question:")
    assert f"# Run:      acutance sweep {file}" in text
    assert yaml.safe_load(text)["scale"] in (2, 3, 4)
    refused(acutance("init", tmp_path / "holiday", "-o", tmp_path / "trip"), "--overwrite")
    assert file.read_text() == text
    assert acutance("validate", file).code == 0
    sets = [word for setting in SMALL for word in ("--set", setting)]
    assert acutance("plan", file, *sets, "--json").json["trials"] == 2
    done = acutance.apart("sweep", file, *sets, "--json")
    assert done.code == 0, done.err
    assert acutance("status", "trip", "--json").json["best"] is not None


@pytest.mark.long
def test_the_file_of_init_runs_unchanged(tmp_path, acutance, monkeypatch):
    for name in ("STORE", "LOCAL"):  # its own: the shared one has a sweep of this name
        monkeypatch.setenv(f"ACUTANCE_{name}", str(tmp_path / name.lower()))
    file = begun(acutance, tmp_path)
    done = acutance.apart("sweep", file, "--json", timeout=3000)
    assert done.code == 0, done.err
    status = acutance("status", "trip", "--json").json
    assert len(status["trials"]) == 12
    assert status["state"] == "COMPLETE"


def test_init_never_mixes_two_folders_of_one_name(tmp_path, acutance):
    photographs(tmp_path / "a" / "trip", 4)
    photographs(tmp_path / "b" / "trip", 9, 104, 128)
    assert acutance("init", tmp_path / "a" / "trip", "-o", tmp_path / "x").code == 0
    assert acutance("init", tmp_path / "b" / "trip", "-o", tmp_path / "y").code == 0
    counts = [
        sum(acutance("validate", tmp_path / f / "sweep.yaml", "--json").json["pictures"].values())
        for f in ("x", "y")
    ]
    assert counts == [4, 9]


def test_doctor_finds_this_machine_fit(acutance):
    done = acutance("doctor", "--json")
    assert done.code == 0, done.out
    subjects = {finding["subject"] for finding in done.json}
    assert {"python", "packages", "store", "processors", "tracking"} <= subjects
    assert all(set(finding) == {"subject", "verdict", "said", "advice"} for finding in done.json)
    assert "verdict" in acutance("doctor").out


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_an_example(verb, acutance):
    done = acutance(*verb.split(), "--help")
    assert done.code == 0
    example = done.out.split("Example:")[1]
    assert f"acutance {verb}" in example


def test_help_lists_every_verb(acutance):
    out = acutance("--help").out
    assert all(re.search(rf"^  {verb.split()[0]} ", out, re.M) for verb in VERBS)
    assert acutance("--version").out.startswith("acutance ")


@pytest.mark.parametrize("words", ["--help", "data list", "status mini"])
def test_a_reader_who_leaves_is_no_error(words, acutance):
    done = subprocess.run(
        f"{sys.executable} -m acutance {words} | true",  # gone before the first line comes
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
