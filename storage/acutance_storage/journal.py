"""Journals: what happened, in order, in numbered immutable segments.

One `append` writes one segment below ``journals/<name>/`` (see `segments` for their names); nothing
is ever appended to a file, so the same code works on a store that can only put whole objects. A
line is

    {"v":1,"crc":"0f3a9b12","record":{...}}

where `crc` is the CRC-32 of the record's bytes exactly as they stand in the line. There are any
number of readers, and one writer at a time: whoever appends first claims the journal as its next
writer, ``claims/<name>/0002.json``, and the one before learns of it at its next append.
"""

import json
import secrets
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import final

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import (
    JournalBusy,
    JournalDamaged,
    KeyMissing,
    KeyTaken,
    check_schema,
)
from acutance_storage.journal_lines import (
    LINE,
    SCHEMA,
    Record,
    is_whole,
    line_of,
    opening,
    payloads,
)
from acutance_storage.parallel import spread
from acutance_storage.segments import FIRST, Segment, Writer, counted, folded, segment_of

_AHEAD = 8  # segments that are read at one time
_FEW = 16  # segments that are read one by one rather than copied together
_BEFORE = Segment(0, FIRST)


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
        self._seen: Segment | None = None
        self._end: int | None = None
        self._writer: Writer | None = None
        self._folds: set[Segment] = set()

    def append(self, *records: Record) -> None:
        """Write `records` as one segment: all or none of them, durable when this returns.

        Readers see them in this order. Without records nothing is written. The first append of
        an object claims the journal and, where a crash tore the last segment, rewrites that
        segment without its torn lines.

        Raises:
            JournalBusy: If another process has claimed the journal meanwhile, or written what this
                object has not read; `records` do not count.
            JournalDamaged: If the journal's end cannot be trusted.
            TypeError: If a record holds what JSON cannot say; nothing was written.
        """
        if not records:
            return
        data = b"".join(line_of(record) for record in records)
        if self._writer is None:
            self._writer = self._claim()
        writer, self._writer = self._writer, None  # after a failure, claim anew
        segment = Segment((self._end or 0) + 1, writer)
        self.store.write(self._key(segment), data)
        # Whoever claims next looks for the end after that: it finds this segment, or this look
        # finds its claim.
        if self.store.exists(self._claim_key(writer.number + 1)):
            raise self._busy("claimed it meanwhile")
        self._writer, self._seen, self._end = writer, segment, segment.number

    def read(self, *, folds: bool = True) -> list[Record]:
        """Return every record from the first on.

        Lines that a crash tore off at the very end are left out and counted in `cut`.

        Args:
            folds: Whether a copy that `fold` made is read in place of its segments.

        Raises:
            JournalDamaged: If a segment is missing or a line before the end is unreadable.
            SchemaUnknown: If a newer acutance wrote it.
        """
        return list(self.stream(folds=folds))

    def stream(self, *, folds: bool = True, holding: bytes = b"") -> Iterator[Record]:
        """Yield what `read` returns, one by one: a long journal's records would fill the memory.

        Who begins takes all; what follows is then asked of `read_new`. Most records that do not
        hold the text `holding` in their lines are passed over unread, which is far quicker.
        """
        self._seen, self._end, self.cut = _BEFORE, 0, 0
        chain = self._chain()
        copy, number = self._copied(chain) if folds else (b"", 0)
        if number:
            self._seen, self._end = chain[number - 1], number
        yield from (json.loads(p) for p in islice(payloads(copy), 1, None) if holding in p)
        del copy
        yield from self._taken(chain[number:], holding)

    def fold(self) -> None:
        """Copy all records into one object, so that `read` need not fetch every segment.

        Where there are few segments, or the end is torn, nothing is written. The segments stay.

        Raises:
            JournalDamaged: If the journal cannot be trusted.
        """
        records = self.read()
        end = self._seen
        if self.cut or end is None or end.number < _FEW or end in self._folds:
            return
        lines = (line_of(record) for record in [opening(end, len(records)), *records])
        self.store.write(f"journals/{self.name}/{end.fold}", b"".join(lines))

    def _copied(self, chain: list[Segment]) -> tuple[bytes, int]:
        """Return the longest whole copy of records, and how many segments it stands for."""
        for end in [segment for segment in chain if segment in self._folds][::-1]:
            with suppress(KeyMissing):
                data = self.store.read(f"journals/{self.name}/{end.fold}")
                if is_whole(data, end):
                    return data, end.number
        return b"", 0

    def read_new(self) -> list[Record]:
        """Return the records written since the last `read`, `read_new` or `append` of this object.

        Costs two look-ups where nothing is new, however long the journal is.

        Raises:
            JournalBusy: If a new writer did not accept what was read already.
            JournalDamaged: If a line before the end is unreadable.
            SchemaUnknown: If a newer acutance wrote it.
        """
        seen = self._seen
        if seen is None or seen == _BEFORE:
            return self.read()
        if self.store.exists(self._claim_key(seen.writer.number + 1)):
            chain = self._chain()
            if seen not in chain:
                raise self._busy("claimed it and goes on from an earlier record")
            return list(self._taken([s for s in chain if s.number > seen.number]))
        return list(self._taken(self._following([seen])[1:]))

    def _taken(self, segments: list[Segment], holding: bytes = b"") -> Iterator[Record]:
        """Yield the records of segments that follow each other and count them as seen."""
        self.cut = 0
        contents = spread(self._bytes, segments, workers=_AHEAD)
        for segment, data in zip(segments, contents, strict=True):
            last = segment == segments[-1]
            wanted = data if last or holding in data else b""  # the last one may be torn
            found = self._records(segment, wanted, last=last)
            # One that is torn from its start may still be mended.
            if found or not last:
                self._seen = segment
            self._end = segment.number
            yield from found

    def _bytes(self, segment: Segment) -> bytes:
        try:
            return self.store.read(self._key(segment))
        except KeyMissing:
            raise self._damaged(segment, "it is missing") from None

    def _records(self, segment: Segment, data: bytes, *, last: bool) -> list[Record]:
        records, torn = self._parse(data, segment)
        if torn and not last:
            raise self._damaged(segment, f"{torn} of its lines cannot be read")
        self.cut += torn
        return records

    def _parse(self, data: bytes, segment: Segment) -> tuple[list[Record], int]:
        """Return the records before the first unreadable line, and how many lines follow."""
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        parsed = [self._record(line, segment) for line in lines]
        good = next((i for i, record in enumerate(parsed) if record is None), len(parsed))
        if any(record is not None for record in parsed[good:]):
            raise self._damaged(segment, f"line {good + 1} cannot be read, later ones can")
        return [record for record in parsed[:good] if record is not None], len(parsed) - good

    def _record(self, line: bytes, segment: Segment) -> Record | None:
        match = LINE.fullmatch(line)
        if match is None:
            return None
        version, crc, payload = match.groups()
        check_schema(int(version), SCHEMA, f"journal {self.name!r}, {segment.name},")
        if zlib.crc32(payload) != int(crc, 16):
            return None
        record: Record = json.loads(payload)
        return record

    def _claim(self) -> Writer:
        """Become the journal's writer, behind all that was written until now."""
        chain = self._chain()
        number = chain[-1].writer.number if chain else 0
        while self.store.exists(self._claim_key(number + 1)):
            number += 1
        mine = Writer(number + 1, secrets.token_hex(4))
        said = {"schema": SCHEMA, "sign": mine.sign, "time": time.time()}
        try:
            self.store.write_new(self._claim_key(mine.number), json.dumps(said).encode())
        except KeyTaken:
            raise self._busy("claims it at this moment") from None
        chain = self._chain(claimed=number)
        if self._end is not None and self._end != len(chain):
            raise self._busy("wrote to it after it was read")
        self._end = len(chain)
        self._mend(chain[-1:])
        return mine

    def _mend(self, end: list[Segment]) -> None:
        """Cut a torn end off the last segment for good."""
        for segment in end:
            records, torn = self._parse(self._bytes(segment), segment)
            if torn:
                self.store.write(self._key(segment), b"".join(line_of(each) for each in records))

    def _chain(self, *, claimed: int = 0) -> list[Segment]:
        """Return the segments that count, in order and without gaps.

        A list may lag behind what was written, so what it seems to lack is looked for by name.

        Args:
            claimed: Number of the last writer, of whom the list may not know yet.
        """
        folder = f"journals/{self.name}/"
        names = [key.removeprefix(folder) for key in self.store.list(folder)]
        self._folds = folded(names)
        listed = counted(segment for name in names if (segment := segment_of(name)) is not None)
        chain: list[Segment] = []
        for segment in listed:
            while len(chain) + 1 < segment.number:
                chain.append(self._unlisted(chain, segment))
            chain.append(segment)
        chain = self._following(chain)
        for number in range(chain[-1].writer.number + 1 if chain else 1, claimed + 1):
            claim = json.loads(self.store.read(self._claim_key(number)))
            check_schema(claim.get("schema"), SCHEMA, f"{self._claim_key(number)}")
            first = Segment(len(chain) + 1, Writer(number, claim["sign"]))
            if self.store.exists(self._key(first)):
                chain = self._following([*chain, first])
        return chain

    def _following(self, chain: list[Segment]) -> list[Segment]:
        """Return a chain with all that its last writer wrote after it."""
        while chain and self.store.exists(self._key(chain[-1].next)):
            chain = [*chain, chain[-1].next]
        return chain

    def _unlisted(self, chain: list[Segment], later: Segment) -> Segment:
        number = len(chain) + 1
        writers = [later.writer, *(segment.writer for segment in chain[-1:])]
        for segment in (Segment(number, writer) for writer in writers):
            if self.store.exists(self._key(segment)):
                return segment
        raise self._damaged(Segment(number, writers[-1]), "it is missing")

    def _key(self, segment: Segment) -> str:
        return f"journals/{self.name}/{segment.name}"

    def _claim_key(self, number: int) -> str:
        return f"claims/{self.name}/{number:04d}.json"

    def _busy(self, what: str) -> JournalBusy:
        return JournalBusy(
            f"journal {self.name!r} in {self.store.address}: another process {what}. One writer at "
            "a time: end the other one (a sweep that still runs?), or wait for it"
        )

    def _damaged(self, segment: Segment, what: str) -> JournalDamaged:
        return JournalDamaged(
            f"journal {self.name!r} in {self.store.address}: segment {self._key(segment)} is "
            f"damaged ({what}). Restore this file from a backup; records after it cannot be "
            "trusted without it"
        )
