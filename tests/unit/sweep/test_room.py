import pytest

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.sweep import room
from acutance_platform.sweep.room import Share, Slots, require_room, share_of


@pytest.fixture
def nodes(monkeypatch):
    made = [{"CPU": 4.0, "GPU": 1.0}, {"CPU": 8.0}]
    monkeypatch.setattr(room, "_nodes", lambda: made)
    return made


def test_a_request_that_no_node_can_meet_is_refused(nodes):
    with pytest.raises(RecipeErrors, match=r"4 CPUs, 1 GPUs; 8 CPUs, 0 GPUs"):
        require_room(Share(cpu=5, gpu=1))
    require_room(Share(cpu=8, gpu=0))
    require_room(Share(cpu=4, gpu=1))


@pytest.mark.parametrize(
    ("share", "slots"),
    [(Share(1, 0), 12), (Share(3, 0), 3), (Share(1, 1 / 3), 3), (Share(2, 1), 1), (Share(0, 0), 0)],
)
def test_slots_are_counted_node_by_node(nodes, share, slots):
    assert Slots(share, None).count() == slots


def test_a_limit_caps_the_slots(nodes):
    assert Slots(Share(1, 0), 2).count() == 2


def test_auto_is_a_gpu_only_where_there_is_one(nodes):
    recipe = {"resources": {"cpu": 2, "gpu": "auto"}}
    assert share_of(recipe) == Share(2, 1)
    del nodes[0]
    assert share_of(recipe) == Share(2, 0)
