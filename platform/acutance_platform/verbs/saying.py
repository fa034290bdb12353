"""A journal's records as plain lines for people."""

import time
from typing import Any, Final

from acutance_platform.search.fold import Record

_ERROR_LINES: Final = 5


def lines_of(record: Record) -> list[str]:
    """Return what a record says in plain lines; none for what only the program needs."""
    said = _SAID.get(record["do"])
    if said is None:
        return []
    when = float(record.get("time") or 0.0)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when)) if when else " " * 19
    first, *rest = said(record)
    subject = f"{record['trial']} " if record.get("trial") else ""
    lines = [f"{stamp}  {subject}{first}", *(f"{'':21}{line}" for line in rest)]
    return lines + [f"{'':21}{line}" for line in _last_lines(record.get("error"))]


def values_told(values: dict[str, Any]) -> str:
    """Return names and values on one line."""
    told = {name: "not finite" if v is None else v for name, v in values.items()}
    return "  ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in told.items()
    )


def _last_lines(error: str | None) -> list[str]:
    return [line for line in (error or "").splitlines() if line.strip()][-_ERROR_LINES:]


def _by(record: Record) -> str:
    return f" (asked by {record['by']})" if record.get("by") else ""


def _limits(record: Record) -> dict[str, Any]:
    return {name: limit for name, limit in record["budget"].items() if limit is not None}


_SAID: dict[str, Any] = {
    "start": lambda r: [f"a driver starts on {r.get('host', 'an unknown host')}"],
    "finish": lambda r: [f"{r['state']} {r.get('reason', '')}".rstrip()],
    "ask": lambda r: [f"new  {values_told(r.get('recipe', {}))}".rstrip()],
    "leg": lambda r: ["a leg starts"],
    "wait": lambda r: [f"waits for {r.get('owner', 'another one')}, which computes the same stage"],
    "report": lambda r: [f"step {r['step']}  {values_told(r['metrics'])}", *r.get("notes", ())],
    "promote": lambda r: [f"goes on past step {r['rung']}"],
    "failure": lambda r: [f"failed at step {r['step']}:"],
    "end": lambda r: [f"{r['state']} at step {r['step']}"],
    "result": lambda r: [f"weights {str(r['weights'])[:12]} of step {r['step']}"],
    "stop": lambda r: [f"is to stop{_by(r)}"],
    "enqueue": lambda r: [f"a point is added: {values_told(r['point'])}{_by(r)}"],
    "declined": lambda r: [f"declined to {r.get('asked', 'do this')}: {r['why']}{_by(r)}"],
    "refused": lambda r: [f"a draw is refused: {', '.join(r['rules'])}"],
    "warm": lambda r: [f"begins with {len(r['told'])} trials of {r['sweep']}"],
    "shrink": lambda r: [r["note"]],
    "budget": lambda r: [f"budget {values_told(_limits(r))}{_by(r)}"],
}
