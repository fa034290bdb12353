"""The list of sweeps, and one sweep's trials as a table: pages, JSON, CSV, and what is live."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from acutance_platform.dashboard import trial_query, trial_view
from acutance_platform.dashboard.index import Followed
from acutance_platform.dashboard.mlflow_links import MlflowLinks
from acutance_platform.dashboard.overview import Overview, found_in
from acutance_platform.dashboard.site import Site
from acutance_platform.dashboard.trial_table import TrialTable
from acutance_platform.recipe import RecipeErrors

_SHOWN = 50
"""Rows of the list of sweeps on one page."""
_SWEEP_STATES = ("RUNNING", "WAITING", "INTERRUPTED", "COMPLETE", "STOPPED", "FAILED")
Words = Annotated[str, Query(max_length=500)]
Names = Annotated[Sequence[str], Query(max_length=60)]
Page = Annotated[int, Query(ge=1, le=1_000_000)]


def routes(site: Site) -> APIRouter:
    """Return the routes of this area."""
    router = APIRouter()
    site.index.hearers.append(TrialTable)
    overview, links = Overview(site.home, site.index), MlflowLinks(site.home)
    _list(router, site, overview)
    _one(router, site, links)
    return router


def _asked(
    q: Words = "", state: Names = (), sort: Words = "", column: Names = (), page: Page = 1
) -> trial_query.Query:
    """Return the view of the table that an address asks for."""
    return trial_query.Query(q, tuple(state), sort, page, tuple(column))


Asked = Annotated[trial_query.Query, Depends(_asked)]


def _list(router: APIRouter, site: Site, overview: Overview) -> None:
    @router.get("/sweeps", include_in_schema=False)
    def sweeps(request: Request, q: Words = "", state: Names = (), page: Page = 1) -> HTMLResponse:
        rows = overview.rows()
        found = found_in(rows, q, state)
        pages = max(1, -(-len(found) // _SHOWN))
        page = min(page, pages)
        return site.page(
            request,
            "sweeps.html.j2",
            rows=found[(page - 1) * _SHOWN : page * _SHOWN],
            total=len(rows),
            matched=len(found),
            view={"q": q, "states": state, "page": page, "pages": pages},
            states=_SWEEP_STATES,
            address=lambda number: trial_query.Query(q, tuple(state)).address(page=number),
        )

    @router.get("/api/sweeps")
    def sweeps_json() -> list[dict[str, Any]]:
        """Return every sweep and training, the one that spoke last first."""
        return overview.rows()

    @router.get("/api/sweeps/stream", response_class=StreamingResponse)
    def sweeps_stream() -> StreamingResponse:
        """Send `{"version": V}` whenever the list has changed."""
        return site.streams.answer("", overview.version)


def _one(router: APIRouter, site: Site, links: MlflowLinks) -> None:
    @router.get("/sweeps/{name}", include_in_schema=False)
    def sweep(request: Request, name: str, query: Asked) -> HTMLResponse:
        fault, used = "", query
        with site.index.sweep(name) as followed:
            try:
                shown = trial_view.shown(followed, query)
            except RecipeErrors as error:  # the reader goes on from the table he had
                fault = str(error)
                used = trial_query.Query()
                shown = trial_view.shown(followed, used)
            facts = trial_view.facts_now(followed)
            failures = _failures(followed)
        return site.page(
            request,
            "sweep.html.j2",
            name=name,
            tab="Trials",
            facts=facts,
            failures=failures,
            fault=fault,
            query=query,
            used=used,
            shown=shown,
            states=trial_query.STATES,
            mlflow=links.sweep(name),
        )

    @router.get("/api/sweeps/{name}")
    def facts(name: str) -> dict[str, Any]:
        """Return what is told of a sweep as a whole."""
        with site.index.sweep(name) as followed:
            return trial_view.facts_now(followed)

    @router.get("/api/sweeps/{name}/trials")
    def trials_json(name: str, query: Asked) -> dict[str, Any]:
        """Return a page of the table of trials, sorted and filtered."""
        with site.index.sweep(name) as followed:
            return trial_view.document(followed, query)

    @router.get("/sweeps/{name}/trials.csv", include_in_schema=False)
    def trials_csv(name: str, query: Asked) -> Response:
        with site.index.sweep(name) as followed:
            text = "".join(_csv(trial_view.all_rows(followed, query)))
        heads = {"content-disposition": f'attachment; filename="{name}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=heads)

    @router.get("/api/sweeps/{name}/version")
    def version(name: str) -> dict[str, int]:
        """Return what rises whenever something else is to be shown of a sweep."""
        with site.index.sweep(name) as followed:
            return {"version": followed.version}

    @router.get("/api/sweeps/{name}/stream", response_class=StreamingResponse)
    def stream(name: str) -> StreamingResponse:
        """Send `{"version": N}` at once, and whenever something else is to be shown."""

        def look() -> int:
            with site.index.sweep(name) as followed:
                return followed.version

        look()  # a sweep that is not there is refused before the stream begins
        return site.streams.answer(name, look)


def _failures(followed: Followed) -> list[dict[str, Any]]:
    """Return the trials that failed last, with the end of what they said."""
    sweep = followed.told.sweep
    failed = [trial for trial in sweep.trials.values() if trial.errors]
    return [
        {
            "trial": trial.name,
            "state": sweep.state_of(trial),
            "step": trial.step,
            "times": max(trial.failures, 1),
            "lines": [line for line in trial.errors[-1].splitlines() if line.strip()][-3:],
        }
        for trial in failed[-10:][::-1]
    ]


def _csv(rows: Iterator[list[Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow("" if value is None else value for value in row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
