"""Paired statistics: the numbers of textbooks, the same in every run, and honest about ties."""

import itertools

import numpy as np
import pytest

from acutance_platform.registry.statistics import (
    LEVEL,
    TOO_FEW,
    advantage,
    bootstrap_means,
    holm,
    signed_rank,
)


def test_two_runs_agree_to_the_bit_and_another_seed_draws_anew():
    gained = np.random.default_rng(0).normal(0.1, 0.3, 14)
    assert advantage(gained) == advantage(gained)
    assert advantage(gained).bound != advantage(gained, seed=1).bound


def test_the_bound_is_that_of_the_mean_and_holds_in_about_95_of_100_samples():
    random = np.random.default_rng(1)
    samples = [random.normal(0.2, 1.0, 30) for _ in range(120)]
    below = sum(advantage(gained).bound <= 0.2 for gained in samples)
    assert 0.88 <= below / 120 <= 0.99
    gained = random.normal(0.0, 1.0, 400)
    normal = gained.mean() - 1.645 * gained.std() / 20
    assert advantage(gained).bound == pytest.approx(normal, abs=0.01)


def test_a_large_set_is_drawn_in_parts_and_gives_as_many_means():
    means = bootstrap_means(np.arange(30_000.0), seed=0, draws=70)
    assert means.shape == (70,)
    assert (np.diff(means) >= 0).all()


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.3])
def test_p_and_bound_never_disagree(margin):
    random = np.random.default_rng(2)
    for _ in range(60):
        found = advantage(random.normal(random.uniform(-0.4, 0.4), 0.4, 10), margin=margin)
        assert (found.p <= LEVEL) == (found.bound > -margin)


def test_an_equal_is_no_winner_unless_a_margin_allows_it():
    same = advantage([0.1 + 0.2 - 0.3] * 12)
    assert advantage([0.0] * 12).p == 1.0
    assert advantage([0.0] * 12, margin=0.1).p == 0.0
    assert same.bound == same.mean == pytest.approx(0.0, abs=1e-15)


def test_wilcoxon_equals_counting_every_assignment_of_signs():
    gained = np.array([1.3, -0.4, 2.2, 0.9, -0.1, 3.1, 0.6, 1.7])
    ranks = np.abs(gained).argsort().argsort() + 1
    seen = ranks[gained > 0].sum()
    all_sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in itertools.product([0, 1], repeat=8)
    ]
    assert signed_rank(gained) == pytest.approx(np.mean(np.array(all_sums) >= seen))


def test_wilcoxon_is_not_told_for_few_pictures_and_survives_ties():
    assert signed_rank([1.0] * 7) == TOO_FEW
    assert signed_rank([0.0] * 9) == 1.0
    assert signed_rank([1.0] * 9) < 0.01
    assert signed_rank([0.0, 0.0, *[1.0] * 9]) < 0.05


def test_holm_is_the_example_of_its_paper_and_ends_at_the_first_failure():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == {"a": True, "b": False, "c": False, "d": True}
    assert holm({"a": 0.05}) == {"a": True}
    assert holm({"a": 0.03, "b": 0.03}) == {"a": False, "b": False}
