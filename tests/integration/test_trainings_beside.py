"""Trainings beside each other compute no stage twice; what is wrong with one is told."""

import time
from contextlib import suppress

import calling
from mlflow_view import assert_mlflow_shows, runs_of
from tiny_trainings import (
    CHAOS_L1,
    STEPS,
    finish,
    saved,
    stop_after,
    tiny_recipe,
    told,
    write_yaml,
)

from acutance_platform.training import Interrupted
from acutance_platform.verbs import running
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import open_sweep
from acutance_storage.leases import PATIENCE, Leases


def test_two_trainings_of_one_recipe_compute_it_once(command, place, calm, tracking):
    recipe = tiny_recipe()
    command.variables["CHAOS_PAUSE"] = "0.15"  # the other one has to open meanwhile
    process = command.start("train", write_yaml(command.folder / "one.yaml", recipe))
    command.until(process, lambda: max(saved(place.store), default=0) >= 5)
    home = Home(place.store, place.local)
    other = running.train(command.folder / "one.yaml", name="other", home=home)
    command.end(process, 0)
    one = open_sweep(place.store, "one")
    assert (other.state, other.untracked) == ("COMPLETE", [])
    assert (one.sweep.executed, other.told.sweep.executed) == (STEPS, 0)
    assert told(one.records) == told(other.told.records) == finish(calm.training(recipe))[0]
    (wait,) = [record for record in other.told.records if record["do"] == "wait"]
    assert (wait["owner"], wait["stage"]) == ("one", other.told.sweep.trials["t0000"].stages[0][0])
    assert_mlflow_shows(tracking, "other", other.told.records, kind="train")


def test_who_waits_takes_a_stage_over_when_its_lease_lapses(place, calm, tmp_path, tracking):
    """The other one is gone: its last sign of life came 58 of 60 seconds ago."""
    recipe = tiny_recipe()
    training = place.training(recipe)
    stop_after(training, 25)
    with suppress(Interrupted):
        while True:
            training.advance()
    began = time.monotonic()
    Leases(place.store, "dead", clock=lambda: time.time() - PATIENCE + 2).take(training.key)
    file = write_yaml(tmp_path / "heir.yaml", recipe)
    lines = []
    heir = running.train(file, home=Home(place.store, place.local), watch=lines.append).told
    assert time.monotonic() - began > 2
    assert heir.sweep.executed == STEPS - 25
    assert told(heir.records) == finish(calm.training(recipe))[0]
    assert [line["owner"] for line in lines if line["do"] == "wait"] == ["dead"]
    assert not Leases(place.store, "third").held_by_another(training.key)


def test_a_sweep_sees_which_stages_a_training_has_ahead(command, place):
    pretrain = {"steps": 30, "loss": {"pixel": CHAOS_L1}}
    finetune = {"after": "pretrain", "steps": 30, "loss": {"pixel": CHAOS_L1}}
    recipe = tiny_recipe(stages={"pretrain": pretrain, "finetune": finetune})
    keys = place.training(recipe).keys
    process = command.start("train", write_yaml(command.folder / "both.yaml", recipe))

    def held():
        sweep = Leases(place.store, "a-sweep")
        return [sweep.held_by_another(key) for key in keys]

    command.until(process, lambda: held() == [True, True])
    command.until(process, lambda: held() == [False, True])
    command.interrupt(process)
    command.end(process, 130)
    assert held() == [False, False]


BLIND = {"kind": "adversarial", "weight": 0.01, "discriminator": {"kind": "blind"}}


def test_a_discriminator_that_collapsed_is_told_everywhere(
    place, tmp_path, tracking, monkeypatch, capsys
):
    for name in ("STORE", "LOCAL"):
        monkeypatch.setenv(f"ACUTANCE_{name}", str(tmp_path / name.lower()))
    loss = {"pixel": {"kind": "l1", "weight": 1.0}, "critic": BLIND}
    recipe = tiny_recipe(
        plugins=["blind_critic"],
        stages={"train": {"steps": 12, "loss": loss}},
        evaluation={"every": 2},
    )
    acutance = calling.CommandLine(capsys)
    done = acutance("train", write_yaml(tmp_path / "blind.yaml", recipe))
    assert done.code == 0, done.err
    note = "the discriminator of critic is blind"
    line = f"note: t0000, steps 10 to 12: {note}"
    assert line in done.err.splitlines()
    assert f"({note})" in next(text for text in done.err.splitlines() if "step     10" in text)
    records = open_sweep(place.store, "blind").records
    told = {r["step"]: r["notes"] for r in records if r["do"] == "report"}
    assert told == {2: [], 4: [], 6: [], 8: [], 10: [note], 12: [note]}
    assert line in acutance("status", "blind").out.splitlines()
    (trial,) = acutance("status", "blind", "--json").json["trials"]
    assert trial["notes"] == [f"steps 10 to 12: {note}"]
    (run,) = runs_of(tracking, "blind", "train")
    assert run.data.tags["acutance.notes"] == f"step 10: {note}"
    page = (tmp_path / "local" / "reports" / "blind" / "report.html").read_text()
    assert f"steps 10 to 12: {note}" in page
