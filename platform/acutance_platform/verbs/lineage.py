"""Where weights come from: the sweep or training of this store that published them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from acutance_platform.recipe import Recipe
from acutance_platform.search.journals import sweep_names
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Told, open_sweep
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import BlobStore, open_dataset
from acutance_storage.dataset import read_index


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What made some weights.

    Attributes:
        sweep: Of the journal.
        trial: Of that sweep, or the name of a point between two of its trials.
        parents: The trials that such a point lies between; empty for a trial.
        step: At which the weights were published; 0 for a point between.
        recipe: Complete, as plain data; of a point, its first parent's.
        stages: Key and end of each stage.
        datasets: NAME@VERSION of the pictures, those of the weights that it started from too.
        splits: Of these pictures, which the model was trained or validated on.
        stored: Metric -> what the training measured when it published the weights.
        starts: Weights that it was initialised with, theirs too.
        run_id: The MLflow run, where the journal knows it.
        code: Commit of the experiment, and whether files differed from it; None where unknown.
    """

    sweep: str
    trial: str
    parents: tuple[str, ...]
    step: int
    recipe: dict[str, Any]
    stages: list[list[Any]]
    datasets: tuple[str, ...]
    splits: tuple[str, ...]
    stored: dict[str, float]
    starts: tuple[str, ...]
    run_id: str | None
    code: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for a document or a card."""
        return asdict(self)


def find_lineage(weights: str, home: Home) -> Lineage | None:
    """Return what made these weights; None where no sweep or training here published them.

    Raises:
        RecipeErrors: If its recipe cannot be built any more, for example without its plug-in.
        StorageError: If a journal or dataset cannot be read.
    """
    for name in sweep_names(home.store):
        told = open_sweep(home.store, name)
        for point in told.sweep.between.values():
            if point.weights == weights:
                stored = {metric: float(value) for metric, value in point.metrics.items()}
                return _lineage(told, point.parents, 0, stored, home, name=point.name)
        for trial in told.sweep.trials.values():
            for step, published in trial.published.items():
                if published == weights:
                    stored = trial.reports.get(step, {})
                    return _lineage(told, (trial.name,), step, stored, home)
    return None


def find_recipe(weights: str, home: Home) -> Recipe | None:
    """Return the recipe of these weights, of a point its first parent's; None where unknown here.

    Raises as `find_lineage`, but needs no dataset.
    """
    for name in sweep_names(home.store):
        told = open_sweep(home.store, name)
        for point in told.sweep.between.values():
            if point.weights == weights:
                return trial_recipe(told, point.parents[0])
        for trial in told.sweep.trials.values():
            if weights in trial.published.values():
                return trial_recipe(told, trial.name)
    return None


def seen_pictures(lineage: Lineage | None, store: BlobStore) -> set[str]:
    """Return the hashes of the pictures that a model was trained or validated on.

    Of a picture that was cut from a whole one, the whole one's too.
    """
    if lineage is None:
        return set()
    return {
        sha
        for name in lineage.datasets
        for entry in read_index(store, name).entries
        if entry.picture.split in lineage.splits
        for sha in (entry.picture.sha256, entry.origin)
    }


def _lineage(
    told: Told,
    trials: tuple[str, ...],
    step: int,
    stored: dict[str, float],
    home: Home,
    *,
    name: str | None = None,
) -> Lineage:
    recipes = [trial_recipe(told, trial) for trial in trials]
    before = [each for recipe in recipes for each in _befores(recipe, home)]
    datasets = [*(_versioned(recipe, home) for recipe in recipes)]
    splits: list[str] = ["train", *(recipe.evaluation.split for recipe in recipes)]
    for each in before:
        datasets += each.datasets
        splits += each.splits
    first = told.sweep.trials[trials[0]]
    starts = [start for recipe in recipes for start in _inits(recipe)]
    return Lineage(
        sweep=told.sweep.name,
        trial=name or trials[0],
        parents=trials if name else (),
        step=step,
        recipe=recipes[0].model_dump(mode="json"),
        stages=[list(stage) for stage in first.stages],
        datasets=tuple(dict.fromkeys(datasets)),
        splits=tuple(dict.fromkeys(splits)),
        stored={metric: value for metric, value in stored.items() if value == value},
        starts=tuple(dict.fromkeys([*starts, *(sha for each in before for sha in each.starts)])),
        run_id=first.run_id,
        code=_code_of(told, trials[0]),
    )


def _code_of(told: Told, trial: str) -> dict[str, Any] | None:
    """Return the git state of the session that asked for a trial."""
    code = None
    for record in told.records:
        if record["do"] == "about":
            code = record.get("git") or code
        elif record["do"] == "ask" and record["trial"] == trial:
            break
    return code


def _befores(recipe: Recipe, home: Home) -> Iterator[Lineage]:
    for start in _inits(recipe):
        found = find_lineage(start, home)
        if found is not None:
            yield found


def _inits(recipe: Recipe) -> list[str]:
    """Return the weights that a training starts from, by hash."""
    named = [stage.init for stage in recipe.stages.values() if stage.init is not None]
    return [init.removeprefix("blob:") for init in named if init.startswith("blob:")]


def _versioned(recipe: Recipe, home: Home) -> str:
    dataset = open_dataset(home.store, recipe.data.dataset)
    return f"{dataset.name}@{dataset.version}"
