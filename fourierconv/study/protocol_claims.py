"""What the protocol's runs say in numbers: differences and slopes that `check` compares with the committed ones.

Each is measured as soon as two seeds of its runs are done. The words that they allow are on the questions' pages, which
also know whether trainings converged.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from statistics import fmean
from typing import Any

from fourierconv.study.claims import CLASSIC, WAITS, Claim, Tables, per_seed, select
from fourierconv.study.experiments.classification import cells_of
from fourierconv.study.protocol import (
    CONTENDERS,
    COORDINATES,
    EPOCHS,
    FIXED,
    HEADLINE,
    PREDECESSOR,
    PRIMARY_SIZE,
    SIZES,
    TUNED_AT,
    best_fixed,
    configs,
    of_committed,
    train,
)
from fourierconv.study.statistics import Interval, loglog_slopes, verdict_beside_controls
from fourierconv.study.training import OPTIMIZERS

NAME = "classification"
LEARNED = {data: tuple(m for m in own if m not in FIXED) for data, own in CONTENDERS.items()}
NO_VERDICT = "no verdict"
POINTS, SLOPE = 0.5, 0.05  # smallest tolerances of a re-run


def by_seed(tables: Tables, column: str, data: str, size: int, method: str, **others: Any) -> dict[int, float]:
    """Return a column by seed, of the runs that `protocol.train` names. Raises ValueError where there are none."""
    cells = cells_of(train(data, size, method, 0, **others))
    del cells["seed"]
    return per_seed(select(tables, NAME, **cells), column)


def gain(
    tables: Tables,
    data: str,
    size: int,
    method: str,
    baseline: str = CLASSIC,
    at: int | None = None,
    other: Any = None,
    **shared: Any,
) -> list[float]:
    """Return, per seed that both have, the points by which a contender is above a baseline.

    The baseline's images have the size `at`, by default the same; `other` are fields of its runs alone, `shared` those
    of both.
    """
    ours = by_seed(tables, "accuracy", data, size, method, **shared)
    theirs = by_seed(tables, "accuracy", data, at or size, baseline, **shared, **(other or {}))
    return [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]


def chosen(tables: Tables, data: str, size: int) -> str:
    """Return the fixed kernel that was chosen for a size. Raises ValueError while none is."""
    tried = {name: by_seed(tables, "accuracy", data, size, name, validation=True) for name in FIXED}
    best = best_fixed({name: list(own.values()) for name, own in tried.items()})
    if best is None:
        raise ValueError(f"no fixed kernel is chosen yet for {data} of {size} pixels")
    return best


def gain_over_best(tables: Tables, data: str, size: int, method: str) -> list[float]:
    """Return, per seed, the points above the fixed kernel that was chosen. Raises ValueError while none is."""
    return gain(tables, data, size, method, chosen(tables, data, size))


def doubling(tables: Tables, data: str, size: int, method: str, over_mean: bool = False, **others: Any) -> float | None:
    """Return the points that twice the training adds to a contender's first seed; None where that is not run yet.

    `over_mean` has them above the mean of all seeds instead.
    """
    try:
        usual = by_seed(tables, "accuracy", data, size, method, **others)
        longer = by_seed(tables, "accuracy", data, size, method, **others, epochs=2 * EPOCHS)
    except ValueError:
        return None
    if 0 not in usual:
        return None
    return longer[0] - (fmean(usual.values()) if over_mean else usual[0])


@of_committed
def _asked() -> dict[tuple[Any, ...], set[int]]:
    """Seeds that the protocol asks for, by all else that identifies a training."""
    found: dict[tuple[Any, ...], set[int]] = {}
    for config in configs("full"):
        cells = cells_of(config)
        seed = cells.pop("seed")
        found.setdefault(tuple(cells.values()), set()).add(seed)
    return found


def seeds_of(data: str, size: int, method: str, **others: Any) -> set[int]:
    """Return the seeds that the protocol asks for, of the runs that `protocol.train` names."""
    cells = cells_of(train(data, size, method, 0, **others))
    del cells["seed"]
    return _asked().get(tuple(cells.values()), set())


def word(
    tables: Tables,
    difference: Interval,
    data: str,
    size: int,
    method: str,
    baseline: str = CLASSIC,
    at: int | None = None,
    over_mean: bool = False,
    **other: Any,
) -> str:
    """Say what a difference of two contenders allows to say beside the controls of both, once all seeds are there.

    `over_mean` takes the controls' gains above the mean of all seeds, which the protocol does not.
    """
    wanted = len(seeds_of(data, size, method) & seeds_of(data, at or size, baseline, **other))
    if difference.n < wanted:
        return f"{difference.n} of {wanted} seeds: {NO_VERDICT}"
    ours = doubling(tables, data, size, method, over_mean)
    theirs = doubling(tables, data, at or size, baseline, over_mean, **other)
    return verdict_beside_controls(difference, ours, theirs)


def word_over_best(
    tables: Tables, difference: Interval, data: str, size: int, method: str, over_mean: bool = False
) -> str:
    """Say what the difference from the best fixed kernel allows to say, beside the controls of both."""
    return word(tables, difference, data, size, method, chosen(tables, data, size), over_mean=over_mean)


def doubt(tables: Tables, difference: Interval, said: Callable[..., str]) -> str:
    """Say in Markdown which word there would be, if another, with the controls' gains above the mean of all seeds."""
    word, by_mean = said(tables, difference), said(tables, difference, over_mean=True)
    same = word.partition(",")[0] == by_mean.partition(",")[0]
    return "" if same else f"; by the mean of the seeds *{by_mean}*"


def slope(tables: Tables, data: str, method: str, **others: Any) -> list[float]:
    """Return, per seed that has all sizes, the log-log slope of the last layer's extent against the image's size."""
    found = {size: by_seed(tables, "extent_3", data, size, method, **others) for size in SIZES}
    seeds: Sequence[int] = sorted(set.intersection(*(set(own) for own in found.values())))
    return loglog_slopes({seed: {size: own[seed] for size, own in found.items()} for seed in seeds})


def parameters(tables: Tables) -> dict[str, str]:
    """Return how many numbers the networks of the headline's comparisons learn, by '<data>_parameters_<network>'.

    They are 'scaled_channel', 'conv2d_5', 'best' (the fixed kernel that was chosen) and 'deeper'.
    """
    found = {}
    for data in CONTENDERS:
        networks = {name: (name, "convnet") for name in HEADLINE}
        for name, (method, network) in (networks | {"best": ("", "convnet"), "deeper": (CLASSIC, "deeper")}).items():
            try:
                own = method or chosen(tables, data, PRIMARY_SIZE)
                count, *_ = by_seed(tables, "parameters", data, PRIMARY_SIZE, own, network=network).values()
                found[f"{data}_parameters_{name}"] = f"{count:,.0f}"
            except (KeyError, ValueError):
                found[f"{data}_parameters_{name}"] = WAITS
    return found


def slope_seeds(data: str, method: str) -> int:
    """Return how many seeds are to have all sizes."""
    return len(set.intersection(*(seeds_of(data, size, method) for size in SIZES)))


def _points(name: str, statement: str, measured: Any, said: Any = None) -> Claim:
    if said is None:
        return Claim(name, statement, measured, "points", POINTS, NAME, _unchecked, may_wait=True)
    return Claim(name, statement, measured, "points", POINTS, NAME, said, partial(doubt, said=said), may_wait=True)


def _unchecked(tables: Tables, difference: Interval) -> str:
    return verdict_beside_controls(difference, None, None)


def _compared(data: str, size: int, method: str) -> list[Claim]:
    """A learned size above the classic kernels, the best fixed ones, and the classic ones in a deeper network."""
    name, where = f"{data}_{method}_{size}", f"On {data} of {size} px, {method} is this many points above"
    plain, best, said, said_best = (
        partial(own, data=data, size=size, method=method) for own in (gain, gain_over_best, word, word_over_best)
    )
    found = [
        _points(name, f"{where} {CLASSIC}.", plain, said),
        _points(f"{name}_best", f"{where} the best fixed kernel.", best, said_best),
    ]
    if size > SIZES[0]:  # where the deeper network is not the plain one
        deeper = partial(gain, data=data, size=size, method=method, other={"network": "deeper"})
        said_deeper = partial(word, data=data, size=size, method=method, network="deeper")
        found.append(_points(f"{name}_deeper", f"{where} {CLASSIC} in the deeper network.", deeper, said_deeper))
    return found


def _simpler(data: str) -> Iterator[Claim]:
    """The headline's learned size above what could do as well without one: smaller images, other coordinates, both."""
    (_, method), size = HEADLINE, PRIMARY_SIZE
    others = [(f"at_{n}", CLASSIC, n, f"{CLASSIC} on images of {n} px") for n in SIZES if n < size]
    others += [(own, own, size, own) for own in COORDINATES]
    others += [(f"{own}_at_{TUNED_AT}", own, TUNED_AT, f"{own} on images of {TUNED_AT} px") for own in COORDINATES]
    for kind, baseline, at, label in others:
        statement = f"On {data} of {size} px, {method} is this many points above {label}."
        measured, said = (
            partial(own, data=data, size=size, method=method, baseline=baseline, at=at) for own in (gain, word)
        )
        yield _points(f"{data}_{method}_{size}_{kind}", statement, measured, said)


def _grown(data: str, method: str, **others: Any) -> Claim:
    statement = f"On {data} with {method}, the last layer's extent grows as the image's size to this power."
    measured = partial(slope, data=data, method=method, **others)
    return Claim(f"{data}_slope_{method}", statement, measured, "", SLOPE, NAME, may_wait=True)


def _predecessor(method: str) -> Claim:
    statement = f"In the predecessor's network on Imagenette, {method} is this many points above {CLASSIC}."
    own = {"network": "predecessor", "widths": PREDECESSOR}
    measured = partial(gain, data="imagenette", size=SIZES[-1], method=method, **own)  # type: ignore[arg-type]
    return _points(f"predecessor_{method}", statement, measured)


def _coordinates(optimizer: str) -> Claim:
    statement = f"With {optimizer} on letters of {TUNED_AT} px, spectral is this many points above {CLASSIC}."
    measured = partial(gain, data="letters", size=TUNED_AT, method="spectral", optimizer=optimizer)
    return _points(f"coordinates_{optimizer}", statement, measured)


PROTOCOL_CLAIMS = [
    *(claim for data, own in LEARNED.items() for cell in product(SIZES, own) for claim in _compared(data, *cell)),
    *(claim for data in CONTENDERS for claim in _simpler(data)),
    *(_grown(data, method) for data, own in LEARNED.items() for method in own),
    *(_grown(data, FIXED[-1], validation=True) for data in LEARNED),  # the sweep's runs; its size cannot be learned
    *map(_predecessor, ("spline_open", "spline")),
    *map(_coordinates, OPTIMIZERS),
]
