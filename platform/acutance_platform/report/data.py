"""What a report is made of, and the few questions that all of its parts ask of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

Trial = Mapping[str, Any]
"""One entry of ``trials`` in ``status --json``."""


@final
@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything a report shows."""

    status: Mapping[str, Any]
    """The document that ``acutance status SWEEP --json`` prints."""
    question: str = ""
    """What the experiment asks, in a sentence."""
    front: Mapping[str, Any] = field(default_factory=dict)
    """The document that ``acutance front SWEEP --json`` prints, with ``between`` (every point that
    was interpolated) and ``knee`` (the name of a point)."""
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """``parameters`` and ``macs_per_pixel`` by trial, where its metrics do not hold them."""
    reports: Mapping[str, Sequence[tuple[int, Mapping[str, float | None]]]] = field(
        default_factory=dict
    )
    """By trial: (absolute step, metrics), in order of step; None where not finite."""
    rungs: Sequence[int] = ()
    """Absolute steps at which trials were compared."""
    volumes: Sequence[tuple[int, float]] = ()
    """(steps computed by all trials, hypervolume) after each completed trial."""
    importance: Mapping[str, float] = field(default_factory=dict)
    """Searched recipe path -> its share of importance, the largest first."""
    survival: Sequence[tuple[int, int, int, int]] = ()
    """By rung: (step, trials that passed it, that were held back, that failed)."""
    strips: Sequence[tuple[str, bytes]] = ()
    """(picture's name, PNG) of the validation pictures, see `strip.picture_strip`."""
    recipe: str = ""
    """The winner's resolved recipe, YAML."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """See `tracking.environment.describe_environment`."""
    commands: Sequence[tuple[str, str]] = ()
    """How to reproduce and use the result: (what it does, command line)."""

    @property
    def name(self) -> str:
        """The sweep's name."""
        return str(self.status["sweep"])

    @property
    def trials(self) -> list[Trial]:
        """All trials, the best first by the first objective; those without a value last.

        Complete ones come first, and of each kind those that violate no constraint.
        """
        metric, direction = self.objective
        sign = -1.0 if direction == "max" else 1.0

        def place(trial: Trial) -> tuple[bool, bool, bool, float, str]:
            value = self.metric(trial, metric)
            # A stopped trial's value is from fewer steps and ranks behind every complete one.
            rank = math.inf if value is None else sign * value
            missed = trial.get("feasible") is False
            return trial["state"] != "COMPLETE", missed, value is None, rank, str(trial["trial"])

        return sorted(self.status["trials"], key=place)

    @property
    def objective(self) -> tuple[str, str]:
        """The first objective: (metric, ``max`` or ``min``)."""
        objectives: Mapping[str, str] = self.status.get("objectives") or {"psnr_y": "max"}
        return next(iter(objectives.items()))

    @property
    def axes(self) -> tuple[str, str] | None:
        """The first two objectives; None where there is one alone."""
        names = list(self.status.get("objectives") or {})
        return (names[0], names[1]) if len(names) > 1 else None

    @property
    def best(self) -> Trial | None:
        """The winner, None while there is none."""
        winner = self.status.get("best")
        return next((trial for trial in self.status["trials"] if trial["trial"] == winner), None)

    @property
    def quality(self) -> str:
        """The metric on the figures' upright axis: PSNR-Y where measured."""
        measured = any("psnr_y" in trial["metrics"] for trial in self.status["trials"])
        return "psnr_y" if measured else self.objective[0]

    def metric(self, trial: Trial, name: str) -> float | None:
        """A finite value of a trial's metric or cost, None where there is none."""
        value = trial["metrics"].get(name)
        if value is None:
            value = self.costs.get(trial["trial"], {}).get(name)
        return float(value) if value is not None and math.isfinite(value) else None

    def curve(self, trial: Trial, name: str) -> list[tuple[int, float]]:
        """The finite values of a metric over a trial's steps."""
        told = ((step, metrics.get(name)) for step, metrics in self.reports.get(trial["trial"], ()))
        return [(step, v) for step, v in told if v is not None and math.isfinite(v)]

    def baseline(self, name: str) -> float | None:
        """Bicubic's value of a metric."""
        value = (self.status.get("baseline") or {}).get(name)
        return float(value) if value is not None and math.isfinite(value) else None


def counts(trial: Trial) -> bool:
    """Whether a trial can win: it is complete and meets the constraints."""
    return trial["state"] == "COMPLETE" and bool(trial.get("feasible", True))


def family(trial: Trial) -> str:
    """The kind of generator a trial trains, empty where the sweep does not vary it."""
    recipe = trial["recipe"]
    generator = recipe.get("generator")
    if isinstance(generator, Mapping):
        generator = generator.get("preset") or generator.get("kind")
    return str(generator or recipe.get("generator.preset") or recipe.get("generator.kind") or "")
