"""What ranks that train together tell each other in the middle of a step.

Each rank computes an equal part of every batch, and what follows from the whole batch is a sum
over the ranks: gradients, losses, the statistics of batch normalisations, the verdicts that a
relativistic loss compares. All ranks get the same bits of each sum, so that they stay in one state.
"""

import datetime
import functools
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, final

import torch
from torch import Tensor, distributed, nn

from acutance_models import BATCH_NORMS

PATIENCE: Final = 300.0
"""Seconds that a rank waits for the others: a machine may be busy, a process may hang."""


class RankLost(Exception):
    """A rank has ended, or does not answer; what was computed since the last state is lost."""


@final
class Group:
    """The ranks of one training, on one machine.

    Args:
        folder: Empty, where they find each other.
        rank: Whose view this is, from 0.
        ranks: How many there are.
        device: Of this rank; all are of one kind.

    Raises:
        RankLost: If the others do not come.
    """

    def __init__(self, folder: Path, *, rank: int, ranks: int, device: torch.device) -> None:
        self.rank, self.ranks, self._device = rank, ranks, device
        try:
            self._group = _connected(folder / "ranks", rank, ranks, device)
            self.sum(torch.zeros(1, device=device))
        except RuntimeError as error:
            raise RankLost(f"the ranks did not find each other: {error}") from error

    def sum(self, tensor: Tensor) -> None:
        """Replace a contiguous tensor by its sum over the ranks.

        Raises:
            RankLost: If a rank does not take part.
        """
        try:
            patience = datetime.timedelta(seconds=PATIENCE)
            self._group.allreduce([tensor], distributed.ReduceOp.SUM, patience).wait()
        except RuntimeError as error:
            raise RankLost(f"the ranks lost each other: {error}") from error

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of any shape and layout by their sums; one message for each dtype."""
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            some = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in some])
            self.sum(flat)
            parts = torch.split(flat, [tensor.numel() for tensor in some])
            for tensor, part in zip(some, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))

    def summed(self, tensor: Tensor) -> Tensor:
        """Return the sum over the ranks, with its gradient."""
        found: Tensor = _Sum.apply(tensor, self)  # type: ignore[no-untyped-call]  # torch 2.13
        return found

    def gathered(self, tensor: Tensor) -> Tensor:
        """Return the tensors of all ranks behind each other along the first axis; with gradient."""
        parts = [torch.zeros_like(tensor) for _ in range(self.ranks)]
        parts[self.rank] = tensor
        return self.summed(torch.cat(parts))

    def normalise(self, network: nn.Module) -> None:
        """Let batch normalisations of a network in training mode see the batch of all ranks."""
        for module in network.modules():
            if isinstance(module, BATCH_NORMS):
                replaced: Any = module
                replaced.forward = functools.partial(_normalised, module, self)

    def abort(self) -> None:
        """Let whoever waits for the others in this process wait no longer.

        What a GPU was about to compute from their sums is nonsense then. Gloo notices by itself.
        """
        if self._device.type == "cuda":
            self._group.abort()


def gradients(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """Return those gradients that are there: of the same parameters on every rank."""
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


class _Sum(torch.autograd.Function):
    """The sum over ranks; the loss is a sum over ranks as well, and so is its gradient."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Group) -> Tensor:
        ctx.group = group
        whole = tensor.clone(memory_format=torch.contiguous_format)
        group.sum(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        whole = gradients[0].clone(memory_format=torch.contiguous_format)
        ctx.group.sum(whole)
        return whole, None


def _normalised(norm: Any, group: Group, x: Tensor) -> Tensor:
    """Return what a batch normalisation makes of this rank's part of a batch.

    Mean and biased variance are those of the whole batch, in two passes; the running variance is
    the unbiased one, as torch's own modules have it.
    """
    if not norm.training:
        plain: Tensor = type(norm).forward(norm, x)
        return plain
    values = x.to(torch.promote_types(x.dtype, torch.float32))
    over = [axis for axis in range(x.dim()) if axis != 1]
    shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
    count = group.ranks * math.prod(x.shape[axis] for axis in over)
    mean = group.summed(values.sum(over)) / count
    centred = values - mean.view(shape)
    variance = group.summed(centred.square().sum(over)) / count
    if norm.track_running_stats:
        _remember(norm, mean.detach(), variance.detach() * (count / max(1, count - 1)))
    made = centred * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        made = made * norm.weight.view(shape) + norm.bias.view(shape)
    normalised: Tensor = made.to(x.dtype)
    return normalised


@torch.no_grad()
def _remember(norm: Any, mean: Tensor, variance: Tensor) -> None:
    norm.num_batches_tracked += 1
    share = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    for running, seen in ((norm.running_mean, mean), (norm.running_var, variance)):
        running.lerp_(seen.to(running.dtype), share)


def _connected(file: Path, rank: int, ranks: int, device: torch.device) -> Any:
    """Return the ranks' connection: nccl between GPUs, gloo over the loopback else."""
    c10d: Any = distributed  # torch's stubs do not know what follows (2.13)
    store, patience = c10d.FileStore(str(file), ranks), datetime.timedelta(seconds=PATIENCE)
    if device.type == "cuda":
        # What waits for a rank that is lost is given up; the process stays, to save and to tell.
        os.environ.setdefault("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2")
        options = c10d.ProcessGroupNCCL.Options()
        options._timeout = patience
        return c10d.ProcessGroupNCCL(store, rank, ranks, options)
    options = c10d.ProcessGroupGloo._Options()
    options._devices = [c10d.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
    options._timeout = patience
    return c10d.ProcessGroupGloo(store, rank, ranks, options)
