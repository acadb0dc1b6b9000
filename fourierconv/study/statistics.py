"""Means over seeds with Student-t intervals, paired differences, and the words that an interval allows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
MATCH_MARGIN = 0.5  # percentage points
MOST_GAINED = 2.0  # points that twice the training may add where a training counts as converged
NO_CLAIM, UNCHECKED = "not converged: no claim", "convergence not checked"
LEAST_GROWTH = 0.1  # log-log slope of extent against size that counts as growth; those of fixed kernels are 0.01


@dataclass(frozen=True)
class Interval:
    """A mean over `n` seeds with the limits of its 95 % Student-t interval and the standard deviation over seeds."""

    mean: float
    low: float
    high: float
    sd: float
    n: int


def interval(values: Sequence[float]) -> Interval:
    """Return mean ± t(0.975, n−1)·sd/√n of one value per seed. Raises ValueError below 2 values or for a NaN.

    >>> seeds = interval([1.0, 2.0, 3.0])
    >>> print(f"{seeds.mean:.2f} [{seeds.low:.2f}, {seeds.high:.2f}]")
    2.00 [-0.48, 4.48]
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least 2 values, one per seed, not {len(values)}")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"an interval needs finite values, not {list(values)}")
    mean, sd, n = float(np.mean(values)), float(np.std(values, ddof=1)), len(values)
    half = t_quantile(n) * sd / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, sd, n)


def t_quantile(n: int) -> float:
    """Return t(0.975, n−1), the Student-t quantile of a two-sided 95 % interval over n values.

    >>> round(t_quantile(3), 3)
    4.303
    """
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))


def paired_differences(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Return ours − theirs per seed, in the order of the seeds. Raises ValueError for a seed that only one has.

    >>> paired_differences({0: 0.75, 1: 1.0}, {1: 0.5, 0: 0.25})
    [0.5, 0.5]
    """
    if alone := sorted(ours.keys() ^ theirs.keys()):
        raise ValueError(f"a paired difference needs the same seeds on both sides; seeds {alone} are on one side only")
    return [ours[seed] - theirs[seed] for seed in sorted(ours)]


def verdict(difference: Interval) -> str:
    """Say what the interval of a difference in percentage points allows to say: more is better.

    "beats" above 0, "matches" above −0.5 points, "falls behind" where the whole interval is below 0, else "undecided".

    >>> verdict(interval([1.0, 1.1, 1.2])), verdict(interval([-3.0, 0.0, 3.0]))
    ('beats', 'undecided')
    """
    if difference.low > 0:
        return "beats"
    if difference.low > -MATCH_MARGIN:
        return "matches"
    return "falls behind" if difference.high < 0 else "undecided"


def verdict_beside_controls(difference: Interval, ours: float | None, theirs: float | None) -> str:
    """Say what an interval allows to say, given what twice the training adds to both sides, in points.

    Where that is more than `MOST_GAINED`, a side has not converged: then a verdict stands only if it would also against
    the gain of the side that is behind. None is a side without a control.

    >>> above = interval([5.0, 5.1, 5.2])
    >>> verdict_beside_controls(above, 0.3, 1.0), verdict_beside_controls(above, 0.3, None)
    ('beats', 'beats, convergence not checked')
    >>> verdict_beside_controls(above, 0.3, 3.0), verdict_beside_controls(above, 0.3, 6.0)
    ('beats, even twice its training', 'not converged: no claim')
    >>> verdict_beside_controls(interval([-5.0, -5.1, -5.2]), 3.0, 0.3)
    'falls behind, even with twice the training'
    """
    gains = [gain for gain in (ours, theirs) if gain is not None]
    if max(gains, default=0.0) > MOST_GAINED:
        if theirs is not None and difference.low > max(theirs, 0.0):
            return "beats, even twice its training"
        if ours is not None and difference.high < -max(ours, 0.0):
            return "falls behind, even with twice the training"
        return NO_CLAIM
    word = verdict(difference)
    return word if len(gains) == 2 else f"{word}, {UNCHECKED}"


def growth(slope: Interval) -> str:
    """Say what the interval of a log-log slope of extent against size says: 1 is growth in proportion to the image.

    >>> growth(interval([0.9, 1.0, 1.1])), growth(interval([-0.01, 0.0, 0.01])), growth(interval([0.4, 0.5, 0.6]))
    ('as the image', 'not', 'less than the image')
    >>> growth(interval([0.0, 0.4, 0.8])), growth(interval([-0.4, -0.41])), growth(interval([1.4, 1.41]))
    ('undecided', 'the other way', 'more than the image')
    """
    if slope.low > 1:
        return "more than the image"
    if slope.low > LEAST_GROWTH:
        return "as the image" if slope.high >= 1 else "less than the image"
    if slope.high < LEAST_GROWTH:
        return "the other way" if slope.high < -LEAST_GROWTH else "not"
    return "undecided"


def loglog_slope(values: Mapping[float, float]) -> float:
    """Return the least-squares slope of log(value) against log(size): 1 where the value grows with the image.

    Raises ValueError below 2 sizes, or where a size or value is not positive.

    >>> round(loglog_slope({32: 3.0, 64: 6.0, 128: 12.0}), 6)
    1.0
    """
    if len(values) < 2:
        raise ValueError(f"a slope needs at least 2 sizes, not {sorted(values)}")
    if min(*values, *values.values()) <= 0:
        raise ValueError(f"a log-log slope needs positive sizes and values, not {dict(values)}")
    sizes, heights = np.log(list(values.keys())), np.log(list(values.values()))  # (sizes,), (sizes,)
    centred = sizes - sizes.mean()
    return float(centred @ heights / (centred @ centred))


def loglog_slopes(by_seed: Mapping[int, Mapping[float, float]]) -> list[float]:
    """Return the log-log slope of each seed, in the order of the seeds. Raises ValueError where seeds differ in sizes.

    >>> [round(slope, 6) for slope in loglog_slopes({0: {32: 1, 64: 2}, 1: {32: 1, 64: 4}})]
    [1.0, 2.0]
    """
    if len({frozenset(values) for values in by_seed.values()}) > 1:
        sizes = {seed: sorted(values) for seed, values in sorted(by_seed.items())}
        raise ValueError(f"slopes need the same sizes for every seed, not {sizes}")
    return [loglog_slope(values) for _, values in sorted(by_seed.items())]


def reproduction_tolerance(sd: float, n: int, floor: float, new: int | None = None) -> float:
    """Return how far the means of n old and `new` new seeds, or n, may differ: t(0.975, n−1)·sd·√(1/n + 1/new).

    It is at least `floor`; `sd` is that of the old ones.

    >>> round(reproduction_tolerance(sd=1.0, n=8, floor=0.5), 3)
    1.182
    """
    return max(floor, t_quantile(n) * sd * math.sqrt(1 / n + 1 / (new or n)))
