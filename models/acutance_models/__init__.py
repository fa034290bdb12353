"""Tensors: generators, losses, degradations, metrics."""
