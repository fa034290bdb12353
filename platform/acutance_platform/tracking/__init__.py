"""Tracking: the local MLflow server and the projection of journals into MLflow runs.

MLflow itself takes seconds to import and is imported only when something is shipped.
"""

from acutance_platform.tracking.changes import read_changes
from acutance_platform.tracking.client import find_runs
from acutance_platform.tracking.environment import describe_environment, git_state
from acutance_platform.tracking.origin import origin_record, same_origin
from acutance_platform.tracking.recorder import Recorder, RecorderStatus
from acutance_platform.tracking.server import (
    LocalServer,
    ServerError,
    local_server,
    tracking_server,
)

__all__ = [
    "LocalServer",
    "Recorder",
    "RecorderStatus",
    "ServerError",
    "describe_environment",
    "find_runs",
    "git_state",
    "local_server",
    "origin_record",
    "read_changes",
    "same_origin",
    "tracking_server",
]
