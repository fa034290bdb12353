"""`status`, `front` and `report`: what the journals say, for people and for scripts."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from acutance_platform.recipe import Recipe, refuse
from acutance_platform.report import (
    ReportData,
    curves_png,
    front_png,
    report_html,
    scatter_png,
)
from acutance_platform.search.feasibility import nearest
from acutance_platform.search.importance import importance
from acutance_platform.search.points import candidates, knee
from acutance_platform.search.points import pick as select
from acutance_platform.search.progress import survival, volumes
from acutance_platform.search.status import front_summary, summary
from acutance_platform.tracking import describe_environment
from acutance_platform.training import Pairs
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.journals import Told, open_sweep, seen_from
from acutance_platform.verbs.plans import trial_recipe
from acutance_platform.verbs.strips import model_strips
from acutance_storage import open_dataset


@dataclass(frozen=True)
class Written:
    """The files that show a sweep."""

    page: Path
    """report.html, self-contained."""
    figure: Path
    """The front of several objectives; for one, PSNR over MACs with the front marked."""
    curves: Path
    """Learning curves with rungs."""
    strips: list[Path]
    """LR | bicubic | SR | HR of validation pictures, or of the ends and knee of a front."""
    lr: Path | None
    """An LR picture of the validation split, for trying the winner."""


def status(name: str, *, home: Home | None = None) -> dict[str, Any]:
    """Return the document of `status --json`.

    Raises:
        RecipeErrors: If there is no sweep of that name.
    """
    home = home or open_home()
    return status_of(seen_from(home, open_sweep(home.store, name)))


def status_of(told: Told) -> dict[str, Any]:
    """Return the document of `status --json` for a journal that was read."""
    return summary(told.sweep, told.baseline)


def front(
    name: str, *, pick: Sequence[str] = (), by: str | None = None, home: Home | None = None
) -> dict[str, Any]:
    """Return the document of `front --json`.

    Args:
        name: Of the sweep.
        pick: Rules such as `psnr_y>=28`; with them the best point that meets them all is left.
        by: The objective in which the picked point is best; None takes the first.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If there is no sweep of that name, or a rule cannot be used.
    """
    told = open_sweep((home or open_home()).store, name)
    document = front_of(told)
    if not pick and by is None:
        return document
    objectives = document["objectives"]
    try:
        picked = select(document["points"], pick, by or next(iter(objectives), ""), objectives)
    except ValueError as error:
        rule, value = str(error), " ".join(pick)
        way_out = "Write --pick 'METRIC>=NUMBER' --by OBJECTIVE."
        raise refuse("--pick", value, rule, way_out) from None
    return {**document, "points": [picked] if picked is not None else []}


def front_of(told: Told) -> dict[str, Any]:
    """Return the document of `front --json` for a journal that was read."""
    return front_summary(told.sweep, told.baseline)


def report(name: str, *, output: Path | None = None, home: Home | None = None) -> Written:
    """Write a sweep's page, figures and picture strips.

    Args:
        name: Of the sweep.
        output: The page's file; None writes below ACUTANCE_LOCAL/reports/SWEEP.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If there is no sweep of that name.
    """
    home = home or open_home()
    told = open_sweep(home.store, name)
    if output is not None and output.is_dir():
        raise refuse("-o", str(output), "this is a folder", "Name the page's file.")
    folder = home.local / "reports" / name
    folder.mkdir(parents=True, exist_ok=True)
    pictures, lr = _pictures(told, home, folder)
    data = report_data(told, pictures=pictures)
    page = output or folder / "report.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    _write(page, report_html(data).encode())
    several = data.axes is not None and bool(data.front["points"])
    _write(folder / "front.png", front_png(data) if several else scatter_png(data))
    if several:
        _write(folder / "cost.png", scatter_png(data))
    _write(folder / "curves.png", curves_png(data))
    paths = [folder / f"strip-{Path(picture).stem}.png" for picture, _ in pictures]
    for path, (_, png) in zip(paths, pictures, strict=True):
        _write(path, png)
    return Written(page, folder / "front.png", folder / "curves.png", paths, lr)


def report_data(told: Told, *, pictures: Sequence[tuple[str, bytes]] = ()) -> ReportData:
    """Return what a page or table about a sweep shows."""
    recipe = winner_recipe(told)
    spec = told.sweep.spec
    text = ""
    if recipe is not None:
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    return ReportData(
        status=status_of(told),
        front=_front_shown(told),
        question=told.question,
        reports={name: sorted(trial.reports.items()) for name, trial in told.sweep.trials.items()},
        rungs=sorted({rung for t in told.sweep.trials.values() for rung in t.rungs}),
        volumes=volumes(told.records, front_of(told)["reference"]) if _objectives(told)[1:] else (),
        importance=importance(told.sweep),
        survival=[(r.step, r.passed, r.rest, r.failed) for r in survival(told.sweep)],
        strips=pictures,
        recipe=text,
        environment=describe_environment(dataset=spec.get("data", {}).get("dataset")),
        commands=commands(told),
    )


def _front_shown(told: Told) -> dict[str, Any]:
    """Return the front with what a figure of it shows besides: other points, and the knee."""
    document = front_of(told)
    found = knee(document["points"], document["objectives"])
    others = [entry for entry in candidates(told.sweep) if "alpha" in entry]
    return {**document, "between": others, "knee": found["trial"] if found is not None else None}


def winner_recipe(told: Told) -> Recipe | None:
    """Return the complete recipe of the best trial, None while there is none."""
    return trial_recipe(told, told.sweep.best) if told.sweep.best is not None else None


def commands(told: Told) -> list[tuple[str, str]]:
    """Return how to go on with a sweep: what a command does, and the command."""
    name, recipe = shlex.quote(told.sweep.name), winner_recipe(told)
    chosen = nearest(told.sweep) or "best"
    several = told.sweep.search is not None and len(told.sweep.search.objectives) > 1
    using = [
        ("enlarge your own picture", f"acutance upscale my.jpg --model {name}/{chosen}"),
        ("measure the winner", f"acutance evaluate {name}/{chosen} DATASET"),
    ]
    if recipe is not None and recipe.zero_shot is not None:  # its networks know their pictures only
        using = [("enlarge your own picture", "acutance upscale my.jpg --zero-shot")]
    return [
        *([("the front", f"acutance front {name}")] if several else []),
        ("table of trials", f"acutance status {name}"),
        *using,
        ("look at the runs in MLflow", "acutance mlflow"),
    ]


def _pictures(told: Told, home: Home, folder: Path) -> tuple[list[tuple[str, bytes]], Path | None]:
    """Return the strips of what came out best, and an LR picture as a file."""
    recipe = winner_recipe(told)
    if recipe is None:
        return [], None
    found = model_strips(recipe, _models_shown(told), home, shown=_objectives(told))
    dataset = open_dataset(home.store, recipe.data.dataset)
    pairs = Pairs(dataset, recipe, local=home.local)
    first = pairs.lr(dataset.indices(recipe.evaluation.split)[0])
    path = folder / "lr.png"
    Image.fromarray(np.array(first)).save(path)
    return found, path


def _objectives(told: Told) -> list[str]:
    return list(told.sweep.search.objectives) if told.sweep.search is not None else []


def _models_shown(told: Told) -> dict[str, str]:
    """Return the winner; of several objectives the front's two ends and its knee."""
    shown = _front_shown(told)
    points = shown["points"]
    if len(_objectives(told)) < 2 or not points:
        return {"SR": f"{told.sweep.name}/best"}
    knees = [point for point in points if point["trial"] == shown["knee"]]
    titles = {point["weights"]: point["trial"] for point in (points[0], *knees, points[-1])}
    words = {point["weights"]: f"{point['trial']}, knee" for point in knees}
    return {words.get(weights, title): f"blob:{weights}" for weights, title in titles.items()}


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
