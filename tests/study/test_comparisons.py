"""Comparisons: intervals over seeds, differences paired by seed, exponents of growth, and tables in order."""

import pandas as pd
import pytest

from fourierconv.study import comparisons, frames, statistics
from fourierconv.study.experiments import image_size
from fourierconv.study.frames import Runs
from tests.study.finished_runs import GAIN, GROWTH, image_size_store

MANY = len(image_size.METHODS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return frames.runs(image_size, "quick", image_size_store(tmp_path_factory.mktemp("runs")))


def test_means_are_the_intervals_over_seeds(runs: Runs) -> None:
    means = comparisons.means(runs.rows, "accuracy", ["method", "size"])
    assert len(means) == 3 * MANY
    own = runs.rows[(runs.rows["method"] == "window") & (runs.rows["size"] == 64)]
    expected = statistics.interval(own["accuracy"].tolist())
    (mean,) = means[(means["method"] == "window") & (means["size"] == 64)].to_dict("records")
    assert statistics.Interval(*(mean[name] for name in ("mean", "low", "high", "sd", "n"))) == expected


def test_differences_are_paired_by_seed_whatever_the_order_of_the_rows(runs: Runs) -> None:
    shuffled = comparisons.differences(runs.rows.sample(frac=1, random_state=0))
    expected = comparisons.differences(runs.rows)
    keys = ["size", "method", "seed"]
    pd.testing.assert_frame_equal(*(f.sort_values(keys).reset_index(drop=True) for f in (shuffled, expected)))
    assert len(expected) == (MANY - 1) * 3 * 3
    means = expected.groupby("method")["difference"].mean()
    assert means["spline"] == pytest.approx(GAIN["spline"])


def test_differences_need_the_baseline_and_its_seeds(runs: Runs) -> None:
    with pytest.raises(ValueError, match="not the baseline conv2d_5"):
        comparisons.differences(runs.rows[runs.rows["method"] != "conv2d_5"])
    with pytest.raises(ValueError, match=r"seeds \[2\] are on one side only"):
        comparisons.differences(runs.rows[(runs.rows["method"] != "conv2d_5") | (runs.rows["seed"] < 2)])


def test_verdicts_are_those_of_the_intervals(runs: Runs) -> None:
    verdicts = comparisons.verdicts(runs.rows).set_index(["method", "size"])["verdict"]
    assert set(verdicts["spline"]) == {"falls behind"}
    assert set(verdicts["scaled_channel"]) == {"beats"}
    against_spline = comparisons.verdicts(runs.rows, baseline="spline").set_index("method")["verdict"]
    assert "spline" not in against_spline
    assert set(against_spline["window"]) == {"beats"}


def test_slopes_are_the_exponents_of_growth(runs: Runs) -> None:
    slopes = comparisons.slopes(runs.rows, ["extent_1", "extent_3"])
    assert len(slopes) == MANY * 3 * 2
    last = slopes[slopes["column"] == "extent_3"].set_index(["method", "seed"])["slope"]
    for method, exponent in GROWTH.items():
        assert last[method].tolist() == pytest.approx([exponent] * 3)


def test_one_size_has_no_slope(runs: Runs) -> None:
    slopes = comparisons.slopes(runs.rows[runs.rows["size"] == 64], ["extent_3"])
    assert slopes.empty
    assert comparisons.means(slopes, "slope", ["method"]).empty
    assert comparisons.sentences(comparisons.means(slopes, "slope", ["method"]), "{mean}").data == ""


def test_a_cross_table_keeps_the_order_of_contenders_and_sizes(runs: Runs) -> None:
    table = comparisons.cross(comparisons.verdicts(runs.rows), "{mean:+.1f}, {verdict}", "method", "size")
    assert table.index.tolist() == [method for method in image_size.METHODS if method != "conv2d_5"]
    assert table.columns.tolist() == [32, 64, 128]
    assert table.loc["spline", 128] == "-2.0, falls behind"


def test_sentences_call_contenders_by_name() -> None:
    frame = pd.DataFrame({"method": ["conv2d_11", "window"], "low": [1.0, 2.0]})
    assert comparisons.sentences(frame, "{label}: {low:.0f}").data == "- conv2d 11×11: 1\n- window: 2"
