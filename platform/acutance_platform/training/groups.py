"""Which of a generator's parameters learn, how fast and from when on."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from acutance_platform.recipe import Group

_REST = Group(match="*")


def parameter_groups(
    network: nn.Module, rules: Sequence[Group]
) -> tuple[list[Group], list[dict[str, nn.Parameter]]]:
    """Return the rules that some parameter follows, and the parameters of each by name.

    The first rule whose pattern fits counts; what fits none follows a last one that changes
    nothing. Parameters that do not learn at all are in no group.
    """
    members: list[dict[str, nn.Parameter]] = [{} for _ in (*rules, _REST)]
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            fitting = (i for i, rule in enumerate(rules) if fnmatchcase(name, rule.match))
            members[next(fitting, len(rules))][name] = parameter
    pairs = [(rule, some) for rule, some in zip((*rules, _REST), members, strict=True) if some]
    return [rule for rule, _ in pairs], [some for _, some in pairs]


def freeze_batch_norm(network: nn.Module) -> None:
    """Let batch normalisations use their running statistics and not learn; others train."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.requires_grad_(False).eval()
