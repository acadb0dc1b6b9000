"""Intervals, pairs, slopes and verdicts against known answers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.study.statistics import (
    Interval,
    growth,
    interval,
    loglog_slope,
    loglog_slopes,
    paired_differences,
    reproduction_tolerance,
    t_quantile,
    verdict,
)

# Printed tables of Student's t, two-sided 95 %: number of values (one more than the degrees of freedom), quantile.
T_TABLE = {2: 12.706, 3: 4.303, 5: 2.776, 8: 2.365, 11: 2.228, 31: 2.042}
# values, mean, sd, half width of the interval = t·sd/√n
INTERVALS = [
    ([1.0, 2.0, 3.0], 2.0, 1.0, 4.302653 / math.sqrt(3)),
    ([2.0, 4.0], 3.0, math.sqrt(2), 12.706205),
    ([7.5, 7.5, 7.5], 7.5, 0.0, 0.0),
    # Student's sleep data (1908): extra hours under the second drug less those under the first.
    ([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4], 1.58, 1.229995, 1.58 - 0.7001142),
]
VERDICTS = [
    (0.01, 2.0, "beats"),
    (0.0, 2.0, "matches"),
    (-0.49, 3.0, "matches"),
    (-0.49, -0.1, "matches"),
    (-0.5, 3.0, "undecided"),
    (-9.0, 0.0, "undecided"),
    (-2.0, -0.1, "falls behind"),
]
BAD_SLOPES = [
    ({32: 1.0}, "at least 2 sizes"),
    ({32: 1.0, 64: 0.0}, "positive"),
    ({0: 1.0, 64: 1.0}, "positive"),
]


@pytest.mark.parametrize(("n", "quantile"), T_TABLE.items())
def test_quantiles_are_those_of_the_printed_table(n: int, quantile: float) -> None:
    assert t_quantile(n) == pytest.approx(quantile, abs=5e-4)


@pytest.mark.parametrize(("values", "mean", "sd", "half"), INTERVALS)
def test_intervals_of_known_answer(values: list[float], mean: float, sd: float, half: float) -> None:
    found = interval(values)
    assert (found.mean, found.sd, found.n) == (pytest.approx(mean), pytest.approx(sd, abs=1e-6), len(values))
    assert (found.low, found.high) == (pytest.approx(mean - half), pytest.approx(mean + half))


@pytest.mark.parametrize("values", [[], [1.0]])
def test_one_seed_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match=f"at least 2 values, one per seed, not {len(values)}"):
        interval(values)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_interval_of_numbers_that_are_not_finite_is_an_error(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        interval([1.0, bad])


@given(st.dictionaries(st.integers(), st.floats(-1e6, 1e6), min_size=2), st.floats(-100, 100))
def test_a_constant_gain_is_found_whatever_the_seeds_are(theirs: dict[int, float], gain: float) -> None:
    ours = {seed: value + gain for seed, value in reversed(theirs.items())}
    assert paired_differences(ours, theirs) == pytest.approx([gain] * len(theirs), abs=1e-9)


def test_pairs_follow_the_order_of_the_seeds() -> None:
    assert paired_differences({2: 5.0, 1: 3.0}, {1: 1.0, 2: 1.0}) == [2.0, 4.0]


def test_a_seed_without_its_pair_is_named() -> None:
    with pytest.raises(ValueError, match=r"seeds \[1, 3\] are on one side only"):
        paired_differences({0: 1.0, 1: 1.0}, {0: 1.0, 3: 1.0})


@pytest.mark.parametrize(("low", "high", "words"), VERDICTS)
def test_verdicts(low: float, high: float, words: str) -> None:
    assert verdict(Interval((low + high) / 2, low, high, sd=1.0, n=5)) == words


@pytest.mark.parametrize(
    ("low", "high", "words"), [(-0.2, -0.05, "not"), (-0.2, -0.11, "the other way"), (-0.2, 0.11, "undecided")]
)
def test_extents_that_hardly_shrink_do_not(low: float, high: float, words: str) -> None:
    assert growth(Interval((low + high) / 2, low, high, sd=1.0, n=5)) == words


@given(st.floats(-3, 3), st.floats(0.1, 10), st.lists(st.sampled_from([32, 48, 64, 96, 128]), min_size=2, unique=True))
def test_the_slope_of_a_power_law_is_its_power(power: float, factor: float, sizes: list[int]) -> None:
    assert loglog_slope({size: factor * size**power for size in sizes}) == pytest.approx(power, abs=1e-9)


def test_the_slope_is_that_of_least_squares() -> None:
    # log2 sizes 0, 1, 2 and heights 0, 0, 3: slope = Σ(x − 1)y / Σ(x − 1)² = 3/2, not the 3 of the last pair.
    assert loglog_slope({1: 1.0, 2: 1.0, 4: 8.0}) == pytest.approx(1.5)


@pytest.mark.parametrize(("values", "message"), BAD_SLOPES)
def test_slopes_of_bad_input(values: dict[float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loglog_slope(values)


def test_slopes_come_per_seed_and_need_the_same_sizes() -> None:
    assert loglog_slopes({1: {1: 1.0, 2: 4.0}, 0: {1: 1.0, 2: 2.0}}) == pytest.approx([1.0, 2.0])
    with pytest.raises(ValueError, match=r"same sizes .* 1: \[1, 4\]"):
        loglog_slopes({0: {1: 1.0, 2: 2.0}, 1: {1: 1.0, 4: 4.0}})


def test_the_tolerance_of_a_re_run_is_that_of_two_means_but_never_below_the_floor() -> None:
    assert reproduction_tolerance(sd=2.0, n=8, floor=0.5) == pytest.approx(2.364624 * 2.0 / 2.0)
    assert reproduction_tolerance(sd=0.0, n=8, floor=0.5) == 0.5
