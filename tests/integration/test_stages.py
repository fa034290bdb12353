"""Chains of stages on real trainings: shared, inherited, killed and resumed."""

import pytest
from tiny_trainings import Place, history, tiny_recipe, write_pictures

from acutance_models import load_generator
from acutance_platform.recipe import RecipeErrors
from acutance_platform.training import Interrupted
from acutance_storage import get_blob, put_blob

PIXEL = {"kind": "l1", "weight": 1.0}
PRETRAIN, FINETUNE = 20, 10


def chained(finetune="mse", **changes):
    """A recipe of two stages that reports every 10 steps."""
    pretrain = {"steps": PRETRAIN, "loss": {"pixel": PIXEL}}
    after = {"after": "pretrain", "steps": FINETUNE}
    loss = {"pixel": {"kind": finetune, "weight": 1.0}}
    stages = {"pretrain": pretrain, "finetune": {**after, "loss": loss, **changes}}
    return tiny_recipe(stages=stages, evaluation={"every": 10}, plugins=[], ema=0.9)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures):
    return Place(tmp_path, pictures)


def run(training):
    while training.step < PRETRAIN + FINETUNE:
        training.advance()
    return training


def test_two_mixes_on_one_pretrain_pay_for_it_once_and_equal_the_unshared_runs(
    place, tmp_path_factory, pictures
):
    first = run(place.training(chained("mse"), owner="s/t0"))
    second = run(place.training(chained("charbonnier"), owner="s/t1"))
    assert first.keys[0] == second.keys[0]
    assert first.keys[1] != second.keys[1]
    costs = [
        [report.told_by(owner).executed for report in training.reports]
        for training, owner in ((first, "s/t0"), (second, "s/t1"))
    ]
    assert costs == [[10, 10, 10], [0, 0, 10]]
    for mix, shared in (("mse", first), ("charbonnier", second)):
        alone = run(Place(tmp_path_factory.mktemp(mix), pictures).training(chained(mix)))
        assert history(alone.reports) == history(shared.reports)
        assert alone.reports[-1].weights == shared.reports[-1].weights


def test_a_stage_starts_from_the_averaged_weights_of_its_parent(place):
    training = place.training(chained())
    training.advance()
    end = training.advance()
    assert training.step == PRETRAIN
    assert end.weights is not None
    parent = load_generator(get_blob(place.store, end.weights)).state_dict()
    training._follow()
    own = training._stage._learner.generator.state_dict()
    assert all(own[name].equal(value) for name, value in parent.items())


@pytest.mark.parametrize("stop_at", [5, 20, 25])
def test_a_chain_that_stops_anywhere_ends_as_one_that_never_stopped(
    place, stop_at, tmp_path_factory, pictures
):
    whole = run(Place(tmp_path_factory.mktemp("whole"), pictures).training(chained()))
    training = place.training(chained())
    while training.step + 10 <= stop_at:
        training.advance()
    if training.step == PRETRAIN < stop_at:
        training._follow()
    step, left = training._stage._train_step, [stop_at - training.step]

    def counted():
        step()
        left[0] -= 1
        if left[0] == 0:
            training.request_stop()

    training._stage._train_step = counted
    if left[0]:
        with pytest.raises(Interrupted):
            training.advance()
    resumed = place.training(chained())
    assert resumed.step == stop_at
    run(resumed)
    assert history(resumed.reports) == history(whole.reports)
    assert resumed.reports[-1].weights == whole.reports[-1].weights


def test_new_arguments_bring_new_tensors_and_the_rest_is_inherited(place):
    training = place.training(chained(generator={"blocks": 2}))
    while training.step < PRETRAIN:
        training.advance()
    parent = load_generator(get_blob(place.store, training.reports[-1].weights)).state_dict()
    training._follow()
    own = training._stage._learner.generator.state_dict()
    fresh = [name for name in own if name not in parent]
    assert fresh
    assert all(".1." in name for name in fresh), "the second block alone is new"
    assert all(own[name].equal(value) for name, value in parent.items() if name in own)
    run(training)


def test_a_training_may_start_from_a_model(place):
    donor = run(place.training(chained()))
    weights = donor.reports[-1].weights
    recipe = tiny_recipe(plugins=[])
    stage = {"steps": 20, "loss": {"pixel": PIXEL}}
    fresh = place.training({**recipe, "stages": {"train": stage}})
    warm = place.training({**recipe, "stages": {"train": {**stage, "init": f"blob:{weights}"}}})
    assert warm.key != fresh.key
    begins = load_generator(get_blob(place.store, weights)).state_dict()
    own = warm._stage._learner.generator.state_dict()
    assert all(own[name].equal(value) for name, value in begins.items())


def test_each_stage_has_to_have_pictures_of_its_patch(place):
    with pytest.raises(RecipeErrors, match=r"stages.finetune.data.patch"):
        place.training(chained(data={"patch": 66}))


def test_a_missing_parent_is_said_by_name(place):
    training = place.training(chained())
    while training.step < PRETRAIN:
        training.advance()
    sha = training.reports[-1].weights
    (place.local.parent / "store" / "blobs" / sha[:2] / sha).unlink()
    with pytest.raises(Exception, match=sha[:12]):
        place.training(chained()).advance()
    put_blob(place.store, b"")
