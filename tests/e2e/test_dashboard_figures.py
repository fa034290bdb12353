"""Curves, front and parallel coordinates in a browser, by their main tasks."""

import re
import urllib.parse

import pytest
from browser import browsing, eventually, grave_faults, serving
from searched_sweep import OBJECTIVES, between, measured, repeated, searched

from acutance_platform.search.front import front
from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs.home import Home
from acutance_storage import open_store


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    place = tmp_path_factory.mktemp("figures")
    home = Home(open_store(place / "store"), place / "local")
    made = between("t0000", "t0006", 0.5, {"psnr_y": 30.5, "lpips": 0.485}, 1.8e9)
    sweep_journal(home.store, "s").append(*searched("s"), *repeated(24, 0, 7, shift=0.01), made)
    return home


@pytest.fixture(scope="module")
def url(home):
    with serving(home) as server:
        yield server.url


@pytest.fixture(scope="module")
def page():
    with browsing() as page:
        yield page


def asked(page):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)


def members(page):
    return page.locator("#members tbody th button").all_inner_texts()


def drawn(page, figure):
    page.locator(f"#{figure}.loading").wait_for(state="detached")


def test_the_front_is_filtered_and_two_of_its_points_are_compared(page, url):
    page.goto(f"{url}/sweeps/s/front")
    page.get_by_text("7 on the front").wait_for()
    drawn(page, "points")
    drawn(page, "course")
    assert "t0000-t0006-0.5" in members(page)
    assert grave_faults(page) == []
    page.get_by_label("PSNR-Y [dB] at least", exact=True).fill("29")
    page.get_by_label("PSNR-Y [dB] at least", exact=True).press("Tab")
    rest = [o for o in range(0, 24, 3) if measured(o, 800)["psnr_y"] >= 29]
    points = [[measured(o, 800)[name] for name in OBJECTIVES] for o in rest]
    points.append([30.5, 0.485])
    names = [*(f"t{o:04d}" for o in rest), "t0000-t0006-0.5"]
    left = {names[i] for i in front(points, list(OBJECTIVES.values()))}
    eventually(lambda: set(members(page)) == left)
    assert asked(page)["where"] == ["psnr_y>=29"]
    page.get_by_label("LPIPS at most, slider").focus()
    page.keyboard.press("Home")
    page.get_by_text("No point meets").wait_for()
    page.get_by_role("button", name="Clear constraints").click()
    page.get_by_text("7 on the front").wait_for()
    page.get_by_label("Compare t0009").check()
    page.get_by_label("Compare t0012").check()
    page.reload()
    link = page.get_by_role("link", name="Compare 2 points")
    assert link.get_attribute("href") == "/compare?model=s%2Ft0009&model=s%2Ft0012"


def test_a_click_on_a_point_shows_its_card_and_the_figure_can_be_saved(page, url):
    page.goto(f"{url}/sweeps/s/front?x=parameters&y=psnr_y&of=axes")
    drawn(page, "points")
    page.get_by_text(re.compile("points are on the front|point is on the front")).wait_for()
    spot = page.locator("#points .points path.point").last
    box = spot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#points .hoverlayer .hovertext").wait_for()
    page.mouse.down()
    page.mouse.up()
    card = page.get_by_role("region", name="The chosen point")
    card.get_by_role("heading").wait_for()
    name = card.get_by_role("heading").inner_text()
    assert asked(page)["point"] == [name]
    assert card.get_by_role("link", name="Open the trial").get_attribute("href") == (
        f"/sweeps/s/trials/{name}"
    )
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG").click()
    assert png.value.path().read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as csv:
        page.get_by_role("button", name="CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert lines[0].startswith("point,network,feasible,meets constraints,on front,psnr_y")
    assert len(lines) == 1 + 9


def test_colours_follow_the_readers_scheme(page, url):
    page.goto(f"{url}/sweeps/s/front")
    drawn(page, "points")

    def paper():
        return page.locator("#points .main-svg").first.evaluate("e => e.style.background")

    light = eventually(paper)
    page.emulate_media(color_scheme="dark")
    eventually(lambda: paper() not in ("", light))
    drawn(page, "course")
    assert grave_faults(page) == []
    page.emulate_media(color_scheme="light")


def test_curves_go_on_while_the_sweep_runs(page, url, home):
    records = searched("live", trials=5, finished=False)
    first = [record for record in records if record.get("trial") != "t0004"]
    journal = sweep_journal(home.store, "live")
    journal.append(*first)
    page.goto(f"{url}/sweeps/live/curves")
    page.get_by_text("Shown: 4 of the sweep's 4 trials").wait_for()
    drawn(page, "curves")
    assert grave_faults(page) == []
    journal.append(*[record for record in records if record.get("trial") == "t0004"])
    page.get_by_text("Shown: 5 of the sweep's 5 trials").wait_for()
    page.get_by_label("Only those with").fill("t0000 t0003")
    page.get_by_label("Only those with").press("Enter")
    page.get_by_text("Shown: 2 of the sweep's 5 trials").wait_for()
    page.get_by_label("Over").select_option("cpu")
    page.reload()
    page.get_by_text("Shown: 2 of the sweep's 5 trials").wait_for()
    assert page.get_by_label("Over").input_value() == "cpu"
    page.goto(f"{url}/sweeps/live/curves?q=psnr_y>=99")
    page.get_by_text("No trial has reported what is asked for yet").wait_for()


def test_a_brush_narrows_the_list_and_stays_in_the_address(page, url):
    page.goto(f"{url}/sweeps/s/parallel")
    page.get_by_text("24 of 24 trials are within the limits").wait_for()
    page.get_by_text("Limits and axes").click()
    page.get_by_label("PSNR-Y [dB] from").focus()
    page.keyboard.press("End")
    page.get_by_text("1 of 24 trials are within the limits; the best").wait_for()
    assert page.locator("#list tbody th a").all_inner_texts() == ["t0000"]
    page.get_by_role("button", name="Clear limits").click()
    page.get_by_label("rcan").uncheck()
    kinds = page.locator("#list tbody tr").all_inner_texts()
    assert kinds
    assert not any("rcan" in row for row in kinds)
    assert grave_faults(page) == []
    box = page.locator("#lines").bounding_box()
    right = box["x"] + box["width"] - 66  # the last axis: parameters
    page.mouse.move(right, box["y"] + 376)
    page.mouse.down()
    page.mouse.move(right, box["y"] + 300, steps=4)
    page.mouse.up()
    (kept,) = [limit for limit in asked(page)["limit"] if limit.startswith("parameters:")]
    assert kept.startswith("parameters:..")
    told = page.locator("#shown").inner_text()
    page.reload()
    page.get_by_text(told).wait_for()
    page.get_by_text("This rests on all 9 complete trials").wait_for()


def test_a_sweep_without_a_complete_trial_says_what_is_to_come(page, url, home):
    sweep_journal(home.store, "young").append(*searched("young", trials=2)[:4])
    page.goto(f"{url}/sweeps/young/front")
    page.get_by_text("No trial is complete yet. The front appears here").wait_for()
    assert not page.get_by_role("button", name="PNG").is_visible()
    page.goto(f"{url}/sweeps/young/parallel")
    page.get_by_text("Nothing differs between the trials").wait_for()
    page.get_by_text("0 trials are complete; from 8 on").wait_for()
