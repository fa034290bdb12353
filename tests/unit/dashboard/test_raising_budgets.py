import json
import re

import pytest
from attacking import send
from browser import eventually, serving
from long_journal import opening, write_long_journal

from acutance_platform.cli import acutance
from acutance_platform.cli.outcome import run
from acutance_platform.dashboard.resuming import Resumed
from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.journals import sweep_journal
from acutance_platform.search.requests import Requests
from acutance_platform.verbs import steering
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import sole_driver
from acutance_platform.verbs.logs import logs
from acutance_platform.verbs.saying import lines_of
from acutance_storage import open_store


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return Home(open_store(tmp_path / "store"), tmp_path / "local")


def test_the_budget_of_a_running_sweep_is_raised_from_the_command_line(home, capfd):
    with sole_driver(home, "demo"):
        sweep_journal(home.store, "demo").append(*opening("demo", 40))
        assert run(acutance, ["budget", "demo", "trials=+4", "cpu_hours=12"]) == 0
        assert "trials 44" in capfd.readouterr().out
        (request,) = Requests(home.store, "demo").pending()
        assert request["settings"] == ["trials=+4", "cpu_hours=12"]
        assert run(acutance, ["budget", "demo", "trials=many"]) == 2
        assert "this is a number" in capfd.readouterr().err


def test_one_that_does_not_run_is_told_how_to_go_on(home, capfd):
    write_long_journal(home.store, "demo", trials=2, reports=4)
    assert run(acutance, ["budget", "demo", "trials=+4"]) == 2
    assert "acutance resume demo --budget trials=+4" in capfd.readouterr().err
    assert list(Requests(home.store, "demo").pending()) == []


def test_a_driver_that_cannot_start_says_why_on_the_page(home):
    write_long_journal(home.store, "demo", trials=2, reports=4)
    resumed = Resumed(home)
    assert resumed.state("demo") == {"state": "none", "lines": []}
    resumed.start("demo", "Ada", ["trials=+4"])
    with pytest.raises(RecipeErrors, match="being resumed already"):
        resumed.start("demo", "Ada", [])
    eventually(lambda: resumed.state("demo")["state"] == "failed", seconds=240)
    assert "pictures" in "\n".join(resumed.state("demo")["lines"]), "it lacks its dataset"


def test_a_page_asks_of_a_long_sweep_without_reading_its_journal_again(home, monkeypatch):
    def unread(*arguments):
        raise AssertionError("the journal is followed already")

    monkeypatch.setattr(steering, "open_sweep", unread)
    heads = {"Content-Type": "application/json"}
    with sole_driver(home, "demo"), serving(home) as server:
        sweep_journal(home.store, "demo").append(*opening("demo", 40))
        page = send(server, "GET", "/sweeps/demo").text
        heads["x-acutance-csrf"] = re.search(r'name="csrf" content="(\w+)"', page)[1]
        for path, body in [("budget", '{"trials": "+4"}'), ("stop", "{}")]:
            answer = send(server, "POST", f"/api/sweeps/demo/{path}", heads, body)
            assert answer.code == 200, answer.text
        asked = [request["do"] for request in Requests(home.store, "demo").pending()]
        assert asked == ["budget", "stop"]


def test_a_trials_log_holds_what_the_journal_says_of_it(home):
    write_long_journal(home.store, "demo", trials=12, reports=4)
    with serving(home) as server:
        for trial in ("t0003", "t0011"):
            lines = json.loads(send(server, "GET", f"/api/sweeps/demo/trials/{trial}/log").text)
            spoken = [line for r in logs(f"demo/{trial}", home=home) for line in lines_of(r)]
            assert lines["lines"] == spoken != []
