"""What a process does with a store until it is killed: ingests, trains, or cleans."""

import hashlib
import json
import os
from pathlib import Path

from tiny_trainings import finish

from acutance_platform.recipe import build_recipe
from acutance_platform.search.journals import sweep_journal
from acutance_platform.training import Training, machine_kind
from acutance_platform.verbs.cleaning import gc
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset, open_store, put_blob, set_ref

PRELOADED = ["acutance_platform.training", "acutance_platform.verbs.cleaning", "boto3", "PIL.Image"]


def opened(address, folder):
    return open_store(address, local=Path(folder) / "local")


def train(address, folder, recipe):
    """Train to the end, from wherever a killed process came to; return bits and history."""
    complete, store = build_recipe(recipe), opened(address, folder)
    local, kind = Path(folder) / "local", machine_kind(complete)
    training = Training(complete, store=store, local=local, machine=kind)
    return finish(training)


def own(address, folder, recipe):
    """Let a journal name the stage of a recipe, so that `gc` keeps it."""
    complete, store = build_recipe(recipe), opened(address, folder)
    local, kind = Path(folder) / "local", machine_kind(complete)
    key = Training(complete, store=store, local=local, machine=kind).key
    start = {"do": "start", "driver": "d", "host": "h", "time": 0.0}
    ask = {"do": "ask", "trial": "t0000", "rungs": [complete.steps]}
    sweep = {"do": "sweep", "name": key[:12], "spec": {}}
    ask["stages"] = [[key, complete.steps]]
    sweep_journal(store, key[:12]).append(sweep, start, ask)


def ingest(address, folder, name, pictures):
    return add_dataset(opened(address, folder), name, Path(pictures))


def litter(address, folder, seed, count):
    """Leave blobs that nothing names, and states of a stage that no journal names."""
    store = opened(address, folder)
    key = hashlib.sha256(f"stage {seed}".encode()).hexdigest()
    for number in range(count):
        blob = put_blob(store, f"litter {seed} {number}".encode() * 1000)
        if number % 2:
            set_ref(store, "stages", f"{key}/{number:09d}", {"blob": blob})


def clean(address, folder):
    store = opened(address, folder)
    return gc(home=Home(store, Path(folder) / "local"), older_than=0.0, grace=0.0)


WORK = {"train": train, "ingest": ingest, "clean": clean}


def work(variables, does, arguments, done):
    """Do one thing in a process of its own; the file `done` says that it came to its end."""
    os.environ.update(variables)
    os.chdir(arguments[1])
    answer = WORK[does](*arguments)
    Path(done).write_text(json.dumps(answer if does == "train" else "done"))
