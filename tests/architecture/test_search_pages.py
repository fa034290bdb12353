"""What pages show as a search section holds, in a recipe that has the loss terms it names."""

import re
from pathlib import Path

import pytest
import yaml

from acutance_platform.recipe import build_recipe
from acutance_platform.search.samplers import SAMPLERS, propose
from acutance_platform.search.schema import parse_search
from acutance_platform.search.space import apply_to

DOCS = Path(__file__).parents[2] / "docs"
AROUND = {
    "scale": 2,
    "data": {"dataset": "photos@1", "patch": 48, "batch": 2},
    "generator": {"kind": "srresnet", "channels": 8, "blocks": 1},
    "stages": {
        "train": {
            "steps": 1000,
            "loss": {
                "pixel": {"kind": "l1", "weight": 1.0},
                "perceptual": {
                    "kind": "perceptual",
                    "features": "random",
                    "layers": {"conv3_1": 1.0},
                    "weight": 0.1,
                },
            },
        }
    },
}
SECTION = {
    "space": {"optimizer.lr": {"log_uniform": [1e-5, 1e-3]}},
    "objectives": {"psnr_y": "max"},
    "budget": {"trials": 8},
}


def shown(page):
    """Yield the documents of a page that have a search section."""
    for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M):
        found = yaml.safe_load(block)
        if isinstance(found, dict) and isinstance(found.get("search"), dict):
            yield found


OTHER_RECIPES = ("plug-ins", "stages-and-losses", "zero-shot")
"""Pages whose search sections belong to recipes that they show apart."""
SHOWN = [
    (page.stem, found)
    for page in sorted(DOCS.rglob("*.md"))
    if page.stem not in OTHER_RECIPES
    for found in shown(page)
]


def test_pages_with_search_sections_are_found():
    assert {"search-spaces", "constraints"} <= {name for name, _ in SHOWN}


@pytest.mark.parametrize("document", [found for _, found in SHOWN], ids=[name for name, _ in SHOWN])
def test_a_search_section_on_a_page_holds_and_its_draws_are_recipes(document):
    around = {key: value for key, value in document.items() if key != "search"}
    base = build_recipe({**AROUND, **around}).model_dump(mode="json")
    search = parse_search({**SECTION, **document["search"]}, base)
    space = search.build_space()
    sampler = SAMPLERS.build(search.sampler, space=space, base=base, directions=search.directions)
    for ordinal in range(len(search.initial) + 20):
        drawn = propose(sampler, ordinal, [], initial=search.initial, space=space, base=base)
        if drawn is None:  # the grid is at its end
            break
        build_recipe(apply_to(base, drawn.outcome.apply))
