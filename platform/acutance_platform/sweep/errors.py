"""Errors of running a sweep.

SweepError
├── SweepBusy       another driver runs this sweep on this machine
└── SweepDiffers    a sweep of this name exists with another recipe or search
"""


class SweepError(Exception):
    """A sweep cannot run as asked."""


class SweepBusy(SweepError):  # noqa: N818  (reads as what happened)
    """Another driver runs this sweep on this machine."""


class SweepDiffers(SweepError):  # noqa: N818
    """A sweep of this name exists with another recipe or search."""
