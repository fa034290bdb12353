"""Promotions that were started from a page: one at a time per model, each followed by its file.

A job goes on whoever looks. Its state is a file of the local folder, and whoever measures holds a
lock beside it, so that a job whose server ended shows as interrupted. The promotion itself is
whole or nothing: the ledger's entry is the moment at which it counts.
"""

import json
import os
import secrets
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, final

from filelock import FileLock, Timeout

from acutance_platform.dashboard.access import User
from acutance_platform.recipe import RecipeErrors, refuse
from acutance_platform.search.requests import acting_as
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import is_name
from acutance_platform.verbs.promoted import STEPS

KEPT: Final = 200
"""Jobs whose files stay; older ones go when a new one starts."""
TITLES: Final = {
    "reload": "Load the weights by their hash",
    "measure": "Measure anew in a clean process",
    "decide": "Compare with the champion and judge",
    "publish": "Write the verdict to the ledger, then to MLflow",
}
"""Step -> what a page calls it."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a page asks for; the fields are `promote`'s."""

    model: str
    name: str
    alias: str
    gate: str
    data: str | None
    dry_run: bool


@dataclass(kw_only=True)
class Job:
    """One promotion and how far it is."""

    id: str
    asked: dict[str, Any]
    by: str
    started: float
    state: Literal["running", "done", "failed", "interrupted"] = "running"
    step: str = STEPS[0]
    done: int = 0
    of: int = 1
    ended: float | None = None
    outcome: dict[str, Any] | None = None
    """What `promote` returned."""
    error: str = ""
    """Why it came to no verdict."""

    def steps(self) -> list[dict[str, Any]]:
        """Return every step with whether it is `done`, `now`, or still to come."""
        at = STEPS.index(self.step)
        rows = []
        for place, step in enumerate(STEPS):
            state = "done" if place < at or self.state == "done" else "now"
            if place > at and self.state != "done":
                state = "later"
            part = f"set {self.done + 1} of {self.of}" if step == "measure" and place == at else ""
            rows.append({"title": TITLES[step], "state": state, "part": part})
        return rows


@final
@dataclass
class Promotions:
    """The jobs of one local folder.

    Args:
        home: Store and local folder.
    """

    home: Home
    _writing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, asked: Asked, user: User) -> Job:
        """Begin a promotion in a thread and return its job.

        Raises:
            RecipeErrors: If the model's name cannot be one, or a promotion of it goes on already.
        """
        if not is_name(asked.name):
            rule = "a model's name has letters, digits, '.', '_' and '-'"
            raise refuse("Registered model", asked.name[:120], rule, "Choose another name.")
        lock = self._lock(asked.name)
        try:
            lock.acquire(
                timeout=1
            )  # a page that looks whether somebody holds it has it for a moment
        except Timeout:
            way_out = "Wait for its verdict: this page shows it."
            rule = "a promotion of this model goes on"
            raise refuse("Registered model", asked.name, rule, way_out) from None
        try:
            self._tidy(asked.name)
            now = time.time()
            name = f"{round(now * 1000):015d}-{secrets.token_hex(4)}"
            job = Job(id=name, asked=asdict(asked), by=user.name, started=now)
            self._write(job)
            thread = threading.Thread(
                target=self._run, args=(job, asked, lock), name=f"promote-{name}", daemon=True
            )
            thread.start()
        except BaseException:
            lock.release()
            raise
        return job

    def job(self, name: str) -> Job | None:
        """Return a job by its id, None if there is none."""
        path = self._folder / f"{name}.json"
        if not is_name(name) or not path.is_file():
            return None
        job = Job(**json.loads(path.read_text()))
        if job.state == "running" and not self._held(job):
            again = Job(**json.loads(path.read_text()))  # it may have ended between the two looks
            job = again if again.state != "running" else self._interrupted(again)
        return job

    def recent(self, model: str | None = None, most: int = 10) -> list[Job]:
        """Return the last jobs, newest first, of one registered model or of all."""
        found: list[Job] = []
        for path in sorted(self._folder.glob("*.json"), reverse=True):
            job = self.job(path.stem)
            if job is not None and model in (None, job.asked["name"]):
                found.append(job)
            if len(found) == most:
                break
        return found

    def _run(self, job: Job, asked: Asked, lock: FileLock) -> None:
        from acutance_platform.verbs.promotion import promote  # brings torch

        def told(step: str, done: int, total: int, what: str = "") -> None:
            job.step, job.done, job.of = step, done, total
            self._write(job)

        try:
            with acting_as(job.by):
                outcome = promote(**asdict(asked), progress=told, home=self.home)
            job.outcome, job.state = outcome.as_dict(), "done"
        except RecipeErrors as error:
            job.state, job.error = "failed", str(error)
        except Exception as error:  # whatever a store or model brought: the page has to say it
            job.state, job.error = "failed", f"{type(error).__name__}: {error}"
        finally:
            job.ended = time.time()
            self._write(job)
            lock.release()

    def _held(self, job: Job) -> bool:
        """Say whether somebody, here or in another process, still works on the job."""
        lock = self._lock(job.asked["name"])
        try:
            with lock.acquire(timeout=0):
                return False
        except Timeout:
            return True

    def _interrupted(self, job: Job) -> Job:
        job.state = "interrupted"
        self._write(job)
        return job

    def _tidy(self, model: str) -> None:
        """Close the jobs of a model that died with their server, and forget the oldest of all."""
        paths = sorted(self._folder.glob("*.json"), reverse=True)
        for path in paths[:KEPT]:
            job = Job(**json.loads(path.read_text()))
            if job.state == "running" and job.asked["name"] == model:
                self._interrupted(job)
        for path in paths[KEPT:]:
            path.unlink(missing_ok=True)

    def _write(self, job: Job) -> None:
        with self._writing:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{job.id}.json"
            fresh = path.with_name(f".{job.id}-{os.getpid()}")
            fresh.write_text(json.dumps(asdict(job)))
            fresh.replace(path)

    def _lock(self, model: str) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{model}.lock", thread_local=False)

    @property
    def _folder(self) -> Any:
        return self.home.local / "dashboard" / "promotions"
