"""Published checkpoints, made here from the published names and shapes."""

import pytest
import torch
from checkpoints import BY_NAME, checkpoint, mean_shift, their_tensors
from torch.nn import functional as F

from acutance_models import ImportRefused, import_weights, stream
from acutance_models.importing.dialects import DIALECTS
from acutance_models.importing.matching import recognise

PUBLISHED = [
    (dialect.name, preset, scale)
    for dialect in DIALECTS
    for preset in dialect.presets
    # The middle scales show nothing that the outer ones do not.
    for scale in sorted({dialect.scales[0], dialect.scales[-1]})
]
LARGEST = [(d.name, d.presets[0], d.scales[-1]) for d in DIALECTS]
SCALE_UNTOLD = {"idn", "carn-multi", "carn-m-multi"}
each_largest = pytest.mark.parametrize(("name", "preset", "scale"), LARGEST)
each_published = pytest.mark.parametrize(("name", "preset", "scale"), PUBLISHED)


@each_largest
def test_a_complete_checkpoint_loads(name, preset, scale):
    tensors, generator = their_tensors(name, preset, scale)
    data = checkpoint(name, tensors)
    imported = import_weights(data, preset, scale)
    assert (imported.preset, imported.scale) == (preset, scale)
    assert imported.generator.spec == generator.spec
    names = imported.generator.state_dict().keys()
    assert names == generator.state_dict().keys()


@each_published
def test_preset_and_scale_are_told_from_names_and_shapes(name, preset, scale):
    tensors, generator = their_tensors(name, preset, scale)
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
    tensors, _ = their_tensors(name, preset, scale)
    names = [each for each in tensors if "_mean" not in each]
    missing, misshapen = names[len(names) // 2], names[-1]
    wrong = torch.zeros(7, 1)
    for damage, problem in (
        ({k: v for k, v in tensors.items() if k != missing}, f"missing {missing}"),
        ({**tensors, "stranger.weight": wrong}, "surplus stranger.weight"),
        ({**tensors, misshapen: wrong}, f"misshapen {misshapen}: (7, 1), not "),
    ):
        with pytest.raises(ImportRefused) as refusal:
            import_weights(checkpoint(name, damage), preset, scale)
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
    ("CARN", "carn-m-multi", 3, {}),
    ("RCAN", "rcan", 2, {"groups": 2, "blocks": 1}),
    ("EDSR", "edsr-baseline", 2, {"blocks": 1}),
    ("MSRN", "msrn", 2, {"blocks": 1}),
    ("MSRN (of the paper)", "msrn-paper", 3, {"blocks": 1}),
    ("DBPN", "dbpn", 2, {"blocks": 3}),
    ("IDN (Caffe layers)", "idn", 3, {"blocks": 2}),
    ("RDN (EDSR-PyTorch)", "rdn-d20c6", 2, {"blocks": 1, "layers": 2}),
]


@pytest.mark.parametrize(("name", "preset", "scale", "arguments"), SMALL)
def test_every_tensor_comes_to_its_place(name, preset, scale, arguments):
    tensors, generator = their_tensors(name, preset, scale, fill=3, **arguments)
    imported = import_weights(checkpoint(name, tensors), scale=scale)
    assert imported.generator.spec == generator.spec
    lr = torch.from_numpy(stream(1, "lr").random((1, generator.channels, 6, 6))).float()
    with torch.no_grad():
        torch.testing.assert_close(imported.generator(lr), generator(lr))
    assert any("blocks is" in note for note in imported.notes) == bool(arguments)


AUTHORS_NAMES = (
    # Copied from the repositories, not made by the maps.
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
    ("CARN", "carn-multi", 4, "b3.b3.body.2.weight"),
    ("CARN", "carn-multi", 4, "b1.c3.body.0.bias"),
    ("CARN", "carn-multi", 4, "c3.body.0.weight"),
    ("CARN", "carn-multi", 2, "upsample.up4.body.3.weight"),
    ("CARN", "carn-multi", 2, "upsample.up3.body.0.weight"),
    ("CARN", "carn-multi", 2, "sub_mean.shifter.bias"),
    ("CARN", "carn-m-multi", 2, "b2.b1.body.4.weight"),
    ("RCAN", "rcan", 4, "body.9.body.19.body.3.conv_du.2.weight"),
    ("RCAN", "rcan", 4, "body.9.body.20.weight"),
    ("RCAN", "rcan", 4, "body.10.bias"),
    ("RCAN", "rcan", 4, "tail.0.2.weight"),
    ("RCAN", "rcan", 8, "tail.0.4.weight"),
    ("RCAN", "rcan", 3, "tail.1.weight"),
    ("RCAN", "rcan", 3, "add_mean.weight"),
    ("EDSR", "edsr-baseline", 4, "body.15.body.2.weight"),
    ("EDSR", "edsr-baseline", 4, "body.16.bias"),
    ("EDSR", "edsr-baseline", 4, "tail.0.2.weight"),
    ("MSRN", "msrn", 4, "body.7.conv_5_2.weight"),
    ("MSRN", "msrn", 4, "tail.2.2.weight"),
    ("MSRN", "msrn", 4, "tail.3.bias"),
    ("MSRN (of the paper)", "msrn-paper", 4, "residual8.0.confusion.weight"),
    ("MSRN (of the paper)", "msrn-paper", 4, "bottle.weight"),
    ("MSRN (of the paper)", "msrn-paper", 4, "conv_output.weight"),
    ("DBPN", "dbpn", 4, "down6.conv.act.weight"),
    ("DBPN", "dbpn", 4, "up7.up_conv2.conv.bias"),
    ("DBPN", "dbpn", 4, "down1.down_conv2.deconv.weight"),
    ("DBPN", "dbpn", 4, "feat0.act.weight"),
    ("DBPN", "dbpn", 4, "output_conv.conv.bias"),
    ("IDN (Caffe layers)", "idn", 4, "conv6_6.weight"),
    ("IDN (Caffe layers)", "idn", 4, "conv3_1.bias"),
    ("IDN (Caffe layers)", "idn", 4, "down4.weight"),
    ("IDN (Caffe layers)", "idn", 4, "upsample.weight"),
    ("RDN (EDSR-PyTorch)", "rdn-d16c8", 4, "RDBs.15.convs.7.conv.0.weight"),
    ("RDN (EDSR-PyTorch)", "rdn-d16c8", 4, "GFF.1.bias"),
    ("RDN (EDSR-PyTorch)", "rdn-d16c8", 4, "UPNet.4.weight"),
    ("RDN (EDSR-PyTorch)", "rdn-d16c8", 2, "UPNet.2.weight"),
    ("EnhanceNet (TensorFlow variables)", "enhancenet", 4, "generator/Conv/weights"),
    ("EnhanceNet (TensorFlow variables)", "enhancenet", 4, "generator/Conv_24/biases"),
)


@pytest.mark.parametrize(("name", "preset", "scale", "known"), AUTHORS_NAMES)
def test_authors_names_are_those_of_their_repositories(name, preset, scale, known):
    assert known in their_tensors(name, preset, scale)[0]


def test_one_head_is_taken_from_a_file_that_holds_three():
    tensors, generator = their_tensors("CARN", "carn-multi", 2, fill=3)
    data = checkpoint("CARN", tensors)
    with pytest.raises(ImportRefused, match=r"fits the scales 2, 3, 4 alike"):
        import_weights(data, "carn")
    imported = import_weights(data, "carn", 2)
    lr = torch.rand(1, 3, 6, 6)
    torch.testing.assert_close(imported.generator(lr), generator(lr))
    assert "upsample.up4.body.3.weight" in imported.notes[-2]
    del tensors["upsample.up3.body.0.bias"]
    with pytest.raises(ImportRefused, match=r"missing upsample\.up3\.body\.0\.bias"):
        import_weights(checkpoint("CARN", tensors), "carn", 2)


def test_a_mean_shift_that_was_trained_is_folded_into_its_neighbours():
    name, preset = "RCAN", "rcan"
    tensors, generator = their_tensors(name, preset, 2, fill=3, groups=1, blocks=1)
    constant = mean_shift(BY_NAME[name].shift)
    rng = stream(5, "drift")
    moved = {
        key: value + torch.from_numpy(rng.normal(0, 0.01, value.shape)).float() * value.abs().max()
        for key, value in constant.items()
    }
    imported = import_weights(checkpoint(name, tensors | moved), scale=2)
    assert "were trained" in imported.notes[-1]
    lr = torch.rand(1, 3, 60, 60)
    with torch.no_grad():
        # As the authors' network computes it.
        entered = F.conv2d(lr * 255, moved["sub_mean.weight"], moved["sub_mean.bias"])
        x = generator.head(entered)
        made = generator.tail(x + generator.body(x))
        wanted = F.conv2d(made, moved["add_mean.weight"], moved["add_mean.bias"]) / 255
        sr, unfolded = imported.generator(lr), generator(lr)
    # Padding stands for another colour in the outermost pixel; attention carries a trace of it on.
    inside = (..., slice(30, -30), slice(30, -30))
    torch.testing.assert_close(sr[inside], wanted[inside], atol=1e-3, rtol=0)
    assert float((unfolded - wanted)[inside].abs().max()) > 5e-3
    with pytest.raises(ImportRefused, match="should hold DIV2K's mean colour"):
        import_weights(checkpoint(name, tensors | {"add_mean.bias": torch.zeros(3)}), scale=2)
