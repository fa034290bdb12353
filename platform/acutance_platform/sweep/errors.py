"""Errors of running a sweep.

SweepError
├── SweepBusy       another driver runs this sweep on this machine
├── SweepDiffers    a sweep of this name exists with another recipe or search
├── Misplaced       a node is of another kind than the sweep began on
└── NodeDraining    a leg ended because its node is being taken away
"""


class SweepError(Exception):
    """A sweep cannot run as asked."""


class SweepBusy(SweepError):
    """Another driver runs this sweep on this machine."""


class SweepDiffers(SweepError):
    """A sweep of this name exists with another recipe or search."""


class Misplaced(SweepError):
    """A node is of another kind than the sweep began on."""


class NodeDraining(SweepError):
    """A leg ended because its node is being taken away."""
