"""Blind tests: what voters may know, what counts, and what other servers write meanwhile."""

import json
import threading

import pytest

from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.requests import acting_as
from acutance_platform.verbs.votes import BlindTest, blind_tests, make_blind_test
from acutance_storage import open_store

MODELS = [
    {"address": name, "title": name, "weights": letter * 64}
    for name, letter in (("one", "a"), ("two", "b"))
]
QUESTIONS = [
    {
        "picture": f"{n % 2}.png",
        "index": n % 2,
        "size": [99, 99],
        "crop": [n, 0, 32, 32],
        "pair": [0, 1],
    }
    for n in range(40)
]


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "store")
    make_blind_test(store, "eyes", models=MODELS, data="photos@0", questions=QUESTIONS)
    return store


def opened(store, name="eyes"):
    test = BlindTest(store, name)
    test.look()
    return test


def test_sides_are_drawn_by_lot_for_each_voter_and_stay(store):
    test = opened(store)
    orders = {user: [test.sides(user, n) for n in range(40)] for user in ("ada", "ben", "cem")}
    for order in orders.values():
        assert 4 <= order.count((0, 1)) <= 36  # else by chance: p < 1e-6
    assert orders["ada"] != orders["ben"] != orders["cem"]
    again = opened(store)
    assert [again.sides("ada", n) for n in range(40)] == orders["ada"]
    assert again.left("ada") != again.left("ben")
    assert sorted(again.left("ada")) == list(range(40))


def test_the_first_answer_counts_and_who_saw_the_results_is_done(store):
    test = opened(store)
    with acting_as("ada"):
        test.vote(3, "left")
        test.vote(3, "right")
        test.vote(4, "none")
    chosen = test.sides("ada", 3)[0]
    found = opened(store).results()[0]
    assert (found["all"].first, found["all"].second) == ((1, 0) if chosen == 0 else (0, 1))
    assert found["all"].neither == 1
    assert found["pictures"]["1.png"].neither == 0
    assert opened(store).left("ada") == [n for n in test.left("ada") if n not in (3, 4)]
    with acting_as("ada"):
        test.show()
        with pytest.raises(RecipeErrors, match="seen the results"):
            test.vote(5, "left")
    assert not opened(store).may_vote("ada")
    assert opened(store).may_vote("ben")
    with pytest.raises(RecipeErrors, match="no such question"):
        test.vote(40, "left")


def test_two_servers_lose_no_vote(store):
    servers = [opened(store), opened(store)]
    for number in range(6):
        with acting_as(f"user{number % 2}"):
            servers[number % 2].vote(number, "left")
    for each in (*servers, opened(store)):
        each.look()
        assert len(each.votes) == 6
        assert each.voters == ["user0", "user1"]


def test_a_vote_names_who_what_and_when(store):
    test = opened(store)
    with acting_as("ada"):
        test.vote(0, "right")
    keys = store.list("journals/votes/eyes/")
    last = json.loads(store.read(sorted(keys)[-1]))["record"]
    left, right = test.sides("ada", 0)
    assert last["user"] == "ada"
    assert last["models"] == [MODELS[left]["weights"], MODELS[right]["weights"]]
    assert (last["model"], last["choice"]) == (right, "right")
    assert (last["picture"], last["crop"]) == ("0.png", [0, 0, 32, 32])
    assert last["time"] > 1.7e9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "eyes"}, "of this name"),
        ({"name": "../up"}, "a name has"),
        ({"models": [MODELS[0], MODELS[0]]}, "two different models"),
        ({"questions": []}, "large enough"),
    ],
)
def test_a_test_that_cannot_be(store, change, said):
    asked = {"name": "new", "models": MODELS, "data": "d@0", "questions": QUESTIONS, **change}
    with pytest.raises(RecipeErrors, match=said):
        make_blind_test(store, asked.pop("name"), **asked)
    assert blind_tests(store) == ["eyes"]
    with pytest.raises(RecipeErrors, match="no blind test"):
        opened(store, "nose")


def test_of_several_who_make_a_test_of_one_name_one_is_there_and_the_others_are_told(store):
    told, together = [], threading.Barrier(6)

    def make():
        together.wait()
        try:
            make_blind_test(store, "race", models=MODELS, data="photos@0", questions=QUESTIONS)
        except RecipeErrors as error:
            told.append(str(error))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) >= 5  # six where the one that wrote it was overtaken before it knew
    assert all("there is a blind test of this name" in said for said in told)
    assert len(opened(store, "race").questions) == len(QUESTIONS)
