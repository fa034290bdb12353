"""/compare: models side by side on one picture, down to single pixels; and the tiles they show."""

import functools
import io
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, Response

from acutance_platform.dashboard.gallery import TILE
from acutance_platform.dashboard.panels import MOST, Named, Panel, Panels, View
from acutance_platform.dashboard.site import Site
from acutance_platform.dashboard.studio import Studio
from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.points import front_points
from acutance_platform.verbs.journals import is_name
from acutance_platform.verbs.registry import models as registered_models
from acutance_storage import ImageDataset, StorageError, list_datasets
from acutance_storage.dataset import SHORT

Models = Annotated[list[str], Query(max_length=MOST, description="MODEL, hr, lr or bicubic.")]
Key = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]
Number = Annotated[int, InPath(ge=0, le=10**6)]
Place = Annotated[int, Query(ge=0, le=10**6)]

_FOREVER: Final = "private, max-age=31536000, immutable"
_AT_ONCE: Final = 60  # pictures of one answer to the picker
_THUMB: Final = 160
_HINTS: Final = 40


def routes(site: Site, studio: Studio, panels: Panels) -> APIRouter:
    """Return the pages and answers of this area."""
    router = APIRouter()
    _pages(router, site, panels)
    _answers(router, studio, panels)
    _tiles(router, studio)
    _pickers(router, site, panels)
    return router


def _pages(router: APIRouter, site: Site, panels: Panels) -> None:
    @router.get("/compare", include_in_schema=False)
    def compare(request: Request, model: Annotated[list[str], Query()] = []) -> HTMLResponse:  # noqa: B006
        """Show the page; what it compares is in its address."""
        known = [summary for summary in list_datasets(site.home.store) if not summary.problem]
        return site.page(
            request,
            "compare.html.j2",
            datasets=[f"{each.name}@{each.version[:SHORT]}" for each in known],
            start=_start(panels, model),
            most=MOST,
        )


def _start(panels: Panels, models: list[str]) -> dict[str, Any]:
    """Return the dataset and split that the first model with a recipe is measured on."""
    for address in models:
        try:
            recipe = panels.named(address).recipe
        except (RecipeErrors, StorageError):
            continue  # its panel will say why
        if recipe is not None:
            return {"data": recipe["data"]["dataset"], "split": recipe["evaluation"]["split"]}
    return {"data": None, "split": None}


def _answers(router: APIRouter, studio: Studio, panels: Panels) -> None:
    @router.get("/api/compare")
    def compared(
        data: str,
        picture: str,
        model: Models = [],  # noqa: B006
        scale: Annotated[int | None, Query(ge=1, le=16)] = None,
        y: Place = 0,
        x: Place = 0,
    ) -> dict[str, Any]:
        """Return the panels of a picture and how far each is; what lacks is made meanwhile."""
        view = panels.view(model, data, picture, scale)
        shown = [view.hr, *(panel for panel in view.panels if panel.side is not None)]
        told = studio.ask({p.key: p.side for p in shown if p.side is not None}, at=(y, x))
        return {
            "picture": _picture(view.dataset, view.index),
            "scale": view.scale,
            "lr": _lr_words(view),
            "protocol": view.protocol,
            "said_by": view.said_by,
            "tile": TILE,
            "hr": _panel(view.hr, told),
            "panels": [_panel(panel, told) for panel in view.panels],
        }

    @router.get("/api/compare/scores")
    def scores(
        data: str,
        picture: str,
        model: Models = [],  # noqa: B006
        scale: Annotated[int | None, Query(ge=1, le=16)] = None,
        window: Annotated[str | None, Query(pattern=r"^\d{1,6},\d{1,6},\d{1,6},\d{1,6}$")] = None,
    ) -> dict[str, Any]:
        """Return PSNR-Y and SSIM-Y of each model: of the picture, or of a window of it.

        `window` is first column, first row, width, height. A picture that is not made yet has none.
        """
        view = panels.view(model, data, picture, scale)
        chosen = {
            panel.key: panel.side.scale
            for panel in view.panels
            if panel.side is not None and panel.side.what in ("bicubic", "model")
            if studio.gallery.has(panel.key)
        }
        if not chosen or not studio.gallery.has(view.hr.key):
            return {"scores": {}}
        found = studio.scores(
            chosen,
            view.hr.key,
            window=_window(window),
            protocol=view.protocol,
            grey=view.picture.grey,
        )
        return {"scores": found}


def _tiles(router: APIRouter, studio: Studio) -> None:
    @router.get("/api/tiles/{key}/{level}/{row}/{column}.png", response_class=Response)
    def tile(key: Key, level: Number, row: Number, column: Number) -> Response:
        """Return 256x256 pixels of a picture; level 1 is half its size, and so on."""
        return tile_response(studio, key, level, row, column)


def tile_response(
    studio: Studio, key: str, level: int, row: int, column: int, tag: str = ""
) -> Response:
    """Return a tile as PNG; of a picture that is being made, what there is.

    Args:
        studio: Whose pictures they are.
        key: Of the picture.
        level: 0 is the picture as it is.
        row: In tiles.
        column: In tiles.
        tag: What the answer is told apart by, where its key is not to be seen.

    Raises:
        HTTPException: 404 where there is none.
    """
    whole = studio.gallery.open(key)
    found = whole or studio.gallery.unfinished(key)
    png = found.tile(level, row, column) if found is not None else None
    if png is None:
        raise HTTPException(404, "There is no such tile.")
    heads = {"cache-control": _FOREVER if whole is not None else "no-store"}
    if whole is not None:
        heads["etag"] = f'"{tag or key[:32]}-{level}-{row}-{column}"'
    return Response(png, media_type="image/png", headers=heads)


def _pickers(router: APIRouter, site: Site, panels: Panels) -> None:
    @functools.lru_cache(maxsize=512)
    def thumb_of(data: str, index: int) -> bytes:
        return _thumb(panels.dataset(data), index)

    @router.get("/api/compare/pictures")
    def pictures(
        data: str, split: str = "validation", q: str = "", offset: Place = 0
    ) -> dict[str, Any]:
        """Return pictures of a dataset's split whose name holds `q`, some at a time."""
        dataset = panels.dataset(data)
        found = [i for i in dataset.indices(split) if q.lower() in dataset.pictures[i].name.lower()]
        shown = found[offset : offset + _AT_ONCE]
        counts = {name: len(dataset.indices(name)) for name in ("validation", "test", "train")}
        return {
            "data": _pinned(dataset),
            "splits": {name: count for name, count in counts.items() if count},
            "total": len(found),
            "pictures": [_picture(dataset, index) for index in shown],
        }

    @router.get("/api/compare/thumbs/{index}.jpg", response_class=Response)
    def thumb(index: Number, data: str) -> Response:
        """Return a small form of a picture of NAME@VERSION."""
        if "@" not in data or index >= len(panels.dataset(data)):
            raise HTTPException(404, "There is no such picture.")
        heads = {"cache-control": _FOREVER}
        return Response(thumb_of(data, index), media_type="image/jpeg", headers=heads)

    @router.get("/api/compare/models")
    def models(q: Annotated[str, Query(max_length=200)] = "") -> dict[str, list[str]]:
        """Return addresses of models that begin with `q`; SWEEP/ lists the trials of one sweep."""
        return {"models": _hints(site, q.strip())}


def _hints(site: Site, asked: str) -> list[str]:
    name, slash, _ = asked.partition("/")
    names = site.index.names()
    if slash and is_name(name) and name in names:
        found = _trials(site, name)
    else:
        found = ["bicubic", "hr", "lr"]
        for model in registered_models(home=site.home):
            found += [f"{model['model']}@{alias}" for alias in model["aliases"]]
            found += [f"{model['model']}/{each['version']}" for each in model["versions"]]
        found += [f"{each}/best" for each in names] + [f"{each}/" for each in names]
    low = asked.lower()
    return [each for each in found if each.lower().startswith(low)][:_HINTS]


def _trials(site: Site, name: str) -> list[str]:
    """Return a sweep's trials that have weights: best, knee and front first."""
    with site.index.sweep(name) as followed:
        sweep = followed.told.sweep
        front = [str(point["trial"]) for point in front_points(sweep)]
        rest = [t.name for t in sweep.trials.values() if t.weights is not None]
        first = ["best"] if sweep.best is not None else []
        if sweep.search is not None and len(sweep.search.objectives) > 1 and front:
            first.append("knee")
        return [f"{name}/{each}" for each in dict.fromkeys([*first, *front, *rest])]


def _panel(panel: Panel, told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    named: Named = panel.named
    shown: dict[str, Any] = {"address": named.address, "title": named.title}
    if panel.side is None:
        return {**shown, "state": "failed", "error": panel.problem}
    what = panel.side.what
    return {
        **shown,
        "what": what,
        "key": panel.key,
        "weights": named.weights,
        "note": panel.note,
        "scale": panel.side.scale,
        # HR pixels that one pixel of this picture stands for.
        "factor": panel.side.scale if what == "lr" else 1,
        **told[panel.key],
    }


def _picture(dataset: ImageDataset, index: int) -> dict[str, Any]:
    picture = dataset.pictures[index]
    return {
        "name": picture.name,
        "index": index,
        "height": picture.height,
        "width": picture.width,
        "split": picture.split,
        "data": _pinned(dataset),
    }


def _pinned(dataset: ImageDataset) -> str:
    return f"{dataset.name}@{dataset.version[:SHORT]}"


def _lr_words(view: View) -> str:
    if view.degradation is None:
        return "stored beside HR"
    return ", ".join(str(step["kind"]) for step in view.degradation)


def _window(text: str | None) -> tuple[int, int, int, int] | None:
    """Return first row, first column, end of rows, end of columns."""
    if text is None:
        return None
    x, y, width, height = map(int, text.split(","))
    return y, x, y + height, x + width


def _thumb(dataset: ImageDataset, index: int) -> bytes:
    from PIL import Image

    hr = dataset.hr(index)
    step = max(1, min(hr.shape[:2]) // (2 * _THUMB))  # a huge picture is thinned out first
    small = Image.fromarray(hr[::step, ::step].copy())
    small.thumbnail((_THUMB, _THUMB))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return file.getvalue()
