"""Each of the founding systems learns: a minute in the campaign, an instant in `make test`."""

import pytest
from learning import RECIPES, add_pictures, gain, learn, steps_within
from learning_page import PAGE, page, read_rows
from shared_data import shared
from tiny_trainings import write_pictures

from acutance_platform.verbs.home import Home
from acutance_storage import open_store

_CPU_SECONDS = 60.0
_LIMIT = 180.0
_TINY = ("data.patch=32", "data.batch=2")
_ASKED = {2: 0.5, 4: 0.3}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning")
    return Home(open_store(folder / "store"), folder / "local")


@pytest.fixture(scope="module")
def photographs(home):
    """The shared photographs as dataset `learning`; skips where there are none."""
    add_pictures(home, shared("data/train"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A home with six tiny pictures as dataset `learning`."""
    folder = tmp_path_factory.mktemp("tiny")
    home = Home(open_store(folder / "store"), folder / "local")
    add_pictures(home, write_pictures(folder / "pictures"))
    return home


@pytest.mark.long
@pytest.mark.parametrize("name", RECIPES)
def test_each_learns(name, home, photographs, record_property):
    row = learn(name, home, steps_within(_CPU_SECONDS, name, home))
    row |= gain(row["weights"], row["scale"], home, shared("data/Set5"))
    for key, value in row.items():
        record_property(key, value)
    assert row["cpu_seconds"] <= _LIMIT
    assert row["gain"] >= _ASKED[row["scale"]]


@pytest.mark.parametrize("name", RECIPES)
def test_forty_steps_are_better_than_two(name, tiny):
    begun, row = (learn(name, tiny, steps, *_TINY) for steps in (2, 40))
    assert row["steps"] == 40
    assert row["parameters"] == begun["parameters"] > 0
    assert row["validation_psnr_y"] > begun["validation_psnr_y"]


def test_steps_are_counted_by_the_cpu_time_that_they_take(tiny):
    steps = steps_within(1.0, "carn", tiny, *_TINY)
    assert 0.3 < learn("carn", tiny, steps, *_TINY)["cpu_seconds"] < 3.0


def test_the_page_says_what_the_evidence_says():
    assert PAGE.read_text() == page(read_rows())


def test_the_page_says_who_stays_below_the_reference():
    evidence = read_rows()
    evidence["rcan"]["measured"]["gain"] = evidence["srresnet-x2"]["measured"]["gain"] - 1.0
    evidence["idn"]["measured"]["gain"] = evidence["srresnet-x2"]["measured"]["gain"] + 1.0
    above, below = page(evidence).split("At or below it:")
    assert "idn (+1.00)" in above
    assert "rcan (-1.00)" in below
