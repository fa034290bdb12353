"""What a person can get wrong: one clear message, a fitting exit code, nothing half-written."""

import os
import pickle
import re
import socket
from pathlib import Path

import pytest
import torch
from calling import RECIPE, SEARCH, photographs, refused
from PIL import Image

SPACE = "    optimizer.lr: {log_uniform: [1.0e-4, 1.0e-3]}\n"


def files(folder):
    """Every file below a folder but the store's and the local folder's, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in ("store", "local")
    }


def test_five_mistakes_are_five_errors_with_place_value_rule_and_way_out(place, acutance):
    text = (RECIPE + SEARCH).replace("kind: srresnet", "kind: srresnett")
    text = text.replace("batch: 2", "batch: two").replace("weight: 1.0", "weight: -1")
    text = text.replace("lr: 1.0e-3}", "lr: 1.0e-3, rate: 3}").replace("trials: 2", "trials: -2")
    Path("bad.yaml").write_text(text)
    found = acutance("validate", "bad.yaml")
    refused(found)
    lines = [line for line in found.err.splitlines() if line.startswith("error: ")]
    expected = {
        "bad.yaml:2: data.batch": ("'two'", "whole number", "Crops per step"),
        "bad.yaml:3: generator.kind": ("srresnett", "Unknown generator", "Did you mean 'srresnet'"),
        "bad.yaml:4: optimizer.rate": ("'rate'", "no such key", "Known: betas"),
        "bad.yaml:5: stages.train.loss.pixel.weight": ("-1", "greater than 0", "Change it"),
        "bad.yaml:15: search.budget.trials": ("-2", "greater than or equal to 1", "Number of"),
    }
    assert len(lines) == len(expected), found.err
    for where, said in expected.items():
        (line,) = [line for line in lines if line.startswith(f"error: {where}: ")]
        assert all(text in line for text in said), line
    assert "5 problems." in found.err


def test_the_same_holds_in_a_process_of_its_own(place, acutance):
    Path("bad.yaml").write_text(RECIPE.replace("scale: 2", "scale: 5").replace("l1", "l3"))
    found = acutance.apart("validate", "bad.yaml")
    refused(found, "bad.yaml:1: scale", "bad.yaml:5: stages.train.loss.pixel.kind", "2 problems.")
    assert list(place.glob("store")) == [], "a file with mistakes leaves nothing in the store"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "this file is empty"),
        (b"# only a comment\n", "this file is empty"),
        (bytes(range(256)), "not a text file"),
        (b"scale: \x00\n", "not a text file"),
        (b"scale: 2\n" * 200_000, "at most 1 MB"),
        (b"[" * 1000, "nested too deeply"),
        (b"- a list\n", "a map of keys to values"),
        (b"scale: 2\nscale: 3\n", "bad.yaml:2: scale: this key is given twice"),
        (b"data:\n\tpatch: 3\n", "tabs may not indent"),
        (b"data: [1\n", "bad.yaml:2: this is not YAML"),
        (b"base: 3\n", "base is a file's path"),
        (b"base: gone.yaml\n", "gone.yaml: there is no such file"),
        (b"base: bad.yaml\n", "its own base"),
        (b"seed: !!int five\n", "does not fit its tag"),
        (b"seed: !!python/object/apply:os.getcwd []\n", "this is not YAML"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_recipe(content, said, place, acutance):
    if content is not None:
        Path("bad.yaml").write_bytes(content)
    for verb in ("validate", "plan", "train", "sweep"):
        refused(acutance(verb, "bad.yaml"), said)


def test_a_folder_is_no_recipe(acutance):
    refused(acutance("validate", "photos"), "this is a folder")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("optimizer.lr", "a setting is path=value"),
        ("optimizer..lr=3", "a setting is path=value"),
        ("optimizer.lr=[1", "the value is not YAML"),
        ("scale.x=2", "--set: scale.x: scale is not a map"),
        ("optimizer.rl=1e-3", "--set: optimizer.rl: there is no such key"),
        ("serach={}", "Did you mean 'search'?"),
        ("optimizer.lr=fast", "--set: optimizer.lr: a number is needed (found 'fast')"),
        ("optimizer.lr=.inf", "finite"),
        ("seed=2026-13-45", "--set: seed: a whole number is needed"),
        ("data.dataset=nope", "no dataset 'nope'"),
        ("data.dataset=''", "--set: data.dataset: text is needed"),
        ("data.dataset=photos@123", "at least the first 12 digits"),
        ("data.patch=33", "Write 32 or 34"),
        ("data.patch=4096", "every training picture of folder-photos holds a patch"),
        ("data.lr_from=stored", "needs LR pictures of scale 2"),
        ("evaluation.protocol=rkan", "Did you mean 'rcan'"),
        ("evaluation.protocol=[rcan]", "text is needed"),
        ("evaluation.metrics=[sharpness]", "there is no such metric"),
        ("evaluation.metrics=[{kind: psnr_y_detail, share: 2}]", "less than or equal to 1"),
        ("evaluation.metrics=[psnr_y, {kind: rmse, name: psnr_y}]", "another `name`"),
        ("evaluation.split=vali", "'validation'"),
        ("schedule.kind=cosinus", "--set: schedule.kind: there is no such kind"),
        ("schedule={kind: multistep, milestones: [5, 3]}", "milestones rise"),
        ("data.degradation=[{kind: jpeg, quality: 50}]", "exactly one step must resize"),
        ("data.degradation=[{kind: matlab_bicubik}]", "Did you mean 'matlab_bicubic'"),
        ("scale=5", "should be 2, 3, 4 or 8 (found 5)"),
        ("generator={kind: enhancenet}", None),
        ("plugins=[no_such_module]", "the plug-in could not be loaded"),
        ("precision=f16", "'bf16'"),
    ],
)
def test_a_wrong_setting_is_named(setting, said, acutance):
    found = acutance("validate", "recipe.yaml", "--set", setting)
    if said is None:  # what the others are measured against
        assert found.code == 0, found.err
        return
    refused(found, said)
    assert found.err.count("error: ") == 1, found.err


def test_every_wrong_setting_is_named_at_once(acutance):
    found = acutance("validate", "recipe.yaml", "--set", "a", "--set", "scale.x=2", "--set", "=1")
    refused(found, "3 problems.", "'a'", "scale.x", "'=1'")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("", "search.space"),
        ("optimizer.lr: 3", "an entry is {choice|int"),
        ("optimizer.lr: {log_uniform: [1.0e-3, 1.0e-4]}", "the lower end comes first"),
        ("optimizer.lr: {normal: [0, 1]}", "an entry is"),
        ("optimizer.lr: {choice: [1, 2], when: nonsense}", "PATH OP LITERAL"),
        (
            "optimizer.lr: {choice: [1, 2], when: 'import os; os.remove(1) > 3'}",
            "optimizer.lr.when",
        ),
        ("optimizer.lr: {choice: [1, 2], when: 'nope.x > 3'}", "reads a path"),
        ("optimizer: {choice: [{lr: 1}]}\n    optimizer.lr: {choice: [1, 2]}", "two entries"),
        ("stages.train.steps: {int: [1, 4]}", "all trials have the same steps"),
        ("resources.cpu: {int: [1, 2]}", "one for the whole sweep"),
        ("optimizer.rl: {choice: [1, 2]}", "search.space.optimizer.rl: there is no such key"),
        ("generator.blocks: {int: [0, 3]}", "search.space.generator.blocks"),
        ("generator.kind: {choice: [srresnet, srresnett]}", "Did you mean 'srresnet'"),
        ("generator: {choice: [{kind: carn, chanels: {int: [8, 9]}}]}", "generator.chanels"),
        ("data.patch: {choice: [32, 33]}", "search.space.data.patch: a patch is a multiple"),
        ("data.patch: {choice: [32, 4096]}", "holds a patch"),
        ("optimizer.lr: {uniform: [-1, 1]}", "greater than 0"),
        (
            "data.batch: {int: [1, 4]}\n"
            "    data.augment: {choice: [flip, flop], when: 'data.batch > 1'}",
            "search.space.data.augment",
        ),
    ],
)
def test_a_wrong_search_space_is_refused_before_anything_runs(space, said, acutance):
    assert acutance("validate", "sweep.yaml").code == 0
    Path("bad.yaml").write_text((RECIPE + SEARCH).replace(SPACE, f"    {space}\n" if space else ""))
    found = acutance("validate", "bad.yaml")
    refused(found, said)
    assert re.search(r"bad\.yaml:\d+: search\.space", found.err), found.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("psnr_y: max", "psnr_y: up", "'max' or 'min'"),
        ("psnr_y: max", "niqe: min", "a metric that the recipe evaluates"),
        ("psnr_y: max", "psnr_y: max, ssim_x: max", "a metric that the recipe evaluates"),
        ("sampler: {kind: random}", "sampler: {kind: bayes}", "known: grid, nsga2"),
        ("sampler: {kind: random}", "sampler: grid", "goes through every value"),
        ("kind: asha", "kind: ashes", "Did you mean 'asha'"),
        ("first_rung: 0.5", "first_rung: 2", "search.scheduler.first_rung"),
        ("{trials: 2}", "{}", "only sampler grid ends by itself"),
        ("{trials: 2}", "{trails: 2}", "Did you mean 'trials'"),
        ("{trials: 2}", "{wall_hours: -1}", "greater than 0"),
        ("{trials: 2}", "{gpu_hours: .inf}", "finite"),
        ("search:", "serach:", "Did you mean 'search'"),
    ],
)
def test_a_wrong_search_section_is_named(old, new, said, acutance):
    Path("bad.yaml").write_text((RECIPE + SEARCH).replace(old, new))
    refused(acutance("validate", "bad.yaml"), said, "bad.yaml:")


@pytest.mark.parametrize("verb", ["validate", "plan", "train"])
def test_what_the_machine_does_not_have_is_refused_before_the_start(verb, place, acutance):
    refused(acutance(verb, "recipe.yaml", "--set", "resources.cpu=1000"), "resources.cpu", "CPUs")
    if not torch.cuda.is_available():
        refused(acutance(verb, "recipe.yaml", "--set", "resources.gpu=1"), "resources.gpu", "GPUs")
    assert not (place / "store" / "journals").exists(), "no name is taken by what never began"


def test_a_recipe_and_a_sweep_file_are_told_apart(acutance):
    refused(acutance("train", "sweep.yaml"), "this is a sweep file", "acutance sweep")
    refused(acutance("sweep", "recipe.yaml"), "`search:` section", "acutance train")


@pytest.mark.parametrize("verb", ["status", "front", "report", "resume"])
def test_an_unknown_sweep_is_named_with_those_there_are(verb, acutance):
    for name in ("nope", "a/b", "", "..", "-"):
        refused(acutance(verb, name), "SWEEP", "Sweeps here: none yet")


def test_verbs_and_options_that_do_not_exist(acutance):
    refused(acutance("swep"), "Did you mean 'sweep'?")
    refused(acutance("sweep"), "Usage: acutance sweep [OPTIONS] FILE", "Missing argument 'FILE'")
    refused(acutance("data", "ad"), "acutance data")
    refused(acutance("train", "recipe.yaml", "--resume", "maybe"), "'auto'")
    refused(acutance("train", "recipe.yaml", "--name", "a/b"), "--name")
    assert "Verbs:" in acutance().err


def test_folders_that_cannot_become_datasets(place, acutance):
    (place / "empty").mkdir()
    (place / "junk").mkdir()
    (place / "junk" / "a.png").write_text("no picture")
    photographs(place / "one", number=1)
    photographs(place / "tiny", height=12, width=12)
    for words in (["init"], ["data", "add", "some"]):
        refused(acutance(*words, "nope"), "nope does not exist")
        refused(acutance(*words, "recipe.yaml"), "recipe.yaml is a file")
        refused(acutance(*words, "empty"), "empty holds no file")
        refused(acutance(*words, "junk"), "no picture that can be used", "a.png: not a picture")
    refused(acutance("init", "one"), "three at least")
    refused(acutance("init", "tiny"), "too small for x2")
    refused(acutance("init", "photos", "-o", "recipe.yaml"), "this is a file")
    refused(acutance("init", "photos", "-o", "/proc/nowhere"), "cannot be written")
    for name in ("a/b", "..", ""):
        refused(acutance("data", "add", name, "photos"), "cannot name a dataset")
    refused(acutance("data", "show", "nope"), "no dataset 'nope'")
    refused(acutance("data", "verify", "nope"), "no dataset 'nope'")
    assert sorted(path.name for path in place.glob("*sweep*")) == ["sweep.yaml"]


def test_pairs_that_do_not_fit_are_listed_and_nothing_is_added(place, acutance):
    refused(acutance("data", "add", "p", "photos", "--lr", "photos"), "go together")
    refused(acutance("data", "add", "p", "photos", "--lr", "nope", "--scale", 2), "nope")
    found = acutance("data", "add", "p", "photos", "--lr", "photos", "--scale", 2)
    refused(found, "5 pictures do not pair up", "p0.png", "p4.png", "must be 48x60")
    assert acutance("data", "list", "--json").json == []


def test_words_that_name_no_model(place, acutance):
    for model in (
        "nope",
        "nope/best",
        "nope/t0000",
        "run:1",
        "name@champion",
        "",
        "photos",
        "a/b/c",
    ):
        refused(acutance("evaluate", model, "photos"), "MODEL", repr(model))
    refused(acutance("evaluate", "nope.safetensors", "photos"), "there is no such file")
    refused(acutance("evaluate", "blob:12", "photos"), "64 hexadecimal digits")
    refused(acutance("evaluate", f"blob:{'0' * 64}", "photos"), "nothing is stored")
    refused(acutance("evaluate", "bicubic", "photos"), "Add --scale N")


def test_files_that_are_no_model_are_named_and_never_unpickled(place, acutance, weights):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, ("trapped",))

    Path("cut.safetensors").write_bytes(weights[: len(weights) // 2])
    Path("head.safetensors").write_bytes(weights[:8] + b"x" * 40 + weights[48:])
    Path("empty.safetensors").write_bytes(b"")
    Path("pickle.safetensors").write_bytes(pickle.dumps(Trap()))
    torch.save({"weight": torch.zeros(3)}, "torch.pth")
    for name in ("cut.safetensors", "head.safetensors", "empty.safetensors", "pickle.safetensors"):
        refused(acutance("evaluate", name, "photos"), "MODEL", name, "Nothing is ever unpickled")
        refused(acutance("upscale", "photos", "-o", "out", "--model", name), "MODEL", name)
    refused(acutance("evaluate", "torch.pth", "photos"), "torch.pth")
    assert not Path("trapped").exists()
    assert not Path("out").exists()


def test_measuring_with_what_does_not_fit(place, acutance, weights):
    Path("m.safetensors").write_bytes(weights)
    refused(acutance("evaluate", "m.safetensors", "photos", "--scale", 3), "enlarges by 2")
    refused(acutance("evaluate", "m.safetensors", "nope"), "no dataset 'nope'")
    refused(acutance("evaluate", "m.safetensors", "photos", "--protocol", "y9"), "known: rcan")
    refused(acutance("evaluate", "m.safetensors", "photos", "--degradation", "["), "not YAML")
    refused(acutance("evaluate", "m.safetensors", "photos", "--degradation", "nope"), "'nope'")
    refused(acutance("evaluate", "m.safetensors", "photos", "--lr", "nope"), "nope does not exist")
    refused(acutance("evaluate", "m.safetensors", "photos", "--lr", "photos"), "do not pair up")
    refused(acutance("evaluate", "m.safetensors", "photos", "--border", 1000), "p0.png", "border")
    refused(acutance("evaluate", "m.safetensors", "photos", "--split", "vali"), "--split")
    (place / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    refused(acutance("evaluate", "m.safetensors", "photos"), "photos/broken.png")
    assert not list((place / "local").glob("evaluate-*")), "the scratch store is gone"


def test_pictures_and_targets_that_do_not_fit(place, acutance, weights):
    Path("m.safetensors").write_bytes(weights)
    Path("text.png").write_text("no picture")
    Path("cut.png").write_bytes((place / "photos" / "p0.png").read_bytes()[:3000])
    (place / "empty").mkdir()
    Image.new("RGB", (40_000, 1)).save("long.png")
    before = files(place)

    def upscale(*arguments):
        return acutance("upscale", *arguments, "--model", "m.safetensors")

    refused(upscale("photos/p0.png", "nope.png"), "nope.png: there is no such file")
    refused(upscale("empty"), "there are no pictures here")
    refused(upscale("text.png"), "text.png: not a picture", code=1)
    refused(upscale("cut.png", "-o", "x.png"), "cut.png: damaged", code=1)
    refused(upscale("photos/p0.png", "-o", "photos/p0.png"), "exists already", "--overwrite")
    refused(upscale("photos/p0.png", "-o", "photos/p0.png", "--overwrite"), "never replaced")
    refused(upscale("photos", "-o", "x.png"), "one file cannot take 5 pictures")
    refused(upscale("photos/p0.png", "photos/p0.png", "-o", "out"), "two pictures")
    refused(upscale("photos/p0.png", "-o", "x.docx"), "no picture format")
    refused(upscale("photos/p0.png", "-o", "recipe.yaml"), "no picture format")
    refused(upscale("photos/p0.png", "-o", "/proc/x.png"), "cannot be written")
    refused(upscale("long.png", "-o", "x.jpg"), "x.jpg: this file cannot be written")
    refused(upscale("photos/p0.png", "--tile", 1), "--tile")
    assert files(place) == before


def test_a_store_that_is_none(place, acutance, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(place / "none"))
    monkeypatch.setenv("ACUTANCE_STORE", "s3://bucket/prefix")
    for words in (["data", "list"], ["status", "x"]):
        refused(acutance(*words), "s3://bucket/prefix", "no credentials", "AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("ACUTANCE_STORE", str(place / "recipe.yaml"))
    for words in (["data", "list"], ["status", "x"], ["validate", "recipe.yaml"], ["doctor"]):
        refused(acutance(*words), "ACUTANCE_STORE", "this is a file")
    monkeypatch.setenv("ACUTANCE_STORE", str(place / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(place / "recipe.yaml"))
    refused(acutance("data", "list"), "ACUTANCE_LOCAL", "this is a file")


def test_a_store_that_may_not_be_written(place, acutance, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", "/proc/store")  # read-only also for root
    refused(acutance("data", "add", "x", "photos"), "/proc/store", "set ACUTANCE_STORE")
    refused(acutance("validate", "recipe.yaml"), "/proc/store", "set ACUTANCE_STORE")
    refused(acutance("train", "recipe.yaml"), "/proc/store")
    found = acutance("doctor")
    assert found.code == 1
    assert "/proc/store" in found.out


def test_looking_makes_no_folder(place, acutance):
    acutance("data", "list")
    acutance("status", "nope")
    assert not (place / "store").exists()
    assert not (place / "local").exists()


def test_damaged_pictures_in_the_store_are_found(place, acutance):
    assert acutance("data", "add", "mine", "photos").code == 0
    blob = max((place / "store" / "blobs").rglob("*"), key=lambda path: path.stat().st_size)
    content = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(content[:1000] + bytes(64) + content[1064:])
    refused(acutance("data", "verify", "mine"), "is damaged", "add its pictures again", code=1)
    blob.write_bytes(content[:200])
    refused(acutance("evaluate", "bicubic", "mine", "--scale", 2), "damaged")


def test_a_ray_address_where_nobody_listens_is_refused_at_once(place, acutance):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses connections
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        found = acutance.apart("sweep", "sweep.yaml", RAY_ADDRESS=address)
    refused(found, f"address {address}", "unset RAY_ADDRESS", code=1)
    assert not (place / "store" / "journals").exists(), "no name is taken by what never began"
