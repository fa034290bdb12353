import json
import os
import subprocess
import sys
from hashlib import sha256

import pytest
import torch
from generator_checks import smallest
from hypothesis import given
from hypothesis import strategies as st

from acutance_models import (
    GENERATORS,
    WeightsError,
    build_generator,
    dump_weights,
    load_generator,
    read_header,
    read_tensors,
)

SPEC = {"kind": "carn", "channels": 4, "blocks": 1, "share": True, "groups": 2}


def _document(**extra):
    network = build_generator(SPEC, scale=3, seed=5)
    return dump_weights(network, network.spec, network.scale, extra)


def _edited(document, **changes):
    """Return the document with other metadata and no checksum; None removes a key."""
    length = int.from_bytes(document[:8], "little")
    header = json.loads(document[8 : 8 + length])
    for name, text in {**changes, "checksum": None}.items():
        header["__metadata__"].pop(f"acutance.{name}")
        if text is not None:
            header["__metadata__"][f"acutance.{name}"] = text
    edited = json.dumps(header).encode()
    return len(edited).to_bytes(8, "little") + edited + document[8 + length :]


@pytest.mark.parametrize("kind", GENERATORS)
def test_a_document_rebuilds_its_network(kind):
    network = build_generator(smallest(kind), scale=2, seed=5)
    network.to(memory_format=torch.channels_last)
    again = load_generator(dump_weights(network, network.spec, network.scale))
    assert type(again) is type(network)
    assert again.spec == network.spec
    lr = torch.rand(1, network.channels, 5, 6)
    network.to(memory_format=torch.contiguous_format)  # the other format has other last bits
    assert torch.equal(again(lr), network(lr))


def test_the_header_holds_spec_scale_and_extra():
    header = read_header(_document(plugins="my_lab.sr", step="100"))
    assert header["scale"] == 3
    assert header["spec"]["channels"] == 4
    assert (header["plugins"], header["step"], header["schema"]) == ("my_lab.sr", "100", 1)


def test_equal_weights_are_equal_bytes_in_every_process():
    program = (
        "import hashlib, acutance_models as m\n"
        f"g = m.build_generator({SPEC!r}, scale=3, seed=5)\n"
        "d = m.dump_weights(g.state_dict(), g.spec, 3, {'b': 'x', 'a': 'y'})\n"
        "import sys; sys.stdout.write(hashlib.sha256(d).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_env()
    )
    assert done.stdout == sha256(_document(a="y", b="x")).hexdigest()


def _env():
    return {**os.environ, "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: b"", "not a safetensors document"),
        (lambda d: b"PK\x03\x04" + bytes(200), "not a safetensors document"),
        (lambda d: d[:-10], "damaged or truncated"),
        (lambda d: d[:20], "truncated"),
        (lambda d: _edited(d, schema="99"), "schema 99"),
        (lambda d: _edited(d, schema="new"), "schema"),
        (lambda d: _edited(d, schema=None), "no acutance header"),
        (lambda d: _edited(d, spec="{"), "no readable spec"),
        (lambda d: _edited(d, scale="5"), "Scales: 2, 3, 4, 8"),
        (lambda d: _edited(d, spec='{"kind": "carn"}'), "do not fit the spec"),
        (lambda d: _edited(d, spec='{"kind": "mine"}'), "Unknown generator 'mine'.*my_lab.sr"),
    ],
)
def test_foreign_and_damaged_documents_are_refused_in_words(damage, words):
    with pytest.raises(WeightsError, match=words):
        load_generator(damage(_document(plugins="my_lab.sr")))


@given(st.data())
def test_no_damage_gives_anything_but_a_weights_error(data):
    document = bytearray(_document())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(document) - 1, 3000)))
        document[place] = data.draw(st.integers(0, 255))
    try:
        load_generator(bytes(document))
    except WeightsError:
        return


def test_tensors_can_be_read_alone():
    network = build_generator(SPEC, scale=3, seed=5)
    tensors = read_tensors(_document())
    assert all(torch.equal(tensors[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("place", ["spec", "name", "first tensor", "last byte"])
def test_one_changed_byte_is_refused(place):
    document = _document()
    offset = {
        "spec": document.index(b"carn"),
        "name": document.index(b".weight"),
        "first tensor": 8 + int.from_bytes(document[:8], "little"),
        "last byte": len(document) - 1,
    }[place]
    changed = bytearray(document)
    changed[offset] ^= 1
    with pytest.raises(WeightsError, match="not as they were written"):
        read_tensors(bytes(changed))


def test_a_document_without_a_checksum_stays_readable():
    document = _document()
    assert set(read_tensors(_edited(document))) == set(read_tensors(document))
    assert load_generator(_edited(document)).scale == 3


def test_weights_written_anew_from_a_header_get_a_checksum_of_their_own():
    document = _document()
    network = build_generator(SPEC, scale=3, seed=6)
    extra = {"checksum": read_header(document)["checksum"]}
    again = dump_weights(network, network.spec, network.scale, extra)
    assert read_header(again)["checksum"] != extra["checksum"]
    assert load_generator(again).scale == 3
