"""Interrupting a training is invisible: the same bits, the same history, however it was stopped.

Trainings that are killed are processes of the command line; what is compared with them runs here,
undisturbed and in a store of its own.
"""

import random
import time
from contextlib import suppress

import chaos_losses
import pytest
from mlflow_view import assert_mlflow_shows
from tiny_trainings import (
    PAUSE,
    STEPS,
    finish,
    history,
    saved,
    stop_after,
    tiny_recipe,
    told,
    with_loss,
    write_yaml,
)

from acutance_platform.training import Interrupted, TrainingDiverged
from acutance_platform.verbs import running
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import open_sweep
from acutance_storage import get_ref, list_refs


def resumed(name, place):
    outcome = running.resume(name, home=Home(place.store, place.local))
    assert outcome.untracked == []
    assert outcome.state == "COMPLETE"
    return open_sweep(place.store, name)


def assert_undisturbed(name, place, calm, recipe, tracking):
    """The training of this name has the bits and the history of an undisturbed one."""
    journal = open_sweep(place.store, name)
    undisturbed, weights = finish(calm.training(recipe))
    assert told(journal.records) == undisturbed
    assert journal.sweep.trials["t0000"].weights == weights
    assert_mlflow_shows(tracking, name, journal.records, kind="train")
    return journal


EVERYTHING = {
    "ema": 0.9,
    "optimizer": {"kind": "adam", "lr": 5e-3, "clip_norm": 0.05},
    "schedule": {"kind": "cosine", "final": 0.1, "warmup": 10},
}

WITH_MAPS = {
    "data": {"dataset": "mapped", "patch": 32, "batch": 2, "augment": "flip"},
    "generator": {"kind": "sftgan", "channels": 4, "blocks": 1, "classes": 3},
}


@pytest.mark.parametrize(
    ("name", "changes", "poisoned"),
    [
        ("everything", EVERYTHING, (47,)),
        ("bf16", {"precision": "bf16"}, ()),
        ("maps", WITH_MAPS, (33,)),
    ],
)
def test_60_steps_are_25_steps_a_kill_and_a_resume(
    name, changes, poisoned, command, place, calm, tracking
):
    recipe = tiny_recipe(**changes)
    marks = [chaos_losses.mark(place.batch(recipe, step)) for step in poisoned]
    recipe = with_loss(recipe, poison=marks)
    file = write_yaml(command.folder / f"{name}.yaml", recipe)
    process = command.start("train", file)
    command.until(process, lambda: max(saved(place.store), default=0) >= 25)
    command.kill(process)
    assert max(saved(place.store)) < STEPS
    assert resumed(name, place).sweep.executed in range(STEPS, STEPS + 20)
    assert_undisturbed(name, place, calm, recipe, tracking)
    assert command.gone() == []


def test_ctrl_c_saves_in_the_middle_and_says_how_to_go_on(command, place, calm, tracking):
    recipe = tiny_recipe(checkpoint={"every": 1000, "keep": 1})
    poison = [chaos_losses.mark(place.batch(recipe, 52))]
    recipe = with_loss(recipe, poison=poison)
    process = command.start("train", write_yaml(command.folder / "ctrl-c.yaml", recipe))
    command.until(process, lambda: 20 in saved(place.store))
    time.sleep(5 * PAUSE)
    command.interrupt(process)
    command.end(process, 130)
    assert "Go on with: acutance resume ctrl-c" in command.err(process)
    assert set(saved(place.store)) - {0, 20, 40, 60}
    assert open_sweep(place.store, "ctrl-c").sweep.state == "INTERRUPTED"
    sweep = resumed("ctrl-c", place).sweep
    assert_undisturbed("ctrl-c", place, calm, recipe, tracking)
    # Nothing is lost: beside the 60 steps only those that the NaN threw away, and its own.
    assert sweep.executed == STEPS + 52 - 40 + 1


def test_a_driver_killed_after_the_end_leaves_no_running_run(command, place, calm, tracking):
    recipe = tiny_recipe()
    process = command.start("train", write_yaml(command.folder / "ended.yaml", recipe))
    journal = command.folder / "store" / "journals" / "sweeps" / "ended"
    command.until(
        process, lambda: any(b'"finish"' in path.read_bytes() for path in journal.glob("*.jsonl"))
    )
    command.kill(process)
    before = told(open_sweep(place.store, "ended").records)
    assert told(resumed("ended", place).records) == before
    assert_undisturbed("ended", place, calm, recipe, tracking)
    # What is finished and shipped is only reported.
    records = open_sweep(place.store, "ended").records
    assert resumed("ended", place).records == records


def test_a_finished_recipe_is_not_trained_again_by_another_name(place, tmp_path, tracking):
    home = Home(place.store, place.local)
    file = write_yaml(tmp_path / "first.yaml", tiny_recipe())
    first = running.train(file, home=home).told
    second = running.train(file, home=home, name="second").told
    assert (first.sweep.executed, second.sweep.executed) == (STEPS, 0)
    assert told(first.records) == told(second.records)
    weights = [told.sweep.trials["t0000"].weights for told in (first, second)]
    assert weights[0] == weights[1]
    assert_mlflow_shows(tracking, "second", second.records, kind="train")


def test_a_loss_that_is_never_finite_fails_with_advice(command, place):
    recipe = with_loss(tiny_recipe(), always=True)
    process = command.start("train", write_yaml(command.folder / "never.yaml", recipe))
    command.end(process, 1)
    assert "Lower optimizer.lr" in command.err(process)
    assert open_sweep(place.store, "never").sweep.state == "FAILED"
    # It fails again, whoever tries, without taking a step further.
    with pytest.raises(TrainingDiverged, match="after 3 restarts"):
        finish(place.training(recipe))
    assert saved(place.store) in ([], [0])


def test_a_rollback_is_recorded_and_repeatable(place, calm):
    recipe = tiny_recipe()
    first = chaos_losses.mark(calm.batch(recipe, 33))
    second = chaos_losses.mark(calm.batch(recipe, 24, attempt=1))
    recipe = with_loss(recipe, poison=[first, second])
    undisturbed = finish(calm.training(recipe))
    (newest,) = [name for name in list_refs(calm.store, "stages") if name.endswith(f"{STEPS}")]
    rollbacks = get_ref(calm.store, "stages", newest)["rollbacks"]
    assert [(r["step"], r["back_to"], r["attempt"]) for r in rollbacks] == [
        (33, 20, 1),
        (24, 20, 2),
    ]
    assert {r["value"] for r in rollbacks} == {"nan"}
    said = [report.notes for report in calm.training(recipe).reports]
    assert [len(notes) for notes in said] == [0, 2, 0]
    assert said[1][0].startswith("went back from step 33 to 20")

    # The same after a stop at every fifth step, from which nothing but the store is left.
    steps = 0
    while steps < STEPS:
        training = place.training(recipe)
        stop_after(training, 5)
        with suppress(Interrupted):
            training.advance()
        steps = training.step
    assert (history(training.reports), training.reports[-1].weights) == undisturbed


@pytest.mark.parametrize("bytes_kept", [None, 100])
def test_a_damaged_checkpoint_costs_steps_and_no_bits(bytes_kept, place, calm):
    recipe = tiny_recipe()
    training = place.training(recipe)
    training.advance()
    stop_after(training, 15)
    with pytest.raises(Interrupted):
        training.advance()
    newest = list_refs(place.store, "stages")[-1]
    damage(place.store, get_ref(place.store, "stages", newest)["blob"], bytes_kept)
    again = place.training(recipe)
    assert training.step == 35
    assert again.step in (20, 25, 30)  # the newest that was sent while the training went on
    assert finish(again) == finish(calm.training(recipe))


def damage(store, sha, bytes_kept):
    """Flip one bit in the middle of a blob, or cut it short."""
    (path,) = [path for path in (store.root / "blobs").rglob("*") if path.name.startswith(sha)]
    data = bytearray(path.read_bytes()[:bytes_kept])
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_twenty_kills_at_any_moment(precision, command, place, calm, tracking, record_property):
    recipe = tiny_recipe(precision=precision, checkpoint={"every": 2, "keep": 2})
    name = f"twenty-{precision}"
    file = write_yaml(command.folder / f"{name}.yaml", recipe)
    command.variables["CHAOS_PAUSE"] = "0.1"
    dice, kills = random.Random(precision), 0
    for _ in range(20):
        begun = saved(place.store)
        process = command.start("train", file, "--resume", "auto")
        command.until(process, lambda begun=begun: saved(place.store) != begun)
        time.sleep(dice.uniform(0.0, 0.2))
        command.kill(process)
        kills += 1
        if max(saved(place.store)) == STEPS:
            break
    record_property("kills", kills)
    assert kills >= 12
    resumed(name, place)
    assert_undisturbed(name, place, calm, recipe, tracking)
    assert command.gone() == []
