"""MLflow's registry is brought up to date with the ledger; one that is away holds up nothing."""

from filelock import FileLock

from acutance_platform.registry.ledger import read_ledger
from acutance_platform.registry.publishing import PublishError, publish
from acutance_platform.tracking import ServerError, local_server
from acutance_platform.verbs.home import Home
from acutance_storage import StorageError


def show_in_mlflow(home: Home, name: str) -> list[str]:
    """Let MLflow's registered model show what the ledger says; return a note if it cannot."""
    home.local.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.local / "registry.lock"), local_server(home.local) as uri:
            # Read under the lock: whoever was quicker is not taken back.
            publish(uri, home.store, read_ledger(home.store), name=name)
    except (PublishError, ServerError, StorageError, OSError) as error:
        return [
            f"the ledger has it, MLflow does not show it yet: {error}. The same command again"
            " brings MLflow up to date"
        ]
    return []
