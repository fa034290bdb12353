"""The generator and the loss of docs/how-to/plug-ins.md, outside of acutance, searched and used.

The page is their one source: what a reader copies is what runs here.
"""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from calling import CommandLine, photographs, refused
from PIL import Image

from acutance_models import GENERATORS, LOSSES
from acutance_platform.recipe import plugins
from acutance_platform.tracking import local_server

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plug-ins.md"
MODULES = ("my_generator", "my_loss")
QUICK = ("stages.train.steps=8", "evaluation.every=8", "data.patch=32", "data.batch=2")
SETS = [word for setting in QUICK for word in ("--set", setting)]


def sources():
    """Return the page's first two modules and its sweep file."""
    page = PAGE.read_text()
    generator, loss, _ = re.findall(r"```python\n(.*?)```", page, re.S)
    sweep, _ = re.findall(r"```yaml\n(.*?)```", page, re.S)
    return generator, loss, sweep


def write_lab(folder):
    """Write the page's files and four photographs."""
    generator, loss, sweep = sources()
    (folder / "my_generator.py").write_text(generator)
    (folder / "my_loss.py").write_text(loss)
    (folder / "sweep.yaml").write_text(sweep)
    photographs(folder / "photos", 4)


def forget():
    """Make this process one that never saw the plug-ins."""
    for table, name in ((GENERATORS, "plain"), (LOSSES, "edges")):
        table._table.pop(name, None)
        table._schemas.pop(name, None)
    for name in [*MODULES, "broken", "silent", "clashing"]:
        sys.modules.pop(name, None)
        plugins._registered.pop(name, None)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with the plug-ins, where the page's sweep has run."""
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
            patch.delenv(name, raising=False)
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.chdir(folder)
        write_lab(folder)
        with local_server(folder / "local"):
            path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
            words = ("sweep", "sweep.yaml", "--name", "edges", *SETS, "--json")
            done = CommandLine(None).apart(*words, PYTHONPATH=path)
            assert done.code == 0, done.err
            yield folder


@pytest.fixture
def acutance(capsys):
    return CommandLine(capsys)


@pytest.fixture
def here(lab, monkeypatch):
    """The lab as working folder, on the path of imports."""
    monkeypatch.chdir(lab)
    monkeypatch.syspath_prepend(str(lab))
    yield lab
    forget()


def trials(acutance):
    found = acutance("status", "edges", "--json")
    assert found.code == 0, found.err
    return found.json


def test_the_example_is_as_short_as_promised():
    generator, loss, _ = sources()
    assert len(generator.splitlines()) <= 40
    assert len(loss.splitlines()) <= 20


def test_the_page_shows_what_its_commands_print(here, acutance):
    done = acutance("validate", "sweep.yaml")
    assert done.code == 0, done.err
    for line in ("sweep.yaml is a valid sweep", "generator  x2, 9,148 parameters"):
        assert line in done.out
        assert line in PAGE.read_text()


def test_an_own_generator_is_searched_against_a_built_in_one(here, acutance):
    document = trials(acutance)
    assert document["state"] == "COMPLETE"
    recipes = [trial["recipe"] for trial in document["trials"]]
    assert {recipe["generator.kind"] for recipe in recipes} == {"plain", "srresnet"}
    for recipe in recipes:
        assert ("generator.depth" in recipe) == (recipe["generator.kind"] == "plain")
        assert 0.5 <= recipe["stages.train.loss.pixel.weight"] <= 1
        assert 0.01 <= recipe["stages.train.loss.edges.weight"] <= 1
    assert all(np.isfinite(trial["metrics"]["psnr_y"]) for trial in document["trials"])


def test_the_winner_is_measured_enlarges_and_is_reported(here, acutance, tmp_path):
    document = trials(acutance)
    best = next(t for t in document["trials"] if t["trial"] == document["best"])
    assert best["recipe"]["generator.kind"] == "plain"
    measured = acutance("evaluate", "edges/best", "photos", "--tile", 16, "--json")
    assert measured.code == 0, measured.err
    assert measured.json["weights"] == best["weights"]
    target = tmp_path / "big.png"
    done = acutance("upscale", "photos/p0.png", "-o", target, "--model", "edges/best")
    assert done.code == 0, done.err
    with Image.open(target) as enlarged:
        assert enlarged.size == (240, 192)
    done = acutance("report", "edges")
    assert done.code == 0, done.err
    assert "plain" in (here / "local" / "reports" / "edges" / "report.html").read_text()


def test_weights_without_their_plug_in_name_it(lab, acutance, tmp_path, monkeypatch):
    monkeypatch.chdir(lab)
    document = trials(acutance)
    best = next(t["weights"] for t in document["trials"] if t["trial"] == document["best"])
    blob = next(path for path in (lab / "store").rglob(best) if path.is_file())
    file = tmp_path / "mine.safetensors"
    file.write_bytes(blob.read_bytes())
    done = acutance("evaluate", file, "photos")
    refused(done, "Unknown generator 'plain'", "made with the plug-ins my_generator,my_loss")
    refused(acutance("evaluate", "edges/best", "photos"), "my_generator", "PYTHONPATH")


def test_an_edited_plug_in_means_other_stages(tmp_path, acutance, monkeypatch):
    write_lab(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    # Files written within one second would otherwise share their cached bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def keys():
        forget()
        done = acutance("plan", "sweep.yaml", *SETS, "--json")
        assert done.code == 0, done.err
        return [stage["key"] for stage in done.json["stages"]]

    first = keys()
    assert keys() == first
    loss = tmp_path / "my_loss.py"
    loss.write_text(loss.read_text().replace("dim=3).abs()", "dim=3).square()"))
    assert not set(keys()) & set(first)
    forget()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken", "def register(tables:\n", ("SyntaxError", "broken.py, line 1")),
        ("silent", "ANSWER = 42\n", ("has no attribute 'register'",)),
        (
            "clashing",
            "from my_generator import Plain\n"
            "def register(tables):\n    tables.generators.add('rcan', Plain)\n",
            ("the generator 'rcan' exists already",),
        ),
        ("absent", None, ("No module named 'absent'",)),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_clear_error(here, acutance, name, text, said):
    file = here / f"{name}.py"
    if text is not None:
        file.write_text(text)
    recipe = here / f"{name}.yaml"
    recipe.write_text(sources()[2].replace("[my_generator, my_loss]", f"[{name}]"))
    done = acutance("validate", recipe)
    refused(done, "plugins.0", "the plug-in could not be loaded", *said)
    assert done.err.count("error: ") == 1, done.err
