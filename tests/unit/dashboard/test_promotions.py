"""A promotion that a page started: followed, alone, refused, interrupted, in the ledger."""

import json
import threading

import pytest
from attacking import SECRET, TOKENS, browser_heads, send
from browser import eventually, serving
from registered_example import make_registry, not_measuring

from acutance_platform.dashboard import Access
from acutance_platform.dashboard.access import User
from acutance_platform.dashboard.promotions import Asked, Promotions
from acutance_platform.recipe import RecipeErrors
from acutance_platform.registry.ledger import read_ledger
from acutance_platform.verbs.registry import models


@pytest.fixture
def world(tmp_path):
    return make_registry(tmp_path)


def asked(model, **rest):
    common = {"name": "sr", "alias": "champion", "gate": "default", "data": "photos"}
    return Asked(**{**common, "model": model, "dry_run": False, **rest})


def ended(promotions, job):
    return eventually(lambda: (found := promotions.job(job.id)).state != "running" and found)


def state_of(server, told, heads):
    return json.loads(send(server, "GET", f"/api/promotions/{told['id']}", heads).text)


def test_a_page_starts_a_promotion_follows_it_and_the_ledger_names_who_asked(world):
    home, blobs = world
    access, seen = Access(tokens=TOKENS, secret=SECRET), []
    going, held = threading.Event(), threading.Event()

    def progress(done):
        if done == 1:
            held.set()
            assert going.wait(60)

    with serving(home, access) as server, not_measuring(0.4, progress):
        heads = browser_heads(server, access, name="Grace")
        wanted = {"model": f"blob:{blobs['equal']}", "name": "sr", "data": "photos"}
        begun = send(server, "POST", "/api/promotions", heads, json.dumps(wanted))
        assert begun.code == 202
        told = json.loads(begun.text)
        assert held.wait(60)
        seen.append(state_of(server, told, heads))
        page = send(server, "GET", told["address"], heads).text
        again = send(server, "POST", "/api/promotions", heads, json.dumps(wanted))
        other = send(server, "POST", "/api/promotions", heads, json.dumps({**wanted, "name": "o2"}))
        assert other.code == 202
        going.set()
        done = eventually(lambda: (now := state_of(server, told, heads))["state"] == "done" and now)
        after = send(server, "GET", told["address"], heads).text
        beside = json.loads(other.text)  # waited for, as it has MLflow's server running
        eventually(lambda: state_of(server, beside, heads)["state"] == "done")
    assert (seen[0]["state"], seen[0]["step"], seen[0]["done"]) == ("running", "measure", 1)
    assert "set 2 of 2" in page
    assert (again.code, "goes on" in again.text) == (400, True)
    assert (done["outcome"]["verdict"], done["outcome"]["version"]) == ("promoted", 3)
    assert "stands on" in after
    assert "Picture by picture" in after
    entries = [e for e in read_ledger(home.store) if e["model"] == "sr"]
    assert (entries[-1]["action"], entries[-1]["who"]) == ("promotion", "Grace (token)")


def test_a_worse_model_is_refused_with_numbers_and_nothing_moves(world):
    home, blobs = world
    promotions = Promotions(home)
    with not_measuring(-0.3):
        job = promotions.start(asked(f"blob:{blobs['equal']}"), User("Ada", "operator"))
        found = ended(promotions, job)
    assert found.outcome["verdict"] == "refused"
    assert "-0.2550 on average over 10 pictures" in found.outcome["reasons"][0]
    assert models(home=home)[0]["aliases"] == {"champion": 2}
    with serving(home) as server:
        page = send(server, "GET", f"/models/promotions/{job.id}").text
        assert "stays on version 2" in page
        assert "-0.2550 on average over 10 pictures" in page
        shown = send(server, "GET", "/models/sr").text
        assert shown.count("-0.2550 on average") == 2  # this refusal, and the registry's first


def test_a_dry_run_moves_nothing_and_shows_every_picture(world):
    home, blobs = world
    before, promotions = read_ledger(home.store), Promotions(home)
    with not_measuring(0.4):
        wanted = asked(f"blob:{blobs['equal']}", dry_run=True)
        job = promotions.start(wanted, User("Ada", "operator"))
        ended(promotions, job)
    with serving(home) as server:
        page = send(server, "GET", f"/models/promotions/{job.id}?metric=ssim_y").text
    assert "It would be promoted" in page
    assert "SSIM-Y on 10 pictures" in page
    assert read_ledger(home.store) == before


def test_what_cannot_be_promoted_comes_to_no_verdict_and_says_why(world):
    home, _ = world
    promotions = Promotions(home)
    job = promotions.start(asked("nowhere/best"), User("Ada", "operator"))
    found = ended(promotions, job)
    assert (found.state, found.outcome) == ("failed", None)
    assert "nowhere" in found.error
    # The model is free for the next.
    assert ended(promotions, promotions.start(asked("x/best"), User("Ada", "operator")))


def test_a_job_whose_server_died_shows_as_interrupted_and_what_the_ledger_knows(world):
    home, blobs = world
    promotions = Promotions(home)
    with not_measuring(0.4):
        job = promotions.start(asked(f"blob:{blobs['equal']}"), User("Ada", "operator"))
        ended(promotions, job)
    path = home.local / "dashboard" / "promotions" / f"{job.id}.json"
    died = {**json.loads(path.read_text()), "state": "running", "outcome": None, "ended": None}
    path.write_text(json.dumps(died))
    assert Promotions(home).job(job.id).state == "interrupted"
    with serving(home) as server:
        page = send(server, "GET", f"/models/promotions/{job.id}").text
        assert "The ledger has its entry 4 all the same" in page
        died["started"] += 3600
        path.write_text(json.dumps({**died, "state": "running"}))
        page = send(server, "GET", f"/models/promotions/{job.id}").text
        assert "so nothing moved" in page


def test_of_two_servers_the_second_sees_what_the_first_has_going(world):
    home, blobs = world
    going, first, second = threading.Event(), Promotions(home), Promotions(home)
    with not_measuring(0.4, lambda done: going.wait(60)):
        job = first.start(asked(f"blob:{blobs['equal']}"), User("Ada", "operator"))
        assert second.job(job.id).state == "running"
        with pytest.raises(RecipeErrors, match="goes on"):
            second.start(asked("sr/1"), User("Eve", "operator"))
        going.set()
        assert ended(second, job).outcome["verdict"] == "promoted"


def test_a_rollback_goes_where_its_dialog_said_or_nowhere(world):
    home, _ = world
    access = Access(tokens=TOKENS, secret=SECRET)
    with serving(home, access) as server, not_measuring():
        heads = browser_heads(server, access, name="Grace")
        path = "/api/models/sr/rollback"
        wanted = {"alias": "champion", "leaves": 3, "returns": 2}
        late = send(server, "POST", path, heads, json.dumps(wanted))
        assert (late.code, "somebody moved it meanwhile" in late.text) == (400, True)
        wanted = {"alias": "champion", "leaves": 2, "returns": 1}
        assert send(server, "POST", path, heads, json.dumps(wanted)).code == 200
        again = send(server, "POST", path, heads, json.dumps(wanted))
        assert (again.code, "stood on no other version" in again.text) == (400, True)
        page = send(server, "GET", "/models/sr", heads).text
    last = read_ledger(home.store)[-1]
    assert (last["action"], last["to"], last["who"]) == ("rollback", 1, "Grace (token)")
    assert "champion 2 → 1" in page
    assert "Roll champion back" not in page
