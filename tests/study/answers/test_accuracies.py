"""Tables of accuracies say what the runs allow: verdicts, one seed, not converged, not chosen, not run."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import protocol
from fourierconv.study.answers import accuracies, changes, evidence, verdicts
from fourierconv.study.experiments.classification import Config
from tests.study import protocol_runs
from tests.study.protocol_runs import by_contender, doubled, exact, wanted

MAIN = ("accuracy", "sweep", "selection", "convergence")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    protocol_runs.write(folder, "full", measured=exact)
    return folder


def test_a_complete_question_has_all_its_intervals_and_verdicts(whole: Path) -> None:
    found = evidence.load(*MAIN, folder=whole)
    table = by_contender(accuracies.accuracy(found, "accuracy", data="letters"))
    assert table["conv2d 5×5"] == {
        "32 px": "81.0 [81.0, 81.0]<br><small>8 seeds</small>",
        "64 px": "77.0 [77.0, 77.0]<br><small>8 seeds</small>",
        "128 px": "69.0 [69.0, 69.0]<br><small>8 seeds</small>",
    }
    above = by_contender(accuracies.against(found, "accuracy", data="letters"))
    assert "conv2d 5×5" not in above
    assert above["scaled, per channel"]["128 px"] == "+8.3 [+8.1, +8.6]<br><small>beats</small>"
    assert above["conv2d 5×5, deeper"]["128 px"] == "+0.0 [+0.0, +0.0]<br><small>matches</small>"
    best = by_contender(accuracies.against_best(found, "accuracy", data="letters"))
    assert best["scaled, per channel"]["128 px"].startswith("+5.2 [+5.0, +5.4]<br><small>beats</small>")
    assert best["scaled, per channel"]["128 px"].endswith("<small>from conv2d 11×11</small>")
    assert not [name for name in best if name.startswith("conv2d")]


def test_a_network_that_grows_has_as_many_parameters_as_its_sizes_say(tmp_path: Path) -> None:
    def grown(config: Config) -> dict[str, Any]:
        return exact(config) | {"parameters": config.size * 1000 if config.network == "deeper" else 500}

    protocol_runs.write(tmp_path, "full", wanted("accuracy", data="letters"), grown)
    table = accuracies.accuracy(evidence.load(*MAIN, folder=tmp_path), "accuracy", data="letters")
    said = dict(name.split("<br>") for name in table["contender"])
    assert said["conv2d 5×5, deeper"] == "<small>64,000 to 128,000 parameters</small>"
    assert said["spline"] == "<small>500 parameters</small>"


def test_the_primary_comparisons_are_four(whole: Path) -> None:
    table = accuracies.primary(evidence.load(*MAIN, folder=whole))
    assert list(table.iloc[:, 1]) == ["conv2d 5×5", "conv2d 11×11, the best fixed kernel"] * 2
    assert list(table["twice the training adds"]) == ["+0.0 / +0.0"] * 4
    assert list(table["verdict"]) == ["beats"] * 4
    assert list(table["seeds"]) == [8, 5, 8, 3]  # what is chosen gets the others once it is committed


def test_what_is_simpler_stands_beside_the_headline(whole: Path) -> None:
    table = accuracies.beside_simpler(evidence.load(*MAIN, folder=whole))
    (name,) = (column for column in table if "against" in column)
    smaller = [f"conv2d 5×5 on images of {size} px" for size in (32, 64)]
    both = [f"{coordinates} on images of 64 px" for coordinates in ("spectral", "spline")]
    assert list(table[name]) == [*smaller, "spectral", "spline", *both] * 2
    # of `exact`, 8 points and a tenth per seed above conv2d_5, which loses one per 8 pixels, like spectral and spline
    points = ["-3.7 [-3.9, -3.4]", "+0.3 [+0.1, +0.6]", *["+8.2 [+8.0, +8.4]"] * 2, *["+0.2 [+0.0, +0.4]"] * 2]
    assert list(table["points"])[:6] == points
    assert list(table["verdict"])[:6] == ["falls behind", *["beats"] * 5]


def test_the_pilot_has_one_seed_and_no_verdict(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot", measured=exact)
    found = evidence.load(*MAIN, folder=tmp_path)
    table = by_contender(accuracies.accuracy(found, "accuracy", data="letters"))
    assert table["scaled, per channel"] == {"128 px": "87.0 (one seed)"}
    above = by_contender(accuracies.against(found, "accuracy", data="letters"))
    assert above["scaled, per channel"] == {"128 px": "+18.0<br><small>one seed: no verdict</small>"}
    assert set(accuracies.against_best(found, "accuracy", data="letters")["128 px"]) == {"not chosen yet"}
    primary = accuracies.primary(found)
    assert list(primary["points"]) == ["+18.0 (one seed)", "not chosen yet"] * 2
    assert list(primary["verdict"]) == ["one seed: no verdict", "–"] * 2


def test_what_is_not_run_yet_is_said_and_seeds_are_counted(tmp_path: Path) -> None:
    some = [c for c in wanted("accuracy", data="letters", network="convnet") if c.seed < 2 or c.method == "conv2d_5"]
    some = [c for c in some if (c.size, c.method) != (32, "spline")]
    protocol_runs.write(tmp_path, "full", some, exact)
    found = evidence.load(*MAIN, folder=tmp_path)
    table = by_contender(accuracies.accuracy(found, "accuracy", data="letters"))
    assert table["spline"]["32 px"] == "not run yet"
    assert table["spline"]["64 px"] == "77.0 [77.0, 77.0]<br><small>2 of 5 seeds</small>"
    assert table["conv2d 5×5, deeper"] == {"32 px": "", "64 px": "not run yet", "128 px": "not run yet"}
    above = by_contender(accuracies.against(found, "accuracy", data="letters"))
    assert above["spline"]["64 px"] == "+0.0 [+0.0, +0.0]<br><small>2 of 5 seeds: no verdict</small>"
    assert accuracies.primary(found)["points"].tolist()[2:] == ["not run yet", "not chosen yet"]


def test_wide_networks_are_compared_with_wide_ones(tmp_path: Path) -> None:
    def measured(config: Config) -> dict[str, Any]:
        wide = 5.0 * (config.widths == protocol.WIDER and config.method == "conv2d_5")
        return exact(config) | {"accuracy": exact(config)["accuracy"] + wide}

    protocol_runs.write(tmp_path, "full", wanted("accuracy", "parts", "convergence"), measured)
    found = changes.beside_classic(evidence.load("parts", "accuracy", "convergence", folder=tmp_path), "parts")
    rows = found.set_index("contender")
    assert rows.loc["scaled, per channel, 16-32-64 channels", "mean"] == pytest.approx(3.1)
    assert rows.loc["scaled, per channel, reflect padding", "mean"] == pytest.approx(8.1)


# points that twice the training adds, and what that leaves of 8 points above conv2d 5×5
LEFT = [(1.0, "beats"), (4.0, "beats, even twice its training"), (9.0, "not converged: no claim")]


@pytest.mark.parametrize(("gain", "word"), LEFT)
def test_what_has_not_converged_supports_what_more_training_would_not_undo(
    tmp_path: Path, gain: float, word: str
) -> None:
    def slow(config: Config) -> dict[str, Any]:
        return exact(config) | {"accuracy": exact(config)["accuracy"] + gain * doubled(config)}

    protocol_runs.write(tmp_path, "full", wanted("accuracy", "convergence", size=128), slow)
    found = evidence.load(*MAIN, folder=tmp_path)
    above = by_contender(accuracies.against(found, "accuracy", data="letters"))
    assert above["scaled, per channel"]["128 px"].endswith(f"<small>{word}</small>")
    gains = by_contender(accuracies.convergence(found, "accuracy", data="letters"))
    adds = f"{gain:+.1f}{', not converged' * (gain > 2)}; over the mean {gain:+.1f}"
    assert gains["spline"]["128 px"] == f"{69 + gain}<br><small>{adds}</small>"
    assert accuracies.primary(found)["verdict"][0] == word


def test_a_gain_of_a_seed_that_is_far_from_the_others_is_told(tmp_path: Path) -> None:
    def first(config: Config) -> dict[str, Any]:
        low = (config.method, config.size) == ("scaled_channel", 128) and config.seed == 0 and not doubled(config)
        return exact(config) | {"accuracy": exact(config)["accuracy"] - 4.0 * low}

    protocol_runs.write(tmp_path, "full", measured=first)
    found = evidence.load(*MAIN, folder=tmp_path)
    first_said, *others, question = verdicts.by_mean(found)
    assert first_said == "Over the mean of the seeds, 9 of 40 verdicts would be others."
    without_claim = ": (undecided|falls behind) instead of not converged: no claim."
    smaller = [
        f"{name} on images of {size} px" for name, size in (("conv2d 5×5", 32), ("conv2d 5×5", 64), ("spline", 64))
    ]
    for data, name in [("Imagenette", "the best fixed kernel"), *product(("letters", "Imagenette"), smaller)]:
        own = rf"\*scaled, per channel\* on {data} of 128 px, above {name}" + without_claim
        assert sum(re.fullmatch(own, other) is not None for other in others) == 1
    assert question.startswith("Question 1 would read: The hope is refuted: 24 of 24 comparisons")
    assert question.endswith("*scaled 7×7, per channel* on letters (32, 64, 128 px).")
    table = by_contender(accuracies.convergence(found, "accuracy", data="letters"))
    assert table["scaled, per channel"]["128 px"].startswith("77.0<br><small>+4.0, not converged; over the mean +")


def test_the_chosen_kernel_is_the_bold_one_of_the_sweep(whole: Path) -> None:
    table = accuracies.chosen(evidence.load(*MAIN, folder=whole))
    assert list(table["runs"]) == ["16 of 16"] * 6
    assert table["11×11"].str.startswith("<b>").all()
    assert not table["5×5"].str.startswith("<b>").any()


def test_a_chosen_kernel_that_was_not_tested_is_not_compared(tmp_path: Path) -> None:
    configs = [c for c in wanted(*MAIN) if c.validation or c.method != "conv2d_11"]
    protocol_runs.write(tmp_path, "full", configs, exact)
    found = evidence.load(*MAIN, folder=tmp_path)
    best = by_contender(accuracies.against_best(found, "accuracy", data="letters"))
    assert best["scaled, per channel"]["64 px"] == "not run yet<br><small>from conv2d 11×11</small>"


def test_without_any_run_there_are_tables_all_the_same(tmp_path: Path) -> None:
    found = evidence.load(*MAIN, folder=tmp_path)
    assert set(accuracies.accuracy(found, "accuracy", data="letters")["64 px"]) == {"not run yet"}
    assert accuracies.against(found, "accuracy", data="letters").empty
    assert accuracies.against_best(found, "accuracy", data="letters").empty
    assert accuracies.convergence(found, "accuracy", data="letters").empty
    assert set(accuracies.chosen(found)["5×5"]) == {"–"}
    assert list(accuracies.primary(found)["points"]) == ["not run yet", "not chosen yet"] * 2
