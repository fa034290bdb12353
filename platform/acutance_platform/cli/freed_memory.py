"""Memory that the process keeps when tensors are freed, for commands that enlarge large pictures.

The feature maps of one tile take tens of megabytes each. The C library of most Linux systems hands
blocks of that size back to the system at once, which must clear every page before it lends it
again: half of the CPU time of a large picture. Kept, they are used again as they are.
"""

import ctypes
import platform
from collections.abc import Callable
from typing import TypeVar

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of `mallopt` (GNU C Library manual, "Malloc Tunable Parameters")."""
_NEVER = 2**31 - 1
Part = TypeVar("Part")


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, until it ends.

    Its peak grows by what lies between the blocks in use, so this is for a process that does one
    thing and ends; one that goes on for long gives memory back now and then, see `tidied`.

    Returns:
        Whether the C library is one that can be told so.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(_MMAP_MAX, 0) and library.mallopt(_TRIM_THRESHOLD, _NEVER))


def tidied(watch: Callable[[Part], None]) -> Callable[[Part], None]:
    """Return `watch`, after which the system has back what lies free.

    Called after each tile: within one, freed memory is used again as it is; from one to the next,
    what lies free between the blocks in use does not add up.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone

    def watch_and_trim(part: Part) -> None:
        watch(part)
        if trim is not None:
            trim(0)

    return watch_and_trim
