"""Doing the parts of a large thing side by side, without holding more than a few of them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def spread(
    work: Callable[[T], R], items: Iterable[T], *, workers: int, ahead: int = 0
) -> Iterator[R]:
    """Yield `work` of each item, in order, computed by threads.

    The first error ends it, after the items at work have ended.

    Args:
        work: What is done with an item.
        items: Drawn as they are needed.
        workers: Items at work at one time.
        ahead: Further ones that may be drawn or done beyond what was yielded, so that one slow item
            leaves no thread without work; all of them are in memory.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="store") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= workers + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
