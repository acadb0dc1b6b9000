"""The committed results: tables are what the committed runs say, byte for byte, and kept weights fit their networks."""

import re
from collections.abc import Sequence
from itertools import product
from math import log
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from fourierconv.study import claims, draft_claims, frames, protocol, protocol_claims, tables
from fourierconv.study.answers import changes, evidence, kernels
from fourierconv.study.answers.accuracies import summaries
from fourierconv.study.answers.choice import best_fixed
from fourierconv.study.bench import results as bench_results
from fourierconv.study.bench.bounds import OTHERS
from fourierconv.study.experiments import classification, own_network, size_recovery
from fourierconv.study.gpu import results as gpu_results
from fourierconv.study.protocol_claims import PROTOCOL_CLAIMS
from fourierconv.study.statistics import LEAST_GROWTH, Interval, interval, paired_differences, verdict
from fourierconv.study.store import Store, key, repository_root
from fourierconv.study.sweep import sweep_of
from fourierconv.study.tables import Row

EXPERIMENT: Any = classification
COMMITTED = repository_root() / "book" / "results"
COMMAND = re.compile(r'"command": "([^"]*)"')
PROFILES = sorted(path.parent.name for path in COMMITTED.glob(f"*/{EXPERIMENT.NAME}.csv"))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_partial_table_is_that_of_the_committed_runs(profile: str, tmp_path: Path) -> None:
    store = Store(COMMITTED / profile / "runs")
    path = tables.collect(EXPERIMENT, profile, store, tmp_path)
    for made in tables.files(EXPERIMENT, tmp_path):
        assert made.read_text() == (COMMITTED / profile / made.name).read_text()
    assert len(tables.from_csv(path.read_text())) == len(list((store.root / EXPERIMENT.NAME).glob("*.json")))


@pytest.mark.parametrize("profile", PROFILES)
def test_kept_weights_are_those_of_their_runs(profile: str) -> None:
    store = Store(COMMITTED / profile / "runs")
    for config in sweep_of(EXPERIMENT, profile):
        if store.path(EXPERIMENT, config).exists() and config.keep:
            network = EXPERIMENT.network(config, store.weights(EXPERIMENT, config))
            assert sum(p.numel() for p in network.parameters()) > 0


def test_what_pages_say_of_the_quick_profile_in_words() -> None:
    rows = tables.from_csv((COMMITTED / "quick" / "image_size.csv").read_text())
    cells: dict[tuple[Any, Any], dict[Any, float]] = {}
    for row in rows:
        cells.setdefault((row["method"], row["size"]), {})[row["seed"]] = float(row["accuracy"])
    means = {cell: sum(found.values()) / len(found) for cell, found in cells.items()}
    classic = means["conv2d_5", 128]
    learned, simpler = ("scaled_layer", "scaled_channel", "window"), ("spectral", "spline")
    assert min(means[name, 128] for name in (*learned, *simpler)) > classic  # "higher mean accuracies, but so do"
    for one, other in product(learned, simpler):  # "none is shown to be ahead of these"
        assert interval(paired_differences(cells[one, 128], cells[other, 128])).low < 0
    assert means["conv2d_5", 32] > max(mean for (_, size), mean in means.items() if size == 128)  # "could be shrunk"
    loss = {name: means[name, 32] - means[name, 128] for name, size in means if size == 32}
    assert max(loss[name] for name in (*learned, "conv2d_11")) < loss["conv2d_5"]  # "falls less as images grow"
    extents = [
        median(float(row["extent_3"]) for row in rows if (row["method"], row["size"]) == ("window", size))
        for size in (32, 64, 128)
    ]
    assert extents[1] / extents[0] > 1.2 > 1.1 > extents[2] / extents[1]  # "it comes from the smallest images"
    recovered = tables.from_csv((COMMITTED / "quick" / "size_recovery.csv").read_text())
    assert max(float(row["extent"]) for row in recovered if row["method"] == "spline") < 5  # "never beyond 5 pixels"


def test_what_pages_say_of_longer_recovery_in_words() -> None:
    assert size_recovery.STEPS["full"] == 5 * size_recovery.STEPS["quick"]
    few, many = ({name: _ratios(profile, name) for name in size_recovery.METHODS} for profile in ("quick", "full"))
    lost = ("ring_6", "white")
    for profile in (few, many):
        assert max(abs(ratio - 1) for own in profile.values() for ratio in own[lost]) > 0.3
    assert min(abs(ratio - 1) for own in many.values() for ratio in own[lost]) > 0.1  # "stays lost to everyone"
    for teacher, ratios in many["scaled_layer"].items():
        assert all(abs(ratio - 1) <= 0.1 for ratio in ratios) == (teacher != lost)  # "the only exception"
    for kind in ("white", "1/f"):
        short = [ratio for ratio in many["scaled_channel"]["gaussian_8", kind] if ratio < 0.9]
        assert len(short) > 4  # "still ends short on the large Gaussians"
        assert max(many["window"]["gaussian_8", kind]) < 0.75  # "ends where they do"
    for name in ("conv2d_5", "spectral", "spline"):
        for teacher, ratios in many[name].items():
            assert teacher == lost or abs(median(ratios) - median(few[name][teacher])) < 0.05  # "where they were"


def _ratios(profile: str, method: str) -> dict[tuple[Any, Any], list[float]]:
    """Recovered / true extents of a student, by teacher and kind of input."""
    experiment: Any = size_recovery
    found: dict[tuple[Any, Any], list[float]] = {}
    for row in tables.read(experiment, COMMITTED / profile).rows:
        if row["method"] == method:
            found.setdefault((row["teacher"], row["input"]), []).append(float(row["ratio"]))
    return found


def test_what_pages_say_of_your_own_network_in_words() -> None:
    made: Any = own_network
    table = tables.read(made, COMMITTED / "quick")
    seconds = {name: run["duration_s"] for name, run in tables.runs_of(table.provenance).items()}
    narrow, wide = own_network.WIDTHS["quick"]
    times: dict[tuple[Any, str], list[float]] = {}
    for config in own_network.configs("quick"):
        times.setdefault((config.widths, config.method), []).append(seconds[key(made, config)])
    assert min(times[narrow, "converted"]) > 3 * max(times[narrow, "original"])  # "several times as long"
    assert max(times[wide, "original"]) < min(times[narrow, "converted"]) / 3  # "a fraction of its time"
    accuracies: dict[tuple[Any, Any], list[float]] = {}
    for row in table.rows:
        accuracies.setdefault((row["widths"], row["method"]), []).append(float(row["accuracy"]))
    small, large = claims.own_networks(table.rows).values()
    for method in own_network.METHODS:
        assert mean(accuracies[large, method]) > mean(accuracies[small, method])  # "in both forms ... is higher"
    assert abs(mean(accuracies[large, "original"]) - mean(accuracies[small, "converted"])) < 1  # "about the accuracy"


def test_what_pages_say_of_your_own_network_with_more_letters_in_words() -> None:
    made: Any = own_network
    quick, full = (own_network.BUDGETS[profile] for profile in ("quick", "full"))
    assert (quick["classes"], full["classes"], own_network.SEEDS["full"]) == (4, 24, 8)
    assert 5.5 < full["train"] / quick["train"] < 6.5  # "about six times the images"
    assert full["epochs"] == 1.5 * quick["epochs"]
    few, many = (own_network.WIDTHS[profile] for profile in ("quick", "full"))
    assert [tuple(2 * width for width in widths) for widths in few] == list(many)  # "twice the channels"
    rows = {"own_network": tables.read(made, COMMITTED / "full").rows}
    gains = {name: interval(claims.own_network_gain(rows, name)) for name in claims.OWN_NETWORKS}
    assert {verdict(gain) for gain in gains.values()} == {"beats"}  # "both networks gain"
    assert gains["narrow"].mean > gains["wide"].mean  # "the narrow one more"
    assert all(abs(mean(claims.export_change(rows, name))) < 0.1 for name in gains)  # "by less than a tenth of a point"
    widths = claims.own_networks(rows["own_network"])
    reached = {
        (name, method): mean(
            float(row["accuracy"]) for row in claims.select(rows, "own_network", widths=widths[name], method=method)
        )
        for name, method in (("wide", "original"), ("narrow", "converted"))
    }
    assert reached["wide", "original"] < reached["narrow", "converted"]  # "is below the narrow one converted"


def test_what_pages_say_of_a_gpu_in_words() -> None:
    cells, peaks = gpu_results.measured(COMMITTED / "gpu")
    shares: dict[str, list[float]] = {"einsum": [], "torch": []}
    for own in (own for own in cells if own.cell.groups == 1 and own.cell.channels == own.cell.out >= 32):
        for other, found in shares.items():
            if (own.cell.name, other) in peaks:
                found.append(peaks[own.cell.name, "auto"] / peaks[own.cell.name, other])
    assert max(shares["einsum"]) < 1  # "less than what autograd keeps in every dense cell"
    assert 0.4 < mean(share > 0.5 for share in shares["einsum"]) < 0.6  # "more than half in about every other one"
    assert median(shares["torch"]) > 3  # "several times less memory in most cells"


def test_what_was_replaced_is_in_no_table() -> None:
    rows = tables.from_csv((COMMITTED / "full" / "replaced.csv").read_text())
    assert {row["lr"] for row in rows} == {0.003}
    kept = {path.stem for path in (COMMITTED / "full" / "runs" / EXPERIMENT.NAME).glob("*.json")}
    assert len(rows) == len({row["key"] for row in rows} - kept) == 24
    assert all(row["commit"] and row["date"] and row["command"] for row in rows)


def test_what_pages_say_of_the_search_for_rates_in_words() -> None:
    def reached(data: str, method: str) -> float:
        rate = protocol.rate(data, method, "adam")
        assert rate is not None
        seeds = protocol._tuned()[data, "convnet", method, "adam"][rate]
        return sum(seeds.values()) / len(seeds)

    large = [reached("letters", name) for name in ("conv2d_9", "conv2d_11")]
    assert min(large) > reached("letters", "conv2d_5") + 10  # "well ahead of 5×5"
    for data in protocol.CONTENDERS:
        scaled = [reached(data, name) for name in ("scaled_layer", "scaled_channel")]
        fixed = [reached(data, name) for name in ("spectral", "spline")]
        assert min(fixed) > max(scaled)
    assert min(fixed) > reached("imagenette", "window_31")  # "and more on photographs"


def _gain(rows: Sequence[Row], network: str, classic: str) -> Interval:
    """Of one scale per channel in a network, on letters, above its classic kernels, which get nearly all right."""
    own = [row for row in rows if (row["network"], row["data"]) == (network, "letters")]
    ours, theirs = (
        {int(row["seed"]): float(row["accuracy"]) for row in own if row["method"] == method}
        for method in ("scaled_channel", classic)
    )
    assert min(theirs.values()) > 90  # "nearly all letters"
    return interval(paired_differences(ours, theirs))


def _above(rows: Sequence[Row], ours: str, theirs: str, network: str = "convnet", other: str = "convnet") -> Interval:
    """How far one contender is above another on letters of the primary size, in networks that may differ."""
    usual = {"data": "letters", "size": protocol.PRIMARY_SIZE, "epochs": protocol.EPOCHS, "validation": 0}
    usual |= {"optimizer": "adam", "padding_mode": "zeros", "scale": "", "train": protocol.BUDGETS["letters"]["train"]}
    by_seed: list[dict[int, float]] = [{}, {}]
    for found, cell in zip(by_seed, ((ours, network), (theirs, other)), strict=True):
        for row in rows:
            same = (row["method"], row["network"]) == cell and all(row[name] == value for name, value in usual.items())
            if same and row["widths"] != "-".join(map(str, protocol.WIDER)):
                found[int(row["seed"])] = float(row["accuracy"])
    both = by_seed[0].keys() & by_seed[1].keys()
    assert len(both) > 2
    return interval([by_seed[0][seed] - by_seed[1][seed] for seed in sorted(both)])


def test_what_pages_say_of_the_full_profile_in_words() -> None:
    table = tables.read(EXPERIMENT, COMMITTED / "full")
    found = claims.measure(PROTOCOL_CLAIMS, {EXPERIMENT.NAME: table.rows})
    assert found["letters_scaled_channel_128_spectral"].low > 0  # "ahead on letters and behind on photographs"
    assert found["imagenette_scaled_channel_128_spectral"].high < 0
    steps: dict[tuple[str, str, str], list[float]] = {}
    runs = tables.runs_of(table.provenance)
    (accuracy,) = (question for question in protocol.questions("full") if question.name == "accuracy")
    for config in accuracy.configs:
        own = runs.get(key(EXPERIMENT, config))
        if own and own["device"] == "cpu" and config.size == protocol.PRIMARY_SIZE:
            steps.setdefault((config.data, config.network, config.method), []).append(own["step_s"])
    for data in protocol.CONTENDERS:
        assert found[f"{data}_scaled_channel_128_deeper"].high < 0  # "the better remedy", "its step takes less time"
        assert median(steps[data, "deeper", "conv2d_5"]) < median(steps[data, "convnet", "scaled_channel"])
    window, fixed = (found[f"imagenette_slope_{name}"] for name in ("window_31", "conv2d_31"))
    assert LEAST_GROWTH < window.low < window.mean < fixed.mean  # "grow as fast by the same measure"
    assert found["letters_slope_conv2d_31"].mean > 2 * LEAST_GROWTH  # "far above 0.1"
    page = evidence.load("extents", beside=("accuracy", "selection", "chosen"))
    means = summaries(page, "extent_3", "extents", data="letters").set_index(["method", "size"])["mean"]
    best = {row["size"]: row["method"] for row in best_fixed(page).to_dict("records") if row["data"] == "letters"}
    for method, size in product(("scaled_layer", "scaled_channel", "scaled_layer_7", "scaled_channel_7"), (64, 128)):
        own = page.rows[(page.rows["data"] == "letters") & (page.rows["size"] == size)]
        fixed_extent = own.loc[own["method"] == best[size], "extent_3"].astype(float).mean()
        assert means[method, size] > 2 * fixed_extent  # "more than twice its extent"
    plain, deeper = (found[f"letters_scaled_channel_128{other}"].mean for other in ("", "_deeper"))
    gains = {
        name: _gain(table.rows, name, classic) for name, classic in (("twice", "conv2d_5"), ("resnet18", "conv2d_3"))
    }
    assert gains["twice"].low > 0  # "it is still ahead"
    assert gains["twice"].mean < plain / 4  # "by far fewer points"
    assert deeper < 0  # "its classic ones are ahead"
    tried = tables.from_csv((COMMITTED / "full" / "replaced.csv").read_text())
    before = _gain([row for row in tried if row["network"] == "twice"], "twice", "conv2d_5")
    assert verdict(before) == "undecided"  # "at a rate that was tried first ... undecided"
    assert abs(before.mean - gains["twice"].mean) < 0.1  # "as far ahead on the mean"
    over_classic, over_best = (found[f"imagenette_scaled_channel_128{kind}"].mean for kind in ("", "_best"))
    assert over_best > over_classic  # "on test images the classic ones have a higher mean accuracy than they"
    assert gains["resnet18"].low < -0.5 < 0 < gains["resnet18"].high  # "do not tell"
    shown_values = claims.values(PROTOCOL_CLAIMS, {EXPERIMENT.NAME: table.rows}, found)
    kinds = product(protocol.CONTENDERS, draft_claims.BESIDE | draft_claims.SIMPLER)
    doubts = [shown_values[f"{data}_scaled_channel_128{kind}_doubt"] for data, kind in kinds]
    assert sum(map(bool, doubts)) == 4  # "four of its verdicts hang on the first seed"
    both = [found[f"letters_scaled_channel_128_{name}_at_64"] for name in ("spectral", "spline")]
    assert all(own.low < 0 < own.high for own in both)  # "cannot tell from one scale per channel"
    photos = [found[f"imagenette_scaled_channel_128_{name}_at_64"] for name in ("spectral", "spline")]
    assert all(own.high < 0 for own in photos)  # "and more on photographs"
    parts = changes.alone(evidence.load("parts", beside=("accuracy",))).set_index(["contender", "without"])
    shown = (parts["low"] > 0) | (parts["high"] < 0)
    assert shown.mean() < 0.5  # "most changes make no difference that these seeds show"
    assert parts["mean"].idxmin() == ("even spline", "open spline")  # "loses most"
    assert not shown["spline", "open spline"]  # "not shown to gain anything"
    assert parts["mean"].max() > -parts["mean"].min() / 2  # "complex spectra bring most of that back"
    assert (parts["mean"].idxmax(), shown["spline", "even spline"]) == (("spline", "even spline"), True)
    over_layer = [_above(table.rows, name, "scaled_layer") for name in ("hermite", "spacings")]
    assert all(own.low < 0 < own.high for own in over_layer)  # "above one scale per layer neither is shown to be"
    ahead = {name: _above(table.rows, name, "scaled_channel") for name in ("hermite", "spacings")}
    assert min(own.low for own in ahead.values()) > 0  # "other learned sizes did better"
    at: dict[str, Any] = {"data": "letters", "size": protocol.PRIMARY_SIZE}
    plainly = at | {"network": "convnet", "widths": "-".join(map(str, protocol.WIDTHS))}
    sizes = [
        float(claims.select({"": table.rows}, "", **plainly, method=name)[0]["parameters"])
        for name in ("spacings", "scaled_channel")
    ]
    assert sizes[0] > 4 * sizes[1]  # "with several times the parameters"
    level = _above(table.rows, "scaled_channel", "conv2d_5", "twice", "deeper")
    assert level.low < -0.5 < 0 < level.high  # "three seeds do not tell one scale per channel from it"
    small = _above(table.rows, "conv2d_3", "conv2d_5", "resnet18", "deeper")
    assert abs(small.mean) < 0.5  # "reaches on letters about as much"
    deep, *_ = claims.select({"": table.rows}, "", **at, network="deeper")
    residual, *_ = claims.select({"": table.rows}, "", **at, network="resnet18", method="conv2d_3")
    assert 5 < float(deep["parameters"]) / float(residual["parameters"]) < 7  # "with a sixth of them"
    for name in ("open", "full"):
        assert found[f"predecessor_spline{'_open' * (name == 'open')}"].high < 0  # "smooth spectra fall behind"
    plain_step, own_step = (median(steps["letters", "convnet", name]) for name in ("conv2d_5", "scaled_channel"))
    assert own_step > 2 * plain_step  # "more than twice as long"
    quotients = kernels.scales(evidence.load("multiscale"), "multiscale", method="scaled_channel")
    for layer, own in quotients.groupby("layer"):
        spread = interval([log(value) for value in own["spread"]])
        assert (spread.low > log(own["start_spread"].iloc[0])) == (layer == 1)  # "the first layer do spread"
    extents = [float(row["extent_3"]) for row in table.rows if (row["data"], row["method"]) == ("letters", "window_31")]
    assert min(extents) < 1.01  # "until one tap is left"
    assert max(extents) > 20


def test_what_pages_say_of_extents_in_words() -> None:
    page = evidence.load("extents", beside=("accuracy", "parts", "multiscale", "selection", "chosen"))
    photos = kernels.slopes(page, "extents", data="imagenette")
    for method, layer in product(("scaled_layer", "scaled_channel"), kernels.LAYERS):
        own = photos[(photos["method"] == method) & (photos["layer"] == layer)]
        # "only the last layer's are shown to grow"
        assert (interval(own["slope"].tolist()).low > LEAST_GROWTH) == (layer == kernels.LAST)
    grown = kernels.slopes(page, "extents", data="imagenette", size=(64, 128))
    window = grown[(grown["method"] == "window_31") & (grown["layer"] == kernels.LAST)]["slope"].tolist()
    assert interval(window).mean < LEAST_GROWTH  # "from 64 to 128 pixels none is shown on photographs"
    letters = summaries(page, "extent_3", "extents", data="letters").set_index(["method", "size"])["mean"]
    for size in protocol.SIZES:
        assert letters["scaled_layer", size] > size / kernels.SHRUNK  # "kernels cover the layer's whole input"
    methods = ("scaled_layer", "scaled_channel")
    table = kernels.influences(page, "accuracy", "parts", "multiscale", methods=methods)
    extents = {
        (row["contender"], row["images"]): float(row["extent, px"].split(" ")[0]) for row in table.to_dict("records")
    }
    layer, channel = (frames.label(name) for name in methods)
    usual = extents[layer, "letters"]
    starts = [usual, *(extents[f"{layer}, from {start} px", "letters"] for start in (2, 4))]
    assert max(starts) < 1.15 * min(starts)  # "about the same extent from each of three starts"
    assert extents[f"{layer}, scale's rate ×1", "letters"] < 0.8 * usual  # "at a tenth of its rate it grows less"
    assert extents[f"{layer}, scale's rate ×30", "letters"] < 1.1 * usual  # "with the usual one it has arrived"
    few = extents[f"{channel}, 1200 images", "letters"] / extents[channel, "letters"]
    assert 0.9 < few < 1.1  # "a quarter of the images changes nothing that is seen"
    for name in (layer, channel):
        assert extents[name, "letters of mixed sizes"] < 0.8 * extents[name, "letters"]  # "kernels end smaller"
    learned = summaries(page, "accuracy", "multiscale", data="letters_mixed").set_index("method")["mean"]
    assert max(learned[name] for name in methods) < 35  # "hardly learn their task"


def test_what_pages_say_of_coordinates_with_their_own_rates_in_words() -> None:
    rows = tables.read(EXPERIMENT, COMMITTED / "full").rows
    for data, size in product(protocol.CONTENDERS, protocol.SIZES):
        gain = interval(protocol_claims.gain({EXPERIMENT.NAME: rows}, data, size, "spline", "spectral"))
        assert gain.low < 0 < gain.high  # "are still not told apart"
    for data, method in product(protocol.CONTENDERS, ("spline", "spectral")):
        above = protocol_claims.gain({EXPERIMENT.NAME: rows}, data, protocol.PRIMARY_SIZE, method)
        assert mean(above) > 0  # "have higher means"


def test_commands_name_no_folder_of_a_machine() -> None:
    commands = [own for path in sorted(COMMITTED.rglob("*.json")) for own in COMMAND.findall(path.read_text())]
    assert len(commands) > 100
    assert [own for own in commands if any(word.startswith("/") for word in own.split())] == []


def test_what_the_chapter_on_costs_says_of_sequences_in_words() -> None:
    for own in bench_results.measured(COMMITTED / "sequences"):
        times = {name: own.middle(name) / own.middle("auto") for name in OTHERS}
        if own.cell.groups == 1 and own.cell.channels > 1 and own.cell.kernel >= 31:
            assert min(times.values()) > 4, own.cell  # "far ahead of all others"
        elif own.cell.groups > 1 or own.cell.channels == 1:
            whole = own.cell.kernel > own.cell.size / 2
            low, high = (1.5, 2.5) if whole else (0.6, 2)  # "about as fast, sometimes faster", "about twice as long"
            assert low < times["einsum"] < high, own.cell
