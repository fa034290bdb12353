"""Random numbers that depend on what they are for and on nothing else.

A stream is named by its use and keyed by (seed, name, counters). Nothing reads or moves the global
state of random, numpy or torch, so there is no state to save: the same key gives the same numbers
in any process, in any order, with any number of threads.
"""

import hashlib

import numpy as np

from acutance_models.errors import ModelsError

_COUNTER_WORDS = 3  # Philox counts in four 64-bit words; the lowest one is the stream's own
_WORD_END = 1 << 64


def stream(seed: int, name: str, *counters: int) -> np.random.Generator:
    """Return the generator of one named stream at one place.

    Args:
        seed: The recipe's seed, any integer.
        name: What the numbers are for, e.g. "crop", "noise", "init/generator/conv_first.weight".
        *counters: Up to three whole numbers from 0 to 2^64 - 1, e.g. step and index. Different
            counters never share a number: each place has 2^64 blocks of its own.

    Raises:
        ModelsError: If there are more than three counters or one is out of range.

    Source:
        Salmon et al., SC 2011 (Philox 4x64-10, a block cipher over a counter).
    """
    if len(counters) > _COUNTER_WORDS or not all(0 <= count < _WORD_END for count in counters):
        raise ModelsError(
            f"A stream takes at most {_COUNTER_WORDS} counters from 0 to 2^64 - 1, got {counters}."
        )
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    words = np.zeros(4, dtype=np.uint64)
    for place, count in enumerate(counters, start=1):
        words[place] = count
    return np.random.Generator(np.random.Philox(key=key, counter=words))
