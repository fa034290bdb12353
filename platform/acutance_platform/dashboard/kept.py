"""Answers that are made once for each version of a sweep, and kept for whoever asks next."""

import gzip
import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast, final

from fastapi import Request
from fastapi.responses import Response

from acutance_platform.dashboard.index import Followed, Index

T = TypeVar("T")
_MOST = 48
"""Answers that are kept; the one asked for longest ago goes first."""
_SMALL = 2_000
"""Bytes below which packing does not pay."""


@final
class Document:
    """JSON as bytes, and packed for who takes it so.

    Args:
        value: Plain data without NaN.
    """

    def __init__(self, value: Any) -> None:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        self._plain = text.encode()
        self._packed: bytes | None = None

    def answer(self, request: Request) -> Response:
        """Return it as the answer to a request."""
        heads = {"vary": "accept-encoding"}
        body = self._plain
        if len(body) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
            if self._packed is None:
                self._packed = gzip.compress(body, compresslevel=1)
            body, heads["content-encoding"] = self._packed, "gzip"
        return Response(body, media_type="application/json", headers=heads)


@final
class Kept:
    """A bounded store of answers.

    Args:
        index: The sweeps.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: OrderedDict[Hashable, tuple[weakref.ref[Followed], int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, sweep: str, what: Hashable, make: Callable[[Followed], T]) -> T:
        """Return what `make` gives for the sweep as it is now.

        Args:
            sweep: Name.
            what: Tells this answer from others about the sweep.
            make: Called while the sweep is kept still, where nothing is kept of its version.

        Raises:
            RecipeErrors: If there is no such sweep.
        """
        with self._index.sweep(sweep) as known:
            with self._lock:
                kept = self._found.get((sweep, what))
                # One that was let go of and read again counts its versions anew.
                if kept is not None and kept[0]() is known and kept[1] == known.version:
                    self._found.move_to_end((sweep, what))
                    return cast(T, kept[2])
            version, made = known.version, make(known)
        with self._lock:
            self._found[sweep, what] = weakref.ref(known), version, made
            self._found.move_to_end((sweep, what))
            while len(self._found) > _MOST:
                self._found.popitem(last=False)
        return made
