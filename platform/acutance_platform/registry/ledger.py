"""The ledger: what happened to registered models, each entry bound to all before it.

    ledger/00000001.json  {"v":1,"number":1,"previous":"000…","time":…,"who":…,…,"hash":"3f0c…"}

An entry is one object whose key has to be new, so of two people who write at once one is told. Its
hash is the SHA-256 of its content, the hash before it included: an entry that was edited, removed
or moved breaks the chain behind it. A tail that was cut off, and a ledger that was written anew,
break no chain; they show against what was noted elsewhere: `refs/ledgers/registry` and MLflow's
registry hold the length and the last hash of the ledger.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from acutance_platform.search.requests import asker
from acutance_storage import BlobStore, StorageError, check_schema, get_ref, set_ref
from acutance_storage.errors import KeyMissing, KeyTaken
from acutance_storage.parallel import spread

Entry = dict[str, Any]
START: Final = "0" * 64
"""What the first entry follows."""
_VERSION = 1
_FOLDER, _KIND, _NAME = "ledger/", "ledgers", "registry"
_AHEAD = 8  # entries that are read at one time


class LedgerDamaged(StorageError):
    """The ledger is not what was written; `problems` says all that shows it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        found = "\n  ".join(self.problems)
        return (
            f"the ledger is damaged:\n  {found}\nRestore ledger/ from a backup, and look who can "
            "write there. A model can still be named as blob:SHA256"
        )


class LedgerMoved(StorageError):
    """Somebody else wrote to the ledger meanwhile; nothing was written."""


@dataclass(frozen=True)
class Head:
    """What is noted of a ledger elsewhere: enough to tell whether it was cut or rewritten."""

    length: int
    """Number of entries."""
    hash: str
    """Of the last one; `START` of an empty ledger."""


def head_of(entries: list[Entry]) -> Head:
    """Return what to note of a ledger."""
    return Head(len(entries), str(entries[-1]["hash"]) if entries else START)


def read_ledger(store: BlobStore) -> list[Entry]:
    """Return every entry from the first on.

    Raises:
        LedgerDamaged: If an entry was edited, removed or moved, or the end is missing.
        SchemaUnknown: If a newer acutance wrote it.
    """
    noted = _noted(store)  # first: an entry that comes between the two is no damage
    entries, problems = inspect_ledger(store)
    problems += [] if noted is None else compare(entries, noted, "refs/ledgers/registry.json")
    if problems:
        raise LedgerDamaged(problems)
    return entries


def inspect_ledger(store: BlobStore) -> tuple[list[Entry], list[str]]:
    """Return the entries that can be read, and what is wrong with the chain."""
    listed = [key for key in store.list(_FOLDER) if key.endswith(".json")]
    keys = [_key(number) for number in range(1, max(map(_number, listed), default=0) + 1)]
    while store.exists(_key(len(keys) + 1)):  # a list may lag behind what was written
        keys.append(_key(len(keys) + 1))
    entries: list[Entry] = []
    problems: list[str] = []
    before = START
    contents = spread(lambda key: _bytes(store, key), keys, workers=_AHEAD)
    for key, data in zip(keys, contents, strict=True):
        entry = _parsed(data)
        if entry is None:
            problems.append(f"{key} is missing or cannot be read")
            before = ""
            continue
        check_schema(entry.get("v"), _VERSION, key)
        problems += [f"{key} {what}" for what in _faults(entry, _number(key), before)]
        before = str(entry.get("hash"))
        entries.append(entry)
    return entries, problems


def compare(entries: list[Entry], noted: Head, where: str) -> list[str]:
    """Return what shows that a ledger is not the one that was noted; it may have grown since."""
    if len(entries) < noted.length:
        return [f"{where} knows {noted.length} entries, {len(entries)} are left: its end was cut"]
    if noted.length and entries[noted.length - 1].get("hash") != noted.hash:
        return [f"{where} knows another entry {noted.length}: the ledger was written anew"]
    return []


def append_entry(store: BlobStore, after: list[Entry], content: Mapping[str, Any]) -> list[Entry]:
    """Write one entry behind those that were read, and return all of them.

    This is the moment at which a promotion or rollback happens: before it nothing counts, after it
    all does, whatever is killed.

    Args:
        store: Where the ledger lies.
        after: What `read_ledger` returned.
        content: `action`, `model` and whatever belongs to them.

    Raises:
        LedgerMoved: If there is an entry behind those already.
    """
    head = head_of(after)
    entry: Entry = {
        "v": _VERSION,
        "number": head.length + 1,
        "previous": head.hash,
        "time": time.time(),
        "who": asker(),
        **content,
    }
    entry = json.loads(_text(entry))  # exactly what readers see
    entry["hash"] = _hash(entry)
    try:
        store.write_new(_key(entry["number"]), _text(entry).encode())
    except KeyTaken:
        raise LedgerMoved("somebody else wrote to the ledger at this moment") from None
    entries = [*after, entry]
    note_head(store, entries)
    return entries


def note_head(store: BlobStore, entries: list[Entry]) -> None:
    """Note length and last hash, so that a cut tail shows."""
    head, noted = head_of(entries), _noted(store)
    if noted is None or noted.length < head.length:
        set_ref(store, _KIND, _NAME, {"length": head.length, "hash": head.hash})


def _noted(store: BlobStore) -> Head | None:
    noted = get_ref(store, _KIND, _NAME)
    return None if noted is None else Head(int(noted["length"]), str(noted["hash"]))


def _faults(entry: Entry, number: int, before: str) -> Iterator[str]:
    if entry.get("hash") != _hash(entry):
        yield "was edited: its hash is not that of its content"
    if entry.get("number") != number:
        yield f"holds entry {entry.get('number')}: entries were moved"
    if before and entry.get("previous") != before:
        yield "does not follow the entry before it"


def _hash(entry: Entry) -> str:
    content = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _bytes(store: BlobStore, key: str) -> bytes:
    try:
        return store.read(key)
    except KeyMissing:
        return b""


def _parsed(data: bytes) -> Entry | None:
    try:
        entry = json.loads(data)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _key(number: int) -> str:
    return f"{_FOLDER}{number:08d}.json"


def _number(key: str) -> int:
    stem = key.removeprefix(_FOLDER).removesuffix(".json")
    return int(stem) if stem.isdigit() else 0
