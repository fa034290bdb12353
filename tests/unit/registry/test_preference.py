"""What votes say, against published and hand-computed values."""

import pytest
from scipy.stats import binomtest

from acutance_platform.registry.preference import binomial_p, preference, wilson


def test_eight_of_ten():
    found = preference(8, 2, 3)
    assert found.share == 0.8
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert found.p == 112 / 1024  # 2 (1 + 10 + 45) / 2^10
    assert found.neither == 3


@pytest.mark.parametrize(("hits", "of"), [(0, 1), (3, 3), (5, 10), (0, 40), (61, 100), (700, 1300)])
def test_the_same_as_scipy(hits, of):
    told = binomtest(hits, of, 0.5)
    assert binomial_p(hits, of) == pytest.approx(told.pvalue, rel=1e-9)
    assert wilson(hits, of) == pytest.approx(told.proportion_ci(method="wilson"), abs=1e-9)


def test_without_votes_nothing_is_known():
    found = preference(0, 0, 4)
    assert (found.share, found.low, found.high, found.p) == (None, 0.0, 1.0, 1.0)
