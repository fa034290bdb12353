"""Every system has a page of one form, and what the page names exists.

That its tables are what the code counts is checked by `docs/generate.py --check`.
"""

import re
from pathlib import Path

import pytest
import yaml

from acutance_models import (
    GENERATORS,
    PRESETS,
    RegistryError,
    build_generator,
    check_generator,
    published_figures,
    resolve_generator,
)
from acutance_models.importing.dialects import DIALECTS
from acutance_platform.recipe import build_recipe

ROOT = Path(__file__).parents[2]
SYSTEMS = ROOT / "docs" / "systems"
HEADINGS = (
    "Idea", "Diagram", "Switches", "Counts", "Figures", "Published weights", "Differences",
    "Training", "Source",
)  # fmt: skip
EDSR = ROOT / "models" / "acutance_models" / "generators" / "edsr.py"
# What the founding notes stress: kind -> switch -> all values it must take.
IDEAS = {
    "memnet": {
        "gate": [True, False],
        "long_term": [True, False],
        "share": [True, False],
        "supervision": ["all", "last"],
    },
    "dbpn": {"feedback": [True, False], "dense": [True, False]},
    "idn": {"distill": [0.0, 0.25, 0.5], "compress": [True, False]},
    "rdn": {
        "local_fusion": [True, False],
        "local_residual": [True, False],
        "global_fusion": [True, False],
    },
    "rcan": {
        "attention": ["channel", "none"],
        "long_skip": [True, False],
        "short_skip": [True, False],
    },
    "msrn": {
        "kernels": [[3], [5], [3, 5]],
        "exchange": [True, False],
        "global_fusion": [True, False],
    },
    "carn": {
        "cascade": ["none", "local", "global", "both"],
        "groups": [1, 4],
        "share": [True, False],
    },
    "enhancenet": {"image_skip": ["bicubic", "none"], "skip": ["half_pixel", "legacy_tf"]},
    "esrgan": {
        "block": ["residual", "dense", "rrdb"],
        "norm": ["none", "batch"],
        "residual_scale": [0.2, 1.0],
        "init_scale": [0.1, 1.0],
    },
    "sftgan": {"condition": [True, False]},
}


def page_of(kind):
    return (SYSTEMS / f"{kind}.md").read_text()


def section(text, heading):
    return re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.M)[0]


def off_of(kind):
    """Yield what the page's table of ideas writes to leave each out."""
    ideas = re.search(r"<!-- ideas -->(.*)<!-- /ideas -->", page_of(kind), re.S)
    for line in ideas[1].strip().splitlines()[3:]:
        yield line.strip("|").split("|")[1].strip().strip("`")


def test_every_generator_has_a_page_and_every_page_a_generator():
    assert {page.stem for page in SYSTEMS.glob("*.md")} == {*GENERATORS, "README"}
    assert {preset.spec["kind"] for preset in PRESETS.values()} == set(GENERATORS)


@pytest.mark.parametrize("kind", GENERATORS)
def test_a_page_has_every_heading_of_the_form_and_something_below_each(kind):
    text = page_of(kind)
    assert tuple(re.findall(r"^## (.+)$", text, re.M)) == HEADINGS
    for heading in HEADINGS:
        assert section(text, heading).strip()
    assert len(re.findall(r"\.(?:\s|$)", section(text, "Idea"))) == 3, "the idea in three sentences"
    (diagram,) = re.findall(r"^```text\n(.*?)^```", section(text, "Diagram"), re.S | re.M)
    assert max(map(len, diagram.splitlines())) <= 110


@pytest.mark.parametrize("kind", GENERATORS)
def test_every_argument_is_named_and_every_named_switch_exists(kind):
    arguments = set(GENERATORS.schema(kind).model_fields)
    switches = section(page_of(kind), "Switches")
    assert set(re.findall(r"^\| `(\w+)` \|", switches, re.M)) == arguments
    name = next(name for name, preset in PRESETS.items() if preset.spec["kind"] == kind)
    scale = PRESETS[name].scales[-1]
    offs = list(off_of(kind))
    assert offs
    for off in offs:
        ((switch, value),) = yaml.safe_load(f"{{{off}}}").items()
        assert switch in arguments
        assert not check_generator({"preset": name, switch: value}, scale=scale)
        assert resolve_generator({"preset": name})[switch] != value, "off is what is not published"


@pytest.mark.parametrize(("kind", "switch"), [(k, s) for k, each in IDEAS.items() for s in each])
def test_every_idea_of_the_founding_notes_is_a_switch_on_its_page(kind, switch):
    assert f"`{switch}: " in section(page_of(kind), "Switches")
    for value in IDEAS[kind][switch]:
        assert not check_generator({"kind": kind, switch: value}, scale=4)


@pytest.mark.parametrize("kind", GENERATORS)
def test_the_recipe_of_a_page_is_valid_and_trains_this_network(kind):
    blocks = re.findall(r"^```yaml\n(.*?)^```", section(page_of(kind), "Training"), re.S | re.M)
    assert blocks
    for block in blocks:
        recipe = build_recipe(yaml.safe_load(block))
        assert recipe.generator["kind"] == kind


@pytest.mark.parametrize("kind", GENERATORS)
def test_the_commands_of_a_page_have_something_to_import_and_to_measure(kind):
    text = section(page_of(kind), "Published weights")
    for name, scale in re.findall(r"acutance import FILE --as (\S+) --scale (\d)", text):
        assert int(scale) in PRESETS[name].scales
        assert any(name in dialect.presets for dialect in DIALECTS)
    for name, sets in re.findall(r"acutance reproduce (\S+) --weights \S+(.*)", text):
        for published in re.findall(r"FOLDER/(\w+)", sets):
            found = published_figures(name, scale=4)
            here = [f for f in found if f.set == published and not f.self_ensemble]
            assert {f.metric for f in here} in ({"psnr_y", "ssim_y"}, {"psnr_y"})
            assert len({f.variant for f in here}) == 1


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_a_preset_is_built_at_its_scales_and_no_other_scale_is_taken_for_one(preset):
    for scale in range(1, 10):
        problems = check_generator({"preset": preset.name}, scale=scale)
        assert scale not in preset.scales or not problems
        for problem in problems:
            assert re.search(rf"{scale=}.*(Scales: |Use )", str(problem)), str(problem)


@pytest.mark.parametrize(
    ("preset", "scale"),
    [("esrgan-23", 3), ("enhancenet", 3), ("srdensenet", 3), ("lapsrn", 3), ("dbpn", 6)],
)
def test_a_scale_that_cannot_be_built_is_refused_with_those_that_can(preset, scale):
    with pytest.raises(RegistryError, match=rf"{scale=}.*Scales: "):
        build_generator({"preset": preset}, scale=scale)


def test_the_file_that_shows_how_to_add_an_architecture_is_small():
    text = EDSR.read_text()
    assert len(text.splitlines()) <= 75
    how_to = (ROOT / "docs" / "how-to" / "add-an-architecture.md").read_text()
    assert f"{len(text.splitlines())} lines" in how_to
    source = re.findall(r"^```python\n(.*?)^```", how_to, re.S | re.M)[0]
    assert source == text, "the page shows the file as it is"
    row = re.findall(r"^```python\n(.*?)^```", how_to, re.S | re.M)[1]
    init = (EDSR.parent / "__init__.py").read_text()
    assert all(line.strip() in init for line in row.splitlines())


def test_a_count_that_was_changed_by_hand_is_set_right(monkeypatch):
    monkeypatch.syspath_prepend(SYSTEMS.parent)
    import system_pages

    text = page_of("idn")
    changed = text.replace("552,769", "552,768", 1)
    assert changed != text
    assert (
        system_pages.filled(changed, {"ideas": lambda old: system_pages.ideas(old, "idn")}) == text
    )
    with pytest.raises(ValueError, match="there is no <!-- counts -->"):
        system_pages.filled("# IDN\n", {"counts": str})
