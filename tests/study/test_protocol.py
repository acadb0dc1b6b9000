"""The protocol in code: what is trained for which question, and that the page says the same."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import methods, protocol
from fourierconv.study.data.official import OFFICIAL
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import Config
from fourierconv.study.protocol import BUDGETS, HEADLINE, RATES, SIZES
from fourierconv.study.protocol_claims import seeds_of
from fourierconv.study.store import StudyError, repository_root
from fourierconv.study.sweep import waiting
from tests.study import protocol_runs
from tests.study.protocol_runs import metrics

EXPERIMENT: Any = classification
PAGE = (repository_root() / "book" / "protocol.md").read_text()


def test_profiles_share_no_run() -> None:
    tuning, pilot, full = (set(protocol.configs(profile)) for profile in ("tuning", "pilot", "full"))
    assert not tuning & pilot
    assert not pilot & full
    assert not tuning & full


def test_the_pilot_tries_one_cell_of_every_question_with_one_seed() -> None:
    asked = {question.name: question.configs for question in protocol.questions("pilot")}
    assert set(asked) == {question.name for question in protocol.questions("full")}
    assert [name for name, configs in asked.items() if not configs] == ["chosen", "frozen"]
    assert {config.seed for configs in asked.values() for config in configs} == {protocol.PILOT_SEED}


def test_every_contender_is_somewhere() -> None:
    assert {config.method for config in protocol.configs("full")} == set(methods.METHODS)


def test_contenders_of_a_question_have_the_same_budget() -> None:
    (accuracy,) = (question for question in protocol.questions("full") if question.name == "accuracy")
    for data in ("letters", "imagenette"):
        own = [config for config in accuracy.configs if config.data == data]
        for size in SIZES:
            alike = {(c.widths, c.epochs, c.train, c.batch, c.optimizer, c.padding_mode) for c in own if c.size == size}
            assert len(alike) == 1


def test_everybody_gets_the_same_search() -> None:
    tried: dict[tuple[str, ...], set[float]] = {}
    for config in protocol.configs("tuning"):
        assert config.lr is not None
        tried.setdefault((config.data, config.network, config.method, config.optimizer), set()).add(config.lr)
    for (*_, optimizer), rates in tried.items():
        assert rates >= set(protocol.SGD_RATES if optimizer == "sgd" else RATES)
    assert all(config.validation for config in protocol.configs("tuning"))
    (accuracy,) = (question for question in protocol.questions("full") if question.name == "accuracy")
    assert {(config.data, config.network, config.method, "adam") for config in accuracy.configs} <= tried.keys()


@pytest.mark.parametrize(
    ("data", "seeds"), [("letters", {32: 5, 64: 5, 128: 5}), ("imagenette", {32: 5, 64: 5, 128: 3})]
)
def test_seeds_of_the_main_question(data: str, seeds: dict[int, int]) -> None:
    (accuracy,) = (question for question in protocol.questions("full") if question.name == "accuracy")
    cells = Counter((c.size, c.method, c.network) for c in accuracy.configs if c.data == data)
    for (size, method, network), count in cells.items():
        primary = size == 128 and method in HEADLINE  # the deeper network has one of them
        headline = data == "letters" and method in HEADLINE and network == "convnet"
        assert count == (8 if primary or headline else seeds[size])


def test_every_main_cell_has_a_control_of_twice_the_length() -> None:
    found = {question.name: question.configs for question in protocol.questions("full")}
    cells = {(c.data, c.size, c.method, c.network) for c in found["accuracy"]}
    controls = {(c.data, c.size, c.method, c.network): c.epochs for c in found["convergence"]}
    assert set(controls) == cells
    assert set(controls.values()) == {2 * protocol.EPOCHS}


def test_the_best_fixed_kernel_gets_seeds_and_a_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "repository_root", lambda: tmp_path)
    monkeypatch.setattr(protocol, "rate", lambda *contender: 0.01)
    (selection,) = (own for own in protocol.questions("full") if own.name == "selection")
    part = [own for own in selection.configs if (own.data, own.size, own.seed) != ("letters", 32, 1)]
    protocol_runs.write(tmp_path / "book" / "results", "full", part, best_of("conv2d_15"))
    assert set(protocol.chosen().values()) == {"conv2d_15"}
    assert ("letters", 32) not in protocol.chosen()
    (chosen,) = (own for own in protocol.questions("full") if own.name == "chosen")
    seeds = Counter((own.data, own.size, own.epochs) for own in chosen.configs)
    assert seeds["letters", 128, protocol.EPOCHS] == 8
    assert seeds["imagenette", 128, protocol.EPOCHS] == 8
    assert seeds["imagenette", 64, protocol.EPOCHS] == 5
    assert seeds["letters", 128, 2 * protocol.EPOCHS] == 1
    assert not any(own.validation for own in chosen.configs)


@pytest.mark.parametrize("change", [{"lr": 0.03}, {"epochs": 2 * protocol.EPOCHS}], ids=str)
def test_what_was_tried_at_another_rate_or_for_longer_chooses_nothing(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "repository_root", lambda: tmp_path)
    monkeypatch.setattr(protocol, "rate", lambda *contender: 0.01)
    (selection,) = (own for own in protocol.questions("full") if own.name == "selection")
    others = [replace(own, **change) for own in selection.configs if own.method == "conv2d_3"]

    def measured(config: Config) -> dict[str, Any]:
        return best_of("conv2d_15")(config) | ({"accuracy": 100.0} if config in others else {})

    protocol_runs.write(tmp_path / "book" / "results", "full", [*selection.configs, *others], measured)
    assert set(protocol.chosen().values()) == {"conv2d_15"}


def best_of(method: str) -> Callable[[Config], dict[str, Any]]:
    return lambda config: metrics(config) | {"accuracy": 90.0 if config.method == method else 40.0}


def test_test_images_are_not_touched_by_what_chooses() -> None:
    for profile, name in (("tuning", "rates"), ("tuning", "more_rates"), ("full", "selection")):
        (own,) = (question for question in protocol.questions(profile) if question.name == name)
        assert all(config.validation for config in own.configs)
    others = [q for q in protocol.questions("full") if q.name != "selection"]
    assert not any(config.validation for question in others for config in question.configs)


def test_a_training_is_the_same_whichever_question_asks_for_it() -> None:
    cells = Counter(replace(config, test_sizes=(), keep=False) for config in protocol.configs("full"))
    assert set(cells.values()) == {1}


def test_the_first_seed_of_a_few_contenders_leaves_its_weights() -> None:
    kept = {(c.data, c.size, c.method, c.seed) for c in protocol.configs("full") if c.keep}
    own = {data: set(protocol.KEPT) & set(methods) for data, methods in protocol.CONTENDERS.items()}
    assert kept == {(data, size, method, 0) for data in own for size in SIZES for method in own[data]}


def test_rates_are_tried_for_whatever_is_compared_with_them() -> None:
    tuned = {(c.data, c.network, c.method, c.optimizer) for c in protocol.configs("tuning")}
    served = {"letters_mixed": "letters", "cifar10": "imagenette"}
    asked = {(served.get(c.data, c.data), c.network, c.method, c.optimizer) for c in protocol.configs("full")}
    assert asked <= tuned


def test_given_spacings_are_those_of_the_parts_that_learn_none() -> None:
    asked = {question.name: question.configs for question in protocol.questions("full")}
    assert {(c.method, c.scale, c.scale_rate) for c in asked["frozen"]} == {
        ("scaled_layer", scale, 0.0) for scale in protocol.FROZEN
    }
    assert set(asked["frozen"]) < set(asked["parts"])
    assert {protocol.priorities()[config] for config in asked["frozen"]} == {3}


def test_earlier_questions_come_first() -> None:
    (accuracy,) = (question for question in protocol.questions("full") if question.name == "accuracy")
    assert {classification.priority(config)[0] for config in accuracy.configs} == {1}
    assert max(map(classification.priority, protocol.configs("full")))[0] > 1


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(StudyError, match="'quick' asks no question"):
        protocol.configs("quick")


TUNED = """profile,data,network,method,optimizer,lr,seed,accuracy
tuning,letters,convnet,conv2d_5,adam,0.001,0,70.0
tuning,letters,convnet,conv2d_5,adam,0.003,0,80.0
tuning,letters,convnet,conv2d_5,adam,0.003,1,80.0
tuning,letters,convnet,conv2d_5,adam,0.01,0,90.0
tuning,letters,convnet,conv2d_5,adam,0.01,1,4.0
tuning,letters,convnet,conv2d_5,adam,0.03,0,10.0
tuning,letters,convnet,conv2d_5,sgd,0.01,0,65.0
tuning,letters,convnet,conv2d_5,sgd,0.03,0,70.0
tuning,letters,convnet,conv2d_5,sgd,0.03,1,75.0
tuning,letters,convnet,conv2d_5,sgd,0.1,0,75.0
tuning,letters,convnet,conv2d_5,sgd,0.1,1,70.0
tuning,letters,convnet,conv2d_5,sgd,0.3,0,4.0
tuning,letters,convnet,spectral,sgd,0.01,0,65.0
tuning,letters,convnet,spectral,sgd,0.03,0,75.0
tuning,letters,convnet,spectral,sgd,0.1,0,80.0
tuning,letters,convnet,spectral,sgd,0.3,0,4.0
tuning,letters,convnet,spline,adam,0.001,0,75.0
tuning,letters,convnet,spline,adam,0.01,0,70.0
tuning,letters,convnet,window_5,adam,0.001,0,70.0
tuning,letters,convnet,window_5,adam,0.003,0,70.0
tuning,letters,convnet,window_5,adam,0.01,0,70.0
tuning,letters,convnet,window_5,adam,0.03,0,70.0
tuning,letters,convnet,window_5,adam,0.001,1,70.0
"""


@pytest.fixture
def tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book" / "results" / "tuning" / "classification.csv"
    path.parent.mkdir(parents=True)
    path.write_text(TUNED)
    monkeypatch.setattr(protocol, "repository_root", lambda: tmp_path)


@pytest.mark.usefixtures("tuned")
def test_the_best_rate_on_what_was_set_aside_is_taken() -> None:
    assert protocol.rate("letters", "conv2d_5", "adam") == 0.003  # 0.01 fails with the other seed
    assert protocol.rate("letters_mixed", "conv2d_5", "adam") == 0.003
    assert protocol.rate("letters", "conv2d_5", "sgd") == 0.03  # of equal ones
    assert protocol.rate("letters", "spectral", "sgd") == 0.03
    assert protocol.rate("imagenette", "conv2d_5", "adam") is None
    assert protocol.rate("letters", "spline", "adam") is None  # two rates are not tried yet
    assert protocol.rate("letters", "window_5", "adam") is None  # a second seed is missing
    assert protocol.rate("letters", "conv2d_5", "adam", "deeper") is None  # not tried in this network
    trainings = [protocol.train("letters", 64, name, 0) for name in ("conv2d_5", "spline", "window_5")]
    assert {own.method for own in waiting(EXPERIMENT, trainings)} == {"spline", "window_5"}


def test_a_search_goes_on_where_an_end_is_best() -> None:
    rates, stuck = protocol.RATES, 0.0

    def searched(found: dict[float, dict[int, float]]) -> tuple[set[tuple[float, int]], float | None]:
        needed, chosen = protocol._search(found, rates, stuck)
        return {own for own in needed if own[1] not in found.get(own[0], {})}, chosen

    found: dict[float, dict[int, float]] = {rate: {0: 10.0 * place} for place, rate in enumerate(rates)}
    assert searched({}) == ({(rate, 0) for rate in rates}, None)
    assert searched(found) == ({(0.01, 1), (0.03, 1)}, None)
    found[0.01][1], found[0.03][1] = 20.0, 30.0  # the largest is best
    assert searched(found) == ({(0.1, 0)}, None)
    assert searched(found | {0.1: {0: 5.0}}) == (set(), 0.03)
    found[0.1] = {0: 40.0}  # one more is best, at first
    assert searched(found) == ({(0.1, 1)}, None)
    found[0.1][1] = 4.0
    assert searched(found) == (set(), 0.03)
    found[0.1][1] = 40.0
    assert searched(found) == ({(0.3, 0)}, None)
    falling = {rate: dict.fromkeys((0, 1), 10.0 * place) for place, rate in enumerate(reversed(protocol.ALL_RATES))}
    assert searched(falling) == (set(), 0.0001)  # there is no smaller one


def test_a_search_goes_on_below_where_no_rate_leaves_chance_level() -> None:
    guesses: dict[float, dict[int, float]] = {rate: {0: 10.0, 1: 10.0} for rate in protocol.RATES}
    guesses[0.003] = {0: 11.0, 1: 11.0}
    needed, chosen = protocol._search(guesses, protocol.RATES, 20.0)
    assert ((0.0003, 0) in needed, chosen) == (True, None)
    assert protocol._search(guesses, protocol.RATES, 10.5)[1] == 0.003
    learned = guesses | {0.0003: {0: 60.0, 1: 60.0}, 0.0001: {0: 50.0, 1: 50.0}}
    assert protocol._search(learned, protocol.RATES, 20.0)[1] == 0.0003


def test_only_the_tables_of_the_current_repository_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> tuple[Any, ...]:
        rate = protocol.rate("letters", "conv2d_5", "adam")
        return rate, protocol.priorities(), seeds_of("letters", 128, "conv2d_5")

    path = tmp_path / protocol.RATES_TABLE
    path.parent.mkdir(parents=True)
    before = asked()
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir(tmp_path)
        without = asked()
        path.write_text(TUNED)
        assert protocol.rate("letters", "conv2d_5", "sgd") == 0.03
        assert len(asked()[2]) == 8
    assert without[0] is None is not before[0]
    assert without[1].keys() != before[1].keys()
    assert asked() == before


def test_a_damaged_table_of_rates_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / protocol.RATES_TABLE
    path.parent.mkdir(parents=True)
    path.write_text(TUNED[:-9])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=r"classification\.csv is damaged .* git checkout"):
        protocol.rate("letters", "conv2d_5", "adam")


@pytest.mark.usefixtures("tuned")
def test_the_best_two_rates_get_another_seed() -> None:
    second = {(c.method, c.optimizer, c.lr) for c in protocol.configs("tuning") if c.seed}
    assert second == {
        *(("conv2d_5", "adam", lr) for lr in (0.003, 0.01)),
        *((method, "sgd", lr) for method in ("conv2d_5", "spectral") for lr in (0.03, 0.1)),
        *(("window_5", "adam", lr) for lr in (0.001, 0.003)),
    }


@pytest.mark.usefixtures("tuned")
def test_rates_are_left_until_all_are_tried() -> None:
    left = {(c.data, c.method, c.lr, c.seed) for c in protocol.rates_left()}
    assert ("letters", "window_5", 0.003, 1) in left
    assert ("letters", "spline", 0.003, 0) in left
    assert ("letters", "window_5", 0.001, 1) not in left
    assert ("letters", "conv2d_5", 0.01, 1) not in left


def test_the_pilots_runs_stay_its_own_whatever_rates_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = protocol.configs("pilot")
    monkeypatch.setattr(protocol, "rate", lambda *contender: 0.01)
    assert protocol.configs("pilot") == before


def listed(numbers: Sequence[float]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}"


def test_the_page_says_what_the_code_does() -> None:
    said = " ".join(PAGE.split())
    letters, photos = BUDGETS["letters"], BUDGETS["imagenette"]
    assert f"**Letters**: {letters['classes']} capitals" in said
    assert f"{letters['train']:,} to train, {letters['test']:,} to test" in said
    assert f"{photos['train']:,} of the {OFFICIAL['imagenette'].train:,} training photographs" in said
    assert f"three convolutions of {listed(letters['widths'])} channels" in said
    assert f"trained for {protocol.EPOCHS} epochs, with batches of {classification.Config.batch}, Adam" in said
    assert f"the rates {listed(RATES)} are tried at {protocol.TUNED_AT} pixels" in said
    assert f"question 1 with 2 and 6 at {listed(SIZES)} pixels" in said
    assert f"the plain one with {listed(protocol.WIDER)} channels" in said
