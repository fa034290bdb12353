"""Steering from a page: stop a trial or a sweep, raise its budget, let it go on."""

import socket
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from acutance_platform.dashboard.access import User
from acutance_platform.dashboard.resuming import Resumed
from acutance_platform.dashboard.site import Site
from acutance_platform.recipe import refuse
from acutance_platform.search.requests import acting_as
from acutance_platform.search.spending import topped_up
from acutance_platform.verbs import steering
from acutance_platform.verbs.journals import TRAINING

Amount = Annotated[str, Field(max_length=30, pattern=r"^\+?[0-9][0-9.eE+-]*$")]


class Stop(BaseModel):
    """What is to stop: a trial, or without one the whole sweep."""

    model_config = ConfigDict(extra="forbid")

    trial: str | None = Field(default=None, max_length=60)


class Limits(BaseModel):
    """New limits, each a number or `+` and a number above the present limit."""

    model_config = ConfigDict(extra="forbid")

    trials: Amount | None = None
    steps: Amount | None = None
    wall_hours: Amount | None = None
    gpu_hours: Amount | None = None
    cpu_hours: Amount | None = None

    @property
    def settings(self) -> list[str]:
        """As `--budget` takes them."""
        return [f"{key}={text}" for key, text in self.model_dump(exclude_none=True).items()]


def routes(site: Site) -> APIRouter:
    """Return the routes of this area."""
    router = APIRouter(prefix="/api/sweeps/{name}")
    resumed = Resumed(site.home)
    operator = Depends(site.operator)

    @router.post("/stop")
    def stop(name: str, what: Stop, user: User = operator) -> dict[str, Any]:
        """Ask a running sweep, or one of its trials, to save its state and end."""
        with site.index.sweep(name) as followed:
            single = followed.told.sweep.search is None
            trial = None if single and what.trial == TRAINING else what.trial
            address = name if trial is None else f"{name}/{trial}"
            with acting_as(user.name):
                asked = steering.stop(address, home=site.home, told=followed.told)
        return {"driven": asked["driven"], "said": _said_of_stop(name, trial, asked["driven"])}

    @router.post("/budget")
    def budget(name: str, limits: Limits, user: User = operator) -> dict[str, Any]:
        """Raise a sweep's limits; one that does not run goes on in a process of its own."""
        if not limits.settings:
            raise refuse("budget", None, "this names at least one limit", "Fill in one field.")
        with site.index.sweep(name) as followed:
            sweep = followed.told.sweep
            if sweep.search is None:
                raise refuse("SWEEP", name, "a single training has no budget", "Start another one.")
            found = topped_up(sweep, limits.settings).model_dump(exclude_none=True)
            told = ", ".join(f"{key} {limit:g}" for key, limit in found.items())
            if sweep.running:
                with acting_as(user.name):
                    steering.budget(
                        name, settings=limits.settings, home=site.home, told=followed.told
                    )
                return {"started": False, "said": f"Asked {name} to go on with {told}."}
        resumed.start(name, user.name, limits.settings)
        return {"started": True, "said": f"{name} goes on with {told}: a driver is starting."}

    @router.post("/resume")
    def resume(name: str, user: User = operator) -> dict[str, Any]:
        """Go on with an interrupted sweep or training in a process of its own."""
        with site.index.sweep(name) as followed:
            sweep = followed.told.sweep
            if sweep.running:
                raise refuse("SWEEP", name, "it runs already", "Follow it on its page.")
            if sweep.finished not in (None, "INTERRUPTED"):
                raise refuse("SWEEP", name, f"it is {sweep.state}", "Raise its budget instead.")
        resumed.start(name, user.name, [])
        return {"started": True, "said": f"{name} goes on: a driver is starting."}

    @router.get("/resume")
    def state(name: str) -> dict[str, Any]:
        """Return how the process that was started last from here is doing."""
        with site.index.sweep(name) as followed:
            running = followed.told.sweep.running
        return {**resumed.state(name), "sweep_running": running, "host": socket.gethostname()}

    return router


def _said_of_stop(name: str, trial: str | None, driven: bool) -> str:
    if not driven:
        return f"Asked {name}/{trial} to stop; no driver runs, so this waits for the next one."
    if trial is None:
        return f"Asked {name} to save its state and end."
    return f"Asked {name}/{trial} to stop; it ends at its next report."
