"""What an order was worth: hypervolume and regret over the steps spent, with intervals."""

import math
from collections.abc import Sequence

import numpy as np
from replay_curves import Curves, Served

from acutance_platform.search.front import hypervolume

BUDGETS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Shares of the steps that all trials to their end cost."""

SHORT = 0.01
REGRET = 0.02
"""Where a front counts as the full run's: missing hypervolume, and dB of the best PSNR-Y."""


def volumes(served: Served) -> list[tuple[int, float, float]]:
    """Return (steps, share of the full run's hypervolume, regret) after each completed trial.

    Only trials that came to their end count: the others' models were never finished.
    """
    curves, told, done = served.curves, [], list[int]()
    for steps, index in served.completed:
        done.append(index)
        told.append((steps, share(curves, done), regret(curves, done)))
    return told


def share(curves: Curves, done: Sequence[int]) -> float:
    points = [curves.values[i][curves.end] for i in done]
    return hypervolume(points, curves.directions, curves.reference) / curves.full


def regret(curves: Curves, done: Sequence[int]) -> float:
    """Return how much better the best value of the first objective is among all; bicubic at first.

    A value that is not finite is nobody's best.
    """
    sign = 1.0 if curves.directions[0] == "max" else -1.0
    best = max(_finite(sign, values[curves.end]) for values in curves.values)
    found = max((_finite(sign, curves.values[i][curves.end]) for i in done), default=-math.inf)
    return best - max(found, sign * curves.bicubic[0])


def _finite(sign: float, values: Sequence[float]) -> float:
    return sign * values[0] if math.isfinite(values[0]) else -math.inf


def at_budgets(served: Served) -> tuple[list[float], list[float]]:
    """Return hypervolume shares and regrets at each of `BUDGETS`."""
    whole = len(served.curves) * served.curves.steps
    events = [(0, 0.0, regret(served.curves, ())), *volumes(served)]
    at = [max(i for i, told in enumerate(events) if told[0] <= b * whole) for b in BUDGETS]
    return [events[i][1] for i in at], [events[i][2] for i in at]


def steps_to_front(served: Served) -> float:
    """Return the share of all steps after which the full run's front was there; inf: never."""
    whole = len(served.curves) * served.curves.steps
    for steps, reached, missed in volumes(served):
        if reached >= 1 - SHORT and missed <= REGRET:
            return steps / whole
    return math.inf


def interval(values: Sequence[float], *, draws: int = 4000) -> dict[str, float]:
    """Return the mean with the 95 % percentile bootstrap interval over orders."""
    given = np.asarray(values, float)
    picked = np.random.default_rng(0).integers(len(given), size=(draws, len(given)))
    low, high = np.quantile(given[picked].mean(axis=1), (0.025, 0.975))
    return {
        "mean": _short(given.mean()), "low": _short(low), "high": _short(high),
    }  # fmt: skip


def summed(orders: Sequence[Served]) -> dict[str, object]:
    """Return everything that is said of one contender."""
    told = [at_budgets(served) for served in orders]
    whole = len(orders[0].curves) * orders[0].curves.steps
    reached = [steps_to_front(served) for served in orders]
    rows = {
        "hypervolume": [interval(column) for column in zip(*(v for v, _ in told), strict=True)],
        "regret": [interval(column) for column in zip(*(r for _, r in told), strict=True)],
    }
    return {
        "orders": len(orders),
        **rows,
        "steps": interval([served.steps / whole for served in orders]),
        "end_hypervolume": interval([v[-1] for v, _ in told]),
        "end_regret": interval([r[-1] for _, r in told]),
        "front_within_40": interval([float(x <= 0.4) for x in reached]),
        "front_ever": interval([float(math.isfinite(x)) for x in reached]),
        "median_steps_to_front": _median(reached),
    }


def _median(values: Sequence[float]) -> float | None:
    """Return the median, None where half of the orders never came there."""
    middle = sorted(values)[len(values) // 2]
    return _short(middle) if math.isfinite(middle) else None


def _short(value: float) -> float:
    return float(f"{value:.5g}")
