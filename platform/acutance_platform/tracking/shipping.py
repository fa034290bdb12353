"""Bringing MLflow up to what the projection says, one run at a time.

Every step may be cut off and repeated: runs are looked up by tag before one is created, metrics
carry the journal's times so that MLflow drops repeated rows, states are set to what they should be.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from acutance_platform.tracking.client import connect, experiment_id, list_runs
from acutance_platform.tracking.projection import SWEEP, Projection, RunView

if TYPE_CHECKING:
    from mlflow.entities import Run

ENTITIES_PER_BATCH: Final = 1000
"""Metrics, parameters and tags together; what MLflow takes in one call."""
PARAMS_PER_BATCH: Final = 50
"""Of MLflow's 100, since 100 of the longest and 900 points may be more than the 1 MB of a call."""
_SHIPPED: Final = "acutance.shipped"
"""Tag: how many of the run's points MLflow surely has. Only saves work, see `_Held.trusted`.

It travels with every batch and counts the points before it: a batch that MLflow took in part
never says that it was taken whole.
"""


@dataclass(frozen=True)
class Artifact:
    """A file for a run: ``name`` may hold folders, ``content`` is bytes or a file to copy."""

    run: str
    name: str
    content: bytes | Path


@dataclass
class _Held:
    """What MLflow is known to hold of one run."""

    run_id: str
    status: str
    tags: dict[str, str]
    params: set[str]
    points: int = 0

    @classmethod
    def read(cls, run: "Run") -> "_Held":
        tags = dict(run.data.tags)
        shipped = tags.get(_SHIPPED, "0")
        points = int(shipped) if shipped.isdecimal() else 0
        return cls(run.info.run_id, run.info.status, tags, set(run.data.params), points)

    def trusted(self, view: RunView) -> int:
        """The number of leading points that need not be sent again."""
        return self.points if self.points <= len(view.points) else 0


@final
class Shipper:
    """One connection to MLflow, and what it is known to hold.

    After any error make a new one: it looks at MLflow afresh instead of guessing what got through.

    Args:
        uri: MLflow's address.
        projection: what MLflow should hold; its identity must be known.
        on_run: called with (trial, run id) when a trial's run is new or another than recorded.
    """

    def __init__(
        self, uri: str, projection: Projection, *, on_run: Callable[[str, str], None]
    ) -> None:
        self._projection = projection
        self._on_run = on_run
        self._client = connect(uri)
        self._experiment = experiment_id(self._client, projection.name)
        self._held: dict[str, _Held] = {}
        condition = f"tags.`acutance.sweep` = '{projection.identity}'"
        for run in list_runs(self._client, self._experiment, condition):
            self._held.setdefault(run.data.tags.get("acutance.trial", SWEEP), _Held.read(run))

    def ship(self, key: str) -> None:
        """Bring one run up to date."""
        view = self._projection.runs[key]
        held = self._run_of(key, view)
        self._ship_batches(held, view)
        self._ship_status(held, view)

    def ship_artifact(self, artifact: Artifact) -> None:
        """Upload one file; an earlier one of its name is replaced."""
        held = self._run_of(artifact.run, self._projection.runs[artifact.run])
        folder, _, name = artifact.name.rpartition("/")
        with tempfile.TemporaryDirectory(prefix="acutance-") as scratch:
            file = Path(scratch) / name
            if isinstance(artifact.content, bytes):
                file.write_bytes(artifact.content)
            else:
                shutil.copyfile(artifact.content, file)
            self._client.log_artifact(held.run_id, str(file), folder or None)

    def _run_of(self, key: str, view: RunView) -> _Held:
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = self._create(key, view)
        if key != SWEEP and view.run_id != held.run_id:
            view.run_id = held.run_id
            self._on_run(key, held.run_id)
        return held

    def _create(self, key: str, view: RunView) -> _Held:
        tags = dict(view.tags)
        parent = self._projection.runs.get(SWEEP)
        if key != SWEEP and parent is not None:
            tags["mlflow.parentRunId"] = self._run_of(SWEEP, parent).run_id
        run = self._client.create_run(
            self._experiment, start_time=view.started_ms, tags=tags, run_name=view.name
        )
        return _Held.read(run)

    def _ship_batches(self, held: _Held, view: RunView) -> None:
        """Send parameters, points and tags that are missing, in as few calls as it takes.

        A call costs the server as much as a hundred points, and most runs are short.
        """
        from mlflow.entities import Metric, Param, RunTag

        # One that is there already stays: MLflow refuses to change a parameter.
        params = [Param(k, v) for k, v in view.params.items() if k not in held.params]
        wanted = view.tags | {"acutance.state": view.state}
        tags = {key: value for key, value in wanted.items() if held.tags.get(key) != value}
        held.points = held.trusted(view)
        while params or tags or held.points < len(view.points):
            some, params = params[:PARAMS_PER_BATCH], params[PARAMS_PER_BATCH:]
            told, tags = tags | {_SHIPPED: str(held.points)}, {}
            room = ENTITIES_PER_BATCH - len(some) - len(told)
            points = view.points[held.points : held.points + room]
            self._client.log_batch(
                held.run_id,
                metrics=[Metric(p.key, p.value, p.time_ms, p.step) for p in points],
                params=some,
                tags=[RunTag(key, value) for key, value in told.items()],
                synchronous=True,
            )
            held.params.update(param.key for param in some)
            held.points += len(points)
            held.tags.update(told)

    def _ship_status(self, held: _Held, view: RunView) -> None:
        if held.status == view.status:
            return
        if view.status == "RUNNING":
            self._client.update_run(held.run_id, status="RUNNING")
        else:
            self._client.set_terminated(held.run_id, view.status, end_time=view.ended_ms)
        held.status = view.status
