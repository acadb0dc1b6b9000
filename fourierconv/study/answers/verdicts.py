"""What the runs say on each question of the protocol, in sentences: the first is the verdict, by the protocol's rule.

Each function takes the evidence of a question's page and returns its sentences in Markdown, for `Evidence.answer`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fourierconv.study import frames
from fourierconv.study.answers import accuracies, changes, kernels, prices
from fourierconv.study.answers.accuracies import HEADLINE, PLAIN, summaries
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.seeds import NUMBERS, paired, summed, text
from fourierconv.study.answers.trainings import NAMES, narrowed
from fourierconv.study.claims import CLASSIC
from fourierconv.study.protocol import CAN_GROW, CONTENDERS, FIXED, PRIMARY_SIZE, stuck_below
from fourierconv.study.statistics import MATCH_MARGIN, NO_CLAIM

THEIR_GAIN = 0.47  # points, that the predecessor reports
REFUTED, STANDS = "The hope is refuted", "The hope is not refuted"
OPEN, UNKNOWN = "Not answered yet", "It cannot be told from these runs"
SCALED = ("scaled_layer", "scaled_channel", "scaled_layer_7", "scaled_channel_7")
GROWTH = {
    "as the image": "The interval holds 1, growth in proportion to the image",
    "less than the image": "Extents grow, but less than the image does",
    "more than the image": "Extents grow more than the image does",
    "not": "No growth is shown",
    "the other way": "Extents shrink",
    "undecided": "The interval does not tell",
}


def accuracy(evidence: Evidence) -> list[str]:
    """Question 1: whether an interval of a learned size above the best fixed kernel lies below −0.5 points."""
    found = accuracies.beside_best(evidence)
    said = _beside_best(found, "verdict")
    lost = [
        f"{_named(method)} on {NAMES[data]} ({size} px)"
        for (data, method, size), each in sorted(found.items())
        if _whole(each) and each["verdict"] == NO_CLAIM and each["high"] < -MATCH_MARGIN
    ]
    if lost:
        said.append(f"Below −{MATCH_MARGIN} points, but not converged, so no claim: {_listed(lost)}.")
    words = Counter(each["verdict"].split(",")[0] for each in _judged(found, "verdict").values())
    if words:
        counts = _listed([f"{count} × *{word}*" for word, count in words.most_common()])
        said.append(f"Of the {words.total()}: {counts}.")
    return [*said, *_headlines(evidence), *_stuck(evidence, "accuracy", "sweep")]


Comparisons = Mapping[tuple[str, str, int], Mapping[str, Any]]  # by data, method and size


def _judged(found: Comparisons, word: str) -> Comparisons:
    """The comparisons that have all their seeds and support a claim."""
    return {where: each for where, each in found.items() if _whole(each) and each[word] != NO_CLAIM}


def _beside_best(found: Comparisons, word: str) -> list[str]:
    """What question 1's rule says of comparisons with the best fixed kernel, whose verdict is their `word`."""
    known, below = _judged(found, word), defaultdict[tuple[str, str], list[str]](list)
    for (data, method, size), difference in known.items():
        if difference["high"] < -MATCH_MARGIN:
            below[data, method].append(str(size))
    against, pending = sum(map(len, below.values())), sum(not _whole(each) for each in found.values())
    what = "comparisons of a learned size with the best fixed kernel"
    said = [_verdict(against, len(known), len(found), pending, what, "forty")]
    if below:
        shown = [
            f"{_named(method)} on {NAMES[data]} ({', '.join(sizes)} px)" for (data, method), sizes in below.items()
        ]
        said.append(f"The interval lies below −{MATCH_MARGIN} points for {_listed(shown)}.")
    return said


def by_mean(evidence: Evidence) -> list[str]:
    """What the verdicts would be, had gains by twice the training been taken over the mean of the seeds.

    A gain is that of one seed, which may be far from the mean of its cell. The rule of the protocol does not use this.
    """
    beside_best = accuracies.beside_best(evidence)
    compared = {
        f"{_named(method)} on {NAMES[data]} of {size} px, above the best fixed kernel": each
        for (data, method, size), each in beside_best.items()
    }
    for data in CONTENDERS:
        headline = f"{_named(HEADLINE)} on {NAMES[data]} of {PRIMARY_SIZE} px, above "
        others = [*accuracies.headlines(evidence, data), *accuracies.simpler(evidence, data)]
        compared |= {headline + own["name"]: own for own in others if "best fixed" not in own["name"]}
    whole = {name: each for name, each in compared.items() if _whole(each)}
    changed = {name: each for name, each in whole.items() if _word(each["by mean"]) != _word(each["verdict"])}
    return [
        f"Over the mean of the seeds, {len(changed)} of {len(whole)} verdicts would be others.",
        *(f"{name}: {each['by mean']} instead of {each['verdict']}." for name, each in changed.items()),
        f"Question 1 would read: {' '.join(_beside_best(beside_best, 'by mean'))}",
    ]


def _word(verdict: str) -> str:
    """A verdict without what it says of twice the training."""
    return verdict.partition(",")[0]


def _headlines(evidence: Evidence) -> Iterator[str]:
    """Sentences for each data of the primary comparisons."""
    means = summaries(evidence, "accuracy", "accuracy")
    for data in CONTENDERS:
        (own,) = narrowed(means, data=data, size=PRIMARY_SIZE, contender=frames.label(HEADLINE)).to_dict("records")
        if points := _above(accuracies.headlines(evidence, data)):
            accuracy = f"{text(own, '.1f', ' %')}{_seeds(own)}"
            where = f"On {NAMES[data]} of {PRIMARY_SIZE} pixels, {_named(HEADLINE)}"
            yield f"{where} has {accuracy}: {points}."
        if points := _above(accuracies.simpler(evidence, data)):
            yield f"Beside what is simpler it is {points}."


def _above(others: Sequence[Mapping[str, Any]]) -> str:
    """How far a contender is above others, as far as they are run."""
    return _listed(
        [
            f"{text(dict(found), '+.1f', ' points')} above {found['name']} ({_with_seeds(found)})"
            for found in others
            if found["n"]
        ]
    )


def _stuck(evidence: Evidence, *names: str) -> Iterator[str]:
    """Which cells have trainings that ended below twice chance."""
    rows = evidence.of(*names).drop_duplicates("config")
    low = rows["accuracy"].astype(float) < stuck_below(rows["classes"].astype(float))
    shown = []
    for (data, name, size), own in rows.assign(low=low).groupby(["data", "contender", "size"], sort=False):
        if own["low"].any():
            shown.append(f"*{name}* on {NAMES[data]} of {size} pixels, {own['low'].sum()} of {len(own)}")
    if shown:
        yield f"Trainings that ended below twice chance: {_listed(shown)}."


def extents(evidence: Evidence) -> list[str]:
    """Question 2: whether an interval of the last layer's slope does not hold 1, and what each says of growth."""
    slopes = narrowed(kernels.slopes(evidence, "extents"), layer=kernels.LAST)
    found = {}
    for data, own in CONTENDERS.items():
        for method in (name for name in own if name in CAN_GROW):
            slope = summed(narrowed(slopes, data=data, method=method)["slope"].tolist())
            wanted = kernels.seeds_of_slopes(evidence, "extents", data=data, contender=frames.label(method))
            found[f"{_named(method)} on {NAMES[data]}"] = slope | {"wanted": wanted}
    known = {where: slope for where, slope in found.items() if _whole(slope)}
    outside = [where for where, slope in known.items() if not slope["low"] <= 1 <= slope["high"]]
    what = "slopes of a learned size's last layer"
    said = [_verdict(len(outside), len(known), len(found), len(found) - len(known), what, "twenty")]
    growth = {where: kernels.growth({name: slope[name] for name in NUMBERS}) for where, slope in known.items()}
    for word, sentence in GROWTH.items():
        where = [f"{name}, {text(known[name], '.2f')}" for name, own in growth.items() if own == word]
        said += [f"{sentence}: {_listed(where)}."] if where else []
    return [*said, *_cannot_grow(evidence)]


def _cannot_grow(evidence: Evidence) -> Iterator[str]:
    """What the same measure finds for the largest fixed kernels, where the sweep has them at all sizes."""
    if "selection" not in evidence.asked:
        return
    slopes = narrowed(kernels.slopes(evidence, "selection"), layer=kernels.LAST, method=FIXED[-1])
    shown = []
    for data in CONTENDERS:
        slope = summed(narrowed(slopes, data=data)["slope"].tolist())
        shown += [f"{text(slope, '.2f')} on {NAMES[data]}"] if slope["n"] else []
    if shown:
        fixed = f"{frames.label(FIXED[-1])}, whose size is fixed, has {_listed(shown)}"
        yield f"Growth of kernels as wide as small images is no evidence: by the same measure {fixed}."


def predecessor(evidence: Evidence) -> list[str]:
    """Question 3: whether the predecessor's gain lies above the interval, and whether there is any."""
    found = changes.beside_classic(evidence, "predecessor").set_index("method").to_dict("index")
    gain = found["spline_open"]
    if not _whole(gain):
        said = [f"{OPEN}: {gain['n']} of {max(gain['wanted'], 2)} seeds are there."]
    elif gain["high"] < THEIR_GAIN:
        said = [f"A gain of {THEIR_GAIN} points is not found here: it lies above the interval."]
    elif gain["low"] > 0:
        said = ["A gain is confirmed: the interval lies above 0."]
    else:
        said = [f"These seeds cannot tell {THEIR_GAIN} points from 0: the interval holds both."]
    for method, own in found.items():
        if not own["classic"] and own["n"]:
            points = f"{text(own, '+.1f', ' points')} above conv2d 5×5 in this network ({own['verdict']})"
            said.append(f"{_upper(_named(method))} is {points}.")
    means = summaries(evidence, "steps_to_50", "predecessor").set_index("method").to_dict("index")
    steps = [f"{_named(name)} {text(own, '.0f')}, {own['n']} runs" for name, own in means.items() if own["n"]]
    if steps:
        said.append(f"Steps until half of the training images are right, of the runs that got there: {_listed(steps)}.")
    return [*said, *_stuck(evidence, "predecessor")]


def parts(evidence: Evidence) -> list[str]:
    """Question 4: which changes undo the difference from the classic kernels."""
    found = changes.beside_classic(evidence, "parts")
    rows = [row for row in found.to_dict("records") if not row["classic"]]
    known = [row for row in rows if _whole(row)]
    if not known:
        return [f"{OPEN}: 0 of {len(rows)} changes have all their seeds."]
    words = Counter(row["verdict"] for row in known)
    counts = [f"{count} × {word}" for word, count in words.most_common()]
    said = [f"{len(known)} of {len(rows)} changes are measured, beside the classic kernels: {_listed(counts)}."]
    open_, below = (
        [f"*{row['contender']}*" for row in known if changes.holds_zero(row) == side]
        for side in ("the interval holds 0", "below 0")
    )
    if open_:
        said.append(f"The interval holds 0, so that no difference is shown, nor that there is none: {_listed(open_)}.")
    said.append(f"The change undoes the difference, as the interval lies below 0: {_listed(below) or 'nowhere'}.")
    for word in words:
        shown = [f"*{row['contender']}*, {text(row, '+.1f', ' points')}" for row in known if row["verdict"] == word]
        said.append(f"*{_upper(word)}*: {_listed(shown)}.")
    return [*said, *_given(evidence), *_stuck(evidence, "parts")]


def _given(evidence: Evidence) -> Iterator[str]:
    """Whether a spacing that is given does better than one that is learned."""
    rows = [row for row in changes.frozen(evidence).to_dict("records") if row["wanted"]]
    known = [row for row in rows if _whole(row)]
    if known:
        better = sum(row["low"] > 0 for row in known)
        shown = [f"*{row['contender']}*, {text(row, '+.1f', ' points')}" for row in known]
        yield f"Of {len(known)} spacings that all layers are given {better} are above learned ones: {_listed(shown)}."


def coordinates(evidence: Evidence) -> list[str]:
    """Question 5: whether classic kernels in Fourier coordinates do as well with SGD, and gain with Adam."""
    found = {own["optimizer"]: own for own in changes.coordinates(evidence).to_dict("records")}
    word = {
        "the interval holds 0": "With SGD no difference is shown, as it must be",
        "above 0": "With SGD they differ, which needs an explanation",
        "below 0": "With SGD they differ, which needs an explanation",
    }.get(found["SGD"]["difference"], OPEN)
    return [
        f"{word}.",
        *(
            f"With {optimizer}, *spectral* above conv2d 5×5, in points: {own['spectral above conv2d 5×5, points']}."
            for optimizer, own in found.items()
        ),
        *_stuck(evidence, "coordinates"),
    ]


def resolution(evidence: Evidence) -> list[str]:
    """Question 6: at which other sizes a contender of the scaled family is above nn.Conv2d in either sense."""
    found = prices.above_classic(evidence, "resolution")
    found = found[found["method"].isin(SCALED)]
    known = found[(found["n"] > 1) & (found["n"] == found["wanted"])]
    asked = sum(
        evidence.cells("resolution", data=data, method=method)["config"].map(lambda own: len(own.test_sizes)).max()
        for data, own in CONTENDERS.items()
        for method in own
        if method in SCALED and len(evidence.cells("resolution", data=data, method=method))
    )
    if known.empty:
        return [f"{OPEN}: no scaled network with all its seeds was tested at other sizes yet."]
    known = known.assign(above=known["low"] > 0)
    best = known.groupby(["data", "method", "test_size"])["above"].any()
    word = STANDS if best.any() else REFUTED if len(best) == asked else OPEN
    said = [
        f"{word}: scaled kernels are above conv2d 5×5 in {best.sum()} of {len(best)} cases (data, contender, size), in "
        f"one sense at least; of {len(known)} such intervals {len(known) / 40:.1f} would lie above 0 by chance."
    ]
    for (data, method), own in known.groupby(["data", "method"], sort=False):
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
        change = paired(own, narrowed(rows, size=PRIMARY_SIZE, method=method))
        share = summed(narrowed(shares, size=largest, method=method)["share"].tolist())
        if change["n"]:
            found[_named(str(method))] = (change, share)
    if not found:
        return [f"{OPEN}: no network was trained at both {PRIMARY_SIZE} and {largest} pixels yet."]
    means = [change["mean"] for change, _ in found.values()]
    said = [
        f"From {PRIMARY_SIZE} to {largest} pixels accuracy changes by {min(means):+.1f} to {max(means):+.1f} points; "
        f"whether trainings at {largest} pixels converge is not checked."
    ]
    for name, (change, share) in found.items():
        letters = f"its last kernels are {text(share, '.2f')} letters large then"
        said.append(f"{_upper(name)}: {text(change, '+.1f', ' points')}{_seeds(change)}; {letters}.")
    return said


def multiscale(evidence: Evidence) -> list[str]:
    """Question 8: whether scales per channel spread further than at the start, and gain over one per layer."""
    spread = kernels.spreads(evidence, "multiscale")
    spread = spread[spread["contender"] == frames.label("scaled_channel")].to_dict("records")
    rows, asked = evidence.of("multiscale"), evidence.cells("multiscale")
    gain = paired(narrowed(rows, method="scaled_channel"), narrowed(rows, method="scaled_layer"))
    wanted = asked[asked["method"] == "scaled_channel"]["seed"].nunique()
    if not _whole(gain | {"wanted": wanted}):
        return [f"{OPEN}: {gain['n']} of {max(wanted, 2)} seeds are there."]
    words = [own["the scales"] for own in spread]
    if gain["high"] < 0 or set(words) == {"come closer"}:
        word = REFUTED
    else:
        word = STANDS if "spread" in words and gain["low"] > 0 else UNKNOWN
    where = "the scales of a layer at least spread" if "spread" in words else "no layer's scales are shown to spread"
    beside = {
        method: paired(own, narrowed(rows, method="scaled_layer"))
        for method, own in rows.groupby("method", sort=False)
        if not method.startswith("scaled")
    }
    ahead = [
        f"{_named(name)}, {text(own, '+.1f', ' points')}"
        for name, own in beside.items()
        if _whole(own | {"wanted": wanted}) and own["low"] > 0
    ]
    layers = [
        f"layer {own['layer']} {own['learned']}, from {own['p90 / p10 at the start']} ({own['the scales']})"
        for own in spread
    ]
    return [
        f"{word}: {where}, and one per channel is {text(gain, '+.1f', ' points')} above one per layer.",
        *([f"Above one scale per layer, convergence not checked: {_listed(ahead)}."] if ahead else []),
        f"The ratio of the scales' percentiles, p90 / p10: {_listed(layers)}.",
        *_stuck(evidence, "multiscale"),
    ]


def cost(evidence: Evidence) -> list[str]:
    """Question 9: what a training with a learned size takes, relative to a classic one and to the whole sweep."""
    said = []
    for data in CONTENDERS:
        found = prices.costs(evidence, "accuracy", "sweep", data=data, size=PRIMARY_SIZE)
        plain = found[found["contender"] == found["method"].map(frames.label)]
        measured = {name: dict(zip(own["method"], own["ms"], strict=True)) for name, own in plain.groupby("machine")}
        both = [name for name, own in measured.items() if {HEADLINE, CLASSIC} <= own.keys()]
        if not both:
            continue
        machine = max(both, key=lambda name: len(measured[name]))
        ms = measured[machine]
        swept = [ms[method] for method in FIXED if method in ms]
        said.append(
            f"On {NAMES[data]} of {PRIMARY_SIZE} pixels, a training with {_named(HEADLINE)} takes "
            f"{ms[HEADLINE] / ms[CLASSIC]:.1f} times as long as with conv2d 5×5."
        )
        deeper = found[(found["method"] == CLASSIC) & (found["contender"] != frames.label(CLASSIC))]
        for own in deeper[deeper["machine"] == machine].to_dict("records"):
            said[-1] += f" The deeper network with conv2d 5×5 takes {own['ms'] / ms[CLASSIC]:.1f} times as long."
        if len(swept) == len(FIXED):
            said[-1] += (
                f" That is {ms[HEADLINE] / sum(swept):.2f} of the time of one training with each of the {len(FIXED)} "
                "fixed kernels; rates, and the second seed of the choice, are not counted."
            )
    return said or [f"{OPEN}: times of both sides are not measured yet."]


def _whole(found: Mapping[str, Any]) -> bool:
    """Whether all wanted seeds are there, and enough of them for an interval."""
    return bool(found["n"] > 1 and found["n"] >= found["wanted"])


def _verdict(against: int, known: int, asked: int, pending: int, what: str, chance: str) -> str:
    """The sentence that opens an answer which one counterexample decides, with how many there would be by chance."""
    counted = f"{known} of {asked} {what} can be judged"
    if against:
        speak = "1 speaks" if against == 1 else f"{against} speak"
        return f"{REFUTED}: {counted}, and {speak} against it, where by chance one in {chance} would."
    if known == asked:
        return f"{STANDS}: {counted}, and none speaks against it."
    return f"{OPEN if pending else UNKNOWN}: {counted}."


def _named(method: str) -> str:
    """A contender's name, which may hold a comma, in italics."""
    return f"*{frames.label(method)}*"


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)


def _seeds(found: Mapping[str, Any]) -> str:
    return f", {found['n']} seeds" if found["n"] > 1 else ""


def _with_seeds(found: Mapping[str, Any]) -> str:
    """A verdict with its number of seeds, which it says itself where some are missing."""
    return f"{found['verdict']}{_seeds(found) if _whole(found) else ''}"


def _upper(name: str) -> str:
    """A name, or one in italics, with a capital letter."""
    return name[:2].upper() + name[2:] if name.startswith("*") else name[:1].upper() + name[1:]
