import hashlib
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from acutance_models import ModelsError, build_generator, stream

_KEYS = st.tuples(st.integers(-(2**70), 2**70), st.text(max_size=9), st.integers(0, 2**64 - 1))


@given(_KEYS, _KEYS)
def test_streams_are_equal_exactly_when_their_keys_are(one, other):
    draws = [stream(*key).integers(0, 2**63, 4).tolist() for key in (one, other)]
    assert (draws[0] == draws[1]) == (one == other)


def test_a_stream_does_not_run_into_the_next_counter():
    long = stream(0, "noise", 5).random(100_000)
    assert not set(long.tolist()) & set(stream(0, "noise", 6).random(1000).tolist())


def test_numbers_do_not_change_from_version_to_version():
    assert stream(0, "crop", 1, 2).integers(0, 1000, 5).tolist() == [469, 81, 190, 986, 776]


@pytest.mark.parametrize("counters", [(1, 2, 3, 4), (-1,), (2**64,)])
def test_counters_out_of_range_are_refused(counters):
    with pytest.raises(ModelsError, match="at most 3 counters"):
        stream(0, "crop", *counters)


def _first_weights(**kwargs):
    network = build_generator({"kind": "srresnet", "channels": 8, "blocks": 2}, scale=2, **kwargs)
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def test_building_a_network_leaves_global_random_state_alone():
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    _first_weights(seed=3)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert before == after


def test_first_weights_do_not_depend_on_threads():
    threads = torch.get_num_threads()
    digests = []
    for number in (1, 2):
        torch.set_num_threads(number)
        data = b"".join(value.numpy().tobytes() for value in _first_weights(seed=1).values())
        digests.append(hashlib.sha256(data).hexdigest())
    torch.set_num_threads(threads)
    assert digests[0] == digests[1]


def test_a_layer_elsewhere_does_not_move_the_start_of_this_one():
    small = build_generator({"kind": "carn", "channels": 8, "blocks": 2}, scale=2).state_dict()
    large = build_generator({"kind": "carn", "channels": 8, "blocks": 3}, scale=2).state_dict()
    for name, value in small.items():
        assert torch.equal(value, large[name])
