"""The sentences of each question follow the protocol's rules, on runs whose differences are known by construction."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import protocol
from fourierconv.study.answers import evidence, verdicts
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.experiments.classification import Config
from tests.study import protocol_runs
from tests.study.protocol_runs import exact, metrics, wanted

PAGES: dict[str, tuple[str, ...]] = {
    "accuracy": ("accuracy", "sweep", "selection", "convergence"),
    "extents": ("extents",),
    "predecessor": ("predecessor",),
    "parts": ("parts", "frozen", "accuracy", "convergence"),
    "coordinates": ("coordinates",),
    "resolution": ("resolution",),
    "limits": ("limits", "accuracy"),
    "multiscale": ("multiscale",),
    "cost": ("accuracy", "sweep"),
}
Measured = Callable[[Config], dict[str, Any]]


def shifted(points: float, **where: Any) -> Measured:
    """Exact runs, but those with the given fields are more accurate by so many points."""

    def measured(config: Config) -> dict[str, Any]:
        found = exact(config)
        own = all(getattr(config, name) == value for name, value in where.items())
        at_sizes = {
            sense: {size: accuracy if accuracy is None else accuracy + points for size, accuracy in sizes.items()}
            for sense, sizes in found["at_sizes"].items()
        }
        return found | {"accuracy": found["accuracy"] + points, "at_sizes": at_sizes} if own else found

    return measured


def load(folder: Path, question: str, measured: Measured = exact, **where: Any) -> Evidence:
    protocol_runs.write(folder, "full", wanted(*PAGES[question], **where), measured)
    return evidence.load(*PAGES[question], folder=folder)


@pytest.mark.parametrize("question", PAGES)
def test_of_the_pilot_nothing_is_answered(question: str, tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    found = evidence.load(*PAGES[question], folder=tmp_path)
    shown = found.answer(getattr(verdicts, question)(found)).data
    assert shown.startswith(f"**{evidence.PILOT_BANNER}**\n\n**")
    if question != "cost":  # whose times are the pilot's, too
        assert "Not answered yet" in shown


@pytest.mark.parametrize("question", PAGES)
def test_without_runs_it_says_so(question: str, tmp_path: Path) -> None:
    found = evidence.load(*PAGES[question], folder=tmp_path)
    assert found.answer(getattr(verdicts, question)(found)).data == "**Not run yet.**"


def test_one_learned_size_below_the_best_fixed_kernel_refutes(tmp_path: Path) -> None:
    verdict, lost, words, letters, simpler, photos, _ = verdicts.accuracy(load(tmp_path, "accuracy"))
    assert verdict.startswith("The hope is refuted: 24 of 24")  # by the 7×7 ones, three points behind conv2d_11
    assert "and 6 speak against it" in verdict
    assert "*scaled 7×7, per layer* on letters (32, 64, 128 px)" in lost
    assert "*scaled, per channel* on" not in lost
    assert "window 5×5" not in lost  # a control
    assert words == "Of the 24: 18 × *beats*; 6 × *falls behind*."
    assert letters.startswith("On letters of 128 pixels, *scaled, per channel* has 77.4 %")
    assert ", 8 seeds: +8.3 points [+8.1, +8.6] above conv2d 5×5 (beats, 8 seeds);" in letters
    assert "above conv2d 11×11, the best fixed kernel (beats, 3 seeds)" in photos
    assert simpler.startswith(
        "Beside what is simpler it is -3.7 points [-3.9, -3.4] above conv2d 5×5 on images of 32 px"
    )


def test_trainings_that_stayed_at_chance_are_counted(tmp_path: Path) -> None:
    def stuck(config: Config) -> dict[str, Any]:
        low = (config.data, config.method, config.size) == ("letters", "conv2d_31", 64)
        accuracy = 5.0 if config.seed > 0 else 10.0  # of 24 letters twice chance is 8.3
        return exact(config) | ({"accuracy": accuracy} if low else {})

    *_, said = verdicts.accuracy(load(tmp_path, "accuracy", stuck))
    shown = "*conv2d 31×31* on letters of 64 pixels, 2 of 3."
    assert said == f"Trainings that ended below twice chance: {shown}"


def test_without_one_the_hope_stands(tmp_path: Path) -> None:
    def ahead(config: Config) -> dict[str, Any]:
        learned = not config.method.startswith("conv2d")
        return exact(config) | {"accuracy": exact(config)["accuracy"] + 10 * learned}

    verdict, words, *_ = verdicts.accuracy(load(tmp_path, "accuracy", ahead))
    assert verdict.startswith("The hope is not refuted: 24 of 24")
    assert words == "Of the 24: 24 × *beats*."


def test_part_of_the_comparisons_leaves_it_open(tmp_path: Path) -> None:
    def level(config: Config) -> dict[str, Any]:
        return exact(config) | {"accuracy": 70.0}

    found = load(tmp_path, "accuracy", level, size=32)
    assert verdicts.accuracy(found)[0].startswith("Not answered yet: 8 of 24")


def test_what_has_not_converged_cannot_be_told(tmp_path: Path) -> None:
    def slow(config: Config) -> dict[str, Any]:
        found = exact(config)
        return found | {"accuracy": 70.0 + 20.0 * protocol_runs.doubled(config)}

    assert verdicts.accuracy(load(tmp_path, "accuracy", slow))[0].startswith(
        "It cannot be told from these runs: 0 of 24"
    )


def test_the_classic_kernel_may_be_the_best_fixed_one(tmp_path: Path) -> None:
    found = load(tmp_path, "accuracy", shifted(50.0, method="conv2d_5"))
    letters, *_ = (said for said in verdicts.accuracy(found) if said.startswith("On letters"))
    assert "above conv2d 5×5, which is the best fixed kernel (falls behind, 8 seeds)" in letters


def test_slopes_are_sorted_by_what_they_say(tmp_path: Path) -> None:
    verdict, *said = verdicts.extents(load(tmp_path, "extents", metrics))
    assert verdict.startswith("The hope is refuted: 8 of 8")
    by_word = {sentence.split(":")[0]: sentence for sentence in said}
    assert "*scaled, per layer* on letters" in by_word["The interval holds 1, growth in proportion to the image"]
    assert "*scaled, per channel* on Imagenette" in by_word["Extents grow, but less than the image does"]
    assert "*scaled 7×7, per layer* on letters" in by_word["No growth is shown"]


@pytest.mark.parametrize(
    ("points", "word"),
    [(0.2, "A gain of 0.47 points is not found"), (0.48, "A gain is confirmed"), (0.6, "A gain is confirmed")],
)
def test_the_predecessors_gain_against_the_interval(points: float, word: str, tmp_path: Path) -> None:
    found = load(tmp_path, "predecessor", shifted(points, method="spline_open"))
    verdict, gain, *_ = verdicts.predecessor(found)
    assert verdict.startswith(word)
    assert gain.startswith(f"*Open spline* is {points:+.1f}")


def test_an_interval_that_holds_both_tells_nothing_of_the_gain(tmp_path: Path) -> None:
    def spread(config: Config) -> dict[str, Any]:
        return exact(config) | {"accuracy": 60.0 + (config.seed - 0.8) * (config.method == "spline_open")}

    assert verdicts.predecessor(load(tmp_path, "predecessor", spread))[0].startswith("These seeds cannot tell")


def test_changes_that_undo_the_difference_are_named(tmp_path: Path) -> None:
    measured = shifted(-20.0, method="scaled_channel", padding_mode="reflect")
    verdict, open_, undone, *kinds, given = verdicts.parts(load(tmp_path, "parts", measured))
    undoes = "The change undoes the difference, as the interval lies below 0: "
    assert undone == f"{undoes}*scaled, per channel, reflect padding*."
    assert open_.startswith("The interval holds 0, so that no difference is shown, nor that there is none: *spline*;")
    assert "padding" not in open_
    assert verdict.startswith("24 of 24 changes are measured, beside the classic kernels: ")
    assert "1 × falls behind, convergence not checked" in verdict
    said = dict(own.split("*: ", 1) for own in kinds)
    assert "*scaled, per channel, circular padding*" in said["*Beats, convergence not checked"]
    assert said["*Falls behind, convergence not checked"].startswith("*scaled, per channel, reflect padding*, -11")
    assert "*open spline*" in said["*Matches, convergence not checked"]
    assert given.startswith(
        "Of 4 spacings that all layers are given 0 are above learned ones: *scaled, per layer, 1 px, not learned*, +0.0"
    )


def test_a_given_spacing_may_be_better_than_a_learned_one(tmp_path: Path) -> None:
    *_, given = verdicts.parts(load(tmp_path, "parts", shifted(2.0, method="scaled_layer", scale=4.0, scale_rate=0.0)))
    assert given.startswith("Of 4 spacings that all layers are given 1 are above learned ones")
    assert "*scaled, per layer, 4 px, not learned*, +2.0 points" in given

    def lucky(config: Config) -> dict[str, Any]:
        once = (config.scale, config.scale_rate, config.seed) == (2.0, 0.0, 1)
        return exact(config) | {"accuracy": exact(config)["accuracy"] + 5.0 * once}

    *_, given = verdicts.parts(load(tmp_path, "parts", lucky))
    assert given.startswith("Of 4 spacings that all layers are given 0 are above learned ones")


def test_a_change_beside_a_classic_that_had_not_converged_supports_no_claim(tmp_path: Path) -> None:
    longer = shifted(30.0, method="conv2d_5", network="convnet", epochs=2 * protocol.EPOCHS)
    verdict, _, _, *kinds, _ = verdicts.parts(load(tmp_path, "parts", longer))
    assert "17 × not converged: no claim" in verdict
    said = dict(own.split("*: ", 1) for own in kinds)
    assert "*open spline*" in said["*Not converged: no claim"]
    assert "two convolutions" in said["*Beats, convergence not checked"]  # another network, without a control


@pytest.mark.parametrize(
    ("points", "word"),
    [(0.0, "With SGD no difference is shown"), (1.0, "With SGD they differ"), (-0.7, "With SGD they differ")],
)
def test_coordinates_do_as_well_or_differ(points: float, word: str, tmp_path: Path) -> None:
    verdict, sgd, adam = verdicts.coordinates(
        load(tmp_path, "coordinates", shifted(points, optimizer="sgd", method="spectral"))
    )
    assert verdict.startswith(word)
    assert f"{points:+.1f} [" in sgd
    assert "+0.0 [" in adam


def test_coordinates_wait_for_all_seeds(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", [own for own in wanted("coordinates") if own.seed < 2], exact)
    found = evidence.load("coordinates", folder=tmp_path)
    assert verdicts.coordinates(found)[0] == "Not answered yet."


def test_other_sizes_are_won_in_either_sense(tmp_path: Path) -> None:
    verdict, *said = verdicts.resolution(load(tmp_path, "resolution"))
    assert verdict.startswith("The hope is not refuted: scaled kernels are above conv2d 5×5 in 24 of 24 cases")
    assert verdict.endswith("of 48 such intervals 1.2 would lie above 0 by chance.")
    (wide,) = (each for each in said if "*scaled 7×7, per layer*" in each)
    assert "with kernels as they are at 0 of 4 and with kernels resized at 4 of 4 sizes" in wide

    def behind(config: Config) -> dict[str, Any]:
        return shifted(-50.0 * config.method.startswith("scaled"))(config)

    assert verdicts.resolution(load(tmp_path, "resolution", behind))[0].startswith("The hope is refuted")
    assert verdicts.resolution(load(tmp_path, "resolution", behind, data="letters"))[0].startswith("Not answered yet")


def test_what_is_lost_on_larger_images(tmp_path: Path) -> None:
    verdict, *said = verdicts.limits(load(tmp_path, "limits", shifted(-5.0, size=256, method="conv2d_21")))
    assert verdict.startswith("From 128 to 256 pixels accuracy changes by -21.0 to -16.0 points;")
    assert len(said) == 5


def test_scales_must_spread_and_gain(tmp_path: Path) -> None:
    def spread(config: Config) -> dict[str, Any]:
        found = exact(config)
        wide = [own and own | {"p90": 10 * own["p90"]} for own in found["scales"]]
        return found | {"scales": wide}

    found = load(tmp_path, "multiscale", spread)
    verdict, layers = verdicts.multiscale(found)
    assert verdict.startswith("The hope is not refuted: the scales of a layer at least spread, and one per channel is")
    assert "layer 1 40.0 [40.0, 40.0], from 5.3 (spread)" in layers
    assert verdicts.multiscale(load(tmp_path, "multiscale"))[0].startswith("The hope is refuted")  # they come closer

    def level(config: Config) -> dict[str, Any]:
        return spread(config) | {"accuracy": 70.0 + 0.1 * (-1) ** config.seed * (config.method == "scaled_channel")}

    assert verdicts.multiscale(load(tmp_path, "multiscale", level))[0].startswith("It cannot be told")


@pytest.mark.parametrize("question", ["parts", "coordinates", "multiscale"])
def test_it_is_said_how_many_trainings_did_not_leave_chance_level(question: str, tmp_path: Path) -> None:
    def stuck(config: Config) -> dict[str, Any]:
        return exact(config) | ({"accuracy": 8.0} if (config.method, config.seed) == ("conv2d_5", 1) else {})

    *_, said = getattr(verdicts, question)(load(tmp_path, question, stuck))
    assert said.startswith("Trainings that ended below twice chance: *conv2d 5×5")
    assert ", 1 of " in said


def test_what_a_step_costs(tmp_path: Path) -> None:
    letters, photos = verdicts.cost(load(tmp_path, "cost"))
    assert "takes 2.8 times as long as with conv2d 5×5. The deeper network with conv2d 5×5 takes 1." in letters
    assert " times as long. That is 0.23 of the time of one training with each" in letters
    assert photos.startswith("On Imagenette")
    part = [own for own in wanted("accuracy", "sweep") if own.method != "conv2d_31"]
    protocol_runs.write(tmp_path, "full", part, exact)
    assert "one training with each" not in verdicts.cost(evidence.load(*PAGES["cost"], folder=tmp_path))[0]


def test_a_step_costs_what_it_does_on_one_machine(tmp_path: Path) -> None:
    found = load(tmp_path, "cost")
    before = verdicts.cost(found)
    elsewhere = (found.rows["method"] == "conv2d_15") & (found.rows["seed"] > 0)
    found.rows.loc[elsewhere, ["machine", "step_s"]] = ["H0", 1e-12]
    assert verdicts.cost(found) == before
    few = found.rows["method"].isin(["scaled_channel", "conv2d_5"]) & (found.rows["seed"] > 0)
    found.rows.loc[few, ["machine", "step_s"]] = ["zuse", 1e-12]  # both of them, and no sweep
    assert verdicts.cost(found) == before
    found.rows.loc[found.rows["machine"] == "zuse", "machine"] = "abacus"
    found.rows.loc[found.rows["method"] == "scaled_channel", "machine"] = "H0"  # and conv2d_5 on the other
    assert verdicts.cost(found) == ["Not answered yet: times of both sides are not measured yet."]


def test_every_question_of_the_protocol_has_an_answer() -> None:
    asked = {question.name for question in protocol.questions("full")}
    assert asked - {name for names in PAGES.values() for name in names} == {"more_photos", "chosen"}  # beside accuracy


def test_seeds_are_counted_once(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", [own for own in wanted("accuracy") if own.seed < 2])
    found = evidence.load(*PAGES["accuracy"], folder=tmp_path)
    letters, *_ = (said for said in verdicts.accuracy(found) if said.startswith("On letters"))
    assert "above conv2d 5×5 (2 of 8 seeds: no verdict);" in letters
