"""A store in a bucket of an S3-compatible service."""

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from acutance_storage.errors import BlobCorrupt, KeyMissing, KeyTaken
from acutance_storage.folder import Stat, file_sha256, storage_errors
from acutance_storage.keys import blob_of, check_key, check_prefix
from acutance_storage.node_cache import NodeCache
from acutance_storage.parallel import spread
from acutance_storage.retrying import Fault, retried
from acutance_storage.s3 import Body, Wire
from acutance_storage.s3_address import S3Address
from acutance_storage.s3_faults import MISSING, explained
from acutance_storage.s3_upload import PART, Piece, abandoned, put, put_new, put_parts

_PIECE, _FETCHERS = 16 * 1024 * 1024, 6  # bytes of one request, and how many at one time
_FIRST_CONTACT = 20.0  # seconds: a wrong address should not look like a long night
_REPLACED = {"PreconditionFailed", "412"}
_OTHERS = _REPLACED | {"409"}
_NO_RANGE = {"InvalidRange", "416"}
_reached: set[str] = set()

T = TypeVar("T")
Data = bytes | bytearray | memoryview
Take = Callable[[bytearray], object]


class _Replaced(Exception):
    """Another content stands under the key by now."""


@final
@dataclass(frozen=True, kw_only=True)
class S3Store:
    """A `BlobStore` whose keys are objects of a bucket.

    What is sent carries its MD5, which the service checks and tells back; its SHA-256 is noted
    beside it, and everything that is read whole is checked against that (a blob against its name).

    Args:
        place: Where it is.
        cache: Folder on this machine's disk for files that are mapped.
        deadline: Seconds for one request with all its repetitions.
        timeout: Seconds of silence after which one attempt has failed.
        settle: Seconds that `write_new` waits before it believes that it was alone; more than a
            write can take that began before.
    """

    place: S3Address
    cache: Path
    deadline: float = 120.0
    timeout: float = 30.0
    settle: float = 6.0

    @property
    def address(self) -> str:
        """``s3://BUCKET/PREFIX?endpoint=URL``, without secrets."""
        return str(self.place)

    def read(self, key: str) -> bytes:
        """Return what is stored under `key`, checked against its SHA-256.

        Raises:
            KeyMissing: If there is nothing.
            BlobCorrupt: If what is stored is not what was written.
            StoreUnreachable: If the service cannot be used.
        """
        parts: list[bytes | bytearray] = []
        try:
            self._checked(key, parts.append, parts.clear)
        except BlobCorrupt:
            sha = blob_of(key)
            copy = NodeCache(self.cache).path(sha) if sha else None
            if copy is None or not copy.is_file() or file_sha256(copy) != sha:
                raise
            self.write_file(key, copy)  # repaired from what this node has of it
            return copy.read_bytes()
        return b"".join(parts)

    def write(self, key: str, data: Data) -> None:
        """Store `data` under `key`, in place of what was there.

        Raises:
            StoreFull: If it does not fit; what was there stays.
            StoreUnreachable: If the service cannot be used.
        """
        view = memoryview(data).cast("B")
        sha = hashlib.sha256(view).hexdigest()
        self._send(key, len(view), lambda start, end: bytes(view[start:end]), sha)

    def write_new(self, key: str, data: Data) -> None:
        """Store `data` under `key`, which must be new: of several writers at most one succeeds.

        Services differ in what a conditional write promises, so it only helps here: whoever wrote
        waits until every write that began beside it has ended, and reads who was last.

        Raises:
            KeyTaken: If there is something already, or another writer was last.
        """
        metadata = {"sha256": hashlib.sha256(data).hexdigest(), "writer": secrets.token_hex(16)}
        end, name, body = time.monotonic() + self.deadline, self._name(check_key(key)), bytes(data)
        quick = Wire(self.place, self.settle / 6)
        quick.open()
        while time.monotonic() < end:
            began = time.monotonic()
            if self.exists(key):
                break
            if time.monotonic() - began > self.settle / 3:
                continue  # too long ago to count
            try:
                put_new(quick, name, body, metadata)
            except Fault as fault:
                # It may have arrived, or another one's: that is seen below.
                if not fault.again and fault.code not in _OTHERS:
                    raise explained(fault, self.place, key) from fault
            if time.monotonic() - began > self.settle:
                break  # suspended in between: another one may be sure already that it was alone
            time.sleep(self.settle)
            with contextlib.suppress(KeyMissing):
                if self._head(key).get("Metadata", {}).get("writer") == metadata["writer"]:
                    return
                break
        raise KeyTaken(f"{key!r} exists already in {self.address}, or cannot be written in time")

    def write_file(self, key: str, source: Path) -> None:
        """Store the content of the file `source` without holding it in memory."""
        with storage_errors(source), source.open("rb") as file:
            size, sha = os.fstat(file.fileno()).st_size, blob_of(key) or file_sha256(source)
            piece = lambda start, end: os.pread(file.fileno(), end - start, start)  # noqa: E731
            self._send(key, size, piece, sha)

    def local_path(self, key: str) -> Path:
        """Return a file of the node cache that holds the content of `key`; never write to it.

        Raises:
            KeyMissing: If there is nothing.
            BlobCorrupt: If what is stored is not what was written.
        """
        check_key(key)
        wanted = blob_of(key) or self.stat(key).sha256 or self.sha256(key)

        def fill(path: Path) -> None:
            with path.open("r+b") as file:
                self._checked(key, file.write, lambda: file.seek(0))
                file.truncate()

        return NodeCache(self.cache).fetch(wanted, lambda: self.stat(key).size, fill)

    def exists(self, key: str) -> bool:
        """Say whether something is stored under `key`."""
        try:
            self._head(key)
        except KeyMissing:
            return False
        return True

    def stat(self, key: str) -> Stat:
        """Return size, time and noted SHA-256 of what is stored under `key`."""
        head = self._head(key)
        sha = head.get("Metadata", {}).get("sha256")
        return Stat(int(head["ContentLength"]), head["LastModified"].timestamp(), sha)

    def sha256(self, key: str) -> str:
        """Return the SHA-256 of what is stored under `key`, read anew."""
        return self._settled(key, lambda _: None, lambda: None)[0]

    def list(self, prefix: str) -> list[str]:
        """Return every key that begins with `prefix`, sorted; ``""`` gives all."""
        check_prefix(prefix)
        top, found, after = self._name(""), list[str](), dict[str, str]()
        while True:
            answer = self._try(prefix, "list_objects_v2", Prefix=top + prefix, **after)
            found += [str(entry["Key"]).removeprefix(top) for entry in answer.get("Contents", ())]
            if not answer.get("IsTruncated"):
                # Hidden parts are no keys, here as in a folder.
                return sorted(key for key in found if key and "/." not in f"/{key}")
            after = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Forget `key`; one that is not there is fine."""
        with contextlib.suppress(KeyMissing):
            self._try(key, "delete_object", Key=self._name(check_key(key)))

    def leftovers(self, before: float, *, delete: bool) -> int:
        """Count, and delete if asked, what writes left that began before then and never ended."""
        return self._patiently("", lambda: abandoned(self._wire(), self._name(""), before, delete))

    def _send(self, key: str, size: int, piece: Piece, sha256: str) -> None:
        wire, name = self._wire(), self._name(check_key(key))
        if size > PART:
            put_parts(wire, name, size, piece, sha256, lambda it: self._patiently(key, it))
        else:
            body = piece(0, size)
            self._patiently(key, lambda: put(wire, name, body, {"sha256": sha256}))

    def _name(self, key: str) -> str:
        return f"{self.place.prefix}/{key}" if self.place.prefix else key

    def _wire(self) -> Wire:
        return Wire(self.place, self.timeout)

    def _patiently(self, key: str, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns after as many faults as the deadline allows."""
        known = self.address in _reached
        deadline = self.deadline if known else min(self.deadline, _FIRST_CONTACT)
        try:
            answer = retried(attempt, deadline=deadline)
        except Fault as fault:
            if fault.again:
                _reached.discard(self.address)  # whoever gives up next need not wait as long
            raise explained(fault, self.place, key) from fault
        _reached.add(self.address)
        return answer

    def _try(self, key: str, operation: str, **arguments: Any) -> dict[str, Any]:
        wire = self._wire()
        return self._patiently(key, lambda: wire.call(operation, **arguments))

    def _get(self, key: str, start: int, end: int, **arguments: Any) -> Body:
        wire, name = self._wire(), self._name(check_key(key))
        asked = {"Key": name, "Range": f"bytes={start}-{end - 1}", **arguments}

        def attempt() -> Body:
            try:
                return wire.get(**asked)
            except Fault as fault:
                if fault.code in _REPLACED:
                    raise _Replaced from fault
                if fault.code not in _NO_RANGE:
                    raise
                return wire.get(Key=name)  # nothing has no first byte

        return self._patiently(key, attempt)

    def _head(self, key: str) -> dict[str, Any]:
        wire, name = self._wire(), self._name(check_key(key))

        def attempt() -> dict[str, Any]:
            try:
                return wire.call("head_object", Key=name)
            except Fault as fault:
                known = fault.code in MISSING and self.address in _reached
                if known or fault.again:
                    raise
            # A HEAD's refusal has no body to say why; a missing bucket looks like a missing key.
            body = wire.get(Key=name, Range="bytes=0-0")
            raise Fault("Appeared", f"{body.total} bytes meanwhile", again=True)

        try:
            return self._patiently(key, attempt)
        except KeyMissing:
            _reached.add(self.address)
            raise

    def _checked(self, key: str, take: Take, restart: Callable[[], object]) -> None:
        found, wanted = self._settled(key, take, restart)
        if found != wanted:
            raise BlobCorrupt(
                f"{key} in {self.address} is damaged: its SHA-256 is {found}, and {wanted} was "
                "written. `acutance store verify --repair` mends what has a copy"
            )

    def _settled(self, key: str, take: Take, restart: Callable[[], object]) -> tuple[str, str]:
        """Fetch until the content has its hash, or the same wrong one twice; return both."""
        end, wrong = time.monotonic() + self.deadline, ""
        while True:
            found, noted = self._whole(key, take, restart)
            wanted = blob_of(key) or noted or found
            if found in (wanted, wrong) or time.monotonic() > end:
                return found, wanted
            wrong = found

    def _whole(self, key: str, take: Take, restart: Callable[[], object]) -> tuple[str, str | None]:
        """Give one version's content to `take`; return its SHA-256 and the one that was noted."""
        while True:
            restart()
            with contextlib.suppress(_Replaced):
                return self._pieces(key, take)

    def _pieces(self, key: str, take: Take) -> tuple[str, str | None]:
        first = self._get(key, 0, _PIECE)
        digest = hashlib.sha256(first.data)
        take(first.data)
        rest = ((at, min(at + _PIECE, first.total)) for at in range(_PIECE, first.total, _PIECE))

        def fetch(span: tuple[int, int]) -> Body:
            return self._get(key, *span, IfMatch=first.etag)

        for piece in spread(fetch, rest, workers=_FETCHERS):
            digest.update(piece.data)
            take(piece.data)
        return digest.hexdigest(), first.metadata.get("sha256")
