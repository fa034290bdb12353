"""MODEL: every way to name a network, and what it stands for."""

import hashlib
import os
from functools import partial
from importlib import resources
from pathlib import Path

from acutance_models import WeightsError, load_generator
from acutance_platform.recipe import Problem, RecipeErrors, load_plugins, refuse
from acutance_platform.search.feasibility import nearest
from acutance_platform.search.journals import sweep_names
from acutance_platform.search.points import front_points, knee
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.journals import Told, open_sweep
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.registered import is_registered, registered_weights
from acutance_platform.verbs.shrinking import chain_of
from acutance_storage import BlobStore, get_blob

SHIPPED = "shipped"
"""Name of the small x2 network in this package (experiments/quickstart trained it)."""

_FORMS = (
    "shipped, a .safetensors file, SWEEP/TRIAL, SWEEP/best, SWEEP/knee, run:RUN_ID, NAME@ALIAS,"
    " NAME/VERSION, blob:SHA256 or bicubic"
)


def load_model(model: StrPath, home: Home | None = None) -> Model:
    """Return the network that MODEL names, ready to enlarge arrays.

    Args:
        model: One of the forms of MODEL, or `shipped`: the small x2 network of this package.
        home: Where sweeps and blobs lie; None takes what the environment says, where it is needed.

    Raises:
        RecipeErrors: If MODEL names nothing, or a file that holds no network of ours.
        StorageError: If the blob is missing or damaged.
    """
    address = os.fspath(model)
    if address == "bicubic":
        return Model(address, None, None)
    data = _data(address, home)
    try:
        generator = load_generator(data).eval()
    except WeightsError as error:
        rule, _, way_out = str(error).partition(". ")
        rule = f"this is no network of acutance: {rule.rstrip('.')}"
        way_out = f"{way_out or 'Name another file.'} Nothing is ever unpickled."
        raise RecipeErrors([Problem("MODEL", repr(address), rule, way_out)]) from None
    sha256 = hashlib.sha256(data).hexdigest()
    return Model(address, sha256, generator, partial(chain_of, address, sha256, home))


def weights_bytes(model: StrPath, home: Home) -> bytes:
    """Return the weights file that MODEL names.

    Raises:
        RecipeErrors: If MODEL names nothing, or bicubic, which has no weights.
        StorageError: If the blob is missing or damaged.
    """
    address = os.fspath(model)
    if address == "bicubic":
        raise refuse("MODEL", address, "bicubic has no weights", "Name a network.")
    return _data(address, home)


def weights_of(address: str, home: Home) -> str:
    """Return the SHA-256 of the weights that SWEEP/TRIAL, SWEEP/best, ... or run:ID names."""
    if address.startswith("run:"):
        return _weights_of_run(address.removeprefix("run:"), home.store)
    name, _, wanted = address.partition("/")
    if name not in sweep_names(home.store):
        known = ", ".join(sweep_names(home.store)) or "none yet"
        raise refuse("MODEL", address, f"there is no sweep '{name}'", f"Sweeps here: {known}.")
    told = open_sweep(home.store, name)
    trial = _named_trial(told, wanted)
    if trial is None:
        raise _none_chosen(told, address)
    if trial in told.sweep.between:
        return told.sweep.between[trial].weights
    if trial not in told.sweep.trials:
        known = ", ".join(told.sweep.trials) or "none"
        raise refuse("MODEL", address, f"{name} has no trial '{trial}'", f"Its trials: {known}.")
    return _published(told, trial, address)


def _named_trial(told: Told, wanted: str) -> str | None:
    """Return the trial or point that `best`, `knee` or a name means; None while there is none."""
    if wanted == "best" or told.sweep.search is None:
        return told.sweep.best if wanted in ("best", "knee") else wanted
    if wanted == "knee":
        found = knee(front_points(told.sweep), told.sweep.search.objectives)
        return str(found["trial"]) if found is not None else None
    return wanted


def _none_chosen(told: Told, address: str) -> RecipeErrors:
    """Return the error of `best` or `knee` where no trial is that."""
    name, near = told.sweep.name, nearest(told.sweep)
    if near is None:
        return refuse("MODEL", address, "no trial is COMPLETE", f"See `acutance status {name}`.")
    rules = ", ".join(map(str, told.sweep.search.rules)) if told.sweep.search is not None else ""
    rule = f"no complete trial meets the constraints {rules}; the nearest is {near}"
    return refuse("MODEL", address, rule, f"Name it as {name}/{near}, or see its status.")


def _published(told: Told, trial: str, address: str) -> str:
    weights = told.sweep.trials[trial].weights
    if weights is None:
        way_out = "A trial has weights from its first rung on."
        raise refuse("MODEL", address, f"trial {trial} has published no weights yet", way_out)
    # Whoever ran the sweep named these modules; a weights file from elsewhere may not.
    load_plugins(told.sweep.spec.get("plugins", []))
    return weights


def _weights_of_run(run_id: str, store: BlobStore) -> str:
    for name in sweep_names(store):
        told = open_sweep(store, name)
        for trial, state in told.sweep.trials.items():
            if state.run_id == run_id:
                return _published(told, trial, f"run:{run_id}")
    raise refuse("MODEL", f"run:{run_id}", "no sweep of this store has that run", "Check the id.")


def _data(address: str, home: Home | None) -> bytes:
    if address == SHIPPED:
        asset = resources.files("acutance_platform") / "assets" / "quickstart-x2.safetensors"
        return asset.read_bytes()
    path = Path(address)
    if path.suffix == ".safetensors" or path.is_file():
        if not path.is_file():
            raise refuse("MODEL", address, "there is no such file", f"MODEL is {_FORMS}.")
        return path.read_bytes()
    home = home or open_home()
    if address.startswith("blob:"):
        return get_blob(home.store, address.removeprefix("blob:"))
    if is_registered(address, home.store):
        return get_blob(home.store, registered_weights(address, home.store))
    if address.startswith("run:") or "/" in address:
        return get_blob(home.store, weights_of(address, home))
    raise refuse("MODEL", address, "this names no model", f"MODEL is {_FORMS}.")
