import io

import pytest
import torch
from calling import photographs, refused

from acutance_models import build_generator, dump_weights
from acutance_platform.verbs import systems

TWELVE = {
    "EnhanceNet", "MemNet", "DBPN", "IDN", "RDN", "RCAN", "MSRN", "CARN", "ZSSR", "SFTGAN",
    "SRFeat", "ESRGAN",
}  # fmt: skip


def test_all_twelve_systems_are_listed_and_counted(acutance, monkeypatch):
    rows = acutance("systems", "--json").json
    assert {row["system"] for row in rows} >= TWELVE
    stated = [row for row in rows if row["published_parameters"] is not None]
    wrong = [row for row in stated if row["parameters"] != row["published_parameters"]]
    # SRDenseNet's own code is not public; its page says so.
    assert {row["preset"] for row in wrong} <= {"srdensenet"}
    assert len(stated) > 40
    _check_table(rows, acutance, monkeypatch)


def _check_table(rows, acutance, monkeypatch):
    """On a terminal of 80 columns nothing is cut off, and every source is named."""
    counted = [systems.SystemRow(**row) for row in rows]
    monkeypatch.setattr(systems, "systems", lambda: counted)  # counting takes seconds
    monkeypatch.setenv("COLUMNS", "80")
    text = acutance("systems").out
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    words = " ".join(text.split())
    for row in rows:
        assert f"{row['preset']} x{row['scale']} {row['parameters']:,}" in words
        assert row["source"] in words


@pytest.fixture
def checkpoint(place):
    """A BasicSR file of MSRResNet x2, wrapped as its authors wrap it."""
    network = build_generator({"preset": "msrresnet"}, scale=2, seed=3)
    buffer = io.BytesIO()
    torch.save({"params": network.state_dict()}, buffer)
    path = place / "msrresnet.pth"
    path.write_bytes(buffer.getvalue())
    return path


def test_a_published_file_becomes_a_model(place, checkpoint, acutance):
    target = place / "model.safetensors"
    done = acutance("import", checkpoint, "-o", target)
    assert done.code == 0, done.err
    assert "is msrresnet x2" in done.out
    folder = photographs(place / "Set5", 2)
    measured = acutance("evaluate", target, folder, "--json").json
    assert measured["scale"] == 2
    refused(acutance("import", checkpoint, "-o", target), "exists already")


def test_unusable_files_are_refused(place, checkpoint, acutance):
    target = place / "model.safetensors"
    text = place / "text.pth"
    text.write_text("not a checkpoint")
    cut = place / "cut.pth"
    cut.write_bytes(checkpoint.read_bytes()[:1000])
    for file in (text, cut, place / "absent.pth"):
        refused(acutance("import", file, "-o", target))
    refused(acutance("import", checkpoint, "--as", "carn", "-o", target))
    refused(acutance("import", checkpoint, "-o", place / "model.pth"), "safetensors")
    assert not target.exists()


def test_figures_are_set_beside_the_published_ones(place, acutance):
    network = build_generator({"preset": "carn"}, scale=2, seed=0)
    weights = place / "random.safetensors"
    weights.write_bytes(dump_weights(network, network.spec, 2))
    folder = photographs(place / "Set5", 1, 48, 48)
    done = acutance("reproduce", "carn", "--weights", "bicubic", "--sets", folder, "--scale", "2")
    assert done.code == 1
    assert "differs from the published one" in done.err
    rows = acutance(
        "reproduce", "carn", "--weights", "bicubic", "--sets", folder, "--scale", "2", "--json"
    ).json
    assert {row["published"] for row in rows} == {37.76, 0.9590}
    assert {row["protocol"] for row in rows} == {"carn"}
    other = photographs(place / "Mine", 1, 48, 48)
    refused(
        acutance("reproduce", "carn", "--weights", weights, "--sets", other), "nothing is published"
    )
    refused(acutance("reproduce", "karn", "--weights", weights, "--sets", folder), "no such preset")


def reproduced(acutance, preset, *words):
    """Return the rows that `reproduce` prints for bicubic, whose figures are never those."""
    done = acutance("reproduce", preset, "--weights", "bicubic", *words, "--json")
    assert done.code == 1, done.err
    return done.json


def test_figures_with_a_plus_go_with_the_self_ensemble(place, acutance):
    network = build_generator({"preset": "rcan"}, scale=2, seed=0)
    weights = place / "random.safetensors"
    weights.write_bytes(dump_weights(network, network.spec, 2))
    folder = photographs(place / "Set5", 1, 32, 32)
    words = ("--weights", weights, "--sets", folder, "--json")
    plus = acutance("reproduce", "rcan", *words, "--self-ensemble", "--tile", "16").json
    plain = acutance("reproduce", "rcan", *words).json
    assert {row["published"] for row in plus} == {38.33, 0.9617}
    assert {row["published"] for row in plain} == {38.27, 0.9614}
    assert {(row["variant"], row["self_ensemble"], row["tile"]) for row in plus} == {
        ("RCAN+", True, 16)
    }
    assert {(row["variant"], row["self_ensemble"], row["tile"]) for row in plain} == {
        ("RCAN", False, None)
    }
    found = acutance("evaluate", weights, folder, "--self-ensemble", "--json").json["mean"]
    ours = {row["metric"]: row["ours"] for row in plus}
    assert ours["psnr_y"] == pytest.approx(found["psnr_y"], abs=1e-3)
    bicubic = ("--weights", "bicubic", "--scale", "2", "--sets", folder, "--self-ensemble")
    none = acutance("reproduce", "carn", *bicubic)
    refused(none, "nothing is published with a self-ensemble for carn", "none")
    bicubic = ("--weights", "bicubic", "--scale", "2", "--sets", folder, "--self-ensemble")
    refused(acutance("reproduce", "rcan", *bicubic), "bicubic has no network")


def test_a_set_is_found_as_its_folder_or_in_it(place, acutance):
    photographs(place / "Set5" / "HR", 1, 48, 48)
    photographs(place / "BSDS100", 1, 48, 48)
    (place / "Set5" / "LRx2").mkdir()
    scale = ("--scale", "2")
    both = reproduced(acutance, "carn", *scale, "--sets", place / "Set5", place / "BSDS100")
    assert {row["set"] for row in both} == {"Set5", "B100"}
    inside = reproduced(acutance, "carn", *scale, "--sets", place / "Set5" / "HR")
    assert inside == [row for row in both if row["set"] == "Set5"]


def test_figures_of_several_networks_are_told_apart(place, acutance):
    folder = photographs(place / "Set14", 1, 48, 48)
    words = ("--scale", "4", "--sets", folder)
    every = ("reproduce", "esrgan-23", "--weights", "bicubic", *words)
    refused(acutance(*every), "--variant", "ESRGAN, RRDB (PSNR)")
    refused(acutance(*every, "--variant", "PSNR"), "no figure of it")
    rows = reproduced(acutance, "esrgan-23", *words, "--variant", "ESRGAN")
    assert {row["metric"] for row in rows} == {"psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb"}


def test_a_luma_network_without_weights_is_bicubic_under_its_protocol(place, acutance):
    """IDN adds to bicubic; with zero weights its figure is bicubic's own, on the luma plane."""
    network = build_generator({"preset": "idn"}, scale=2, seed=None)
    weights = place / "zero.safetensors"
    weights.write_bytes(dump_weights(network, network.spec, 2))
    folder = photographs(place / "some", 2, 64, 64)
    arguments = ("--protocol", "y8")
    ours = acutance("evaluate", weights, folder, *arguments, "--json")
    assert ours.code == 0, ours.err
    base = acutance("evaluate", "bicubic", folder, "--scale", "2", *arguments, "--json").json
    assert ours.json["mean"]["psnr_y"] == pytest.approx(base["mean"]["psnr_y"], abs=1e-2)


def test_weights_of_another_network_are_not_held_against_a_presets_figures(place, acutance):
    folder = photographs(place / "Set5", 1, 48, 48)
    said = acutance("reproduce", "carn", "--weights", "shipped", "--sets", folder)
    refused(said, "these weights are srresnet of", "carn x2 is carn of 964,163")


def test_numbers_that_are_none_never_pass(place, acutance):
    folder = photographs(place / "Set5", 1, 48, 48)
    network = build_generator({"preset": "idn"}, scale=2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(float("inf"))
    weights = place / "huge.safetensors"
    weights.write_bytes(dump_weights(network, spec=network.spec, scale=2))
    for words in (
        ("reproduce", "idn", "--weights", weights, "--sets", folder),
        ("evaluate", weights, folder),
        ("upscale", folder, "-o", place / "out", "--model", weights),
    ):
        refused(acutance(*words), "is not finite")
    words = ("--weights", "bicubic", "--scale", "2", "--sets", folder, "--tolerance", "nan")
    assert acutance("reproduce", "idn", *words).code == 2
    refused(
        acutance("reproduce", "idn", "--weights", weights, "--sets", place / "none"),
        "there is no such folder",
    )
