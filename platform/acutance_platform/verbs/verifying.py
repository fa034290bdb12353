"""`store verify`: is everything in the store what it was when it was written."""

from collections.abc import Callable, Sequence

from acutance_platform.verbs.home import Home, open_home
from acutance_storage import NodeCache, Verified, open_store
from acutance_storage import verify_store as verify
from acutance_storage.blobs import BLOB_CACHE


def verify_store(
    *,
    repair: bool = False,
    copies: Sequence[str] = (),
    home: Home | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Verified:
    """Hash everything in the store again, and mend it from copies where that is asked.

    Args:
        repair: Whether damaged and missing blobs are replaced by sound copies.
        copies: Addresses of other stores; this machine's node cache is looked at first.
        home: Store and local folder; None takes what the environment says.
        progress: Called with the number of blobs done and of all.

    Raises:
        StorageError: If the store cannot be read at all, or an address cannot be one.
    """
    home = home or open_home()
    others = [open_store(address, local=home.local) for address in copies]
    cache = NodeCache(home.local / BLOB_CACHE)
    return verify(home.store, copies=[cache, *others], repair=repair, progress=progress)
