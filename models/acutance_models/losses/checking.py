"""Everything wrong with a loss mix, found before any memory is taken."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from acutance_models.discriminators import Discriminator, build_discriminator
from acutance_models.errors import FeatureError, LossError, Problem, RegistryError
from acutance_models.features import check_features, feature_shapes
from acutance_models.losses.adversarial import Adversarial
from acutance_models.losses.interface import FeatureLoss, VerdictLoss
from acutance_models.losses.table import LOSSES
from acutance_models.losses.terms import TermHead, below, resolve_term, split_term

Term = tuple[TermHead, nn.Module]
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def check_terms(
    terms: Mapping[str, Any], *, patch: int, channels: int = 3, steps: int | None = None
) -> list[Problem]:
    """Return everything that keeps a loss mix from being built or computed, missing files apart.

    Args:
        terms: Term name -> `{kind: NAME, weight: W, ...}`.
        patch: Side of the training crops in HR pixels.
        channels: Planes of the pictures: 3, or 1 for a generator of luma.
        steps: Length of the stage; None = not known.
    """
    problems: list[Problem] = []
    built: dict[str, Term] = {}
    for name, spec in terms.items():
        try:
            head, rest = split_term(resolve_term(spec))
            built[name] = head, LOSSES.build(rest)
        except RegistryError as error:
            problems += [below(name, problem) for problem in error.problems]
    critics: dict[str, Discriminator | None] = {}
    for name, (_, loss) in built.items():
        if isinstance(loss, FeatureLoss):
            problems += [below(name, each) for each in _feature_problems(loss, patch)]
        elif isinstance(loss, Adversarial):
            critics[name], found = _critic(loss, name, patch, channels)
            problems += [below(name, each) for each in found]
    for name, (head, loss) in built.items():
        if isinstance(loss, VerdictLoss) and not isinstance(loss, Adversarial):
            problems += [below(name, each) for each in _owner_problems(loss, critics)]
        if head.normalize and isinstance(loss, Adversarial) and loss.form == "hinge":
            rule = "a hinge term starts near 0 and may be negative: it is no divisor."
            problems.append(Problem(f"{name}.normalize", head.normalize, rule, "Remove it."))
        if steps is not None and head.from_step >= steps:
            rule = f"the stage ends after {steps} steps, before this term counts."
            way_out = "Let it begin earlier, or remove the term."
            problems.append(Problem(f"{name}.from_step", head.from_step, rule, way_out))
    if len(built) == len(terms):
        problems += _gaps({name: head for name, (head, _) in built.items()}, steps)
    return problems


def batch_couplings(terms: Mapping[str, Any], *, patch: int, channels: int = 3) -> list[str]:
    """Return what makes the loss of a picture depend on the other pictures of its batch.

    Args:
        terms: A loss mix without problems, see `check_terms`.
        patch: Side of the training crops in HR pixels.
        channels: Planes of the pictures.

    Returns:
        One sentence each; empty where a batch may be computed in parts.
    """
    found = []
    for name, spec in terms.items():
        loss = LOSSES.build(split_term(resolve_term(spec))[1])
        if isinstance(loss, VerdictLoss) and loss.compares:
            found.append(f"the term {name} compares each picture with the mean of the batch")
        if isinstance(loss, VerdictLoss) and loss.names_classes:
            found.append(f"the term {name} is a mean over those pictures of the batch with a class")
        critic = _critic(loss, name, patch, channels)[0] if isinstance(loss, Adversarial) else None
        if critic is not None and normalises_batches(critic):
            found.append(f"the discriminator of {name} normalises by the batch's statistics")
    return found


def couples(loss: VerdictLoss) -> bool:
    """Say whether a loss is no mean over what it makes of each picture for itself."""
    return loss.compares or loss.names_classes


def normalises_batches(network: nn.Module) -> bool:
    """Say whether a network in training mode normalises by statistics of its batch."""
    return any(isinstance(part, BATCH_NORMS) and part.training for part in network.modules())


def discriminator_for(
    loss: Adversarial, *, name: str, patch: int, channels: int, seed: int | None
) -> Discriminator:
    """Return the discriminator of a term, for the training patch or a map of it.

    Raises:
        RegistryError: If it does not fit what it is to see.
        FeatureError: If the patch is too small for the layer.
    """
    side, inputs = patch, channels
    if loss.features is not None and loss.layer is not None:
        shapes = feature_shapes(loss.features, layers=[loss.layer], side=patch)
        inputs, side = shapes[loss.layer]
    spec = loss.discriminator
    critic = build_discriminator(spec, side=side, inputs=inputs, name=name, seed=seed)
    given = "picture" if loss.features is None else "features"
    if critic.sees != given:
        rule = f"{spec['kind']} judges a {critic.sees} input, and this term shows it {given}."
        way_out = (
            "Give `features` and `layer`, or choose another discriminator."
            if given == "picture"
            else "Choose one that judges features, such as srfeat_feature."
        )
        raise RegistryError([Problem("kind", spec["kind"], rule, way_out)])
    return critic


def _feature_problems(loss: FeatureLoss, patch: int) -> list[Problem]:
    """Return what is wrong with the layers of a loss, or with the patch for them."""
    found = check_features(loss.features, layers=loss.layers)
    if found:
        return [below("layers", problem) for problem in found]
    try:
        shapes = feature_shapes(loss.features, layers=loss.layers, side=patch)
        # One channel is enough to see whether the sides will do, and costs next to nothing.
        maps = {layer: torch.ones(1, 1, side, side) for layer, (_, side) in shapes.items()}
        loss(maps, maps)
    except (FeatureError, LossError) as error:
        return [Problem("layers", list(loss.layers), str(error))]
    return []


def _critic(
    loss: Adversarial, name: str, patch: int, channels: int
) -> tuple[Discriminator | None, list[Problem]]:
    """Return a term's discriminator without memory, and what is wrong with it."""
    if loss.features is not None and loss.layer is not None:
        found = check_features(loss.features, layers=[loss.layer])
        if found:
            return None, [below("layer", problem) for problem in found]
    try:
        with torch.device("meta"):
            critic = discriminator_for(loss, name=name, patch=patch, channels=channels, seed=None)
    except RegistryError as error:
        return None, [below("discriminator", problem) for problem in error.problems]
    except FeatureError as error:
        return None, [Problem("layer", loss.layer, str(error))]
    return critic, []


def _owner_problems(
    loss: VerdictLoss, critics: Mapping[str, Discriminator | None]
) -> list[Problem]:
    """Return what keeps a term from the discriminator that it reads."""
    if loss.of is None or loss.of not in critics:
        known = ", ".join(critics) or "none"
        rule = f"{loss.of!r} is no adversarial term of this mix; there are: {known}."
        return [Problem("of", loss.of, rule, "Name one of them.")]
    critic = critics[loss.of]
    if loss.names_classes and critic is not None and critic.classes is None:
        rule = f"the discriminator of {loss.of!r}, {critic.spec['kind']}, names no classes."
        return [Problem("of", loss.of, rule, "Use one that does, such as sftgan.")]
    return []


def _gaps(heads: Mapping[str, TermHead], steps: int | None) -> list[Problem]:
    """Return the first step at which no term counts, as a problem."""
    ends = {head.until_step for head in heads.values() if head.until_step is not None}
    for step in sorted({0, *ends}):
        if (steps is None or step < steps) and not any(h.active(step) for h in heads.values()):
            rule = f"at step {step} of the stage no term counts."
            way_out = "Let one term begin earlier or end later."
            return [Problem("", step, rule, way_out)]
    return []
