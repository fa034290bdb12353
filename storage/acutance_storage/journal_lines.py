"""A journal's lines: how a record stands in a segment, and in a copy of many segments."""

import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

from acutance_storage.segments import Segment

Record = dict[str, Any]

SCHEMA: Final = 1
LINE: Final = re.compile(rb'\{"v":(\d+),"crc":"([0-9a-f]{8})","record":(\{.*\})\}')
"""Version, checksum and record of a line."""


def line_of(record: Record) -> bytes:
    """Return a record as a line."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    payload = text.encode("utf-8", "surrogatepass")
    return b'{"v":%d,"crc":"%08x","record":%b}\n' % (SCHEMA, zlib.crc32(payload), payload)


def opening(end: Segment, records: int) -> Record:
    """Return the first record of a copy of all segments up to `end`."""
    return {"fold": end.number, "records": records}


def is_whole(data: bytes, end: Segment) -> bool:
    """Say whether a copy can stand for the segments up to `end`."""
    first, count = b"", 0
    for line in _split(data):
        match = LINE.fullmatch(line)
        if match is None or int(match[1]) != SCHEMA or zlib.crc32(match[3]) != int(match[2], 16):
            return False
        first, count = first or match[3], count + 1
    return count > 0 and json.loads(first) == opening(end, count - 1)


def payloads(data: bytes) -> Iterator[bytes]:
    """Yield the records of a whole copy, its opening first, as they stand there."""
    for line in _split(data):
        match = LINE.fullmatch(line)
        assert match is not None, "it is whole"
        yield match[3]


def _split(data: bytes) -> Iterator[bytes]:
    """Yield lines one by one: a list of them would take more than the data."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield data[start:end]
        start = end + 1
