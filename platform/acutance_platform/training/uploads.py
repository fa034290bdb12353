"""States on their way into the store: each a file of this machine first, then sent by a thread.

A training waits for the file alone, whatever the store does. One state is sent at a time, and of
those that wait only the newest is, with the newest that holds a report: a training whose loss is
not finite goes back to that one. What a killed process could not send lies there for the next one.
"""

import json
import logging
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import safetensors.torch
from filelock import FileLock, Timeout
from torch import Tensor

from acutance_storage import StorageError
from acutance_storage.errors import StoreUnreachable
from acutance_storage.folder import storage_errors

_log = logging.getLogger(__name__)
_WEIGHTS = ".weights"


@dataclass(frozen=True, eq=False)
class Kept:
    """A state that lies on this machine."""

    path: Path
    """Its tensors, as safetensors; weights that its report names lie beside it."""
    value: dict[str, Any]
    """The rest of it, as the ref will say."""
    reported: bool
    """Whether it was saved with a report."""

    @property
    def blobs(self) -> list[Path]:
        """Every file that belongs to it, its own last."""
        weights = self.path.with_suffix(_WEIGHTS)
        return [path for path in (weights, self.path) if path.exists()]

    @property
    def step(self) -> int:
        """Absolute step."""
        return int(self.value["step"])


@final
class Uploads:
    """The states of one stage that are not in the store yet.

    Args:
        folder: Of this machine, for states that go to this store; made when it is needed.
        key: Of the stage.
        upload: Brings a state into the store, verified, its ref last; called by one thread.
    """

    def __init__(self, folder: Path, key: str, upload: Callable[[Kept], None]) -> None:
        self._all, self._key, self._upload = folder, key, upload
        self._own: tuple[Path, FileLock] | None = None
        self._waiting: list[Kept] = []
        self._sending: Kept | None = None
        self._guard, self._count = threading.Lock(), 0
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    def add(
        self,
        value: dict[str, Any],
        tensors: Mapping[str, Tensor],
        label: dict[str, str],
        *,
        reported: bool,
        weights: bytes | None = None,
    ) -> None:
        """Keep a state on this machine, with the weights that its report names, and let it be sent.

        Raises:
            StoreFull: If it does not fit here.
            StorageError: What went wrong with an earlier one, unless it may yet go well: this one
                is kept.
        """
        contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        data = safetensors.torch.save(contiguous, metadata=label)
        folder, self._count = self._folder(), self._count + 1
        kept = Kept(folder / f"{self._count:09d}.safetensors", value, reported)
        with storage_errors(kept.path):
            try:
                kept.path.write_bytes(data)
                if weights is not None:
                    kept.path.with_suffix(_WEIGHTS).write_bytes(weights)
                _note(kept)
            except OSError:
                _remove(kept)
                raise
        with self._guard:
            for old in [old for old in self._waiting if reported or not old.reported]:
                self._drop(old)
            self._waiting.append(kept)
        if isinstance(self._fault, StoreUnreachable):
            self._fault = None  # the store may be back
        self._complain()
        self._send()

    def settle(self) -> None:
        """Wait until everything is in the store.

        Raises:
            StoreUnreachable: If it cannot be reached; what is left stays on this machine.
            StorageError: If something else is wrong with it.
        """
        self._join()
        if self._fault is None or isinstance(self._fault, StoreUnreachable):
            self._fault = None  # the store may be back
            self._send()
            self._join()
        self._complain()
        if self._own is not None:
            (folder, lock), self._own = self._own, None
            _clear(folder, lock)

    def forget_after(self, step: int) -> None:
        """Drop every state of a later step, and wait for the others; raises as `settle` does."""
        for _ in range(2):  # one that was being sent may have failed
            with self._guard:
                for kept in [kept for kept in self._waiting if kept.step > step]:
                    self._drop(kept)
            self._join()
        self.settle()

    def adopt(self, newest: int | None) -> None:
        """Send what a process that is gone left on this machine.

        Args:
            newest: Step of the newest state in the store: what is not newer is only deleted.

        Raises:
            StorageError: If it cannot be sent; it stays.
        """
        for folder in sorted(path for path in self._all.glob(f"{self._key}-*") if path.is_dir()):
            lock = _lock_of(folder)
            try:
                lock.acquire()
            except Timeout:
                continue  # its process lives
            try:
                for kept in _left(folder):
                    if newest is None or kept.step > newest:
                        self._upload(kept)
                _clear(folder, lock)
            finally:
                lock.release()

    def _send(self) -> None:
        with self._guard:
            if self._thread is None and self._waiting:
                self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        """Send what waits, oldest first, until nothing does or something goes wrong."""
        while True:
            with self._guard:
                if not self._waiting:
                    self._thread = None
                    return
                kept = self._sending = self._waiting[0]
            try:
                self._upload(kept)
            except BaseException as fault:
                with self._guard:
                    self._fault, self._sending, self._thread = fault, None, None
                if isinstance(fault, StoreUnreachable):
                    _log.warning(
                        "the state of step %d waits in %s: %s", kept.step, kept.path.parent, fault
                    )
                return
            with self._guard:
                self._sending = None
                self._drop(kept)

    def _join(self) -> None:
        thread = self._thread
        if thread is not None:
            thread.join()

    def _complain(self) -> None:
        fault, self._fault = self._fault, None
        if isinstance(fault, StoreUnreachable):
            raise StoreUnreachable(
                f"{fault}. The newest state is kept in {self._all}: once the store answers, "
                "`acutance resume` on this machine goes on from it"
            ) from fault
        if fault is not None:
            raise fault

    def _drop(self, kept: Kept) -> None:
        """Forget one that waits, unless it is being sent."""
        if kept is not self._sending:
            self._waiting.remove(kept)
            _remove(kept)

    def _folder(self) -> Path:
        """Return the folder of this process; its lock says that the process lives."""
        if self._own is None:
            folder = self._all / f"{self._key}-{uuid.uuid4().hex[:12]}"
            with storage_errors(folder):
                self._all.mkdir(parents=True, exist_ok=True)
                lock = _lock_of(folder)
                lock.acquire()
                folder.mkdir()
            self._own = folder, lock
        return self._own[0]


def log_unsent(error: StorageError) -> None:
    """Say that something stays on this machine, where nobody is left to be told otherwise."""
    _log.warning("not everything is in the store: %s", error)


def _note(kept: Kept) -> None:
    """Write down what belongs to the tensors; without it they count for nothing."""
    note = kept.path.with_suffix(".json")
    text = json.dumps({"reported": kept.reported, "value": kept.value})
    note.with_suffix(".part").write_text(text)
    note.with_suffix(".part").replace(note)


def _left(folder: Path) -> Iterator[Kept]:
    """Yield what a process left, oldest first."""
    for note in sorted(folder.glob("*.json")):
        said = json.loads(note.read_text())
        yield Kept(note.with_suffix(".safetensors"), said["value"], said["reported"])


def _remove(kept: Kept) -> None:
    for suffix in (".json", ".part", _WEIGHTS, ".safetensors"):
        kept.path.with_suffix(suffix).unlink(missing_ok=True)


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_suffix(".lock"), timeout=0, thread_local=False)


def _clear(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)
