"""Several sweeps on one cluster: each tells what it uses and could use, and hears what it may hold.

A named actor of Ray's that outlives its drivers keeps what they told; who is silent is forgotten.
It orders nothing: a driver that gets no answer goes on alone.
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, final

import ray

from acutance_platform.sweep.admission import Allowance, Held, held_of, plain
from acutance_platform.sweep.allotment import Claim, allot
from acutance_platform.sweep.placing import Node, Share

NAME, NAMESPACE = "slots-1", "acutance"
"""The number is that of the language in which drivers and the actor speak."""
LAPSE = 15.0
"""Seconds of silence after which a sweep is forgotten, and an answer is too old."""
PERIOD = 2.0
"""Seconds between two tellings."""
_START = 60.0
"""Seconds that a driver waits for its first answer before it begins alone."""
_ANSWER = 5.0
"""Seconds that an answer may take."""


@final
class Book:
    """What each sweep told last; the actor's whole state.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Any = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, float, dict[str, Any]]] = {}

    def tell(self, name: str, told: dict[str, Any]) -> dict[str, Any]:
        """Take in what a sweep says, and return what it may hold and what others do.

        Args:
            name: Of its driver.
            told: `priority`, `capacity` (CPUs and GPUs of the cluster), `held` (see
                `admission.plain`) and `next` (CPUs and GPUs of legs that it could start).
        """
        now = self._clock()
        since = self._told[name][0] if name in self._told else now
        self._told[name] = (since, now, told)
        self._told = {n: each for n, each in self._told.items() if now - each[1] <= LAPSE}
        claims = {n: _claim(first, each) for n, (first, _, each) in self._told.items()}
        mine = claims[name].legs[: allot(claims, tuple(told["capacity"]))[name]]
        others = [h for n, (_, _, each) in self._told.items() if n != name for h in each["held"]]
        return {
            "cpus": sum(leg[0] for leg in mine),
            "gpus": sum(leg[1] for leg in mine),
            "others": others,
            "busy": len(claims) > 1,
        }

    def leave(self, name: str) -> bool:
        """Forget a sweep; return whether nobody is left."""
        self._told.pop(name, None)
        return not self._told


@final
class Seat:
    """One driver's place at the broker: a thread that tells and hears.

    Args:
        name: Of this driver, unlike any other's.
        priority: Larger goes first.
    """

    def __init__(self, name: str, priority: int) -> None:
        self._name, self._priority = name, priority
        self._told: dict[str, Any] | None = None
        self._until, self._heard = math.inf, Allowance(0.0, 0.0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="broker", daemon=True)
        self._thread.start()

    def say(self, nodes: Sequence[Node], held: Sequence[Held], legs: Sequence[Share]) -> None:
        """Note what is to be told next.

        Args:
            nodes: Of the cluster.
            held: Legs that run.
            legs: What those take, then what those that could start would.
        """
        if self._told is None:
            self._until = time.monotonic() + _START
        self._told = {
            "priority": self._priority,
            "capacity": [sum(node.cpus for node in nodes), float(sum(n.gpus for n in nodes))],
            "held": [plain(each) for each in held],
            "next": [[share.cpu, share.gpu] for share in legs[len(held) :]],
        }

    def allowance(self) -> Allowance | None:
        """Return what was heard last; None where that is too old: the sweep is alone.

        Nothing may be held before the first answer, for as long as the actor's start may take.
        """
        return self._heard if time.monotonic() <= self._until else None

    def leave(self) -> None:
        """Give the seat up."""
        self._end.set()
        self._thread.join(timeout=_ANSWER + PERIOD)

    def _talk(self) -> None:
        book: Any = None
        while not self._end.wait(PERIOD if self._told else 0.2):
            told = self._told
            if told is None:
                continue
            try:
                book = book or _book()
                answer = ray.get(book.tell.remote(self._name, told), timeout=_ANSWER)
                others = tuple(held_of(each) for each in answer["others"])
                self._heard = Allowance(answer["cpus"], answer["gpus"], others, answer["busy"])
                self._until = time.monotonic() + LAPSE
            except Exception:  # dead, silent or of another mind: asked anew, and alone until then
                book = None
        try:
            if book is not None and ray.get(book.leave.remote(self._name), timeout=_ANSWER):
                ray.kill(book)
        except Exception:  # it forgets who is silent
            return


def _book() -> Any:
    """Return the cluster's book; the first who asks has it made.

    It takes no CPU, and is made anew elsewhere when its node is lost; what was told, is told again.
    """
    made = ray.remote(Book).options(
        name=NAME,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        num_cpus=0,
        max_restarts=-1,
    )
    return made.remote()


def _claim(since: float, told: Mapping[str, Any]) -> Claim:
    held = [(float(each["cpu"]), float(each["gpu"])) for each in told["held"]]
    following = [(float(cpu), float(gpu)) for cpu, gpu in told["next"]]
    return Claim((*held, *following), int(told["priority"]), since)
