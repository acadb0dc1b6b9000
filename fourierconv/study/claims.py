"""The study's claims: each a number with its interval over seeds, checked against the value that was committed.

The list itself is `CLAIMS`, at the end. A claim is met again when a re-run's mean lies as near to the committed one as
the mean of as many new seeds would (`statistics.reproduction_tolerance`), but a difference below the claim's floor is
never held against it: other processors round differently, and training amplifies that even where a few seeds happen to
agree almost exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from fourierconv.study.statistics import (
    Interval,
    interval,
    loglog_slopes,
    paired_differences,
    reproduction_tolerance,
    verdict,
)
from fourierconv.study.store import StudyError
from fourierconv.study.tables import Cell, Row, from_csv

Tables = Mapping[str, Sequence[Row]]  # by name of experiment
WAITS = "waits for runs"
COLUMNS = ("name", "value", "low", "high", "sd", "seeds", "unit", "statement")


@dataclass(frozen=True)
class Claim:
    """A statement of one sentence with the function that measures it: one value per seed, from the tables.

    `experiment` is the one whose table it needs; `unit` is 'points' (percentage points of accuracy, more is better) or
    '' for a ratio or slope. `word` says what a measured difference in points allows to say. One that may wait is not
    measured while runs that it needs are not done. `doubt` is what has to be said after that word, or ''.
    """

    name: str
    statement: str
    per_seed: Callable[[Tables], Sequence[float]]
    unit: str
    floor: float  # smallest tolerance of a re-run, in the claim's unit
    experiment: str = "image_size"
    word: Callable[[Tables, Interval], str] = lambda tables, difference: verdict(difference)
    doubt: Callable[[Tables, Interval], str] = lambda tables, difference: ""
    may_wait: bool = False

    def show(self, measured: Interval) -> str:
        """Write a measured value with its interval.

        >>> Claim("gain", "…", lambda tables: [], "points", 0.5).show(interval([11.9, 12.3, 12.7]))
        '+12.3 points [11.3, 13.3]'
        """
        if self.unit == "points":
            return f"{measured.mean:+.1f} points [{measured.low:.1f}, {measured.high:.1f}]"
        return f"{measured.mean:.2f} [{measured.low:.2f}, {measured.high:.2f}]"


def claims_of(claims: Sequence[Claim], tables: Tables) -> list[Claim]:
    """Return the claims whose experiment is among the tables: not each has runs in every profile."""
    return [claim for claim in claims if claim.experiment in tables]


def measure(claims: Sequence[Claim], tables: Tables) -> dict[str, Interval]:
    """Return each claim's value by its name, without those that wait.

    Raises StudyError, naming the claim, where the tables do not hold it.
    """
    measured = {}
    for claim in claims:
        try:
            measured[claim.name] = interval(claim.per_seed(tables))
        except (KeyError, ValueError) as error:
            if claim.may_wait:
                continue
            raise StudyError(f"claim {claim.name} cannot be measured: {error}") from error
    return measured


def values(claims: Sequence[Claim], tables: Tables, measured: Mapping[str, Interval]) -> dict[str, str]:
    """Return what prose shows of each claim: '<name>', of differences in points '<name>_verdict' and '_doubt', too."""
    shown = {}
    for claim in claims:
        found = measured.get(claim.name)
        shown[claim.name] = WAITS if found is None else claim.show(found)
        if claim.unit == "points":
            shown[f"{claim.name}_verdict"] = WAITS if found is None else claim.word(tables, found)
            shown[f"{claim.name}_doubt"] = "" if found is None else claim.doubt(tables, found)
    return shown


def to_rows(claims: Sequence[Claim], measured: Mapping[str, Interval]) -> list[Row]:
    """Return the rows of claims.csv, whose columns are `COLUMNS`."""
    found = [(claim, measured[claim.name]) for claim in claims]
    return [
        dict(zip(COLUMNS, (c.name, m.mean, m.low, m.high, m.sd, m.n, c.unit, c.statement), strict=True))
        for c, m in found
    ]


def read_expected(path: Path) -> dict[str, Interval]:
    """Return the committed intervals by name, none where there is no file. Raises StudyError for a damaged one."""
    if not path.exists():
        return {}
    try:
        return {str(row["name"]): _interval_of(row) for row in from_csv(path.read_text())}
    except (KeyError, ValueError) as error:
        raise StudyError(f"{path} is damaged ({error}); restore it: git checkout {path}") from error


def _interval_of(row: Row) -> Interval:
    mean, low, high, sd = (float(row[name]) for name in ("value", "low", "high", "sd"))
    return Interval(mean, low, high, sd, int(row["seeds"]))


def check(
    claims: Sequence[Claim], measured: Mapping[str, Interval], expected: Mapping[str, Interval]
) -> tuple[str, bool]:
    """Compare with what was committed: return the table (claim, expected, got, within?) and whether none is outside.

    A committed claim that is no longer measured is outside; one that was never committed has nothing to be outside of.
    """
    lines = [("claim", "expected", "got", "within?")]
    claims = [claim for claim in claims if claim.name in measured]
    for claim in claims:
        got = claim.show(measured[claim.name])
        if claim.name not in expected:
            lines.append((claim.name, "no expectation committed", got, "-"))
            continue
        old = expected[claim.name]
        tolerance = reproduction_tolerance(old.sd, old.n, claim.floor)
        within = abs(measured[claim.name].mean - old.mean) <= tolerance
        lines.append((claim.name, f"{old.mean:.2f} ± {tolerance:.2f}", got, "yes" if within else "NO"))
    gone = expected.keys() - {claim.name for claim in claims}
    lines += [(name, f"{expected[name].mean:.2f}", "no longer measured", "NO") for name in sorted(gone)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    text = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return text, all(within != "NO" for *_, within in lines)


def select(tables: Tables, table: str, **where: Cell) -> list[Row]:
    """Return the rows of a table that have the given cells. Raises ValueError where there are none."""
    found = [row for row in tables[table] if all(row[column] == cell for column, cell in where.items())]
    if not found:
        raise ValueError(f"the table {table} has no row with {where}")
    return found


CLASSIC = "conv2d_5"
LEARNED = ("scaled_layer", "scaled_channel", "window", "spline")
SIZES = (32, 64, 128)  # pixels
OWN_NETWORKS = ("narrow", "wide")


def per_seed(rows: Sequence[Row], column: str) -> dict[int, float]:
    """Return a column by seed. Raises ValueError where two rows share a seed: they are not of one contender then."""
    found = {int(row["seed"]): float(row[column]) for row in rows}
    if len(found) < len(rows):
        raise ValueError(f"{len(rows)} rows for {len(found)} seeds, so they are not of one contender: {rows[:2]}")
    return found


def accuracy_gain(tables: Tables, method: str, size: int, baseline: str = CLASSIC) -> list[float]:
    """Return, per seed, the points of test accuracy (itself in percent) by which a contender is above a baseline."""
    pair = (select(tables, "image_size", size=size, method=name) for name in (method, baseline))
    return paired_differences(*(per_seed(rows, "accuracy") for rows in pair))


def extent_slope(tables: Tables, method: str) -> list[float]:
    """Return, per seed, the log-log slope of the last layer's extent against the image's size."""
    rows = select(tables, "image_size", method=method)
    extents: dict[int, dict[float, float]] = {}
    for size in sorted({float(row["size"]) for row in rows}):
        for seed, extent in per_seed([row for row in rows if row["size"] == size], "extent_3").items():
            extents.setdefault(seed, {})[size] = extent
    return loglog_slopes(extents)


def recovered_ratio(tables: Tables, method: str) -> list[float]:
    """Return, per seed, the median over teachers and inputs of recovered extent / true extent."""
    by_seed: dict[int, list[float]] = {}
    for row in select(tables, "size_recovery", method=method):
        by_seed.setdefault(int(row["seed"]), []).append(float(row["extent"]) / float(row["true_extent"]))
    return [median(ratios) for _, ratios in sorted(by_seed.items())]


def own_networks(rows: Sequence[Row]) -> dict[str, Cell]:
    """Return the widths of a profile's networks by the names of `OWN_NETWORKS`; every profile has networks of its own.

    Raises ValueError where there are not as many networks as names.

    >>> own_networks([{"widths": "8-16-32-32"}, {"widths": "8-16-16-16"}])
    {'narrow': '8-16-16-16', 'wide': '8-16-32-32'}
    """
    widths = {row["widths"] for row in rows}
    return dict(zip(OWN_NETWORKS, sorted(widths, key=lambda text: sum(map(int, str(text).split("-")))), strict=True))


def own_network_gain(tables: Tables, network: str) -> list[float]:
    """Return, per seed, the points of test accuracy by which a converted network is above the one that it was."""
    widths = own_networks(tables["own_network"])[network]
    pair = (select(tables, "own_network", widths=widths, method=name) for name in ("converted", "original"))
    return paired_differences(*(per_seed(rows, "accuracy") for rows in pair))


def export_change(tables: Tables, network: str) -> list[float]:
    """Return, per seed, the points of test accuracy by which an exported network is above the converted one."""
    widths = own_networks(tables["own_network"])[network]
    rows = select(tables, "own_network", widths=widths, method="converted")
    return paired_differences(per_seed(rows, "exported_accuracy"), per_seed(rows, "accuracy"))


CLAIMS = [
    *(
        Claim(
            f"difference_{method}_{size}",
            f"At {size} px, {method} is this many points of test accuracy above {CLASSIC}.",
            partial(accuracy_gain, method=method, size=size),
            "points",
            floor=0.5,
        )
        for method in (*LEARNED, "spectral", "conv2d_11")
        for size in SIZES
    ),
    # The classic kernels in better coordinates: what is left of a gain once Adam's preference for them is taken away.
    *(
        Claim(
            f"over_spectral_{method}_{SIZES[-1]}",
            f"At {SIZES[-1]} px, {method} is this many points of test accuracy above spectral.",
            partial(accuracy_gain, method=method, size=SIZES[-1], baseline="spectral"),
            "points",
            floor=0.5,
        )
        for method in LEARNED
    ),
    *(
        Claim(
            f"slope_{method}",
            f"With {method}, the last layer's extent grows as the image's size to this power.",
            partial(extent_slope, method=method),
            "",
            floor=0.05,
        )
        for method in LEARNED
    ),
    *(
        Claim(
            f"recovered_{method}",
            f"The median over teachers of recovered extent / true extent with {method}.",
            partial(recovered_ratio, method=method),
            "",
            floor=0.05,
            experiment="size_recovery",
        )
        for method in (CLASSIC, "spectral", *LEARNED)
    ),
    *(
        Claim(
            f"own_network_converted_{name}",
            f"The {name} network, converted and then trained, is this many points of test accuracy above the original.",
            partial(own_network_gain, network=name),
            "points",
            floor=0.5,
            experiment="own_network",
        )
        for name in OWN_NETWORKS
    ),
    *(
        Claim(
            f"own_network_exported_{name}",
            f"Exporting the {name} network within a tolerance of 0.01 adds this many points of test accuracy.",
            partial(export_change, network=name),
            "points",
            floor=0.5,
            experiment="own_network",
        )
        for name in OWN_NETWORKS
    ),
]
