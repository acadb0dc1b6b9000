"""What the runs say on each question of the protocol, in sentences: the first is the verdict, by the protocol's rule.

Each function takes the evidence of a question's page and returns its sentences in Markdown, for `Evidence.answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from fourierconv.study import frames
from fourierconv.study.answers import changes, choice, kernels, prices
from fourierconv.study.answers.accuracies import HEADLINE, PLAIN, PRIMARY_SIZE, summaries, versus
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.seeds import paired, summed, text, verdict
from fourierconv.study.answers.trainings import NAMES, narrowed
from fourierconv.study.claims import CLASSIC
from fourierconv.study.methods import METHODS
from fourierconv.study.protocol import CONTENDERS, FIXED, SIZES
from fourierconv.study.statistics import MATCH_MARGIN, NO_CLAIM

THEIR_GAIN = 0.47  # points, that the predecessor reports
REFUTED, STANDS, OPEN = "The hope is refuted", "The hope is not refuted", "Not answered yet"
SCALED = ("scaled_layer", "scaled_channel", "scaled_layer_7", "scaled_channel_7")


def accuracy(evidence: Evidence) -> list[str]:
    """Question 1: whether an interval of a learned size above the best fixed kernel lies below −0.5 points."""
    fixed, found = choice.best_fixed(evidence), {}
    for data, own in CONTENDERS.items():
        for method, size in product((name for name in own if METHODS[name].scale_per is not None), SIZES):
            found[data, method, size] = versus(evidence, data, size, method, choice.best_of(fixed, data, size))
    known = {where: each for where, each in found.items() if each["n"] > 1 and each["verdict"] != NO_CLAIM}
    below: dict[tuple[str, str], list[str]] = {}
    for (data, method, size), difference in known.items():
        if difference["high"] < -MATCH_MARGIN:
            below.setdefault((data, method), []).append(str(size))
    shown = [f"{_named(method)} on {NAMES[data]} ({', '.join(sizes)} px)" for (data, method), sizes in below.items()]
    word = _verdict(bool(below), len(known), len(found), "comparisons of a learned size with the best fixed kernel")
    lost = [f"Its interval lies below −{MATCH_MARGIN} points for {_listed(shown)}."] if shown else []
    return [word, *lost, *_headlines(evidence)]


def _headlines(evidence: Evidence) -> Iterator[str]:
    """A sentence for each data of the primary comparisons."""
    fixed, means = choice.best_fixed(evidence), summaries(evidence, "accuracy", "accuracy")
    for data in CONTENDERS:
        best = choice.best_of(fixed, data, PRIMARY_SIZE)
        (own,) = narrowed(means, data=data, size=PRIMARY_SIZE, contender=frames.label(HEADLINE)).to_dict("records")
        beside = {"conv2d 5×5": (CLASSIC, PLAIN), "conv2d 5×5 in the deeper network": (CLASSIC, "deeper")}
        if best is not None and best != CLASSIC:
            beside[f"the best fixed kernel, {frames.label(best)}"] = (best, PLAIN)
        against = {name: versus(evidence, data, PRIMARY_SIZE, HEADLINE, *other) for name, other in beside.items()}
        points = [
            f"{text(found, '+.1f')} points above {name} ({found['verdict']})"
            for name, found in against.items()
            if found["n"]
        ]
        if points:
            seeds = f" over {own['n']} seeds" if own["n"] > 1 else ""
            yield (
                f"On {NAMES[data]} of {PRIMARY_SIZE} pixels, {_named(HEADLINE)} has {text(own, '.1f', ' %')}{seeds}: "
                f"{_listed(points)}."
            )


GROWTH = {
    "as the image": "Extents grow in proportion to the image",
    "less than the image": "They grow, but less than the image does",
    "more than the image": "They grow more than the image does",
    "not": "They do not grow",
    "the other way": "They shrink",
    "undecided": "The interval holds 0 and 1",
}


def extents(evidence: Evidence) -> list[str]:
    """Question 2: whether an interval of the last layer's slope does not hold 1, and which hold 0."""
    slopes = narrowed(kernels.slopes(evidence, "extents"), layer=kernels.LAST)
    found = {
        f"{_named(method)} on {NAMES[data]}": summed(narrowed(slopes, data=data, method=method)["slope"].tolist())
        for data, own in CONTENDERS.items()
        for method in own
        if METHODS[method].scale_per is not None
    }
    known = {where: slope for where, slope in found.items() if slope["n"] > 1}
    outside = [where for where, slope in known.items() if not slope["low"] <= 1 <= slope["high"]]
    said = [_verdict(bool(outside), len(known), len(found), "slopes of a learned size's last layer")]
    for word, sentence in GROWTH.items():
        where = [f"{name}, {text(slope, '.2f')}" for name, slope in known.items() if kernels.growth(slope) == word]
        said += [f"{sentence}: {_listed(where)}."] if where else []
    return said


def predecessor(evidence: Evidence) -> list[str]:
    """Question 3: whether the predecessor's gain lies within the interval, or above it."""
    found = changes.beside_classic(evidence, "predecessor").set_index("method").to_dict("index")
    gain = found["spline_open"]
    said = []
    if gain["n"] > 1:
        inside, below = gain["low"] <= THEIR_GAIN <= gain["high"], gain["high"] < THEIR_GAIN
        where = "within" if inside else "above" if below else "below"
        said.append(
            f"{'The gain is not confirmed' if inside or below else 'The gain is confirmed, and larger'}: {THEIR_GAIN} "
            f"points lie {where} the interval of these runs."
        )
    else:
        said.append(f"{OPEN}: an interval needs two seeds, and there are {gain['n']}.")
    for method, own in found.items():
        if not own["classic"] and own["n"]:
            difference = text(own, "+.1f")
            said.append(f"{_upper(_named(method))} is {difference} points above conv2d 5×5 in this network.")
    means = summaries(evidence, "steps_to_50", "predecessor").set_index("method").to_dict("index")
    steps = [f"{_named(name)} {text(own, '.0f')}" for name, own in means.items() if own["n"]]
    return [*said, *([f"Steps until half of the training images are right: {_listed(steps)}."] if steps else [])]


def parts(evidence: Evidence) -> list[str]:
    """Question 4: which changes undo the difference from the classic kernels."""
    found = changes.beside_classic(evidence, "parts")
    rows = [row for row in found.to_dict("records") if not row["classic"]]
    known = [row for row in rows if row["n"] > 1]
    kept = [f"*{row['contender']}*" for row in known if row["low"] > 0]
    undone = [f"*{row['contender']}*, {text(row, '+.1f')} points" for row in known if row["low"] <= 0]
    if not known:
        return [f"{OPEN}: 0 of {len(rows)} changes have an interval."]
    return [
        f"With {len(known)} of {len(rows)} changes measured, the difference from conv2d 5×5 stays above 0 with "
        f"{len(kept)} and does not with {len(undone)}.",
        *([f"It stays above 0 with {_listed(kept)}."] if kept else []),
        *([f"Its interval does not lie above 0 with {_listed(undone)}."] if undone else []),
    ]


def coordinates(evidence: Evidence) -> list[str]:
    """Question 5: whether classic kernels in Fourier coordinates tie with SGD, and gain with Adam."""
    found = {own["optimizer"]: own for own in changes.coordinates(evidence).to_dict("records")}
    word = {
        "yes": "They tie with SGD, as they must",
        "no": "They do not tie with SGD, which needs an explanation",
        "undecided": "Whether they tie with SGD cannot be told from these seeds",
    }.get(found["SGD"]["within ±0.5"], OPEN)
    return [
        f"{word}.",
        *(
            f"With {optimizer}, *spectral* above conv2d 5×5, in points: {own['spectral above conv2d 5×5, points']}."
            for optimizer, own in found.items()
        ),
    ]


def resolution(evidence: Evidence) -> list[str]:
    """Question 6: at which other sizes a contender of the scaled family is above nn.Conv2d in either sense."""
    found = prices.above_classic(evidence, "resolution")
    found = found[found["method"].isin(SCALED) & (found["n"] > 1)]
    if found.empty:
        return [f"{OPEN}: no scaled network of two seeds was tested at other sizes yet."]
    found = found.assign(above=found["low"] > 0)
    best = found.groupby(["data", "method", "test_size"])["above"].any()
    word, counted = STANDS if best.any() else REFUTED, f"{best.sum()} of {len(best)} sizes"
    said = [f"{word}: scaled kernels are above conv2d 5×5 at {counted}, in one sense at least."]
    for (data, method), own in found.groupby(["data", "method"], sort=False):
        senses = [
            f"{shown} at {int(above.sum())} of {len(above)}"
            for sense, shown in prices.SENSES.items()
            if len(above := narrowed(own, sense=sense)["above"])
        ]
        said.append(f"On {NAMES[data]}, {_named(method)} is above conv2d 5×5 with {' and with '.join(senses)} sizes.")
    return said


def limits(evidence: Evidence) -> list[str]:
    """Question 7: what contenders lose from 128 to 256 pixels, and how large their kernels are then."""
    largest = int(evidence.cells("limits")["size"].max())
    shares, found = kernels.shares(evidence, "limits", data="letters"), {}
    rows = narrowed(evidence.of("limits", "accuracy", data="letters"), network=PLAIN)
    for method, own in narrowed(rows, size=largest).groupby("method", sort=False):
        lost = paired(own, narrowed(rows, size=PRIMARY_SIZE, method=method))
        share = summed(narrowed(shares, size=largest, method=method)["share"].tolist())
        if lost["n"]:
            found[_named(str(method))] = (lost, share)
    if not found:
        return [f"{OPEN}: no network was trained at both sizes yet."]
    ranked = sorted(found, key=lambda name: found[name][0]["mean"])
    least, most = (f"{name}, by {text(found[name][0], '+.1f')} points" for name in (ranked[-1], ranked[0]))
    said = [f"From {PRIMARY_SIZE} to {largest} pixels accuracy changes least with {least}, and falls most with {most}."]
    for name, (lost, share) in found.items():
        letters = f"its last kernels are {text(share, '.2f')} letters large then"
        said.append(f"{_upper(name)}: {text(lost, '+.1f')} points; {letters}.")
    return said


def multiscale(evidence: Evidence) -> list[str]:
    """Question 8: whether scales per channel spread further than at the start, and gain over one per layer."""
    spread = kernels.spreads(evidence, "multiscale")
    spread = spread[spread["contender"] == frames.label("scaled_channel")].to_dict("records")
    rows = evidence.of("multiscale")
    gain = paired(narrowed(rows, method="scaled_channel"), narrowed(rows, method="scaled_layer"))
    if gain["n"] < 2:
        return [f"{OPEN}: an interval needs two seeds, and there are {gain['n']}."]
    spreads = any(own["the scales"] == "spread" for own in spread)
    word = REFUTED if not spreads or gain["low"] <= 0 else STANDS
    layers = "; ".join(
        f"layer {own['layer']} {own['learned']}, from {own['p90 / p10 at the start']} ({own['the scales']})"
        for own in spread
    )
    return [
        f"{word}: scales {'spread in a layer' if spreads else 'spread in no layer'}, and one per channel is "
        f"{text(gain, '+.1f')} points above one per layer ({verdict(gain)}).",
        f"The ratio of the scales' percentiles, p90 / p10: {layers}.",
    ]


def cost(evidence: Evidence) -> list[str]:
    """Question 9: what a training with a learned size takes, relative to a classic one and to the whole sweep."""
    said = []
    for data in CONTENDERS:
        found = prices.costs(evidence, "accuracy", "sweep", data=data, size=PRIMARY_SIZE)
        plain = found[found["contender"] == found["method"].map(frames.label)]
        ms = dict(zip(plain["method"], plain["ms"], strict=True)) if plain["machine"].nunique() == 1 else {}
        if HEADLINE not in ms or CLASSIC not in ms:
            continue
        swept = [ms[method] for method in FIXED if method in ms]
        sweep = f", and {ms[HEADLINE] / sum(swept):.2f} times as long as a sweep over all {len(FIXED)} fixed kernels"
        sweep = sweep if len(swept) == len(FIXED) else ""
        said.append(
            f"On {NAMES[data]} of {PRIMARY_SIZE} pixels, a step with {_named(HEADLINE)} takes "
            f"{ms[HEADLINE] / ms[CLASSIC]:.1f} times as long as with conv2d 5×5{sweep}."
        )
    return said or [f"{OPEN}: times of both sides are not measured yet."]


def _verdict(refuted: bool, known: int, asked: int, what: str) -> str:
    """The sentence that opens an answer which one counterexample decides."""
    counted = f"{known} of {asked} {what} can be judged"
    if refuted:
        return f"{REFUTED}: {counted}, and one that speaks against it is enough."
    return f"{STANDS}: {counted}, and none speaks against it." if known == asked else f"{OPEN}: {counted}."


def _named(method: str) -> str:
    """A contender's name, which may hold a comma, in italics."""
    return f"*{frames.label(method)}*"


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)


def _upper(name: str) -> str:
    """A name in italics with a capital letter."""
    return name[:2].upper() + name[2:]
