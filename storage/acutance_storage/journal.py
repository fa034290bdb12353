"""Journals: what happened, in order, in numbered immutable segments.

``journals/<name>/00000001.jsonl`` and so on. One `append` writes one segment; nothing is ever
appended to a file, so the same code works on a store that can only put whole objects. A line is

    {"v":1,"crc":"0f3a9b12","record":{...}}

where `crc` is the CRC-32 of the record's bytes exactly as they stand in the line. There is one
writer and any number of readers.
"""

import json
import re
import zlib
from typing import Any, final

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import (
    JournalBusy,
    JournalDamaged,
    KeyMissing,
    KeyTaken,
    check_schema,
)

_SCHEMA = 1
_LINE = re.compile(rb'\{"v":(\d+),"crc":"([0-9a-f]{8})","record":(\{.*\})\}')
_SEGMENT = re.compile(r"(\d{8})\.jsonl")

Record = dict[str, Any]


@final
class Journal:
    """A series of records that only grows.

    Opening one is free and touches nothing. Use one object per process and thread.

    Args:
        store: Where the segments lie.
        name: Parts joined by slashes, as in a key; for example ``sweeps/quickstart``.
    """

    def __init__(self, store: BlobStore, name: str) -> None:
        self.store = store
        self.name = name
        self.cut = 0
        """Lines of a torn end that the last `read` or `read_new` left out."""
        self._seen = 0
        self._written: int | None = None

    def append(self, *records: Record) -> None:
        """Write `records` as one segment: all or none of them, durable when this returns.

        Readers see them in this order. Without records nothing is written. The first append of
        an object finds the journal's end and, where a crash tore the last segment, rewrites that
        segment without its torn lines.

        Raises:
            JournalBusy: If another process wrote this segment's number meanwhile; nothing of
                `records` was written.
            JournalDamaged: If the journal's end cannot be trusted.
            TypeError: If a record holds what JSON cannot say; nothing was written.
        """
        if not records:
            return
        data = b"".join(_line(record) for record in records)
        if self._written is None:
            self._written = self._mend_end()
        number = self._written + 1
        try:
            self.store.write_new(self._key(number), data)
        except KeyTaken:
            self._written = None
            raise JournalBusy(
                f"journal {self.name!r} in {self.store.address}: another process wrote segment "
                f"{number} first. One writer at a time: end the other one (a sweep that still "
                "runs?), or wait for it"
            ) from None
        self._written = self._seen = number

    def read(self) -> list[Record]:
        """Return every record from the first on.

        Lines that a crash tore off at the very end are left out and counted in `cut`.

        Raises:
            JournalDamaged: If a segment is missing or a line before the end is unreadable.
            SchemaUnknown: If a newer acutance wrote it.
        """
        self.cut = 0
        self._seen = 0
        records: list[Record] = []
        numbers = self._numbers()
        for number in numbers:
            records += self._take(number, last=number == numbers[-1])
        return records

    def read_new(self) -> list[Record]:
        """Return the records written since the last `read`, `read_new` or `append` of this object.

        Costs one look-up where nothing is new, however long the journal is.

        Raises:
            JournalDamaged: If a line before the end is unreadable.
            SchemaUnknown: If a newer acutance wrote it.
        """
        self.cut = 0
        records: list[Record] = []
        while self.store.exists(self._key(self._seen + 1)):
            number = self._seen + 1
            records += self._take(number, last=not self.store.exists(self._key(number + 1)))
            if self._seen < number:
                break
        return records

    def _take(self, number: int, *, last: bool) -> list[Record]:
        """Return a segment's records and count it as seen, unless it may still be filled."""
        records = self._segment(number, last=last)
        # Without hard links a folder claims a number with an empty file before it fills it.
        if records or not last:
            self._seen = number
        return records

    def _segment(self, number: int, *, last: bool) -> list[Record]:
        try:
            data = self.store.read(self._key(number))
        except KeyMissing:
            raise self._damaged(number, "it is missing") from None
        records, torn = self._parse(data, number)
        if torn and not last:
            raise self._damaged(number, f"{torn} of its lines cannot be read")
        self.cut += torn
        return records

    def _parse(self, data: bytes, number: int) -> tuple[list[Record], int]:
        """Return the records before the first unreadable line, and how many lines follow."""
        lines = data.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        parsed = [self._record(line, number) for line in lines]
        good = next((i for i, record in enumerate(parsed) if record is None), len(parsed))
        if any(record is not None for record in parsed[good:]):
            raise self._damaged(number, f"line {good + 1} cannot be read, later ones can")
        return [record for record in parsed[:good] if record is not None], len(parsed) - good

    def _record(self, line: bytes, number: int) -> Record | None:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        version, crc, payload = match.groups()
        check_schema(int(version), _SCHEMA, f"journal {self.name!r}, segment {number},")
        if zlib.crc32(payload) != int(crc, 16):
            return None
        record: Record = json.loads(payload)
        return record

    def _mend_end(self) -> int:
        """Return the last segment's number, after cutting a torn end off it for good."""
        numbers = self._numbers()
        if not numbers:
            return 0
        last = numbers[-1]
        records, torn = self._parse(self.store.read(self._key(last)), last)
        if torn:
            self.store.write(self._key(last), b"".join(_line(record) for record in records))
        return last

    def _numbers(self) -> list[int]:
        folder = f"journals/{self.name}/"
        found = (_SEGMENT.fullmatch(key.removeprefix(folder)) for key in self.store.list(folder))
        numbers = [int(match[1]) for match in found if match]
        for expected, number in enumerate(numbers, start=1):
            if number != expected:
                raise self._damaged(expected, "it is missing")
        return numbers

    def _key(self, number: int) -> str:
        return f"journals/{self.name}/{number:08d}.jsonl"

    def _damaged(self, number: int, what: str) -> JournalDamaged:
        return JournalDamaged(
            f"journal {self.name!r} in {self.store.address}: segment {self._key(number)} is "
            f"damaged ({what}). Restore this file from a backup; records after it cannot be "
            "trusted without it"
        )


def _line(record: Record) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    payload = text.encode("utf-8", "surrogatepass")
    return b'{"v":%d,"crc":"%08x","record":%b}\n' % (_SCHEMA, zlib.crc32(payload), payload)
