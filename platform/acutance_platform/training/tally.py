"""What a piece of tensor code allocates and computes, seen operation by operation.

The code runs on tensors without contents (`FakeTensorMode`), so that a step of any size costs
milliseconds and no memory; every storage that it makes is counted until nothing refers to it.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

_READ = torch.ops.aten._local_scalar_dense.default


@final
class Tally(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
    """Counts bytes alive, multiply-adds, bytes touched and calls while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.alive = 0
        """Bytes of all storages that something refers to."""
        self.peak = 0
        """The most that `alive` has been."""
        self.calls: list[tuple[float, float]] = []
        """Floating-point operations (two per multiply-add) and bytes read or written, by call."""
        self._sizes: dict[int, tuple[Any, int]] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation and count it."""
        if func is _READ:  # a number without contents: a flag is set, a share is one half
            return True if args[0].dtype is torch.bool else 0.5
        made = func(*args, **(kwargs or {}))
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        outputs = [each for each in tree_leaves(made) if isinstance(each, Tensor)]
        for tensor in outputs:
            self._see(tensor)
        if not func.is_view:
            count: Callable[..., int] | None = flop_registry.get(func._overloadpacket)
            flops = count(*args, **(kwargs or {}), out_val=made) if count else 0
            touched = sum(each.numel() * each.element_size() for each in (*given, *outputs))
            self.calls.append((float(flops), float(touched)))
        return made

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place = storage._cdata
        if place in self._sizes:
            return

        def gone(_: Any) -> None:
            self.alive -= self._sizes.pop(place)[1]

        # Kept beside its size: a weak reference that is dropped tells nobody.
        self._sizes[place] = weakref.ref(storage, gone), storage.nbytes()
        self.alive += storage.nbytes()
        self.peak = max(self.peak, self.alive)


@contextmanager
def without_contents() -> Iterator[Tally]:
    """Make every tensor inside one without contents, and give the tally of them."""
    with FakeTensorMode(allow_non_fake_inputs=True), Tally() as tally:
        yield tally
