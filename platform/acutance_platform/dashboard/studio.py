"""Pictures on demand: the server's side of the process that makes them."""

import atexit
import hashlib
import itertools
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from acutance_platform.dashboard.gallery import MOST_BYTES, Gallery, gallery_of
from acutance_platform.verbs.home import Home
from acutance_storage import StorageError

if TYPE_CHECKING:
    from acutance_platform.verbs.sides import Side

_FORGOTTEN: Final = 60.0
"""Seconds after which a picture that no page asks for any more is not made."""
_KNOWN: Final = 5_000
"""Orders and scores that are remembered."""
_SCORED: Final = 120.0
_REVISION: Final = 1
"""Raised where the same order gives other pixels than before."""


@dataclass
class _State:
    """What is known of a picture that is not whole yet."""

    side: "Side"
    asked: float
    state: str = "waiting"
    size: Sequence[int] | None = None
    parts: list[Sequence[int]] = field(default_factory=list)
    error: str = ""
    retold: bool = False


@final
class Studio:
    """Makes pictures in a process of its own, which starts when one is wanted.

    Args:
        home: Where datasets and weights lie; pictures go below its local folder.
        most_bytes: That the pictures may take.
    """

    def __init__(self, home: Home, most_bytes: int = MOST_BYTES) -> None:
        self._home, self._most_bytes = home, most_bytes
        self._server = secrets.token_hex(8)
        self.gallery = Gallery(gallery_of(home.local), self._server, most_bytes)
        self._states: OrderedDict[str, _State] = OrderedDict()
        self._scores: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._answers: dict[int, dict[str, Any] | None] = {}
        self._numbers = itertools.count()
        self._changed = threading.Condition(threading.RLock())
        self._copying = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def key(self, side: "Side", picture: Sequence[str]) -> str:
        """Return the name of a side's content.

        Args:
            side: What is to be made.
            picture: Hashes of the pixels that it is made from: HR, LR and map where stored.
        """
        content = asdict(side)
        del content["data"], content["index"]  # the same picture in another dataset is the same
        made_by = [_REVISION, version("torch"), version("numpy")]
        text = json.dumps([content, list(picture), made_by], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def ask(
        self, sides: Mapping[str, "Side"], at: tuple[int, int] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return how far pictures are, and have those made that are not there.

        Args:
            sides: Key -> what is to be made, the first ones first.
            at: Row and column that are looked at, which are made first.
        """
        with self._changed:
            self._drop_forgotten()
            return {key: self._asked(key, side, at) for key, side in sides.items()}

    def wait(self, sides: Mapping[str, "Side"], seconds: float) -> dict[str, dict[str, Any]]:
        """Ask until all are made or failed, or the time is over."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                told = self.ask(sides)
                left = deadline - time.monotonic()
                if left <= 0 or all(t["state"] in ("ready", "failed") for t in told.values()):
                    return told
                self._changed.wait(min(left, 5.0))

    def scores(
        self,
        keys: Mapping[str, int],
        hr: str,
        *,
        window: tuple[int, int, int, int] | None,
        protocol: str,
        grey: bool,
    ) -> dict[str, dict[str, Any]]:
        """Return PSNR-Y and SSIM-Y of whole pictures, or of a window of them.

        Args:
            keys: Of pictures that are ready -> the scale of each.
            hr: Key of the HR picture.
            window: First row and column, last row and column plus one; None = all.
            protocol: Its rounding, luma and border count; the border is that of the picture.
            grey: Whether the file held one channel.
        """
        how = {"hr": hr, "window": window, "protocol": protocol, "grey": grey}
        names = {key: json.dumps([key, scale, how], sort_keys=True) for key, scale in keys.items()}
        with self._changed:
            lacking = {key: keys[key] for key in keys if names[key] not in self._scores}
            found = self._scored(lacking, how) if lacking else {}
            for key, values in found.items():
                if "error" not in values:
                    self._scores[names[key]] = values
            told = {key: self._scores.get(names[key]) or found[key] for key in keys}
            while len(self._scores) > _KNOWN:
                self._scores.popitem(last=False)
            return told

    def close(self) -> None:
        """End the process; it starts again when a picture is wanted."""
        with self._changed:
            process, self._process = self._process, None
            self._states.clear()
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)

    def _asked(self, key: str, side: "Side", at: tuple[int, int] | None) -> dict[str, Any]:
        if self.gallery.has(key):
            self._states.pop(key, None)
            return {"state": "ready"}
        known = self._states.get(key)
        if known is None or known.state == "dropped":
            known = self._states[key] = _State(side, time.monotonic())
            self._order(key, side)
            while len(self._states) > _KNOWN:
                self._states.popitem(last=False)
        known.asked = time.monotonic()
        if at is not None and known.state in ("waiting", "making"):
            self._send({"do": "look", "key": key, "at": at})
        told = {"state": known.state, "size": known.size, "parts": known.parts}
        return told | ({"error": known.error} if known.error else {})

    def _order(self, key: str, side: "Side") -> None:
        if side.what == "hr":  # is only copied, which need not wait for a process to start
            threading.Thread(target=self._copy, args=(key, side), daemon=True).start()
        else:
            self._send({"do": "make", "key": key, "side": asdict(side)})

    def _copy(self, key: str, side: "Side") -> None:
        from acutance_platform.verbs.sides import Sides

        with self._copying:
            try:
                size, pieces = Sides(self._home).pieces(side)
                pyramid = self.gallery.begin(key, size)
                for top, left, pixels in pieces:
                    pyramid.put(top, left, pixels)
                    part = [top, left, *pixels.shape[:2]]
                    self._take({"key": key, "state": "making", "size": size, "part": part})
                self.gallery.publish(key)
                self._take({"key": key, "state": "ready"})
            except (StorageError, OSError, ValueError) as error:
                self._take({"key": key, "state": "failed", "error": str(error)})

    def _drop_forgotten(self) -> None:
        for key, state in list(self._states.items()):
            if time.monotonic() - state.asked > _FORGOTTEN:
                if state.state in ("waiting", "making"):
                    self._send({"do": "drop", "key": key})
                del self._states[key]

    def _scored(self, keys: Mapping[str, int], how: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        number = next(self._numbers)
        self._answers[number] = None
        self._send({"do": "score", "id": number, "keys": dict(keys), **how})
        deadline = time.monotonic() + _SCORED
        while self._answers[number] is None and time.monotonic() < deadline:
            self._changed.wait(1.0)
        answer = self._answers.pop(number)
        late = {"error": "this took too long"}
        return answer["values"] if answer is not None else dict.fromkeys(keys, late)

    def _send(self, order: Mapping[str, Any]) -> None:
        """Hand an order to the process, a fresh one where there is none."""
        line = json.dumps(order).encode() + b"\n"
        for _ in range(2):
            process = self._process or self._start()
            assert process.stdin is not None
            try:
                process.stdin.write(line)
                process.stdin.flush()
            except OSError:  # it ended for want of orders at this moment
                self._process = None
            else:
                return

    def _start(self) -> subprocess.Popen[bytes]:
        gallery_of(self._home.local).mkdir(parents=True, exist_ok=True)
        where = [self._home.store.address, str(self._home.local)]
        where += [self._server, str(self._most_bytes)]
        # It has to find the same code and plug-ins as the server.
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-m", "acutance_platform.dashboard.painter", *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._process = process
        threading.Thread(target=self._hear, args=(process,), daemon=True).start()
        return process

    def _hear(self, process: "subprocess.Popen[bytes]") -> None:
        """Take in what the process tells, until it ends."""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._take(json.loads(line))
        code = process.wait()
        with self._changed:
            if self._process is process:
                self._process = None
                self._ended(code)
            self._changed.notify_all()
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()

    def _take(self, told: dict[str, Any]) -> None:
        with self._changed:
            if "id" in told:
                if told["id"] in self._answers:
                    self._answers[told["id"]] = told
            elif (known := self._states.get(told["key"])) is not None:
                known.state, known.error = told["state"], told.get("error", "")
                known.size = told.get("size") or known.size
                if told.get("part"):
                    known.parts.append(told["part"])
            self._changed.notify_all()

    def _ended(self, code: int) -> None:
        """Order again what a process left that ended; what killed it is not tried twice."""
        for key, known in self._states.items():
            if known.side.what == "hr":
                continue
            if code and (known.state == "making" or known.retold):
                known.state = "failed"
                known.error = f"the process that made it ended with {code}: out of memory?"
            elif known.state in ("waiting", "making"):
                known.state, known.parts, known.retold = "waiting", [], True
                self._order(key, known.side)
