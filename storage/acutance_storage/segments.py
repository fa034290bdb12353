"""Segments of a journal: their names, and which of them count.

``NUMBER-WRITER-SIGN.jsonl``: a segment's number in the journal, which writer of the journal it is
from (1, 2, ... in the order in which they claimed it), and that writer's own sign. A writer goes on
behind what it accepts of its predecessors, so the number of its first segment says where their part
ends: whatever a predecessor, which did not know yet that it had lost the journal, wrote from there
on does not count. ``NUMBER.jsonl`` is from a time before claims, writer 0.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_END, _FOLD = ".jsonl", ".fold.jsonl"
_NAME = re.compile(r"(\d{8})(?:-(\d{4,})-([0-9a-f]{8}))?\.jsonl")


@dataclass(frozen=True, order=True)
class Writer:
    """Who wrote a segment."""

    number: int
    """In the order of their claims."""
    sign: str
    """Its own mark, in hex."""


FIRST = Writer(0, "")
"""Whoever wrote before there were claims."""


@dataclass(frozen=True)
class Segment:
    """One object of a journal."""

    number: int
    """Its place in the journal, from 1."""
    writer: Writer
    """Who wrote it."""

    @property
    def name(self) -> str:
        """What it is called in its journal's folder."""
        if self.writer == FIRST:
            return f"{self.number:08d}.jsonl"
        return f"{self.number:08d}-{self.writer.number:04d}-{self.writer.sign}.jsonl"

    @property
    def fold(self) -> str:
        """What the copy of all records up to here is called, beside it."""
        return self.name.removesuffix(_END) + _FOLD

    @property
    def next(self) -> "Segment":
        """The one that the same writer would write after it."""
        return Segment(self.number + 1, self.writer)


def segment_of(name: str) -> Segment | None:
    """Return the segment of this name; None for another file."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Segment(int(match[1]), Writer(int(match[2] or 0), match[3] or ""))


def folded(names: Iterable[str]) -> set[Segment]:
    """Return the segments up to which there is a copy of all records."""
    ends = (name.removesuffix(_FOLD) + _END for name in names if name.endswith(_FOLD))
    return {segment for name in ends if (segment := segment_of(name)) is not None}


def counted(segments: Iterable[Segment]) -> list[Segment]:
    """Return those that count, in order; numbers may be missing among them."""
    found: list[Segment] = []
    end = None
    for segment in sorted(segments, key=lambda s: (s.writer, s.number), reverse=True):
        # From the last writer backwards: of each only what lies before all later ones.
        if end is None or segment.writer == end.writer or segment.number < end.number:
            found.append(segment)
            end = segment
    return found[::-1]
