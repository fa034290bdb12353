"""Training: one loop, keyed batches, exact resume."""

from acutance_platform.training.costs import structural_costs
from acutance_platform.training.data import Pairs, dataset_problems, picture_stream
from acutance_platform.training.evaluate import (
    mean_scores,
    measure,
    super_resolve,
    super_resolve_luma,
)
from acutance_platform.training.features import (
    FEATURES,
    feature_files,
    feature_problems,
    files_of_metrics,
    metric_problems,
)
from acutance_platform.training.group import RankLost
from acutance_platform.training.inherit import Inheritance, compare, lineage_of
from acutance_platform.training.keys import stage_keys
from acutance_platform.training.loop import Interrupted, StageTraining, TrainingDiverged
from acutance_platform.training.machine import (
    Facts,
    MachineKind,
    device_here,
    device_of,
    facts_here,
    machine_kind,
    placed,
    resolve_auto,
    room_problems,
)
from acutance_platform.training.opening import open_training
from acutance_platform.training.pieces import OutOfMemory
from acutance_platform.training.state import Report, States
from acutance_platform.training.training import Training
from acutance_platform.training.zero_shot import ZeroShotTraining, picture_result

__all__ = [
    "FEATURES",
    "Facts",
    "Inheritance",
    "Interrupted",
    "MachineKind",
    "OutOfMemory",
    "Pairs",
    "RankLost",
    "Report",
    "StageTraining",
    "States",
    "Training",
    "TrainingDiverged",
    "ZeroShotTraining",
    "compare",
    "dataset_problems",
    "device_here",
    "device_of",
    "facts_here",
    "feature_files",
    "feature_problems",
    "files_of_metrics",
    "lineage_of",
    "machine_kind",
    "mean_scores",
    "measure",
    "metric_problems",
    "open_training",
    "picture_result",
    "picture_stream",
    "placed",
    "resolve_auto",
    "room_problems",
    "stage_keys",
    "structural_costs",
    "super_resolve",
    "super_resolve_luma",
]
