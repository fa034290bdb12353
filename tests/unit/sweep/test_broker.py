import time
from types import SimpleNamespace

import pytest

from acutance_platform.sweep import broker
from acutance_platform.sweep.admission import Allowance, Held
from acutance_platform.sweep.placing import Node, Share

NODES = [Node("a", 4.0, 2)]


@pytest.fixture
def cluster(monkeypatch):
    """A book that may die, without Ray."""
    book, state = broker.Book(), SimpleNamespace(dead=False, killed=0)
    tell = book.tell
    book.tell = lambda *told: {**tell(*told), "grows": False}

    def reached():
        if state.dead:
            raise ConnectionError("the actor is dead")
        method = lambda name: SimpleNamespace(remote=lambda *told: getattr(book, name)(*told))  # noqa: E731
        return SimpleNamespace(tell=method("tell"), leave=method("leave"))

    def get(answer, timeout):
        if state.dead:
            raise TimeoutError
        return answer

    def kill(actor):
        state.killed += 1

    monkeypatch.setattr(broker, "_book", reached)
    monkeypatch.setattr(broker.ray, "get", get)
    monkeypatch.setattr(broker.ray, "kill", kill)
    monkeypatch.setattr(broker, "PERIOD", 0.05)
    monkeypatch.setattr(broker, "LAPSE", 0.6)
    monkeypatch.setattr(broker, "_START", 0.6)
    return state


def until(happened):
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_drivers_hear_of_each_other_and_the_last_one_ends_the_actor(cluster):
    first, second = broker.Seat("first", 0), broker.Seat("second", 1)
    assert first.allowance() == Allowance(0.0, 0.0), "nothing before the first answer"
    share = Share(1, 1)
    first.say(NODES, [Held(share)], [share, share], [share])
    until(lambda: first.allowance() == Allowance(2.0, 2.0))
    second.say(NODES, [], [share], [share])
    until(lambda: first.allowance() == Allowance(1.0, 1.0, (), busy=True))
    assert second.allowance() == Allowance(1.0, 1.0, (Held(share),), busy=True)
    second.leave()
    assert cluster.killed == 0
    until(lambda: first.allowance() == Allowance(2.0, 2.0))
    first.leave()
    assert cluster.killed == 1


def test_a_driver_that_hears_nothing_goes_on_alone_until_it_does(cluster):
    cluster.dead = True
    seat = broker.Seat("only", 0)
    time.sleep(0.8)
    assert seat.allowance() == Allowance(0.0, 0.0), "it has said nothing yet"
    seat.say(NODES, [], [Share(1, 0)], [])
    until(lambda: seat.allowance() is None)
    cluster.dead = False
    until(lambda: seat.allowance() == Allowance(1.0, 0.0))
    cluster.dead = True
    until(lambda: seat.allowance() is None)
    seat.leave()
