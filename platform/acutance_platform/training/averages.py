"""Means of what every step measures, from one report to the next."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor


@final
class Averages:
    """Sums and counts by name, kept on the device so that no step waits for it.

    Args:
        names: Everything that may be added.
        device: Where the values are.
    """

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        self._names = list(names)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._sums = torch.zeros(len(self._names), dtype=torch.float64, device=device)
        self._counts = [0] * len(self._names)

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take one step's values, scalars on the device; the others are left as they are."""
        if not values:
            return
        places = [self._places[name] for name in values]
        stacked = torch.stack([value.detach().double() for value in values.values()])
        if places == list(range(len(self._names))):
            self._sums += stacked
        else:
            self._sums[places] += stacked
        for place in places:
            self._counts[place] += 1

    def take(self) -> dict[str, float]:
        """Return the means of what was added, and begin anew."""
        means = dict(zip(self._names, self._sums.tolist(), strict=True))
        found = {
            name: means[name] / count
            for name, count in zip(self._names, self._counts, strict=True)
            if count
        }
        self._sums.zero_()
        self._counts = [0] * len(self._names)
        return found

    def tensors(self) -> dict[str, Tensor]:
        """Return what `restore` takes."""
        return {"sums": self._sums, "counts": torch.tensor(self._counts, dtype=torch.int64)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` returned."""
        self._sums.copy_(tensors["sums"])
        self._counts = tensors["counts"].tolist()
