"""No step waits for the store, and what the store does not take is kept on the machine."""

import logging

import chaos_losses
import pytest
from hurdles import Hurdle
from tiny_trainings import STEPS, Place, finish, tiny_recipe, with_loss, write_pictures

from acutance_storage import get_ref, list_refs, verify_store
from acutance_storage.errors import StoreFull, StoreUnreachable


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures):
    made = Place(tmp_path, pictures)
    made.store = Hurdle(made.store)
    yield made
    made.store.gate.set()


@pytest.fixture
def calm(tmp_path_factory, pictures):
    return Place(tmp_path_factory.mktemp("calm"), pictures)


def saved(place):
    return [int(name.rsplit("/", 1)[1]) for name in list_refs(place.store.store, "stages")]


def kept(place):
    """Return the states that wait on this machine."""
    return sorted((place.local / "states").rglob("*.safetensors"))


def test_a_store_that_does_not_answer_holds_up_no_step(place, calm):
    training = place.training(tiny_recipe())
    place.store.gate.clear()
    assert [training.advance().step, training.advance().step] == [20, 40]
    # One is on its way, and of the others the newest report's and what is newer wait.
    assert place.store.most_at_work == 1
    assert saved(place) == []
    assert len(kept(place)) == 2
    place.store.gate.set()
    assert finish(training) == finish(calm.training(tiny_recipe()))
    assert kept(place) == []
    assert STEPS in saved(place)
    assert 40 not in saved(place) or 55 in saved(place)


def test_a_ref_comes_after_its_blob_and_older_ones_go_after_it(place):
    finish(place.training(tiny_recipe()))
    written = [key for key in place.store.written if key.startswith(("blobs/", "refs/stages/"))]
    states = [i for i, key in enumerate(written) if key.startswith("refs/stages/")]
    assert states
    assert all(written[i - 1].startswith("blobs/") for i in states)
    found = verify_store(place.store.store)
    assert (found.damage, found.torn) == ([], [])
    assert len(saved(place)) <= 2


def test_a_store_that_comes_back_gets_everything(place, calm, caplog):
    training = place.training(tiny_recipe())
    place.store.break_down()
    with caplog.at_level(logging.WARNING):
        training.advance()
        training.close()
    assert "no answer from the test" in caplog.text
    assert saved(place) == []
    place.store.fault = None
    assert finish(training) == finish(calm.training(tiny_recipe()))
    assert kept(place) == []


@pytest.mark.parametrize("steps", [20, STEPS])
def test_a_store_that_stays_away_ends_a_training_with_everything_kept(steps, place, calm):
    recipe = tiny_recipe()
    training = place.training(recipe)
    while training.step < steps - 20:
        training.advance()
    place.store.break_down()
    if steps < STEPS:
        training.advance()
        training.request_stop()
    with pytest.raises(StoreUnreachable) as told:
        training.advance()
    if steps < STEPS:
        assert "kept in" in str(told.value)
        assert "acutance resume" in str(told.value)
    del told
    assert len(kept(place)) >= 1
    with pytest.raises(StoreUnreachable):
        place.training(recipe)
    place.store.fault = None
    training.close()
    training = place.training(recipe)
    assert training.step == steps
    assert finish(training) == finish(calm.training(recipe))
    assert kept(place) == []


def test_what_a_dead_process_kept_is_taken_up(place, calm):
    """Its files are there and its lock is free; the store has something older, or the same."""
    recipe = tiny_recipe()
    training = place.training(recipe)
    place.store.break_down()
    training.advance()
    training._stage._states._uploads._join()
    own = training._stage._states._uploads._own
    own[1].release()
    place.store.fault = None
    again = place.training(recipe)
    assert (again.step, saved(place)) == (20, [20])
    assert kept(place) == []
    assert finish(again) == finish(calm.training(recipe))


def test_what_a_living_process_keeps_is_its_own(place):
    training = place.training(tiny_recipe())
    place.store.break_down()
    training.advance()
    training._stage._states._uploads._join()
    place.store.fault = None
    before = kept(place)
    assert before
    assert place.training(tiny_recipe()).step == 0
    assert kept(place) == before
    training.close()
    assert place.training(tiny_recipe()).step == 20


def test_a_rollback_waits_for_the_state_it_goes_back_to(place, calm):
    recipe = tiny_recipe()
    poison = [chaos_losses.mark(calm.batch(recipe, step)) for step in (33,)]
    recipe = with_loss(recipe, poison=poison)
    training = place.training(recipe)
    place.store.break_down()
    training.advance()
    with pytest.raises(StoreUnreachable, match="kept in"):
        training.advance()
    place.store.fault = None
    training.close()
    del training
    assert finish(place.training(recipe)) == finish(calm.training(recipe))
    assert get_ref(place.store, "stages", list_refs(place.store, "stages")[-1])["attempt"] == 1


def test_a_full_store_ends_a_training_soon_and_loses_nothing(place, calm):
    recipe = tiny_recipe()
    training = place.training(recipe)
    training.advance()
    training.close()
    place.store.fill_up()
    with pytest.raises(StoreFull):
        finish(training)
    assert 20 in saved(place)
    place.store.fault = None
    training.close()
    del training
    assert finish(place.training(recipe)) == finish(calm.training(recipe))
