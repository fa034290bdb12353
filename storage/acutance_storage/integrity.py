"""Is everything in a store what it was when it was written, and what hurts where it is not."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from acutance_storage.blobs import BlobStore
from acutance_storage.contents import blob_path, get_blob
from acutance_storage.errors import KeyMissing, StorageError
from acutance_storage.folder import file_sha256
from acutance_storage.images_index import load_index
from acutance_storage.journal import Journal
from acutance_storage.keys import blob_key, blob_of
from acutance_storage.node_cache import NodeCache
from acutance_storage.parallel import spread
from acutance_storage.refs import KINDS, get_ref, list_refs

Progress = Callable[[int, int], object]
Copies = Sequence[BlobStore | NodeCache]

_WORKERS = 4
_NAMING = {"blob", "index", "weights"}  # fields of refs and records whose value is a blob
_NAMED = re.compile(r"blob:([0-9a-f]{64})")
_SHA = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One thing that is not what it should be."""

    key: str
    """Where it is stored."""
    problem: str
    """What is wrong with it."""
    needed_by: tuple[str, ...] = ()
    """Refs and journals that depend on it, sorted."""
    repaired_from: str = ""
    """The copy that it was repaired from; empty where it is still damaged."""


@dataclass(kw_only=True)
class Verified:
    """What `verify_store` found."""

    blobs: int = 0
    """Blobs that were hashed."""
    bytes: int = 0
    """Bytes of them."""
    documents: int = 0
    """Refs and journals that were read."""
    torn: list[str] = field(default_factory=list)
    """Journals whose end a crash tore; the next writer cuts it, and nothing else is lost."""
    damage: list[Damage] = field(default_factory=list)
    """Everything that is damaged or missing, by key."""

    @property
    def left(self) -> list[Damage]:
        """What is still damaged."""
        return [damage for damage in self.damage if not damage.repaired_from]


def verify_store(
    store: BlobStore,
    *,
    copies: Copies = (),
    repair: bool = False,
    progress: Progress | None = None,
) -> Verified:
    """Hash every blob, read every ref and journal, and look for every blob that these name.

    Args:
        store: What is verified.
        copies: Other stores and node caches that may hold sound copies of damaged blobs.
        repair: Whether damaged and missing blobs are replaced by such copies.
        progress: Called with the number of blobs done and of all.

    Raises:
        StoreUnreachable: If the store cannot be read at all.
    """
    found, needs = Verified(), defaultdict[str, set[str]](set)
    wrong = dict(_wrong_blobs(store, found, progress))
    for document, names in _documents(store, found):
        for sha in names:
            needs[sha].add(document)
    there = {blob_of(key) for key in store.list("blobs/")}
    for sha in set(needs) - there:
        # A training drops its older states meanwhile.
        needs[sha] = {key for key in needs[sha] if _still_names(store, key, sha)}
        if needs[sha]:
            wrong[blob_key(sha)] = "it is missing"
    for key, problem in wrong.items():
        sha = blob_of(key) or ""
        source = _repair(store, sha, copies) if repair and sha else ""
        needed_by = tuple(sorted(needs[sha]))
        found.damage.append(
            Damage(key=key, problem=problem, needed_by=needed_by, repaired_from=source)
        )
    found.damage.sort(key=lambda damage: damage.key)
    return found


def _wrong_blobs(
    store: BlobStore, found: Verified, progress: Progress | None
) -> Iterator[tuple[str, str]]:
    """Yield key and problem of every blob whose bytes are not those of its name."""
    keys = store.list("blobs/")

    def look(key: str) -> tuple[int, str]:
        try:
            size = store.stat(key).size
            if blob_of(key) is None:
                return size, "its name is no blob's"
            return size, "" if store.sha256(key) == blob_of(key) else "its bytes have changed"
        except KeyMissing:
            return 0, ""  # deleted meanwhile; if something needs it, that is found later

    looks = spread(look, keys, workers=_WORKERS)
    for done, (key, (size, problem)) in enumerate(zip(keys, looks, strict=True), start=1):
        found.blobs, found.bytes = found.blobs + 1, found.bytes + size
        if problem:
            yield key, problem
        if progress is not None:
            progress(done, len(keys))


def _documents(store: BlobStore, found: Verified) -> Iterator[tuple[str, set[str]]]:
    """Yield every ref and journal with the blobs it names; note those that cannot be read."""
    for kind in KINDS:
        for name in list_refs(store, kind):
            key = f"refs/{kind}/{name}.json"
            found.documents += 1
            try:
                value = get_ref(store, kind, name) or {}
            except StorageError as error:
                found.damage.append(Damage(key=key, problem=str(error)))
                continue
            yield key, set(_names(value))
            if kind == "datasets" and "index" in value:
                yield key, _shards(store, str(value["index"]))
    for folder in sorted({key.rpartition("/")[0] for key in store.list("journals/")}):
        journal = Journal(store, folder.removeprefix("journals/"))
        found.documents += 1
        try:
            records = journal.read(folds=False)  # the segments themselves
        except StorageError as error:
            found.damage.append(Damage(key=folder, problem=str(error)))
            continue
        if journal.cut:
            found.torn.append(folder)
        yield folder, {sha for record in records for sha in _names(record)}


def _names(value: object, field_name: str = "") -> Iterator[str]:
    """Yield the blobs that a document names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _names(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner, field_name)
    elif isinstance(value, str):
        if field_name in _NAMING and _SHA.fullmatch(value):
            yield value
        yield from _NAMED.findall(value)


def _shards(store: BlobStore, index: str) -> set[str]:
    try:
        entries = load_index(get_blob(store, index)).entries
    except StorageError:
        return set()  # the index itself is a blob that is damaged, and is found as one
    return {place.shard for entry in entries for place in entry.places()}


def _still_names(store: BlobStore, document: str, sha: str) -> bool:
    if document.startswith("journals/"):
        return True  # it only grows
    try:
        named = sha.encode() in store.read(document)
        return (named or document.startswith("refs/datasets/")) and not store.exists(blob_key(sha))
    except KeyMissing:
        return False


def _repair(store: BlobStore, sha: str, copies: Copies) -> str:
    """Replace a blob by the first sound copy and return where that was; empty for nowhere."""
    for copy in copies:
        try:
            path = copy.path(sha) if isinstance(copy, NodeCache) else blob_path(copy, sha)
            if not path.is_file() or file_sha256(path) != sha:
                continue
        except StorageError:
            continue
        store.write_file(blob_key(sha), path)
        if store.sha256(blob_key(sha)) == sha:
            return str(copy.root) if isinstance(copy, NodeCache) else copy.address
    return ""
