"""Files that hold a checkpoint in one way or another, and files that hold none."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.torch
import torch
from checkpoints import saved, their_tensors

from acutance_models import ImportRefused, dump_weights, import_weights


def _small():
    return their_tensors("ESRGAN (BasicSR)", "esrgan-23", 4, fill=2, blocks=1)


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
    imported = import_weights(saved(wrap(tensors)))
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
        (saved({"a": 1}), "no tensors by name; its entries are: a"),
        (pickle.dumps(Trap()), r"builtin.*\.eval.*cannot be read without running code"),
        (saved({"a": Trap()}), r"builtin.*\.eval.*cannot be read without running code"),
        (saved({"a": Trap()}, _use_new_zipfile_serialization=False), r"builtin.*\.eval"),
        (saved({"model": Net()}), "Net.*state dict alone"),
        (saved([torch.zeros(1)]), "a list, not tensors by name"),
        (saved({"a": torch.zeros(1, dtype=torch.int64)}), "not dense numbers"),
        (saved({"a": torch.zeros(2).to_sparse()}), "not dense numbers|pickled"),
        (_zip(a="b"), "neither a PyTorch checkpoint"),
        (_npz(a=np.array([{}], dtype=object)), "cannot be read: These are pickled"),
        (_npz(a=np.arange(3)), "no numbers with a fraction: a"),
        (saved({"conv.weight": torch.zeros(1)}), "names are unknown .conv.weight, ...."),
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
    legacy = saved(tensors, _use_new_zipfile_serialization=False)
    files = [saved(tensors), legacy, safetensors.torch.save(tensors), _npz(a=np.zeros(9))]
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
    data = saved({"epoch": 1, "model": Net}, pickle_module=_Renaming)
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
        import_weights(saved(tensors))


def test_a_checkpoint_of_another_network_is_named():
    tensors, _ = _small()
    with pytest.raises(ImportRefused, match=r"not of sftgan: .* those of ESRGAN .BasicSR"):
        import_weights(saved(tensors), "sftgan")
    with pytest.raises(ImportRefused, match="Unknown preset 'esrgan'"):
        import_weights(saved(tensors), "esrgan")
    with pytest.raises(ImportRefused, match="No published checkpoints of srgan"):
        import_weights(saved({"a": torch.zeros(1)}), "srgan")
    with pytest.raises(ImportRefused, match=r"cannot be built: .*never triples"):
        import_weights(saved(tensors), scale=3)


def test_values_that_are_no_numbers_are_refused():
    tensors, _ = _small()
    tensors["conv_last.bias"] = torch.tensor([0.0, float("nan"), 1.0])
    with pytest.raises(ImportRefused, match=r"values that are no numbers: conv_last\.bias"):
        import_weights(saved(tensors))


def test_a_flipped_bit_is_told_by_the_archives_checksum():
    tensors, _ = _small()
    data = bytearray(saved(tensors))
    entry = max(zipfile.ZipFile(io.BytesIO(bytes(data))).infolist(), key=lambda e: e.file_size)
    data[entry.header_offset + 200] ^= 1
    with pytest.raises(ImportRefused, match="checksum"):
        import_weights(bytes(data))
