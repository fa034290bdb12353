"""Published checkpoints, made here from the published names and shapes."""

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.torch
import torch

from acutance_models import (
    ImportRefused,
    build_generator,
    dump_weights,
    import_weights,
    stream,
)
from acutance_models.importing import recognise
from acutance_models.importing.dialects import DIALECTS

_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
PUBLISHED = [
    (dialect.name, preset, scale)
    for dialect in DIALECTS
    for preset in dialect.presets
    for scale in dialect.scales
]
LARGEST = [(d.name, d.presets[0], d.scales[-1]) for d in DIALECTS]
SCALE_UNTOLD = {"idn", "carn", "carn-m", "carn-multi", "carn-m-multi"}
each_largest = pytest.mark.parametrize(("name", "preset", "scale"), LARGEST)
each_published = pytest.mark.parametrize(("name", "preset", "scale"), PUBLISHED)


def _their_tensors(name, preset, scale, *, fill=None, **arguments):
    """Return the tensors of a checkpoint by its names; without `fill` they take no memory."""
    dialect = _BY_NAME[name]
    spec = {"preset": preset, **dialect.spec, **arguments}
    with torch.device("meta" if fill is None else "cpu"):
        generator = build_generator(spec, scale=scale, seed=fill)
    tensors = {}
    for ours, tensor in generator.state_dict().items():
        value = torch.zeros(()).expand(tensor.shape) if fill is None else tensor
        stored = value.permute(2, 3, 1, 0) if dialect.hwio and value.ndim == 4 else value
        tensors[dialect.key(ours, generator)] = stored
    if dialect.shift is not None:
        tensors |= _mean_shift(dialect.shift)
    return tensors, generator


def _mean_shift(shift):
    mean = torch.tensor([0.4488, 0.4371, 0.4040]) * shift.white
    return {
        f"{shift.subtract}.weight": torch.eye(3).view(3, 3, 1, 1),
        f"{shift.subtract}.bias": -mean,
        f"{shift.add}.weight": torch.eye(3).view(3, 3, 1, 1),
        f"{shift.add}.bias": mean,
    }


def _file(name, tensors, **saved):
    """Return the bytes of a checkpoint."""
    buffer = io.BytesIO()
    if _BY_NAME[name].hwio:
        np.savez_compressed(buffer, **{key: value.numpy() for key, value in tensors.items()})
    else:
        torch.save(saved or OrderedDict(tensors), buffer)
    return buffer.getvalue()


@each_largest
def test_a_complete_checkpoint_loads(name, preset, scale):
    tensors, generator = _their_tensors(name, preset, scale)
    data = _file(name, tensors)
    imported = import_weights(data, preset, scale)
    assert (imported.preset, imported.scale) == (preset, scale)
    assert imported.generator.spec == generator.spec
    names = imported.generator.state_dict().keys()
    assert names == generator.state_dict().keys()


@each_published
def test_preset_and_scale_are_told_from_names_and_shapes(name, preset, scale):
    tensors, generator = _their_tensors(name, preset, scale)
    given = scale if preset in SCALE_UNTOLD else None
    best = recognise(tensors, scale=given)
    assert (best.dialect.name, best.scale, best.problems) == (name, scale, ())
    assert best.spec == generator.spec
    assert best.preset == preset
    if given is not None:
        with pytest.raises(ImportRefused, match=r"fits the scales 2, 3, 4 alike. State the scale"):
            recognise(tensors)


@each_largest
def test_each_missing_surplus_and_misshapen_tensor_is_named(name, preset, scale):
    tensors, _ = _their_tensors(name, preset, scale)
    names = [each for each in tensors if "_mean" not in each]
    missing, misshapen = names[len(names) // 2], names[-1]
    wrong = torch.zeros(7, 1)
    for damage, problem in (
        ({k: v for k, v in tensors.items() if k != missing}, f"missing {missing}"),
        ({**tensors, "stranger.weight": wrong}, "surplus stranger.weight"),
        ({**tensors, misshapen: wrong}, f"misshapen {misshapen}: (7, 1), not "),
    ):
        with pytest.raises(ImportRefused) as refusal:
            import_weights(_file(name, damage), preset, scale)
        (found,) = refusal.value.problems
        assert found.startswith(problem)
        assert problem in str(refusal.value)
        (found,) = recognise(damage, scale=scale).problems
        assert found.startswith(problem)


SMALL = [
    ("EnhanceNet (TensorFlow variables)", "enhancenet", 4, {}),
    ("SFTGAN", "sftgan", 4, {"blocks": 2}),
    ("SFTGAN", "sftgan-paper", 4, {"blocks": 2}),
    ("ESRGAN", "esrgan-23", 4, {"blocks": 1}),
    ("ESRGAN (2018)", "esrgan-23", 4, {"blocks": 1}),
    ("ESRGAN (BasicSR)", "esrgan-23", 2, {"blocks": 1}),
    ("MSRResNet (BasicSR)", "msrresnet", 3, {"blocks": 1}),
]


@pytest.mark.parametrize(("name", "preset", "scale", "arguments"), SMALL)
def test_every_tensor_comes_to_its_place(name, preset, scale, arguments):
    tensors, generator = _their_tensors(name, preset, scale, fill=3, **arguments)
    imported = import_weights(_file(name, tensors), scale=scale)
    assert imported.generator.spec == generator.spec
    lr = torch.from_numpy(stream(1, "lr").random((1, generator.channels, 6, 6))).float()
    with torch.no_grad():
        torch.testing.assert_close(imported.generator(lr), generator(lr))
    assert any("blocks is" in note for note in imported.notes) == bool(arguments)


def test_authors_names_are_those_of_their_repositories():
    """Names copied from the repositories, not made by the maps."""
    for name, preset, scale, known in (
        ("SFTGAN", "sftgan", 4, "sft_branch.15.sft1.SFT_shift_conv1.bias"),
        ("SFTGAN", "sftgan", 4, "sft_branch.16.SFT_scale_conv0.weight"),
        ("SFTGAN", "sftgan", 4, "sft_branch.17.weight"),
        ("SFTGAN", "sftgan", 4, "HR_branch.0.weight"),
        ("SFTGAN", "sftgan", 4, "HR_branch.3.weight"),
        ("SFTGAN", "sftgan-paper", 4, "HR_branch.1.weight"),
        ("SFTGAN", "sftgan-paper", 4, "HR_branch.4.weight"),
        ("SFTGAN", "sftgan-paper", 4, "HR_branch.8.bias"),
        ("SFTGAN", "sftgan", 4, "CondNet.8.weight"),
        ("ESRGAN", "esrgan-23", 4, "RRDB_trunk.22.RDB3.conv5.weight"),
        ("ESRGAN", "esrgan-23", 4, "trunk_conv.bias"),
        ("ESRGAN", "esrgan-23", 4, "upconv2.bias"),
        ("ESRGAN", "esrgan-23", 4, "HRconv.bias"),
        ("ESRGAN (2018)", "esrgan-23", 4, "model.1.sub.22.RDB1.conv3.0.weight"),
        ("ESRGAN (2018)", "esrgan-23", 4, "model.1.sub.23.weight"),
        ("ESRGAN (2018)", "esrgan-23", 4, "model.3.weight"),
        ("ESRGAN (2018)", "esrgan-23", 4, "model.6.weight"),
        ("ESRGAN (2018)", "esrgan-23", 4, "model.8.weight"),
        ("ESRGAN (2018)", "esrgan-23", 4, "model.10.bias"),
        ("ESRGAN (BasicSR)", "esrgan-23", 4, "body.22.rdb3.conv5.weight"),
        ("ESRGAN (BasicSR)", "esrgan-23", 4, "conv_up2.weight"),
        ("MSRResNet (BasicSR)", "msrresnet", 4, "upconv2.weight"),
        ("EnhanceNet (TensorFlow variables)", "enhancenet", 4, "generator/Conv/weights"),
        ("EnhanceNet (TensorFlow variables)", "enhancenet", 4, "generator/Conv_24/biases"),
    ):
        assert known in _their_tensors(name, preset, scale)[0], known


def _small():
    return _their_tensors("ESRGAN (BasicSR)", "esrgan-23", 4, fill=2, blocks=1)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: {"params": tensors},
        lambda tensors: {"params_ema": tensors, "params": {"none": torch.zeros(1)}},
        lambda tensors: {"state_dict": tensors, "epoch": 3, "optimizer": {"lr": 1.0}},
        lambda tensors: {"model": {f"module.{key}": value for key, value in tensors.items()}},
        lambda tensors: {f"module.{key}": value.double() for key, value in tensors.items()},
        lambda tensors: {"params": {**tensors, "step": 5}},
    ],
)
def test_wrappers_prefixes_and_other_precisions_are_taken_off(wrap):
    tensors, generator = _small()
    imported = import_weights(_file("ESRGAN", {}, **wrap(tensors)))
    for name, value in generator.state_dict().items():
        assert torch.equal(imported.generator.state_dict()[name], value)
    assert imported.preset == "esrgan-23"


def test_old_and_safe_formats_are_read():
    tensors, generator = _small()
    legacy = io.BytesIO()
    torch.save(tensors, legacy, _use_new_zipfile_serialization=False)
    contiguous = {name: value.contiguous() for name, value in tensors.items()}
    for data in (legacy.getvalue(), safetensors.torch.save(contiguous)):
        assert torch.equal(
            import_weights(data).generator.conv_last.weight, generator.conv_last.weight
        )


def _npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


class Net(torch.nn.Module):
    """What MSRN's old checkpoints pickle."""


class Trap:
    """Code that a pickle would run."""

    def __reduce__(self):
        return eval, ("1/0",)


def _pickled(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def _zip(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x04\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00V 1", "Torch7"),
        (b"\x00" * 100, "no PyTorch file"),
        (_pickled({"a": 1}), "no tensors by name; its entries are: a"),
        (pickle.dumps(Trap()), r"builtin.*\.eval.*cannot be read without running code"),
        (_pickled({"a": Trap()}), r"builtin.*\.eval.*cannot be read without running code"),
        (_pickled({"a": Trap()}, _use_new_zipfile_serialization=False), r"builtin.*\.eval"),
        (_pickled({"model": Net()}), "test_importing.Net.*state dict alone"),
        (_pickled([torch.zeros(1)]), "a list, not tensors by name"),
        (_pickled({"a": torch.zeros(1, dtype=torch.int64)}), "not dense numbers"),
        (_pickled({"a": torch.zeros(2).to_sparse()}), "not dense numbers|pickled"),
        (_zip(a="b"), "neither a PyTorch checkpoint"),
        (_npz(a=np.array([{}], dtype=object)), "cannot be read: These are pickled"),
        (_npz(a=np.arange(3)), "no numbers with a fraction: a"),
        (_pickled({"conv.weight": torch.zeros(1)}), "names are unknown .conv.weight, ...."),
    ],
)
def test_what_is_no_checkpoint_or_holds_code_is_refused_in_one_sentence(data, words):
    with pytest.raises(ImportRefused, match=words):
        import_weights(data)


def test_truncated_and_damaged_files_are_refused():
    tensors, generator = _small()
    ours = dump_weights(generator, generator.spec, generator.scale)
    with pytest.raises(ImportRefused, match="acutance's already"):
        import_weights(ours)
    legacy = _pickled(tensors, _use_new_zipfile_serialization=False)
    files = [_pickled(tensors), legacy, safetensors.torch.save(tensors), _npz(a=np.zeros(9))]
    for data in files:
        for kept in (3, 9, 40, len(data) // 2, len(data) - 1):
            with pytest.raises(ImportRefused):
                import_weights(data[:kept])
        damaged = bytearray(data)
        for place in range(0, min(len(data), 4000), 97):
            damaged[place] ^= 0xFF
        with pytest.raises(ImportRefused):
            import_weights(bytes(damaged))


def test_an_old_checkpoint_of_msrn_is_refused_by_name():
    Net.__module__, Net.__qualname__ = "msrn", "MSRN"
    data = _pickled({"epoch": 1, "model": Net}, pickle_module=_Renaming)
    with pytest.raises(ImportRefused, match=r"MSRN's old checkpoints: it holds msrn\.MSRN"):
        import_weights(data)


class _Renaming:
    """A pickle module that writes a class by a name that cannot be imported here."""

    Unpickler = pickle.Unpickler
    dumps, loads, dump, load = pickle.dumps, pickle.loads, pickle.dump, pickle.load

    class Pickler(pickle._Pickler):
        def save_global(self, obj, name=None):
            self.write(b"cmsrn\nMSRN\n" if obj is Net else b"")
            if obj is not Net:
                super().save_global(obj, name)


def test_the_port_of_memnet_is_refused_by_name():
    tensors = {"dense_memory.0.recursive_unit.0.relu_conv1.conv.weight": torch.zeros(64, 64, 3, 3)}
    with pytest.raises(ImportRefused, match="weights of pytorch-MemNet, which is another network"):
        import_weights(_pickled(tensors))


def test_a_checkpoint_of_another_network_is_named():
    tensors, _ = _small()
    with pytest.raises(ImportRefused, match=r"not of sftgan: .* those of ESRGAN .BasicSR"):
        import_weights(_pickled(tensors), "sftgan")
    with pytest.raises(ImportRefused, match="Unknown preset 'esrgan'"):
        import_weights(_pickled(tensors), "esrgan")
    with pytest.raises(ImportRefused, match="No published checkpoints of srgan"):
        import_weights(_pickled({"a": torch.zeros(1)}), "srgan")
    with pytest.raises(ImportRefused, match=r"cannot be built: .*never triples"):
        import_weights(_pickled(tensors), scale=3)


def test_values_that_are_no_numbers_are_refused():
    tensors, _ = _small()
    tensors["conv_last.bias"] = torch.tensor([0.0, float("nan"), 1.0])
    with pytest.raises(ImportRefused, match=r"values that are no numbers: conv_last\.bias"):
        import_weights(_pickled(tensors))
