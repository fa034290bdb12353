"""An experiment's folder, from its files to its answer, as a person runs it."""

import json

import pytest
import yaml
from calling import photographs

from acutance_platform.verbs.experiment_files import read_folder, settings_of

SWEEP = """\
# Question: is a higher rate better?
# Run:      acutance experiment rates
base: ../recipe.yaml
data: {dataset: ../photos}
search:
  space: {optimizer.lr: {choice: [0.001, 0.004]}}
  objectives: {psnr_y: max}
  sampler: {kind: grid}
  scheduler: {kind: none}
  repeats: {top: 2, seeds: 2}
  budget: {trials: 2}
"""
FILE = {
    "pictures": {"data.dataset": "learn"},
    "measure": {
        "more": {"data": "test", "metrics": ["psnr_y"]},
        "alone": {"data": "test", "metrics": ["rmse"], "trials": False},
    },
    "tables": {
        "own": {"of": "bicubic", "columns": ["alone/rmse"]},
        "effect": {"columns": ["steps", "psnr_y", "more/psnr_y"], "against": "0.001"},
    },
    "figures": {"time": {"x": "steps", "y": "psnr_y", "curves": True}},
}
README = (
    "# Rates\n\n## Answer\n\n<!-- table effect -->\n<!-- /table effect -->\n\n"
    "<!-- table own -->\n<!-- /table own -->\n\n<!-- run -->\n<!-- /run -->\n"
)


@pytest.fixture
def rates(place):
    """The folder of an experiment, and pictures for it."""
    folder = place / "rates"
    folder.mkdir()
    (folder / "sweep.yaml").write_text(SWEEP)
    (folder / "experiment.yaml").write_text(yaml.safe_dump(FILE))
    (folder / "README.md").write_text(README)
    photographs(place / "pictures" / "learn")
    photographs(place / "pictures" / "test")
    return folder


def test_from_its_files_to_its_answer_and_not_twice(rates, acutance):
    done = acutance("experiment", rates, "--pictures", rates.parent / "pictures")
    assert done.code == 0, done.err
    results = json.loads((rates / "results.json").read_text())
    first, second, *repeats = (trial["seed"] for trial in results["trials"])
    assert first == second == 0
    assert len(repeats) == 2
    assert len({*repeats, 0}) == 2, "one further seed, the same for both"
    assert all("more/psnr_y" in trial["values"] for trial in results["trials"])
    assert "more/psnr_y" in results["baselines"]["sweep"]
    assert not any("alone/rmse" in trial["values"] for trial in results["trials"])
    text = (rates / "README.md").read_text()
    assert "| 0.004 | 4 | " in text
    assert f"| {results['baselines']['sweep']['alone/rmse']:.4g} |" in text
    assert f"Run on {results['date']} by `acutance experiment" in text
    assert str(rates.parent) not in json.dumps(results) + text, "a path of this machine"
    assert (rates / "time.png").stat().st_size > 1000
    known = acutance("store", "verify").code, len(list(rates.iterdir()))

    again = acutance("experiment", rates)
    assert again.code == 0
    assert "was answered on" in again.err
    assert json.loads((rates / "results.json").read_text()) == results
    assert known == (0, len(list(rates.iterdir())))

    (rates / "README.md").write_text(README.replace("# Rates", "# Of rates"))
    assert acutance("experiment", rates, "--render").code == 0
    assert (rates / "README.md").read_text() == text.replace("# Rates", "# Of rates")


def test_a_sweep_whose_pictures_are_not_there_is_left_out(rates):
    streets = SWEEP.replace("../photos", "streets")
    (rates / "streets.yaml").write_text(streets)
    said = {**FILE, "datasets": {"streets": {"pictures": ["learn"], "maps": ["maps"]}}}
    (rates / "experiment.yaml").write_text(yaml.safe_dump(said))
    folder, sets = read_folder(rates), ["seed=1"]
    assert settings_of(folder, "sweep.yaml", sets, {}) == sets
    assert settings_of(folder, "streets.yaml", sets, {}) is None
    stored = {"streets": "experiment-streets@1"}
    own = settings_of(folder, "streets.yaml", sets, stored)
    assert own == [*sets, "data.dataset=experiment-streets@1"]


def test_all_problems_of_its_file_at_once_and_nothing_runs(rates, acutance):
    wrong = {
        **FILE,
        "sweeps": ["swep.yaml"],
        "measure": {"a/b": {"data": "test"}, "c": {"dta": "test"}},
    }
    (rates / "experiment.yaml").write_text(yaml.safe_dump(wrong))
    done = acutance("experiment", rates)
    assert done.code == 2
    for said in ("swep.yaml", "measure.a/b", "measure.c: a measurement names", "measure.c.dta"):
        assert said in done.err
    (rates / "experiment.yaml").write_text("tables: {a: {colums: []}}\n")
    assert "columns" in acutance("experiment", rates).err
    assert not (rates / "results.json").exists()


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda folder: (folder / "README.md").unlink(), "README.md"),
        (lambda folder: (folder / "results.json").write_text("{"), "results file of schema 1"),
        (lambda folder: (folder / "sweep.yaml").write_text("scale: [\n"), "sweep.yaml"),
    ],
)
def test_a_folder_that_is_not_whole_is_told_what_it_lacks(rates, acutance, break_it, said):
    break_it(rates)
    done = acutance("experiment", rates)
    assert done.code == 2
    assert said in done.err


def test_pictures_that_are_not_there_are_named(rates, acutance):
    done = acutance("experiment", rates, "--pictures", rates.parent / "photos")
    assert done.code == 2
    assert "learn" in done.err


def test_tables_without_results_are_refused(rates, acutance):
    done = acutance("experiment", rates, "--render")
    assert done.code == 2
    assert "there are no results yet" in done.err
