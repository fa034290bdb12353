"""Files of feature networks with the published layout and drawn weights, small where asked."""

import io

import torch

from acutance_models.features import FEATURES, plan_features
from acutance_models.init import fill_network


def feature_tensors(kind, layers, dialect=0):
    """Return the tensors of a file that ends behind the deepest of these layers."""
    network = plan_features(kind, layers=layers)
    fill_network(network, 5, "test/features", lambda place: ("kaiming", 1.0))
    rule = FEATURES[kind].dialects()[dialect]
    return {rule(name): tensor.clone() for name, tensor in network.state_dict().items()}


def as_file(tensors):
    """Return tensors as the bytes of a PyTorch checkpoint."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def feature_file(kind, layers, dialect=0):
    """Return a file that ends behind the deepest of these layers, as bytes."""
    return as_file(feature_tensors(kind, layers, dialect))
