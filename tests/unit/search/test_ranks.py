import math

from hypothesis import given
from hypothesis import strategies as st

from acutance_platform.search.front import front
from acutance_platform.search.ranks import order

BOTH = ("max", "min")
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


@given(st.lists(st.integers(-5, 5), max_size=30))
def test_one_objective_is_a_stable_sort(values):
    points = [(float(value),) for value in values]
    assert order(points, ("max",)) == sorted(range(len(values)), key=lambda i: -values[i])
    assert order(points, ("min",)) == sorted(range(len(values)), key=lambda i: values[i])


@given(POINTS)
def test_nothing_comes_before_what_dominates_it(values):
    points = [tuple(map(float, value)) for value in values]
    ranked = order(points, BOTH)
    assert sorted(ranked) == list(range(len(points)))
    rest = ranked
    while rest:
        layer = {rest[k] for k in front([points[i] for i in rest], BOTH)}
        assert set(rest[: len(layer)]) == layer
        rest = rest[len(layer) :]


def test_a_front_is_cut_where_it_stays_spread():
    line = [(float(x), float(x)) for x in range(9)]  # max x, min y: every point is on the front
    assert order(line, BOTH)[:3] == [8, 0, 4]


def test_scales_of_the_objectives_do_not_matter():
    points = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.5), (5.0, 4.0), (7.0, 9.0)]
    wide = [(x * 1e6, y * 1e-6) for x, y in points]
    assert order(points, BOTH) == order(wide, BOTH)


def test_nan_comes_last():
    points = [(1.0, math.nan), (0.0, 3.0), (math.nan, 0.0), (2.0, 1.0)]
    assert order(points, BOTH) == [3, 1, 0, 2]
