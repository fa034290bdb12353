"""What the pages of models and data say, read as text."""

import hashlib
import html
import json

import pytest
from attacking import SECRET, TOKENS, browser_heads, send
from browser import serving
from registered_example import make_registry, not_measuring

from acutance_platform.dashboard import Access
from acutance_platform.dashboard.mlflow_links import MlflowLinks
from acutance_platform.dashboard.models import rendered
from acutance_platform.dashboard.paired import MOST_BARS, comparison
from acutance_platform.verbs import promotion
from acutance_platform.verbs.datasets import add_pictures
from acutance_platform.verbs.registry import models


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    home, blobs = make_registry(tmp_path_factory.mktemp("world"))
    with serving(home) as server:
        yield server, home, blobs


def text(server, path):
    answer = send(server, "GET", path)
    assert answer.code == 200, answer.text
    return html.unescape(answer.text)


def test_versions_stand_side_by_side_with_the_champion_marked(world):
    server, _, _ = world
    page = text(server, "/models")
    assert page.count('class="champion"') == 1
    assert "30.5450" in page
    assert "30.2450" in page
    assert "3 entries, each bound to the one before" in page
    told = text(server, "/models/sr")
    assert told.index("refused") < told.index("none → 1")
    assert told.count("by Ada") == 3


def test_a_version_shows_its_pictures_card_and_weights(world):
    server, _, _ = world
    page = text(server, "/models/sr/2")
    assert "better on 10, worse on 0; +0.2450 on average" in page
    assert page.count("<rect") == 10
    assert "Intended use" in page
    assert "1 left out" in page
    assert 'href="/data/photos@0123456789ab?split=test"' in page
    assert "No sweep or training of this store" in page
    answer = send(server, "GET", "/models/sr/2/weights")
    assert "sr-2-" in answer.heads["content-disposition"]
    assert int(answer.heads["content-length"]) > 1000
    papers = json.loads(send(server, "GET", "/models/sr/ledger/3/papers").text)
    assert papers["figures"]["pictures"] == 10
    assert "not shown to be better" in text(server, "/models/sr/ledger/3")


def test_the_weights_that_come_are_those_of_the_hash(world):
    import http.client

    server, home, _ = world
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/models/sr/1/weights")
    data = connection.getresponse().read()
    connection.close()
    assert hashlib.sha256(data).hexdigest() == models(home=home)[0]["versions"][0]["weights"]


def test_what_is_not_there_is_told(world):
    server, _, _ = world
    for path in ("/models/xy", "/models/sr/9", "/models/sr/ledger/99", "/models/sr/9/weights"):
        assert send(server, "GET", path).code == 404, path
    for path in ("/models/promotions/xy", "/data/xy", "/data/photos@00", "/data/photos/samples/6"):
        assert send(server, "GET", path).code == 404, path


def test_the_link_to_mlflow_keeps_its_password_to_itself(world, monkeypatch):
    _, home, _ = world
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home.local}/x.db")
    assert MlflowLinks(home).model("sr") is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ada:geheim@ml.example:8443/flow/")
    assert MlflowLinks(home).model("sr") == "https://ml.example:8443/flow/#/models/sr"
    monkeypatch.setenv("ACUTANCE_DASHBOARD_MLFLOW", "http://127.0.0.1:5000")
    assert MlflowLinks(home).model("a b") == "http://127.0.0.1:5000/#/models/a%20b"


def test_a_card_is_text_and_no_page_of_its_own():
    card = (
        "# A\n\n<script>x</script> <img src=x onerror=y> [a](javascript:z) ![i](http://e.x/i.png)\n"
    )
    shown = rendered(card)
    for bad in ("<script", "<img", 'href="javascript'):
        assert bad not in shown
    assert "<h1>A</h1>" in shown


def test_a_difference_is_good_where_the_metric_is_better_and_charts_stay_small():
    def document(number):
        pictures = [
            {"name": f"p{i}", "challenger": {"niqe": 4.0 + i}, "champion": {"niqe": 5.0}}
            for i in range(number)
        ]
        pictures = [{**each, "bicubic": {"niqe": 9.0}} for each in pictures]
        return {"sets": [{"data": "d", "pictures": pictures}], "figures": {}}

    found = comparison(document(3), "niqe")  # less is better
    assert [row["gain"] for row in found["rows"]] == [-1.0, 0.0, 1.0]
    assert (found["better"], found["worse"], found["least"]) == (1, 1, -1.0)
    assert comparison(document(0), "niqe") is None
    many = comparison(document(5000), "niqe")["bars"]
    assert len(many["bars"]) <= MOST_BARS
    for bar in many["bars"]:
        assert 0 <= bar["y"] <= bar["y"] + bar["tall"] <= 200


def test_a_dataset_shows_versions_samples_and_where_it_comes_from(world, tmp_path):
    from calling import photographs

    server, home, _ = world
    photographs(tmp_path / "more", number=30, height=40, width=700)
    add_pictures("more", tmp_path / "more", licence="CC0", home=home)
    first = text(server, "/data/more")
    assert "own photographs" not in first
    assert "30" in first
    photographs(tmp_path / "others", number=33, height=40, width=48)
    add_pictures("more", tmp_path / "others", min_side=30, licence="CC0", home=home)
    page = text(server, "/data/more")
    assert "min_side 30" in page
    assert page.count('class="name"') == 24
    assert "page 1 of" in page
    assert page.count("this page") == 1
    answer = send(server, "GET", "/data/more/samples/0")
    assert answer.code == 307
    small = send(server, "GET", answer.heads["location"])
    assert (small.code, small.heads["content-type"]) == (200, "image/webp")
    assert "immutable" in small.heads["cache-control"]
    assert int(small.heads["content-length"]) < 40_000
    assert "photos" in text(server, "/data")


def test_viewers_see_no_buttons_that_they_may_not_press(world):
    _, home, _ = world
    access = Access(tokens=TOKENS, secret=SECRET)
    with serving(home, access) as server:
        for role, shown in (("viewer", 0), ("operator", 1)):
            heads = browser_heads(server, access, role=role)
            page = send(server, "GET", "/models/sr", heads).text
            assert page.count("Roll champion back…") == shown
            page = send(server, "GET", "/models/promote", heads).text
            assert ("disabled" in page) != bool(shown)


def test_a_damaged_ledger_is_told_and_nothing_is_shown_of_it(tmp_path):
    home, _ = make_registry(tmp_path)
    key = sorted(home.store.list("ledger/"))[1]
    entry = json.loads(home.store.read(key))
    home.store.write(key, json.dumps({**entry, "who": "x"}).encode())
    with serving(home) as server:
        answer = send(server, "GET", "/models")
        assert answer.code == 503
        assert "was edited: its hash is not that of its content" in html.unescape(answer.text)
        assert send(server, "GET", "/data/photos").code == 200


def test_an_interpolated_name_cannot_leave_its_attribute(tmp_path):
    home, blobs = make_registry(tmp_path)
    with not_measuring(0.9):
        promotion.promote(f"blob:{blobs['equal']}", name="a.b-c_1", data="photos", home=home)
    with serving(home) as server:
        assert send(server, "GET", "/models/a.b-c_1").code == 200
        page = send(server, "GET", "/models/promote?model=%22%3E%3Cscript%3Ex&gate=%22on").text
        assert "<script>x" not in page
