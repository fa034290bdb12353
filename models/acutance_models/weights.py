"""Weights as bytes that rebuild their own network.

The format is safetensors; its header's metadata carries the generator's complete spec. Nothing is
unpickled, and a file is compared with its spec before any memory is taken for a network.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from acutance_models.errors import RegistryError, WeightsError
from acutance_models.generators import build_generator
from acutance_models.interfaces import Generator

SCHEMA_VERSION = 1
"""Version of the header's keys; readers refuse newer ones."""

PICTURES = "pictures"
"""Key of `extra` in a document with several networks: JSON list of the names of their pictures;
the tensors of each begin with its place in the list, as in `0/body.0.weight`."""

_SCHEMA, _SPEC, _SCALE = "acutance.schema", "acutance.spec", "acutance.scale"
_CHECKSUM = "acutance.checksum"
"""SHA-256 of the document as it is without this key: a loose file has no name that proves it.
Documents that were written before there was one, or by others, carry none."""
_LENGTH_BYTES = 8  # safetensors: little-endian length of the JSON header, then the header


def dump_weights(
    weights: nn.Module | Mapping[str, torch.Tensor],
    spec: Mapping[str, Any],
    scale: int,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """Return weights and spec as one safetensors document.

    Args:
        weights: A network or its state dict, on any device and in any memory format.
        spec: Complete spec of the generator, see `resolve_generator`.
        scale: SR pixels per LR pixel.
        extra: Further text for the header, e.g. `plugins`; its keys get the prefix "acutance.".

    Returns:
        The same bytes for the same content.
    """
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    metadata = {f"acutance.{name}": text for name, text in (extra or {}).items()}
    metadata[_SCHEMA] = str(SCHEMA_VERSION)
    metadata[_SPEC] = json.dumps(dict(spec), sort_keys=True)
    metadata[_SCALE] = str(scale)
    return _signed(safetensors.torch.save(tensors, metadata=metadata))


def read_header(data: bytes) -> dict[str, Any]:
    """Return what the header says: `schema`, `spec`, `scale` and the texts of `extra`.

    Raises:
        WeightsError: If the bytes are damaged, foreign, or of a newer schema.
    """
    header, _ = _split(data)
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or _SCHEMA not in metadata:
        raise WeightsError(
            "These weights carry no acutance header, so their network is unknown. "
            "Convert published checkpoints with the importer of their system."
        )
    schema = _whole_number(metadata, _SCHEMA)
    if schema > SCHEMA_VERSION:
        raise WeightsError(
            f"These weights have schema {schema}, this version reads up to {SCHEMA_VERSION}. "
            "Update acutance."
        )
    try:
        spec = json.loads(metadata[_SPEC])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"The weights' header holds no readable spec: {error!r}.") from error
    prefix = "acutance."
    known = {name.removeprefix(prefix): text for name, text in metadata.items()}
    return {**known, "schema": schema, "spec": spec, "scale": _whole_number(metadata, _SCALE)}


def read_tensors(data: bytes) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors document by name.

    Raises:
        WeightsError: If the bytes are truncated, not safetensors, or not those that the checksum
            in their header was made of.
    """
    _split(data)
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise WeightsError(f"These weights are damaged or truncated: {error}.") from error
    _verify(data)
    return tensors


def load_generator(data: bytes) -> Generator:
    """Return the network a document describes, with its weights, on the CPU.

    Raises:
        WeightsError: If the bytes cannot be read, the spec cannot be built here, or its network
            has other tensors than the document.
    """
    header = read_header(data)
    if PICTURES in header:
        names = json.loads(header[PICTURES])
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise WeightsError(
            f"These weights hold {len(names)} networks, each for one picture ({shown}), and none "
            "for others. Enlarge a picture with `acutance upscale --zero-shot PICTURE`, which "
            "trains one for it."
        )
    return _built(header, read_tensors(data))


def load_generators(data: bytes) -> dict[str, Generator]:
    """Return the networks of a zero-shot training by the names of their pictures.

    A training on one picture publishes an ordinary document, whose one network has the name "".

    Raises:
        WeightsError: As `load_generator`.
    """
    header, tensors = read_header(data), read_tensors(data)
    if PICTURES not in header:
        return {"": _built(header, tensors)}
    found = {}
    for place, name in enumerate(json.loads(header[PICTURES])):
        start = f"{place}/"
        own = {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
        found[name] = _built(header, own)
    return found


def _built(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Generator:
    """Return the network of a header with these tensors."""
    spec, scale = header["spec"], header["scale"]
    try:
        with torch.device("meta"):
            plan = build_generator(spec, scale=scale, seed=None)
        _compare(plan.state_dict(), tensors)
        generator = build_generator(spec, scale=scale, seed=None)
    except RegistryError as error:
        plugins = header.get("plugins")
        made_with = f" They were made with the plug-ins {plugins}." if plugins else ""
        message = f"These weights need a network that cannot be built here: {error}{made_with}"
        raise WeightsError(message) from error
    generator.load_state_dict(tensors)
    return generator


def _compare(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors that are not exactly those of the network."""
    problems = [f"missing {name}" for name in wanted if name not in found]
    problems += [f"unknown {name}" for name in found if name not in wanted]
    problems += [
        f"{name} is {tuple(found[name].shape)}, not {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; {len(problems) - 5} more" * (len(problems) > 5))
        raise WeightsError(f"The tensors do not fit the spec in their header: {shown}.")


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header as JSON and the bytes after it."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > len(data) - _LENGTH_BYTES:
        raise WeightsError(
            f"These {len(data)} bytes are not a safetensors document, or are truncated. "
            "Fetch or export the weights again."
        )
    try:
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"These bytes are not a safetensors document: {error}.") from error
    if not isinstance(header, dict):
        raise WeightsError("These bytes are not a safetensors document: the header is no map.")
    return header, data[_LENGTH_BYTES + length :]


def sorted_header(data: bytes) -> bytes:
    """Return the document with its metadata in sorted order.

    The writer keeps metadata in a hash map whose order changes from process to process; equal
    weights must be equal bytes, since they are named by their hash.
    """
    return _document(*_split(data))


def _document(header: Mapping[str, Any], body: bytes) -> bytes:
    header = {**header, "__metadata__": dict(sorted(header["__metadata__"].items()))}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)  # tensors stay aligned
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + body


def _signed(data: bytes) -> bytes:
    """Return the document with its checksum in the header."""
    header, body = _split(data)
    header["__metadata__"][_CHECKSUM] = _checksum(header, body)
    return _document(header, body)


def _verify(data: bytes) -> None:
    """Refuse a document that carries a checksum and is not as it was written."""
    header, body = _split(data)
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or _CHECKSUM not in metadata:
        return
    found = _checksum(header, body)
    if metadata[_CHECKSUM] != found:
        raise WeightsError(
            f"These weights are not as they were written: the checksum in their header begins with "
            f"{str(metadata[_CHECKSUM])[:12]}, that of what they hold with {found[:12]}. "
            "Fetch or export them again."
        )


def _checksum(header: Mapping[str, Any], body: bytes) -> str:
    """Return the SHA-256 of a document without its checksum."""
    kept = {key: text for key, text in header["__metadata__"].items() if key != _CHECKSUM}
    return hashlib.sha256(_document({**header, "__metadata__": kept}, body)).hexdigest()


def _whole_number(metadata: Mapping[str, Any], key: str) -> int:
    try:
        return int(metadata[key])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"The weights' header holds no readable {key}: {error!r}.") from error
