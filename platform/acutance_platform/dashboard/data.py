"""Datasets: versions, samples of each split, statistics, lineage, and who uses them."""

import urllib.parse
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from acutance_platform.dashboard.samples import Datasets, thumbnail
from acutance_platform.dashboard.shelf import Shelf
from acutance_platform.dashboard.site import Site
from acutance_platform.recipe import RecipeErrors
from acutance_storage import ImageDataset, StorageError
from acutance_storage.records import SPLITS

PAGE: Final = 24
"""Samples at a time."""
_FOR_EVER: Final = {"cache-control": "private, max-age=31536000, immutable"}


def routes(site: Site) -> APIRouter:
    """Return the routes of the area Data."""
    router = APIRouter(include_in_schema=False)
    datasets, shelf = Datasets(site.home), Shelf(site.home)

    @router.get("/data")
    def every(request: Request) -> Response:
        rows = []
        for name in datasets.names():
            try:
                rows.append(_row(datasets.open(name), datasets.versions(name)))
            except StorageError as error:
                rows.append({"name": name, "problem": str(error)})
        return site.page(request, "data.html.j2", rows=rows, splits=SPLITS)

    @router.get("/data/{name}")
    def one(
        request: Request, name: str, split: str = "", page: int = Query(1, ge=1, le=10**9)
    ) -> Response:
        dataset = datasets.open(name)
        counts = Counter(picture.split for picture in dataset.pictures)
        filled = [each for each in SPLITS if counts[each]]
        chosen = split if split in SPLITS else (filled or list(SPLITS))[0]
        places = dataset.indices(chosen)
        pages = max(1, -(-len(places) // PAGE))
        page = min(page, pages)
        samples = [
            {"place": place, "picture": dataset.pictures[place], "map": dataset.has_map(place)}
            for place in places[(page - 1) * PAGE : page * PAGE]
        ]
        return site.page(
            request,
            "dataset.html.j2",
            dataset=_row(dataset, datasets.versions(dataset.name)),
            statistics=asdict(dataset.statistics),
            lineage=dataset.lineage,
            treated=_treated(dataset),
            split=chosen,
            page=page,
            pages=pages,
            samples=samples,
            sweeps=_sweeps(site, dataset),
            models=_models(shelf, dataset),
        )

    @router.get("/data/{name}/samples/{place}")
    def sample(name: str, place: int) -> Response:
        dataset = datasets.open(name)
        if not 0 <= place < len(dataset):
            raise HTTPException(404, f"{dataset.name} has no picture {place}.")
        if "@" not in name:  # what the name stands for may change, what its version has may not
            at = urllib.parse.quote(f"{dataset.name}@{dataset.version}")
            return RedirectResponse(f"/data/{at}/samples/{place}")
        picture = thumbnail(dataset, place)
        return Response(picture, media_type="image/webp", headers=_FOR_EVER)

    return router


def _row(dataset: ImageDataset, versions: list[str]) -> dict[str, Any]:
    counts = Counter(picture.split for picture in dataset.pictures)
    return {
        "name": dataset.name,
        "version": dataset.version,
        "versions": versions,
        "address": f"{dataset.name}@{dataset.version[:12]}",
        "pictures": len(dataset),
        "splits": {split: counts[split] for split in SPLITS},
        "lr_scale": dataset.lr_scale,
        "classes": dataset.classes,
        "licence": dataset.licence,
        "source": dataset.source,
        "pixels": dataset.statistics.pixels,
        "problem": "",
    }


def _treated(dataset: ImageDataset) -> list[tuple[str, int]]:
    """Return what was done to files to get RGB, and to how many."""
    found = Counter(picture.treatment for picture in dataset.pictures if picture.treatment)
    return found.most_common(20)


def _sweeps(site: Site, dataset: ImageDataset) -> list[dict[str, Any]]:
    """Return the sweeps and trainings on this version."""
    found = []
    for name in site.index.names():
        try:
            with site.index.sweep(name) as followed:
                sweep = followed.told.sweep
                if _means(sweep.spec.get("data", {}).get("dataset"), dataset):
                    row = {"name": name, "state": sweep.state, "trials": len(sweep.trials)}
                    found.append({**row, "started": sweep.started})
        except (RecipeErrors, StorageError):  # its own page says what is wrong with it
            continue
    return sorted(found, key=lambda row: -(row["started"] or 0))


def _models(shelf: Shelf, dataset: ImageDataset) -> list[tuple[str, int]]:
    """Return the registered versions that were trained on this version."""
    found = []
    try:
        told = shelf.models()
    except StorageError:  # the models' page says what is wrong with the ledger
        return []
    for name, model in told.items():
        for version in model.versions.values():
            papers: Mapping[str, Any] = shelf.document(version.document) or {}
            names = (papers.get("lineage") or {}).get("datasets", [])
            if any(_means(each, dataset) for each in names):
                found.append((name, version.number))
    return found


def _means(named: Any, dataset: ImageDataset) -> bool:
    name, _, version = str(named).partition("@")
    return name == dataset.name and bool(version) and dataset.version.startswith(version)
