"""Leases: who is working on something right now, so that nobody else begins it in vain.

Nothing may rest on a lease: two owners may both believe that they have it, and a store that is out
of reach has none. It only saves work, so content has to be the same whoever makes it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import final

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import SchemaUnknown, StorageError, check_schema

PATIENCE = 60.0
"""Seconds after which a lease whose owner is silent has lapsed."""
_SCHEMA = 1
_BEATS = 4  # in that time
_LOOK_AGAIN = 2.0  # seconds for which an answer is good enough


@final
class Leases:
    """The leases of one owner, and a look at those of others.

    Args:
        store: Where they are kept, `leases/KEY.json`.
        owner: Name under which they are held; the same owner may come back after a crash.
        clock: Returns seconds since the epoch, on every machine within a few seconds.
        patience: Seconds after which a lease whose owner is silent has lapsed.
    """

    def __init__(
        self,
        store: BlobStore,
        owner: str,
        *,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        self.patience = patience
        self._store, self._owner, self._clock = store, owner, clock
        self._mine: set[str] = set()
        self._looked: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def held_by_another(self, key: str) -> bool:
        """Say whether somebody else holds `key` and gave a sign of life."""
        return self.holder(key) is not None

    def holder(self, key: str) -> str | None:
        """Return who else holds `key` and gave a sign of life; None where nobody does.

        That nobody does is looked up each time: whoever asks begins the work on that word.
        """
        now = self._clock()
        known = self._looked.get(key)
        if known is not None and now - known[0] < _LOOK_AGAIN:
            return known[1]
        held = self._held(key, now)
        if held is not None:
            self._looked[key] = (now, held)
        return held

    def silent(self, key: str) -> bool:
        """Wait until whoever else holds `key` gives a sign of life, or has lapsed; say whether.

        Takes at most the patience; no time where nobody holds it.
        """
        first = self._last_sign(key)
        while self._held(key, self._clock()) is not None:
            if self._last_sign(key) not in (first, b""):  # nothing: it was given back just now
                return False
            time.sleep(_LOOK_AGAIN / 4)
        return True

    def take(self, key: str) -> None:
        """Hold `key` until it is let go, as long as `beating` runs."""
        with self._lock:
            self._mine.add(key)
        self._write(key)

    def let_go(self, key: str) -> None:
        """Give `key` back; one that is not held is fine."""
        with self._lock:
            if key not in self._mine:
                return
            self._mine.discard(key)
        with suppress(StorageError, OSError):
            self._store.delete(_key(key))

    def beat(self) -> None:
        """Give a sign of life for everything that is held."""
        with self._lock:
            mine = sorted(self._mine)
        for key in mine:
            self._write(key)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Give signs of life until the block ends, then give everything back."""
        ended = threading.Event()

        def go_on() -> None:
            while not ended.wait(self.patience / _BEATS):
                self.beat()

        thread = threading.Thread(target=go_on, name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            for key in sorted(self._mine):
                self.let_go(key)

    def _held(self, key: str, now: float) -> str | None:
        try:
            lease = json.loads(self._store.read(_key(key)))
            check_schema(lease.get("schema", _SCHEMA), _SCHEMA, _key(key))
            owner, alive = str(lease["owner"]), now - float(lease["time"]) < self.patience
        except SchemaUnknown:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OSError, StorageError):
            return None  # work that is done twice is better than work that is never done
        return owner if alive and owner != self._owner else None

    def _last_sign(self, key: str) -> bytes:
        try:
            return self._store.read(_key(key))
        except (OSError, StorageError):
            return b""

    def _write(self, key: str) -> None:
        lease = {"schema": _SCHEMA, "owner": self._owner, "time": self._clock()}
        with suppress(StorageError, OSError):
            self._store.write(_key(key), json.dumps(lease).encode())


def _key(key: str) -> str:
    return f"leases/{key}.json"
