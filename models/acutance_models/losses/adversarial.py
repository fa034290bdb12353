"""Adversarial losses, and the class that a discriminator may name beside.

Goodfellow et al., NIPS 2014 (standard); Jolicoeur-Martineau, ICLR 2019 (relativistic average), as
in Wang et al., "ESRGAN", ECCV Workshops 2018; Mao et al., ICCV 2017 (least squares); Lim and Ye,
2017, and Miyato et al., ICLR 2018 (hinge); Odena et al., ICML 2017, as in Wang et al., "SFTGAN",
CVPR 2018 (classification).
"""

from typing import Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch.nn import functional as F

from acutance_models.discriminators import Verdict
from acutance_models.errors import LossError
from acutance_models.losses.interface import Source, VerdictLoss

Form = Literal["standard", "relativistic", "least_squares", "hinge"]

_ZERO = {"standard": 0.0, "relativistic": 0.0, "hinge": 0.0, "least_squares": 0.5}
"""Form -> the logit above which a discriminator takes a picture for real."""


@final
class Adversarial(VerdictLoss):
    """What a discriminator, which learns beside the generator, makes of pictures or their features.

    With C the logit, G what the generator and D what the discriminator brings down, and labels 1
    for real, 0 for generated (never smoothed):

    `standard` (EnhanceNet, SFTGAN, SRFeat): G = BCE(C(sr), 1);
    D = BCE(C(hr), 1) + BCE(C(sr), 0), not halved.

    `relativistic` (ESRGAN): every logit is taken relative to the mean logit of the other kind over
    the batch, which wants a batch of 2 or more. G = half of BCE(C(hr) - mean C(sr), 0) +
    BCE(C(sr) - mean C(hr), 1); D = the same with the labels exchanged.

    `least_squares`: G = half of (C(sr) - 1)^2; D = half of (C(hr) - 1)^2 + C(sr)^2.

    `hinge`: G = -C(sr); D = max(0, 1 - C(hr)) + max(0, 1 + C(sr)).

    In the generator's step the discriminator's weights and its verdict on real pictures get no
    gradient; in the discriminator's step the generator gets none.

    Args:
        discriminator: `{kind: NAME, ...}`; it is built for the training patch, or for the map of
            `layer` on it.
        form: Formula of both losses, see above.
        features: A feature network, whose maps the discriminator sees instead of pictures (SRFeat).
        layer: The layer of `features` that it sees.
        scale: Factor on these maps (SRFeat: 1/12.75).
        discriminator_factor: Factor on the discriminator's loss, which the term's weight does not
            reach. SRFeat: 1.0e-3; all others: 1.
        detach_means: Of `relativistic`: in the discriminator's step, the means are constants
            (BasicSR today) or get a gradient as well (ESRGAN's program of 2018).

    Raises:
        LossError: If one of `features` and `layer` is there without the other.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        discriminator: dict[str, Any],
        form: Form = "standard",
        features: Source | None = None,
        layer: str | None = None,
        scale: Annotated[float, Field(gt=0)] = 1.0,
        discriminator_factor: Annotated[float, Field(gt=0)] = 1.0,
        detach_means: bool = True,
    ) -> None:
        super().__init__()
        if (features is None) != (layer is None):
            raise LossError(
                f"A discriminator of features needs both `features` and `layer`, got {features=} "
                f"and {layer=}. Give both, or neither to judge pictures."
            )
        if features is None and scale != 1:
            raise LossError(f"{scale=} is a factor on features; pictures are judged as they are.")
        self.discriminator, self.features, self.layer = discriminator, features, layer
        self.form, self.scale = form, scale
        self.discriminator_factor, self.detach_means = discriminator_factor, detach_means
        self.compares = form == "relativistic"

    def generator_loss(
        self, real: Verdict | None, fake: Verdict, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the generator brings down, see `VerdictLoss.generator_loss`."""
        logits = fake.logits.float()
        if self.form == "standard":
            return _entropy(logits, 1.0)
        if self.form == "least_squares":
            return (logits - 1).square().mean() / 2
        if self.form == "hinge":
            return -logits.mean()
        assert real is not None
        others = real.logits.float().detach()
        return (_entropy(others - logits.mean(), 0.0) + _entropy(logits - others.mean(), 1.0)) / 2

    def discriminator_loss(
        self, real: Verdict, fake: Verdict, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the discriminator brings down, its factor included."""
        return self.discriminator_factor * self._told_apart(real.logits, fake.logits)

    def _told_apart(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        real, fake = real.float(), fake.float()
        if self.form == "standard":
            return _entropy(real, 1.0) + _entropy(fake, 0.0)
        if self.form == "least_squares":
            return ((real - 1).square().mean() + fake.square().mean()) / 2
        if self.form == "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        means = fake.mean(), real.mean()
        of_fake, of_real = (each.detach() for each in means) if self.detach_means else means
        return (_entropy(real - of_fake, 1.0) + _entropy(fake - of_real, 0.0)) / 2

    @torch.no_grad()
    def statistics(self, real: Verdict, fake: Verdict) -> dict[str, torch.Tensor]:
        """Return how well the discriminator tells a batch apart, as float32 scalars.

        Returns:
            `accuracy_real` and `accuracy_fake`: shares of real and of generated pictures (or
            places) that it takes for what they are, relative to the mean of the other kind where
            the form is relativistic; `logit_gap`: mean logit of real minus mean logit of generated.
        """
        ours, others = fake.logits.float(), real.logits.float()
        gap = others.mean() - ours.mean()
        if self.form == "relativistic":
            others, ours = others - fake.logits.float().mean(), ours - real.logits.float().mean()
        return {
            "accuracy_real": (others > _ZERO[self.form]).float().mean(),
            "accuracy_fake": (ours <= _ZERO[self.form]).float().mean(),
            "logit_gap": gap,
        }


@final
class Classification(VerdictLoss):
    """Cross-entropy of the class that a discriminator names beside its verdict (SFTGAN).

    Generator: of its pictures; discriminator: of real and of generated ones, summed. Pictures of
    the class 0, background, are left out; a batch of nothing else counts 0.

    Args:
        of: Name of the adversarial term whose discriminator has the classes.
        discriminator_factor: Factor on the discriminator's loss, which the term's weight does not
            reach.

    Source:
        Wang et al., "SFTGAN", CVPR 2018, https://arxiv.org/abs/1804.02815 (weight as the
        adversarial term's, 5e-3)
    """

    revision: ClassVar[int] = 1
    names_classes: ClassVar[bool] = True

    def __init__(
        self, *, of: str, discriminator_factor: Annotated[float, Field(gt=0)] = 1.0
    ) -> None:
        super().__init__()
        self.of, self.discriminator_factor = of, discriminator_factor

    def generator_loss(
        self, real: Verdict | None, fake: Verdict, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the generator brings down, see `VerdictLoss.generator_loss`."""
        return _class_entropy(fake, labels)

    def discriminator_loss(
        self, real: Verdict, fake: Verdict, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the discriminator brings down, its factor included."""
        both = _class_entropy(real, labels) + _class_entropy(fake, labels)
        return self.discriminator_factor * both


def _entropy(logits: torch.Tensor, label: float) -> torch.Tensor:
    """Return the mean binary cross-entropy of logits that should all have one label."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def _class_entropy(verdict: Verdict, labels: torch.Tensor | None) -> torch.Tensor:
    """Return the mean cross-entropy over pictures that are not background."""
    if labels is None or verdict.classes is None:
        raise LossError(
            "A classification term needs the class of each picture and a discriminator that names "
            f"one, got {labels=} and {verdict.classes=}. Use data with classes and `sftgan`."
        )
    total = F.cross_entropy(verdict.classes.float(), labels, ignore_index=0, reduction="sum")
    # The mean over no picture at all would be NaN, and the generator with it.
    return total / (labels != 0).sum().clamp_min(1)
