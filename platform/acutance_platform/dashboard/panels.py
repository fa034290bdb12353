"""What stands side by side: a picture of a dataset, and what models make of it."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from acutance_platform.dashboard.index import Index
from acutance_platform.recipe import RecipeErrors, refuse
from acutance_platform.search.points import front_points, knee
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.registered import is_registered, registered_document
from acutance_storage import ImageDataset, Picture, StorageError, get_blob, open_dataset
from acutance_storage.dataset import SHORT

if TYPE_CHECKING:
    from acutance_platform.verbs.sides import Side

MOST: Final = 6
"""Panels of a page."""
_PLAIN: Final = {"hr": "HR", "lr": "LR, nearest", "bicubic": "Bicubic"}
_SCALE: Final = 4  # where neither a model nor the dataset has one
_MATLAB: Final = [{"kind": "matlab_bicubic"}]
_PROTOCOL: Final = "rcan"


@final
@dataclass(frozen=True, kw_only=True)
class Named:
    """A model that an address names."""

    address: str
    """As it was asked for."""
    title: str
    """As people read it."""
    model: str | None = None
    """`shipped` or blob:SHA256; None for what needs no network."""
    weights: str | None = None
    """SHA-256 of its weights."""
    scale: int | None = None
    """SR pixels per LR pixel; None where any will do."""
    recipe: Mapping[str, Any] | None = None
    """Complete, as plain data, where it is known."""


@final
@dataclass(frozen=True, kw_only=True)
class Panel:
    """One side of a picture, ready to be asked for."""

    named: Named
    side: "Side | None" = None
    key: str = ""
    problem: str = ""
    """Why there is nothing to see; empty where there is."""
    note: str = ""


@final
@dataclass(frozen=True, kw_only=True)
class View:
    """A picture with its panels, and how they are made and measured."""

    dataset: ImageDataset
    index: int
    scale: int
    degradation: list[dict[str, Any]] | None
    protocol: str
    said_by: str
    """Whose recipe says so; empty for what holds without one."""
    panels: list[Panel]
    hr: Panel
    lr: Panel

    @property
    def picture(self) -> Picture:
        """What is known of the picture."""
        return self.dataset.pictures[self.index]


@dataclass
class _Rules:
    """How LR is made, and who says so."""

    degradation: list[dict[str, Any]] | None
    protocol: str = _PROTOCOL
    said_by: str = ""
    plugins: tuple[str, ...] = field(default=())


@final
class Panels:
    """Finds what addresses name.

    Args:
        home: Where datasets and weights lie.
        index: Of its sweeps.
        key_of: Names a side's content, see `Studio.key`.
    """

    def __init__(self, home: Home, index: Index, key_of: Any) -> None:
        self._home, self._index, self._key_of = home, index, key_of
        self._pinned = functools.lru_cache(maxsize=16)(self._open)
        self._blob_scale = functools.lru_cache(maxsize=256)(self._scale_of_blob)

    def named(self, address: str) -> Named:
        """Return what an address names; files on this machine are not looked at.

        Raises:
            RecipeErrors: If it names nothing.
            StorageError: If a journal, the ledger or weights cannot be read.
        """
        if address in _PLAIN:
            return Named(address=address, title=_PLAIN[address])
        if address == "shipped":
            from acutance_platform.verbs.addresses import weights_bytes

            sha256 = hashlib.sha256(weights_bytes(address, self._home)).hexdigest()
            return Named(address=address, title=address, model=address, weights=sha256, scale=2)
        if address.startswith("blob:"):
            sha256 = address.removeprefix("blob:")
            scale = self._blob_scale(sha256)
            title = f"blob:{sha256[:SHORT]}"
            return Named(address=address, title=title, model=address, weights=sha256, scale=scale)
        if is_registered(address, self._home.store):
            document = registered_document(address, self._home.store)
            recipe = (document["lineage"] or {}).get("recipe")
            return _network(address, document["weights"], document["scale"], recipe)
        if "/" in address:
            return self._trial(address)
        way_out = "Write SWEEP/TRIAL, NAME@ALIAS, NAME/VERSION, blob:SHA256, bicubic, hr or lr."
        raise refuse("MODEL", address, "this names no model", way_out)

    def dataset(self, name: str) -> ImageDataset:
        """Return a dataset; NAME is its newest version, NAME@VERSION never changes."""
        return self._pinned(name) if "@" in name else self._open(name)

    def view(
        self, addresses: Sequence[str], data: str, picture: str, scale: int | None = None
    ) -> View:
        """Return a picture with a panel for each address.

        The first model with a recipe says how LR is made and how it is measured, the first one
        with a scale says that of bicubic.

        Args:
            addresses: Of models; an unknown one gets a panel that says so.
            data: NAME or NAME@VERSION.
            picture: Its name in the dataset.
            scale: Of bicubic and LR where no model has one.

        Raises:
            RecipeErrors: If there is no such picture.
            StorageError: If there is no such dataset.
        """
        dataset = self.dataset(data)
        index = index_of(dataset, picture)
        return self.view_of([self._found(each) for each in addresses[:MOST]], dataset, index, scale)

    def view_of(
        self,
        found: Sequence[Named | Panel],
        dataset: ImageDataset,
        index: int,
        scale: int | None = None,
    ) -> View:
        """Return a picture with a panel for each model; see `view`."""
        named = [each for each in found if isinstance(each, Named)]
        scales = [each.scale for each in named if each.scale is not None]
        own = (scales or [scale or dataset.lr_scale or _SCALE])[0]
        rules = _rules(named, dataset, own)
        panels = [
            self._panel(each, dataset, index, own, rules) if isinstance(each, Named) else each
            for each in found
        ]
        return View(
            dataset=dataset,
            index=index,
            scale=own,
            degradation=rules.degradation,
            protocol=rules.protocol,
            said_by=rules.said_by,
            panels=panels,
            hr=self._panel(self.named("hr"), dataset, index, own, rules),
            lr=self._panel(self.named("lr"), dataset, index, own, rules),
        )

    def _found(self, address: str) -> Named | Panel:
        try:
            return self.named(address)
        except (RecipeErrors, StorageError) as error:
            return Panel(named=Named(address=address, title=address), problem=str(error))

    def _panel(
        self, named: Named, dataset: ImageDataset, index: int, scale: int, rules: _Rules
    ) -> Panel:
        from acutance_platform.verbs.sides import Side

        recipe = named.recipe or {}
        what = named.address if named.address in _PLAIN else "model"
        degradation, note = (rules.degradation if what != "hr" else _MATLAB), ""
        if degradation is None and (named.scale or scale) != dataset.lr_scale:
            degradation = _MATLAB
        if recipe and what == "model" and recipe["data"]["degradation"] != degradation:
            note = "trained on other LR" if recipe["data"]["lr_from"] != "stored" else ""
        side = Side(
            what=what,
            data=f"{dataset.name}@{dataset.version}",
            index=index,
            # HR is shown whole: pictures of every scale begin at its first row and column.
            scale=1 if what == "hr" else named.scale or scale,
            degradation=degradation,
            model=named.model,
            zero_shot=dict(recipe) if recipe.get("zero_shot") else None,
            plugins=tuple(recipe.get("plugins") or ()) + rules.plugins,
        )
        hashes = [*(sha for _, _, sha in dataset.parts(index)), named.weights or ""]
        if side.zero_shot is not None:  # a picture's name says which network is its own
            hashes.append(dataset.pictures[index].name)
        return Panel(named=named, side=side, key=self._key_of(side, hashes), note=note)

    def _trial(self, address: str) -> Named:
        from acutance_platform.verbs.plans import trial_recipe

        name, _, wanted = address.partition("/")
        with self._index.sweep(name) as followed:
            sweep = followed.told.sweep
            if wanted == "best":
                trial = sweep.best
            elif wanted == "knee" and sweep.search is not None:
                point = knee(front_points(sweep), sweep.search.objectives)
                trial = str(point["trial"]) if point is not None else None
            else:
                trial = wanted
            if trial is None:
                raise refuse("MODEL", address, "no trial is that yet", f"See /sweeps/{name}.")
            between = sweep.between.get(trial)
            source = between.parents[0] if between is not None else trial
            if source not in sweep.trials:
                rule = f"{name} has no trial '{trial}'"
                raise refuse("MODEL", address, rule, f"See /sweeps/{name}.")
            weights = between.weights if between is not None else sweep.trials[source].weights
            recipe = trial_recipe(followed.told, source).model_dump(mode="json")
        if weights is None:
            way_out = "A trial has weights from its first rung on."
            raise refuse("MODEL", address, f"{trial} has published no weights yet", way_out)
        title = f"{address} ({trial})" if trial != wanted else address
        return _network(address, weights, int(recipe["scale"]), recipe, title)

    def _open(self, name: str) -> ImageDataset:
        return open_dataset(self._home.store, name)

    def _scale_of_blob(self, sha256: str) -> int:
        from acutance_models import WeightsError, read_header

        try:
            return int(read_header(get_blob(self._home.store, sha256))["scale"])
        except WeightsError as error:
            raise refuse("MODEL", f"blob:{sha256}", str(error), "Name a network.") from None


def _network(
    address: str, weights: str, scale: int, recipe: Mapping[str, Any] | None, title: str = ""
) -> Named:
    return Named(
        address=address,
        title=title or address,
        model=f"blob:{weights}",
        weights=weights,
        scale=scale,
        recipe=recipe,
    )


def _rules(named: Sequence[Named], dataset: ImageDataset, scale: int) -> _Rules:
    """Return how LR is made: as the first recipe says, else as it is stored, else as published."""
    stored = dataset.lr_scale == scale
    for each in named:
        if each.recipe is not None:
            data = each.recipe["data"]
            own = stored and data["lr_from"] == "stored"
            return _Rules(
                None if own else list(data["degradation"]),
                each.recipe["evaluation"]["protocol"],
                each.address,
                tuple(each.recipe.get("plugins") or ()),
            )
    return _Rules(None if stored else _MATLAB)


def index_of(dataset: ImageDataset, name: str) -> int:
    """Return the position of a picture; raises RecipeErrors where there is none."""
    for index, picture in enumerate(dataset.pictures):
        if picture.name == name:
            return index
    rule = f"{dataset.name} has no picture of this name"
    raise refuse("picture", name, rule, "Choose one of its pictures.")
