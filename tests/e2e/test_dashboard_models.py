"""Models in a browser: promote, see a worse one refused and why, roll back, read the history.

Models are really measured, in this process; the server goes away in the middle and comes back.
"""

import threading

import pytest
from browser import browsing, eventually, grave_faults, serving
from calling import photographs
from promotions import changed

from acutance_platform.verbs import promotion
from acutance_platform.verbs.datasets import add_pictures
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.registry import models
from acutance_platform.verbs.remeasuring import measure
from acutance_storage import open_store, put_blob


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Twelve pictures, weights that are good and bad, no MLflow."""
    folder = tmp_path_factory.mktemp("world")
    home = Home(open_store(folder / "store"), folder / "local")
    photographs(folder / "held-out", number=12, height=48, width=56)
    add_pictures("held-out", folder / "held-out", licence="CC0", home=home)
    blobs = {
        name: put_blob(home.store, changed(noise))
        for name, noise in (("good", 0.0), ("bad", 0.1), ("worse", 0.2))
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "show_in_mlflow", lambda home, name: [])
        patch.setattr(promotion, "remeasure", measure)
        with serving(home) as server:
            yield server, home, blobs


@pytest.fixture(scope="module")
def page(world):
    with browsing() as page:
        yield page


def promote(page, server, weights, *, name="sr"):
    page.goto(f"{server.url}/models/promote?name={name}")
    page.get_by_label("Model", exact=True).fill(f"blob:{weights}")
    page.get_by_label("Further pictures that count").select_option("held-out")
    page.get_by_role("button", name="Measure and decide").click()
    page.wait_for_url("**/models/promotions/*")


# The tests of this module tell one story, in their order.


def test_no_model_yet_and_a_model_that_is_none(world, page):
    server, _, _ = world
    page.goto(f"{server.url}/models")
    page.get_by_text("No model was promoted yet").wait_for()
    page.get_by_role("link", name="Promote a model…").click()
    page.get_by_label("Model", exact=True).fill("/etc/passwd")
    page.get_by_label("Registered model").fill("sr")
    page.get_by_role("button", name="Measure and decide").click()
    alert = page.get_by_role("alert")
    alert.get_by_text("a page takes models of the store alone").wait_for()
    assert grave_faults(page) == []
    page.complaints[:] = [said for said in page.complaints if " 400 " not in said]


def test_a_promotion_is_followed_also_over_a_new_start_of_the_server(world, page, monkeypatch):
    server, _, blobs = world
    going = threading.Event()

    def held(job, home, progress):
        found = measure(job, home, progress)
        assert going.wait(120)
        return found

    monkeypatch.setattr(promotion, "remeasure", held)
    promote(page, server, blobs["bad"])
    page.get_by_text("set 1 of 1", exact=True).wait_for()
    assert page.locator("[aria-current=step]").inner_text().startswith("Measure anew")
    page.reload()
    page.get_by_text("set 1 of 1", exact=True).wait_for()
    assert grave_faults(page) == []
    server.stop()
    page.locator("#gone").wait_for()
    server.start()
    page.locator("#gone").wait_for(state="hidden")
    going.set()
    page.get_by_role("heading", name="Promoted").wait_for()
    page.get_by_role("link", name="version 1").wait_for()
    page.complaints[:] = [said for said in page.complaints if "ERR_" not in said]


def test_a_better_model_takes_its_place_and_a_worse_one_is_refused_with_numbers(world, page):
    server, home, blobs = world
    promote(page, server, blobs["good"])
    page.get_by_role("heading", name="Promoted").wait_for()
    assert "before on version 1" in page.locator("#job").inner_text()
    assert page.locator(".pairs rect").count() == 12
    assert grave_faults(page) == []
    promote(page, server, blobs["worse"])
    page.get_by_role("heading", name="Refused").wait_for()
    told = page.locator(".verdict").inner_text()
    assert "stays on version 2" in told
    assert "not shown to be better than the champion's" in told
    assert "lower 95 % bound -0." in told
    page.get_by_role("link", name="SSIM-Y").click()
    page.get_by_text("SSIM-Y on 12 pictures").wait_for()
    page.get_by_text("Values of each picture").click()
    assert (
        page.get_by_role("region", name="Values of each picture").get_by_role("row").count() == 13
    )
    assert models(home=home)[0]["aliases"] == {"champion": 2}


def test_a_rollback_asks_first_and_the_history_tells_it_all(world, page):
    server, home, _ = world
    page.goto(f"{server.url}/models/sr")
    page.get_by_role("button", name="Roll champion back…").click()
    dialog = page.get_by_role("dialog")
    said = dialog.inner_text()
    assert "leaves version 2" in said
    assert "stands on version 1 again" in said
    assert grave_faults(page) == []
    page.keyboard.press("Escape")
    assert models(home=home)[0]["aliases"] == {"champion": 2}
    page.get_by_role("button", name="Roll champion back…").click()
    dialog.get_by_role("button", name="Roll back to version 1").click()
    page.get_by_text("champion 2 → 1").wait_for()
    assert models(home=home)[0]["aliases"] == {"champion": 1}
    pills = page.locator(".history > li .pill").all_inner_texts()
    assert pills == ["rolled back", "refused", "promoted", "promoted"]
    page.get_by_role("link", name="what was measured").first.click()
    page.get_by_role("heading", name="Why it was refused").wait_for()
    assert page.locator(".pairs rect.down").count() == 12


def test_the_ledger_is_compared_with_mlflow_on_demand(world, page, monkeypatch):
    from acutance_platform.verbs import registry

    server, _, _ = world
    found = registry.LedgerCheck(4, [], ["not compared with MLflow, which does not answer"])
    monkeypatch.setattr(registry, "verify_ledger", lambda home: found)
    page.goto(f"{server.url}/models")
    page.get_by_role("button", name="Compare with MLflow as well").click()
    page.get_by_text("which does not answer").wait_for()


def test_a_version_and_its_data_fit_a_narrow_dark_page(world, page):
    server, _, _ = world
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="dark")
    for path in ("/models", "/models/sr", "/models/sr/2", "/models/promote", "/data"):
        page.goto(f"{server.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert grave_faults(page) == [], path
    page.get_by_role("link", name="held-out").click()
    page.get_by_role("heading", name="Samples").wait_for()
    seen = "[...document.querySelectorAll('.samples img')].every(i => i.naturalWidth > 0)"
    eventually(lambda: page.evaluate(seen))
    assert grave_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
