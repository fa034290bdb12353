"""Saved training states: safetensors for tensors, a small JSON ref for everything else.

A state lies under its stage's key and its step (`refs/stages/KEY/000001000`), so that whoever has
the same key continues from it, in this sweep or another. The blob is written and verified before
the ref that names it; a reader never sees half a state.
"""

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, final

import safetensors
import safetensors.torch
from torch import Tensor

from acutance_platform.training.uploads import Kept, Uploads, log_unsent
from acutance_storage import (
    BlobStore,
    StorageError,
    check_schema,
    delete_blob,
    delete_ref,
    get_blob,
    get_ref,
    list_refs,
    put_blob_file,
    set_ref,
)

SCHEMA = 3


@dataclass(frozen=True)
class Report:
    """What was measured at one step of a training."""

    step: int
    """Absolute step."""
    metrics: dict[str, float]
    """Metric name -> value; losses as `loss/TERM`, averaged since the previous report."""
    executed: int
    """Steps really computed since the previous report (0 where another training paid)."""
    cpu_seconds: float
    """CPU time of the training process since the previous report."""
    gpu_seconds: float
    """Wall time since the previous report times the share of the GPU."""
    time: float
    """Seconds since the epoch at which it was measured."""
    weights: str | None = None
    """SHA-256 of the published weights, at rungs and at the end."""
    owner: str = ""
    """Who computed it (SWEEP/TRIAL)."""
    notes: list[str] = field(default_factory=list)
    """What is wrong with the training as of this report, in words; nothing = it is sound."""

    def told_by(self, owner: str) -> "Report":
        """Return the report as `owner` tells it: what another one computed cost it nothing."""
        if self.owner == owner:
            return self
        return replace(self, executed=0, cpu_seconds=0.0, gpu_seconds=0.0)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)


@dataclass
class Spent:
    """What was computed since the last report, in this process and in those that were killed."""

    owner: str = ""
    """Who computed it; costs of one owner are not told by another."""
    executed: int = 0
    """Optimiser steps, those included that a rollback threw away."""
    cpu_seconds: float = 0.0
    """CPU time."""
    gpu_seconds: float = 0.0
    """Wall time times the share of the GPU."""


@dataclass
class Progress:
    """The part of a state that is not tensors."""

    step: int = 0
    """Optimiser steps done, those of earlier stages included."""
    start: int = 0
    """The step at which the stage started."""
    attempt: int = 0
    """Restarts by the NaN guard; a further attempt draws other crops."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What the learner keeps as plain data, see `Learner.memory`."""
    rollbacks: list[dict[str, Any]] = field(default_factory=list)
    """One record per restart by the NaN guard: step, back_to, attempt, value."""
    reports: list[Report] = field(default_factory=list)
    """Every report of this stage so far."""
    spent: Spent = field(default_factory=Spent)
    """Costs that no report has told yet."""

    @property
    def reported(self) -> int:
        """The step of the last report; the stage's start before the first one."""
        return self.reports[-1].step if self.reports else self.start


@final
class States:
    """The saved states of one stage key.

    Args:
        store: Where they lie.
        key: Of the stage.
        local: This machine's own folder, where a state waits until the store has it.
        keep: How many of the newest stay, beside the one with the last report.
    """

    def __init__(self, store: BlobStore, key: str, *, local: Path, keep: int) -> None:
        self._store = store
        self._key = key
        self._keep = keep
        place = hashlib.sha256(store.address.encode()).hexdigest()[:16]
        self._uploads = Uploads(local / "states" / place, key, self._publish)

    def save(
        self, progress: Progress, tensors: dict[str, Tensor], *, weights: bytes | None = None
    ) -> None:
        """Keep a complete state, which a thread publishes, dropping older ones; see `settle`.

        Args:
            progress: Its plain data.
            tensors: All others of it.
            weights: What its last report names, published before it.

        Raises:
            StoreFull: If it does not fit on this machine.
            StorageError: If publishing an earlier one went wrong.
        """
        label = {"acutance.stage": self._key, "acutance.step": str(progress.step)}
        value = {"schema": SCHEMA, **asdict(progress)}
        reported = progress.reported == progress.step
        self._uploads.add(value, tensors, label, reported=reported, weights=weights)

    def settle(self) -> None:
        """Wait until the newest state is published.

        Raises:
            StoreUnreachable: If the store cannot be reached; the state stays on this machine.
            StorageError: If something else is wrong with it.
        """
        self._uploads.settle()

    def close(self) -> None:
        """Wait until the newest state is published; one that cannot be stays on this machine."""
        try:
            self._uploads.settle()
        except StorageError as error:
            log_unsent(error)

    def adopt(self) -> None:
        """Publish what a training that was killed on this machine could not.

        Raises:
            StorageError: If the store cannot be used.
        """
        self._uploads.adopt(self.newest_step())

    def newest(self) -> tuple[Progress, dict[str, Tensor]] | None:
        """Return the newest state whose blob is sound; None where there is none.

        A damaged state is passed over: an older one costs recomputed steps, never wrong ones.
        """
        for name in reversed(list_refs(self._store, "stages", f"{self._key}/")):
            value = get_ref(self._store, "stages", name)
            if value is None:
                continue
            check_schema(value.get("schema"), SCHEMA, f"state {name}")
            try:
                tensors = safetensors.torch.load(get_blob(self._store, value["blob"]))
            except (StorageError, safetensors.SafetensorError):
                continue
            return _progress(value), tensors
        return None

    def newest_step(self) -> int | None:
        """Return the step of the newest state, without reading it; None where there is none."""
        names = list_refs(self._store, "stages", f"{self._key}/")
        return int(names[-1].rsplit("/", 1)[-1]) if names else None

    def reports(self) -> list[Report]:
        """Return the reports of the newest state, without reading its tensors."""
        for name in reversed(list_refs(self._store, "stages", f"{self._key}/")):
            value = get_ref(self._store, "stages", name)
            if value is not None:
                check_schema(value.get("schema"), SCHEMA, f"state {name}")
                return _progress(value).reports
        return []

    def forget_after(self, step: int) -> None:
        """Drop every state of a later step; raises as `settle` does."""
        self._uploads.forget_after(step)
        for name in list_refs(self._store, "stages", f"{self._key}/"):
            if name > self._name(step):
                self._drop(name)

    def _publish(self, kept: Kept) -> None:
        """Publish a state, then drop all but the newest and that of the last report."""
        *_, blob = [put_blob_file(self._store, path) for path in kept.blobs]
        set_ref(self._store, "stages", self._name(kept.step), {"blob": blob, **kept.value})
        self._drop_old(needed=self._name(_progress(kept.value).reported))

    def _drop_old(self, needed: str) -> None:
        for name in list_refs(self._store, "stages", f"{self._key}/")[: -self._keep]:
            if name != needed:
                self._drop(name)

    def _drop(self, name: str) -> None:
        value = get_ref(self._store, "stages", name)
        delete_ref(self._store, "stages", name)
        if value is not None:
            # The header carries key and step, so no other ref can name this blob.
            delete_blob(self._store, value["blob"])

    def _name(self, step: int) -> str:
        return f"{self._key}/{step:09d}"


def _progress(value: dict[str, Any]) -> Progress:
    return Progress(
        step=value["step"],
        start=value["start"],
        attempt=value["attempt"],
        memory=dict(value["memory"]),
        rollbacks=list(value["rollbacks"]),
        reports=[Report(**report) for report in value["reports"]],
        spent=Spent(**value["spent"]),
    )
