"""The machine kind: what decides the bits of a training beside its recipe.

Each field was seen to change bits on real machines, so each belongs to a stage's key. The kind is
resolved once, by whoever starts the training, and handed on; a trial never probes it for itself.
"""

import functools
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from acutance_platform.recipe import Problem, Recipe, RecipeErrors, rank_count, rank_threads

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class MachineKind:
    """All that changes a training's bits and is not in its recipe."""

    torch: str
    """torch version with its build, such as 2.13.0+cpu."""
    device: str
    """`cpu`, or the GPU's name."""
    isa: str
    """Widest instruction set that the CPU kernels use; empty on a GPU."""
    vendor: str
    """CPU vendor; empty on a GPU."""
    threads: int
    """Threads of the CPU kernels of each rank; 0 on a GPU."""
    precision: str
    """f32 or bf16."""
    memory_format: str = "channels_last"
    """Layout of pictures and filters in memory."""
    fused: bool = True
    """Whether the optimiser is torch's fused kernel."""
    compiled: bool = False
    """Whether torch.compile rewrote the step."""
    ranks: int = 1
    """Processes that add up the gradients of their parts of each batch."""

    def for_recipe(self, recipe: Recipe) -> "MachineKind":
        """Return the kind with precision, threads and ranks of a recipe of the same sweep."""
        threads = rank_threads(recipe.resources) if self.device == "cpu" else 0
        ranks = rank_count(recipe.resources)
        return replace(self, precision=recipe.precision, threads=threads, ranks=ranks)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain data for keys, journals and runs."""
        plain = asdict(self)
        if self.ranks == 1:  # keys made before there were ranks still hold
            del plain["ranks"]
        return plain


def resolve_auto(recipe: Recipe) -> Recipe:
    """Return the recipe with its `auto` fields replaced by what this machine has."""
    gpu = recipe.resources.gpu
    if gpu == "auto":
        gpu = float(rank_count(recipe.resources)) if torch.cuda.is_available() else 0.0
    precision = recipe.precision
    if precision == "auto":
        precision = "bf16" if _computes_bf16(gpu > 0) else "f32"
    resources = recipe.resources.model_copy(update={"gpu": gpu})
    return recipe.model_copy(update={"precision": precision, "resources": resources})


def room_problems(recipe: Recipe) -> list[Problem]:
    """Return what a recipe asks of a machine and this one does not have; empty where it fits."""
    problems = []
    cpu, gpu = recipe.resources.cpu, recipe.resources.gpu
    if cpu > (cpus := os.cpu_count() or 1):
        rule = f"this machine has {cpus} CPUs"
        problems.append(Problem("resources.cpu", str(cpu), rule, f"Write {cpus} or less."))
    if gpu != "auto" and gpu > (gpus := torch.cuda.device_count()):
        rule = f"this machine has {gpus} GPUs that torch can use"
        way_out = "Write gpu: auto, or run it where there are enough."
        problems.append(Problem("resources.gpu", f"{gpu:g}", rule, way_out))
    return problems


def machine_kind(recipe: Recipe) -> MachineKind:
    """Return this machine's kind for a recipe whose `auto` fields are resolved.

    Raises:
        RecipeErrors: If the recipe was resolved for a GPU, and there is none here.
    """
    if device_of(recipe).type == "cuda":
        if not torch.cuda.is_available():
            raise RecipeErrors(p for p in room_problems(recipe) if p.place == "resources.gpu")
        device, isa, vendor, threads = torch.cuda.get_device_name(), "", "", 0
    else:
        vendor, flags = _cpu()
        device, isa, threads = "cpu", _isa(flags), rank_threads(recipe.resources)
    return MachineKind(
        torch=str(torch.__version__),
        device=device,
        isa=isa,
        vendor=vendor,
        threads=threads,
        precision=recipe.precision,
        ranks=rank_count(recipe.resources),
    )


def device_of(recipe: Recipe) -> torch.device:
    """Return the device that a recipe with resolved resources trains on."""
    return torch.device("cuda" if float(recipe.resources.gpu) > 0 else "cpu")


def placed(network: Network, device: torch.device) -> Network:
    """Move a network to a device, its filters channels last as the pictures are; return it."""
    moving: Any = network  # torch's stubs do not know `memory_format` of Module.to (2.13)
    moving.to(device=device, memory_format=torch.channels_last)
    return network


def _computes_bf16(on_gpu: bool) -> bool:
    if on_gpu:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool({"avx512_bf16", "amx_bf16"} & _cpu()[1])


def _isa(flags: frozenset[str]) -> str:
    for name, flag in (("amx", "amx_bf16"), ("avx512_bf16", "avx512_bf16"), ("avx512", "avx512f")):
        if flag in flags:
            return name
    return torch.backends.cpu.get_cpu_capability().lower()


@functools.cache
def _cpu() -> tuple[str, frozenset[str]]:
    """Return the CPU's vendor and feature flags, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown", frozenset()
    fields = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    }
    flags = fields.get("flags") or fields.get("Features", "")
    return fields.get("vendor_id", "unknown"), frozenset(flags.split())
