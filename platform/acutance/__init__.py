"""The public face of acutance: the verbs of the command line as functions.

    import acutance

    model = acutance.load("quickstart/best")
    sr = model.upscale(lr)  # arrays (h, w, 3), 0 to 255

MODEL and DATA are written as on the command line. Where things lie is said by ACUTANCE_STORE and
ACUTANCE_LOCAL, unless `home` is given.
"""

from acutance_platform.verbs.addresses import load_model as load
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.experiments import experiment
from acutance_platform.verbs.exporting import export, parity
from acutance_platform.verbs.interpolating import interpolate
from acutance_platform.verbs.logs import logs
from acutance_platform.verbs.looking import front, report, status
from acutance_platform.verbs.promotion import promote, rollback
from acutance_platform.verbs.running import resume, sweep, train
from acutance_platform.verbs.steering import enqueue, stop
from acutance_platform.verbs.upscaling import upscale

__all__ = [
    "enqueue",
    "evaluate",
    "experiment",
    "export",
    "front",
    "interpolate",
    "load",
    "logs",
    "parity",
    "promote",
    "report",
    "resume",
    "rollback",
    "status",
    "stop",
    "sweep",
    "train",
    "upscale",
]
