import pytest
from browser import eventually
from long_journal import opening, write_long_journal

from acutance_platform.cli import acutance
from acutance_platform.cli.outcome import run
from acutance_platform.dashboard.resuming import Resumed
from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.journals import sweep_journal
from acutance_platform.search.requests import Requests
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import sole_driver
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
