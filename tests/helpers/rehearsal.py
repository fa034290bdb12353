"""Runs a sweep without Ray: a loop with slots, trainings in memory, and drivers that die.

Time is a counter, so that whole sweeps are functions of their arguments.
"""

import math
import random

from acutance_platform.sweep.conductor import Conductor


class Died(Exception):
    """The driver was killed."""


class MemoryLog:
    """A journal in a list; dies before or after an append when told to."""

    def __init__(self):
        self.records = []
        self.appends = 0
        self.dies_at = None
        self.dies_before = False

    def append(self, *records):
        self.appends += 1
        dies = self.appends == self.dies_at
        if dies and self.dies_before:
            raise Died
        self.records += records
        if dies:
            raise Died

    def read(self):
        return list(self.records)


class Trainings:
    """States of all trials, which outlive drivers and workers.

    `quality(offer, step)` is PSNR-Y, or all metrics by name.
    """

    def __init__(self, quality, every=5, save_every=1):
        self.quality, self.every = quality, every
        self.reports = {}
        self.computed = {}

    def stored(self, offer):
        return list(self.reports.get(offer.trial, []))

    def advance(self, offer, clock):
        told = self.reports.setdefault(offer.trial, [])
        last = told[-1]["step"] if told else 0
        step = min((last // self.every + 1) * self.every, *(r for r in offer.rungs if r > last))
        self.computed[offer.trial] = self.computed.get(offer.trial, 0) + step - last
        value = self.quality(offer, step)
        told.append(
            {
                "step": step,
                "metrics": value if isinstance(value, dict) else {"psnr_y": value},
                "executed": step - last,
                "cpu_seconds": 1.0,
                "gpu_seconds": 0.0,
                "time": clock(),
                "weights": f"{offer.trial}@{step}" if step in offer.rungs else None,
            }
        )
        return told[-1]


def tends_to(offer, step):
    return offer.recipe["fake"]["quality"] * (1 - 0.5 ** (step / 4))


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        self.now += 1.0
        return self.now


def rehearse(plan, log, trainings, *, slots=1, order=None, fails=None, clock=None, requests=None):
    """Run one driver until the sweep ends or the journal kills it; return the conductor.

    `order` picks which leg reports next; `fails(trial, step)` says whether a leg ends in error;
    `requests` is what people ask, honoured as soon as the driver looks.
    """
    order, clock = order or random.Random(0), clock or Clock()
    conductor = Conductor(plan, journal=log, clock=clock, requests=requests)
    if conductor.done:
        return conductor
    conductor.start("driver", "host")
    legs = {}
    while True:
        if by := conductor.look(now=True):
            for name in legs:
                conductor.release(name)
            conductor.interrupt(f"stopped by {by}")
            return conductor
        while len(conductor.active) < slots and (offer := conductor.next_leg()) is not None:
            assert offer.trial not in legs, "a trial has one leg at a time"
            legs[offer.trial] = [offer, trainings.stored(offer)]
        if not legs:
            assert conductor.over()
            conductor.finish()
            return conductor
        name = order.choice(sorted(legs))
        offer, stored = legs[name]
        if fails is not None and fails(name, stored[-1]["step"] if stored else 0):
            del legs[name]
            conductor.on_failure(name, "RuntimeError: it fails")
            continue
        reports = stored or [trainings.advance(offer, clock)]
        legs[name][1] = []
        if not conductor.on_reports(name, reports):
            del legs[name]
            conductor.on_stopped(name)


def rehearse_through_deaths(plan, log, trainings, deaths, **how):
    """Run drivers one after the other, each killed at one of its appends, the last one not."""
    for gap, before in deaths:
        log.dies_at, log.dies_before = log.appends + gap, before
        try:
            return rehearse(plan, log, trainings, **how)
        except Died:
            continue
    log.dies_at = None
    return rehearse(plan, log, trainings, **how)


def decided(records):
    """Return what was decided, in order, without times and sessions."""
    kept = ("ask", "value", "promote", "end")
    drop = ("time",)
    return [
        {key: value for key, value in record.items() if key not in drop}
        for record in records
        if record["do"] in kept
    ]


def told_once(records):
    """Assert that each trial's reports come once each and without gaps; return them by trial."""
    steps = {}
    for record in records:
        if record["do"] == "report":
            steps.setdefault(record["trial"], []).append(record["step"])
    for trial, seen in steps.items():
        assert seen == sorted(set(seen)), f"{trial}: {seen}"
    return steps


def is_nan(value):
    return value is None or math.isnan(value)
