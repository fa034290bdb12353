"""Server-sent events: pages hear at once that something changed, and ask for what they show.

All pages that follow one thing share one look at it per second, made by one thread at most. A
stream ends when its reader leaves, or when the server is told to end.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Final, final

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from acutance_platform.recipe import RecipeErrors
from acutance_storage import StorageError

EVERY: Final = 1.0
"""Seconds between two looks."""
_HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment keeps the connection from being taken for dead."""

Version = str | int
Look = Callable[[], Version]


@final
class _Watch:
    """One thing that readers follow."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.version: Version | None = None
        self.changed = asyncio.Event()
        self.readers = 0
        self.task: asyncio.Task[None] | None = None
        self.loop = asyncio.get_running_loop()

    async def run(self) -> None:
        while self.readers:
            try:
                version = await run_in_threadpool(self._look)
            except (RecipeErrors, StorageError, OSError):
                version = self.version or 0  # the page's own request will say what is wrong
            if version != self.version:
                self.version = version
                self.tell()
            await asyncio.sleep(EVERY)

    def tell(self) -> None:
        """Wake all readers."""
        earlier, self.changed = self.changed, asyncio.Event()
        earlier.set()


@final
class Streams:
    """All streams of one server."""

    def __init__(self) -> None:
        self._watches: dict[str, _Watch] = {}
        self._closed = False

    def answer(self, name: str, look: Look) -> StreamingResponse:
        """Return a stream of `{"version": V}`: first the present one, then each other one.

        Args:
            name: Of what is followed; readers of equal names share the looks.
            look: Returns the version now; runs in a thread.
        """
        # Proxies that gather an answer before they pass it on would make the page wait.
        heads = {"x-accel-buffering": "no"}
        told = self._told(name, look)
        return StreamingResponse(told, media_type="text/event-stream", headers=heads)

    def close(self) -> None:
        """End all streams, for good; called in the server's own loop."""
        self._closed = True
        for watch in self._watches.values():
            watch.tell()

    async def _told(self, name: str, look: Look) -> AsyncIterator[str]:
        watch = self._watches.get(name)
        if watch is None or watch.loop is not asyncio.get_running_loop():
            watch = self._watches[name] = _Watch(look)
        watch.readers += 1
        if watch.task is None:
            watch.task = asyncio.create_task(watch.run())
        try:
            yield "retry: 2000\n\n"
            told: Version | None = None
            while not self._closed:
                if watch.version is not None and watch.version != told:
                    told = watch.version
                    yield f"data: {json.dumps({'version': told})}\n\n"
                    continue
                try:
                    await asyncio.wait_for(watch.changed.wait(), _HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            watch.readers -= 1
            if not watch.readers and watch.task is not None:
                watch.task.cancel()
                self._watches.pop(name, None)
