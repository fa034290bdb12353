"""Segmentation maps through every verb: added, trained with, measured with, enlarged with."""

from pathlib import Path

import numpy as np
import pytest
from calling import refused
from PIL import Image

from acutance_models import build_generator, dump_weights, resolve_generator
from acutance_platform.verbs.addresses import load_model

CLASSES, SCALE = 3, 2
GENERATOR = {
    "kind": "sftgan", "channels": 4, "blocks": 1, "classes": CLASSES, "init_gain": 1.0,
    "image_skip": "bicubic",
}  # fmt: skip
RECIPE = """\
scale: 2
data: {dataset: regions, patch: 32, batch: 2, augment: flip}
generator: {kind: sftgan, channels: 4, blocks: 1, classes: 3, image_skip: bicubic}
stages: {train: {steps: 4, loss: {pixel: {kind: l1, weight: 1.0}}}}
evaluation: {every: 2}
resources: {cpu: 1, gpu: 0}
"""


def regions(seed, height=96, width=120):
    """Classes in three upright stripes whose borders depend on the seed."""
    x = np.arange(width) + np.zeros((height, 1), int)
    return ((x > 25 + 3 * seed).astype(np.uint8) + (x > 80 + 3 * seed)).astype(np.uint8)


@pytest.fixture
def mapped(place):
    """Label maps for p0 to p2, probabilities for p3, none for p4; and a network for them."""
    (place / "maps").mkdir()
    for seed in range(3):
        Image.fromarray(regions(seed)).save(f"maps/p{seed}.png")
    sure = np.where(regions(3) == np.arange(CLASSES)[:, None, None], 200, 5).astype(np.uint8)
    np.savez_compressed("maps/p3.npz", prob_u8=sure)
    spec = resolve_generator(GENERATOR)
    network = build_generator(spec, scale=SCALE, seed=3)
    network.conv_last.weight.data *= 0.1  # beside the enlarged picture: nothing is clipped
    Path("sft.safetensors").write_bytes(dump_weights(network, spec, SCALE))
    return place


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


SFT = ("--model", "sft.safetensors")


def test_from_labels_to_an_enlarged_picture(mapped, acutance):
    added = acutance("data", "add", "regions", "photos", "--maps", "maps", "--classes", CLASSES)
    assert added.code == 0, added.err
    assert added.out.splitlines()[-1].endswith(", 4 with maps of 3 classes")
    assert "3 classes" in acutance("data", "list").out
    (row,) = acutance("data", "list", "--json").json
    assert row["classes"] == CLASSES
    shown = acutance("data", "show", "regions", "--json").json
    assert [p["map"] for p in shown["pictures"]] == [True] * 4 + [False]
    assert acutance("data", "verify", "regions").out == "regions is sound\n"
    Path("sft.yaml").write_text(RECIPE)
    trained = acutance("train", "sft.yaml", "--name", "sft", "--json")
    assert trained.code == 0, trained.err
    for split in ("validation", "train"):
        measured = acutance("evaluate", "sft/best", "regions", "--split", split, "--json")
        assert measured.code == 0, measured.err
    done = acutance("upscale", "photos", "-o", "out", "--model", "sft/best", "--maps", "maps")
    assert done.code == 0, done.err
    assert "p4.png -> out/p4_x2.png  (no map: background everywhere)" in done.out
    assert done.out.count("background") == 1
    assert pixels("out/p0_x2.png").shape == (192, 240, 3)


def test_a_changed_region_changes_the_picture_there_and_no_further(mapped, acutance):
    field = load_model("sft.safetensors").generator.receptive_field
    before = regions(0, 192, 240)
    after = before.copy()
    after[80:100, 120:150] = 0
    for name, classes in (("before", before), ("after", after)):
        Image.fromarray(classes).save(f"{name}.png")
        done = acutance("upscale", "photos/p0.png", "-o", f"sr-{name}.png", "--maps",
                        f"{name}.png", *SFT)  # fmt: skip
        assert done.code == 0, done.err
    changed = (pixels("sr-before.png") != pixels("sr-after.png")).any(axis=2)
    assert changed[80:100, 120:150].mean() > 0.5
    reach = SCALE * (field // 2)
    changed[80 - reach : 100 + reach, 120 - reach : 150 + reach] = False
    assert not changed.any()


def test_tiles_with_maps_give_the_whole_picture(mapped, acutance):
    Image.fromarray(regions(0, 192, 240)).save("map.png")
    common = ("photos/p0.png", "--maps", "map.png", *SFT)
    assert acutance("upscale", *common, "-o", "whole.png").code == 0
    assert acutance("upscale", *common, "-o", "tiles.png", "--tile", 32).code == 0
    assert acutance("upscale", "photos/p0.png", *SFT, "-o", "none.png").code == 0
    assert np.abs(pixels("whole.png") - pixels("tiles.png")).max() <= 1
    assert np.abs(pixels("whole.png") - pixels("none.png")).max() > 1


def test_a_self_ensemble_turns_the_map_with_the_picture(mapped, acutance):
    """A symmetric picture and map stay symmetric: one kept unturned would break that."""
    half = regions(1)[:, :60]
    for name in ("picture", "map"):
        left = half if name == "map" else pixels("photos/p0.png").astype(np.uint8)[:, :60]
        Image.fromarray(np.concatenate([left, left[:, ::-1]], axis=1)).save(f"{name}.png")
    common = ("upscale", "picture.png", "--maps", "map.png", *SFT)
    assert acutance(*common, "-o", "plain.png").code == 0
    assert acutance(*common, "-o", "eight.png", "--self-ensemble").code == 0
    plain, eight = pixels("plain.png"), pixels("eight.png")
    assert np.abs(eight - eight[:, ::-1]).max() <= 1
    assert np.abs(plain - plain[:, ::-1]).max() > 1
    # The edge between the classes is where it was.
    unmapped = acutance("upscale", "picture.png", *SFT, "-o", "none.png", "--self-ensemble")
    assert unmapped.code == 0
    changed = np.abs(pixels("none.png") - eight).max(axis=(0, 2)) > 0
    reach = 2 * (load_model("sft.safetensors").generator.receptive_field // 2)
    first = 2 * int(half[0].argmax())
    assert changed[first:120].any()
    assert not changed[: first - reach].any()


def test_maps_of_lr_size_are_enlarged(mapped, acutance):
    labels = regions(0)
    enlarged = labels.repeat(2, axis=0).repeat(2, axis=1)
    sure = 255 * np.eye(CLASSES, dtype=np.uint8)[enlarged].transpose(2, 0, 1)
    Image.fromarray(enlarged).save("large.png")
    np.savez("large.npz", prob_u8=sure)
    flat = np.broadcast_to(np.array([50, 100, 50], np.uint8)[:, None, None], (3, 96, 120))
    np.savez("flat.npz", prob_u8=flat)
    np.savez("large-flat.npz", prob=flat.repeat(2, axis=1).repeat(2, axis=2) / 7.0)
    made = {}
    for name in ("maps/p0.png", "large.png", "large.npz", "flat.npz", "large-flat.npz"):
        out = f"{Path(name).name}-sr.png"
        done = acutance("upscale", "photos/p0.png", "-o", out, "--maps", name, *SFT)
        assert done.code == 0, done.err
        made[name] = pixels(out)
    assert np.array_equal(made["maps/p0.png"], made["large.png"])
    assert np.array_equal(made["large.png"], made["large.npz"])
    assert np.abs(made["flat.npz"] - made["large-flat.npz"]).max() <= 1
    assert not np.array_equal(made["flat.npz"], made["large.png"])


def test_evaluate_shows_the_network_the_maps(mapped, acutance):
    acutance("data", "add", "regions", "photos", "--maps", "maps", "--classes", CLASSES)
    acutance("data", "add", "bare", "photos")

    def scores(*words):
        found = acutance("evaluate", *words, "--json")
        assert found.code == 0, found.err
        return {image["name"]: image["psnr_y"] for image in found.json["images"]}

    folder = scores("sft.safetensors", "photos", "--maps", "maps")
    plain = scores("sft.safetensors", "photos")
    assert [name for name in plain if plain[name] == folder[name]] == ["p4.png"]
    for split in ("train", "validation", "test"):
        stored = scores("sft.safetensors", "regions", "--split", split)
        assert stored == {name: folder[name] for name in stored}
        bare = scores("sft.safetensors", "bare", "--split", split)
        assert bare == {name: plain[name] for name in bare}
    bicubic = scores("bicubic", "regions", "--scale", "2")
    assert bicubic == scores("bicubic", "bare", "--scale", "2")


def test_a_class_is_measured_whether_or_not_the_network_takes_maps(mapped, acutance, weights):
    Path("plain.safetensors").write_bytes(weights)
    acutance("data", "add", "regions", "photos", "--maps", "maps", "--classes", CLASSES)
    asked = ("--metrics", "psnr_y,{kind: psnr_y_class, label: 2}", "--json")
    for model in ("sft.safetensors", "plain.safetensors", "bicubic"):
        scale = ("--scale", 2) if model == "bicubic" else ()
        folder = acutance("evaluate", model, "photos", "--maps", "maps", *scale, *asked)
        assert folder.code == 0, folder.err
        found = {image["name"]: image for image in folder.json["images"]}
        assert [name for name in found if "psnr_y_class" not in found[name]] == ["p4.png"]
        assert found["p0.png"]["psnr_y_class"] != found["p0.png"]["psnr_y"]
        stored = acutance("evaluate", model, "regions", "--split", "train", *scale, *asked)
        assert stored.code == 0, stored.err
        assert [found[image["name"]] for image in stored.json["images"]] == stored.json["images"]
    without = acutance("evaluate", "plain.safetensors", "photos", *asked)
    refused(without, "psnr_y_class looks at a segmentation map, and there is none")


def test_maps_that_cannot_be_used_are_one_clear_error(mapped, acutance, weights):
    Path("plain.safetensors").write_bytes(weights)
    taken = "plain.safetensors takes no segmentation maps"
    plain = ("--model", "plain.safetensors")
    refused(acutance("upscale", "photos", "-o", "o", "--maps", "maps", *plain), taken)
    refused(acutance("evaluate", "plain.safetensors", "photos", "--maps", "maps"), taken)
    refused(acutance("evaluate", "bicubic", "photos", "--scale", 2, "--maps", "maps"), "bicubic")
    up = ("upscale", "photos", "-o", "o", *SFT, "--maps")
    refused(acutance(*up, "nowhere"), "there is no such file or folder")
    refused(acutance(*up, "maps/p0.png"), "this is one map, and there are 5 pictures")
    (mapped / "other").mkdir()
    refused(acutance(*up, "other"), "no map in it has the name of a picture")
    Image.fromarray(regions(3)).save("maps/p3.png")
    refused(acutance(*up, "maps"), "several maps fit: p3.npz, p3.png")
    assert not Path("o").exists()
    add = ("data", "add", "regions", "photos", "--maps", "maps")
    refused(acutance(*add), "p3.png: several maps fit")
    refused(acutance("data", "add", "x", "photos", "--classes", 4), "--classes goes with --maps")
    for name in ("p3.png", "p3.npz"):
        Path(f"maps/{name}").unlink()
    assert acutance(*add).code == 0  # eight classes, where the network knows three
    wrong = acutance("evaluate", "sft.safetensors", "regions")
    refused(wrong, "the maps of regions have 8 classes")


def test_a_bad_map_does_not_stop_the_other_pictures(mapped, acutance):
    Image.fromarray(regions(0)[:90]).save("maps/p0.png")
    Image.fromarray(regions(1) + 5).save("maps/p1.png")
    np.savez("maps/p3.npz", prob_u8=np.ones((4, 96, 120), np.uint8))
    done = acutance("upscale", "photos", "-o", "out", "--maps", "maps", *SFT)
    assert done.code == 1
    assert "p0.png: map p0.png: it is 90x120; 192x240 is needed" in done.err
    assert "p1.png: map p1.png: class 7, where the network knows 0 to 2" in done.err
    assert "p3.png: map p3.npz: 4 classes, where the network has 3" in done.err
    assert sorted(path.name for path in Path("out").iterdir()) == ["p2_x2.png", "p4_x2.png"]
