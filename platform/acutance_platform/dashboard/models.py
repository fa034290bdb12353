"""Registered models: versions, figures side by side, measurements, history, cards, lineage."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from markdown_it import MarkdownIt
from markupsafe import Markup

from acutance_platform.dashboard.mlflow_links import MlflowLinks
from acutance_platform.dashboard.paired import comparison, metrics_of
from acutance_platform.dashboard.promotions import Promotions
from acutance_platform.dashboard.shelf import Shelf
from acutance_platform.dashboard.site import Site
from acutance_storage import get_blob

if TYPE_CHECKING:
    from acutance_platform.registry.catalogue import Registered


def routes(site: Site, shelf: Shelf, promotions: Promotions) -> APIRouter:
    """Return the routes of this area that only read.

    Args:
        site: The dashboard.
        shelf: Its registered models.
        promotions: Its jobs.
    """
    router, links = APIRouter(include_in_schema=False), MlflowLinks(site.home)

    @router.get("/models")
    def every(request: Request) -> Response:
        models = [figures(told) for told in shelf.models().values()]
        jobs = [job for job in promotions.recent() if job.state == "running"]
        count = len(shelf.entries())
        return site.page(request, "models.html.j2", models=models, jobs=jobs, entries=count)

    @router.get("/models/{name}")
    def one(request: Request, name: str, metric: str = "") -> Response:
        told = shelf.model(name)
        champion = told.version_of("champion")
        entry = champion.entry if champion is not None else None
        return site.page(
            request,
            "model.html.j2",
            model=figures(told),
            history=shelf.history(name),
            jobs=promotions.recent(name),
            rollbacks=rollbacks(told),
            mlflow=links.model(name),
            **_measured(shelf, entry, metric),
        )

    @router.get("/models/{name}/{number}")
    def version(request: Request, name: str, number: int, metric: str = "") -> Response:
        found = shelf.version(name, number)
        card = shelf.card(found)
        return site.page(
            request,
            "model_version.html.j2",
            name=name,
            version=found,
            aliases=shelf.model(name).aliases_of(number),
            mlflow=links.model(name),
            card=rendered(card) if card is not None else None,
            **_measured(shelf, found.entry, metric),
        )

    @router.get("/models/{name}/ledger/{number}")
    def entry(request: Request, name: str, number: int, metric: str = "") -> Response:
        found = shelf.entry(name, number)
        shown = _measured(shelf, found, metric)
        return site.page(request, "model_entry.html.j2", name=name, **shown)

    _add_files(router, site, shelf)
    return router


def _add_files(router: APIRouter, site: Site, shelf: Shelf) -> None:
    @router.get("/models/{name}/{number}/weights")
    def weights(name: str, number: int) -> Response:
        found = shelf.version(name, number)
        file = f"{name}-{number}-{found.weights[:12]}.safetensors"
        return Response(
            get_blob(site.home.store, found.weights),
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{file}"'},
        )

    @router.get("/models/{name}/ledger/{number}/papers")
    def papers(name: str, number: int) -> Response:
        document = shelf.document(shelf.entry(name, number).get("document"))
        if document is None:
            raise HTTPException(404, "Of this entry no papers are kept.")
        return JSONResponse(document)


def figures(told: "Registered") -> dict[str, Any]:
    """Return the versions of a model, newest first, with what their gates measured.

    `best` has the best value of each metric, by the metric's own direction.
    """
    from acutance_platform.registry.verdict import gain

    rows = [
        {
            "number": version.number,
            "aliases": told.aliases_of(version.number),
            "weights": version.weights,
            "entry": version.entry,
            "gate": version.entry["gate"],
            "pictures": version.entry["figures"]["pictures"],
            "metrics": version.entry["figures"]["challenger"],
        }
        for version in sorted(told.versions.values(), key=lambda each: -each.number)
    ]
    names = list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    best: dict[str, float] = {}
    for row in rows:
        for name, value in row["metrics"].items():
            if name not in best or gain(name, value, best[name]) > 0:
                best[name] = value
    return {
        "name": told.name,
        "aliases": told.aliases,
        "rows": rows,
        "metrics": names,
        "best": best,
    }


def rollbacks(told: "Registered") -> list[dict[str, Any]]:
    """Return for each alias that can go back which version it leaves and to which it returns."""
    return [
        {"alias": alias, "leaves": moves[-1], "returns": moves[-2]}
        for alias, moves in sorted(told.moves.items())
        if len(moves) > 1
    ]


def rendered(card: str) -> Markup:
    """Return a card as HTML; HTML in it stays text, and links of scripts are no links."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    shown = parser.render(card)
    for wide in ("pre", "table"):  # what scrolls has to be reached without a mouse
        shown = shown.replace(f"<{wide}>", f'<{wide} tabindex="0">')
    return Markup(shown)


def _measured(shelf: Shelf, entry: Mapping[str, Any] | None, metric: str) -> dict[str, Any]:
    """Return what a page shows of the measurement that an entry of the ledger stands for."""
    document = shelf.document(entry.get("document")) if entry is not None else None
    names = metrics_of(document) if document is not None else []
    chosen = metric if metric in names else (names[0] if names else "")
    shown: dict[str, Any] = {"entry": entry, "document": document, "metrics": names}
    shown["paired"] = comparison(document, chosen) if document is not None and chosen else None
    shown["sets"] = [] if document is None else sets_of(document)
    shown["lineage"] = document["lineage"] if document is not None else None
    if shown["lineage"] is not None:
        shown["recipe"] = yaml.safe_dump(shown["lineage"]["recipe"], sort_keys=False)
    return shown


def sets_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the means of each set that a gate measured on."""
    return [_of_set(each) for each in document["sets"]]


def _of_set(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return the means of one set; its name is a link only where it is a stored dataset's."""
    from acutance_platform.registry.verdict import means

    pictures = measured["pictures"]
    whose = {
        who: means([picture[who] for picture in pictures])
        for who in ("challenger", "champion", "bicubic")
        if pictures and all(picture[who] is not None for picture in pictures)
    }
    name, at, rest = str(measured["data"]).partition("@")
    version, _, split = rest.partition("/")
    stored = bool(at) and "/" not in name
    return {
        "data": f"{name}@{version[:12]}" if stored else measured["data"].rpartition("/")[2],
        "stored": stored,
        "split": split if stored else "",
        "pictures": len(pictures),
        "left_out": measured["left_out"],
        "protocol": {k: _flat(v) for k, v in measured["protocol"].items() if v is not None},
        "means": whose,
    }


def _flat(value: Any) -> Any:
    """Return a list of components, such as a degradation's, as the names of their kinds."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return " → ".join(str(each.get("kind")) for each in value)
    return value
