"""The discriminators' half of an adversarial training: their optimisers, when they rest, health."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from acutance_models import Critique, LossMix, Views, discriminator_health, discriminator_rests
from acutance_platform.recipe import Link
from acutance_platform.training.group import Group, gradients
from acutance_platform.training.optim import (
    build_optimizer,
    learning_rate_factor,
    optimizer_tensors,
    restore_optimizer,
)

STATISTICS = ("accuracy_real", "accuracy_fake", "logit_gap")
"""What is recorded of each discriminator, as `discriminator/TERM/NAME`, beside its `loss`."""

Seen = tuple[Views, float]
"""A part of a batch as `LossMix.look` gives it, and its share of the batch's crops."""


@final
class Adversary:
    """Trains the discriminators of a stage's loss mix.

    Args:
        link: The stage, whose recipe says how they learn.
        mix: Has the discriminators, on the device.
    """

    def __init__(self, link: Link, mix: LossMix) -> None:
        self._link, self._mix = link, mix
        self._spec = link.discriminator_optimizer
        self._names = {
            term: [name for name, _ in network.named_parameters()]
            for term, network in mix.discriminators.items()
        }
        self._optimizers = {
            term: build_optimizer(self._spec, network.parameters())
            for term, network in mix.discriminators.items()
        }
        self.seen: dict[str, dict[str, float]] = {}
        """Statistics of each discriminator for the last batch: what decides whether it rests."""
        self.group: Group | None = None
        """Ranks that see other parts of the same batch; None = there are none."""

    def __bool__(self) -> bool:
        """Say whether there is a discriminator at all."""
        return bool(self._optimizers)

    def step(self, seen: Sequence[Seen], done: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Let the discriminators learn from one batch; the generator gets no gradient.

        Args:
            seen: The batch, in one part or several.
            done: Steps since the stage's start.

        Returns:
            The sum of their losses, to be looked at for values that are not finite (then nothing
            was learned), and what to record: `discriminator/TERM/NAME` -> value.
        """
        for optimizer in self._optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        recorded: dict[str, Tensor] = {}
        parts, judged = [], set[str]()
        for views, share in seen:
            critique = self._mix.discriminator_losses(views)
            part = share * torch.stack(list(critique.losses.values())).sum()
            part.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
            parts.append(part.detach())
            judged |= {self._mix.owners[term] for term in critique.losses}
            for name, value in _named(critique).items():
                told = share * value
                recorded[name] = recorded[name] + told if name in recorded else told
        total = torch.stack(parts).sum()
        if self.group is not None:
            critics = self._mix.discriminators.values()
            weights = (weight for critic in critics for weight in critic.parameters())
            self.group.add([*gradients(weights), total, *recorded.values()])
        resting = self._resting(recorded)
        total = self._clipped(total)
        if bool(torch.isfinite(total)):
            self._learn(resting, judged, done)
        return total, recorded

    def tensors(self) -> dict[str, Tensor]:
        """Return weights, running statistics and moments as `TERM/weights/NAME` and so on."""
        found: dict[str, Tensor] = {}
        for term, network in self._mix.discriminators.items():
            for name, value in network.state_dict().items():
                found[f"{term}/weights/{name}"] = value
            moments = optimizer_tensors(self._optimizers[term], self._names[term])
            found |= {f"{term}/optimizer/{name}": value for name, value in moments.items()}
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` returned."""
        for term, network in self._mix.discriminators.items():
            network.load_state_dict(_below(f"{term}/weights/", tensors))
            moments = _below(f"{term}/optimizer/", tensors)
            restore_optimizer(self._optimizers[term], self._names[term], moments)

    def sound(self) -> list[Tensor]:
        """Return, for every weight, whether it is finite."""
        return [
            torch.isfinite(parameter).all()
            for network in self._mix.discriminators.values()
            for parameter in network.parameters()
        ]

    def notes(self, reports: Sequence[Mapping[str, float]]) -> list[str]:
        """Return what is wrong with a discriminator, judged by the reports of this stage so far.

        Args:
            reports: Metrics of each report, oldest first.
        """
        found = []
        for term in self._optimizers:
            history = [
                {name: metrics[f"discriminator/{term}/{name}"] for name in STATISTICS}
                for metrics in reports
                if f"discriminator/{term}/accuracy_real" in metrics
            ]
            health = discriminator_health(history)
            if health != "sound":
                found.append(f"the discriminator of {term} is {health}")
        return found

    def _resting(self, recorded: Mapping[str, Tensor]) -> set[str]:
        """Return the discriminators that leave this step out, and note this batch for the next."""
        threshold = self._link.stage.discriminator_rest_above
        if threshold is None:
            return set()
        resting = set()
        for term in self._optimizers:
            found = _below(f"discriminator/{term}/", recorded)
            if not found:
                continue
            if discriminator_rests(self.seen.get(term), threshold=threshold):
                resting.add(term)
            self.seen[term] = {name: float(found[name]) for name in STATISTICS}
        return resting

    def _clipped(self, total: Tensor) -> Tensor:
        """Shorten each discriminator's gradient where a limit is set; return what is finite then.

        A norm that is not finite shows in the sum of the losses.
        """
        clip = self._spec.clip_norm
        if clip is None:
            return total
        for network in self._mix.discriminators.values():
            norm = nn.utils.clip_grad_norm_(network.parameters(), clip)
            total = total + 0.0 * norm.to(total.device)
        return total

    def _learn(self, resting: set[str], judged: set[str], done: int) -> None:
        factor = learning_rate_factor(self._link.recipe.schedule, done, self._link.stage.steps)
        for term, optimizer in self._optimizers.items():
            if term in resting or term not in judged:
                continue
            for group in optimizer.param_groups:
                group["lr"] = self._spec.lr * factor
            optimizer.step()


def _named(critique: Critique) -> dict[str, Tensor]:
    """Return what is recorded of a critique, `discriminator/TERM/NAME` -> value."""
    found = {
        f"discriminator/{term}/{name}": value
        for term, values in critique.statistics.items()
        for name, value in values.items()
    }
    losses = {f"discriminator/{term}/loss": x.detach() for term, x in critique.losses.items()}
    return found | losses


def _below(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    start = len(prefix)
    return {name[start:]: value for name, value in tensors.items() if name.startswith(prefix)}


def recorded_names(mix: LossMix) -> list[str]:
    """Return everything that a step of a loss mix may record."""
    losses = [f"{kind}/{name}" for kind in ("loss", "weighted") for name in mix.terms]
    critics = [f"discriminator/{t}/{name}" for t in mix.discriminators for name in STATISTICS]
    return [*losses, *critics, *(f"discriminator/{term}/loss" for term in mix.owners)]
