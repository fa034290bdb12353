import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.search.front import front, hypervolume

VALUE = st.one_of(st.integers(0, 4).map(float), st.just(math.nan))
DIRECTION = st.sampled_from(["max", "min"])


@st.composite
def clouds(draw, value=VALUE, largest=12):
    directions = draw(st.lists(DIRECTION, min_size=1, max_size=3))
    point = st.tuples(*[value] * len(directions))
    return draw(st.lists(point, max_size=largest)), directions


def dominates(first, second, directions):
    signs = [1 if direction == "max" else -1 for direction in directions]
    pairs = [(s * a, s * b) for s, a, b in zip(signs, first, second, strict=True)]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


@settings(max_examples=300, deadline=None)
@given(clouds())
def test_the_front_is_what_brute_force_finds(cloud):
    points, directions = cloud
    known = [i for i, point in enumerate(points) if not any(map(math.isnan, point))]
    expected = [
        i for i in known if not any(dominates(points[j], points[i], directions) for j in known)
    ]
    assert front(points, directions) == expected


def test_equal_points_are_on_the_front_together():
    assert front([(1.0, 2.0), (1.0, 2.0), (1.0, 1.0)], ["max", "max"]) == [0, 1]


@settings(max_examples=200, deadline=None)
@given(clouds(value=VALUE, largest=7))
def test_the_hypervolume_is_the_count_of_dominated_unit_cells(cloud):
    points, directions = cloud
    reference = [0.0 if direction == "max" else 5.0 for direction in directions]

    def covered(cell, point):
        return all(
            (low < value if direction == "max" else low >= value)
            for low, value, direction in zip(cell, point, directions, strict=True)
        )

    cells = itertools.product(range(5), repeat=len(directions))
    expected = sum(any(covered(cell, point) for point in points) for cell in cells)
    assert hypervolume(points, directions, reference) == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(clouds(largest=6))
def test_only_the_front_makes_the_hypervolume(cloud):
    points, directions = cloud
    reference = [-1.0 if direction == "max" else 9.0 for direction in directions]
    on_front = [points[i] for i in front(points, directions)]
    assert hypervolume(on_front, directions, reference) == pytest.approx(
        hypervolume(points, directions, reference)
    )


def test_a_point_has_one_value_per_objective():
    with pytest.raises(ValueError, match="one value per objective"):
        front([(1.0,)], ["max", "min"])
