"""The draft's two claims, each with one of the four answers that the protocol allows, by the rules that it fixes."""

from collections.abc import Mapping, Sequence
from itertools import product

from fourierconv.study.claims import WAITS
from fourierconv.study.protocol import CAN_GROW, CONTENDERS, FIXED, SIZES
from fourierconv.study.protocol_claims import NO_VERDICT, slope_seeds
from fourierconv.study.statistics import LEAST_GROWTH, UNCHECKED, Interval

DATA = {"letters": "letters", "imagenette": "Imagenette"}
GROWING = {
    "scaled_layer": "one scale per layer",
    "scaled_channel": "one scale per channel",
    "window_31": "the window over 31×31",
}
BESIDE = {
    "": "classic 5×5 kernels",
    "_best": "the best fixed kernels",
    "_deeper": "classic 5×5 kernels in a deeper network",
}
SIMPLER = {  # what could do as well without a learned size; no part of the claim
    "_at_32": "classic 5×5 kernels on the same images at 32 px",
    "_at_64": "classic 5×5 kernels on the same images at 64 px",
    "_spectral": "the classic 5×5 kernels in Fourier coordinates",
    "_spline": "splines, smooth spectra of a fixed smoothness",
    "_spectral_at_64": "kernels in Fourier coordinates at 64 px",
    "_spline_at_64": "splines at 64 px",
}
FOR, AGAINST, OPEN = "it holds", "it does not hold", "it stays open"
Cases = Mapping[tuple[str, str], str]  # by case and data, what it says


def values(measured: Mapping[str, Interval], shown: Mapping[str, str]) -> dict[str, str]:
    """Return what prose shows of both claims: '<claim>' is the answer, '<claim>_cases' a sentence on what it rests on.

    Args:
        measured: slopes of the protocol's claims, by name, as far as their runs are done.
        shown: texts of the protocol's claims, among them '<name>_verdict', as far as there are any.
    """
    slopes = {
        (label, on): _of_slope(measured.get(f"{data}_slope_{method}"), slope_seeds(data, method))
        for data, on in DATA.items()
        for method, label in GROWING.items()
    }
    compared = {
        (label, on): _of_verdict(shown.get(f"{data}_scaled_channel_{SIZES[-1]}{kind}_verdict", WAITS), kind == "_best")
        for data, on in DATA.items()
        for kind, label in BESIDE.items()
    }
    return {
        "draft_sizes": answer(list(slopes.values())),
        "draft_sizes_cases": cases(slopes, "for"),
        "draft_sizes_proportion": proportion(measured),
        "draft_sizes_fixed": fixed(measured),
        "draft_accuracy": answer(list(compared.values())),
        "draft_accuracy_cases": cases(compared, "against"),
        "draft_accuracy_behind": behind(shown),
    }


def answer(found: Sequence[str]) -> str:
    """Sum up what the cases of a claim say.

    >>> answer([FOR, FOR]), answer([AGAINST, AGAINST])
    ('holds', 'does not hold')
    >>> answer([FOR, FOR, OPEN]), answer([FOR, OPEN, AGAINST])  # one of several may hold by chance
    ('holds with conditions', 'is not decided by these runs')
    >>> answer([FOR, WAITS])
    'is not answered yet (1 of 2 cases)'
    """
    if waiting := found.count(WAITS):
        return f"is not answered yet ({len(found) - waiting} of {len(found)} cases)"
    if found.count(FOR) > 1:
        return "holds" if set(found) == {FOR} else "holds with conditions"
    return "does not hold" if set(found) == {AGAINST} else "is not decided by these runs"


def cases(found: Cases, preposition: str) -> str:
    """Name the cases of a claim, those that say the same together; '' before one of them is run.

    >>> cases({("5×5", "letters"): FOR, ("11×11", "letters"): FOR, ("11×11", "photographs"): FOR}, "for")
    'It holds for 5×5 and 11×11 on letters, and for 11×11 on photographs.'
    >>> cases({("5×5", "letters"): FOR, ("5×5", "photographs"): AGAINST}, "against")
    'It holds against 5×5 on letters; it does not hold against 5×5 on photographs.'
    >>> cases({("5×5", "letters"): FOR, ("5×5", "photographs"): WAITS}, "for")
    'It holds for 5×5 on letters. It waits for runs of 5×5 on photographs.'
    """
    kinds = (kind for kind in (FOR, AGAINST, OPEN) if kind in found.values())
    said = "; ".join(f"{kind} {preposition} {_listed(found, kind, preposition)}" for kind in kinds)
    if not said:
        return ""
    waiting = f" It {WAITS} of {_listed(found, WAITS, 'of')}." if WAITS in found.values() else ""
    return f"{said[0].upper()}{said[1:]}.{waiting}"


def proportion(measured: Mapping[str, Interval]) -> str:
    """Count the slopes of learned sizes whose interval leaves out 1; '' before one of them is whole.

    >>> slopes = {f"imagenette_slope_{name}": Interval(0.5, 0.4, 0.6, 0.1, 8) for name in CAN_GROW}
    >>> proportion(slopes | {"letters_slope_scaled_layer": Interval(0.9, 0.7, 1.1, 0.1, 8)})
    'Of 4 slopes of learned sizes, 7×7 coefficients on letters included, 3 exclude 1.'
    """
    whole = [
        slope
        for data, own in CONTENDERS.items()
        for method in own
        if method in CAN_GROW
        and (slope := measured.get(f"{data}_slope_{method}")) is not None
        and slope.n >= slope_seeds(data, method)
    ]
    outside = sum(not slope.low <= 1 <= slope.high for slope in whole)
    said = f"Of {len(whole)} slopes of learned sizes, 7×7 coefficients on letters included, {outside} exclude 1."
    return said if whole else ""


def fixed(measured: Mapping[str, Interval]) -> str:
    """Say what the same measure finds for kernels whose size cannot be learned; '' before their runs.

    >>> fixed({"letters_slope_conv2d_31": Interval(0.34, 0.1, 0.6, 0.1, 2)})
    'Fixed 31×31 kernels, which small images cut off, have slopes of 0.34 on letters.'
    """
    found = [
        f"{slope.mean:.2f} on {on}" for data, on in DATA.items() if (slope := measured.get(f"{data}_slope_{FIXED[-1]}"))
    ]
    k = FIXED[-1].removeprefix("conv2d_")
    return f"Fixed {k}×{k} kernels, which small images cut off, have slopes of {_enumerated(found)}." if found else ""


def behind(shown: Mapping[str, str]) -> str:
    """Name what one scale per channel falls behind at the largest size; '' where it is nothing.

    What it does only by the control of the first seed, not by the mean of all, comes last.

    >>> name = "scaled_channel_128_deeper"
    >>> seen = {f"{data}_{name}_verdict": "falls behind" for data in DATA} | {f"imagenette_{name}_doubt": "; …"}
    >>> behind(seen).replace("classic 5×5 kernels in a deeper network", "deeper ones")
    'One scale per channel falls behind deeper ones on letters; by its first seed alone deeper ones on Imagenette.'
    """
    word, alone, ours = "falls behind", "by its first seed alone", GROWING["scaled_channel"].capitalize()
    found: dict[tuple[str, str], str] = {}
    for (data, on), (kind, label) in product(DATA.items(), (BESIDE | SIMPLER).items()):
        name = f"{data}_scaled_channel_{SIZES[-1]}{kind}"
        if shown.get(f"{name}_verdict", WAITS).startswith(word):
            found[label, on] = alone if shown.get(f"{name}_doubt") else word
    said = "; ".join(f"{kind} {_listed(found, kind, 'behind')}" for kind in (word, alone) if kind in found.values())
    return f"{ours} {said}." if said else ""


def _listed(found: Cases, kind: str, preposition: str) -> str:
    """The cases of a kind, those of the same data together, with the `preposition` of all but the first."""
    by_data: dict[str, list[str]] = {}
    for (case, data), own in found.items():
        if own == kind:
            by_data.setdefault(data, []).append(case)
    return f", and {preposition} ".join(f"{_enumerated(own)} on {data}" for data, own in by_data.items())


def _enumerated(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _of_slope(slope: Interval | None, wanted: int) -> str:
    """Kernels grow where the whole interval is above `LEAST_GROWTH`; one that holds it says nothing."""
    if slope is None or slope.n < wanted:
        return WAITS
    if slope.low > LEAST_GROWTH:
        return FOR
    return AGAINST if slope.high < LEAST_GROWTH else OPEN


def _of_verdict(word: str, match: bool) -> str:
    """What a verdict says of the claim; against the best of a whole sweep a match suffices."""
    if word == WAITS or word.endswith(NO_VERDICT):
        return WAITS
    if word.endswith(UNCHECKED):
        return OPEN
    if word.startswith("beats") or (match and word.startswith("matches")):
        return FOR
    return AGAINST if word.startswith(("matches", "falls behind")) else OPEN
