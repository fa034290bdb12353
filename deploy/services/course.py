"""Where the trials of a sweep ran, as its journal tells it, and what a killed node meant to them.

Pure: records in, answers out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]

_LEAVES = ("value", "failure", "end", "wait")
"""Words after which no leg of the trial runs until one begins again."""


@dataclass(frozen=True)
class Move:
    """A trial that ran on a node when it was killed, and began again elsewhere."""

    trial: str
    step: int
    """The last step that was told before."""
    source: str
    target: str
    """Nodes, by the first 8 digits of their ids; `target` is empty where it never began again."""
    begun: float
    """When it began again, in seconds since the epoch."""


@dataclass
class Course:
    """The nodes of a sweep's trials.

    Attributes:
        running: Trial -> node on which a leg of it runs now.
        told: Trials that have reported since their leg began.
        nodes: Trial -> nodes on which it ran, in order, each change once.
        step: Trial -> last step that was told.
        values: Number of rungs that trials have reached.
    """

    running: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    nodes: dict[str, list[str]] = field(default_factory=dict)
    step: dict[str, int] = field(default_factory=dict)
    values: int = 0
    _rungs: dict[str, list[int]] = field(default_factory=dict)
    _every: dict[str, int] = field(default_factory=dict)

    def feed(self, record: Record) -> None:
        """Take in the next record."""
        word, trial = record["do"], record.get("trial")
        if word == "start":
            self.running.clear()
        if trial is None:
            return
        if word == "ask":
            self._rungs[trial] = [int(rung) for rung in record.get("rungs", ())]
        elif word == "begin":
            node = str(record["node"])[:8]
            self.running[trial] = node
            self.told.discard(trial)
            passed = self.nodes.setdefault(trial, [])
            if passed[-1:] != [node]:
                passed.append(node)
        elif word == "report":
            self.told.add(trial)
            step = int(record["step"])
            self._every[trial] = step - self.step.get(trial, 0)
            self.step[trial] = step
        elif word in _LEAVES:
            self.values += word == "value"
            self.running.pop(trial, None)

    def victim(self, after: int, among: Iterable[str]) -> str | None:
        """Return the node to kill, one where a trial is well under way, or None for not yet.

        Args:
            after: Rungs that trials have to have reached before.
            among: Nodes that may be killed.
        """
        if self.values < after:
            return None
        allowed = set(among)
        busy = {self.running[t] for t in self.told & set(self.running) if self._under_way(t)}
        return min(busy & allowed, default=None)

    def _under_way(self, trial: str) -> bool:
        """Say whether a trial has two more reports to make before its next rung.

        One that is about to reach it may be through before the node dies.
        """
        step = self.step[trial]
        rung = next((rung for rung in self._rungs.get(trial, ()) if rung > step), step)
        return rung - step >= 2 * self._every[trial]


def moves(records: Iterable[Record], node: str, when: float) -> list[Move]:
    """Return what became of the trials that ran on a node when it was killed.

    A record that was written on the driver's machine after that moment may still tell of a report
    that came before; what counts is where the trial's next leg begins.
    """
    course, found = Course(), list[Move]()
    waiting: dict[str, int] | None = None
    for record in records:
        when_told = float(record.get("time", 0.0))
        if waiting is None and when_told > when:
            waiting = _on(course, node)
        course.feed(record)
        if record["do"] == "begin" and when_told > when and record["trial"] in (waiting or ()):
            assert waiting is not None
            trial = str(record["trial"])
            found.append(Move(trial, waiting.pop(trial), node, str(record["node"])[:8], when_told))
    left = _on(course, node) if waiting is None else waiting
    return [*found, *(Move(trial, step, node, "", 0.0) for trial, step in left.items())]


def _on(course: Course, node: str) -> dict[str, int]:
    """Return the trials that run on a node, each with its last step."""
    return {t: course.step.get(t, 0) for t, where in course.running.items() if where == node}
