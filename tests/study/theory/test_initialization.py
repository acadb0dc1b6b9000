import pytest
import torch

from fourierconv.parameterizations import NAMES
from fourierconv.study.theory.initialization import CASES, Case, variance_ratios


def test_white_images_give_the_variance_of_conv2d() -> None:
    rows = variance_ratios([case for case in CASES if case.scale != 8.0], channels=64, seed=0)
    # 'free' starts as 'spectral' does
    assert {str(row["parameterization"]) for row in rows} == set(NAMES) - {"free"}
    for row in rows:
        assert row["white"] == pytest.approx(1, abs=0.1), row


def test_only_interpolated_taps_amplify_clouds() -> None:
    cases = [Case("spatial", 11), Case("window", 21, 2.0), Case("scaled", 5, 2.0), Case("scaled", 5, 4.0)]
    spatial, window, two, four = variance_ratios(cases, channels=64, seed=1)
    assert spatial["1/f"] == pytest.approx(1, abs=0.15)
    assert window["1/f"] == pytest.approx(1, abs=0.15)
    assert float(str(four["1/f"])) > 2 * float(str(two["1/f"])) > 6


def test_scales_are_shown_as_asked_for() -> None:
    rows = variance_ratios([Case("spatial", 3), Case("scaled", 3, 2.0), Case("scaled", 3, (1.0, 8.0))], 4, seed=0)
    assert [row["scale"] for row in rows] == ["–", "2", "1–8"]


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    variance_ratios([Case("spatial", 3)], channels=2, seed=0)
    assert torch.equal(before, torch.get_rng_state())
