"""Several sweeps on one cluster: each tells what it uses and could use, and hears what it may hold.

A named actor of Ray's that outlives its drivers keeps what they told; who is silent is forgotten.
It orders nothing: a driver that gets no answer goes on alone. Where an autoscaler runs it asks for
what all sweeps could use together, and takes that back for those that end or fall silent.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, final

import ray
from ray.autoscaler.sdk import request_resources
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from acutance_platform.sweep.admission import Allowance, Held, held_of, plain
from acutance_platform.sweep.allotment import Claim, allot
from acutance_platform.sweep.autoscaler import autoscaler
from acutance_platform.sweep.demand import Bundle, Demand
from acutance_platform.sweep.placing import Node, Share, bundle_of

NAME, NAMESPACE = "slots-2", "acutance"
"""The number is that of the language in which drivers and the actor speak."""
LAPSE = 15.0
"""Seconds of silence after which a sweep is forgotten, and an answer is too old."""
PERIOD = 2.0
"""Seconds between two tellings."""
_HEAD = "node:__internal_head__"
_START = 60.0
"""Seconds that a driver waits for its first answer before it begins alone."""
_ANSWER = 5.0
"""Seconds that an answer may take."""


@final
class Book:
    """What each sweep told last.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, float, dict[str, Any]]] = {}

    def tell(self, name: str, told: dict[str, Any]) -> dict[str, Any]:
        """Take in what a sweep says, and return what it may hold and what others do.

        Args:
            name: Of its driver.
            told: `priority`, `nodes` (what those are called on which it runs; empty for all),
                `capacity` (their CPUs and GPUs), `held` (see `admission.plain`), `next` (CPUs and
                GPUs of legs that it could start) and `more` (bundles that a larger cluster would
                let it hold, those that it holds first).
        """
        now = self._clock()
        since = self._told[name][0] if name in self._told else now
        self._told[name] = (since, now, told)
        self._forget()
        rivals = {n: each for n, each in self._told.items() if _meet(each[2], told)}
        claims = {n: _claim(first, each) for n, (first, _, each) in rivals.items()}
        mine = claims[name].legs[: allot(claims, tuple(told["capacity"]))[name]]
        others = [h for n, (_, _, each) in self._told.items() if n != name for h in each["held"]]
        return {
            "cpus": sum(leg[0] for leg in mine),
            "gpus": sum(leg[1] for leg in mine),
            "others": others,
            "busy": len(self._told) > 1,
        }

    def leave(self, name: str) -> bool:
        """Forget a sweep; return whether nobody is left."""
        self._told.pop(name, None)
        return self.empty

    @property
    def empty(self) -> bool:
        """Whether every sweep left or fell silent."""
        self._forget()
        return not self._told

    def wanted(self) -> list[Bundle]:
        """Return what all sweeps would hold on a large cluster: what runs, then in turns."""
        self._forget()
        first, turns = list[Bundle](), list[tuple[tuple[int, int, float], Bundle]]()
        for since, _, told in self._told.values():
            held, priority = len(told["held"]), int(told["priority"])
            first += told["more"][:held]
            later = enumerate(told["more"][held:])
            turns += [((-priority, turn, since), bundle) for turn, bundle in later]
        return [*first, *(bundle for _, bundle in sorted(turns, key=lambda each: each[0]))]

    def _forget(self) -> None:
        now = self._clock()
        self._told = {n: each for n, each in self._told.items() if now - each[1] <= LAPSE}


@final
class Broker:
    """The actor: a book, and a thread that asks the autoscaler for what stands there."""

    def __init__(self) -> None:
        self._book, self._demand = Book(), Demand(request_resources, autoscaler)
        self._lock, self._began = threading.Lock(), time.monotonic()
        threading.Thread(target=self._keep, daemon=True).start()

    def tell(self, name: str, told: dict[str, Any]) -> dict[str, Any]:
        """Do as the book does, and say in `grows` whether an autoscaler runs."""
        with self._lock:
            return {**self._book.tell(name, told), "grows": self._demand.heard}

    def leave(self, name: str) -> bool:
        """Do as the book does; what was asked for the sweep is taken back at once."""
        with self._lock:
            left = self._book.leave(name)
            self._ask()
            return left

    def _keep(self) -> None:
        """Ask until nobody is left: this process would keep its node from being idle."""
        while True:
            time.sleep(PERIOD)
            with self._lock:
                # Made anew after the loss of its node it knows nobody yet.
                young = time.monotonic() - self._began < LAPSE
                if not (young and self._book.empty):
                    self._ask()
                if self._book.empty and not young:
                    ray.kill(ray.get_runtime_context().current_actor)
                    return

    def _ask(self) -> None:
        with suppress(Exception):  # out of reach: asked again soon
            self._demand.look(self._book.wanted())


def _meet(told: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two sweeps may want the same nodes."""
    return not told["nodes"] or not other["nodes"] or bool(told["nodes"] == other["nodes"])


@final
class Seat:
    """One driver's place at the broker: a thread that tells and hears.

    Args:
        name: Of this driver, unlike any other's.
        priority: Larger goes first.
    """

    def __init__(self, name: str, priority: int) -> None:
        self._name, self._priority = name, priority
        self.grows = False
        """Whether an autoscaler starts more nodes."""
        self._told: dict[str, Any] | None = None
        self._until, self._heard = math.inf, Allowance(0.0, 0.0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="broker", daemon=True)
        self._thread.start()

    def say(
        self,
        nodes: Sequence[Node],
        held: Sequence[Held],
        legs: Sequence[Share],
        more: Sequence[Share],
    ) -> None:
        """Note what is to be told next.

        Args:
            nodes: Of the cluster.
            held: Legs that run.
            legs: What those take, then what those that could start would.
            more: The same for a cluster of any size.
        """
        named = more[0].nodes if more else ""
        able = [node for node in nodes if not named or named in node.marks]
        if self._told is None:
            self._until = time.monotonic() + _START
        self._told = {
            "priority": self._priority,
            "nodes": named,
            "capacity": [sum(node.cpus for node in able), float(sum(n.gpus for n in able))],
            "held": [plain(each) for each in held],
            "next": [[share.cpu, share.gpu] for share in legs[len(held) :]],
            "more": [bundle_of(share) for share in more],
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
                self.grows = bool(answer["grows"])
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

    It takes no CPU, and stands on the head where it can: elsewhere it would keep its node from
    being idle. It is made anew when its node is lost; what was told, is told again.
    """
    made = ray.remote(Broker).options(
        name=NAME,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        num_cpus=0,
        max_restarts=-1,
        scheduling_strategy=_on_the_head(),
    )
    return made.remote()


def _on_the_head() -> Any:
    known: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    heads = [node["NodeID"] for node in known if node["Alive"] and _HEAD in node["Resources"]]
    return NodeAffinitySchedulingStrategy(heads[0], soft=True) if heads else "DEFAULT"


def _claim(since: float, told: Mapping[str, Any]) -> Claim:
    held = [(float(each["cpu"]), float(each["gpu"])) for each in told["held"]]
    following = [(float(cpu), float(gpu)) for cpu, gpu in told["next"]]
    return Claim((*held, *following), int(told["priority"]), since)
