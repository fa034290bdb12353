"""Training pictures in a GPU's own memory, where a batch is one gather instead of a transfer.

The crops are the same bytes as those cut on the CPU, so whether pictures are resident changes no
result and enters no key.
"""

from collections.abc import Iterable, Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acutance_platform.training.symmetry import dihedral

_SHARE = 0.25
"""Of the memory that is free; the network, its activations and neighbours need the rest."""


def has_room(device: torch.device, needed: int) -> bool:
    """Say whether pictures are kept on a device.

    Never on a CPU, where they are memory-mapped already and all trials share their pages. A worker
    that has a part of a GPU counts that part alone.

    Args:
        device: Where a training computes.
        needed: Bytes of the pictures.
    """
    if device.type != "cuda":
        return False
    free, total = torch.cuda.mem_get_info(device)
    own = torch.cuda.get_per_process_memory_fraction(device) * total
    return needed <= _SHARE * min(free, own)


@final
class Resident:
    """Pictures on a device, behind each other, and square crops of them.

    Args:
        pictures: Each (H, W, 3) in 8 bits.
        side: Pixels of a crop.
        device: Where they are kept.
    """

    def __init__(
        self, pictures: Iterable[NDArray[np.uint8]], side: int, device: torch.device
    ) -> None:
        self._device = device
        # One by one: what is on the device already need not be in memory as well.
        parts = [torch.tensor(picture).to(device) for picture in pictures]
        self._widths = np.array([part.shape[1] for part in parts], np.int64)
        sizes = np.array([part.shape[0] * part.shape[1] for part in parts], np.int64)
        self._starts = np.cumsum(sizes) - sizes
        self._pixels = torch.cat([part.view(-1, 3) for part in parts])
        rows, columns = np.indices((side, side), np.int64)
        self._rows, self._columns = self._turned(rows), self._turned(columns)

    def crops(
        self, pictures: Sequence[int], ys: Sequence[int], xs: Sequence[int], turns: Sequence[int]
    ) -> Tensor:
        """Return crops in 8 bits, (B, side, side, 3), on the device.

        Args:
            pictures: Which picture each is cut from.
            ys: Row of its upper left corner.
            xs: Column of its upper left corner.
            turns: Symmetry that is applied to it.
        """
        widths = self._widths[list(pictures)]
        corners = self._starts[list(pictures)] + np.asarray(ys) * widths + np.asarray(xs)
        told = torch.from_numpy(np.stack([corners, widths, np.asarray(turns)]))
        corner, width, turn = told.to(self._device)[:, :, None, None]
        turn = turn[:, 0, 0]
        return self._pixels[corner + self._rows[turn] * width + self._columns[turn]]

    def _turned(self, grid: NDArray[np.int64]) -> Tensor:
        """Return a coordinate of the pixel that each pixel of a turned crop shows, (8, p, p)."""
        turned = [np.ascontiguousarray(dihedral(grid, turn)) for turn in range(8)]
        return torch.from_numpy(np.stack(turned)).to(self._device)
