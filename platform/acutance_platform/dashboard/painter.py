"""The process that makes pictures: one at a time, what is looked at first, so that pages answer.

It takes orders as lines of JSON on its standard input and tells what became of them on its
standard output; `studio` is its only reader. Metrics are computed beside, in a thread.

    {"do": "make", "key": KEY, "side": {...}}      {"key": KEY, "state": "making", "part": [...]}
    {"do": "look", "key": KEY, "at": [ROW, COLUMN]}
    {"do": "drop", "key": KEY}                     {"key": KEY, "state": "dropped"}
    {"do": "score", "id": N, ...}                  {"id": N, "values": {...}}
"""

import json
import math
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, Final, final

from acutance_platform.dashboard.gallery import Gallery, Pixels, gallery_of
from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs.home import Home
from acutance_storage import StorageError, open_store

IDLE: Final = 180.0
"""Seconds without an order after which the process ends."""
_QUICK: Final = ("lr", "bicubic")
METRICS: Final = ("psnr_y", "ssim_y")
_SMALLEST: Final = 11  # side of SSIM's window


@final
class Painter:
    """Takes orders and fills the gallery.

    Args:
        home: Where datasets and weights lie.
        gallery: Where pictures go.
    """

    def __init__(self, home: Home, gallery: Gallery) -> None:
        from acutance_platform.verbs.sides import Sides

        self._sides, self._gallery = Sides(home), gallery
        self._orders: dict[str, dict[str, Any]] = {}
        self._looks: dict[str, tuple[int, int]] = {}
        self._changed = threading.Condition()
        self._scores: queue.Queue[dict[str, Any]] = queue.Queue()
        self._telling = threading.Lock()
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what a plug-in prints is no answer of ours

    def run(self) -> None:
        """Work until nobody has asked for anything for a while, or the server is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._score_all, daemon=True).start()
        while True:
            with self._changed:
                if not self._orders and not self._changed.wait(IDLE):
                    return
                if not self._orders:
                    continue
                order = min(self._orders.values(), key=lambda o: o["side"]["what"] not in _QUICK)
            self._make(order["key"], order["side"])
            with self._changed:
                self._orders.pop(order["key"], None)

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            order = json.loads(line)
            with self._changed:
                if order["do"] == "make":
                    self._orders[order["key"]] = order
                elif order["do"] == "look":
                    self._looks[order["key"]] = tuple(order["at"])
                elif order["do"] == "drop":
                    self._orders.pop(order["key"], None)
                elif order["do"] == "score":
                    self._scores.put(order)
                self._changed.notify()
        os._exit(0)  # the server is gone, and with it whoever would look

    def _tell(self, **what: Any) -> None:
        with self._telling:
            self._out.write(json.dumps(what) + "\n")
            self._out.flush()

    def _make(self, key: str, plain: dict[str, Any]) -> None:
        from acutance_models import ModelsError
        from acutance_platform.verbs.sides import Side

        # What files, networks and the machine's memory may come to; torch's are RuntimeErrors.
        known = (RecipeErrors, StorageError, ModelsError, OSError, MemoryError, RuntimeError)

        try:
            if not self._gallery.has(key) and not self._fill(key, Side(**plain)):
                self._gallery.forget(key)
                return self._tell(key=key, state="dropped")
            self._tell(key=key, state="ready")
        except known as error:
            self._gallery.forget(key)
            self._tell(key=key, state="failed", error=str(error) or type(error).__name__)
        return None

    def _fill(self, key: str, side: Any) -> bool:
        """Make a picture; False if it was dropped on the way."""
        self._tell(key=key, state="making", size=None, part=None)
        size, pieces = self._sides.pieces(side, lambda: self._looks.get(key, (0, 0)))
        pyramid = self._gallery.begin(key, size)
        self._tell(key=key, state="making", size=size, part=None)
        for top, left, pixels in pieces:
            pyramid.put(top, left, pixels)
            part = [top, left, *pixels.shape[:2]]
            self._tell(key=key, state="making", size=size, part=part)
            if key not in self._orders:
                return False
        self._gallery.publish(key)
        return True

    def _score_all(self) -> None:
        while True:
            order = self._scores.get()
            values = {}
            for key, scale in order["keys"].items():
                try:
                    values[key] = self._score(key, scale, order)
                except Exception as error:  # foreign metrics and files; the page shows the sentence
                    values[key] = {"error": str(error) or type(error).__name__}
            self._tell(id=order["id"], values=values)

    def _score(self, key: str, scale: int, order: dict[str, Any]) -> dict[str, Any]:
        """Return PSNR-Y and SSIM-Y of a picture, or of a window of it."""
        from acutance_models import find_protocol, score

        sr, hr = self._pixels(key), self._pixels(order["hr"])
        height, width = min(sr.shape[0], hr.shape[0]), min(sr.shape[1], hr.shape[1])
        border = find_protocol(order["protocol"]).border
        edge = scale if border is None else border
        rows, columns = (edge, height - edge), (edge, width - edge)
        if order["window"] is not None:
            top, left, bottom, right = order["window"]
            rows = max(rows[0], top), min(rows[1], bottom)
            columns = max(columns[0], left), min(columns[1], right)
        window = slice(*rows), slice(*columns)
        if min(rows[1] - rows[0], columns[1] - columns[0]) < _SMALLEST:
            return {"error": f"smaller than {_SMALLEST} pixels inside the border"}
        found = score(
            sr[window], hr[window], protocol=order["protocol"], scale=scale, metrics=METRICS,
            border=0, grey=order["grey"],
        )  # fmt: skip
        return {name: v if math.isfinite(v) else str(v) for name, v in found.items()}

    def _pixels(self, key: str) -> Pixels:
        found = self._gallery.open(key)
        if found is None:
            raise FileNotFoundError("this picture is not made yet")
        return found.levels[0]


def main() -> None:
    """Work for the server whose arguments name store, local folder, itself, and most bytes."""
    os.nice(10)  # pages come first; threads stay as they are, for their number may change bits
    address, folder, server, most_bytes = sys.argv[1:]
    local = Path(folder)
    home = Home(open_store(address, local=local), local)
    Painter(home, Gallery(gallery_of(local), server, int(most_bytes))).run()
    # An ordinary end waits for standard input, which the thread that listens holds, and aborts.
    os._exit(0)


if __name__ == "__main__":
    main()
