"""Which network a published checkpoint is of, and its tensors under our names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from acutance_models.errors import ImportRefused, RegistryError
from acutance_models.generators import PRESETS, build_generator, resolve_generator
from acutance_models.importing.colour import settle
from acutance_models.importing.dialects import DIALECTS, FOREIGN, Dialect
from acutance_models.importing.reading import read_content
from acutance_models.interfaces import Generator

_SHOWN = 8  # names in a message; the error has all of them


@dataclass(frozen=True)
class Imported:
    """A generator with somebody's weights."""

    generator: Generator
    preset: str
    """The preset it is, or the nearest where `notes` says in what it differs."""
    scale: int
    notes: tuple[str, ...] = ()
    """What a reader should know: what was left out, folded, or differs from the preset."""


@dataclass(frozen=True)
class Candidate:
    """A network that a file may be of."""

    dialect: Dialect
    preset: str
    scale: int
    spec: Mapping[str, Any]
    names: Mapping[str, str]
    """Name in the file -> our name."""
    problems: tuple[str, ...]
    differs: Mapping[str, Any]
    """Arguments whose value is not the preset's."""

    @property
    def rank(self) -> tuple[int, int]:
        """Fewest problems first, then nearest to a preset."""
        return len(self.problems), len(self.differs)


def import_weights(data: bytes, preset: str | None = None, scale: int | None = None) -> Imported:
    """Return a generator with the weights of a published checkpoint.

    Args:
        data: A PyTorch checkpoint (of any age; wrapped or not), a safetensors document, or an
            `.npz` of EnhanceNet's TensorFlow variables. Nothing in it is executed.
        preset: Which network it is of; None = recognised by the names and shapes of its tensors.
        scale: SR pixels per LR pixel; None = told from the tensors where they can tell.

    Returns:
        The generator on the CPU, with spec.

    Raises:
        ImportRefused: If the bytes are no checkpoint, are truncated or hold code; if its names are
            unknown; or if a tensor is missing, surplus or misshapen: `.problems` names them all.
    """
    if preset is not None and preset not in PRESETS:
        raise ImportRefused(f"Unknown preset {preset!r}; known: {', '.join(sorted(PRESETS))}.")
    content = read_content(data)
    best = recognise(content.tensors, preset, scale)
    if best.problems:
        raise ImportRefused(_misfit(best), best.problems)
    tensors = {
        ours: best.dialect.to_ours(content.tensors[theirs]) for theirs, ours in best.names.items()
    }
    broken = [name for name, value in tensors.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise ImportRefused(f"These tensors hold values that are no numbers: {', '.join(broken)}.")
    notes = [*content.notes, *_notes(best, content.tensors)]
    if best.dialect.shift is not None:
        notes += settle(best.dialect.shift, content.tensors, tensors)
    generator = build_generator(best.spec, scale=best.scale, seed=None)
    generator.load_state_dict(tensors)
    return Imported(generator, best.preset, best.scale, tuple(notes))


def recognise(
    tensors: Mapping[str, torch.Tensor], preset: str | None = None, scale: int | None = None
) -> Candidate:
    """Return the network that fits a file's tensors best, with what is wrong where it does not.

    Raises:
        ImportRefused: If the names are unknown or another network's, or several scales fit alike.
    """
    dialects = _recognised(tensors, preset)
    candidates: list[Candidate] = []
    refusals: list[str] = []
    for dialect in dialects:
        numbers = {} if preset else dialect.numbers(tensors)
        for name in (preset,) if preset else dialect.presets:
            for each in dialect.scales if scale is None else (scale,):
                try:
                    candidates.append(_candidate(dialect, name, each, numbers, tensors))
                except RegistryError as error:
                    refusals.append(str(error))
    if not candidates:
        raise ImportRefused(f"This checkpoint needs a network that cannot be built: {refusals[0]}")
    best = min(candidates, key=lambda candidate: candidate.rank)
    scales = {each.scale for each in candidates if each.rank == best.rank}
    if len(scales) > 1 and not best.problems:
        known = ", ".join(str(each) for each in sorted(scales))
        raise ImportRefused(
            f"This {best.dialect.name} checkpoint fits the scales {known} alike. State the scale."
        )
    return best


def _recognised(tensors: Mapping[str, torch.Tensor], preset: str | None) -> list[Dialect]:
    """Return the dialects whose mark a file has."""
    for mark, reason in FOREIGN:
        if any(re.fullmatch(mark, name) for name in tensors):
            raise ImportRefused(reason)
    marked = [each for each in DIALECTS if any(re.fullmatch(each.mark, name) for name in tensors)]
    fitting = [each for each in marked if preset is None or preset in each.presets]
    if fitting:
        return fitting
    shown = ", ".join(list(tensors)[:3])
    if marked:
        raise ImportRefused(
            f"This checkpoint is not of {preset}: its names are those of {marked[0].name}. "
            f"Import it as {' or '.join(marked[0].presets)}."
        )
    if preset is not None and not any(preset in each.presets for each in DIALECTS):
        known = ", ".join(sorted({name for each in DIALECTS for name in each.presets}))
        raise ImportRefused(f"No published checkpoints of {preset} can be read; of these: {known}.")
    raise ImportRefused(
        f"This checkpoint's names are unknown ({shown}, ...). Known are those of: "
        f"{', '.join(each.name for each in DIALECTS)}."
    )


def _candidate(
    dialect: Dialect,
    preset: str,
    scale: int,
    numbers: Mapping[str, int],
    tensors: Mapping[str, torch.Tensor],
) -> Candidate:
    """Return how a file fits one network at one scale, without the memory of that network."""
    own = resolve_generator({"preset": preset})
    spec = resolve_generator({"preset": preset, **dialect.spec, **numbers})
    names, shapes = _their_names(dialect, spec, scale)
    required = dict(shapes)
    if preset in dialect.whole:
        _, whole = _their_names(dialect, {"preset": dialect.whole[preset]}, scale)
        if any(name in tensors for name in whole if name not in names):
            required = whole
    known = required | (dialect.shift.names() if dialect.shift else {})
    problems = [f"missing {name}" for name in required if name not in tensors]
    for name, tensor in tensors.items():
        shape = tuple(dialect.to_ours(tensor).shape)
        if name not in known:
            problems.append(f"surplus {name}")
        elif shape != known[name]:
            problems.append(f"misshapen {name}: {shape}, not {known[name]}")
    differs = {key: value for key, value in spec.items() if value != own[key]}
    return Candidate(dialect, preset, scale, spec, names, tuple(problems), differs)


def _their_names(
    dialect: Dialect, spec: Mapping[str, Any], scale: int
) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    """Return our name and the shape of each tensor of a network, by its name in the file."""
    with torch.device("meta"):
        plan = build_generator(spec, scale=scale, seed=None)
    wanted = plan.state_dict()
    names = {dialect.key(name, plan): name for name in wanted}
    return names, {theirs: tuple(wanted[ours].shape) for theirs, ours in names.items()}


def _misfit(best: Candidate) -> str:
    """Return the message about a file that is nearly a network."""
    shown = "; ".join(best.problems[:_SHOWN])
    more = len(best.problems) - _SHOWN
    return (
        f"This {best.dialect.name} checkpoint does not fit {best.preset} at scale {best.scale}: "
        f"{shown}{f'; and {more} more' if more > 0 else ''}. Nothing was imported."
    )


def _notes(best: Candidate, tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """Return in what a network differs from its preset, and what was left out."""
    notes = [
        f"{argument} is {value}, not as in {best.preset}"
        + (f": {best.dialect.why}" if argument in best.dialect.spec else "")
        for argument, value in best.differs.items()
    ]
    optional = best.dialect.shift.names() if best.dialect.shift else {}
    left = [name for name in tensors if name not in best.names and name not in optional]
    if left:
        notes.append(f"left out what this network does not use: {', '.join(left)}")
    return notes
