"""From the bytes of a published file to a feature network's weights, every tensor accounted for."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence

import torch

from acutance_models.errors import ImportRefused
from acutance_models.importing.reading import read_content

_UNUSED = re.compile(r"classifier\.\d+\.(weight|bias)")  # VGG's layers behind the maps
_SHOWN = 8  # names in a message; the error has all of them


def read_weights(
    data: bytes,
    whole: Mapping[str, torch.Size],
    needed: Collection[str],
    dialects: Sequence[Callable[[str], str]],
    source: str,
) -> dict[str, torch.Tensor]:
    """Return the tensors that a network needs, under our names.

    Args:
        data: A PyTorch checkpoint or a safetensors document; nothing in it is executed.
        whole: Our name -> shape of every tensor that a complete file of this source has.
        needed: Our names of those that are used; a file may end behind them.
        dialects: Rules from our names to the file's; the one with most names in the file counts.
        source: Name of the source, for messages.

    Raises:
        ImportRefused: If the bytes are no such file, or a tensor is missing, surplus or misshapen:
            `.problems` names them all.
    """
    found = read_content(data).tensors
    names = max(
        ({ours: rule(ours) for ours in whole} for rule in dialects),
        key=lambda rows: sum(theirs in found for theirs in rows.values()),
    )
    ours = {theirs: name for name, theirs in names.items()}
    problems = [f"missing {names[name]}" for name in needed if names[name] not in found]
    for theirs, tensor in found.items():
        if theirs not in ours:
            problems += [] if _UNUSED.fullmatch(theirs) else [f"surplus {theirs}"]
        elif tensor.shape != whole[ours[theirs]]:
            shape = tuple(whole[ours[theirs]])
            problems.append(f"misshapen {theirs}: {tuple(tensor.shape)}, not {shape}")
        elif not bool(torch.isfinite(tensor).all()):
            problems.append(f"not finite: {theirs}")
    if problems:
        shown = "; ".join(problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ImportRefused(f"This file is no {source}: {shown}{more}.", problems)
    return {name: found[names[name]] for name in needed}
