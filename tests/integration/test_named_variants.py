"""A sweep file with named variants: validated, planned, and its labels in tables."""

import pytest
import yaml
from calling import CommandLine
from rehearsal import MemoryLog, Trainings, rehearse, tends_to
from sweeps import plan
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_platform.recipe import RecipeErrors
from acutance_platform.report.data import ReportData
from acutance_platform.report.rows import trial_table
from acutance_platform.search.fold import Sweep
from acutance_platform.search.status import summary
from acutance_platform.verbs.files import read_file
from acutance_platform.verbs.home import Home

VARIANTS = {
    "deep": {"generator.blocks": 2, "generator.channels": 6},
    "with a high rate": {"optimizer.lr": 4e-3},
    "as it is": {},
}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, write_pictures(tmp_path / "pictures"))


def written(place, space, **search):
    recipe = tiny_recipe(plugins=[], evaluation={"every": 20})
    recipe["stages"]["train"]["loss"]["pixel"] = {"kind": "l1", "weight": 1.0}
    recipe["search"] = {
        "space": space,
        "objectives": {"psnr_y": "max"},
        "sampler": "grid",
        "scheduler": "none",
        "budget": {},
        **search,
    }
    path = place.local.parent / "sweep.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path


def refused(place, variants, **search):
    path = written(place, {"variant": {"variants": variants}}, **search)
    with pytest.raises(RecipeErrors) as raised:
        read_file(path, (), Home(place.store, place.local))
    return {p.place.partition(": ")[2]: p.rule for p in raised.value.problems}


def test_it_is_validated_and_planned(place, capsys, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", place.store.address)
    monkeypatch.setenv("ACUTANCE_LOCAL", str(place.local))
    acutance = CommandLine(capsys)
    path = written(place, {"variant": {"variants": VARIANTS}})
    assert acutance("validate", path, "--json").json["kind"] == "sweep"
    told = acutance("plan", path, "--json").json
    assert [point["variant"] for point in told["points"]] == list(VARIANTS)
    assert (told["trials"], told["steps"]) == (3, 3 * 60)
    sizes = {each["recipe"]["variant"]: each["parameters"] for each in told["samples"]}
    assert sizes.get("deep", 10**9) > sizes.get("as it is", 0)


def test_what_a_label_may_not_set_or_sets_wrongly_is_told_at_its_place(place):
    label = "search.space.variant.variants.b"
    told = refused(place, {"a": {}, "b": {"evaluation.every": 5, "resources": {"cpu": 2}}})
    assert set(told) == {f"{label}.evaluation.every", f"{label}.resources"}
    told = refused(place, {"a": {}, "b": {"generator.blocks": -1}})
    assert set(told) == {f"{label}.generator.blocks"}
    told = refused(place, {"a": {}, "b": {"generator.blcks": 1}})
    assert set(told) == {f"{label}.generator.blcks"}
    told = refused(place, {"b": {"optimizer.lr": 0}, "a": {}})
    assert set(told) == {f"{label}.optimizer.lr"}
    conditional = {"variants": {"a": {}, "b": {"optimizer.lr": 0}}, "when": "generator.blocks == 2"}
    path = written(place, {"variant": conditional, "generator.blocks": {"choice": [1, 2]}})
    with pytest.raises(RecipeErrors, match=f"{label}.optimizer.lr"):
        read_file(path, (), Home(place.store, place.local))


def test_the_table_of_trials_and_the_status_show_the_label():
    space = {"variant": {"variants": {"low": {"fake.quality": 1.0}, "as it is": {}}}}
    log = MemoryLog()
    rehearse(plan(space=space, sampler={"kind": "grid"}), log, Trainings(tends_to))
    status = summary(Sweep.of(log.read()))
    assert [t["recipe"] for t in status["trials"]] == [{"variant": "low"}, {"variant": "as it is"}]
    table = trial_table(ReportData(status=status))
    (column,) = [i for i, column in enumerate(table.columns) if column.searched]
    assert table.columns[column].title == "variant"
    assert {row.trial: row.cells[column].text for row in table.rows} == {
        "t0000": "low",
        "t0001": "as it is",
    }
