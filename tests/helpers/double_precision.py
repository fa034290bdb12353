"""A plug-in under which the real loop computes in double precision, in whichever process it is.

Sums over ranks are rounded otherwise than a sum over the whole batch; what is left in double
precision is no rounding but another computation.
"""

import torch

from acutance_models import LossMix
from acutance_platform.training import learner


def register(tables):
    torch.Tensor.float = torch.Tensor.double  # losses compute in float32, else
    placed, to = learner.placed, LossMix.to
    learner.placed = lambda network, device: doubled(placed(network, device))

    def mix_to(mix, device):
        for network in (*mix.discriminators.values(), *mix.features.values()):
            doubled(network)
        return to(mix, device)

    LossMix.to = mix_to


def doubled(network):
    """Return the network in double precision, which takes single as well."""
    network.register_forward_pre_hook(lambda _, given: (given[0].double(), *given[1:]))
    return network.double()
