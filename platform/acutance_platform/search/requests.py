"""What people ask of a sweep while its driver runs: small immutable objects beside its journal.

A journal has one writer, the driver. Whoever else wants something leaves a request,
`steering/SWEEP/TIME-RANDOM.json`, on any machine that sees the store; the driver journals what
it makes of it and deletes the request after that, so that a crash in between loses nothing.
"""

import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, final

from acutance_storage import BlobStore, KeyMissing
from acutance_storage.errors import check_schema

LOOK_EVERY = 3.0
"""Seconds between two looks of a driver; a look is one listing of the store."""
_SCHEMA = 1

Request = dict[str, Any]
"""`id`, `do` (stop, enqueue or budget), `by`, `time`, and `trial`, `point` or `settings`."""


@final
class Requests:
    """The requests to one sweep or training.

    Args:
        store: Where they lie.
        name: Of the sweep or training.
    """

    def __init__(self, store: BlobStore, name: str) -> None:
        self._store, self._folder = store, f"steering/{name}/"

    def post(self, do: str, **what: Any) -> Request:
        """Leave a request and return it, its `id`, `by` (USER@HOST) and `time` filled in."""
        now = time.time()
        name = f"{round(now * 1000):015d}-{secrets.token_hex(4)}"
        request = {"id": name, "do": do, **what, "by": asker(), "time": now}
        content = json.dumps({"schema": _SCHEMA, **request})
        self._store.write(self._key(name), content.encode())
        return request

    def pending(self, known: Collection[str] = ()) -> Iterator[Request]:
        """Yield the requests in the order of their times; costs one listing where there are none.

        One that cannot be read has `do: unreadable`.

        Args:
            known: Ids of requests that were honoured already: they are deleted unread.
        """
        for key in self._store.list(self._folder):
            name = key.removeprefix(self._folder).removesuffix(".json")
            if name in known:
                self.drop(name)
                continue
            with suppress(KeyMissing):  # its asker took it back
                yield self._read(name)

    def drop(self, name: str) -> None:
        """Delete a request that the journal knows."""
        self._store.delete(self._key(name))

    def _read(self, name: str) -> Request:
        data = self._store.read(self._key(name))
        try:
            request = json.loads(data)
            check_schema(request.pop("schema"), _SCHEMA, self._key(name))
            return {"by": "somebody", **request, "do": str(request["do"]), "id": name}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"id": name, "do": "unreadable", "by": "somebody"}

    def _key(self, name: str) -> str:
        return f"{self._folder}{name}.json"


_ACTING: ContextVar[str | None] = ContextVar("acting", default=None)


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Let requests and the ledger name `who` while the block runs: a server acts for others."""
    token = _ACTING.set(who)
    try:
        yield
    finally:
        _ACTING.reset(token)


def asker() -> str:
    """Return who asks: USER@HOST, or for whom a server acts."""
    acting = _ACTING.get()
    if acting is not None:
        return acting
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
