"""Networks for other programs: as ONNX, or as safetensors under the names that others read."""

from acutance_models.exporting.onnx import TOLERANCE, onnx_parity, to_onnx
from acutance_models.exporting.published import (
    Published,
    dump_published,
    published_parity,
    to_published,
)

__all__ = [
    "TOLERANCE",
    "Published",
    "dump_published",
    "onnx_parity",
    "published_parity",
    "to_onnx",
    "to_published",
]
