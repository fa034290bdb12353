"""A model as a file for other programs, checked against torch before the file is there."""

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from acutance_models import (
    TOLERANCE,
    ExportError,
    Generator,
    dump_published,
    dump_weights,
    load_generator,
    onnx_parity,
    published_parity,
    to_onnx,
    to_published,
)
from acutance_models.errors import WeightsError
from acutance_platform.recipe import refuse
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.home import Home, StrPath
from acutance_platform.verbs.written import write_whole

Format = Literal["onnx", "safetensors"]
FORMATS: tuple[Format, ...] = ("onnx", "safetensors")


@dataclass(frozen=True)
class Exported:
    """A file that was written."""

    model: str
    """MODEL as given."""
    weights: str
    """SHA-256 of its weights."""
    file: Path
    """What was written."""
    format: Format
    names: str
    """Whose names the tensors bear in safetensors, `acutance` for ours; `onnx` for ONNX."""
    difference: float
    """Largest difference from torch's pictures (ONNX, white is 1), or between tensors."""


def export(
    model: StrPath,
    output: StrPath,
    *,
    format: Format | None = None,
    overwrite: bool = False,
    home: Home | None = None,
) -> Exported:
    """Write a model for other programs; the file appears whole and checked, or not at all.

    Args:
        model: MODEL.
        output: The file to write.
        format: `onnx`: a graph with free height and width that onnxruntime runs, within 1e-4 of
            torch on two sizes. `safetensors`: weights under the names that the network's authors,
            or chaiNNer and spandrel, read; under ours where no such names exist. None = what the
            file's ending says.
        overwrite: Whether an existing file may be replaced.
        home: Where sweeps and blobs lie; None takes what the environment says.

    Raises:
        RecipeErrors: If MODEL names no network, or the file cannot be written.
        ExportError: If the network cannot be translated, or the translation differs from torch.
    """
    target = Path(output)
    chosen = _format(target, format, overwrite)
    loaded = load_model(model, home)
    if loaded.generator is None or loaded.weights is None:
        raise refuse("MODEL", loaded.address, "bicubic has no network", "Name a network.")
    generator = loaded.generator
    facts = {"weights": loaded.weights, "version": _version()}
    if chosen == "onnx":
        data, names = to_onnx(generator, facts), "onnx"
    else:
        data, names = _safetensors(generator, facts)
    difference = _difference(generator, data)
    if not difference <= TOLERANCE:
        raise ExportError(
            f"The exported network differs from torch's by {difference:.3g} of white, more than "
            f"{TOLERANCE:g}. Nothing was written."
        )
    write_whole(data, target)
    return Exported(loaded.address, loaded.weights, target, chosen, names, difference)


def parity(model: StrPath, file: StrPath, *, home: Home | None = None) -> float:
    """Return how far an exported file is from the model that it should be.

    Args:
        model: MODEL.
        file: An .onnx file, whose pictures are compared with torch's on two sizes; or a
            .safetensors file, whose tensors are compared.
        home: Where sweeps and blobs lie; None takes what the environment says.

    Returns:
        The largest difference, white is 1 (`inf` where it is another network).

    Raises:
        RecipeErrors: If MODEL names no network, or there is no such file.
        ExportError: If onnxruntime cannot run the file.
    """
    loaded = load_model(model, home)
    if loaded.generator is None:
        raise refuse("MODEL", loaded.address, "bicubic has no network", "Name a network.")
    path = Path(file)
    if not path.is_file():
        raise refuse(str(path), None, "there is no such file", "Check the path.")
    return _difference(loaded.generator, path.read_bytes())


def _difference(generator: Generator, data: bytes) -> float:
    """Return the largest difference from a document, whichever of the two formats it is in."""
    if data[8:9] != b"{":  # a safetensors header is JSON after eight bytes of length
        return onnx_parity(generator, data)
    try:
        again = load_generator(data)
    except WeightsError:
        return published_parity(generator, data)
    own, other = generator.state_dict(), again.state_dict()
    if again.spec != generator.spec or again.scale != generator.scale:
        return float("inf")
    return max(float((own[name] - other[name]).abs().max()) for name in own)


def _safetensors(generator: Generator, facts: dict[str, str]) -> tuple[bytes, str]:
    """Return a document under the names that others read, or under ours; and whose they are."""
    published = to_published(generator)
    if published is None:
        spec, scale = generator.spec, generator.scale
        return dump_weights(generator, spec=spec, scale=scale, extra=facts), "acutance"
    prefixed = {f"exported.{name}": text for name, text in facts.items()}
    data = dump_published(published, {**prefixed, "exported.scale": str(generator.scale)})
    return data, published.dialect


def _format(target: Path, format: Format | None, overwrite: bool) -> Format:
    """Return the format of a file, and refuse a file that cannot be written."""
    known = {f".{each}": each for each in FORMATS}
    ending = known.get(target.suffix.lower())
    if ending is None:
        raise refuse(
            "-o", str(target), "this ending names no format", "End it in .onnx or .safetensors."
        )
    if format is not None and format != ending:
        rule = f"a file of format {format} ends in .{format}"
        raise refuse("-o", str(target), rule, "Change the ending, or leave --format out.")
    if target.is_dir():
        raise refuse("-o", str(target), "this is a folder", "Name a file in it.")
    if target.exists() and not overwrite:
        rule = "this file exists already"
        raise refuse("-o", str(target), rule, "Add --overwrite, or choose another -o.")
    return ending


def _version() -> str:
    try:
        return importlib.metadata.version("acutance")
    except importlib.metadata.PackageNotFoundError:
        return "from a checkout that is not installed"
