"""Where things lie: the store and this machine's folder, chosen by the environment."""

from dataclasses import dataclass
from pathlib import Path

from acutance_storage import BlobStore, local_folder, open_store


@dataclass(frozen=True)
class Home:
    """The two places that a verb works with."""

    store: BlobStore
    """Datasets, states, weights, journals (`ACUTANCE_STORE`, else ./.acutance)."""
    local: Path
    """Caches, reports, the tracking server (`ACUTANCE_LOCAL`, else ./.acutance/local)."""


def open_home() -> Home:
    """Return store and local folder as the environment says."""
    local = local_folder()
    local.mkdir(parents=True, exist_ok=True)
    return Home(open_store(), local)
