"""Feature networks: what perceptual and texture losses look through, one row per source."""

from collections.abc import Collection
from typing import Any

import torch

from acutance_models.errors import FeatureError, Problem, RegistryError
from acutance_models.features.imitations import DistilledVGG19, NormalisedVGG19
from acutance_models.features.interface import FeatureNetwork
from acutance_models.features.reading import read_weights
from acutance_models.features.vgg import VGG16, VGG19, RandomVGG19
from acutance_models.registry import Registry

__all__ = [
    "FEATURES",
    "FeatureNetwork",
    "build_features",
    "check_features",
    "feature_layers",
    "feature_shapes",
    "plan_features",
    "resolve_features",
    "weights_name",
]

FEATURES: Registry[FeatureNetwork] = Registry(
    "feature network",
    ("last",),
    random=RandomVGG19,
    vgg16=VGG16,
    vgg19=VGG19,
    **{"vgg19-distilled": DistilledVGG19, "vgg19-normalised": NormalisedVGG19},
)


def resolve_features(spec: object) -> dict[str, Any]:
    """Return the complete spec of a feature network.

    Args:
        spec: A source's name, or `{kind: NAME, ...}`.

    Raises:
        RegistryError: With everything wrong with the spec, its substitutions included.
    """
    resolved = FEATURES.resolve({"kind": spec} if isinstance(spec, str) else spec)
    instead_of = dict(resolved.get("substitute") or {})
    if "substitute" in resolved:  # a plug-in's network may take none
        resolved["substitute"] = instead_of
    has: tuple[str, ...] = getattr(FEATURES[resolved["kind"]], "has", ())
    problems = []
    for layer, instead in instead_of.items():
        place = f"substitute.{layer}"
        if layer in has:
            rule = f"{resolved['kind']} has the layer {layer} itself."
            problems.append(Problem(place, instead, rule, "Remove the substitution."))
        elif instead not in has:
            problems.append(_missing(place, resolved, instead, has))
    if problems:
        raise RegistryError(problems)
    return resolved


def feature_layers(spec: object) -> tuple[str, ...]:
    """Return the layers that may be asked for, shallow first, substituted ones at the end."""
    resolved = resolve_features(spec)
    has: tuple[str, ...] = getattr(FEATURES[resolved["kind"]], "has", ())
    return (*has, *resolved.get("substitute", ()))


def weights_name(spec: object) -> str | None:
    """Return which file a source needs: its `file`, else its kind; None = it needs no file."""
    resolved = resolve_features(spec)
    dialects = getattr(FEATURES[resolved["kind"]], "dialects", tuple)
    return (resolved.get("file") or resolved["kind"]) if dialects() else None


def build_features(
    spec: object, *, layers: Collection[str], weights: bytes | None = None
) -> FeatureNetwork:
    """Return a frozen feature network, as deep as the layers need.

    Args:
        spec: A source's name, or `{kind: NAME, ...}`.
        layers: Every layer that will be asked for.
        weights: The file's bytes, see `weights_name`.

    Raises:
        RegistryError: If the spec does not fit, or the source lacks a layer.
        FeatureError: If the source needs a file and there are no bytes.
        ImportRefused: If the bytes are not this source's file; `.problems` names every tensor.
    """
    network = plan_features(spec, layers=layers)
    name = weights_name(network.spec)
    if name is None:
        network.draw()
    elif weights is None:
        raise FeatureError(f"The feature network {network.spec['kind']} needs the file {name}.")
    else:
        with torch.device("meta"):
            whole = FEATURES.build(network.spec).state_dict()
        shapes = {key: tensor.shape for key, tensor in whole.items()}
        state = network.state_dict()
        network.load_state_dict(read_weights(weights, shapes, state, network.dialects(), name))
    return network.requires_grad_(False).eval()


def check_features(spec: object, *, layers: Collection[str]) -> list[Problem]:
    """Return everything that keeps a feature network from being built, its file apart."""
    try:
        with torch.device("meta"):
            plan_features(spec, layers=layers)
    except RegistryError as error:
        return list(error.problems)
    return []


def feature_shapes(
    spec: object, *, layers: Collection[str], side: int
) -> dict[str, tuple[int, int]]:
    """Return the channels and the side of layers' maps of a square picture, by layer.

    Raises:
        RegistryError: If the spec does not fit, or the source lacks a layer.
        FeatureError: If the picture is too small.
    """
    with torch.device("meta"):
        return plan_features(spec, layers=layers).shapes(layers, side=side)


def plan_features(spec: object, *, layers: Collection[str]) -> FeatureNetwork:
    """Return a feature network whose weights are zero, as on the meta device.

    Raises:
        RegistryError: If the spec does not fit, or the source lacks a layer.
    """
    resolved = resolve_features(spec)
    has: tuple[str, ...] = getattr(FEATURES[resolved["kind"]], "has", ())
    inside = {layer: resolved.get("substitute", {}).get(layer, layer) for layer in layers}
    missing = [layer for layer, name in inside.items() if name not in has]
    if missing:
        raise RegistryError([_missing(layer, resolved, layer, has) for layer in missing])
    last = max(inside.values(), key=has.index) if inside else None
    network = FEATURES.build(resolved, last=last)
    network.spec = resolved
    return network


def _missing(place: str, resolved: dict[str, Any], layer: str, has: tuple[str, ...]) -> Problem:
    rule = f"{resolved['kind']} has no layer {layer!r}; it has: {', '.join(has)}."
    way_out = f"Choose one of them, or declare substitute: {{{layer}: {has[-1]}}}." if has else ""
    return Problem(place, layer, rule, way_out)
