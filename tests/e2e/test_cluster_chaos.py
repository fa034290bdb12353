"""Parts of a cluster are killed while a sweep runs on it; the sweep is as one undisturbed.

Driver, trial processes, nodes, MLflow and the S3 server die by SIGKILL at random moments. What has
to hold afterwards: the planned trials, the bits of undisturbed trainings, one MLflow run each with
every value once, and no step paid twice but for what was under way.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import cluster_chaos
import pytest
from chaos_round import Round
from chaos_times import drivers_back, moved
from cluster_chaos import STORE, VICTIMS, Chaos, Diary, add_pictures, rng_of, shuffled
from tiny_trainings import Place, write_pictures

from acutance_platform.search import sweep_journal
from acutance_storage import open_store

RUNNING_AGAIN = 90.0
"""Seconds in which trials of a lost node run again once its death is noticed."""
BACK = 60.0
"""Seconds in which a driver that is started again trains."""
DEATHS = 20
"""Of each part, in the campaign."""
NETWORKS = os.geteuid() == 0 and all(map(shutil.which, ("ip", "nsenter", "unshare")))


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
    # How long it took is the campaign's: here other tests run beside it.
    found = chaos.secrets_found()
    assert not found, "\n".join(found)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_sweeps_outlive_twenty_deaths_of_each_part(chaos, tmp_path, calm, record_property):
    diary = Diary(chaos.place.folder / "diary.jsonl")
    while due := still_due(diary):
        number = len(diary.entries("round"))
        # Of its own, also after a round that was broken off: stages that it finds cost no steps.
        seed = int(time.time())
        rng, name = rng_of(seed), f"chaos-{number:02d}-{seed}"
        round_ = Round(chaos, tmp_path, name, trials=24, seed=seed)
        chaos.drive(round_.file, name)
        kills = [round_.strike(victim, rng) for victim in shuffled(rng, due)[:10]]
        round_.end()
        cost = round_.judge(calm)
        for kill in filter(None, kills):
            diary.note(**kill, round=number)
        diary.note(kind="round", round=number, seed=seed, **cost)
    kills, rounds = diary.entries("kill"), diary.entries("round")
    counts = {victim: sum(kill["victim"] == victim for kill in kills) for victim in VICTIMS}
    record_property("kills", counts)
    record_property("rounds", len(rounds))
    for word in ("steps", "steps_again", "legs_lost"):
        record_property(word, sum(entry[word] for entry in rounds))
    told = [records_of(f"chaos-{entry['round']:02d}-{entry['seed']}") for entry in rounds]
    back = sorted(seconds for records in told for seconds in drivers_back(records))
    record_property("drivers_back_median", back[len(back) // 2])
    record_property("drivers_back_at_most", back[-1])
    alone, orphaned = (sorted(chain(*each)) for each in zip(*map(moved, told), strict=True))
    record_property("trials_moved", len(alone))
    record_property("moved_median", alone[len(alone) // 2])
    record_property("moved_at_most", alone[-1])
    record_property("moved_while_their_driver_died_too", orphaned)
    for victim in VICTIMS:
        after = sorted(kill["seconds"] - kill["away"] for kill in kills if kill["victim"] == victim)
        record_property(f"training_again_after_{victim}_at_most", round(after[-1], 1))
    assert back[-1] <= BACK
    assert alone[-1] <= RUNNING_AGAIN
    assert max(orphaned, default=0) <= RUNNING_AGAIN + BACK
    found = chaos.secrets_found()
    assert not found, "\n".join(found)


def records_of(name):
    return sweep_journal(open_store(), name).read()


def still_due(diary):
    """Return each victim as many times as it has to die yet."""
    dead = [kill["victim"] for kill in diary.entries("kill")]
    return [victim for victim in VICTIMS for _ in range(DEATHS - dead.count(victim))]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not NETWORKS, reason="network namespaces need root, ip, nsenter and unshare")
def test_a_sweep_outlives_a_cut_link_between_hosts(tmp_path, pictures, service, record_property):
    """Swift runs here as well, so that it is installed: nothing can be fetched behind the link."""
    script = str(Path(cluster_chaos.__file__).with_name("cut_link.py"))
    command = ["unshare", "--net", sys.executable, script, "begin"]
    command += [str(tmp_path), str(pictures)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    for name, value in seen.items():
        record_property(name, value)
    assert seen["moved"], "the trial behind the link was to be lost"
    assert max(seen["moved"]) <= RUNNING_AGAIN, seen
