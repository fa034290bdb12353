import pytest

from acutance_storage import open_store
from acutance_storage.leases import PATIENCE, Leases

KEY = "ab" * 32


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def two(tmp_path, clock):
    store = open_store(tmp_path / "store")
    return Leases(store, "one", clock=clock), Leases(store, "two", clock=clock)


def test_a_lease_is_held_for_others_until_it_is_let_go(two, clock):
    one, other = two
    assert not other.held_by_another(KEY)
    one.take(KEY)
    clock.now += 5
    assert other.held_by_another(KEY)
    assert not one.held_by_another(KEY)
    one.let_go(KEY)
    clock.now += 5
    assert not other.held_by_another(KEY)


def test_a_lease_lapses_without_signs_of_life(two, clock):
    one, other = two
    one.take(KEY)
    clock.now += PATIENCE - 1
    assert other.held_by_another(KEY)
    one.beat()
    clock.now += PATIENCE - 1
    assert other.held_by_another(KEY)
    clock.now += 2
    assert not other.held_by_another(KEY)


def test_an_owner_that_comes_back_is_not_held_up_by_itself(two, clock, tmp_path):
    one, _ = two
    one.take(KEY)
    again = Leases(open_store(tmp_path / "store"), "one", clock=clock)
    assert not again.held_by_another(KEY)


def test_damage_holds_nobody_up(two, clock, tmp_path):
    _, other = two
    store = open_store(tmp_path / "store")
    store.write(f"leases/{KEY}.json", b"{")
    assert not other.held_by_another(KEY)


def test_everything_is_given_back_at_the_end(two, clock):
    one, other = two
    with one.beating():
        one.take(KEY)
        assert other.held_by_another(KEY)
    clock.now += 5
    assert not other.held_by_another(KEY)
