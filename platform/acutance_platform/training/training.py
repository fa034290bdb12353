"""A whole training: its stages one after the other, each from its newest saved state."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from acutance_platform.recipe import Recipe, RecipeErrors, chain, load_plugins, rank_count
from acutance_platform.training.costs import chain_costs
from acutance_platform.training.data import Pairs, dataset_problems
from acutance_platform.training.features import feature_files, feature_problems
from acutance_platform.training.inherit import lineage_of
from acutance_platform.training.keys import stage_keys
from acutance_platform.training.loop import StageTraining
from acutance_platform.training.machine import MachineKind
from acutance_platform.training.ranks import Ranks
from acutance_platform.training.state import Report, States
from acutance_storage import BlobStore, KeyMissing, get_blob, open_dataset


@final
class Training:
    """One training on this machine.

    Stages that another training has finished, or begun, are taken up where they are: a stage is
    paid once.

    Args:
        recipe: With `auto` fields resolved, dataset and `init` pinned.
        store: Where dataset, states and weights lie.
        local: This machine's cache folder.
        machine: The machine kind that the stage keys name.
        rungs: Absolute steps, beside `evaluation.every` and the stages' ends, at which to report
            and publish.
        owner: Name under which new reports are made; a state's other reports cost nothing here.

    Raises:
        RecipeErrors: If the dataset cannot serve the recipe.
        StorageError: If the dataset, or the weights that a stage starts from, are missing or
            damaged.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        store: BlobStore,
        local: Path,
        machine: MachineKind,
        rungs: Sequence[int] = (),
        owner: str = "",
    ) -> None:
        load_plugins(recipe.plugins)
        self._links, self._store, self._owner = chain(recipe), store, owner
        self._local = local
        dataset = open_dataset(store, recipe.data.dataset)
        problems = [*dataset_problems(dataset, recipe), *feature_problems(recipe, store)]
        if problems:
            raise RecipeErrors(problems)
        self._pairs = Pairs(dataset, recipe, local=local)
        self._rungs = tuple(rungs)
        self._files = feature_files(recipe, store)
        self.keys = stage_keys(
            recipe,
            dataset_version=dataset.version,
            machine=machine,
            rungs=self._rungs,
            files=self._files,
        )
        init = self._links[0].stage.init
        first = get_blob(store, init.removeprefix("blob:")) if init is not None else None
        self._began_from = lineage_of(first) if first is not None else []
        self._earlier: list[Report] = []
        self._stop = False
        self._ranks = (
            Ranks(recipe, store=store, local=local, files=self._files)
            if rank_count(recipe.resources) > 1
            else None
        )
        self._open(self._begun())

    @property
    def key(self) -> str:
        """Key of the last stage."""
        return self.keys[-1]

    @property
    def step(self) -> int:
        """Optimiser steps done, those of earlier stages included."""
        return self._stage.step

    @property
    def reports(self) -> list[Report]:
        """Every report so far, those of earlier stages and of loaded states included."""
        return [*self._earlier, *self._stage.reports]

    @property
    def rank_seconds(self) -> float:
        """CPU time of the training's other ranks so far, see `Ranks.cpu_seconds`."""
        return self._ranks.cpu_seconds if self._ranks is not None else 0.0

    def advance(self) -> Report:
        """Train to the next report point, measure, save, and return the report.

        Raises:
            TrainingDiverged: If the loss stays non-finite after several restarts.
            Interrupted: If `request_stop` was called; the state is saved.
            RankLost: If another of its ranks has ended; open it again to go on.
        """
        if self._stage.step == self._links[self._place].end and self._place + 1 < len(self._links):
            self._follow()
        try:
            report = self._stage.advance()
        except BaseException:
            self._end_ranks()
            raise
        if self.step == self._links[-1].end:
            self._end_ranks()
        return report

    def request_stop(self) -> None:
        """Ask the running `advance` to save and stop; safe in a signal handler."""
        self._stop = True
        self._stage.request_stop()

    def close(self) -> None:
        """Wait until the store has the newest state; one that it does not take stays here."""
        self._end_ranks()
        self._stage.close()

    def rehearse(self, steps: int = 3) -> tuple[float, float]:
        """Return the wall seconds of one step and of one measurement in the present stage.

        For forecasts: the object has trained a little afterwards and is to be thrown away.
        """
        return self._stage.rehearse(steps)

    def _end_ranks(self) -> None:
        if self._ranks is not None:
            self._ranks.close()

    def _begun(self) -> int:
        """Return the last stage that has a state, after reading the reports of those before it."""
        for key in self.keys:
            self._states(key).adopt()
        place = max((i for i, key in enumerate(self.keys) if self._saved(key)), default=0)
        for key in self.keys[:place]:
            self._earlier += self._states(key).reports()
        return place

    def _follow(self) -> None:
        """Go on from a finished stage to the next."""
        self._earlier += self._stage.reports
        self._open(self._place + 1)

    def _open(self, place: int) -> None:
        self._place = place
        parent = self._earlier[-1].weights if place else self._links[0].stage.init
        if place and parent is None:
            raise KeyMissing(
                f"weights at the end of {self._links[place - 1].name}", self._store.address
            )
        self._stage = StageTraining(
            self._links[place],
            key=self.keys[place],
            pairs=self._pairs,
            store=self._store,
            local=self._local,
            parent=parent.removeprefix("blob:") if parent else None,
            files=self._files,
            rungs=self._rungs_of(place),
            owner=self._owner,
            costs=chain_costs(self._links[: place + 1]),
            lineage=[*self._began_from, *self.keys[:place]],
            ranks=self._ranks,
        )
        if self._stop:
            self._stage.request_stop()

    def _rungs_of(self, place: int) -> tuple[int, ...]:
        link = self._links[place]
        return tuple(rung for rung in self._rungs if link.start < rung <= link.end)

    def _saved(self, key: str) -> bool:
        return self._states(key).newest_step() is not None

    def _states(self, key: str) -> States:
        return States(self._store, key, local=self._local, keep=1)
