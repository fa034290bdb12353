from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.sweep.placing import Node, Place, Room, Share, bundle_of, node_of
from acutance_platform.sweep.room import require_room, share_of

NODES = [Node("a", 4.0, 1), Node("b", 8.0, 0)]

SHARES = st.builds(
    Share,
    st.sampled_from([0.0, 1.0, 2.0, 3.0]),
    st.sampled_from([0.0, 0.125, 0.25, 1 / 3, 0.4, 0.5, 1.0, 2.0, 4.0]),
)
CLUSTERS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=4).map(
    lambda sizes: [Node(f"n{i}", float(cpus), gpus) for i, (cpus, gpus) in enumerate(sizes)]
)


def test_a_request_that_no_node_can_meet_is_refused_with_what_the_largest_have():
    smaller = Node("c", 2.0, 1)
    with pytest.raises(RecipeErrors, match=r"largest have 4 CPUs, 1 GPUs; 8 CPUs, 0 GPUs\)"):
        require_room(Share(cpu=5, gpu=1), [*NODES, smaller])
    with pytest.raises(RecipeErrors, match="gpu: 2"):  # one here and one there are not two
        require_room(Share(cpu=1, gpu=2), [Node("a", 4.0, 1), Node("b", 4.0, 1)])
    require_room(Share(cpu=8, gpu=0), NODES)
    require_room(Share(cpu=4, gpu=1), NODES)


NAMED = [*NODES, Node("c", 4.0, 0, marks=frozenset({"fast"}))]


def test_legs_for_named_nodes_lie_there_alone():
    room = Room(NAMED)
    assert room.count(Share(1, 0, "fast")) == 4
    assert room.place_for(Share(1, 0, "fast")) == Place("c")
    assert room.place_for(Share(1, 1, "fast")) is None, "it has no GPU"
    barred = Room([replace(node, barred=node.name == "c") for node in NAMED])
    assert barred.place_for(Share(1, 0, "fast")) is None
    assert barred.put(Share(1, 0), Place("c")) == Place("c"), "another sweep's leg lies there"
    assert bundle_of(Share(2, 0.5, "fast")) == {"CPU": 2, "GPU": 0.5, "acutance_fast": 0.001}
    assert bundle_of(Share(2, 0)) == {"CPU": 2}
    assert share_of({"resources": {"cpu": 2, "nodes": "fast"}}, NAMED) == Share(2, 0, "fast")


def test_a_name_that_no_node_has_is_refused_with_those_that_there_are():
    with pytest.raises(RecipeErrors, match=r"there are: fast\).*acutance_slow") as caught:
        require_room(Share(1, 0, "slow"), NAMED)
    assert caught.value.problems[0].place == "resources.nodes"
    with pytest.raises(RecipeErrors, match=r"largest have 4 CPUs, 0 GPUs\)"):
        require_room(Share(8, 0, "fast"), NAMED)


@pytest.mark.parametrize(
    ("share", "slots"),
    [
        (Share(1, 0), 12),
        (Share(3, 0), 3),
        (Share(1, 1 / 3), 3),
        (Share(1, 0.4), 2),
        (Share(2, 1), 1),
        (Share(0, 0), 0),
    ],
)
def test_slots_are_counted_node_by_node_and_gpu_by_gpu(share, slots):
    assert Room(NODES).count(share) == slots


def test_parts_of_two_gpus_do_not_make_one():
    room = Room([Node("a", 9.0, 2)])
    assert [room.put(Share(1, 0.4)).gpus for _ in range(4)] == [(0,), (0,), (1,), (1,)]
    assert room.put(Share(1, 0.4)) is None, "0.2 are left of each"
    assert room.put(Share(1, 0.125)).gpus == (0,)


def test_what_is_seen_somewhere_lies_there():
    room = Room([Node("a", 4.0, 2)])
    room.put(Share(1, 0.5), Place("a", (1,)))
    assert room.place_for(Share(1, 0.25)) == Place("a", (1,)), "the fullest that has room"
    assert room.put(Share(1, 1.0)) == Place("a", (0,))
    assert room.put(Share(1, 0.5), Place("gone", (0,))) == Place("a", (1,))
    assert room.put(Share(1, 0.5), Place("gone", (0,))) is None


def test_auto_is_a_gpu_only_where_there_is_one():
    recipe = {"resources": {"cpu": 2, "gpu": "auto"}}
    assert share_of(recipe, NODES) == Share(2, 1)
    assert share_of(recipe, NODES[1:]) == Share(2, 0)


def test_a_node_may_declare_the_memory_of_its_gpus():
    told = {"NodeID": "0123456789abcdef", "Resources": {"CPU": 4.0, "GPU": 2.0}}
    assert node_of(told) == Node("0123456789ab", 4.0, 2)
    told["Resources"]["gpu_memory_gib"] = 24.0
    assert node_of(told).gpu_memory == 24 * 2**30


@given(CLUSTERS, st.lists(SHARES, max_size=30))
@settings(deadline=None, max_examples=200)
def test_nothing_is_over_full_and_what_is_refused_does_not_fit(nodes, shares):
    room, placed = Room(nodes), []
    for share in shares:
        place = room.put(share)
        if place is not None:
            placed.append((share, place))
            continue
        for node in nodes:  # counted anew, from the places alone
            cpus, gpus = left_of(node, placed)
            whole = [left for left in gpus if left >= min(1.0, share.gpu) - 1e-6]
            enough = len(whole) >= (share.gpu if share.gpu > 1 else 1) or share.gpu == 0
            assert cpus < share.cpu - 1e-6 or not enough
    for node in nodes:
        cpus, gpus = left_of(node, placed)
        assert cpus >= -1e-6
        assert all(left >= -1e-5 for left in gpus)
        assert room.free(node.name)[0] == pytest.approx(cpus)
        assert room.free(node.name)[1] == pytest.approx(gpus)
    for share, place in placed:
        assert len(set(place.gpus)) == (0 if share.gpu == 0 else max(1, share.gpu))


def left_of(node, placed):
    cpus, gpus = node.cpus, [1.0] * node.gpus
    for share, place in placed:
        if place.node == node.name:
            cpus -= share.cpu
            for index in place.gpus:
                gpus[index] -= share.gpu / len(place.gpus)
    return cpus, gpus
