"""The loss mix: named terms, one pass through each network that several of them look through."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import nn

from acutance_models.discriminators import Discriminator, Verdict
from acutance_models.errors import LossError, RegistryError
from acutance_models.losses.adversarial import Adversarial
from acutance_models.losses.checking import check_terms, couples, discriminator_for
from acutance_models.losses.interface import FeatureLoss, VerdictLoss
from acutance_models.losses.passing import (
    Gather,
    feature_networks,
    frozen,
    gathered,
    gathered_verdict,
    planned_networks,
    rgb,
    unmoved,
)
from acutance_models.losses.table import LOSSES
from acutance_models.losses.terms import TermHead, resolve_term, source_key, split_term
from acutance_models.losses.views import Critique, Maps, Views

_LEAST = 1e-12  # of an initial value that a term is divided by


@final
class LossMix:
    """The terms of one stage, with the feature networks and discriminators that they need.

    One step of training:

        views = mix.look(generator.outputs(lr), hr, step=step)
        losses = mix.generator_losses(views)            # term -> unweighted value
        mix.total(losses, step=step).backward()         # and the generator's step
        critique = mix.discriminator_losses(views)      # on the same pictures, without gradient
        sum(critique.losses.values()).backward()        # and the discriminators' step

    The two steps may also stand in the other order (SRFeat). A mix of picture losses alone has no
    network, and its total is the sum of weight times loss in the order of the terms.

    Args:
        terms: Term name -> `{kind: NAME, weight: W, ...}`.
        patch: Side of the training crops in HR pixels.
        channels: Planes of the pictures: 3, or 1 for luma in studio swing, which feature networks
            see as a grey picture.
        seed: Key of the discriminators' first weights, streams "init/discriminator.TERM"; None
            leaves the weights of all networks zero, and no file is needed.
        weights: File name -> bytes, of each feature network that needs some (`weights_name`).

    Raises:
        RegistryError: With everything wrong with the terms.
        FeatureError: If the bytes of a feature network are not there.
        ImportRefused: If they are not those of its file.
    """

    def __init__(
        self,
        terms: Mapping[str, Any],
        *,
        patch: int,
        channels: int = 3,
        seed: int | None = 0,
        weights: Mapping[str, bytes] | None = None,
    ) -> None:
        problems = check_terms(terms, patch=patch, channels=channels)
        if problems:
            raise RegistryError(problems)
        self.terms: dict[str, dict[str, Any]] = {
            name: resolve_term(spec) for name, spec in terms.items()
        }
        self._heads: dict[str, TermHead] = {}
        self._losses: dict[str, nn.Module] = {}
        for name, term in self.terms.items():
            self._heads[name], spec = split_term(term)
            self._losses[name] = LOSSES.build(spec)
        self.discriminators: dict[str, Discriminator] = {
            name: discriminator_for(loss, name=name, patch=patch, channels=channels, seed=seed)
            for name, loss in self._losses.items()
            if isinstance(loss, Adversarial)
        }
        self.owners = {
            name: loss.of or name
            for name, loss in self._losses.items()
            if isinstance(loss, VerdictLoss)
        }
        self._sources = {
            name: source_key(loss.features)
            for name, loss in self._losses.items()
            if isinstance(loss, FeatureLoss | Adversarial) and loss.features is not None
        }
        wanted = self._wanted(tuple(terms))
        self.features = (
            planned_networks(wanted) if seed is None else feature_networks(wanted, weights or {})
        )
        self.initial: dict[str, float] = {}
        self.gathered: Gather | None = None
        """Where others look at the other parts of each batch; None = this is the whole batch."""

    def to(self, device: torch.device) -> "LossMix":
        """Move every network to a device, and return the mix itself."""
        for network in (
            *self._losses.values(),
            *self.discriminators.values(),
            *self.features.values(),
        ):
            network.to(device)
        return self

    @property
    def uncalibrated(self) -> list[str]:
        """The terms with `normalize: initial` whose initial value is not known yet."""
        names = [name for name, head in self._heads.items() if head.normalize == "initial"]
        return [name for name in names if name not in self.initial]

    def weights(self, step: int) -> dict[str, float]:
        """Return term -> factor, for the terms that count at a step of the stage.

        Raises:
            LossError: If a term is to be divided by an initial value that is not known yet.
        """
        if self.uncalibrated:
            raise LossError(
                f"The initial values of {', '.join(self.uncalibrated)} are not known. "
                "Call `calibrate` at the stage's first step, or restore `initial`."
            )
        return {
            name: head.weight_at(step) / self.initial.get(name, 1.0)
            for name, head in self._heads.items()
            if head.active(step)
        }

    def calibrate(
        self,
        bicubic: torch.Tensor,
        hr: torch.Tensor,
        labels: torch.Tensor | None = None,
        *,
        micro_batch: int | None = None,
    ) -> dict[str, float]:
        """Measure the initial value of each term that is normalised; nothing else changes.

        Args:
            bicubic: The first batch's LR pictures, enlarged; shape (B, channels, H, W).
            hr: The real ones.
            labels: Class of each picture, where a normalised term needs it.
            micro_batch: Pictures that are looked at together; None = all.

        Returns:
            Term -> value, also kept as `initial`: part of a training's state.

        Raises:
            LossError: If a value is no divisor.
        """
        active, count = tuple(self.uncalibrated), micro_batch or len(hr)
        values = dict.fromkeys(active, 0.0)
        with torch.no_grad(), unmoved(self.discriminators.values()):
            for low in range(0, len(hr), count):
                part = slice(low, low + count)
                named = labels[part] if labels is not None else None
                views = Views([bicubic[part].float()], hr[part], named, active)
                for name, found in self._values(views).items():
                    values[name] += len(hr[part]) / len(hr) * float(found)
        values = self._mean(values, hr.device)
        for name, value in values.items():
            if not math.isfinite(value) or value < _LEAST:
                raise LossError(
                    f"The term {name} is {value} for bicubic enlargement on the first batch, which "
                    "is no divisor. Remove its `normalize: initial`."
                )
        self.initial |= values
        return dict(self.initial)

    def look(
        self,
        outputs: Sequence[torch.Tensor],
        hr: torch.Tensor,
        *,
        step: int,
        labels: torch.Tensor | None = None,
    ) -> Views:
        """Return one batch as the terms of a step see it.

        Args:
            outputs: What the generator made, the final picture last, each (B, channels, H, W).
                Picture losses are the mean over all of them; other terms see the final one.
            hr: The real pictures, in [0, 1].
            step: Of the stage, from 0.
            labels: Class of each picture, shape (B,), for a classification term.
        """
        active = tuple(name for name, head in self._heads.items() if head.active(step))
        return Views([picture.float() for picture in outputs], hr, labels, active)

    def generator_losses(self, views: Views) -> dict[str, torch.Tensor]:
        """Return term -> unweighted value, for the terms that count; gradient to the generator."""
        return self._values(views)

    def total(self, losses: Mapping[str, torch.Tensor], *, step: int) -> torch.Tensor:
        """Return the weighted sum of what `generator_losses` returned for this step."""
        weights = self.weights(step)
        return torch.stack([weights[name] * value for name, value in losses.items()]).sum()

    def discriminator_losses(self, views: Views) -> Critique:
        """Return what the discriminators of the terms that count make of a batch.

        No gradient reaches the generator. A discriminator whose terms do not count rests.
        """
        losses: dict[str, torch.Tensor] = {}
        statistics: dict[str, dict[str, torch.Tensor]] = {}
        judged: dict[str, tuple[Verdict, Verdict]] = {}
        for name in views.active:
            loss = self._losses[name]
            if not isinstance(loss, VerdictLoss):
                continue
            owner = self.owners[name]
            if owner not in judged:
                fake, real = (seen.detach() for seen in self._seen(owner, views))
                critic = self.discriminators[owner]
                judged[owner] = critic(real), critic(fake)
            gather = self.gathered if couples(loss) else None
            hr, sr = (gathered_verdict(each, gather) for each in judged[owner])
            losses[name] = loss.discriminator_loss(hr, sr, gathered(views.labels, gather))
            if isinstance(loss, Adversarial):
                statistics[name] = loss.statistics(hr, sr)
        return Critique(losses, statistics)

    def _values(self, views: Views) -> dict[str, torch.Tensor]:
        """Return term -> unweighted value for the generator."""
        values: dict[str, torch.Tensor] = {}
        judged: dict[str, tuple[Verdict | None, Verdict]] = {}
        for name in views.active:
            loss = self._losses[name]
            if isinstance(loss, FeatureLoss):
                values[name] = loss(*self._maps(self._sources[name], views))
            elif isinstance(loss, VerdictLoss):
                owner = self.owners[name]
                if owner not in judged:
                    judged[owner] = self._judge(owner, views)
                gather, (real, fake) = self.gathered if couples(loss) else None, judged[owner]
                values[name] = loss.generator_loss(
                    None if real is None else gathered_verdict(real, gather),
                    gathered_verdict(fake, gather),
                    gathered(views.labels, gather),
                )
            else:
                values[name] = torch.stack([loss(sr, views.hr) for sr in views.outputs]).mean()
        return values

    def _judge(self, owner: str, views: Views) -> tuple[Verdict | None, Verdict]:
        """Return the verdicts of the generator's step; weights and real ones get no gradient."""
        terms = [self._losses[name] for name in views.active if self.owners.get(name) == owner]
        critic = self.discriminators[owner]
        fake, real = self._seen(owner, views)
        with frozen(critic):
            compared = any(isinstance(term, VerdictLoss) and term.compares for term in terms)
            return critic(real.detach()) if compared else None, critic(fake)

    def _mean(self, values: dict[str, float], device: torch.device) -> dict[str, float]:
        """Return the means over all parts of the batch of what was found for this one."""
        if self.gathered is None or not values:
            return values
        found = torch.tensor([list(values.values())], dtype=torch.float64, device=device)
        return dict(zip(values, self.gathered(found).mean(dim=0).tolist(), strict=True))

    def _seen(self, owner: str, views: Views) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what a discriminator is shown: of the generator, and of the real pictures."""
        loss = self._losses[owner]
        assert isinstance(loss, Adversarial)
        if loss.features is None or loss.layer is None:
            return views.sr, views.hr
        sr, hr = self._maps(self._sources[owner], views)
        return loss.scale * sr[loss.layer], loss.scale * hr[loss.layer]

    def _maps(self, key: str, views: Views) -> tuple[Maps, Maps]:
        """Return the maps of generated and real pictures, computed once a step."""
        if key not in views.maps:
            network, layers = self.features[key], self._wanted(views.active)[key]
            made = network(rgb(views.sr), layers)
            with torch.no_grad():
                views.maps[key] = made, network(rgb(views.hr), layers)
        return views.maps[key]

    def _wanted(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return feature network -> every layer that some terms look at."""
        wanted: dict[str, set[str]] = {}
        owners = dict.fromkeys(self.owners.get(name, name) for name in names)
        for owner in (each for each in owners if each in self._sources):
            loss = self._losses[owner]
            layers = loss.layers if isinstance(loss, FeatureLoss) else [loss.layer]
            wanted.setdefault(self._sources[owner], set()).update(map(str, layers))
        return {key: sorted(layers) for key, layers in wanted.items()}
