"""Training: one loop, keyed batches, exact resume."""

from acutance_platform.training.data import Pairs, dataset_problems, picture_stream
from acutance_platform.training.evaluate import (
    mean_scores,
    measure,
    super_resolve,
    super_resolve_luma,
)
from acutance_platform.training.keys import stage_key
from acutance_platform.training.loop import Interrupted, Training, TrainingDiverged
from acutance_platform.training.machine import (
    MachineKind,
    device_of,
    machine_kind,
    placed,
    resolve_auto,
    room_problems,
)
from acutance_platform.training.opening import open_training
from acutance_platform.training.state import Report, States
from acutance_platform.training.zero_shot import ZeroShotTraining, picture_result

__all__ = [
    "Interrupted",
    "MachineKind",
    "Pairs",
    "Report",
    "States",
    "Training",
    "TrainingDiverged",
    "ZeroShotTraining",
    "dataset_problems",
    "device_of",
    "machine_kind",
    "mean_scores",
    "measure",
    "open_training",
    "picture_result",
    "picture_stream",
    "placed",
    "resolve_auto",
    "room_problems",
    "stage_key",
    "super_resolve",
    "super_resolve_luma",
]
