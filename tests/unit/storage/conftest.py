from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from acutance_storage.folder import FolderStore

Pixels = NDArray[np.uint8]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return FolderStore(root=tmp_path / "store")


@pytest.fixture
def scene() -> Callable[..., Pixels]:
    """Return a maker of smooth random pictures: different seeds never resemble each other."""

    def make(seed: int, height: int = 48, width: int = 64) -> Pixels:
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(smooth).copy()

    return make


@pytest.fixture
def photos(tmp_path: Path, scene: Callable[..., Pixels]) -> Callable[..., Path]:
    """Return a maker of folders: names to pictures (arrays, or seeds of scenes)."""

    def make(folder: str, **pictures: int | Pixels) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            pixels = scene(picture) if isinstance(picture, int) else picture
            Image.fromarray(pixels).save(path / f"{name}.png")
        return path

    return make
