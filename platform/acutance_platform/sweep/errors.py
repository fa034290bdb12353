"""Errors of running a sweep.

SweepError
├── SweepBusy       another driver runs this sweep on this machine
└── SweepDiffers    a sweep of this name exists with another recipe or search
"""


class SweepError(Exception):
    """A sweep cannot run as asked."""


class SweepBusy(SweepError):
    """Another driver runs this sweep on this machine."""


class SweepDiffers(SweepError):
    """A sweep of this name exists with another recipe or search."""
