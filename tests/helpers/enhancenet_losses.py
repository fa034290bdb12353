"""EnhanceNet's six loss mixes from one pretrain: trained, measured, and held against the paper.

E = squared error, P = perceptual, A = adversarial, T = texture; the paper's names for the mixes are
the letters of their terms. What the sweeps of `experiments/enhancenet-losses` learned is told and
drawn by

    python tests/helpers/enhancenet_losses.py SWEEP...

one sweep per seed, of which the first is drawn.
"""

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from enhancenet_losses_figure import FIGURE, Panel, figure

import acutance
from acutance_platform.recipe import Recipe, build_recipe
from acutance_platform.search.grid import grid_points
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.training import Training, machine_kind
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.files import read_sweep
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.journals import open_sweep
from acutance_platform.verbs.plans import spec_of, trial_recipe

EXPERIMENT = Path(__file__).resolve().parents[2] / "experiments" / "enhancenet-losses"
PHOTOGRAPHS = EXPERIMENT.parent / "quickstart" / "photos" / "validation"
SOURCES = {
    "random": "sweep.yaml",
    "normalised": "normalised.yaml",
    "distilled": "distilled.yaml",
}
"""Feature source -> the experiment's file that trains through it."""

MIXES = ("E", "P", "EA", "PA", "EAT", "PAT")
SCALE = 4
_LETTERS = {"pixel": "E", "perceptual": "P", "adversarial": "A", "texture": "T"}

FREE = ("psnr_y", "ssim_y", "feature_distance", "gram_distance", "edge_acutance", "lr_consistency")
"""Metrics that need no file; the two distances look through random weights of another seed than the
ones trained through."""

WITH_FILES: dict[str, dict[str, Any]] = {
    "distilled_distance": {
        "kind": "feature_distance",
        "features": "vgg19-distilled",
        "layers": {"relu4_1": 1.0},
    },
    "normalised_gram": {
        "kind": "gram_distance",
        "features": "vgg19-normalised",
        "layers": {"relu3_1": 1.0},
    },
    "niqe": {"kind": "niqe"},
}
"""Metrics that need a published file, by the names under which they are told."""

PERCEPTUAL = (
    "feature_distance",
    "distilled_distance",
    "gram_distance",
    "normalised_gram",
    "niqe",
    "edge_acutance",
)
"""Metrics of which the paper's claim is that texture with a discriminator does best."""

Row = Mapping[str, float]
"""Metric -> value of one model."""
Rows = Mapping[str, Sequence[Row]]
"""Mix -> a row per seed."""


class Finding(NamedTuple):
    """One of the paper's orderings, and what the seeds say of it."""

    claim: str
    """In words."""
    gaps: list[float]
    """For each seed by how much it holds; negative where it does not. dB, or the metric's unit."""

    @property
    def verdict(self) -> str:
        """`holds` or `does not hold` where all seeds agree, else `open`."""
        if all(gap > 0 for gap in self.gaps):
            return "holds"
        return "does not hold" if all(gap <= 0 for gap in self.gaps) else "open"


def recipes(file: str, home: Home, *settings: str) -> dict[str, Recipe]:
    """Return mix -> recipe of one of the experiment's files, with `path=value` settings."""
    read, search = read_sweep(EXPERIMENT / file, settings, home)
    spec = {key: value for key, value in spec_of(read).items() if key != "search"}
    points = grid_points(parse_space(search.space), spec)
    made = [build_recipe(apply_to(spec, point.apply)) for point in points]
    found = {mix_of(recipe): recipe for recipe in made}
    assert tuple(found) == MIXES
    return found


def mix_of(recipe: Recipe) -> str:
    """Return the paper's name of a recipe's last loss mix."""
    terms = list(recipe.stages.values())[-1].loss
    return "".join(letter for name, letter in _LETTERS.items() if name in terms)


class Trained(NamedTuple):
    """A mix after its training."""

    weights: str
    """SHA-256 of the published weights."""
    executed: int
    """Steps that it computed; what another mix had paid for is not counted, but what the same mix
    of another source had paid for is."""


def train(recipe: Recipe, home: Home) -> Trained:
    """Train one mix to its end in this process."""
    owner = mix_of(recipe)
    kind = machine_kind(recipe)
    training = Training(recipe, store=home.store, local=home.local, machine=kind, owner=owner)
    while training.step < recipe.steps:
        training.advance()
    weights = training.reports[-1].weights
    assert weights is not None
    return Trained(weights, sum(each.told_by(owner).executed for each in training.reports))


def measure(model: str, home: Home, *names: str, set5: Path | None = None) -> dict[str, float]:
    """Return metrics on the validation photographs, or on Set5 with its given LR pictures."""
    entries = [{"name": each, **WITH_FILES[each]} if each in WITH_FILES else each for each in names]
    data, lr = (PHOTOGRAPHS, None) if set5 is None else (set5 / "HR", set5 / f"LRx{SCALE}")
    return dict(evaluate(model, data, scale=SCALE, lr=lr, metrics=entries, home=home).mean)


def findings(rows: Rows) -> list[Finding]:
    """Return which of the paper's orderings hold.

    Args:
        rows: Of one feature source; every mix with the same seeds.
    """
    seeds = range(len(rows["E"]))

    def gap(better: Sequence[str], others: Sequence[str], metric: str) -> list[float]:
        return [
            min(_loss(metric, rows[mix][seed]) for mix in others)
            - min(_loss(metric, rows[mix][seed]) for mix in better)
            for seed in seeds
        ]

    found = [
        Finding("E has the highest PSNR-Y", gap(["E"], MIXES[1:], "psnr_y")),
        Finding("PAT is above PA in PSNR-Y", gap(["PAT"], ["PA"], "psnr_y")),
        Finding("EAT is above EA in PSNR-Y", gap(["EAT"], ["EA"], "psnr_y")),
    ]
    for metric in (each for each in PERCEPTUAL if each in rows["E"][0]):
        with_texture, without = ("EAT", "PAT"), ("E", "P", "EA", "PA")
        found += [
            Finding(f"EAT or PAT is best in {metric}", gap(with_texture, without, metric)),
            Finding(f"PAT is best in {metric}", gap(["PAT"], [*without, "EAT"], metric)),
        ]
    return found


def _loss(metric: str, row: Row) -> float:
    """Return what is lower for the better model."""
    if metric == "edge_acutance":
        return abs(1 - row[metric])
    return -row[metric] if metric in ("psnr_y", "ssim_y", "lr_consistency") else row[metric]


def table(rows: Rows, bicubic: Row, names: Sequence[str]) -> str:
    """Return rows of Markdown: the mean over seeds and, in brackets, largest minus smallest."""
    lines = [f"| mix | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines.append(f"| (bicubic) | {' | '.join(_number(bicubic[name]) for name in names)} |")
    for mix, seeds in rows.items():
        cells = [spread([row[name] for row in seeds]) for name in names]
        lines.append(f"| {mix} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """Return the mean and, in brackets, largest minus smallest."""
    return f"{_number(statistics.mean(values))} ({_number(max(values) - min(values))})"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 2 else f"{value:.3f}"


def trials_of(sweep: str, home: Home) -> dict[str, str]:
    """Return mix -> MODEL of one of the experiment's finished sweeps."""
    told = open_sweep(home.store, sweep)
    found = {mix_of(trial_recipe(told, trial)): f"{sweep}/{trial}" for trial in told.sweep.trials}
    return {mix: found[mix] for mix in MIXES}


def panels(models: Mapping[str, str], bicubic: Row, rows: Rows) -> Iterator[Panel]:
    """Yield the figure's networks, the values of the first seed under each."""
    for mix, model in {"bicubic": "bicubic", **models}.items():
        row = bicubic if mix == "bicubic" else rows[mix][0]
        upscale = acutance.load(model).upscale
        yield Panel(mix, lambda lr, upscale=upscale: upscale(lr, scale=SCALE), row)


def main(*sweeps: str) -> None:
    """Print table and findings of the experiment's sweeps, and draw the first one's figure."""
    home = open_home()
    trials = [trials_of(sweep, home) for sweep in sweeps]
    rows = {mix: [measure(each[mix], home, *FREE) for each in trials] for mix in MIXES}
    bicubic = measure("bicubic", home, *FREE)
    print(table(rows, bicubic, FREE))
    for finding in findings(rows):
        print(f"{finding.verdict:14} {finding.claim}: {spread(finding.gaps)}")
    figure(list(panels(trials[0], bicubic, rows)), PHOTOGRAPHS, SCALE).save(FIGURE, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
