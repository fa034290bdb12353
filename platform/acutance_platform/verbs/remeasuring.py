"""The clean process of a promotion: models by hash, measured anew; `python -m` this module.

Reads one JSON document on standard input (`Job`), writes lines of JSON on standard output: how far
it is, `["measure", 1, 3, "set 2 of 3, ..."]`, and last what was measured, or `{"refused": [...]}`.
Nothing that its caller has loaded, cached or changed is here.
"""

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from acutance_models import ModelsError
from acutance_platform.recipe import RecipeErrors, load_plugins, refuse
from acutance_platform.registry.gates import Gate
from acutance_platform.tracking.environment import gpu_names, processor_name
from acutance_platform.training import placed, super_resolve
from acutance_platform.training.latency import latency_ms
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.evaluation import Evaluation, evaluate
from acutance_platform.verbs.exporting import export
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.measured import Beside, opened
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.promoted import Progress, silent
from acutance_storage import StorageError
from acutance_storage.dataset import read_index

Job = dict[str, Any]
"""`challenger` and `champion` (SHA-256 or None), `plugins`, `gate`, `known`, `exclude` (hashes of
pictures), `sets` and `validation`, each set with what `evaluate` takes: data, split, protocol, and
where it is not the protocol's, degradation; `validation` has the `stored` figures beside."""
_SIDE = 960  # SR pixels of the picture by which memory is told


def remeasure(job: Job, home: Home, progress: Progress = silent) -> dict[str, Any]:
    """Measure in a process of its own, and return what `judge` reads, or `refused`."""
    places = {"ACUTANCE_STORE": home.store.address, "ACUTANCE_LOCAL": str(home.local)}
    with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as complaints:
        json.dump(job, asked)
        asked.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "acutance_platform.verbs.remeasuring"],
            stdin=asked,
            env={**os.environ, **places, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        found: dict[str, Any] = {}
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                told = json.loads(line)
                if isinstance(told, list):
                    progress(*told)
                else:
                    found = told
        if process.returncode != 0:
            complaints.seek(0)
            last = (complaints.read().strip().splitlines() or ["it was killed"])[-1]
            code = process.returncode
            return {"refused": [f"the process that measures ended with {code}: {last}"]}
    return found


def measure(job: Job, home: Home, progress: Progress = silent) -> dict[str, Any]:
    """Return what a job asks for, and tell `progress` of each set that begins.

    Raises:
        RecipeErrors, ModelsError, StorageError: If a model or picture cannot be used.
    """
    load_plugins(job["plugins"])
    gate = Gate.model_validate(job["gate"])
    challenger = load_model(f"blob:{job['challenger']}", home)
    found: dict[str, Any] = {"known": job["known"], "machine": _machine()}
    number = len(job["sets"])
    if gate.latency_ms is not None or gate.peak_memory_mb is not None:
        progress("measure", 0, number, "latency and memory of the challenger")
    found |= _costs(gate, challenger)
    champion = load_model(f"blob:{job['champion']}", home) if job["champion"] else None
    if champion is not None and champion.scale(None) != challenger.scale(None):
        rule = f"the champion enlarges by {champion.scale(None)}"
        raise refuse("MODEL", challenger.scale(None), rule, "Choose another --model.")
    taken = set(job["exclude"])
    found["sets"] = []
    for done, each in enumerate(job["sets"]):
        tell = partial(_tell_set, progress, done, number, each)
        found["sets"].append(_set(each, challenger, champion, gate, taken, home, tell))
    last = partial(progress, "measure", max(number - 1, 0), number)
    if gate.seam is not None:
        last("tiles of the challenger against whole pictures")
        found["seam_db"] = min(_seams(job["sets"], challenger, gate.seam.tile, home), default=0.0)
    if gate.onnx is not None:
        last("ONNX export of the challenger against torch")
        found["onnx"] = onnx_difference(job["challenger"], home)
    if gate.validation is not None:
        last("the challenger on the pictures of its stored figure")
        found["validation"] = _validation(job["validation"], challenger, home)
    return found


def _tell_set(progress: Progress, done: int, number: int, asked: Job, who: str) -> None:
    split = "" if Path(asked["data"]).is_dir() else f"/{asked['split']}"
    what = f"set {done + 1} of {number}, {asked['data']}{split}: {who}"
    progress("measure", done, number, what)


def onnx_difference(weights: str, home: Home) -> float | str:
    """Return how far the ONNX export is from torch, or why that cannot be checked here."""
    with tempfile.TemporaryDirectory(prefix="acutance-onnx-") as folder:
        try:
            made = export(f"blob:{weights}", Path(folder) / "model.onnx", home=home)
        except (ModelsError, ImportError) as error:
            return f"cannot be checked here: {error}"
        return float(made.difference)


def _set(
    asked: Job,
    challenger: Model,
    champion: Model | None,
    gate: Gate,
    taken: set[str],
    home: Home,
    tell: Callable[[str], object],
) -> dict[str, Any]:
    """Measure both models and bicubic on a set; pictures that were taken before do not count."""
    hashes = _hashes(asked, home)
    scale = challenger.scale(None)
    tell("the challenger")
    mine = _evaluated(challenger, asked, gate.metrics, home)
    its = None
    if champion is not None:
        tell("the champion")
        its = _evaluated(champion, asked, gate.metrics, home)
    tell("bicubic")
    low = _evaluated(load_model("bicubic"), asked, gate.metrics, home, scale=scale)
    pictures, left_out = [], []
    for index, image in enumerate(mine.images):
        name = image["name"]
        scores = {
            "challenger": _scores(image),
            "champion": None if its is None else _scores(its.images[index]),
            "bicubic": _scores(low.images[index]),
        }
        if hashes[name] & taken or not all(_finite(each) for each in scores.values()):
            left_out.append(name)
            continue
        taken |= hashes[name]
        pictures.append({"name": name, **scores})
    return {
        "data": mine.data,
        "scale": scale,
        "protocol": mine.protocol,
        "pictures": pictures,
        "left_out": left_out,
    }


def _evaluated(
    model: Model, asked: Job, metrics: list[str], home: Home, scale: int | None = None
) -> Evaluation:
    how = {name: asked[name] for name in ("split", "protocol", "degradation") if name in asked}
    return evaluate(model, asked["data"], metrics=metrics, scale=scale, home=home, **how)


def _hashes(asked: Job, home: Home) -> dict[str, set[str]]:
    """Return name -> hashes of each picture and of the whole one that it was cut from."""
    if not Path(asked["data"]).is_dir():
        entries = read_index(home.store, asked["data"]).entries
        return {e.picture.name: {e.picture.sha256, e.origin} for e in entries}
    with opened(asked["data"], "test", _ALONE, home) as (_, dataset, _indices):
        return {picture.name: {picture.sha256} for picture in dataset.pictures}


_ALONE = Beside(scale=1, lr=None, maps=None, classes=None, mapped=False)


def _scores(image: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in image.items() if name != "name"}


def _finite(scores: dict[str, float] | None) -> bool:
    return scores is None or all(math.isfinite(value) for value in scores.values())


def _costs(gate: Gate, model: Model) -> dict[str, Any]:
    """Measure what the gate has ceilings for; first of all, while the process is still small."""
    found: dict[str, Any] = {}
    assert model.generator is not None
    device = _device()
    generator = placed(model.generator, device)
    if gate.peak_memory_mb is not None:
        found["peak_memory_mb"] = _peak_mb(model, device)
    if gate.latency_ms is not None:
        found["latency_ms"] = latency_ms(generator, device)
    return found


def _peak_mb(model: Model, device: torch.device) -> float | str:
    """Return the megabytes that enlarging takes beyond what is there already."""
    side = _SIDE // model.scale(None)
    lr = np.full((side, side, 3), 128, np.uint8)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        model.upscale(lr)
        return (torch.cuda.max_memory_allocated(device) - before) / 1e6
    status = Path("/proc/self/status")
    if not status.exists():
        return "cannot be checked here: this system does not tell a process's peak memory"
    before = _kilobytes(status, "VmRSS")
    model.upscale(lr)
    return (_kilobytes(status, "VmHWM") - before) * 1024 / 1e6


def _kilobytes(status: Path, name: str) -> int:
    (line,) = [line for line in status.read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])


def _seams(sets: list[Job], model: Model, tile: int, home: Home) -> Iterator[float]:
    """Yield the PSNR between tiled and whole, with one picture of each set as input."""
    assert model.generator is not None
    device = _device()
    generator = placed(model.generator, device)
    for asked in sets:
        with opened(asked["data"], asked.get("split", "test"), _ALONE, home) as found:
            _, dataset, indices = found
            lr = np.array(dataset.hr(indices[0])[: 3 * tile, : 3 * tile])
        whole = super_resolve(generator, lr, device=device)
        tiled = super_resolve(generator, lr, device=device, tile=tile)
        square = float(np.mean(np.square(tiled.astype(np.float64) - whole)))
        yield 200.0 if square == 0 else min(200.0, -10 * math.log10(square))


def _validation(asked: Job | None, model: Model, home: Home) -> Any:
    if asked is None:
        return "no training of this store has stored a figure for these weights"
    stored = asked["stored"]
    mean = _evaluated(model, asked, list(stored), home).mean
    return {name: {"stored": stored[name], "measured": mean[name]} for name in stored}


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _machine() -> str:
    return (gpu_names() or [processor_name()])[0]


def _tell(step: str, done: int, total: int, what: str = "") -> None:
    _say([step, done, total, what])


def _say(told: Any) -> None:
    """Write a line; whoever asked may be gone, and then nobody wants the rest."""
    line = json.dumps(told)
    assert sys.__stdout__ is not None
    sys.__stdout__.write(f"{line}\n")
    sys.__stdout__.flush()


def _main() -> None:
    job = json.load(sys.stdin)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a plug-in prints is not for our reader
            found = measure(job, open_home(), _tell)
    except RecipeErrors as error:
        found = {"refused": [str(problem) for problem in error.problems]}
    except (ModelsError, StorageError) as error:
        found = {"refused": [str(error)]}
    _say(found)


if __name__ == "__main__":
    _main()
