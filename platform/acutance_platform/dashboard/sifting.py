"""Which trials somebody asks for: words such as `t0003`, `RUNNING`, `generator.kind=carn`."""

import re
from typing import Any, Final, final

from acutance_platform.recipe import refuse
from acutance_platform.report.words import setting
from acutance_platform.search.constraints import Rule, parse_rule
from acutance_platform.search.fold import Sweep
from acutance_platform.search.trial import Trial

_STATES: Final = frozenset({"WAITING", "RUNNING", "PAUSED", "COMPLETE", "STOPPED", "FAILED"})
_MOST: Final = 2_000
_RANGE: Final = re.compile(r"t(\d{4,9})(?:\.\.t(\d{4,9}))?")


@final
class Sieve:
    """What passes: any of the trials that are named, in any of the states, that meets all rules.

    Args:
        text: Words between commas or blanks: a trial, two of them as `t0003..t0009`, a state, a
            recipe path with its value, a metric compared with a number (its last report counts).

    Raises:
        RecipeErrors: If a word is none of these.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _MOST:
            raise refuse("trials", f"{text[:40]}...", f"at most {_MOST:,} characters", "Ask less.")
        self._names: list[range] = []
        self._states: set[str] = set()
        self._rules: list[Rule] = []
        self._settings: list[tuple[str, str]] = []
        for word in filter(None, re.split(r"[,\s]+", text)):
            self._read(word)

    def passes(self, sweep: Sweep, trial: Trial) -> bool:
        """Say whether a trial is asked for."""
        if self._names and not any(trial.ordinal in names for names in self._names):
            return False
        if self._states and sweep.state_of(trial) not in self._states:
            return False
        if any(_told(trial, path) != value for path, value in self._settings):
            return False
        last = trial.reports[trial.step] if trial.reports else {}
        return all(r.metric in last and r.holds(last[r.metric]) for r in self._rules)

    def _read(self, word: str) -> None:
        if match := _RANGE.fullmatch(word):
            first = int(match[1])
            self._names.append(range(first, int(match[2] or first) + 1))
        elif word in _STATES:
            self._states.add(word)
        elif re.search("[<>]", word):
            try:
                self._rules.append(parse_rule(word))
            except ValueError as error:
                raise refuse("trials", word, str(error), "Write METRIC>=NUMBER.") from None
        elif "=" in word:
            path, _, value = word.partition("=")
            self._settings.append((path, value))
        else:
            rule = "this names no trial, state, path or metric"
            way_out = "Write for example: t0003..t0009 COMPLETE generator.kind=carn psnr_y>=28"
            raise refuse("trials", word, rule, way_out)


def _told(trial: Trial, path: str) -> str | None:
    """Return a recipe's value in words, also inside of a map; None where there is none."""
    if path in trial.recipe:
        return setting(trial.recipe[path])
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found: Any = trial.recipe.get(".".join(parts[:cut]))
        for part in parts[cut:]:
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return setting(found)
    return None
