"""Sweeps in a browser: the list, the table of trials, one trial, live pages, steering."""

import pytest
from browser import browsing, eventually, grave_faults, serving
from long_journal import METRICS, START, opening, trial_records, write_long_journal

from acutance_platform.search.journals import sweep_journal
from acutance_platform.search.requests import Requests
from acutance_platform.search.schema import parse_search
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import sole_driver
from acutance_storage import open_store


class Driven:
    """A sweep whose journal this test writes, as a driver would, trial by trial."""

    def __init__(self, home, name):
        self.name, self._at = name, 0
        self._journal = sweep_journal(home.store, name)
        first = opening(name, 40)
        self._spec = first[0]["spec"]
        self._space = parse_search(self._spec["search"]).build_space()
        self._journal.append(*first)

    def trial(self, *, until=None):
        """Write a trial's records; `until` leaves out those after so many."""
        records = trial_records(self._space, self._spec, self._at, reports=10)
        self._at += 1
        self._journal.append(*records[:until])

    def write(self, *records):
        self._journal.append(*records)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    place = tmp_path_factory.mktemp("dashboard")
    return Home(open_store(place / "store"), place / "local")


@pytest.fixture(scope="module")
def driven(home):
    """A sweep that runs, as this process holds its lock."""
    with sole_driver(home, "running"):
        sweep = Driven(home, "running")
        for until in (None, None, None, 7):
            sweep.trial(until=until)
        yield sweep


@pytest.fixture(scope="module")
def server(home, driven):
    assert write_long_journal(home.store, "ended", trials=250, reports=4) == 250 * 4 * METRICS
    with serving(home) as found:
        yield found


@pytest.fixture(scope="module")
def page(server):
    with browsing() as found:
        yield found


def cells(page, column):
    """Return the texts of a column of the table of trials."""
    heads = page.locator("table.trials thead th")
    titles = [head.get_attribute("title") for head in heads.all()]
    return page.locator(f"table.trials tbody tr > :nth-child({titles.index(column) + 1})")


def test_the_list_shows_every_sweep_and_leads_to_it(page, server):
    page.goto(f"{server.url}/")
    ended = page.locator(".sweep", has_text="ended COMPLETE")
    assert "COMPLETE" in ended.inner_text()
    assert "250 of 250 trials drawn" in ended.inner_text()
    assert "RUNNING" in page.locator(".sweep", has_text="running RUNNING").inner_text()
    assert grave_faults(page) == []
    page.get_by_label("COMPLETE").check()
    page.get_by_role("button", name="Show").click()
    page.get_by_text("1 of 2").wait_for()
    page.get_by_role("link", name="ended", exact=True).click()
    page.get_by_role("heading", name="ended COMPLETE").wait_for()


def test_trials_are_filtered_sorted_and_paged_in_the_address(page, server):
    page.goto(f"{server.url}/sweeps/ended")
    page.get_by_text("250 trials").wait_for()
    assert cells(page, "psnr_y").count() == 100
    page.get_by_role("link", name="Next").click()
    page.get_by_text("Page 2 of 3").wait_for()
    page.get_by_label("Filter").fill("psnr_y >= 27.9 generator.kind=carn")
    page.get_by_label("Filter").press("Enter")
    page.get_by_text("of 250 trials").wait_for()
    assert "column=" not in page.url
    values = [float(text) for text in cells(page, "psnr_y").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert min(values) >= 27.9
    assert set(cells(page, "generator.kind").all_inner_texts()) == {"carn"}
    page.get_by_role("link", name="lr", exact=True).click()
    page.locator("th[title='optimizer.lr'][aria-sort=ascending]").wait_for()
    assert page.locator("th[title='optimizer.lr'][aria-sort=ascending]").count() == 1
    assert grave_faults(page) == []
    page.goto(f"{server.url}/sweeps/ended?q=psnr_y%3E%3Dhigh")
    assert "psnr_y is a number" in page.get_by_role("alert").inner_text()
    with page.expect_download() as caught:
        page.get_by_role("link", name="CSV").click()
    lines = caught.value.path().read_text().splitlines()
    assert lines[0].startswith("trial,state,")


def test_one_trial_shows_recipe_stages_failures_and_what_it_said(page, server):
    page.goto(f"{server.url}/sweeps/ended/trials/t0049")
    page.get_by_text("RuntimeError: no finite loss, t0049").first.wait_for()
    page.get_by_text("Complete, as YAML").click()
    assert "generator:" in page.locator("pre.tall").first.inner_text()
    page.get_by_text("Its last lines in the journal").click()
    page.get_by_text("FAILED at step").wait_for()
    assert grave_faults(page) == []
    page.get_by_role("link", name="Sharing").click()
    page.get_by_role("heading", name="Shared stages").wait_for()
    assert page.locator("tbody tr").count() == 3
    assert grave_faults(page) == []


def test_a_running_sweep_is_followed_and_steered(page, server, driven, home):
    page.goto(f"{server.url}/sweeps/running")
    page.get_by_text("4 trials", exact=True).wait_for()
    page.get_by_label("Choose t0002 for comparing").check()
    driven.trial()
    page.get_by_role("link", name="t0004", exact=True).first.wait_for()
    assert page.get_by_label("Choose t0002 for comparing").is_checked()
    page.get_by_role("button", name="Raise the budget").click()
    page.get_by_label("Trials", exact=False).last.fill("+4")
    page.get_by_role("button", name="Raise", exact=True).click()
    page.get_by_text("Asked running to go on with").wait_for()
    (asked,) = Requests(home.store, "running").pending()
    assert (asked["do"], asked["settings"]) == ("budget", ["trials=+4"])
    assert "@" in asked["by"]
    Requests(home.store, "running").drop(asked["id"])

    page.get_by_role("link", name="t0003", exact=True).first.click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Leave it running").click()
    assert list(Requests(home.store, "running").pending()) == []
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop it").click()
    page.get_by_text("Asked running/t0003 to stop").wait_for()
    (asked,) = Requests(home.store, "running").pending()
    assert (asked["do"], asked["trial"]) == ("stop", "t0003")
    Requests(home.store, "running").drop(asked["id"])
    request = {"request": asked["id"], "by": "Ada", "time": START + 9000}
    ended = {"do": "end", "trial": "t0003", "state": "STOPPED", "weights": None, "step": 1500}
    driven.write({"do": "stop", "trial": "t0003", **request}, {**ended, "time": START + 9001})
    page.get_by_text("Ada asked that it stops").wait_for()


def test_a_server_that_goes_and_returns_is_noticed_and_the_page_goes_on(page, server, driven):
    page.goto(f"{server.url}/sweeps/running")
    page.get_by_text("5 trials", exact=True).wait_for()
    server.stop()
    page.get_by_text("The dashboard's server does not answer.").wait_for()
    driven.trial()
    server.start()
    page.get_by_role("link", name="t0005", exact=True).first.wait_for()
    assert eventually(lambda: page.locator("#gone").is_hidden())
    refused = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
    page.complaints[:] = [said for said in page.complaints if not any(r in said for r in refused)]


def test_an_empty_store_says_how_to_start(page, tmp_path):
    home = Home(open_store(tmp_path / "store"), tmp_path / "local")
    page.set_viewport_size({"width": 390, "height": 800})
    with serving(home) as server:
        page.goto(server.url)
        page.get_by_text("make demo").wait_for()
        assert grave_faults(page) == []
        write_long_journal(home.store, "first", trials=2, reports=4)
        page.get_by_role("link", name="first", exact=True).wait_for()
