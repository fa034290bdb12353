"""Parts of a cluster are killed while a sweep runs on it; the sweep is as one undisturbed.

Driver, trial processes, nodes, MLflow and the S3 server die by SIGKILL at random moments. What has
to hold afterwards: the planned trials, the bits of undisturbed trainings, one MLflow run each with
every value once, and no step paid twice but for what was under way.
"""

import os
import time
from pathlib import Path

import pytest
from cluster_chaos import LIMIT, STORE, VICTIMS, Chaos, Diary, add_pictures, rng_of, shuffled
from mlflow_view import assert_mlflow_shows
from tiny_trainings import Place, history, tiny_recipe, write_pictures, write_yaml

from acutance_platform.search import sweep_journal
from acutance_platform.search.fold import Sweep
from acutance_platform.verbs.journals import tell
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import open_store

EVERY, CHECKPOINT, SLOTS = 20, 10, 2
RUNNING_AGAIN = 90.0
"""Seconds in which trials of a lost node run again once its death is noticed."""
BACK = 60.0
"""Seconds in which a driver that is started again trains."""
DEATHS = 20
"""Of each part, in the campaign."""


def search(trials):
    return {
        "space": {
            "generator.channels": {"choice": [4, 6]},
            "optimizer.lr": {"log_uniform": [5e-4, 5e-3]},
        },
        "objectives": {"psnr_y": "max"},
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "asha", "first_rung": 0.34, "reduction": 2},
        "budget": {"trials": trials},
    }


class Round:
    """One sweep on the cluster with deaths in it, and its judge."""

    def __init__(self, chaos, folder, name, *, trials, seed):
        self.chaos, self.folder, self.name = chaos, folder, name
        recipe = tiny_recipe(
            seed=seed,
            evaluation={"every": EVERY},
            checkpoint={"every": CHECKPOINT, "keep": 2},
            search=search(trials),
        )
        self.file = write_yaml(folder / f"{name}.yaml", recipe)
        self.journal = sweep_journal(open_store(local=folder / "local"), name)
        self.records, self.deaths, self.trials = self.journal.read(), 0, trials
        self.steps_before = chaos.steps_taken()

    def look(self):
        """Read what is new; a store that was killed is asked again."""
        try:
            self.records += self.journal.read_new()
        except Exception:
            time.sleep(1)
        return self.records

    def count(self, word):
        return sum(record["do"] == word for record in self.look())

    @property
    def over(self):
        return Sweep.of(self.look()).finished not in (None, "INTERRUPTED")

    def until(self, happened):
        deadline = time.monotonic() + LIMIT
        while not happened():
            assert time.monotonic() < deadline, (self.chaos.said(), self.records[-5:])
            if not self.chaos.background.alive("driver") and not self.over:
                self.chaos.drive(self.file, self.name)  # it gave up while a server was away
            time.sleep(0.2)

    def strike(self, victim, rng):
        """Wait for a random while of training, kill, and wait until something is trained again."""
        more = self.count("report") + rng.randint(1, 2)
        self.until(lambda: self.over or self.count("report") >= more)
        time.sleep(rng.uniform(0, 1.5))
        if self.over:
            return None
        began, begun = time.time(), self.count("begin")
        self.deaths += self.chaos.kill(victim, rng, self.file, self.name)
        killed = time.time()
        if victim == "driver":
            self.until(lambda: self.over or self.count("begin") > begun)
        after = self.count("report")
        self.until(lambda: self.over or self.count("report") > after)
        return {"kind": "kill", "victim": victim, "seconds": round(time.time() - began, 1),
                "away": round(killed - began, 1)}  # fmt: skip

    def end(self):
        self.until(lambda: self.over)
        return self.chaos.wait_for_driver()

    def drivers_back(self):
        """Return the seconds from each session's start to its first leg."""
        found, started = [], None
        for record in self.records:
            if record["do"] == "start":
                started = record["time"]
            elif record["do"] == "begin" and started is not None:
                found.append(round(record["time"] - started, 1))
                started = None
        return found

    def judge(self, calm):
        """Assert that the sweep is as one that nobody disturbed; return what it cost."""
        told = tell(self.look())
        sweep = told.sweep
        assert sweep.state == "COMPLETE", (sweep.state, sweep.reason)
        assert list(sweep.trials) == [f"t{index:04d}" for index in range(self.trials)]
        assert {trial.ended for trial in sweep.trials.values()} <= {"COMPLETE", "STOPPED"}
        for name, trial in sweep.trials.items():
            reported = [
                (record["step"], record["metrics"])
                for record in told.records
                if record["do"] == "report" and record["trial"] == name
            ]
            recipe = trial_recipe(told, name).model_dump(mode="json")
            undisturbed = calm.training(recipe, rungs=trial.rungs, owner=f"{self.name}/{name}")
            while undisturbed.step < trial.step:
                undisturbed.advance()
            assert reported == history(undisturbed.reports), name
            assert trial.weights == undisturbed.reports[-1].weights, name
        assert_mlflow_shows(self.chaos.place.tracking, self.name, told.records, kind="trial")
        asked = sum(trial.step for trial in sweep.trials.values())
        again = self.chaos.steps_taken() - self.steps_before - asked
        assert 0 <= again <= self.deaths * 2 * CHECKPOINT, (again, self.deaths)
        return {"steps": asked, "steps_again": again, "legs_lost": self.deaths}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def chaos(tmp_path, pictures, monkeypatch):
    """A cluster; in a folder that stays where ACUTANCE_CHAOS names one, else wiped."""
    kept = os.environ.get("ACUTANCE_CHAOS")
    chaos = Chaos(Path(kept or tmp_path) / "cluster")
    for name, value in {**chaos.place.storage(), "ACUTANCE_STORE": STORE}.items():
        monkeypatch.setenv(name, value)
    try:
        chaos.up()
        add_pictures(chaos, pictures)
        yield chaos
    finally:
        chaos.down(wipe=not kept)


@pytest.fixture
def calm(tmp_path, pictures):
    return Place(tmp_path / "calm", pictures)


@pytest.mark.timeout(900)
def test_a_sweep_outlives_one_death_of_each_part_of_its_cluster(chaos, tmp_path, calm):
    round_ = Round(chaos, tmp_path, "chaos", trials=10, seed=1)
    chaos.drive(round_.file, "chaos")
    for victim in VICTIMS:
        assert round_.strike(victim, rng_of(victim)), f"{victim}: the sweep was over before"
    round_.end()
    round_.judge(calm)
    assert max(round_.drivers_back()) <= BACK, round_.drivers_back()
    found = chaos.secrets_found()
    assert not found, "\n".join(found)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_sweeps_outlive_twenty_deaths_of_each_part(chaos, tmp_path, calm, record_property):
    diary = Diary(chaos.place.folder / "diary.jsonl")
    while due := still_due(diary):
        number = len(diary.entries("round"))
        rng, name = rng_of(number), f"chaos-{number:02d}-{time.time():.0f}"
        round_ = Round(chaos, tmp_path, name, trials=24, seed=number)
        chaos.drive(round_.file, name)
        kills = [round_.strike(victim, rng) for victim in shuffled(rng, due)[:10]]
        round_.end()
        cost = round_.judge(calm)
        for kill in filter(None, kills):
            diary.note(**kill, round=number)
        diary.note(kind="round", round=number, back=round_.drivers_back(), **cost)
    kills, rounds = diary.entries("kill"), diary.entries("round")
    counts = {victim: sum(kill["victim"] == victim for kill in kills) for victim in VICTIMS}
    record_property("kills", counts)
    record_property("rounds", len(rounds))
    for word in ("steps", "steps_again", "legs_lost"):
        record_property(word, sum(entry[word] for entry in rounds))
    back = sorted(seconds for entry in rounds for seconds in entry["back"])
    record_property("drivers_back_median", back[len(back) // 2])
    record_property("drivers_back_at_most", back[-1])
    for victim in VICTIMS:
        after = sorted(kill["seconds"] - kill["away"] for kill in kills if kill["victim"] == victim)
        record_property(f"training_again_after_{victim}_at_most", round(after[-1], 1))
    assert back[-1] <= BACK
    found = chaos.secrets_found()
    assert not found, "\n".join(found)


def still_due(diary):
    """Return each victim as many times as it has to die yet."""
    dead = [kill["victim"] for kill in diary.entries("kill")]
    return [victim for victim in VICTIMS for _ in range(DEATHS - dead.count(victim))]
