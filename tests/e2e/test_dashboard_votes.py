"""Votes and pictures over HTTP: what voters may learn, who may do what, and plain errors."""

import io
import json
import urllib.error
import urllib.request

import numpy as np
import pytest
from browser import eventually, serving
from models_beside import home_with_models
from PIL import Image

from acutance_platform.dashboard import Access
from acutance_platform.verbs.votes import BlindTest

TOKENS = {"viewer": "v" * 20, "operator": "o" * 20}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_with_models(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def guarded(home):
    """A dashboard where everybody logs in."""
    with serving(home, Access(tokens=TOKENS)) as running:
        yield running


def call(server, path, body=None, *, token="viewer", **heads):
    """Return status, kind and content of an answer."""
    data = None if body is None else json.dumps(body).encode()
    heads = {
        "Authorization": f"Bearer {TOKENS[token]}",
        "Content-Type": "application/json",
        **heads,
    }
    request = urllib.request.Request(server.url + path, data, heads)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


NEW = {"name": "two", "models": ["nights/t0000", "nights/t0001"], "data": "photos"}


def test_parts_that_were_chosen_are_asked_and_none_that_cannot_be(guarded, home):
    def make(name, *chosen, **more):
        asked = {**NEW, "name": name, "chosen": chosen, **more}
        status, _, said = call(guarded, "/api/blind", asked, token="operator")
        return status, said.decode()

    picture = "validation/b.png"
    for part, said in [
        ({"picture": "validation/none.png"}, "no such picture"),
        ({"picture": "train/a.png"}, "no such picture"),  # of another split
        ({"picture": picture, "crop": [400, 0, 20, 20]}, "411 × 300"),
        ({"picture": picture, "crop": [0, 0, 20, 4]}, "8 pixels a side"),
    ]:
        status, told = make("bad", part)
        assert (status, said in told) == (400, True), told
    assert make("bad", {"picture": picture, "crop": [0, 0, 20]})[0] == 422
    crop = {"picture": picture, "crop": [391, 260, 20, 40]}
    assert make("chosen", crop, {"picture": "validation/a.png"}, crops=2, side=64)[0] == 200
    test = BlindTest(home.store, "chosen")
    test.look()
    first, *found = test.questions
    assert (first["picture"], first["crop"]) == (picture, crop["crop"])
    assert [question["crop"][2:] for question in found] == [[64, 64]] * 2
    assert {question["picture"] for question in found} == {"validation/a.png"}


def test_viewers_vote_without_learning_who_is_who(guarded, home):
    assert call(guarded, "/api/blind", NEW)[0] == 403
    assert call(guarded, "/api/blind", NEW, token="operator")[0] == 200
    ask = lambda: json.loads(call(guarded, "/api/blind/two/question")[2])  # noqa: E731
    eventually(lambda: ask()["state"] == "ready")
    asked = ask()
    test = BlindTest(home.store, "two")
    test.look()
    text = json.dumps(asked)
    for model in test.models:
        assert model["title"] not in text
        assert model["weights"] not in text
    place = f"/api/blind/two/tiles/{asked['question']}"
    left, right = (asked["sides"][side]["token"] for side in ("left", "right"))
    status, heads, png = call(guarded, f"{place}/{left}/0/0/0.png")
    assert status == 200
    assert np.asarray(Image.open(io.BytesIO(png))).shape[2] == 3
    assert png != call(guarded, f"{place}/{right}/0/0/0.png")[2]
    assert heads["ETag"].startswith(f'"{left[:32]}')
    assert call(guarded, f"{place}/{left}/0/0/0.png", token="operator")[0] == 404  # not theirs
    vote = {"question": asked["question"], "choice": "left"}
    assert call(guarded, "/api/blind/two/votes", vote)[0] == 200
    assert json.loads(call(guarded, "/api/blind/two/question")[2])["left"] == 1
    assert b"decided votes" not in call(guarded, "/blind/two")[2]
    assert call(guarded, "/api/blind/two/seen", {})[0] == 200
    assert b"decided vote" in call(guarded, "/blind/two")[2]
    late = {"question": 1 - asked["question"], "choice": "left"}
    assert call(guarded, "/api/blind/two/votes", late)[0] == 400
    test.look()
    assert [(user, n) for user, n in test.votes] == [("viewer (token)", asked["question"])]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/tiles/" + "0" * 64 + "/0/0/0.png", None, 404),
        ("/api/tiles/..%2f..%2faccess/0/0/0.png", None, 404),
        ("/api/tiles/" + "g" * 64 + "/0/0/0.png", None, 422),
        ("/api/compare?data=photos&picture=none", None, 404),
        ("/api/compare?data=../photos&picture=a", None, 404),
        ("/api/compare?data=photos", None, 422),
        ("/api/compare/scores?data=photos&picture=train/a.png&window=1,2,3", None, 422),
        ("/api/compare/thumbs/999.jpg?data=photos@0", None, 404),
        ("/api/blind/none/question", None, 404),
        ("/api/blind/..%2fsweeps/question", None, 404),
        ("/api/blind/two/votes", {"question": 0, "choice": "mine"}, 422),
        ("/api/blind/two/votes", {"question": 99, "choice": "left"}, 400),
        ("/api/blind", {**NEW, "name": "../up"}, 400),
        ("/api/blind", {**NEW, "name": "lr", "models": ["lr", "hr"]}, 400),
        ("/api/blind", {**NEW, "name": "same", "models": ["hr", "hr"]}, 400),
        ("/api/blind", {**NEW, "name": "big", "side": 1024}, 400),
        ("/api/blind", {**NEW, "name": "none", "data": "nowhere"}, 400),
    ],
)
def test_what_cannot_be_gets_a_plain_error(guarded, path, body, status):
    found, _, content = call(guarded, path, body, token="operator")
    assert found == status, content
    assert json.loads(content)["error" if found != 404 or b"error" in content else "detail"]


def test_a_vote_from_another_sites_page_does_not_count(home):
    vote = {"question": 0, "choice": "left"}
    with serving(home) as server:
        for heads in ({}, {"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
            status, _, content = call(
                server, "/api/blind/two/votes", vote, Authorization="", **heads
            )
            assert status == 403, content
