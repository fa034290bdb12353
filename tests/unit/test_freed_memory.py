"""Freed memory is kept: the system need not clear it anew for every tensor."""

import json
import platform
import subprocess
import sys

import pytest

MEGABYTES, TIMES = 64, 10
COUNT = f"""
import json, resource, sys
import torch
from acutance_platform.cli.freed_memory import keep_freed_memory, tidied
kept = keep_freed_memory() if sys.argv[1] == "keep" else None
for _ in range({TIMES}):  # until the heap is as large as it needs to be
    torch.ones({MEGABYTES} * 2**18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
watch = tidied(lambda part: None) if sys.argv[2:] else lambda part: None
for _ in range({TIMES}):
    torch.ones({MEGABYTES} * 2**18)
    watch(None)
after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(json.dumps([kept, after - before]))
"""


def counted(*words):
    """Return what `keep_freed_memory` said, and how often the system lent a page."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, *words], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_what_is_freed_is_used_again_as_it_is():
    _, lent = counted("plainly")
    kept, again = counted("keep")
    assert kept is True
    assert lent > 100, "pages may be 4 KiB or 2 MiB"
    assert again < lent / 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_the_system_has_it_back_after_each_part():
    kept, again = counted("keep", "tidied")
    assert kept is True
    assert again > 100, "all of it is lent anew"


def test_what_is_watched_is_told_of_all_the_same(monkeypatch):
    from acutance_platform.cli import freed_memory

    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: object())
    seen = []
    watch = freed_memory.tidied(seen.append)
    watch(1)
    watch(2)
    assert seen == [1, 2]


def test_another_c_library_is_left_alone(monkeypatch):
    from acutance_platform.cli import freed_memory

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", None)
    assert freed_memory.keep_freed_memory() is False
