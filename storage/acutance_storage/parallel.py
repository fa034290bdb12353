"""Doing the parts of a large thing side by side, without holding more than a few of them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def spread(work: Callable[[T], R], items: Iterable[T], *, workers: int) -> Iterator[R]:
    """Yield `work` of each item, in order, computed by threads.

    At most one and a half times `workers` items are drawn beyond what was yielded, so that their
    memory stays bounded and one slow item does not leave threads without work. The first error ends
    it, after the items at work have ended.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="store") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= workers + workers // 2:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
