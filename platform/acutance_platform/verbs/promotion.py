"""`promote` and `rollback`: an alias moves when its gate was passed, and the ledger says so.

The order in which a promotion happens: blobs, ledger entry, head of the ledger, MLflow. The entry
is the moment at which it counts. Killed before it, the champion is the old one and a few blobs lie
about that `gc` takes; killed after it, the champion is the new one, and the next promotion or
rollback of the model brings MLflow up to date.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from acutance_platform.recipe import Problem, RecipeErrors, refuse
from acutance_platform.registry.catalogue import Registered, catalogue
from acutance_platform.registry.gates import DEFAULT, Gate, load_gate
from acutance_platform.registry.ledger import (
    Entry,
    LedgerMoved,
    append_entry,
    note_head,
    read_ledger,
)
from acutance_platform.registry.verdict import NO_PICTURES, judge
from acutance_platform.verbs.addresses import weights_bytes
from acutance_platform.verbs.gating import gate_job
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.journals import is_name
from acutance_platform.verbs.lineage import find_lineage
from acutance_platform.verbs.papers import version_papers
from acutance_platform.verbs.promoted import Progress, Promotion, silent
from acutance_platform.verbs.remeasuring import remeasure
from acutance_platform.verbs.showing import show_in_mlflow
from acutance_storage import BlobCorrupt, put_blob

CHAMPION: Final = "champion"
"""The alias that is moved unless another is named."""
_TRIES = 20  # of an entry, while promotions of other models come between


def promote(
    model: StrPath,
    *,
    name: str,
    alias: str = CHAMPION,
    gate: str = DEFAULT,
    data: StrPath | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
    home: Home | None = None,
) -> Promotion:
    """Measure a model anew in a clean process and, if it earned it, move the alias to it.

    Args:
        model: MODEL.
        name: The registered model, `--model` on the command line; made by its first promotion.
        alias: What is to stand on the new version.
        gate: Name of `experiments/gates/NAME.yaml`, or a path that ends with .yaml.
        data: A folder of HR pictures, or NAME[@VERSION] of a dataset, all of which count besides.
        dry_run: Only measure and judge: no version, no entry in the ledger.
        progress: Told how far it is.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If model, gate, suites or names cannot be used; all problems at once.
        StorageError: If the ledger is damaged, or the store cannot be written.
    """
    home = home or open_home()
    _check_names(name, alias)
    rules_name, rules = load_gate(gate)
    entries = read_ledger(home.store)
    told = _registered(entries, name)
    champion = told.version_of(alias)
    progress("reload", 0, 1)
    try:
        weights = put_blob(home.store, weights_bytes(model, home))
    except BlobCorrupt as error:
        wanted = {"action": "refusal", "weights": None}
        judged = _Judged([str(error)], {}, wanted, [])
        progress("publish", 0, 1)
        return _conclude(judged, entries, name, alias, dry_run, home)
    if champion is not None and champion.weights == weights:
        number = champion.number
        notes = [f"{name}/{number} has these weights and is the {alias} already"]
        if not dry_run:
            notes += show_in_mlflow(home, name)
        return _result("promoted", [], told, alias, number, notes=notes)
    before = champion.weights if champion is not None else None
    judged = _judged(weights, before, rules_name, rules, data, (name, alias), home, progress)
    progress("publish", 0, 1)
    return _conclude(judged, entries, name, alias, dry_run, home)


def rollback(
    name: str,
    *,
    alias: str = CHAMPION,
    expected: tuple[int, int] | None = None,
    home: Home | None = None,
) -> Promotion:
    """Move an alias back to the version on which it stood before; again, one further.

    Args:
        name: The registered model.
        alias: Of it.
        expected: The versions that it leaves and goes back to, as whoever asks saw them.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If there is no such model, or its alias never stood on another version, or it
            stands elsewhere than expected.
        StorageError: If the ledger is damaged or the store cannot be written.
    """
    home = home or open_home()
    for _ in range(_TRIES):
        entries = read_ledger(home.store)
        told = _registered(entries, name)
        moves = told.moves.get(alias, [])
        if len(moves) < 2:
            place = f"{name}@{alias}"
            rule = "it stood on no other version before" if moves else "nothing was promoted to it"
            raise refuse("rollback", place, rule, f"See `acutance models history {name}`.")
        now, back = moves[-1], moves[-2]
        if expected is not None and expected != (now, back):
            rule = f"somebody moved it meanwhile: it would go from {now} back to {back}"
            raise refuse("rollback", f"{name}@{alias}", rule, "Look at its history again.")
        content = {
            "action": "rollback",
            "model": name,
            "alias": alias,
            "from": now,
            "to": back,
            "weights": told.versions[back].weights,
            "verdict": "rolled back",
            "reasons": [],
        }
        with suppress(LedgerMoved):
            entries = append_entry(home.store, entries, content)
            notes = show_in_mlflow(home, name)
            return _result("rolled back", [], told, alias, back, notes=notes)
    raise _crowded()


@dataclass(frozen=True)
class _Judged:
    reasons: list[str]
    figures: dict[str, Any]
    content: dict[str, Any]
    notes: list[str]


def _judged(
    weights: str,
    champion: str | None,
    gate_name: str,
    gate: Gate,
    data: StrPath | None,
    goal: tuple[str, str],
    home: Home,
    progress: Progress,
) -> _Judged:
    """Measure, judge, and store the papers of the version that this would become."""
    lineage = find_lineage(weights, home)
    job, notes = gate_job(gate, weights, champion, lineage, data, home)
    measured = remeasure(job, home, progress) if job["sets"] else {"refused": [NO_PICTURES]}
    if "refused" in measured:
        content: dict[str, Any] = {"action": "refusal", "weights": weights, "gate": gate_name}
        return _Judged(measured["refused"], {}, content, notes)
    progress("decide", 0, 1)
    reasons, figures = judge(gate, measured)
    about = {"name": gate_name, "rules": gate.model_dump(mode="json")}
    papers = version_papers(weights, lineage, about, measured, figures, goal, home)
    content = {
        "action": "refusal" if reasons else "promotion",
        "weights": weights,
        "gate": gate_name,
        "figures": figures,
        **papers,
    }
    if lineage is None:
        notes.append("no sweep or training here published these weights: what they saw is unknown")
    return _Judged(reasons, figures, content, notes)


def _conclude(
    judged: _Judged, entries: list[Entry], name: str, alias: str, dry_run: bool, home: Home
) -> Promotion:
    """Write the ledger's entry, then let MLflow follow."""
    told = _registered(entries, name)
    compared = told.aliases.get(alias)
    reasons = list(judged.reasons)
    if dry_run:
        verdict = "refused" if reasons else "promoted"
        notes = [*judged.notes, "a dry run: no version was made and nothing moved"]
        return _result(verdict, reasons, told, alias, compared, judged, notes)
    for _ in range(_TRIES):
        content = {**judged.content, "model": name, "alias": alias, "reasons": reasons}
        content |= _moves(told, compared, content, refused=bool(reasons))
        try:
            entries = append_entry(home.store, entries, content)
        except LedgerMoved:
            entries = read_ledger(home.store)
            told = _registered(entries, name)
            now = told.aliases.get(alias)
            if now != compared:
                reasons.append(
                    f"somebody moved {name}@{alias} to version {now} while this model was measured"
                    f" against {compared or 'none'}. Run it again to compare it with that one"
                )
                compared = now
            continue
        note_head(home.store, entries)
        notes = [*judged.notes, *show_in_mlflow(home, name)]
        verdict, number = content["verdict"], content["to"] or compared
        return _result(verdict, reasons, told, alias, number, judged, notes)
    raise _crowded()


def _moves(
    told: Registered, compared: int | None, content: dict[str, Any], *, refused: bool
) -> dict[str, Any]:
    if refused:
        return {"action": "refusal", "from": compared, "to": None, "verdict": "refused"}
    known = told.with_weights(content["weights"])
    number = known.number if known is not None else told.highest + 1
    return {"action": "promotion", "from": compared, "to": number, "verdict": "promoted"}


def _result(
    verdict: str,
    reasons: list[str],
    told: Registered,
    alias: str,
    version: int | None,
    judged: _Judged | None = None,
    notes: list[str] | None = None,
) -> Promotion:
    return Promotion(
        verdict=verdict,
        reasons=reasons,
        model=told.name,
        alias=alias,
        version=version,
        previous=told.aliases.get(alias),
        figures=json.loads(json.dumps(judged.figures if judged is not None else {})),
        document=judged.content.get("document") if judged is not None else None,
        notes=notes or [],
    )


def _registered(entries: list[Entry], name: str) -> Registered:
    return catalogue(entries).get(name) or Registered(name)


def _check_names(name: str, alias: str) -> None:
    problems = []
    if not is_name(name) or name in ("bicubic", "shipped"):
        rule = "a model's name has letters, digits, '.', '_' and '-'"
        problems.append(Problem("--model", repr(name), rule, "Choose another name."))
    if not is_name(alias) or alias == "latest" or re.fullmatch(r"[vV]?\d+", alias):
        rule = "an alias has letters, digits, '.', '_' and '-', and is no version number"
        problems.append(Problem("--alias", repr(alias), rule, "Choose another alias."))
    if problems:
        raise RecipeErrors(problems)


def _crowded() -> LedgerMoved:
    return LedgerMoved(f"{_TRIES} times somebody else wrote to the ledger first. Try it again")
