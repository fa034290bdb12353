from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.sweep.allotment import Claim, allot

CAPACITIES = st.tuples(st.integers(0, 12).map(float), st.integers(0, 4).map(float))
LEGS = st.tuples(st.sampled_from([1.0, 2.0]), st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0]))


ANY = st.lists(LEGS, max_size=12)


@st.composite
def claims(draw, legs=ANY):
    names = draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1))
    return {
        name: Claim(tuple(draw(legs)), draw(st.integers(-2, 2)), draw(st.integers(0, 3)))
        for name in names
    }


def alike(leg):
    return claims(st.integers(0, 12).map(lambda number: [leg] * number))


def taken(claims, granted):
    legs = [leg for name, number in granted.items() for leg in claims[name].legs[:number]]
    return sum(leg[0] for leg in legs), sum(leg[1] for leg in legs)


@given(claims(), CAPACITIES)
@settings(deadline=None, max_examples=300)
def test_never_over_capacity_and_nothing_idles_that_someone_could_use(claims, capacity):
    granted = allot(claims, capacity)
    used = taken(claims, granted)
    assert used[0] <= capacity[0] + 1e-6
    assert used[1] <= capacity[1] + 1e-6
    for name, claim in claims.items():
        if granted[name] < len(claim.legs):
            cpu, gpu = claim.legs[granted[name]]
            assert used[0] + cpu > capacity[0] or used[1] + gpu > capacity[1]


@given(alike((1.0, 0.25)), CAPACITIES, st.integers(1, 4))
@settings(deadline=None, max_examples=300)
def test_a_higher_priority_never_gets_less(claims, capacity, more):
    before = allot(claims, capacity)
    for name, claim in claims.items():
        raised = Claim(claim.legs, claim.priority + more, claim.since)
        after = allot({**claims, name: raised}, capacity)
        assert after[name] >= before[name]
        assert all(after[n] <= before[n] for n in claims if n != name)


@given(claims(), CAPACITIES)
@settings(deadline=None, max_examples=200)
def test_the_highest_priority_gets_what_it_would_get_alone(claims, capacity):
    top = {**claims, "top": Claim(((1.0, 0.5),) * 5, priority=9)}
    assert allot(top, capacity)["top"] == allot({"top": top["top"]}, capacity)["top"]


@given(alike((1.0, 0.0)), st.integers(0, 20))
@settings(deadline=None, max_examples=200)
def test_equals_share_evenly(claims, cpus):
    equal = {name: Claim(claim.legs, 0, claim.since) for name, claim in claims.items()}
    granted = allot(equal, (float(cpus), 0.0))
    for name, claim in equal.items():
        if granted[name] < len(claim.legs):  # it wants more: nobody has over one more
            assert max(granted.values()) <= granted[name] + 1


def test_of_two_that_want_one_gpu_the_earlier_has_it():
    leg = ((1.0, 1.0),)
    claims = {"a": Claim(leg, 0, since=2.0), "b": Claim(leg, 0, since=1.0)}
    assert allot(claims, (8.0, 1.0)) == {"a": 0, "b": 1}
    claims["a"] = Claim(leg, 1, since=2.0)
    assert allot(claims, (8.0, 1.0)) == {"a": 1, "b": 0}


def test_larger_legs_count_for_more():
    claims = {"whole": Claim(((1.0, 1.0),) * 4), "parts": Claim(((1.0, 0.5),) * 8)}
    assert allot(claims, (16.0, 4.0)) == {"whole": 2, "parts": 4}
