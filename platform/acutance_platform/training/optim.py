"""The optimiser, its learning rate over time, and the moving average of the weights."""

import math
from collections.abc import Iterable, Sequence
from typing import cast, final

import torch
from torch import Tensor, nn

from acutance_platform.recipe import Optimizer, Schedule


def build_optimizer(
    spec: Optimizer, parameters: Iterable[nn.Parameter] | Sequence[Sequence[nn.Parameter]]
) -> torch.optim.Adam:
    """Return Adam over the parameters, in torch's fused kernel (CPU and CUDA have one).

    Args:
        spec: The recipe's optimiser.
        parameters: All of them, or a list of groups.
    """
    given = list(parameters)
    groups = [{"params": list(g)} for g in given if not isinstance(g, nn.Parameter)]
    return torch.optim.Adam(
        groups or cast(list[nn.Parameter], given),
        lr=spec.lr,
        betas=spec.betas,
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        fused=True,
    )


def learning_rate_factor(schedule: Schedule, step: int, steps: int) -> float:
    """Return the factor on the learning rate for the step from `step` to `step + 1`.

    Args:
        schedule: The recipe's schedule.
        step: Steps done since the stage's start, from 0.
        steps: Length of the stage.
    """
    warm = min(1.0, (step + 1) / schedule.warmup) if schedule.warmup else 1.0
    if schedule.kind == "constant":
        return warm
    if schedule.kind == "multistep":
        return warm * schedule.gamma ** sum(step >= m for m in schedule.milestones)
    # Loshchilov and Hutter 2017, eq. 5, without restarts; the last step is just above `final`.
    half = 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return warm * (schedule.final + (1.0 - schedule.final) * half)


def optimizer_tensors(optimizer: torch.optim.Adam, names: Iterable[str]) -> dict[str, Tensor]:
    """Return the optimiser's state as `NAME.exp_avg`, `NAME.exp_avg_sq`, `NAME.step`."""
    found: dict[str, Tensor] = {}
    for name, parameter in zip(names, _parameters(optimizer), strict=True):
        for key, value in optimizer.state.get(parameter, {}).items():
            found[f"{name}.{key}"] = cast(Tensor, value)
    return found


def restore_optimizer(
    optimizer: torch.optim.Adam, names: Iterable[str], tensors: dict[str, Tensor]
) -> None:
    """Put a saved state back, in the strides of the parameters.

    The fused kernel pairs elements by their position in memory: a moment in another layout than
    its parameter is silently wrong, and safetensors files are always contiguous.
    """
    for name, parameter in zip(names, _parameters(optimizer), strict=True):
        if f"{name}.exp_avg" not in tensors:
            continue
        optimizer.state[parameter] = {
            "step": tensors[f"{name}.step"].to(parameter.device, torch.float32).clone(),
            **{
                key: torch.empty_like(parameter.data).copy_(tensors[f"{name}.{key}"])
                for key in ("exp_avg", "exp_avg_sq")
            },
        }


def _parameters(optimizer: torch.optim.Adam) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


@final
class MovingAverage:
    """Exponential moving average of a network's parameters; buffers are the network's own."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._live = dict(network.named_parameters())
        self.tensors = {name: p.detach().clone() for name, p in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Move every average by `1 - decay` towards its parameter."""
        live = [parameter.detach() for parameter in self._live.values()]
        torch._foreach_lerp_(list(self.tensors.values()), live, 1.0 - self._decay)

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Copy saved averages back."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])
