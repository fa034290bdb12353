"""Promote and roll back from a page, and compare the ledger with MLflow."""

import json
import threading
import urllib.parse
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from acutance_platform.dashboard import models
from acutance_platform.dashboard.access import User
from acutance_platform.dashboard.addresses import model_address
from acutance_platform.dashboard.paired import comparison, metrics_of
from acutance_platform.dashboard.promotions import Asked, Job, Promotions
from acutance_platform.dashboard.shelf import Shelf
from acutance_platform.dashboard.site import Site
from acutance_platform.recipe import Problem, RecipeErrors, refuse
from acutance_platform.search.requests import acting_as
from acutance_platform.verbs.journals import is_name
from acutance_storage import open_dataset
from acutance_storage.dataset import dataset_names


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(min_length=1, max_length=250)
    name: str = Field(min_length=1, max_length=100)
    alias: str = Field("champion", min_length=1, max_length=100)
    gate: str = Field("default", min_length=1, max_length=100)
    data: str = Field("", max_length=250)
    dry_run: bool = False


class _Back(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    alias: str = Field(min_length=1, max_length=100)
    leaves: int
    returns: int


def routes(site: Site) -> APIRouter:
    """Return the routes of the area Models."""
    shelf, promotions = Shelf(site.home), Promotions(site.home)
    router = APIRouter()

    @router.get("/models/promote", include_in_schema=False)
    def form(request: Request) -> Response:
        given = {name: request.query_params.get(name, "")[:250] for name in _Wanted.model_fields}
        return site.page(
            request,
            "promote.html.j2",
            given=given,
            models=_models(site),
            names=list(shelf.models()),
            gates=_gates(),
            datasets=dataset_names(site.home.store),
        )

    @router.get("/models/promotions/{job}", include_in_schema=False)
    def follow(request: Request, job: str, metric: str = "") -> Response:
        found = _found(promotions, job)
        return site.page(request, "promotion.html.j2", job=found, **_shown(shelf, found, metric))

    @router.post("/api/promotions", status_code=202)
    def begin(wanted: _Wanted, user: Annotated[User, Depends(site.operator)]) -> dict[str, str]:
        """Begin a promotion; its page follows it."""
        job = promotions.start(_checked(wanted, site), user)
        return {"id": job.id, "address": f"/models/promotions/{job.id}"}

    @router.get("/api/promotions/{job}")
    def state(job: str) -> Response:
        """Tell how far a promotion is, and its outcome."""
        found = _found(promotions, job)
        return JSONResponse(json.loads(json.dumps(vars(found)), parse_constant=str))

    _add_changes(router, site, shelf)
    router.include_router(models.routes(site, shelf, promotions))
    return router


def _add_changes(router: APIRouter, site: Site, shelf: Shelf) -> None:
    asking = threading.Lock()

    @router.post("/api/models/{name}/rollback")
    def back(
        name: str, wanted: _Back, user: Annotated[User, Depends(site.operator)]
    ) -> dict[str, Any]:
        """Move an alias back to the version on which it stood before."""
        from acutance_platform.verbs.promotion import rollback

        with acting_as(user.name):
            moved = rollback(
                name,
                alias=wanted.alias,
                expected=(wanted.leaves, wanted.returns),
                home=site.home,
            )
        shelf.entries(fresh=True)
        return {"version": moved.version, "notes": moved.notes}

    @router.post("/api/ledger/verify")
    def verify(user: Annotated[User, Depends(site.operator)]) -> dict[str, Any]:
        """Look whether the ledger is whole, also beside what MLflow noted of it."""
        from acutance_platform.verbs.registry import verify_ledger

        if not asking.acquire(blocking=False):
            raise HTTPException(409, "The ledger is being compared already.")
        try:
            return verify_ledger(home=site.home).as_dict()
        finally:
            asking.release()


def _checked(wanted: _Wanted, site: Site) -> Asked:
    """Return what to promote, or refuse what a page may not name."""
    problems = list[Problem]()
    try:
        model_address(wanted.model)
    except RecipeErrors as error:
        problems += error.problems
    if not is_name(wanted.gate) or wanted.gate not in _gates():
        rule = "there is no gate of this name"
        problems += refuse("Gate", wanted.gate, rule, f"Here: {', '.join(_gates())}.").problems
    if problems:
        raise RecipeErrors(problems)
    data = None
    if wanted.data:  # with its version, so that no folder of that name is meant
        dataset = open_dataset(site.home.store, wanted.data)
        data = f"{dataset.name}@{dataset.version}"
    rest = wanted.model_dump(exclude={"data"})
    return Asked(data=data, **rest)


def _found(promotions: Promotions, job: str) -> Job:
    found = promotions.job(job)
    if found is None:
        raise HTTPException(404, "There is no promotion of this number, or it is long ago.")
    return found


def _shown(shelf: Shelf, job: Job, metric: str) -> dict[str, Any]:
    """Return what the page of a job shows besides."""
    document = shelf.document((job.outcome or {}).get("document"))
    names = metrics_of(document) if document is not None else []
    chosen = metric if metric in names else (names[0] if names else "")
    return {
        "metrics": names,
        "document": document,
        "entry": _entry_of(shelf, job),
        "sets": [] if document is None else models.sets_of(document),
        "paired": comparison(document, chosen) if document is not None and chosen else None,
        "again": "/models/promote?"
        + urllib.parse.urlencode({k: v or "" for k, v in job.asked.items()}),
    }


def _entry_of(shelf: Shelf, job: Job) -> dict[str, Any] | None:
    """Return the ledger's entry that a job made, also one that died right after it."""
    if job.state == "running" or job.asked["dry_run"]:
        return None
    last = job.ended or float("inf")
    for entry in shelf.history(job.asked["name"]):
        mine = entry["who"] == job.by and entry.get("alias") == job.asked["alias"]
        if mine and job.started <= entry["time"] <= last and entry["action"] != "rollback":
            return entry
    return None


def _models(site: Site) -> list[str]:
    """Return what people promote most: the best of each sweep."""
    return [f"{name}/best" for name in site.index.names()[:200]]


def _gates() -> dict[str, str]:
    """Return each gate's name and its rules as YAML; one that cannot be read says so."""
    from acutance_platform.registry.gates import DEFAULT, FOLDER, load_gate

    names = [DEFAULT, *sorted(file.stem for file in FOLDER.glob("*.yaml") if is_name(file.stem))]
    found = {}
    for name in dict.fromkeys(names):
        try:
            rules = load_gate(name)[1].model_dump(mode="json")
            found[name] = yaml.safe_dump(rules, sort_keys=False)
        except RecipeErrors as error:
            found[name] = str(error)
    return found
