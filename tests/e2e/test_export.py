"""`acutance export`: a file that others run, whole and checked, or none."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import refused
from safetensors import safe_open

import acutance as face
from acutance_models import (
    ExportError,
    build_generator,
    dump_weights,
    import_weights,
    resolve_generator,
)
from acutance_platform.verbs import exporting


@pytest.fixture
def esrgan(place):
    """A small ESRGAN as a file."""
    spec = resolve_generator({"preset": "esrgan-16", "blocks": 1})
    data = dump_weights(build_generator(spec, scale=4, seed=0), spec, 4)
    Path("m.safetensors").write_bytes(data)
    return "m.safetensors"


def test_onnx_gives_the_pictures_of_the_model(place, acutance, weights):
    import onnxruntime

    Path("m.safetensors").write_bytes(weights)
    done = acutance("export", "m.safetensors", "-o", "new/m.onnx", "--json")
    assert done.code == 0, done.err
    assert done.json["difference"] < 1e-4
    assert done.json["weights"] == face.load("m.safetensors").weights
    assert os.listdir("new") == ["m.onnx"]
    lr = np.random.default_rng(0).integers(0, 256, (31, 45, 3), np.uint8)
    session = onnxruntime.InferenceSession("new/m.onnx", providers=["CPUExecutionProvider"])
    fed = (lr / np.float32(255)).transpose(2, 0, 1)[None]
    sr = session.run(None, {"lr": fed})[0][0].transpose(1, 2, 0)
    rounded = np.floor(sr.clip(0, 1) * 255 + 0.5)
    np.testing.assert_allclose(rounded, face.load("m.safetensors").upscale(lr), atol=1)
    assert face.parity("m.safetensors", "new/m.onnx") < 1e-4


def test_safetensors_bear_the_names_that_others_read(acutance, esrgan):
    done = acutance("export", esrgan, "--format", "safetensors", "-o", "out.safetensors")
    assert "names of ESRGAN (BasicSR)" in done.out
    with safe_open("out.safetensors", "pt") as opened:
        assert "body.0.rdb1.conv1.weight" in opened.keys()  # noqa: SIM118 - no mapping
        assert opened.metadata()["exported.weights"] == face.load(esrgan).weights
    again = import_weights(Path("out.safetensors").read_bytes(), scale=4).generator.state_dict()
    own = face.load(esrgan).generator.state_dict()
    assert all(torch.equal(own[name], again[name]) for name in own)
    assert face.parity(esrgan, "out.safetensors") == 0
    assert acutance("import", "out.safetensors", "--scale", 4, "-o", "back.safetensors").code == 0
    assert face.parity(esrgan, "back.safetensors") == 0


def test_a_network_without_published_names_keeps_ours(place, acutance, weights):
    Path("m.safetensors").write_bytes(weights)
    done = acutance("export", "m.safetensors", "-o", "out.safetensors", "--json")
    assert done.json["names"] == "acutance"
    assert face.parity("out.safetensors", "m.safetensors") == 0


def test_a_translation_that_differs_is_not_written(acutance, esrgan, monkeypatch):
    other = build_generator({"preset": "esrgan-16", "blocks": 1}, scale=4, seed=1)
    right = exporting.to_onnx
    monkeypatch.setattr(exporting, "to_onnx", lambda network, facts: right(other, facts))
    done = acutance("export", esrgan, "-o", "out/m.onnx")
    refused(done, "differs from torch's by", "Nothing was written")
    assert not Path("out").exists()
    with pytest.raises(ExportError):
        face.export(esrgan, "m.onnx")


def test_an_interrupted_write_leaves_nothing(acutance, esrgan, monkeypatch):
    def interrupted(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    assert acutance("export", esrgan, "-o", "out/m.safetensors").code == 130
    assert os.listdir("out") == []


def test_what_cannot_be_exported_is_refused(acutance, esrgan):
    refused(acutance("export", "bicubic", "-o", "x.onnx"), "bicubic has no network")
    refused(acutance("export", "nothing", "-o", "x.onnx"), "names no model")
    refused(acutance("export", esrgan, "-o", "x.pt"), "ending names no format", "x.pt")
    refused(acutance("export", esrgan, "--format", "onnx", "-o", "x.safetensors"), "ends in .onnx")
    refused(acutance("export", esrgan, "-o", esrgan), "exists already", "--overwrite")
    refused(acutance("export", esrgan, "-o", "/proc/x.safetensors"), "cannot be written")
    Path("folder.onnx").mkdir()
    refused(acutance("export", esrgan, "-o", "folder.onnx", "--overwrite"), "this is a folder")
    assert json.loads(acutance("export", esrgan, "-o", "x.safetensors", "--json").out)
    Path("broken.onnx").write_bytes(b"\x00" * 40)
    with pytest.raises(ExportError, match="onnxruntime cannot run"):
        face.parity(esrgan, "broken.onnx")
