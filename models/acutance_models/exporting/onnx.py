"""A generator as an ONNX document, and how far the two are from each other.

onnx, onnxscript (both asked for by torch's exporter) and onnxruntime are imported here alone, and
when they are used.
"""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import final

import numpy as np
import torch
from torch import nn

from acutance_models.errors import ExportError
from acutance_models.interfaces import Generator
from acutance_models.rng import stream

TOLERANCE = 1e-4
"""Most that a value of [0, 1] may differ between torch and another program."""

_OPSET = 20  # the newest that the exporter of torch 2.13 writes without translating downwards
_EXAMPLE = (24, 20)  # LR pixels that the network is traced with; neither side is baked in
_SIZES = ((33, 46), (16, 11))
"""LR heights and widths of the comparison: other ones than traced, odd ones among them."""


@final
class _AnySize(nn.Module):
    """Pads to the network's multiple without a branch, which a trace would freeze."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures of pictures of any size."""
        height, width = lr.shape[2:]
        scale, multiple = self.generator.scale, self.generator.size_multiple
        for axis, side in ((2, height), (3, width)):
            rounded = (side + multiple - 1) // multiple * multiple
            lr = lr.index_select(axis, torch.arange(rounded).clamp(max=side - 1))
        made: torch.Tensor = self.generator(lr)
        return made[:, :, : height * scale, : width * scale]


def to_onnx(generator: Generator, extra: Mapping[str, str] | None = None) -> bytes:
    """Return a generator as an ONNX document whose height and width are free.

    Its input `lr` is (1, channels, height, width) in [0, 1], its output `sr` (1, channels, scale *
    height, scale * width), not clipped; a network that takes segmentation maps has the input `map`,
    (1, classes, scale * height, scale * width), too. The metadata hold spec, scale and colour.

    Args:
        generator: On the CPU; its mode is left alone.
        extra: Further metadata, as `weights`; the keys get the prefix "acutance.".

    Raises:
        ExportError: If the exporter cannot translate the network.
    """
    inputs = _inputs(generator, *_EXAMPLE)
    height, width = torch.export.Dim("height"), torch.export.Dim("width")
    scale = generator.scale
    free = [{2: height, 3: width}, {2: scale * height, 3: scale * width}][: len(inputs)]
    network = _AnySize(generator) if generator.size_multiple > 1 else generator
    try:
        with _evaluating(generator), _silent():
            program = torch.onnx.export(
                network,
                tuple(inputs.values()),
                dynamo=True,
                input_names=list(inputs),
                output_names=["sr"],
                dynamic_shapes=tuple(free),
                opset_version=_OPSET,
                external_data=False,
                verbose=False,
            )
    except ImportError as error:
        raise ExportError(f"ONNX needs the package {error.name}. Install acutance whole.") from None
    except Exception as error:
        # The exporter's own tree; its text goes on for pages about its internals.
        first = str(error.__cause__ or error).strip().partition("\n")[0]
        raise ExportError(f"torch's exporter cannot translate this network: {first}") from error
    assert program is not None
    document = program.model_proto
    facts = {
        "spec": json.dumps(generator.spec, sort_keys=True),
        "scale": str(scale),
        "colour": "RGB in [0, 1]" if generator.channels == 3 else "Y of BT.601 over 255",
        **(extra or {}),
    }
    document.producer_name = "acutance"
    for name, text in sorted(facts.items()):
        document.metadata_props.add(key=f"acutance.{name}", value=text)
    return bytes(document.SerializeToString())


def onnx_parity(
    generator: Generator, data: bytes, sizes: Sequence[tuple[int, int]] = _SIZES
) -> float:
    """Return the largest difference between torch and onnxruntime, over pictures of noise.

    Args:
        generator: The network, on the CPU.
        data: The document that should be the same network.
        sizes: LR heights and widths to compare at.

    Returns:
        In units of white = 1; `inf` where a shape differs or a value is not finite.

    Raises:
        ExportError: If onnxruntime cannot read or run the document.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    worst = 0.0
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        for height, width in sizes:
            inputs = _inputs(generator, height, width)
            with _evaluating(generator), torch.no_grad():
                ours = generator(*inputs.values()).numpy()
            fed = {name: value.numpy() for name, value in inputs.items()}
            theirs = np.asarray(session.run(["sr"], fed)[0])
            if theirs.shape != ours.shape:
                return float("inf")
            difference = float(np.abs(theirs - ours).max())
            worst = max(worst, difference if np.isfinite(difference) else float("inf"))
    except Exception as error:  # onnxruntime's errors share no base class of their own
        reason = str(error).partition("\n")[0]
        raise ExportError(f"onnxruntime cannot run this document: {reason}") from error
    return worst


def _inputs(generator: Generator, height: int, width: int) -> dict[str, torch.Tensor]:
    """Return noise for each input of a network; the same for the same sizes."""
    numbers = stream(0, "export", height, width)
    shapes = {"lr": (1, generator.channels, height, width)}
    if generator.condition_classes is not None:
        sides = (height * generator.scale, width * generator.scale)
        shapes["map"] = (1, generator.condition_classes, *sides)
    drawn = {
        name: torch.from_numpy(numbers.random(shape, np.float32)) for name, shape in shapes.items()
    }
    if "map" in drawn:
        drawn["map"] = drawn["map"].softmax(dim=1)
    return drawn


@contextlib.contextmanager
def _evaluating(generator: Generator) -> Iterator[None]:
    """Put a network into evaluation mode for a while."""
    before = generator.training
    generator.eval()
    try:
        yield
    finally:
        generator.train(before)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what the exporter says about itself away from whoever exports."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
