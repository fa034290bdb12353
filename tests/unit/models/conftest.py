"""Tests of this room are the same in every run: fixed examples, no time limit on one of them."""

import pytest
import torch
from hypothesis import settings

settings.register_profile("models", deadline=None, derandomize=True, database=None)
settings.load_profile("models")


@pytest.fixture(autouse=True)
def _fixed_pictures():
    torch.manual_seed(0)
