"""Where the shared data lies, for tests that need real pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

_ROOT = Path(__file__).resolve().parents[2]


def shared(path: str) -> Path:
    """Return a file or folder of the shared data, or skip the test with the reason."""
    folder = Path(os.environ.get("ACUTANCE_SHARED", _ROOT.parent / "shared"))
    if not (folder / path).exists():
        pytest.skip(f"no shared data: {folder / path} is absent (set ACUTANCE_SHARED)")
    return folder / path


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return a picture file as (H, W, 3) uint8."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))
