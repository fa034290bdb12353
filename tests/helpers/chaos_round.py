"""A sweep on a cluster with deaths in it, and its judge."""

import time

from cluster_chaos import LIMIT
from mlflow_view import assert_mlflow_shows
from tiny_trainings import history, tiny_recipe, write_yaml

from acutance_platform.search import sweep_journal
from acutance_platform.search.fold import Sweep
from acutance_platform.verbs.journals import tell
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import open_store

EVERY, CHECKPOINT = 20, 10


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
