"""From the bytes of somebody's file to named tensors; nothing in the file is executed."""

import io
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from acutance_models.errors import ImportRefused, WeightsError
from acutance_models.weights import read_header, read_tensors

WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")
"""Keys under which programs keep the state dict; where several are there the first one counts."""

_LARGEST = 1 << 32  # bytes an archive may unpack to; the largest published checkpoint has 0.2 GiB
_HARMLESS = ("torch", "collections", "_codecs", "numpy")
_PICKLED = (
    "These are pickled Python objects, which cannot be read without running code from the file. "
    "Where you trust it, save the network's state dict alone: "
    "torch.save(network.state_dict(), FILE)."
)


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    tensors: dict[str, torch.Tensor]
    """Name -> floating-point values, on the CPU."""
    notes: tuple[str, ...] = ()
    """What was taken off on the way: wrappers, prefixes, entries that are no tensors."""


def read_content(data: bytes) -> Content:
    """Return the tensors of a PyTorch checkpoint, a safetensors document or an `.npz`.

    Raises:
        ImportRefused: If the bytes are none of these, are truncated, or hold code.
    """
    if data[:4] == b"PK\x03\x04":
        return _zipped(data)
    # Before the pickle: a safetensors document's length may begin with a pickle's first byte.
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        return _safetensors(data)
    if data[:1] == b"\x80":
        return _unwrapped(_torch(data, data))
    raise ImportRefused(f"This file is not a checkpoint: {_what_it_is(data)}.")


def _what_it_is(data: bytes) -> str:
    """Say what bytes look like that are no checkpoint."""
    start = data[:64].lstrip()
    if not data:
        return "it is empty"
    if start[:1] == b"<":
        return "it is a web page, such as a download page. Fetch the file behind it"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer. Fetch the file it stands for"
    if b"V 1" in start and data[:4] == b"\x04\x00\x00\x00":
        return "it is a Torch7 file. Convert it to a PyTorch state dict"
    return "it is no PyTorch file, no safetensors document and no .npz, or its start is damaged"


def _zipped(data: bytes) -> Content:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            pickles = [name for name in sizes if name.endswith("/data.pkl") or name == "data.pkl"]
            if sum(sizes.values()) > _LARGEST:
                raise ImportRefused(
                    f"This archive would unpack to {sum(sizes.values())} bytes; no published "
                    f"checkpoint has more than {_LARGEST}."
                )
            damaged = archive.testzip()  # torch.load compares no checksum
            if damaged is not None:
                raise ImportRefused(
                    f"This archive is damaged: the checksum of {damaged} is wrong. Fetch it again."
                )
            program = archive.read(pickles[0]) if pickles else b""
    except ImportRefused:
        raise
    except Exception as error:  # a damaged archive fails in many ways
        raise ImportRefused(
            f"This file is a truncated or damaged archive ({error}). Fetch it again."
        ) from error
    if pickles:
        return _unwrapped(_torch(data, program))
    if sizes and all(name.endswith(".npy") for name in sizes):
        return _npz(data)
    raise ImportRefused(
        "This archive is neither a PyTorch checkpoint (it has no data.pkl) nor an .npz. "
        "Unpack it and import what is inside."
    )


def _torch(data: bytes, program: bytes) -> Any:
    """Return what PyTorch's restricted unpickler makes of a checkpoint."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats; the bytes are not ours to renew
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.findall(r"GLOBAL ([\w.]+)", str(error))
        strangers = list(dict.fromkeys([*_globals(program), *named]))
        if not strangers:
            raise ImportRefused(
                "This file is a truncated or damaged PyTorch checkpoint. Fetch it again."
            ) from error
        names = ", ".join(strangers[:5])
        if any("msr" in name.lower() for name in strangers):
            raise ImportRefused(
                f"This is one of MSRN's old checkpoints: it holds {names}. {_PICKLED} "
                "Or use MSRN's present checkpoints."
            ) from error
        raise ImportRefused(f"This file holds {names}. {_PICKLED}") from error
    except Exception as error:  # foreign bytes fail in many ways
        raise ImportRefused(
            "This file is a truncated or damaged PyTorch checkpoint "
            f"({type(error).__name__}). Fetch it again."
        ) from error


def _globals(program: bytes) -> list[str]:
    """Return what a pickle asks for beyond tensors (classes, functions), without running it."""
    found: list[str] = []
    texts: list[str] = []
    stream = io.BytesIO(program)
    try:
        while True:  # an old checkpoint is several pickles, one after another
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name == "GLOBAL":
                    found.append(str(argument).replace(" ", "."))
                elif opcode.name == "STACK_GLOBAL":
                    found.append(".".join(texts[-2:]))
                elif isinstance(argument, str):
                    texts.append(argument)
    except Exception:  # its end, or damage: what was found before still speaks
        return [each for each in dict.fromkeys(found) if not _harmless(each)]


def _harmless(name: str) -> bool:
    return name.split(".")[0] in _HARMLESS and not name.startswith("torch.nn.")


def _safetensors(data: bytes) -> Content:
    try:
        header: dict[str, Any] | None = read_header(data)
    except WeightsError:
        header = None
    if header is not None:
        raise ImportRefused("This file is acutance's already. Use it as it is.")
    try:
        return _unwrapped(read_tensors(data))
    except WeightsError as error:
        raise ImportRefused(str(error)) from error


def _npz(data: bytes) -> Content:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: np.array(archive[name]) for name in archive.files}
    except ValueError as error:
        reason = _PICKLED if "allow_pickle" in str(error) else f"it is damaged ({error})."
        raise ImportRefused(f"This .npz cannot be read: {reason}") from error
    except Exception as error:  # a damaged archive fails in many ways
        raise ImportRefused(
            f"This .npz is truncated or damaged ({error}). Fetch it again."
        ) from error
    names = {name: name.removesuffix(":0") for name in arrays}
    strange = [name for name, array in arrays.items() if array.dtype.kind != "f"]
    if strange:
        raise ImportRefused(f"These entries are no numbers with a fraction: {_some(strange)}.")
    return Content(
        {names[name]: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    )


def _unwrapped(content: Any) -> Content:
    """Return the state dict inside what a program saved."""
    notes: list[str] = []
    while isinstance(content, Mapping):
        wrapper = next((key for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if wrapper is None:
            break
        others = [str(key) for key in content if key != wrapper]
        rest = f"; left out beside them: {_some(others)}" if others else ""
        notes.append(f"read the tensors under {wrapper!r}{rest}")
        content = content[wrapper]
    if not isinstance(content, Mapping):
        raise ImportRefused(
            f"This checkpoint holds a {type(content).__name__}, not tensors by name."
        )
    tensors = {str(k): v.detach() for k, v in content.items() if isinstance(v, torch.Tensor)}
    others = [str(key) for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if not tensors:
        raise ImportRefused(
            f"This checkpoint holds no tensors by name; its entries are: {_some(others) or 'none'}."
        )
    if others:
        notes.append(f"left out what is no tensor: {_some(others)}")
    while all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return Content(_as_numbers(tensors), tuple(notes))


def _as_numbers(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return dense float32 tensors; refuse what cannot be one."""
    strange = [
        name
        for name, value in tensors.items()
        if not value.is_floating_point()
        or value.layout != torch.strided
        or value.device.type != "cpu"
        or value.is_quantized
    ]
    if strange:
        raise ImportRefused(
            f"These tensors are not dense numbers with a fraction: {_some(strange)}.", strange
        )
    return {name: value.to(torch.float32) for name, value in tensors.items()}


def _some(names: list[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
