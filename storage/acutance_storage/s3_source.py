"""Pictures below a prefix of a bucket, fetched a few at a time while others are decoded."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from acutance_storage.errors import DatasetError, KeyMissing
from acutance_storage.folder import storage_errors
from acutance_storage.parallel import spread
from acutance_storage.retrying import Fault, retried
from acutance_storage.s3 import Body, Wire
from acutance_storage.s3_address import parse_s3_address
from acutance_storage.s3_faults import explained
from acutance_storage.sources import Fetched, SourceFile

AHEAD = 8
"""Files that are on disk or on their way at one time."""

LARGEST = 1 << 30
"""Bytes: what is larger is no picture and is not fetched."""

_DEADLINE, _FIRST_CONTACT, _TIMEOUT = 120.0, 20.0, 30.0  # seconds, as of a store


@final
class S3Source:
    """The objects below ``s3://BUCKET/PREFIX``; names may hold anything, unlike keys of a store.

    Args:
        address: As a store's; endpoint and credentials come from the standard variables.

    Raises:
        StorageError: If the address cannot be one, or the service cannot be used.
        DatasetError: If nothing lies there.
    """

    def __init__(self, address: str) -> None:
        self._place = parse_s3_address(address, said_by="--from")
        self._wire = Wire(self._place, _TIMEOUT)
        self._top = f"{self._place.prefix}/" if self._place.prefix else ""
        self.address = str(self._place)
        self.files: list[SourceFile] = []
        self.skipped: list[tuple[str, str]] = []
        for entry in self._listed():
            self._take(str(entry["Key"]).removeprefix(self._top), entry)
        if not self.files:
            raise DatasetError(
                f"{self.address} holds no file. Give the prefix that the pictures lie below",
                [f"{name}: {reason}" for name, reason in self.skipped],
            )
        self.files.sort(key=lambda file: file.name)

    def fetch(self, files: Iterable[SourceFile], scratch: Path) -> Iterator[Fetched]:
        """Yield each of `files` as a file below `scratch` that is gone when the next is asked for.

        Raises:
            StoreFull: If it does not fit.
            StoreUnreachable: If the service cannot be used.
        """

        def one(numbered: tuple[int, SourceFile]) -> Fetched:
            number, file = numbered
            path = scratch / f"fetched-{number}"
            try:
                data = self._content(file.name)
            except KeyMissing:
                return Fetched(path, "deleted while the prefix was read")
            with storage_errors(path):
                path.write_bytes(data)
            return Fetched(path)

        for fetched in spread(one, enumerate(files), workers=AHEAD):
            yield fetched
            with suppress(OSError):
                fetched.path.unlink(missing_ok=True)

    def _take(self, name: str, entry: dict[str, Any]) -> None:
        if not name or name.endswith("/"):
            return  # what consoles write to show a folder
        if any(part.startswith(".") for part in name.split("/")):
            self.skipped.append((name, "hidden"))
        elif int(entry["Size"]) > LARGEST:
            self.skipped.append((name, f"more than {LARGEST >> 30} GiB is no picture"))
        else:
            etag = str(entry.get("ETag", "")).strip('"')
            self.files.append(SourceFile(name, [int(entry["Size"]), etag]))

    def _listed(self) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=self._top, **after)
            yield from answer.get("Contents", ())
            if not answer.get("IsTruncated"):
                return
            after = {"ContinuationToken": answer["NextContinuationToken"]}

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return retried(lambda: self._wire.call(operation, **arguments), deadline=_FIRST_CONTACT)
        except Fault as fault:
            raise explained(fault, self._place, self._top) from fault

    def _content(self, name: str) -> bytearray:
        """Return an object's bytes: with the MD5 that its ETag says, or the same ones twice."""
        wrong = None
        while True:
            body = self._body(name)
            found = hashlib.md5(body.data, usedforsecurity=False).hexdigest()
            # Of objects in parts, and encrypted ones, the ETag is no MD5.
            if found in (body.etag.strip('"'), wrong):
                return body.data
            wrong = found

    def _body(self, name: str) -> Body:
        try:
            return retried(lambda: self._wire.get(Key=self._top + name), deadline=_DEADLINE)
        except Fault as fault:
            raise explained(fault, self._place, name) from fault
