"""The claims: measured on tables of known answer, shown as the book shows them, checked against committed ones."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fourierconv.study.claims import (
    CLAIMS,
    CLASSIC,
    LEARNED,
    SIZES,
    Claim,
    accuracy_gain,
    check,
    export_change,
    extent_slope,
    measure,
    own_network_gain,
    own_networks,
    per_seed,
    read_expected,
    recovered_ratio,
    select,
    to_rows,
    values,
)
from fourierconv.study.claims import COLUMNS as CLAIM_COLUMNS
from fourierconv.study.experiments import image_size, own_network, size_recovery
from fourierconv.study.statistics import Interval
from fourierconv.study.store import StudyError
from fourierconv.study.tables import Row, to_csv

SEEDS = (0, 1, 2)
# Per contender: points of accuracy above the classic, the power of the size that its extent follows, extent / true one.
ANSWERS = {
    "conv2d_5": (0.0, 0.0, 0.3),
    "spectral": (0.1, 0.0, 0.3),
    "conv2d_11": (1.5, 0.1, 0.6),
    "spline": (-2.0, 0.0, 0.5),
    "window": (3.0, 0.5, 0.9),
    "scaled_layer": (4.0, 1.0, 1.0),
    "scaled_channel": (12.5, 0.75, 1.1),
}
# Committed mean, sd and number of seeds, the mean of the re-run, the floor, whether it is within:
# for 3 seeds t(0.975, 2)·√(2/3) = 3.513.
CHECKS = [
    (10.0, 1.0, 3, 13.5, 0.5, True),
    (10.0, 1.0, 3, 13.53, 0.5, False),
    (10.0, 1.0, 3, 6.49, 0.5, True),
    (10.0, 0.0, 3, 10.5, 0.5, True),
    (10.0, 0.0, 3, 10.51, 0.5, False),
]


IMAGE_SIZE: list[Row] = [
    {
        "size": size,
        "method": method,
        "seed": seed,
        "accuracy": 50 + 3 * seed + 0.1 * size + gain,
        "extent_3": 0.5 * size**power,
    }
    for method, (gain, power, _) in ANSWERS.items()
    for size in SIZES
    for seed in SEEDS
]
SIZE_RECOVERY: list[Row] = [
    {"teacher": teacher, "method": method, "seed": seed, "true_extent": true, "extent": true * ratio * factor}
    for method, (_, _, ratio) in ANSWERS.items()
    for seed in SEEDS
    # The last teacher is an outlier, which a median does not see.
    for teacher, true, factor in (("disc", 4.0, 1.0), ("ring", 8.0, 1.0), ("bar", 16.0, 9.0))
]
OWN_NETWORK: list[Row] = [
    {"widths": widths, "method": method, "seed": seed, "accuracy": 80.0 + seed + gain, "exported_accuracy": exported}
    for widths, gained in (("8-16-32-32", 0.5), ("8-16-16-16", 1.5))
    for seed in SEEDS
    for method, gain, exported in (("original", 0.0, ""), ("converted", gained, 81.25 + seed))
]
TABLES = {"image_size": IMAGE_SIZE, "size_recovery": SIZE_RECOVERY, "own_network": OWN_NETWORK}


def fixed(values: Sequence[float], floor: float = 0.5, unit: str = "points") -> Claim:
    return Claim("gain", "A gain.", lambda tables: values, unit, floor)


@pytest.mark.parametrize("method", ANSWERS)
def test_each_contender_has_its_known_answers(method: str) -> None:
    gain, power, ratio = ANSWERS[method]
    for size in SIZES:
        assert accuracy_gain(TABLES, method, size) == pytest.approx([gain] * 3)
    assert extent_slope(TABLES, method) == pytest.approx([power] * 3)
    assert recovered_ratio(TABLES, method) == pytest.approx([ratio] * 3)


def test_the_tutorials_network_has_its_known_answers() -> None:
    assert own_network_gain(TABLES, "wide") == [0.5] * 3
    assert own_network_gain(TABLES, "narrow") == [1.5] * 3
    assert export_change(TABLES, "narrow") == [-0.25] * 3


def test_every_claim_of_the_study_is_measured_and_has_a_name_of_its_own() -> None:
    measured = measure(CLAIMS, TABLES)
    assert len(measured) == len(CLAIMS)
    assert {found.n for found in measured.values()} == {len(SEEDS)}
    assert measured["difference_window_128"].mean == pytest.approx(3.0)
    assert all(claim.statement.endswith(".") and claim.floor > 0 for claim in CLAIMS)


def test_every_claim_speaks_of_contenders_and_sizes_that_the_quick_profile_runs() -> None:
    sweep = image_size.configs("quick")
    assert {config.size for config in sweep} >= set(SIZES)
    assert {config.method for config in sweep} >= {CLASSIC, "conv2d_11", *LEARNED}
    assert {config.method for config in size_recovery.configs("quick")} >= {CLASSIC, "spectral", *LEARNED}
    assert {"size", "method", "seed", "accuracy", "extent_3"} <= set(image_size.columns)
    assert {"method", "seed", "extent", "true_extent"} <= set(size_recovery.columns)
    assert {"widths", "method", "seed", "accuracy", "exported_accuracy"} <= set(own_network.columns)


@pytest.mark.parametrize("profile", own_network.WIDTHS)
def test_claims_of_the_tutorials_networks_are_of_the_profiles_own(profile: str) -> None:
    rows: list[Row] = [{"widths": own_network.joined(config.widths)} for config in own_network.configs(profile)]
    assert list(own_networks(rows).values()) == [own_network.joined(widths) for widths in own_network.WIDTHS[profile]]


def test_a_claim_whose_rows_are_missing_is_named() -> None:
    tables = TABLES | {"image_size": select(TABLES, "image_size", size=32)}
    with pytest.raises(
        StudyError, match=r"claim difference_\w+_64 cannot be measured: the table image_size has no row"
    ):
        measure(CLAIMS, tables)


def test_a_missing_pair_is_named() -> None:
    lonely = [row for row in IMAGE_SIZE if (row["method"], row["seed"]) != ("window", 2)]
    with pytest.raises(ValueError, match=r"seeds \[2\]"):
        accuracy_gain({"image_size": lonely}, "window", 32)


def test_two_contenders_are_not_taken_for_one() -> None:
    with pytest.raises(ValueError, match=f"{3 * len(ANSWERS)} rows for 3 seeds"):
        per_seed(select(TABLES, "image_size", size=32), "accuracy")


def test_values_are_what_prose_shows() -> None:
    points, ratio = fixed([11.9, 12.3, 12.7]), Claim("ratio", "A ratio.", lambda tables: [1.0, 1.1, 1.2], "", 0.02)
    claims = [points, ratio]
    assert values(claims, {}, measure(claims, {})) == {
        "gain": "+12.3 points [11.3, 13.3]",
        "gain_verdict": "beats",
        "gain_doubt": "",
        "ratio": "1.10 [0.85, 1.35]",
    }


@pytest.mark.parametrize(("mean", "sd", "n", "got", "floor", "within"), CHECKS)
def test_a_re_run_is_within_or_not(mean: float, sd: float, n: int, got: float, floor: float, within: bool) -> None:
    claim = fixed([got, got], floor)
    text, met = check([claim], measure([claim], {}), {"gain": Interval(mean, mean - 1, mean + 1, sd, n)})
    assert met is within
    assert text.splitlines()[0].split() == ["claim", "expected", "got", "within?"]
    assert text.splitlines()[1].split()[-1] == ("yes" if within else "NO")


def test_without_an_expectation_nothing_is_outside() -> None:
    claim = fixed([1.0, 2.0])
    text, met = check([claim], measure([claim], {}), {})
    assert met
    assert "no expectation committed" in text


def test_a_committed_claim_that_is_gone_is_outside() -> None:
    text, met = check([], {}, {"gain": Interval(1.0, 0.0, 2.0, 1.0, 3)})
    assert not met
    assert "no longer measured" in text


def test_committed_claims_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    assert read_expected(path) == {}
    measured = measure(CLAIMS, TABLES)
    path.write_text(to_csv(to_rows(CLAIMS, measured), CLAIM_COLUMNS))
    expected = read_expected(path)
    assert expected.keys() == measured.keys()
    for name, interval in expected.items():
        assert interval.mean == pytest.approx(measured[name].mean, rel=1e-5, abs=1e-9)
        assert interval.n == len(SEEDS)
    assert check(CLAIMS, measured, expected)[1]


@pytest.mark.parametrize(
    "text", ["name,value\ngain\n", "name,value\ngain,1.0\n", ",".join(CLAIM_COLUMNS) + "\ngain,,,,,,,\n"]
)
def test_damaged_committed_claims_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(text)
    with pytest.raises(StudyError, match=f"{path} is damaged"):
        read_expected(path)
