"""One trial: its recipe, what it reached, its stages, its failures, what it said; and sharing."""

import json
from itertools import islice
from typing import Any, Final

import yaml
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from acutance_platform.dashboard.index import Followed
from acutance_platform.dashboard.mlflow_links import MlflowLinks
from acutance_platform.dashboard.site import Site
from acutance_platform.dashboard.stage_sharing import sharers, sharing_of, stages_of
from acutance_platform.dashboard.trial_table import TrialTable
from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.feasibility import shown
from acutance_platform.search.journals import sweep_journal
from acutance_platform.search.seeds import over_seeds
from acutance_platform.search.status import notes_of
from acutance_platform.search.trial import Trial
from acutance_platform.verbs.journals import TRAINING, Told
from acutance_platform.verbs.saying import lines_of
from acutance_platform.verbs.steering import trial_of

_LOG_LINES: Final = 300
_REPORTS: Final = 400
"""Rows of the table of reports: the newest of a trial that reported more often."""
_STAGES: Final = 200


def routes(site: Site) -> APIRouter:
    """Return the routes of this area."""
    router, links = APIRouter(), MlflowLinks(site.home)

    @router.get("/sweeps/{name}/trials/{trial}", include_in_schema=False)
    def page(request: Request, name: str, trial: str) -> HTMLResponse:
        with site.index.sweep(name) as followed:
            known: Trial = trial_of(followed.told, trial)
            told = _told(followed, known)
            recipe, fault = _recipe(followed.told, trial)
        address = name if told["single"] else f"{name}/{trial}"
        return site.page(
            request,
            "trial.html.j2",
            name=name,
            tab="Trials",
            trial=known,
            told=told,
            recipe=recipe,
            fault=fault,
            address=address,
            mlflow=links.run(known.run_id),
        )

    @router.get("/api/sweeps/{name}/trials/{trial}/log")
    def log(name: str, trial: str) -> dict[str, Any]:
        """Return the last lines of what a trial said."""
        with site.index.sweep(name) as followed:
            trial_of(followed.told, trial)
        lines: list[str] = []
        own = json.dumps(trial).encode()  # what does not hold it is not even parsed
        for record in sweep_journal(site.home.store, name).stream(holding=own):
            if record.get("trial") == trial:
                lines += lines_of(record)
                del lines[:-_LOG_LINES]
        return {"lines": lines}

    @router.get("/sweeps/{name}/sharing", include_in_schema=False)
    def sharing(request: Request, name: str) -> HTMLResponse:
        with site.index.sweep(name) as followed:
            sweep = followed.told.sweep
            stages = followed.once("stages", lambda: stages_of(sweep))
            found = sharing_of(sweep, stages)
            state = sweep.state
        shared = found.pop("stages")
        return site.page(
            request,
            "sharing.html.j2",
            name=name,
            tab="Sharing",
            state=state,
            found=found,
            stages=list(islice(shared, _STAGES)),
            more=max(0, len(shared) - _STAGES),
        )

    return router


def _told(followed: Followed, trial: Trial) -> dict[str, Any]:
    """Return what the page shows of a trial."""
    sweep = followed.told.sweep
    results = followed.heard(TrialTable).results(sweep)
    stages = followed.once("stages", lambda: stages_of(sweep))
    last = trial.reports[trial.step] if trial.reports else {}
    steps = list(trial.reports)[-_REPORTS:]
    names = list(dict.fromkeys(name for step in steps for name in trial.reports[step]))
    objectives = list(sweep.search.objectives) if sweep.search is not None else []
    ordered = [*(n for n in objectives if n in names), *(n for n in names if n not in objectives)]
    names_of_trials = list(sweep.trials)
    at = trial.ordinal
    return {
        "state": sweep.state_of(trial),
        "single": sweep.search is None and trial.name == TRAINING,
        "driven": sweep.running,
        "best": trial.name == results.best,
        "front": trial.name in results.front,
        "last": {name: last[name] for name in ordered if name in last},
        "baseline": followed.told.baseline,
        "objectives": objectives,
        "metrics": ordered,
        "reports": [(step, trial.reports[step]) for step in steps[::-1]],
        "earlier": len(trial.reports) - len(steps),
        "stages": sharers(stages, trial),
        "notes": notes_of(trial),
        "seeds": over_seeds(sweep, trial),
        "repeats": [other.name for other in sweep.repeated.get(trial.name, ())],
        "previous": names_of_trials[at - 1] if at else None,
        "next": names_of_trials[at + 1] if at + 1 < len(names_of_trials) else None,
        "dataset": (sweep.spec.get("data") or {}).get("dataset"),
        **shown(sweep, last),
    }


def _recipe(told: Told, trial: str) -> tuple[str, str]:
    """Return a trial's complete recipe as YAML, and why it could not be built, if so."""
    from acutance_platform.verbs.plans import trial_recipe  # takes seconds to import

    try:
        recipe = trial_recipe(told, trial).model_dump(mode="json")
    except RecipeErrors as error:  # a plug-in that is not installed here, for example
        known = told.sweep.trials[trial]
        drawn = {**known.recipe, **known.overrides}
        return yaml.safe_dump(drawn, sort_keys=False, allow_unicode=True), str(error)
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), ""
