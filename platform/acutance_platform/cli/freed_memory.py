"""Memory that the process keeps when tensors are freed, for commands that enlarge large pictures.

The feature maps of one tile take tens of megabytes each. The C library of most Linux systems hands
blocks of that size back to the system at once, which must clear every page before it lends it
again: half of the CPU time of a large picture. Kept, they are used again as they are.
"""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of `mallopt` (GNU C Library manual, "Malloc Tunable Parameters")."""
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, until it ends.

    Its peak grows by what lies between the blocks in use, so this is for a process that does one
    thing and ends.

    Returns:
        Whether the C library is one that can be told so.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(_MMAP_MAX, 0) and library.mallopt(_TRIM_THRESHOLD, _NEVER))
